"""The signed cookie of a browser that has signed in before.

It holds a random ID per account and no secret: with it, login attempts are throttled separately from strangers'.
"""

import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from portal.accounts.models import User

# Part of stored data; do not rename with the package.
COOKIE_SALT = "portal.staff.device"
LIFETIME_SECONDS = 60 * 60 * 24 * 180
MAX_ACCOUNTS = 8  # that one shared computer remembers; the oldest is dropped
# (substring of the User-Agent header, name shown); the first match counts.
OPERATING_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)
BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))


def get_device_id(request: HttpRequest, user: User | None) -> str:
    """Return this browser's random ID for ``user``; empty if the user has not signed in here."""
    return _read_cookie(request).get(str(user.pk), "") if user else ""


def remember_device(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Set the cookie that marks this browser as trusted for ``user``, keeping the ID it already has."""
    device_ids = _read_cookie(request)
    device_id = device_ids.pop(str(user.pk), "") or secrets.token_urlsafe(12)
    device_ids = dict([*device_ids.items(), (str(user.pk), device_id)][-MAX_ACCOUNTS:])
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(device_ids, salt=COOKIE_SALT),
        max_age=LIFETIME_SECONDS,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read_cookie(request: HttpRequest) -> dict[str, str]:
    """Return device IDs by primary key of the user, oldest first; empty for a missing, forged, or expired cookie."""
    try:
        device_ids = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=COOKIE_SALT, max_age=LIFETIME_SECONDS
        )
    except signing.BadSignature:
        return {}
    if not isinstance(device_ids, dict):
        return {}
    return {str(pk): str(device_id) for pk, device_id in device_ids.items()}


def device_label(request: HttpRequest) -> str:
    """Return a label such as "Firefox on Windows" for the list of sessions. It is stored, and always English."""
    user_agent = request.headers.get("User-Agent", "")
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "Unknown browser")
    system = next((name for sign, name in OPERATING_SYSTEMS if sign in user_agent), "an unknown system")
    return f"{browser} on {system}"
