"""Who asks, as far as counting needs it: a place, never a person."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

NETWORK_OF_ONE_PLACE = 64  # bits of an IPv6 address that a household or clinic gets


def network(request: HttpRequest) -> str:
    """The caller's IPv4 address or IPv6 network; empty where only the proxy's own address is known.

    Behind TLS a proxy stands in front: the last address of X-Forwarded-For is the one that it saw itself. Those before
    it are what the caller wrote.
    """
    seen = str(request.META.get("REMOTE_ADDR", ""))
    if settings.BEHIND_TLS:
        told = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
        near = _address(seen)
        seen = told or ("" if near is None or near.is_private else seen)
    address = _address(seen)
    if isinstance(address, IPv6Address):
        return str(ip_network(f"{address}/{NETWORK_OF_ONE_PLACE}", strict=False))
    return str(address or "")


def is_this_machine(request: HttpRequest) -> bool:
    """Whether the caller sits at this machine, with nothing in between."""
    address = _address(str(request.META.get("REMOTE_ADDR", "")))
    return address is not None and address.is_loopback


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A server that listens to both kinds writes an IPv4 address as ::ffff:192.0.2.1; else all of them were one network.
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
