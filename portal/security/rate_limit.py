"""Rate limits per client network. Counted in memory only; IP addresses are never stored."""

import threading
import time
from collections import OrderedDict

from django.conf import settings
from django.http import HttpRequest

from portal.security.client_ip import client_network, is_local_client

MAX_TRACKED_NETWORKS = 10_000


class TokenBucket:
    """Token bucket per client network: ``burst`` requests at once, then ``per_second``.

    Each process has its own buckets and evicts the least recently used ones beyond MAX_TRACKED_NETWORKS.
    """

    def __init__(self, *, burst: int, per_second: float) -> None:
        self.burst, self.per_second = burst, per_second
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def is_limited(self, request: HttpRequest) -> bool:
        """Count a request; return True if its network has exceeded the limit.

        Requests from this machine or from an unknown network are never limited.
        """
        network = client_network(request)
        is_local = is_local_client(request) and not settings.USE_HTTPS
        return bool(network) and not is_local and not self.consume(network, time.monotonic())

    def consume(self, network: str, now: float) -> bool:
        """Take a token of ``network`` at the monotonic time ``now``; return whether there was one."""
        with self._lock:
            tokens, updated = self._buckets.pop(network, (float(self.burst), now))
            tokens = min(self.burst, tokens + (now - updated) * self.per_second)
            self._buckets[network] = (max(0.0, tokens - 1) if tokens >= 1 else tokens, now)
            if len(self._buckets) > MAX_TRACKED_NETWORKS:
                self._buckets.popitem(last=False)
        return tokens >= 1
