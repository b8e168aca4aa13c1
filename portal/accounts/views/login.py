"""Login with a password or passkey, the second factor, reauthentication, logout, and setting a password."""

from typing import Any, cast

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.internal.flows.logout import logout
from allauth.account.models import Login
from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateCodeView
from allauth.mfa.webauthn.views import LoginWebAuthnView, ReauthenticateWebAuthnView
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal import audit
from portal.accounts import mail, mfa, sessions, sso, throttle
from portal.accounts.adapter import LOGIN_FAILED, authenticate
from portal.accounts.invitations import find_token, redeem_token, save_password
from portal.accounts.models import AccessToken, PasswordResetRequest, User
from portal.accounts.passwords import (
    IDENTIFIER_LABEL,
    IDENTIFIER_REQUIRED,
    MAX_PASSWORD_LENGTH,
    PasswordChangeForm,
    PasswordResetForm,
    SetPasswordForm,
)
from portal.accounts.views.base import AdminPageMixin, current_user, get_safe_next_url, render_page
from portal.security import client_network

HTTP_GONE = 410
HTTP_TOO_MANY_REQUESTS = 429
CONFIRM_TITLE = _("Confirm it’s you")


class LoginForm(forms.Form):
    """Username and password. Errors never say which of the two is wrong. ``user`` is set when valid."""

    username = forms.CharField(
        max_length=254,
        label=IDENTIFIER_LABEL,
        widget=forms.TextInput(
            attrs={"autocomplete": "username webauthn", "autocapitalize": "none", "spellcheck": "false",
                   "class": "vTextField"}
        ),
        error_messages={"required": IDENTIFIER_REQUIRED},
    )  # fmt: skip
    password = forms.CharField(
        label=_("Password"),
        max_length=MAX_PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "class": "vTextField"}),
        error_messages={"required": _("Enter your password.")},
    )
    user: User

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(*args)
        self.request = request

    def clean(self) -> dict[str, Any]:
        """Authenticate and set ``user``."""
        cleaned = super().clean() or {}
        if not self.errors:
            user = authenticate(self.request, cleaned["username"], cleaned["password"])
            if user is None:
                raise ValidationError(LOGIN_FAILED, code="invalid_login")
            self.user = user
        return cleaned


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def login_view(request: HttpRequest) -> HttpResponse:
    """Log in with a password, then continue to the second factor; redirect users who are already signed in."""
    next_url = get_safe_next_url(request)
    if isinstance(request.user, User) and request.method != "POST":
        return HttpResponseRedirect(next_url or reverse("admin:index"))
    form = LoginForm(request, request.POST) if request.method == "POST" else LoginForm(request)
    if form.is_bound and form.is_valid():
        if isinstance(request.user, User):
            # Another user takes over the same browser.
            end_current_session(request)
        login = Login(user=form.user, redirect_url=next_url or None)
        return cast("HttpResponse", perform_password_login(request, {}, login))
    is_throttled = form.is_bound and form.has_error("__all__", "throttled")
    status = HTTP_TOO_MANY_REQUESTS if is_throttled else 200
    context = {"form": form, "next": next_url, "sso": sso_context(next_url)}
    return render_page(request, "login.html", context, title=gettext("Sign in"), status=status)


def sso_context(next_url: str) -> dict[str, Any] | None:
    """Return the button of single sign-on: label, URL, and whether everyone but the break-glass account must use it."""
    if not sso.is_configured():
        return None
    is_only_way = bool(settings.BREAK_GLASS_ACCOUNT)
    return {"label": sso.provider_label(), "url": sso.start_url(next_url), "is_only_way": is_only_way}


class PasskeyLoginView(LoginWebAuthnView):  # type: ignore[misc]
    """Login with a passkey alone: the device checks a finger, face, or PIN, which is the second factor."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Log in, without following a ``next`` that leaves /admin/: allauth would."""
        if not get_safe_next_url(self.request):
            self.request.POST = self.request.POST.copy()
            self.request.POST.pop(REDIRECT_FIELD_NAME, None)
        response: HttpResponse = super().form_valid(form)
        return response


class SecondFactorView(AdminPageMixin, AuthenticateView):  # type: ignore[misc]
    """The second factor after the password: a code or a passkey."""

    title = _("Second sign-in step")
    template_name = "accounts/second_factor.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add which factors the user has."""
        types = mfa.authenticator_types(self.stage.login.user)
        return {**super().get_context_data(**kwargs), "has_app": "totp" in types, "has_passkey": "webauthn" in types}


