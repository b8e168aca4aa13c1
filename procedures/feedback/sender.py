"""Who sends a form, as far as the request says: our own page or another one, and from which address."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest


def comes_from_here(request: HttpRequest) -> bool:
    """Whether the form was sent from a page of this site. Every browser of the last years says so with a POST."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    origin = request.headers.get("Origin", "")
    return origin == settings.PUBLIC_URL or (
        urlsplit(origin).scheme in {"http", "https"} and urlsplit(origin).netloc == request.get_host()
    )


def address_of(request: HttpRequest) -> str:
    """Whom to count an answer to; used for the limits only, and kept nowhere. Behind a proxy, what that adds last."""
    if settings.BEHIND_TLS:
        return request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))
