"""Which requests may be answered from the snapshots: those in which nothing is about one reader."""

from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.http.request import split_domain_port, validate_host

TRACKING = ("utm_", "mc_", "pk_", "hsa_")
TRACKING_NAMES = frozenset({"fbclid", "gclid", "msclkid", "dclid", "yclid", "igshid", "mkt_tok", "_hsenc", "_hsmi"})


class Plain:
    """Decides with the settings of the moment it was made; one for each application."""

    def __init__(self) -> None:
        self._session = settings.SESSION_COOKIE_NAME
        self._only_tls = settings.SECURE_SSL_REDIRECT
        hosts = list(settings.ALLOWED_HOSTS)

        @lru_cache(maxsize=128)
        def known(host: str) -> bool:
            domain, _ = split_domain_port(host)
            return bool(domain) and validate_host(domain, hosts)

        self._known = known

    def __call__(self, environ: dict[str, Any]) -> bool:
        """Whether the answer is the same for everybody, as far as the request tells."""
        return (
            environ["REQUEST_METHOD"] in {"GET", "HEAD"}
            and self._known(environ.get("HTTP_HOST", ""))
            and "HTTP_AUTHORIZATION" not in environ
            and self._session not in environ.get("HTTP_COOKIE", "")
            and not (self._only_tls and environ.get("HTTP_X_FORWARDED_PROTO") != "https")
            and only_tracking(environ.get("QUERY_STRING", ""))
        )


def only_tracking(query: str) -> bool:
    """Whether a query holds nothing but what mail and advertisement programs add."""
    return not query or all(
        name.startswith(TRACKING) or name in TRACKING_NAMES for name, _ in parse_qsl(query, keep_blank_values=True)
    )
