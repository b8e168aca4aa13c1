"""Signed-in browsers: when they end, and how somebody ends them."""

import time
from datetime import timedelta
from typing import TypedDict

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from portal.staff import audit
from portal.staff.demo import demo_may_sign_in
from portal.staff.devices import described
from portal.staff.models import StaffSession, User

KEY = "staff"
# The time of the last activity is written this seldom, so that reading costs no write.
GRAIN = 30  # seconds


class Stamps(TypedDict):
    """What stands in the session: its row, unix times, and whether the second factor is done with."""

    row: int
    started: float
    seen: float
    complete: bool


def may_sign_in(request: HttpRequest, user: User) -> bool:
    """Open accounts of staff; those of ``--demo`` at this machine only."""
    return user.is_active and user.is_staff and (not user.is_demo or demo_may_sign_in(request))


def start(request: HttpRequest, user: User, *, complete: bool) -> None:
    """After ``login()``: the session gets its row and its clock."""
    now = time.time()
    if not request.session.session_key:
        request.session.save()
    row = StaffSession.objects.create(
        user=user, session_key=request.session.session_key or "", device=described(request)
    )
    request.session[KEY] = Stamps(row=row.pk, started=now, seen=now, complete=complete)


def stamps(request: HttpRequest) -> Stamps | None:
    """None for a session that did not come through our sign-in."""
    found: Stamps | None = request.session.get(KEY)
    return found


def seconds_left(session: SessionBase) -> int:
    """Until the session ends by itself if nothing is done; 0 when it is over."""
    found: Stamps | None = session.get(KEY)
    if found is None:
        return 0
    idle = found["seen"] + settings.SESSION_IDLE_MINUTES * 60
    absolute = found["started"] + settings.SESSION_HOURS * 3600
    return max(0, int(min(idle, absolute) - time.time()))


def keep(request: HttpRequest) -> None:
    """Somebody is at work: the idle clock starts anew."""
    found = stamps(request)
    if found is None or time.time() - found["seen"] < GRAIN:
        return
    request.session[KEY] = {**found, "seen": time.time()}
    note_key(request)


def note_key(request: HttpRequest) -> None:
    """Django gives a session a new key now and then; its row follows."""
    found = stamps(request)
    if found and request.session.session_key:
        StaffSession.objects.filter(pk=found["row"]).update(
            session_key=request.session.session_key, seen_at=timezone.now()
        )


def complete(request: HttpRequest) -> None:
    """The second factor is set up and the recovery codes are kept: the whole admin opens."""
    found = stamps(request)
    if found:
        request.session[KEY] = {**found, "complete": True}


def is_complete(request: HttpRequest) -> bool:
    """Whether the way to the admin is open."""
    found = stamps(request)
    return bool(found and found["complete"]) or not settings.REQUIRE_SECOND_FACTOR


def is_fresh(request: HttpRequest) -> bool:
    """Whether somebody signed in a moment ago, and need not prove it again for something delicate."""
    found = stamps(request)
    if found is None:
        return not settings.REQUIRE_SECOND_FACTOR
    return time.time() - found["started"] < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def open_of(user: User) -> list[StaffSession]:
    """Where ``user`` is signed in now, the latest first. Rows whose session is over are taken out."""
    rows = list(StaffSession.objects.filter(user=user))
    keys = [row.session_key for row in rows]
    alive = set(
        Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now()).values_list(
            "session_key", flat=True
        )
    )
    idle = timezone.now() - timedelta(minutes=settings.SESSION_IDLE_MINUTES)
    over = [row.pk for row in rows if row.session_key not in alive or row.seen_at < idle]
    if over:
        StaffSession.objects.filter(pk__in=over).delete()
    return [row for row in rows if row.pk not in over]


@transaction.atomic
def end_one(request: HttpRequest, user: User, pk: int) -> bool:
    """Sign one other browser out; False when there is none."""
    row = StaffSession.objects.filter(user=user, pk=pk).first()
    if row is None:
        return False
    Session.objects.filter(session_key=row.session_key).delete()
    row.delete()
    audit.record(audit.Kind.SESSION_ENDED, person=user, actor=user, request=request, detail=row.device)
    return True


@transaction.atomic
def end_all(user: User, *, keep_this: HttpRequest | None = None) -> None:
    """Sign ``user`` out everywhere, or everywhere but in the browser of ``keep_this``."""
    rows = StaffSession.objects.filter(user=user)
    found = stamps(keep_this) if keep_this else None
    if found:
        rows = rows.exclude(pk=found["row"])
    Session.objects.filter(session_key__in=list(rows.values_list("session_key", flat=True))).delete()
    rows.delete()
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    if keep_this:
        update_session_auth_hash(keep_this, user)
        keep_this.session.save()
        note_key(keep_this)


def forget(request: HttpRequest) -> None:
    """The row of a session that ends."""
    found = stamps(request)
    if found:
        StaffSession.objects.filter(pk=found["row"]).delete()
