"""Login throttling that cannot lock out other users.

Based on OWASP's "device cookies": a browser that has signed in to an account before has its own count. Strangers share
counts per account and network, per network, and (with a high threshold) per account. Nothing is locked for good: a
delay ends by itself, passkeys are throttled by network only, and one-time links are not throttled. Every attempt is
counted before the password is checked, so parallel attempts all count.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import ngettext

from portal import audit
from portal.accounts.models import Throttle, User, keyed_hash

RESET_AFTER = timedelta(hours=1)
PURGE_AFTER = timedelta(days=1)
MAX_SECONDS_SHOWN = 90  # longer waits are shown in minutes
# Part of stored data; do not rename with the package.
DEVICE_COOKIE_SALT = "portal.staff.device"
DEVICE_LIFETIME_SECONDS = 60 * 60 * 24 * 180
MAX_DEVICE_ACCOUNTS = 8  # accounts remembered on a shared computer; the oldest is dropped


@dataclass(frozen=True)
class Limit:
    """Some free attempts, then a delay that doubles with each attempt up to a maximum."""

    free_attempts: int
    initial_delay_seconds: int
    max_delay_seconds: int

    def delay(self, attempts: int) -> timedelta:
        """Return the delay after ``attempts`` attempts."""
        excess = attempts - self.free_attempts
        if excess < 0:
            return timedelta()
        return timedelta(seconds=min(self.initial_delay_seconds * 2 ** min(excess, 20), self.max_delay_seconds))


TRUSTED_DEVICE = Limit(free_attempts=10, initial_delay_seconds=15, max_delay_seconds=900)
ACCOUNT_AND_NETWORK = Limit(free_attempts=5, initial_delay_seconds=15, max_delay_seconds=900)
NETWORK = Limit(free_attempts=40, initial_delay_seconds=15, max_delay_seconds=300)
ACCOUNT = Limit(free_attempts=60, initial_delay_seconds=5, max_delay_seconds=30)
# For single sign-on and passkeys, which store data before anyone has signed in. A whole clinic may sign in from one IP
# address at the same time; each successful sign-in is refunded.
SSO = Limit(free_attempts=200, initial_delay_seconds=5, max_delay_seconds=60)
VERIFICATION = Limit(free_attempts=5, initial_delay_seconds=15, max_delay_seconds=900)


@dataclass(frozen=True)
class AttemptCounter:
    """A count of attempts with a limit."""

    name: str
    limit: Limit

    @property
    def key(self) -> str:
        """The primary key of its ``Throttle`` row."""
        return keyed_hash("throttle", self.name)


def login_counters(user: User | None, identifier: str, network: str, device_id: str) -> list[AttemptCounter]:
    """Return the counters that one login attempt counts toward.

    ``user``: the account of ``identifier``, which can be its username or email address in many spellings; all of them
    share the counts. ``device_id`` is empty in a browser where the account has never signed in; ``network`` if it is
    unknown.
    """
    account = f"user {user.pk}" if user else f"name {User.normalize_username(identifier)}"
    if device_id:
        return [
            AttemptCounter(f"device|{account}|{device_id}", TRUSTED_DEVICE),
            # Shared by the account's trusted devices, so that strangers cannot add to it.
            AttemptCounter(f"devices|{account}", ACCOUNT),
        ]
    counters = [AttemptCounter(f"account|{account}", ACCOUNT)]
    if network:
        counters += [
            AttemptCounter(f"account-network|{account}|{network}", ACCOUNT_AND_NETWORK),
            AttemptCounter(f"network|{network}", NETWORK),
        ]
    return counters


def count_attempt(counters: list[AttemptCounter], now: datetime | None = None) -> int:
    """Count one attempt in all ``counters`` and return 0, or return the seconds to wait without counting it.

    Locks the rows, in the order of their keys so that two requests cannot deadlock.
    """
    now = now or timezone.now()
    keys = sorted({counter.key for counter in counters})
    while True:
        with transaction.atomic():
            Throttle.objects.bulk_create([Throttle(key=key) for key in keys], ignore_conflicts=True)
            rows = {row.key: row for row in Throttle.objects.select_for_update().filter(key__in=keys).order_by("key")}
            # A parallel refund() may have deleted a row before it was locked. Then start again.
            if len(rows) == len(keys):
                return _count_in_rows(rows, counters, now)


def _count_in_rows(rows: dict[str, Throttle], counters: list[AttemptCounter], now: datetime) -> int:
    wait = max((row.blocked_until - now for row in rows.values() if row.blocked_until), default=timedelta())
    if wait > timedelta():
        return int(wait.total_seconds()) + 1
    for counter in counters:
        row = rows[counter.key]
        row.attempts = 1 if now - row.last_attempt_at > RESET_AFTER else row.attempts + 1
        row.last_attempt_at = now
        # None instead of "until now": a parallel request has a slightly different now.
        row.blocked_until = now + delay if (delay := counter.limit.delay(row.attempts)) else None
        row.save()
    return 0


def start_attempt(
    counters: list[AttemptCounter], request: HttpRequest | None, *, user: User | None = None, detail: str = ""
) -> str:
    """Count an attempt and return an empty string, or the message for someone who has to wait.

    Only the first refusal of each delay is logged: the log is kept for years, and anyone can send attempts.
    """
    wait = count_attempt(counters)
    if not wait:
        return ""
    blocked = Throttle.objects.filter(key__in=[counter.key for counter in counters], blocked_until__isnull=False)
    longest = blocked.order_by("-blocked_until").first()
    if longest and consume_once(f"throttled|{longest.key}|{longest.blocked_until}"):
        actor = getattr(request, "user", None)
        audit.record(audit.Kind.THROTTLED, user=user, actor=actor, request=request, detail=detail)
    return throttled_message(wait)


def refund(counters: list[AttemptCounter], *, attempts: int = 1) -> None:
    """Undo ``attempts`` counts after a success: reset the account's own counters, decrement shared ones."""
    shared = [counter.key for counter in counters if counter.limit in {NETWORK, ACCOUNT, SSO}]
    own = [counter.key for counter in counters if counter.limit not in {NETWORK, ACCOUNT, SSO}]
    Throttle.objects.filter(key__in=own).delete()
    remaining = Greatest(F("attempts") - attempts, Value(0))
    Throttle.objects.filter(key__in=shared).update(attempts=remaining, blocked_until=None)
    Throttle.objects.filter(last_attempt_at__lt=timezone.now() - PURGE_AFTER).delete()


