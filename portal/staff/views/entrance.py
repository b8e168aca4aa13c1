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

from portal.staff import audit, factors, sessions
from portal.staff.adapter import REFUSED, check_password
from portal.staff.models import User
from portal.staff.passwords import LONGEST
from portal.staff.views.frame import Framed, own_path, show

TOO_MANY = 429


class SignInForm(forms.Form):
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
        max_length=LONGEST,
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
            user = check_password(self.request, cleaned["username"], cleaned["password"])
            if user is None:
                raise ValidationError(REFUSED, code="refused")
            self.user = user
        return cleaned


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Name and password. Signed-in people go on to where they wanted."""
    if isinstance(request.user, User) and request.method != "POST":
        return HttpResponseRedirect(own_path(request) or reverse("admin:index"))
    form = SignInForm(request, request.POST) if request.method == "POST" else SignInForm(request)
    if form.is_bound and form.is_valid():
        if isinstance(request.user, User):
            # Somebody else's turn in the same browser.
            sign_this_out(request)
        login = Login(user=form.user, redirect_url=own_path(request) or None)
        return cast("HttpResponse", perform_password_login(request, {}, login))
    waiting = form.is_bound and form.has_error("__all__", "wait")
    status = TOO_MANY if waiting else 200
    return show(request, "sign_in.html", {"form": form, "next": own_path(request)}, title="Sign in", status=status)


class PasskeySignIn(LoginWebAuthnView):  # type: ignore[misc]
    """A passkey alone: the device asks for finger, face or PIN, which is the second factor."""

    def form_valid(self, form: Any) -> HttpResponse:
        """On to where somebody wanted."""
        if not own_path(self.request):
            # allauth follows what is posted: an address elsewhere is dropped before.
            self.request.POST = self.request.POST.copy()
            self.request.POST.pop(REDIRECT_FIELD_NAME, None)
        response: HttpResponse = super().form_valid(form)
        return response


class SecondFactor(Framed, AuthenticateView):  # type: ignore[misc]
    """The code or the passkey after the password."""

    title = "Second step"
    template_name = "staff/second_factor.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Only what this person has is offered."""
        kinds = factors.kinds_of(self.stage.login.user)
        return {**super().get_context_data(**kwargs), "has_app": "totp" in kinds, "has_passkey": "webauthn" in kinds}


class ConfirmPassword(Framed, ReauthenticateView):  # type: ignore[misc]
    """The password again before something delicate."""

    title = "Please confirm that it is you"
    template_name = "staff/confirm_password.html"


class ConfirmCode(Framed, ReauthenticateCodeView):  # type: ignore[misc]
    """A code again before something delicate."""

    title = "Please confirm that it is you"
    template_name = "staff/confirm_code.html"


class ConfirmPasskey(Framed, ReauthenticateWebAuthnView):  # type: ignore[misc]
    """The passkey again before something delicate."""

    title = "Please confirm that it is you"
    template_name = "staff/confirm_passkey.html"


@never_cache
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """With a button only: a picture or a link cannot sign anybody out."""
    sign_this_out(request)
    messages.success(request, "You are signed out.")
    return HttpResponseRedirect(reverse("account_login"))


def sign_this_out(request: HttpRequest) -> None:
    """End the session of this browser, and a sign-in that is half done."""
    if isinstance(request.user, User):
        audit.record(audit.Kind.SIGNED_OUT, person=request.user, actor=request.user, request=request)
        sessions.forget(request)
    logout(request, show_message=False)
    get_token(request)
