"""Middleware for /admin/: NUL removal, allauth for staff, session timeouts, kept forms, and second-factor setup."""

from collections.abc import Callable
from typing import Any

from allauth.account.middleware import AccountMiddleware
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from portal import audit
from portal.accounts import sessions, sso
from portal.accounts.models import User
from portal.accounts.throttle import last_user_id
from portal.http import ADMIN_PREFIX, is_staff_path, wants_json
from portal.text import without_nul

# URL names (urls.py) that work before the second factor is set up.
MFA_EXEMPT_VIEWS = frozenset(
    "account_login account_logout account_reauthenticate account_session_status account_set_password "
    "account_set_password_damaged account_resubmit mfa_setup mfa_activate_totp mfa_totp_qr_code mfa_add_webauthn "
    "mfa_view_recovery_codes mfa_download_recovery_codes mfa_generate_recovery_codes mfa_reauthenticate "
    "mfa_reauthenticate_webauthn jsi18n "
    "sso_login openid_connect_callback saml_acs saml_finish_acs saml_metadata".split()
)
# URL names of sign-in and of the user's own account: they hold secrets, and no texts.
UNKEPT_PREFIXES = ("account_", "mfa_", "openid_", "saml_", "sso_")
# Sent with requests that a page makes by itself; they do not count as activity of the user.
BACKGROUND_HEADER = "X-Background"
SESSION_STATUS_PATH = f"{ADMIN_PREFIX}session/"
SSO_PATH = f"{ADMIN_PREFIX}sso/"


class NulCharacterMiddleware:
    """Removes NUL characters from what a form or an address of /admin/ sends.

    SQLite would store them, and the site could not be moved to PostgreSQL.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_staff_path(request):
            _remove_nul(request)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        if is_staff_path(request):
            cleaned = {name: without_nul(value) for name, value in kwargs.items()}
            if kwargs.get("object_id") and not cleaned["object_id"]:
                raise Http404
            kwargs.update(cleaned)


def _remove_nul(request: Any) -> None:
    """Remove NUL characters from the query now, and from the form when a view reads the body."""
    parse = request._load_post_and_files  # noqa: SLF001 -- views check the user before they read the body

    def parse_without_nul() -> None:
        parse()
        request._post = _without_nul(request._post)  # noqa: SLF001 -- as above

    request.GET, request._load_post_and_files = _without_nul(request.GET), parse_without_nul  # noqa: SLF001 -- as above


def _without_nul(data: QueryDict) -> QueryDict:
    if not any("\0" in text for name, values in data.lists() for text in (name, *values)):
        return data
    cleaned = QueryDict(mutable=True, encoding=data.encoding)
    for name, values in data.lists():
        cleaned.setlistdefault(without_nul(name), []).extend(without_nul(values))
    cleaned._mutable = False  # noqa: SLF001 -- as request.POST is
    return cleaned


class AdminAccountMiddleware:
    """Applies allauth's middleware only under /admin/, because its check of every 404 would load the whole admin."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response, self.account_middleware = get_response, AccountMiddleware(get_response)
        self.process_exception = self.account_middleware.process_exception

    def __call__(self, request: HttpRequest) -> HttpResponse:
        get_response = self.account_middleware if is_staff_path(request) else self.get_response
        response: HttpResponse = get_response(request)
        return response


class SessionPolicyMiddleware:
    """Session timeouts and required MFA setup. Does not touch the session of public pages: patients have none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_staff_path(request) or not isinstance(request.user, User):
            return self.get_response(request)
        user = request.user
        if _end_expired_session(request, user):
            # Continue as anonymous: process_view() keeps a form, and JSON views report it in their own way.
            request.expired_user_id = user.pk  # type: ignore[attr-defined]
            return self.get_response(request)
        if sso.is_configured() and sessions.needs_sso_recheck(request) and _is_page_navigation(request):
            # If the person is still signed in at the provider, this takes a moment and shows nothing.
            return HttpResponseRedirect(sso.start_url(request.get_full_path(), sso.CONFIRM))
        if request.path_info != SESSION_STATUS_PATH and BACKGROUND_HEADER not in request.headers:
            sessions.touch(request)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Keep a form that arrives after its session; redirect to the second-factor setup until it is complete."""
        match = request.resolver_match
        if not is_staff_path(request) or match is None:
            return None
        if request.method == "POST" and not request.user.is_authenticated:
            return _keep_form(request, view)
        if match.url_name in MFA_EXEMPT_VIEWS:
            return None
        if not request.user.is_authenticated or sessions.is_mfa_complete(request):
            return None
        return HttpResponseRedirect(reverse("mfa_setup"))


def _keep_form(request: HttpRequest, view: Any) -> HttpResponse | None:
    """Return the page that keeps a posted form, or None for a script's request, a sign-in, and an unknown browser."""
    name = request.resolver_match.url_name if request.resolver_match else None
    is_script = wants_json(request) or hasattr(view, "responds_with_json")
    if is_script or (name or "").startswith(UNKEPT_PREFIXES):
        return None
    user_id = getattr(request, "expired_user_id", None) or last_user_id(request)
    if user_id is None:
        return None
    # Imported here, because a process that serves only patients never loads the admin.
    from portal.accounts.views.resubmit import keep_form

    return keep_form(request, user_id, has_body=not getattr(view, "reads_no_anonymous_body", False))


def _is_page_navigation(request: HttpRequest) -> bool:
    """Return whether a request opens a page in a tab, so that it can be redirected through the provider."""
    if request.method != "GET" or BACKGROUND_HEADER in request.headers or request.path_info.startswith(SSO_PATH):
        return False
    if "Sec-Fetch-Dest" in request.headers:
        return request.headers["Sec-Fetch-Dest"] == "document"
    # Browsers send that header to secure origins only.
    return "text/html" in request.headers.get("Accept", "")


def _end_expired_session(request: HttpRequest, user: User) -> bool:
    """End a session that has expired or was not created by our login, and return whether it was ended."""
    if sessions.get_state(request) is None and not settings.MFA_REQUIRED:
        return False
    if sessions.seconds_left(request.session) > 0 and sessions.can_log_in(request, user):
        return False
    timed_out = sessions.get_state(request) is not None
    if timed_out:
        audit.record(audit.Kind.SESSION_EXPIRED, user=user, actor=user, request=request)
    sessions.delete_record(request)
    logout(request)
    if timed_out and request.path_info != SESSION_STATUS_PATH:
        messages.info(
            request, _("You were signed out because you were inactive, or because the session reached its time limit.")
        )
    return True
