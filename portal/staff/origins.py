"""Where a request comes from, for the log, never in clear."""

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from portal.serving.callers import network

LENGTH = 12


def keyed(purpose: str, text: str) -> str:
    """A hash that only this installation can make: 64 hexadecimal digits."""
    return salted_hmac(f"portal.staff.{purpose}", text, algorithm="sha256").hexdigest()


def origin(request: HttpRequest | None) -> str:
    """Twelve letters for the log: the same network gives the same ones."""
    place = network(request) if request else ""
    return keyed("origin", place)[:LENGTH] if place else ""
