"""What a request says: whether snapshots may answer it, and which body its reader already has."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.http import parse_etags

SAFE_METHODS = frozenset({"GET", "HEAD"})
TRACKING_PREFIXES = ("utm_", "mc_", "pk_", "hsa_")
TRACKING_PARAMS = frozenset({"fbclid", "gclid", "msclkid", "dclid", "yclid", "igshid", "mkt_tok", "_hsenc", "_hsmi"})


def make_cacheable_check() -> Callable[[dict[str, Any]], bool]:
    """What decides, with the settings of this moment, whether the answer is the same for everybody.

    As far as the request tells. One for each application.
    """
    session, only_tls, hosts = settings.SESSION_COOKIE_NAME, settings.SECURE_SSL_REDIRECT, list(settings.ALLOWED_HOSTS)

    def known(host: str) -> bool:
        domain, _ = split_domain_port(host)
        return bool(domain) and validate_host(domain, hosts)

    def is_plain(environ: dict[str, Any]) -> bool:
        query = environ.get("QUERY_STRING")
        return (
            environ["REQUEST_METHOD"] in SAFE_METHODS
            and known(environ.get("HTTP_HOST", ""))
            and "HTTP_AUTHORIZATION" not in environ
            and ("HTTP_COOKIE" not in environ or session not in environ["HTTP_COOKIE"])
            and not (only_tls and environ.get("HTTP_X_FORWARDED_PROTO") != "https")
            and (not query or has_only_tracking_params(query))
        )

    return is_plain


def has_only_tracking_params(query: str) -> bool:
    """Whether a query holds nothing but what mail and advertisement programs add."""
    return all(
        name.startswith(TRACKING_PREFIXES) or name in TRACKING_PARAMS
        for name, _ in parse_qsl(query, keep_blank_values=True)
    )


def matches_etag(if_none_match: str, etag: str) -> bool:
    """Whether an If-None-Match header names this tag (RFC 9110 §13.1.2: compared weakly)."""
    tags = parse_etags(if_none_match)
    return tags == ["*"] or etag in {tag.removeprefix("W/") for tag in tags}
