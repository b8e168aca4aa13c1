"""Login: with a password, a passkey, or single sign-on; the second factor, reauthentication, logout, new passwords.

Of allauth's views for single sign-on, only those here are routed. They import its protocol modules inside functions,
because these modules need the packages from the "sso" extra.
"""

import logging
from typing import Any, cast

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.internal.flows.logout import logout
from allauth.account.models import Login
from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateCodeView
from allauth.mfa.webauthn.views import LoginWebAuthnView, ReauthenticateWebAuthnView
from allauth.socialaccount.adapter import get_adapter
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

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
from portal.accounts.sso_settings import OIDC, SAML
from portal.accounts.views.base import AdminPageMixin, current_user, get_safe_next_url, render_page
from portal.http import plain_response
from portal.security import client_network

log = logging.getLogger(__name__)

HTTP_GONE = 410
HTTP_TOO_MANY_REQUESTS = 429
CONFIRM_TITLE = _("Confirm it’s you")
# The request metadata that the SAML toolkit needs to process a response. The rest, such as IP addresses, is not stored.
STORED_META = frozenset(
    {
        "HTTP_HOST",
        "HTTP_X_FORWARDED_PROTO",
        "SERVER_NAME",
        "SERVER_PORT",
        "SCRIPT_NAME",
        "PATH_INFO",
        "CONTENT_TYPE",
    }
)


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

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Throttle by network: each challenge creates a session, and each failure an audit event."""
        self.counters = [throttle.AttemptCounter(f"passkey|{client_network(request)}", throttle.SSO)]
        if message := throttle.start_attempt(self.counters, request, detail="passkey"):
            return plain_response(HTTP_TOO_MANY_REQUESTS, message)
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        return response

    def form_valid(self, form: Any) -> HttpResponse:
        """Log in, without following a ``next`` that leaves /admin/: allauth would."""
        # The challenge and the response.
        throttle.refund(self.counters, attempts=2)
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
    has_session = not request.session.is_empty()
    end_current_session(request)
    if has_session:  # otherwise, the message would create one
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
    if not sessions.allows_local_login(link.user):
        message = gettext("You sign in with %(provider)s now, so you don’t need this link or a password.")
        messages.info(request, message % {"provider": sso.provider_label()})
        return HttpResponseRedirect(reverse("account_login"))
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


def _require_provider(*names: str) -> None:
    if settings.SSO_PROVIDER not in names:
        raise Http404


@never_cache
@require_safe
def sso_login(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider.

    GET only: after a form submission, browsers apply our content security policy's ``form-action`` to every following
    redirect.
    """
    _require_provider(OIDC, SAML)
    next_url, purpose = get_safe_next_url(request), request.GET.get(sso.PURPOSE_KEY, sso.SIGN_IN)
    if isinstance(request.user, User) and purpose == sso.SIGN_IN:
        return HttpResponseRedirect(next_url or reverse("admin:index"))
    if message := sso.start_attempt(request):
        messages.error(request, message)
        return HttpResponseRedirect(reverse("account_login"))
    sessions.record_provider_redirect(request)
    try:
        response = _redirect_to_provider(request, next_url, purpose)
        return response if purpose == sso.SIGN_IN else _begin_new_navigation(request, response)
    except (OSError, ValueError, KeyError) as error:
        log.error("The single sign-on provider is not responding: %s", type(error).__name__)  # noqa: TRY400 -- no address
    if isinstance(request.user, User):
        message = gettext(
            "%(provider)s is not responding, so your sign-in could not be confirmed. You can keep working for now."
        )
    else:
        message = gettext("%(provider)s is not responding. Try again in a few minutes.")
    messages.warning(request, message % {"provider": capfirst(sso.provider_label())})
    fallback = next_url if isinstance(request.user, User) else reverse("account_login")
    return HttpResponseRedirect(fallback or reverse("admin:index"))


