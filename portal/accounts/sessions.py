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

from portal.accounts import audit
from portal.accounts.demo import can_use_demo_accounts
from portal.accounts.models import StaffSession, User
from portal.accounts.trusted_devices import device_label

SESSION_STATE_KEY = "staff"
# The time of the last activity is written this seldom, so that reading costs no write.
TOUCH_INTERVAL = 30  # seconds


class SessionState(TypedDict):
    """What stands in the session: its row, unix times, and whether the second factor is done with."""

    row: int
    started: float
    seen: float
    complete: bool


def can_log_in(request: HttpRequest, user: User) -> bool:
    """Open accounts of staff; those of ``--demo`` at this machine only."""
    return user.is_active and user.is_staff and (not user.is_demo or can_use_demo_accounts(request))


def start(request: HttpRequest, user: User, *, mfa_complete: bool) -> None:
    """After ``login()``: the session gets its row and its clock."""
    now = time.time()
    if not request.session.session_key:
        request.session.save()
    row = StaffSession.objects.create(
        user=user, session_key=request.session.session_key or "", device=device_label(request)
    )
    request.session[SESSION_STATE_KEY] = SessionState(row=row.pk, started=now, seen=now, complete=mfa_complete)


def get_state(request: HttpRequest) -> SessionState | None:
    """None for a session that did not come through our sign-in."""
    found: SessionState | None = request.session.get(SESSION_STATE_KEY)
    return found


def seconds_left(session: SessionBase) -> int:
    """Until the session ends by itself if nothing is done; 0 when it is over."""
    found: SessionState | None = session.get(SESSION_STATE_KEY)
    if found is None:
        return 0
    idle = found["seen"] + settings.SESSION_IDLE_MINUTES * 60
    absolute = found["started"] + settings.SESSION_HOURS * 3600
    return max(0, int(min(idle, absolute) - time.time()))


def touch(request: HttpRequest) -> None:
    """Somebody is at work: the idle clock starts anew."""
    found = get_state(request)
    if found is None or time.time() - found["seen"] < TOUCH_INTERVAL:
        return
    request.session[SESSION_STATE_KEY] = {**found, "seen": time.time()}
    sync_key(request)


def sync_key(request: HttpRequest) -> None:
    """Django gives a session a new key now and then; its row follows."""
    found = get_state(request)
    if found and request.session.session_key:
        StaffSession.objects.filter(pk=found["row"]).update(
            session_key=request.session.session_key, last_seen_at=timezone.now()
        )


def mark_mfa_complete(request: HttpRequest) -> None:
    """The second factor is set up and the recovery codes are kept: the whole admin opens."""
    found = get_state(request)
    if found:
        request.session[SESSION_STATE_KEY] = {**found, "complete": True}


def is_mfa_complete(request: HttpRequest) -> bool:
    """Whether the way to the admin is open."""
    found = get_state(request)
    return bool(found and found["complete"]) or not settings.MFA_REQUIRED


def recently_authenticated(request: HttpRequest) -> bool:
    """Whether somebody signed in a moment ago, and need not prove it again for something delicate."""
    found = get_state(request)
    if found is None:
        return not settings.MFA_REQUIRED
    return time.time() - found["started"] < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def active_sessions(user: User) -> list[StaffSession]:
    """Where ``user`` is signed in now, the latest first. Rows whose session is over are taken out."""
    rows = list(StaffSession.objects.filter(user=user))
    keys = [row.session_key for row in rows]
    alive = set(
        Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now()).values_list(
            "session_key", flat=True
        )
    )
    idle = timezone.now() - timedelta(minutes=settings.SESSION_IDLE_MINUTES)
    over = [row.pk for row in rows if row.session_key not in alive or row.last_seen_at < idle]
    if over:
        StaffSession.objects.filter(pk__in=over).delete()
    return [row for row in rows if row.pk not in over]


@transaction.atomic
def revoke(request: HttpRequest, user: User, pk: int) -> bool:
    """Sign one other browser out; False when there is none."""
    row = StaffSession.objects.filter(user=user, pk=pk).first()
    if row is None:
        return False
    Session.objects.filter(session_key=row.session_key).delete()
    row.delete()
    audit.record(audit.Kind.SESSION_REVOKED, user=user, actor=user, request=request, detail=row.device)
    return True


@transaction.atomic
def revoke_all(user: User, *, except_request: HttpRequest | None = None) -> None:
    """Sign ``user`` out everywhere, or everywhere but in the browser of ``keep_this``."""
    rows = StaffSession.objects.filter(user=user)
    found = get_state(except_request) if except_request else None
    if found:
        rows = rows.exclude(pk=found["row"])
    Session.objects.filter(session_key__in=list(rows.values_list("session_key", flat=True))).delete()
    rows.delete()
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    if except_request:
        update_session_auth_hash(except_request, user)
        except_request.session.save()
        sync_key(except_request)


def delete_record(request: HttpRequest) -> None:
    """The row of a session that ends."""
    found = get_state(request)
    if found:
        StaffSession.objects.filter(pk=found["row"]).delete()
