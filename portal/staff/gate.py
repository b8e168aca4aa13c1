"""Stands before everything under /admin/: sessions end in time, and nobody works before the second factor is set up."""

from collections.abc import Callable
from typing import Any

from allauth.account.middleware import AccountMiddleware
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from portal.staff import audit, sessions
from portal.staff.models import User

# What may be opened before the second factor is set up (names in urls.py).
SETTING_UP = frozenset(
    "account_login account_logout account_reauthenticate mfa_reauthenticate mfa_reauthenticate_webauthn staff_set_up "
    "mfa_activate_totp staff_app_picture mfa_add_webauthn mfa_view_recovery_codes staff_codes_file "
    "mfa_generate_recovery_codes staff_session welcome damaged_welcome jsi18n".split()
)
# What a page asks by itself says so with this header, and does not count as somebody being at work.
BACKGROUND = "X-Background"


class SignInMiddleware:
    """allauth's middleware, for staff only: it compares every 404 with its own addresses, and so loads all screens."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response, self.for_staff = get_response, AccountMiddleware(get_response)
        self.process_exception = self.for_staff.process_exception

    def __call__(self, request: HttpRequest) -> HttpResponse:
        get_response = self.for_staff if request.path_info.startswith("/admin/") else self.get_response
        response: HttpResponse = get_response(request)
        return response


class StaffGate:
    """Public addresses pass without a look at the session: patients have none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/admin/") or not isinstance(request.user, User):
            return self.get_response(request)
        if _is_over(request, request.user):
            # As a stranger: each view says in its own way that nobody is signed in, and no typed text is lost.
            return self.get_response(request)
        if request.path_info != "/admin/session/" and BACKGROUND not in request.headers:
            sessions.keep(request)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """To the second factor first."""
        match = request.resolver_match
        if not request.path_info.startswith("/admin/") or match is None or match.url_name in SETTING_UP:
            return None
        if not request.user.is_authenticated or sessions.is_complete(request):
            return None
        return HttpResponseRedirect(reverse("staff_set_up"))


def _is_over(request: HttpRequest, user: User) -> bool:
    """End a session whose time is over, or that never came through our sign-in."""
    if sessions.stamps(request) is None and not settings.REQUIRE_SECOND_FACTOR:
        return False
    if sessions.seconds_left(request.session) > 0 and sessions.may_sign_in(request, user):
        return False
    timed_out = sessions.stamps(request) is not None
    if timed_out:
        audit.record(audit.Kind.TIMED_OUT, person=user, actor=user, request=request)
    sessions.forget(request)
    logout(request)
    if timed_out and request.path_info != "/admin/session/":
        messages.info(request, "You were signed out because nothing was done for a while, or because the day was long.")
    return True
