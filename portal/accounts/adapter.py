"""allauth adapters: who may log in, what happens then, which messages are sent, and how secrets are stored."""

import logging
import secrets
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from portal import PRODUCT_NAME, audit
from portal.accounts import mail, mfa, services, sessions, sso, throttle
from portal.accounts.models import User, find_user
from portal.accounts.sessions import can_use_demo_accounts
from portal.accounts.throttle import get_device_id, remember_device
from portal.security import client_network

log = logging.getLogger(__name__)

LOGIN_FAILED = gettext_lazy("The username or password is not correct. Check both, and whether Caps Lock is on.")
PASSKEY_HINT = gettext_lazy("You can use a passkey right away.")
# allauth's name for single sign-on.
SSO_METHOD = "socialaccount"
# allauth's mail templates, each with the kind of the audit event and its description, which is stored in English.
MFA_EVENTS = {
    "mfa/email/totp_activated": (audit.Kind.FACTOR_ADDED, gettext_noop("Authenticator app added")),
    "mfa/email/totp_deactivated": (audit.Kind.FACTOR_REMOVED, gettext_noop("Authenticator app removed")),
    "mfa/email/webauthn_added": (audit.Kind.FACTOR_ADDED, gettext_noop("Passkey added")),
    "mfa/email/webauthn_removed": (audit.Kind.FACTOR_REMOVED, gettext_noop("Passkey removed")),
    "mfa/email/recovery_codes_generated": (
        audit.Kind.RECOVERY_CODES_GENERATED,
        gettext_noop("New recovery codes generated"),
    ),
}


def authenticate(request: HttpRequest, identifier: str, password: str) -> User | None:
    """Check a password, throttled, and return the user or None.

    Does the same work for every account, known or not, so that timing reveals nothing: one lookup, one throttle check,
    one hash, one audit event. Raise ValidationError with the time to wait after too many attempts.
    """
    user = find_user(identifier)
    counters = throttle.login_counters(user, identifier, client_network(request), get_device_id(request, user))
    if message := throttle.start_attempt(counters, request, user=user):
        raise ValidationError(f"{message} {PASSKEY_HINT}", code="throttled")
    if user is None:
        make_password(password)
        is_correct = False
    else:
        is_correct = user.check_password(password)
    if user is None or not is_correct or not _can_log_in_locally(request, user):
        audit.record(audit.Kind.LOGIN_FAILED, user=user, request=request)
        return None
    throttle.refund(counters)
    return user


def _can_log_in_locally(request: HttpRequest, user: User) -> bool:
    return sessions.can_log_in(request, user) and sessions.allows_local_login(user)


