"""Security headers, the same on every response, and validation of the Host header of requests."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
DISABLED_FEATURES = (
    "accelerometer camera display-capture geolocation gyroscope magnetometer microphone midi payment usb"
)

# Load balancers probe these by IP address, and the responses do not depend on the host.
PROBE_PATHS = frozenset({"/healthz", "/readyz"})

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in (*DISABLED_FEATURES.split(), "interest-cohort")),
}


class SecurityHeadersMiddleware:
    """Adds the security headers. Must be the outermost middleware, so that error responses get them too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in SECURITY_HEADERS.items():
            # A view may set a stricter value (serve_stored_file: sandbox).
            response.headers.setdefault(name, value)
        return response


class AllowedHostsMiddleware:
    """Responds with 400 to a Host outside ``ALLOWED_HOSTS``. Django checks only in views that call ``get_host()``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in PROBE_PATHS:
            request.get_host()
        return self.get_response(request)
