"""Who asks, as far as counting needs it: a place, never a person."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

IPV6_PREFIX_BITS = 64  # bits of an IPv6 address that a household or clinic gets


def client_network(request: HttpRequest) -> str:
    """The caller's IPv4 address or IPv6 network; empty where only the proxy's own address is known.

    Behind TLS a proxy stands in front: the last address of X-Forwarded-For is the one that it saw itself. Those before
    it are what the caller wrote.
    """
    seen = str(request.META.get("REMOTE_ADDR", ""))
    if settings.USE_HTTPS:
        told = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
        near = _parse_address(seen)
        seen = told or ("" if near is None or near.is_private else seen)
    address = _parse_address(seen)
    if isinstance(address, IPv6Address):
        return str(ip_network(f"{address}/{IPV6_PREFIX_BITS}", strict=False))
    return str(address or "")


def is_local_client(request: HttpRequest) -> bool:
    """Whether the caller sits at this machine, with nothing in between."""
    address = _parse_address(str(request.META.get("REMOTE_ADDR", "")))
    return address is not None and address.is_loopback


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A server that listens to both kinds writes an IPv4 address as ::ffff:192.0.2.1; else all of them were one network.
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
