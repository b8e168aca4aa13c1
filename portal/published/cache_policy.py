"""Cache policy: which requests a stored page may answer, and which responses may be stored."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.http import parse_etags

CACHEABLE_STATUSES = ("200 ", "301 ", "410 ")
SAFE_METHODS = frozenset({"GET", "HEAD"})
TRACKING_PREFIXES = ("utm_", "mc_", "pk_", "hsa_")
TRACKING_PARAMS = frozenset({"fbclid", "gclid", "msclkid", "dclid", "yclid", "igshid", "mkt_tok", "_hsenc", "_hsmi"})


def make_cacheable_check() -> Callable[[dict[str, Any]], bool]:
    """Return a function that tells from a WSGI environ whether a stored page may answer the request.

    The settings are read once, when the function is created.
    """
    session_cookie, hosts = settings.SESSION_COOKIE_NAME, list(settings.ALLOWED_HOSTS)
    https_only = settings.SECURE_SSL_REDIRECT

    def is_allowed_host(host: str) -> bool:
        domain, _ = split_domain_port(host)
        return bool(domain) and validate_host(domain, hosts)

    def is_cacheable_request(environ: dict[str, Any]) -> bool:
        query = environ.get("QUERY_STRING")
        return (
            environ["REQUEST_METHOD"] in SAFE_METHODS
            and is_allowed_host(environ.get("HTTP_HOST", ""))
            and "HTTP_AUTHORIZATION" not in environ
            and ("HTTP_COOKIE" not in environ or session_cookie not in environ["HTTP_COOKIE"])
            and not (https_only and environ.get("HTTP_X_FORWARDED_PROTO") != "https")
            and (not query or has_only_tracking_params(query))
        )

    return is_cacheable_request


def is_cacheable(status: str, headers: list[tuple[str, str]]) -> bool:
    """Return whether a response is the same for every client, so that it may be stored and served to all.

    ``status`` is a WSGI status line, such as ``200 OK``. A response with a cookie, authentication, a partial body, a
    ``Vary`` on anything but the encoding, or a forbidding ``Cache-Control`` may not.
    """
    if not status.startswith(CACHEABLE_STATUSES):
        return False
    for name, value in headers:
        match name.lower():
            case "set-cookie" | "www-authenticate" | "content-range":
                return False
            case "vary" if value.strip().lower() != "accept-encoding":
                return False
            case "cache-control" if "private" in value.lower() or "no-store" in value.lower():
                return False
    return True


def has_only_tracking_params(query: str) -> bool:
    """Return whether a query string has only the parameters that email and advertising services add to links."""
    return all(
        name.startswith(TRACKING_PREFIXES) or name in TRACKING_PARAMS
        for name, _ in parse_qsl(query, keep_blank_values=True)
    )


def matches_etag(if_none_match: str, etag: str) -> bool:
    """Return whether an If-None-Match header contains this ETag, by weak comparison (RFC 9110 §13.1.2)."""
    tags = parse_etags(if_none_match)
    return tags == ["*"] or etag in {tag.removeprefix("W/") for tag in tags}
