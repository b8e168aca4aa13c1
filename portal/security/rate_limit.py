"""How often one place may ask for what costs more than a page. Counted in memory only; no address is written."""

import threading
import time
from collections import OrderedDict

from django.conf import settings
from django.http import HttpRequest

from portal.security.client_ip import client_network, is_local_client

MAX_TRACKED_NETWORKS = 10_000


class TokenBucket:
    """``burst`` at once, then ``per_second``; each process counts alone, and forgets the oldest places first."""

    def __init__(self, *, burst: int, per_second: float) -> None:
        self.burst, self.per_second = burst, per_second
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def is_limited(self, request: HttpRequest) -> bool:
        """Count one request; True where the place has used up its share.

        Nobody is refused at this machine, or where no place is known.
        """
        place = client_network(request)
        at_hand = is_local_client(request) and not settings.USE_HTTPS
        return bool(place) and not at_hand and not self.consume(place, time.monotonic())

    def consume(self, network: str, now: float) -> bool:
        """One of what ``place`` has left at ``now`` seconds, if there is one."""
        with self._lock:
            left, since = self._buckets.pop(network, (float(self.burst), now))
            left = min(self.burst, left + (now - since) * self.per_second)
            self._buckets[network] = (max(0.0, left - 1) if left >= 1 else left, now)
            if len(self._buckets) > MAX_TRACKED_NETWORKS:
                self._buckets.popitem(last=False)
        return left >= 1
