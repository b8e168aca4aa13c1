"""How often one place may ask for what costs more than a page. Counted in memory only; no address is written."""

import threading
import time
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

MOST_PLACES = 10_000
NETWORK_OF_ONE_PLACE = 64  # bits of an IPv6 address that a household or clinic gets


class Rate:
    """``burst`` at once, then ``per_second``; each process counts alone, and forgets the oldest places first."""

    def __init__(self, *, burst: int, per_second: float) -> None:
        self.burst, self.per_second = burst, per_second
        self._places: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def exceeded(self, request: HttpRequest) -> bool:
        """Count one request; True where the place has used up its share. Where no place is known nobody is refused."""
        place = _place(request)
        return bool(place) and not self.take(place, time.monotonic())

    def take(self, place: str, now: float) -> bool:
        """One of what ``place`` has left at ``now`` seconds, if there is one."""
        with self._lock:
            left, since = self._places.pop(place, (float(self.burst), now))
            left = min(self.burst, left + (now - since) * self.per_second)
            self._places[place] = (max(0.0, left - 1) if left >= 1 else left, now)
            if len(self._places) > MOST_PLACES:
                self._places.popitem(last=False)
        return left >= 1


def _place(request: HttpRequest) -> str:
    """The reader's address, or IPv6 network; empty for this machine, and where a proxy does not tell."""
    seen = str(request.META.get("REMOTE_ADDR", ""))
    if settings.BEHIND_TLS:
        # The last one is what the proxy itself saw; those before it are what the reader wrote.
        seen = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
    try:
        address = ip_address(seen)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        return str(ip_network(f"{address}/{NETWORK_OF_ONE_PLACE}", strict=False))
    return "" if address.is_loopback else str(address)
