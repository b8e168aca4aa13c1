"""Where a request comes from, for counting and for the log, never in clear."""

from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

NETWORK_OF_ONE_PLACE = 64  # bits of an IPv6 address that a household or clinic gets
LENGTH = 12


def network(request: HttpRequest) -> str:
    """The caller's IPv4 address or IPv6 network; empty where only the proxy's own address is known.

    Behind TLS a proxy stands in front: the last address of X-Forwarded-For is the one that it saw itself.
    """
    seen = str(request.META.get("REMOTE_ADDR", ""))
    if settings.BEHIND_TLS:
        told = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
        seen = told or ("" if _is_near(seen) else seen)
    try:
        address = ip_address(seen)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        return str(ip_network(f"{address}/{NETWORK_OF_ONE_PLACE}", strict=False))
    return str(address)


def is_this_machine(request: HttpRequest) -> bool:
    """Whether the caller sits at this machine, with nothing in between."""
    try:
        return ip_address(str(request.META.get("REMOTE_ADDR", ""))).is_loopback
    except ValueError:
        return False


def keyed(purpose: str, text: str) -> str:
    """A hash that only this installation can make: 64 hexadecimal digits."""
    return salted_hmac(f"portal.staff.{purpose}", text, algorithm="sha256").hexdigest()


def origin(request: HttpRequest | None) -> str:
    """Twelve letters for the log: the same network gives the same ones."""
    place = network(request) if request else ""
    return keyed("origin", place)[:LENGTH] if place else ""


def _is_near(address: str) -> bool:
    try:
        return ip_address(address).is_private
    except ValueError:
        return True
