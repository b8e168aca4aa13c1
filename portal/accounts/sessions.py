"""Sessions of staff: their time limits, the list of active ones, and revoking them."""

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

# Part of stored sessions, like the keys of SessionState: renaming them signs everyone out.
SESSION_STATE_KEY = "staff"
# Activity is recorded at most this often, so that reading pages does not write to the database.
TOUCH_INTERVAL = 30  # seconds


class SessionState(TypedDict):
    """What a session stores about itself.

    ``row`` is the primary key of its ``StaffSession``; ``started`` and ``seen`` are Unix times; ``complete`` says
    whether the second factor is done.
    """

    row: int
    started: float
    seen: float
    complete: bool


def can_log_in(request: HttpRequest, user: User) -> bool:
    """Return whether the account is active staff; demo accounts also need a local client."""
    return user.is_active and user.is_staff and (not user.is_demo or can_use_demo_accounts(request))


def start(request: HttpRequest, user: User, *, mfa_complete: bool) -> None:
    """Create the session's row and state. Call after ``login()``, which changes the session key."""
    now = time.time()
    if not request.session.session_key:
        request.session.save()
    row = StaffSession.objects.create(
        user=user, session_key=request.session.session_key or "", device=device_label(request)
    )
    request.session[SESSION_STATE_KEY] = SessionState(row=row.pk, started=now, seen=now, complete=mfa_complete)


def get_state(request: HttpRequest) -> SessionState | None:
    """Return the state, or None for a session that was not created by our login."""
    state: SessionState | None = request.session.get(SESSION_STATE_KEY)
    return state


def seconds_left(session: SessionBase) -> int:
    """Return the seconds until the session expires without further activity; 0 when it has expired."""
    state: SessionState | None = session.get(SESSION_STATE_KEY)
    if state is None:
        return 0
    idle_deadline = state["seen"] + settings.SESSION_IDLE_MINUTES * 60
    absolute_deadline = state["started"] + settings.SESSION_HOURS * 3600
    return max(0, int(min(idle_deadline, absolute_deadline) - time.time()))


def touch(request: HttpRequest) -> None:
    """Restart the idle timeout, writing at most every ``TOUCH_INTERVAL``."""
    state = get_state(request)
    if state is None or time.time() - state["seen"] < TOUCH_INTERVAL:
        return
    request.session[SESSION_STATE_KEY] = {**state, "seen": time.time()}
    sync_key(request)


def sync_key(request: HttpRequest) -> None:
    """Store the current session key in the session's row, because Django cycles keys."""
    state = get_state(request)
    if state and request.session.session_key:
        StaffSession.objects.filter(pk=state["row"]).update(
            session_key=request.session.session_key, last_seen_at=timezone.now()
        )


def mark_mfa_complete(request: HttpRequest) -> None:
    """Open the whole admin to this session: the second factor is set up and the recovery codes are saved."""
    state = get_state(request)
    if state:
        request.session[SESSION_STATE_KEY] = {**state, "complete": True}


def is_mfa_complete(request: HttpRequest) -> bool:
    """Return whether this session may use the whole admin."""
    state = get_state(request)
    return bool(state and state["complete"]) or not settings.MFA_REQUIRED


def recently_authenticated(request: HttpRequest) -> bool:
    """Return whether the user authenticated recently enough for a sensitive action."""
    state = get_state(request)
    if state is None:
        return not settings.MFA_REQUIRED
    return time.time() - state["started"] < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def active_sessions(user: User) -> list[StaffSession]:
    """Return the sessions of ``user``, last used first, and delete the rows of those that have ended."""
    rows = list(StaffSession.objects.filter(user=user))
    active_keys = set(
        Session.objects.filter(
            session_key__in=[row.session_key for row in rows], expire_date__gt=timezone.now()
        ).values_list("session_key", flat=True)
    )
    idle_since = timezone.now() - timedelta(minutes=settings.SESSION_IDLE_MINUTES)
    expired = [row.pk for row in rows if row.session_key not in active_keys or row.last_seen_at < idle_since]
    if expired:
        StaffSession.objects.filter(pk__in=expired).delete()
    return [row for row in rows if row.pk not in expired]


@transaction.atomic
def revoke(request: HttpRequest, user: User, pk: int) -> bool:
    """End one session of ``user``; return False if there is no such session."""
    row = StaffSession.objects.filter(user=user, pk=pk).first()
    if row is None:
        return False
    Session.objects.filter(session_key=row.session_key).delete()
    row.delete()
    audit.record(audit.Kind.SESSION_REVOKED, user=user, actor=user, request=request, detail=row.device)
    return True


@transaction.atomic
def revoke_all(user: User, *, except_request: HttpRequest | None = None) -> None:
    """End all sessions of ``user``, except the one of ``except_request`` if given.

    Sessions without a row end as well, because the session auth hash changes.
    """
    rows = StaffSession.objects.filter(user=user)
    state = get_state(except_request) if except_request else None
    if state:
        rows = rows.exclude(pk=state["row"])
    Session.objects.filter(session_key__in=list(rows.values_list("session_key", flat=True))).delete()
    rows.delete()
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    if except_request:
        update_session_auth_hash(except_request, user)
        except_request.session.save()
        sync_key(except_request)


def delete_record(request: HttpRequest) -> None:
    """Delete the row of a session that is about to end."""
    state = get_state(request)
    if state:
        StaffSession.objects.filter(pk=state["row"]).delete()
