"""How many answers are taken, without keeping anybody's address.

An address is turned into a number with a random key that lives for a day in the memory of one process. Key and numbers
are forgotten together, so nobody can go back from one to the other.
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
    """Tokens left at a moment (seconds)."""

    tokens: float
    updated_at: float


class FeedbackRateLimiter:
    """Token buckets: ``each`` answers an hour from one place, ``together`` from all, in one process."""

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
        """Whether one more answer may come. No place (a proxy that does not say) shares the limit of all."""
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
        name = hashlib.blake2b(client.encode(), key=self._key, digest_size=8).digest()
        if len(self._buckets) >= self._max_clients:
            self._buckets.clear()
        bucket = self._buckets.setdefault(name, _TokenBucket(self._per_client, now))
        if not _refill(bucket, self._per_client, now):
            return False
        bucket.tokens -= 1
        return True


def _refill(bucket: _TokenBucket, capacity: int, now: float) -> bool:
    """Fill up what an hour brings, then look."""
    bucket.tokens = min(float(capacity), bucket.tokens + (now - bucket.updated_at) * capacity / 3600)
    bucket.updated_at = now
    return bucket.tokens >= 1


RATE_LIMITER = FeedbackRateLimiter()


def is_same_origin(request: HttpRequest) -> bool:
    """Whether the form was sent from a page of this site. Every browser of the last years says so with a POST."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    origin = request.headers.get("Origin", "")
    return origin == settings.PUBLIC_URL or (
        urlsplit(origin).scheme in {"http", "https"} and urlsplit(origin).netloc == request.get_host()
    )
