"""The one redirect that a public address may cost."""

from django.http import HttpResponse, HttpResponseRedirect

from portal.serving.public import Lasting

# A page may come back to an earlier address. A browser or a cache on the way that still held the redirect from there
# would send its reader round in a circle, so each use of a redirect asks whether it still holds.
REVALIDATE = "no-cache"


def moved(path: str, *, lasting: bool = False) -> HttpResponse:
    """To the canonical address. It comes from a row or from our own list, never from the request.

    ``lasting``: from an address that has a row of its own. There is no end to the others: they are not stored.
    """
    response = Lasting(status=301) if lasting else HttpResponse(status=301)
    response.headers["Location"] = path
    response.headers["Cache-Control"] = REVALIDATE
    return response


def to_staff(path: str) -> HttpResponse:
    """To a page for staff. The address may hold the token of a one-time link: nothing on the way may keep it."""
    response = HttpResponseRedirect(path)
    response.headers["Cache-Control"] = "no-store"
    return response
