"""Where a request comes from, for the log, never in clear."""

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from portal.security.client_ip import client_network

ORIGIN_LENGTH = 12


def keyed_hash(purpose: str, text: str) -> str:
    """A hash that only this installation can make: 64 hexadecimal digits."""
    return salted_hmac(f"portal.accounts.{purpose}", text, algorithm="sha256").hexdigest()


def origin_hash(request: HttpRequest | None) -> str:
    """Twelve letters for the log: the same network gives the same ones."""
    place = client_network(request) if request else ""
    return keyed_hash("origin", place)[:ORIGIN_LENGTH] if place else ""
