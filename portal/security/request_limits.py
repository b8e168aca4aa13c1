"""Limits on requests: how often (TokenBucket), how large, and how slowly a body may arrive.

All of them are counted in the memory of one process. Attempts to sign in are counted in the database instead
(portal/accounts/throttle.py), because an attacker must not get a new count from each worker and each restart.
"""

import hashlib
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError

from portal.security.client_ip import client_network, is_local_client

MAX_TRACKED_KEYS = 10_000
KEY_LIFETIME_SECONDS = 86_400

MAX_ANONYMOUS_BODY = 64 * 1024  # bytes; public forms are a few hundred bytes
MAX_STAFF_BODY = 251 * 1024 * 1024  # bytes: a DICOM file of 250 MB and the form around it
BODY_TIMEOUT_SECONDS = 10
# Anonymous bodies read at a time; the other threads of a worker (16) stay free for readers.
MAX_CONCURRENT_BODIES = 6
# After a timeout, a reader thread lives on until the client closes the connection.
MAX_ABANDONED_BODIES = 100

_body_slots = threading.BoundedSemaphore(MAX_CONCURRENT_BODIES)
_reader_slots = threading.BoundedSemaphore(MAX_CONCURRENT_BODIES + MAX_ABANDONED_BODIES)
log = logging.getLogger(__name__)


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
        """Take a token of ``key`` and return whether there was one."""
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
    """Responds with 413, 408 or 503 to anonymous bodies that are too large, too slow or too many.

    Must come before CsrfViewMiddleware, which reads a body of any size. Views exempt from CSRF are not checked: they
    read no body, or check the user first (procedures/admin/base.py).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Read anonymous bodies here, a few at a time, before the view runs. Staff bodies are limited in size only."""
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if length == 0 or getattr(view, "csrf_exempt", False):
            return None
        if length <= MAX_STAFF_BODY and request.user.is_authenticated:
            return None
        if length > MAX_ANONYMOUS_BODY:
            return _error_response(413, "the request body is too large.")
        if not _body_slots.acquire(blocking=False):
            return _too_many_bodies()
        try:
            return _wait_for_body(request)
        finally:
            _body_slots.release()


def _wait_for_body(request: HttpRequest) -> HttpResponse | None:
    if not _reader_slots.acquire(blocking=False):
        return _too_many_bodies()
    reader = threading.Thread(target=_read_body, args=(request,), name="body", daemon=True)
    reader.start()
    reader.join(BODY_TIMEOUT_SECONDS)
    if reader.is_alive():
        return _error_response(408, "the form took too long to arrive. Please send it again.", {"Connection": "close"})
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
    return _error_response(503, "too many forms are being sent. Please send yours again.", {"Retry-After": "10"})


def _error_response(status: int, message: str, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(
        f"{status}: {message}\n", status=status, headers=headers, content_type="text/plain; charset=utf-8"
    )
