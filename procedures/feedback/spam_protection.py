"""Rate limiting of answers without storing IP addresses, and a same-origin check."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from portal.security.request_limits import TokenBucket

# Answers from one client, and from all together, in each process.
CLIENT_RATE_LIMIT = TokenBucket(burst=6, per_second=6 / 3600, max_keys=20_000)
TOTAL_RATE_LIMIT = TokenBucket(burst=120, per_second=120 / 3600)


def is_rate_limited(client: str) -> bool:
    """Count an answer from a client's network; return True if there were too many from it, or from everyone.

    An empty ``client`` (unknown behind a proxy) counts toward the total only.
    """
    return bool(client and not CLIENT_RATE_LIMIT.consume(client)) or not TOTAL_RATE_LIMIT.consume("")


def is_same_origin(request: HttpRequest) -> bool:
    """Return whether a POST came from a page of this site, by the headers that every current browser sends.

    This takes the place of a CSRF token, which would need a cookie.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    origin = request.headers.get("Origin", "")
    return origin == settings.PUBLIC_URL or (
        urlsplit(origin).scheme in {"http", "https"} and urlsplit(origin).netloc == request.get_host()
    )
