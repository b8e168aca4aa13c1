"""The one redirect that a public address may cost."""

from django.http import HttpResponse

HEALS_AFTER = "max-age=1800"  # seconds; a wrong redirect is forgotten after half an hour


def moved(path: str) -> HttpResponse:
    """To the canonical address. It comes from a row or from our own list, never from the request."""
    response = HttpResponse(status=301)
    response.headers["Location"] = path
    response.headers["Cache-Control"] = HEALS_AFTER
    return response