def _login_methods(request: HttpRequest, user: Any) -> list[str]:
    """Return the authentication methods used in this session so far, without duplicates."""
    methods = [record.get("type") or record["method"] for record in get_authentication_records(request, user)]
    return list(dict.fromkeys(methods))


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Login, reauthentication, and notifications."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return False: accounts are created by invitation only."""
        return False

    def add_message(
        self, request: HttpRequest, level: int, *args: Any, message: str | None = None, **kwargs: Any
    ) -> None:
        """Add only messages that are passed as text; allauth's own come from templates and are dropped."""
        if message:
            messages.add_message(request, level, message)

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        """Reject a passkey login to an account that may not sign in, with the same message as a wrong password."""
        is_social = SSO_METHOD in _login_methods(request, user)
        if sessions.can_log_in(request, user) if is_social else _can_log_in_locally(request, user):
            return None
        return sessions.refuse(request, user, str(LOGIN_FAILED))

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the unspecified address: allauth stores what this returns in its list of sessions."""
        return "::"

    def login(self, request: HttpRequest, user: Any) -> None:
        """Start the session. allauth calls this after all login stages are passed."""
        methods = _login_methods(request, user)
        super().login(request, user)
        used_mfa = any(method in Authenticator.Type.values for method in methods)
        is_sso = SSO_METHOD in methods
        is_exempt = not settings.MFA_REQUIRED or (user.is_demo and can_use_demo_accounts(request))
        is_exempt = is_exempt or (is_sso and settings.SSO_SECOND_FACTOR == "provider")
        sessions.start(request, mfa_complete=is_exempt or (used_mfa and mfa.is_setup_complete(user)), is_sso=is_sso)
        detail = " + ".join(methods).replace(SSO_METHOD, "single sign-on")
        audit.record(audit.Kind.LOGGED_IN, user=user, actor=user, request=request, detail=detail)

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        """Trust this browser from now on."""
        response: HttpResponse = super().post_login(request, user, **kwargs)
        remember_device(request, response, user)
        return response

    def reauthenticate(self, user: Any, password: str) -> bool:
        """Check the password again before a sensitive action, throttled; return whether it is correct."""
        try:
            services.confirm_password(user, password, context.request)
        except ValidationError:
            return False
        return True

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Return whether the login was too long ago for a sensitive action.

        For single sign-on sessions, raise a redirect to the provider instead.
        """
        request = context.request
        if sessions.recently_authenticated(request):
            return False
        if sso.is_configured() and sessions.is_sso(request):
            raise ImmediateHttpResponse(HttpResponseRedirect(_reauthentication_url(request)))
        return True

    def send_notification_mail(self, template_prefix: str, user: Any, *args: Any, **kwargs: Any) -> None:
        """Log, show, and mail a change of a second factor, instead of sending allauth's template."""
        kind, description = MFA_EVENTS[template_prefix]
        audit.record(kind, user=user, actor=user, request=context.request, detail=description)
        messages.success(context.request, _(description))
        mail.notify(user, _(description))


def _reauthentication_url(request: HttpRequest) -> str:
    """Return the URL that goes through the provider and back to this page, or to the page whose form was submitted."""
    next_url = request.get_full_path()
    if request.method != "GET":
        try:
            next_url = urlsplit(request.headers.get("Referer", "")).path
        except ValueError:
            next_url = ""
        messages.info(request, _("Now that you have confirmed your identity, please repeat your last action."))
    return sso.start_url(next_url, sso.REAUTHENTICATE)


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Stores TOTP secrets and recovery codes encrypted with a key derived from the secret key."""

    def _get_user_identifier(self, user: Any) -> str:
        return str(user.username)

    def _get_site_name(self) -> str:
        return PRODUCT_NAME

    def encrypt(self, text: str) -> str:
        """Encrypt, so that a copy of the database alone does not let anyone sign in."""
        return _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt. If the secret key has changed, return a random secret: an empty one would be guessable."""
        try:
            return decrypt_strictly(encrypted_text)
        except InvalidToken:
            log.error("A second factor cannot be decrypted: it was encrypted with a different secret key")  # noqa: TRY400 -- no more to say
            return secrets.token_hex(40).translate(str.maketrans("0189", "ABCD")).upper()[:32]

    def is_mfa_enabled(self, user: Any, types: Any = None) -> bool:
        """Return whether this sign-in must check a second factor, which may be up to the provider instead."""
        is_left_to_provider = settings.SSO_SECOND_FACTOR == "provider" and context.request is not None
        if is_left_to_provider and SSO_METHOD in _login_methods(context.request, user):
            return False
        return bool(super().is_mfa_enabled(user, types=types))

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Return False for the last factor of an account."""
        return not mfa.is_last_authenticator(authenticator)

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        """Return what the device shows when it asks which passkey to use."""
        return {**super().get_public_key_credential_user_entity(user), "display_name": str(user)}


def decrypt_strictly(encrypted_text: str) -> str:
    """Decrypt what MFAAdapter.encrypt returned. Raise InvalidToken if the secret key has changed."""
    return _fernet().decrypt(encrypted_text.encode()).decode()


def _fernet() -> Fernet:
    # Part of stored data; do not rename with the package.
    key = salted_hmac("portal.staff.factors", "v1", algorithm="sha256").digest()
    return Fernet(urlsafe_b64encode(key))
