"""The one redirect that a public address may cost."""

from django.http import HttpResponse

from portal.serving.public import Lasting

HEALS_AFTER = "max-age=1800"  # seconds; a wrong redirect is forgotten after half an hour


def moved(path: str, *, lasting: bool = False) -> HttpResponse:
    """To the canonical address. It comes from a row or from our own list, never from the request.

    ``lasting``: from an address that has a row of its own. There is no end to the others: they are not kept.
    """
    response = Lasting(status=301) if lasting else HttpResponse(status=301)
    response.headers["Location"] = path
    response.headers["Cache-Control"] = HEALS_AFTER
    return response
