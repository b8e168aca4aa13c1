"""The client's network, as the key for rate limits, and detection of this machine's own addresses."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

IPV6_PREFIX_BITS = 64  # the smallest network that a household or clinic gets


def client_network(request: HttpRequest) -> str:
    """Return the client's IPv4 address or IPv6 network; an empty string if only the proxy's address is known.

    With HTTPS, a proxy is in front of the site. Only the last address in X-Forwarded-For comes from the proxy; the
    client can forge the others.
    """
    client = str(request.META.get("REMOTE_ADDR", ""))
    if settings.USE_HTTPS:
        forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
        peer = _parse_address(client)
        client = forwarded or ("" if peer is None or peer.is_private else client)
    address = _parse_address(client)
    if isinstance(address, IPv6Address):
        return str(ip_network(f"{address}/{IPV6_PREFIX_BITS}", strict=False))
    return str(address or "")


def is_local_client(request: HttpRequest) -> bool:
    """Return whether the connection comes from this machine. Behind a local proxy, every connection does."""
    address = _parse_address(str(request.META.get("REMOTE_ADDR", "")))
    return address is not None and address.is_loopback


def is_loopback(host: str) -> bool:
    """Return whether a host name or IP address, with or without brackets, means this machine only."""
    address = _parse_address(host.strip("[]"))
    return address.is_loopback if address else host == "localhost"


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A dual-stack server reports IPv4 addresses as ::ffff:192.0.2.1, all of which would be one /64 network.
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
