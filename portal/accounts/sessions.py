"""Staff sessions: who may have one, time limits, listing active sessions, and revoking them."""

import time
from datetime import timedelta
from typing import NotRequired, TypedDict
from urllib.parse import urlsplit

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from portal import audit
from portal.accounts.models import User
from portal.security import is_local_client, is_loopback

# Part of stored sessions, like the keys of SessionState: renaming them signs everyone out.
SESSION_STATE_KEY = "staff"
# Activity is recorded at most this often, so that reading pages does not write to the database.
TOUCH_INTERVAL = 30  # seconds
# If the single sign-on provider does not redirect back, users can work this long before being sent there again.
CONFIRM_RETRY_SECONDS = 120
# The host name that Django's test client sends; no network resolves it.
TEST_CLIENT_HOST = "testserver"
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


class SessionState(TypedDict):
    """What a session stores about itself.

    All values are Unix times, except ``complete``: whether the second factor is done. Only single sign-on sessions have
    ``confirmed``: when the provider last confirmed the user and their roles.
    """

    started: float
    seen: float
    complete: bool
    confirmed: NotRequired[float]
    asked: NotRequired[float]  # when the browser was last sent to the provider
    authenticated: NotRequired[float]  # when the provider last asked for the password, after ``started``


def can_log_in(request: HttpRequest, user: User) -> bool:
    """Return whether the account is active staff; demo accounts also need a local client."""
    return user.is_active and user.is_staff and (not user.is_demo or can_use_demo_accounts(request))


def allows_local_login(user: User) -> bool:
    """Return whether the account may sign in with a password or passkey.

    If there is a break-glass account, only it may; otherwise, every account may.
    """
    return not settings.BREAK_GLASS_ACCOUNT or user.username == settings.BREAK_GLASS_ACCOUNT


def is_network_reachable() -> bool:
    """Return whether the public URL or an allowed host is not a loopback name."""
    hosts = [urlsplit(settings.PUBLIC_URL).hostname or "", *settings.ALLOWED_HOSTS]
    return not all(host == TEST_CLIENT_HOST or is_loopback(host) for host in hosts)


def can_use_demo_accounts(request: HttpRequest) -> bool:
    """Return whether the client and the site are both local: these accounts have no second factor."""
    return is_local_client(request) and not is_network_reachable()


def start(request: HttpRequest, *, mfa_complete: bool, is_sso: bool = False) -> None:
    """Set the state of a new session. allauth adds its row to the list of sessions afterwards."""
    now = time.time()
    state = SessionState(started=now, seen=now, complete=mfa_complete)
    if is_sso:
        state["confirmed"] = now
    request.session[SESSION_STATE_KEY] = state


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
    deadline = min(idle_deadline, absolute_deadline)
    if "confirmed" in state:
        deadline = min(deadline, state["confirmed"] + settings.SSO_RECHECK_MINUTES * 60)
    return max(0, int(deadline - time.time()))


def is_sso(request: HttpRequest) -> bool:
    """Return whether the session began with single sign-on."""
    return "confirmed" in (get_state(request) or {})


def needs_sso_recheck(request: HttpRequest) -> bool:
    """Return whether the provider should confirm the session now: more than half of the recheck interval has passed."""
    state = get_state(request)
    if state is None or "confirmed" not in state:
        return False
    now = time.time()
    is_due = now - state["confirmed"] > settings.SSO_RECHECK_MINUTES * 60 / 2
    return is_due and now - state.get("asked", 0.0) > CONFIRM_RETRY_SECONDS


def record_provider_redirect(request: HttpRequest) -> None:
    """Record that the browser is being sent to the provider, if someone is signed in."""
    state = get_state(request)
    if state:
        request.session[SESSION_STATE_KEY] = {**state, "asked": time.time()}


def record_confirmation(request: HttpRequest, *, reauthenticated: bool) -> None:
    """Record that the provider has confirmed the session, and whether it asked for the password."""
    state = get_state(request)
    if state:
        now = time.time()
        times = {"seen": now, "confirmed": now, **({"authenticated": now} if reauthenticated else {})}
        request.session[SESSION_STATE_KEY] = {**state, **times}


def touch(request: HttpRequest) -> None:
    """Restart the idle timeout, writing at most once per ``TOUCH_INTERVAL``.

    allauth's own tracking would write on every request.
    """
    state = get_state(request)
    if state is None or time.time() - state["seen"] < TOUCH_INTERVAL:
        return
    request.session[SESSION_STATE_KEY] = {**state, "seen": time.time()}
    UserSession.objects.filter(session_key=request.session.session_key).update(last_seen_at=timezone.now())


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
    return (
        time.time() - max(state["started"], state.get("authenticated", 0.0)) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    )


def active_sessions(user: User) -> list[UserSession]:
    """Return the sessions of ``user``, last used first, and delete the rows of those that have ended."""
    idle_since = timezone.now() - timedelta(minutes=settings.SESSION_IDLE_MINUTES)
    rows: list[UserSession] = UserSession.objects.purge_and_list(user)
    for row in rows:
        if row.last_seen_at < idle_since:
            row.end()
    active = (row for row in rows if row.last_seen_at >= idle_since)
    return sorted(active, key=lambda row: row.last_seen_at, reverse=True)


@transaction.atomic
def revoke(request: HttpRequest, user: User, pk: int) -> bool:
    """End one session of ``user``; return False if there is no such session."""
    row = UserSession.objects.filter(user=user, pk=pk).first()
    if row is None:
        return False
    row.end()
    audit.record(audit.Kind.SESSION_REVOKED, user=user, actor=user, request=request, detail=device_label(row))
    return True


@transaction.atomic
def revoke_all(user: User, *, except_request: HttpRequest | None = None) -> None:
    """End all sessions of ``user``, except the one of ``except_request`` if given.

    Sessions without a row end as well, because the session auth hash changes.
    """
    own_key = except_request.session.session_key if except_request else None
    for row in UserSession.objects.filter(user=user).exclude(session_key=own_key or ""):
        row.end()
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    if except_request:
        update_session_auth_hash(except_request, user)
        except_request.session.save()
        sync_session_key(except_request, own_key)


def sync_session_key(request: HttpRequest, previous_key: str | None) -> None:
    """Update the session's row after its key was rotated."""
    UserSession.objects.filter(session_key=previous_key or "").update(session_key=request.session.session_key)


def delete_record(request: HttpRequest) -> None:
    """Delete the row of a session that is about to end."""
    UserSession.objects.filter(session_key=request.session.session_key or "").delete()


def refuse(request: HttpRequest, user: User | None, message: str, detail: str = "") -> HttpResponseRedirect:
    """Log a refused sign-in, end the session of this browser, and return to the login page with a message."""
    audit.record(audit.Kind.LOGIN_FAILED, user=user, request=request, detail=detail)
    delete_record(request)
    request.session.flush()
    messages.error(request, message)
    return HttpResponseRedirect(reverse("account_login"))


def device_label(session: UserSession) -> str:
    """Return a label such as "Firefox on Windows". Always in English, because it is stored in the audit log."""
    browser = next((name for sign, name in BROWSERS if sign in session.user_agent), "Unknown browser")
    system = next((name for sign, name in OPERATING_SYSTEMS if sign in session.user_agent), "an unknown system")
    return f"{browser} on {system}"
