"""Security headers, allowed hosts, the network of a client, and limits on requests.

Requests are limited in number (TokenBucket), in size, and in the time that a body may take to arrive. All of this is
counted in the memory of one process. Attempts to sign in are counted in the database instead
(portal/accounts/throttle.py), because an attacker must not get a new count from each web process and each restart.
"""

import hashlib
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError

from portal import MEGABYTE
from portal.http import get_content_length, is_staff_path, plain_response

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

# Load balancers and Prometheus request these by IP address, and the responses do not depend on the host.
PROBE_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})

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

IPV6_PREFIX_BITS = 64  # the smallest network that a household or clinic gets
# Stands for the network of every client whose address the proxy sent in an unknown form. They share one limit.
UNREADABLE_NETWORK = "unreadable"

MAX_TRACKED_KEYS = 10_000
KEY_LIFETIME_SECONDS = 86_400

MAX_ANONYMOUS_BODY = 64 * 1024  # bytes; public forms are a few hundred bytes
MAX_FILE_BYTES = 250 * MEGABYTE  # the largest file that any form accepts
MAX_STAFF_BODY = MAX_FILE_BYTES + MEGABYTE  # with the form around it
BODY_TIMEOUT_SECONDS = 10
# Anonymous bodies read at the same time; a web process's other threads (16 in all) stay free for readers.
MAX_CONCURRENT_BODIES = 6
# After a timeout, a reader thread stays alive until the client closes the connection.
MAX_ABANDONED_BODIES = 100

_body_slots = threading.BoundedSemaphore(MAX_CONCURRENT_BODIES)
_reader_slots = threading.BoundedSemaphore(MAX_CONCURRENT_BODIES + MAX_ABANDONED_BODIES)
log = logging.getLogger(__name__)


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


def client_network(request: HttpRequest) -> str:
    """Return the client's IPv4 address or IPv6 network, or an empty string if only the proxy's address is known.

    With HTTPS, a proxy is in front of the site. Only the last address in X-Forwarded-For comes from the proxy; the
    client can forge the others. If it cannot be read, return UNREADABLE_NETWORK.
    """
    address = _parse_address(str(request.META.get("REMOTE_ADDR", "")))
    if settings.USE_HTTPS:
        forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).strip()
        if forwarded:
            address = _parse_address(_strip_port(forwarded.rpartition(",")[2]))
            if address is None:
                warn_about_unreadable_address()
                return UNREADABLE_NETWORK
        elif address is not None and address.is_private:
            return ""
    if isinstance(address, IPv6Address):
        # Without the zone of a link-local address (fe80::1%eth0), which a network cannot have.
        return str(ip_network((int(address), IPV6_PREFIX_BITS), strict=False))
    return str(address or "")


def _strip_port(forwarded: str) -> str:
    """Return the address of an entry that may have a port, brackets, or quotes: ``"[2001:db8::1]:443"``."""
    text = forwarded.strip(" \t\"'")
    if text.startswith("["):
        return text[1:].partition("]")[0]
    # An IPv6 address has at least two colons.
    return text.partition(":")[0] if text.count(":") == 1 else text


@cache
def warn_about_unreadable_address() -> None:
    """Log the problem once per process, without the address."""
    log.warning(
        "The proxy sends X-Forwarded-For in a form that cannot be read. All its clients share one limit for searches, "
        "feedback, and sign-in attempts. The last entry must be an IP address."
    )


def is_local_client(request: HttpRequest) -> bool:
    """Return whether the connection comes from this machine. Behind a local proxy, every connection does."""
    address = _parse_address(str(request.META.get("REMOTE_ADDR", "")))
    return address is not None and address.is_loopback


def is_loopback(host: str) -> bool:
    """Return whether a host name or IP address, with or without brackets, means this machine only."""
    address = _parse_address(host.strip("[]"))
    return address.is_loopback if address else host == "localhost"


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A dual-stack server reports IPv4 addresses as ::ffff:192.0.2.1, all of which would be one /64 network.
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


