"""How often one place may ask for what costs more than a page. Counted in memory only; no address is written."""

import threading
import time
from collections import OrderedDict

from django.conf import settings
from django.http import HttpRequest

from portal.serving.callers import is_this_machine, network

MAX_PLACES = 10_000


class Rate:
    """``burst`` at once, then ``per_second``; each process counts alone, and forgets the oldest places first."""

    def __init__(self, *, burst: int, per_second: float) -> None:
        self.burst, self.per_second = burst, per_second
        self._places: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def exceeded(self, request: HttpRequest) -> bool:
        """Count one request; True where the place has used up its share.

        Nobody is refused at this machine, or where no place is known.
        """
        place = network(request)
        at_hand = is_this_machine(request) and not settings.BEHIND_TLS
        return bool(place) and not at_hand and not self.take(place, time.monotonic())

    def take(self, place: str, now: float) -> bool:
        """One of what ``place`` has left at ``now`` seconds, if there is one."""
        with self._lock:
            left, since = self._places.pop(place, (float(self.burst), now))
            left = min(self.burst, left + (now - since) * self.per_second)
            self._places[place] = (max(0.0, left - 1) if left >= 1 else left, now)
            if len(self._places) > MAX_PLACES:
                self._places.popitem(last=False)
        return left >= 1
