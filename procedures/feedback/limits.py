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

DAY = 86_400.0


@dataclass(slots=True)
class _Bucket:
    """Tokens left at a moment (seconds)."""

    tokens: float
    at: float


class Limits:
    """Token buckets: ``each`` answers an hour from one place, ``together`` from all, in one process."""

    def __init__(
        self, *, each: int = 6, together: int = 120, most: int = 20_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._each, self._together, self._most, self._clock = each, together, most, clock
        self._lock = threading.Lock()
        self._forget(clock())

    def _forget(self, now: float) -> None:
        self._key, self._since = secrets.token_bytes(16), now
        self._buckets: dict[bytes, _Bucket] = {}
        self._all = _Bucket(self._together, now)

    def allow(self, place: str) -> bool:
        """Whether one more answer may come. No place (a proxy that does not say) shares the limit of all."""
        with self._lock:
            now = self._clock()
            if now - self._since > DAY:
                self._forget(now)
            if not _has_token(self._all, self._together, now):
                return False
            if place and not self._allow_one(place, now):
                return False
            self._all.tokens -= 1
            return True

    def _allow_one(self, place: str, now: float) -> bool:
        name = hashlib.blake2b(place.encode(), key=self._key, digest_size=8).digest()
        if len(self._buckets) >= self._most:
            self._buckets.clear()
        bucket = self._buckets.setdefault(name, _Bucket(self._each, now))
        if not _has_token(bucket, self._each, now):
            return False
        bucket.tokens -= 1
        return True


def _has_token(bucket: _Bucket, size: int, now: float) -> bool:
    """Fill up what an hour brings, then look."""
    bucket.tokens = min(float(size), bucket.tokens + (now - bucket.at) * size / 3600)
    bucket.at = now
    return bucket.tokens >= 1


LIMITS = Limits()
