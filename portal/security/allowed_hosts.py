"""Names of hosts."""

from collections.abc import Callable
from ipaddress import ip_address

from django.http import HttpRequest, HttpResponse


def is_loopback(host: str) -> bool:
    """Whether a host, as it stands in an address or a setting, is this machine and no other."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


# A load balancer asks by the machine's own address; what these answer is the same for everybody.
PROBE_PATHS = frozenset({"/healthz", "/readyz"})


class AllowedHostsMiddleware:
    """400 for a Host outside ``ALLOWED_HOSTS``. Django checks it only where a view asks for it, and ours never do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in PROBE_PATHS:
            request.get_host()
        return self.get_response(request)