def _begin_new_navigation(request: HttpRequest, redirect: HttpResponse) -> HttpResponse:
    """Return a page that forwards the browser to the target of ``redirect``.

    This request can be the last of several redirects after a form, and ``form-action`` would stop the next one.
    """
    if "Location" not in redirect:
        return redirect
    title = gettext("Checking your sign-in…")
    response = render_page(request, "sso_continue.html", {"url": redirect["Location"]}, title=title)
    response.headers["Refresh"] = f"0; url={redirect['Location']}"
    return response


def _redirect_to_provider(request: HttpRequest, next_url: str, purpose: str) -> HttpResponse:
    # Errors from requests are OSErrors; ValueError and KeyError mean a malformed response.
    provider = get_adapter().get_provider(request, settings.SSO_PROVIDER_ID)
    data = {sso.PURPOSE_KEY: purpose}
    must_authenticate = purpose == sso.REAUTHENTICATE
    if settings.SSO_PROVIDER == OIDC:
        # max_age makes the provider state in the ID token when it authenticated the person.
        auth_params = {"prompt": "login", "max_age": "0"} if must_authenticate else {}
        return cast(
            "HttpResponse",
            provider.redirect(request, "login", next_url=next_url, data=data, auth_params=auth_params),
        )
    from allauth.socialaccount.providers.saml.utils import build_auth

    auth = build_auth(request, provider)
    url = auth.login(return_to="", force_authn=must_authenticate)
    provider.stash_redirect_state(request, "login", next_url, data, state_id=auth.get_last_request_id())
    return HttpResponseRedirect(url)


@never_cache
@require_safe
def oidc_callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Complete a sign-in with OpenID Connect."""
    _require_provider(OIDC)
    from allauth.socialaccount.providers.openid_connect.views import callback

    try:
        return cast("HttpResponse", callback(request, provider_id))
    except (ValueError, KeyError) as error:
        # The provider's response lacks something that the standard requires.
        log.error("The single sign-on provider sent an invalid response: %s", type(error).__name__)  # noqa: TRY400 -- as above
        return sso.failure_response(request, "invalid answer")


@csrf_exempt  # the provider's page sends the form; the SAML response is signed and tied to a request from this browser
@never_cache
@require_POST
def saml_acs(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Store a SAML response for ``saml_finish_acs``: browsers send no session cookie with the provider's form."""
    _require_provider(SAML)
    if message := sso.start_attempt(request):
        return plain_response(429, message)
    from allauth.socialaccount.providers.saml.views import acs

    request.POST  # noqa: B018 -- parse the body before removing the headers that this needs
    request.META = {name: value for name, value in request.META.items() if name in STORED_META}
    return cast("HttpResponse", acs(request, organization_slug))


@never_cache
@require_safe
def saml_finish_acs(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Complete a sign-in with SAML."""
    _require_provider(SAML)
    import xmlsec
    from allauth.socialaccount.providers.saml.views import finish_acs

    try:
        return cast("HttpResponse", finish_acs(request, organization_slug))
    except (PermissionDenied, ValueError, SyntaxError, xmlsec.Error):
        # The response does not match a request from this browser, has no subject, contains entities, is not XML (lxml's
        # SyntaxError), or is encrypted for another key.
        return sso.failure_response(request, "invalid answer")


@never_cache
@require_safe
def saml_metadata(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Return the portal's metadata, which is used to configure the provider."""
    _require_provider(SAML)
    from allauth.socialaccount.providers.saml.utils import build_saml_config
    from onelogin.saml2.settings import OneLogin_Saml2_Settings

    provider = get_adapter().get_provider(request, settings.SSO_PROVIDER_ID)
    config = build_saml_config(request, provider.app.settings, organization_slug)
    # Signing out at the provider does not sign out here: unsigned logout requests cannot be distinguished from forged
    # ones.
    del config["sp"]["singleLogoutService"]
    # Set only for the metadata, so that it includes the encryption key. Unencrypted assertions are still accepted.
    config["security"]["wantAssertionsEncrypted"] = "privateKey" in config["sp"]
    metadata = OneLogin_Saml2_Settings(settings=config, sp_validation_only=True).get_sp_metadata()
    return HttpResponse(metadata, content_type="application/samlmetadata+xml")


def saml_sls(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Single logout is not supported, but allauth needs the URL to build its configuration."""
    raise Http404
