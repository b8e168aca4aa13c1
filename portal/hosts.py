"""Names of hosts."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Whether a host, as it stands in an address or a setting, is this machine and no other."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
