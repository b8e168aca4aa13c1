"""Keyed hashes, so that usernames and networks are stored without being readable."""

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from portal.security.client_ip import client_network

ORIGIN_LENGTH = 12  # hexadecimal digits


def keyed_hash(purpose: str, text: str) -> str:
    """Return a hash that only this installation can compute: 64 hexadecimal digits."""
    # Part of stored data; do not rename with the package.
    return salted_hmac(f"portal.staff.{purpose}", text, algorithm="sha256").hexdigest()


def origin_hash(request: HttpRequest | None) -> str:
    """Return ``ORIGIN_LENGTH`` digits that are equal for requests from the same network; empty without one."""
    network = client_network(request) if request else ""
    return keyed_hash("origin", network)[:ORIGIN_LENGTH] if network else ""