def consume_once(name: str) -> bool:
    """Return True only for the first call with ``name`` within ``PURGE_AFTER``, across all processes."""
    try:
        with transaction.atomic():
            Throttle.objects.create(key=keyed_hash("once", name))
    except IntegrityError:
        return False
    return True


def throttled_message(seconds: int) -> str:
    """Return the message for a user who has to wait: in seconds up to a minute and a half, then in minutes."""
    if seconds <= MAX_SECONDS_SHOWN:
        message = ngettext(
            "Too many attempts. Wait %(count)d second and try again.",
            "Too many attempts. Wait %(count)d seconds and try again.",
            seconds,
        )
        return message % {"count": seconds}
    minutes = -(-seconds // 60)
    message = ngettext(
        "Too many attempts. Wait %(count)d minute and try again.",
        "Too many attempts. Wait %(count)d minutes and try again.",
        minutes,
    )
    return message % {"count": minutes}


def get_device_id(request: HttpRequest, user: User | None) -> str:
    """Return this browser's random ID for ``user``, or an empty string if the user has not signed in here."""
    return _read_device_cookie(request).get(str(user.pk), "") if user else ""


def last_user_id(request: HttpRequest) -> int | None:
    """Return the primary key of the user who signed in last in this browser, or None."""
    keys = list(_read_device_cookie(request))
    return int(keys[-1]) if keys and keys[-1].isdecimal() else None


def remember_device(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Set the signed cookie that marks this browser as trusted for ``user``, with the ID that it already has.

    The cookie contains a random ID for each account and no secret.
    """
    device_ids = _read_device_cookie(request)
    device_id = device_ids.pop(str(user.pk), "") or secrets.token_urlsafe(12)
    device_ids = dict([*device_ids.items(), (str(user.pk), device_id)][-MAX_DEVICE_ACCOUNTS:])
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(device_ids, salt=DEVICE_COOKIE_SALT),
        max_age=DEVICE_LIFETIME_SECONDS,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read_device_cookie(request: HttpRequest) -> dict[str, str]:
    """Return device IDs by the user's primary key, oldest first. A missing, forged, or expired cookie has none."""
    try:
        device_ids = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""),
            salt=DEVICE_COOKIE_SALT,
            max_age=DEVICE_LIFETIME_SECONDS,
        )
    except signing.BadSignature:
        return {}
    if not isinstance(device_ids, dict):
        return {}
    return {str(pk): str(device_id) for pk, device_id in device_ids.items()}
