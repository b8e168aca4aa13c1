"""The way in: name and password or a passkey, then the second factor."""

from typing import Any, cast

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.internal.flows.logout import logout
from allauth.account.models import Login
from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateCodeView
from allauth.mfa.webauthn.views import LoginWebAuthnView, ReauthenticateWebAuthnView
from django import forms
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal.accounts import audit, mfa, sessions
from portal.accounts.adapter import LOGIN_FAILED, authenticate
from portal.accounts.models import User
from portal.accounts.passwords import MAX_PASSWORD_LENGTH
from portal.accounts.views.base import AdminPageMixin, get_safe_next_url, render_page

HTTP_TOO_MANY_REQUESTS = 429


class LoginForm(forms.Form):
    """Name and password. What is wrong is said of both together."""

    username = forms.CharField(
        max_length=254,
        label="User name or mail address",
        widget=forms.TextInput(
            attrs={"autocomplete": "username webauthn", "autocapitalize": "none", "spellcheck": "false",
                   "class": "vTextField"}
        ),
        error_messages={"required": "Type your user name or mail address."},
    )  # fmt: skip
    password = forms.CharField(
        max_length=MAX_PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "class": "vTextField"}),
        error_messages={"required": "Type your password."},
    )
    user: User

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(*args)
        self.request = request

    def clean(self) -> dict[str, Any]:
        """Sets ``user``."""
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
    """Name and password. Signed-in people go on to where they wanted."""
    if isinstance(request.user, User) and request.method != "POST":
        return HttpResponseRedirect(get_safe_next_url(request) or reverse("admin:index"))
    form = LoginForm(request, request.POST) if request.method == "POST" else LoginForm(request)
    if form.is_bound and form.is_valid():
        if isinstance(request.user, User):
            # Somebody else's turn in the same browser.
            end_current_session(request)
        login = Login(user=form.user, redirect_url=get_safe_next_url(request) or None)
        return cast("HttpResponse", perform_password_login(request, {}, login))
    waiting = form.is_bound and form.has_error("__all__", "throttled")
    status = HTTP_TOO_MANY_REQUESTS if waiting else 200
    return render_page(
        request, "login.html", {"form": form, "next": get_safe_next_url(request)}, title="Sign in", status=status
    )


class PasskeyLoginView(LoginWebAuthnView):  # type: ignore[misc]
    """A passkey alone: the device asks for finger, face or PIN, which is the second factor."""

    def form_valid(self, form: Any) -> HttpResponse:
        """On to where somebody wanted."""
        if not get_safe_next_url(self.request):
            # allauth follows what is posted: an address elsewhere is dropped before.
            self.request.POST = self.request.POST.copy()
            self.request.POST.pop(REDIRECT_FIELD_NAME, None)
        response: HttpResponse = super().form_valid(form)
        return response


class SecondFactorView(AdminPageMixin, AuthenticateView):  # type: ignore[misc]
    """The code or the passkey after the password."""

    title = "Second step"
    template_name = "accounts/second_factor.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Only what this person has is offered."""
        kinds = mfa.authenticator_types(self.stage.login.user)
        return {**super().get_context_data(**kwargs), "has_app": "totp" in kinds, "has_passkey": "webauthn" in kinds}


class ConfirmPasswordView(AdminPageMixin, ReauthenticateView):  # type: ignore[misc]
    """The password again before something delicate."""

    title = "Please confirm that it is you"
    template_name = "accounts/confirm_password.html"


class ConfirmCodeView(AdminPageMixin, ReauthenticateCodeView):  # type: ignore[misc]
    """A code again before something delicate."""

    title = "Please confirm that it is you"
    template_name = "accounts/confirm_code.html"


class ConfirmPasskeyView(AdminPageMixin, ReauthenticateWebAuthnView):  # type: ignore[misc]
    """The passkey again before something delicate."""

    title = "Please confirm that it is you"
    template_name = "accounts/confirm_passkey.html"


@never_cache
@require_POST
def logout_view(request: HttpRequest) -> HttpResponse:
    """With a button only: a picture or a link cannot sign anybody out."""
    end_current_session(request)
    messages.success(request, "You are signed out.")
    return HttpResponseRedirect(reverse("account_login"))


def end_current_session(request: HttpRequest) -> None:
    """End the session of this browser, and a sign-in that is half done."""
    if isinstance(request.user, User):
        audit.record(audit.Kind.LOGGED_OUT, user=request.user, actor=request.user, request=request)
        sessions.delete_record(request)
    logout(request, show_message=False)
    get_token(request)