class TokenBucket:
    """Rate limit: ``burst`` requests at once, then ``per_second``, for each key, such as a client's network.

    Each process has its own buckets and evicts the least recently used ones beyond ``max_keys``. Keys are hashed with a
    random secret that exists for a day in memory. Secret and hashes are discarded together, so no hash can be traced
    back to an IP address.
    """

    def __init__(
        self,
        *,
        burst: int,
        per_second: float,
        max_keys: int = MAX_TRACKED_KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.burst, self.per_second, self.max_keys, self._clock = burst, per_second, max_keys, clock
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget all requests, as after a restart."""
        self._secret, self._created_at = secrets.token_bytes(16), self._clock()
        self._buckets: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def is_limited(self, request: HttpRequest) -> bool:
        """Count a request; return True if its network has exceeded the limit.

        Requests from this machine or from an unknown network are never limited.
        """
        network = client_network(request)
        is_local = is_local_client(request) and not settings.USE_HTTPS
        return bool(network) and not is_local and not self.consume(network)

    def consume(self, key: str) -> bool:
        """Take a token from the bucket for ``key`` and return whether there was one."""
        with self._lock:
            now = self._clock()
            if now - self._created_at > KEY_LIFETIME_SECONDS:
                self.reset()
            key_hash = hashlib.blake2b(key.encode(), key=self._secret, digest_size=16).digest()
            tokens, updated = self._buckets.pop(key_hash, (float(self.burst), now))
            tokens = min(self.burst, tokens + (now - updated) * self.per_second)
            self._buckets[key_hash] = (tokens - 1 if tokens >= 1 else tokens, now)
            if len(self._buckets) > self.max_keys:
                self._buckets.popitem(last=False)
        return tokens >= 1


class BodyLimitMiddleware:
    """Responds with 413, 408, or 503 to anonymous bodies that are too large, too slow, or too many.

    Must come before CsrfViewMiddleware, which reads a body of any size. Views that read no anonymous body
    (``reads_no_anonymous_body``) are not checked.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Read anonymous bodies here, a few at a time, before the view runs. Staff bodies are limited in size only."""
        length = get_content_length(request)
        if length == 0 or getattr(view, "reads_no_anonymous_body", False):
            return None
        if length <= MAX_STAFF_BODY and _is_from_staff(request):
            return None
        if length > MAX_ANONYMOUS_BODY:
            return plain_response(413, "413: the request body is too large.")
        if not _body_slots.acquire(blocking=False):
            return _too_many_bodies()
        try:
            return _wait_for_body(request)
        finally:
            _body_slots.release()


def _is_from_staff(request: HttpRequest) -> bool:
    """Return whether a staff user is signed in, or was in this browser: a form may arrive after its session ended."""
    if not is_staff_path(request):
        return False
    # Imported here, because a process that serves only patients never loads the accounts.
    from portal.accounts.throttle import last_user_id

    return request.user.is_authenticated or last_user_id(request) is not None


def _wait_for_body(request: HttpRequest) -> HttpResponse | None:
    if not _reader_slots.acquire(blocking=False):
        return _too_many_bodies()
    reader = threading.Thread(target=_read_body, args=(request,), name="body", daemon=True)
    reader.start()
    reader.join(BODY_TIMEOUT_SECONDS)
    if reader.is_alive():
        return plain_response(
            408, "408: the form took too long to arrive. Please send it again.", {"Connection": "close"}
        )
    return None


def _read_body(request: HttpRequest) -> None:
    """Read the body into memory, where Django caches it for the view. An error is raised again in the view."""
    try:
        _ = request.body
    except (RequestDataTooBig, UnreadablePostError, OSError):
        log.info("Could not read a request body")
    finally:
        _reader_slots.release()


def _too_many_bodies() -> HttpResponse:
    return plain_response(503, "503: too many forms are being sent. Please send yours again.", {"Retry-After": "10"})
