"""Rate limiting of answers without storing IP addresses, and a same-origin check.

Clients are identified by a hash with a random key that exists for a day in the memory of one process. Key and hashes
are discarded together, so a hash can never be traced back to an address.
"""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

KEY_LIFETIME_SECONDS = 86_400.0


@dataclass(slots=True)
class _TokenBucket:
    """The tokens left at ``updated_at``, in seconds of the limiter's clock."""

    tokens: float
    updated_at: float


class FeedbackRateLimiter:
    """Token buckets of one process: ``per_client`` answers an hour from one client, ``total`` from all together.

    Thread-safe. Forgets the buckets when there are ``max_clients``, so that memory stays bounded.
    """

    def __init__(
        self,
        *,
        per_client: int = 6,
        total: int = 120,
        max_clients: int = 20_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_client, self._total, self._max_clients, self._clock = per_client, total, max_clients, clock
        self._lock = threading.Lock()
        self._rotate_key(clock())

    def _rotate_key(self, now: float) -> None:
        self._key, self._key_created_at = secrets.token_bytes(16), now
        self._buckets: dict[bytes, _TokenBucket] = {}
        self._shared_bucket = _TokenBucket(self._total, now)

    def consume(self, client: str) -> bool:
        """Take a token for one answer and return whether there was one.

        An empty ``client`` (unknown behind a proxy) counts toward the total only.
        """
        with self._lock:
            now = self._clock()
            if now - self._key_created_at > KEY_LIFETIME_SECONDS:
                self._rotate_key(now)
            if not _refill(self._shared_bucket, self._total, now):
                return False
            if client and not self._consume_for_client(client, now):
                return False
            self._shared_bucket.tokens -= 1
            return True

    def _consume_for_client(self, client: str, now: float) -> bool:
        client_hash = hashlib.blake2b(client.encode(), key=self._key, digest_size=8).digest()
        if len(self._buckets) >= self._max_clients:
            self._buckets.clear()
        bucket = self._buckets.setdefault(client_hash, _TokenBucket(self._per_client, now))
        if not _refill(bucket, self._per_client, now):
            return False
        bucket.tokens -= 1
        return True


def _refill(bucket: _TokenBucket, capacity: int, now: float) -> bool:
    """Add the tokens of the time since the last call, ``capacity`` an hour, and return whether one is left."""
    bucket.tokens = min(float(capacity), bucket.tokens + (now - bucket.updated_at) * capacity / 3600)
    bucket.updated_at = now
    return bucket.tokens >= 1


RATE_LIMITER = FeedbackRateLimiter()


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
