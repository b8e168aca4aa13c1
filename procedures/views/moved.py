"""The one redirect that a public address may cost."""

from django.http import HttpResponse, HttpResponseRedirect

from portal.serving.public import Lasting


def moved(path: str, *, lasting: bool = False) -> HttpResponse:
    """Redirect to the canonical address. It comes from a row or from our own list, never from the request.

    ``lasting``: from an address that has a row of its own. There is no end to the others: they are not stored.

    Without a Cache-Control of its own, so that ``public`` makes browsers revalidate it: a page may come back to an
    earlier address, and a cached redirect from there would send its reader around in a circle.
    """
    return (Lasting if lasting else HttpResponse)(status=301, headers={"Location": path})


def to_staff(path: str) -> HttpResponse:
    """Redirect to a page for staff. The address may contain the token of a one-time link: no cache may store it."""
    response = HttpResponseRedirect(path)
    response.headers["Cache-Control"] = "no-store"
    return response