class ConfirmPasswordView(AdminPageMixin, ReauthenticateView):  # type: ignore[misc]
    title = CONFIRM_TITLE
    template_name = "accounts/confirm_password.html"


class ConfirmCodeView(AdminPageMixin, ReauthenticateCodeView):  # type: ignore[misc]
    title = CONFIRM_TITLE
    template_name = "accounts/confirm_code.html"


class ConfirmPasskeyView(AdminPageMixin, ReauthenticateWebAuthnView):  # type: ignore[misc]
    title = CONFIRM_TITLE
    template_name = "accounts/confirm_passkey.html"


@never_cache
@require_POST
def logout_view(request: HttpRequest) -> HttpResponse:
    """Log out. POST only, so that an image or link on another site cannot sign users out."""
    end_current_session(request)
    messages.success(request, gettext("You have been signed out."))
    return HttpResponseRedirect(reverse("account_login"))


def end_current_session(request: HttpRequest) -> None:
    """End the session of this browser, including a half-finished login, and issue a new CSRF token."""
    if isinstance(request.user, User):
        audit.record(audit.Kind.LOGGED_OUT, user=request.user, actor=request.user, request=request)
        sessions.delete_record(request)
    logout(request, show_message=False)
    get_token(request)


@sensitive_post_parameters("new_password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def set_password(request: HttpRequest, token: str) -> HttpResponse:
    """Set a password with a one-time link, then continue with the normal login.

    Only the POST redeems the link: mail scanners open links. ``token`` is the rest of the path, which may be empty, cut
    off, or damaged by a mail program.
    """
    link, token = find_token(token, timezone.now())
    if link is None:
        return expired_link(request)
    is_invitation = link.purpose == AccessToken.Purpose.INVITATION
    form = SetPasswordForm(link.user, request.POST) if request.method == "POST" else SetPasswordForm(link.user)
    if not (form.is_bound and form.is_valid()):
        title = gettext("Welcome") if is_invitation else gettext("Choose a new password")
        context = {"form": form, "person": link.user, "is_invitation": is_invitation}
        return render_page(request, "set_password.html", context, title=title)
    redeemed = redeem_token(token, form.cleaned_data["new_password"], request=request)
    if redeemed is None:
        return expired_link(request)
    end_current_session(request)
    return cast("HttpResponse", perform_password_login(request, {}, Login(user=redeemed.user)))


def expired_link(request: HttpRequest) -> HttpResponse:
    """Render the same 410 page for a used, revoked, expired, or unknown link."""
    return render_page(request, "expired.html", {}, title=gettext("This link no longer works"), status=HTTP_GONE)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password_reset(request: HttpRequest) -> HttpResponse:
    """Store a request for a reset link. The response and the work are the same whether or not an account matches."""
    form = PasswordResetForm(request.POST) if request.method == "POST" else PasswordResetForm()
    title = gettext("Forgot password?")
    has_mail = mail.is_configured()
    context = {"form": form, "has_mail": has_mail, "is_requested": False}
    if has_mail and form.is_bound and form.is_valid():
        counter = throttle.AttemptCounter(f"password-reset|{client_network(request)}", throttle.NETWORK)
        if message := throttle.start_attempt([counter], request, detail="password reset"):
            form.add_error(None, message)
            return render_page(request, "password_reset.html", context, title=title, status=HTTP_TOO_MANY_REQUESTS)
        PasswordResetRequest.objects.create(identifier=form.cleaned_data["username"])
        audit.record(audit.Kind.PASSWORD_RESET_REQUESTED, user=None, request=request)
        context["is_requested"] = True
    return render_page(request, "password_reset.html", context, title=title)


@sensitive_post_parameters()
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def password_change(request: HttpRequest) -> HttpResponse:
    """Change the password and end the user's other sessions."""
    user = current_user(request)
    form = PasswordChangeForm(user, request.POST) if request.method == "POST" else PasswordChangeForm(user)
    if not (form.is_bound and form.is_valid()):
        return render_page(request, "password_change.html", {"form": form}, title=gettext("Change your password"))
    save_password(
        user, form.cleaned_data["new_password"], request=request, notice=gettext("Password changed"), keep_session=True
    )
    messages.success(request, gettext("Your password has been changed. All other devices have been signed out."))
    return redirect("mfa_index")
