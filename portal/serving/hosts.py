"""Requests for a host that is not ours are refused at the door."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# A load balancer asks by the machine's own address; what these answer is the same for everybody.
PROBES = frozenset({"/healthz", "/readyz"})


class KnownHostMiddleware:
    """400 for a Host outside ``ALLOWED_HOSTS``. Django checks it only where a view asks for it, and ours never do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in PROBES:
            request.get_host()
        return self.get_response(request)
