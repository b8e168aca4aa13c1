"""Guessing is slow, and slows nobody else: delays that grow, counted so that a stranger cannot keep a nurse out.

After OWASP's "device cookies": a browser that signed in to an account before has a count of its own. Strangers share
counts by account and place, by place, and (with a high threshold) by account. Nothing is ever locked: a delay ends by
itself, and a passkey or a link from a manager is not counted at all. Every attempt is counted before it is looked at,
so many at once count as many.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from portal.accounts.hashing import keyed_hash
from portal.accounts.models import Throttle

TOO_MANY_ATTEMPTS = "That was tried too often. Wait {} and try again."
RESET_AFTER = timedelta(hours=1)
PURGE_AFTER = timedelta(days=1)


def format_wait(seconds: int) -> str:
    """Such as "15 seconds" or "2 minutes"."""
    if seconds <= 90:
        return f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"


def throttled_message(seconds: int) -> str:
    """The sentence for who must wait so long."""
    return TOO_MANY_ATTEMPTS.format(format_wait(seconds))


@dataclass(frozen=True)
class Limit:
    """``free`` attempts, then a delay of ``first`` seconds that doubles up to ``longest``."""

    free_attempts: int
    initial_delay_seconds: int
    max_delay_seconds: int

    def delay(self, attempts: int) -> timedelta:
        """How long to wait after so many attempts."""
        over = attempts - self.free_attempts
        return timedelta(
            seconds=min(self.initial_delay_seconds * 2 ** min(over, 20), self.max_delay_seconds) if over >= 0 else 0
        )


TRUSTED_DEVICE = Limit(free_attempts=10, initial_delay_seconds=15, max_delay_seconds=900)
ACCOUNT_AND_NETWORK = Limit(free_attempts=5, initial_delay_seconds=15, max_delay_seconds=900)
NETWORK = Limit(free_attempts=40, initial_delay_seconds=15, max_delay_seconds=300)
ACCOUNT = Limit(free_attempts=60, initial_delay_seconds=5, max_delay_seconds=30)
VERIFICATION = Limit(free_attempts=5, initial_delay_seconds=15, max_delay_seconds=900)


@dataclass(frozen=True)
class Bucket:
    """What is counted together, and how much of it is free."""

    name: str
    limit: Limit

    @property
    def key(self) -> str:
        """Its row."""
        return keyed_hash("throttle", self.name)


def login_buckets(identifier: str, network: str, device_id: str) -> list[Bucket]:
    """What one attempt with a password counts towards; ``device`` is empty where the account never signed in."""
    name = identifier.strip().casefold()
    if device_id:
        return [Bucket(f"device|{name}|{device_id}", TRUSTED_DEVICE)]
    strangers = [Bucket(f"account|{name}", ACCOUNT)]
    if network:
        strangers += [
            Bucket(f"account-network|{name}|{network}", ACCOUNT_AND_NETWORK),
            Bucket(f"network|{network}", NETWORK),
        ]
    return strangers


def hit(buckets: list[Bucket], now: datetime | None = None) -> int:
    """Count one attempt towards all of ``buckets``; returns 0, or the seconds to wait, and then nothing is counted."""
    now = now or timezone.now()
    keys = sorted(bucket.key for bucket in buckets)
    with transaction.atomic():
        # One order for all, so that two requests never wait for each other.
        for key in keys:
            Throttle.objects.get_or_create(key=key, defaults={"last_at": now})
        rows = {row.key: row for row in Throttle.objects.select_for_update().filter(key__in=keys).order_by("key")}
        wait = max((row.blocked_until - now for row in rows.values() if row.blocked_until), default=timedelta())
        if wait > timedelta():
            return int(wait.total_seconds()) + 1
        for bucket in buckets:
            row = rows[bucket.key]
            row.attempts = 1 if now - row.last_at > RESET_AFTER else row.attempts + 1
            row.last_at = now
            # Nothing, not "until now": a request at the same moment has another now.
            row.blocked_until = now + delay if (delay := bucket.limit.delay(row.attempts)) else None
            row.save()
    return 0


def refund(buckets: list[Bucket]) -> None:
    """It was the right person: forget their own counts, and take this attempt out of those that are shared."""
    shared = [bucket.key for bucket in buckets if bucket.limit in {NETWORK, ACCOUNT}]
    own = [bucket.key for bucket in buckets if bucket.limit not in {NETWORK, ACCOUNT}]
    Throttle.objects.filter(key__in=own).delete()
    Throttle.objects.filter(key__in=shared, attempts__gt=0).update(attempts=F("attempts") - 1, blocked_until=None)
    Throttle.objects.filter(last_at__lt=timezone.now() - PURGE_AFTER).delete()


def consume_once(name: str) -> bool:
    """True once for each ``what`` within a day, in whichever worker: a code from an app works once."""
    try:
        with transaction.atomic():
            Throttle.objects.create(key=keyed_hash("once", name))
    except IntegrityError:
        return False
    return True
