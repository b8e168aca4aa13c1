"""Validation of the Host header, and detection of loopback host names."""

from collections.abc import Callable
from ipaddress import ip_address

from django.http import HttpRequest, HttpResponse

# Load balancers probe these by IP address, and the responses do not depend on the host.
PROBE_PATHS = frozenset({"/healthz", "/readyz"})


def is_loopback(host: str) -> bool:
    """Return whether a host name or IP address, with or without brackets, means this machine only."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class AllowedHostsMiddleware:
    """Responds with 400 to a Host outside ``ALLOWED_HOSTS``. Django checks only in views that call ``get_host()``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in PROBE_PATHS:
            request.get_host()
        return self.get_response(request)
