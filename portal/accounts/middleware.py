"""Stands before everything under /admin/: sessions end in time, and nobody works before the second factor is set up."""

from collections.abc import Callable
from typing import Any

from allauth.account.middleware import AccountMiddleware
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from portal.accounts import audit, sessions
from portal.accounts.models import User

# What may be opened before the second factor is set up (names in urls.py).
MFA_EXEMPT_VIEWS = frozenset(
    "account_login account_logout account_reauthenticate mfa_reauthenticate mfa_reauthenticate_webauthn mfa_setup "
    "mfa_activate_totp mfa_totp_qr_code mfa_add_webauthn mfa_view_recovery_codes mfa_download_recovery_codes "
    "mfa_generate_recovery_codes account_session_status account_set_password account_set_password_damaged jsi18n".split()
)
# What a page asks by itself says so with this header, and does not count as somebody being at work.
BACKGROUND_HEADER = "X-Background"


class AdminAccountMiddleware:
    """allauth's middleware, for staff only: it compares every 404 with its own addresses, and so loads all screens."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response, self.account_middleware = get_response, AccountMiddleware(get_response)
        self.process_exception = self.account_middleware.process_exception

    def __call__(self, request: HttpRequest) -> HttpResponse:
        get_response = self.account_middleware if request.path_info.startswith("/admin/") else self.get_response
        response: HttpResponse = get_response(request)
        return response


class SessionPolicyMiddleware:
    """Public addresses pass without a look at the session: patients have none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/admin/") or not isinstance(request.user, User):
            return self.get_response(request)
        if _end_expired_session(request, request.user):
            # As a stranger: each view says in its own way that nobody is signed in, and no typed text is lost.
            return self.get_response(request)
        if request.path_info != "/admin/session/" and BACKGROUND_HEADER not in request.headers:
            sessions.touch(request)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """To the second factor first."""
        match = request.resolver_match
        if not request.path_info.startswith("/admin/") or match is None or match.url_name in MFA_EXEMPT_VIEWS:
            return None
        if not request.user.is_authenticated or sessions.is_mfa_complete(request):
            return None
        return HttpResponseRedirect(reverse("mfa_setup"))


def _end_expired_session(request: HttpRequest, user: User) -> bool:
    """End a session whose time is over, or that never came through our sign-in."""
    if sessions.get_state(request) is None and not settings.MFA_REQUIRED:
        return False
    if sessions.seconds_left(request.session) > 0 and sessions.can_log_in(request, user):
        return False
    timed_out = sessions.get_state(request) is not None
    if timed_out:
        audit.record(audit.Kind.SESSION_EXPIRED, user=user, actor=user, request=request)
    sessions.delete_record(request)
    logout(request)
    if timed_out and request.path_info != "/admin/session/":
        messages.info(request, "You were signed out because nothing was done for a while, or because the day was long.")
    return True
