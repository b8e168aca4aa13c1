"""The cookie of a browser that signed in before: it holds no secret of the account, only a count of its own."""

import re
import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from portal.accounts.models import User

COOKIE_SALT = "portal.accounts.device"
LIFETIME_SECONDS = 60 * 60 * 24 * 180  # seconds
MAX_ACCOUNTS = 8  # at one computer of the ward
OPERATING_SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
           ("Mac OS", "Mac"), ("CrOS", "Chromebook"), ("Linux", "Linux"))  # fmt: skip
BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))


def get_device_id(request: HttpRequest, user: User | None) -> str:
    """This browser's random name for ``user``, or nothing."""
    return _read_cookie(request).get(str(user.pk), "") if user else ""


def remember_device(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """From now on this browser counts for itself when ``user`` signs in."""
    kept = _read_cookie(request)
    name = kept.pop(str(user.pk), "") or secrets.token_urlsafe(12)
    people = dict([*kept.items(), (str(user.pk), name)][-MAX_ACCOUNTS:])
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(people, salt=COOKIE_SALT),
        max_age=LIFETIME_SECONDS,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read_cookie(request: HttpRequest) -> dict[str, str]:
    try:
        kept = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=COOKIE_SALT, max_age=LIFETIME_SECONDS
        )
    except signing.BadSignature:
        return {}
    return {str(pk): str(name) for pk, name in kept.items()} if isinstance(kept, dict) else {}


def device_label(request: HttpRequest) -> str:
    """Such as "Firefox on Windows": enough to know one's own devices again."""
    agent = request.headers.get("User-Agent", "")
    browser = next((name for sign, name in BROWSERS if sign in agent), "A browser")
    system = next((name for sign, name in OPERATING_SYSTEMS if re.search(sign, agent)), "an unknown system")
    return f"{browser} on {system}"
