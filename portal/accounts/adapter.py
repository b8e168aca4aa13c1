"""What allauth asks us: who may sign in, what to do then, what to tell, how to keep its secrets."""

import secrets
from base64 import urlsafe_b64encode
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import salted_hmac

from portal.accounts import audit, mail, mfa, sessions, throttle
from portal.accounts.demo import can_use_demo_accounts
from portal.accounts.models import User, find_user
from portal.accounts.trusted_devices import get_device_id, remember_device
from portal.security.client_ip import client_network

LOGIN_FAILED = "The name or the password is not right. Check both, and whether capital letters are on."
PASSKEY_HINT = "A passkey works at once."
MFA_EVENTS = {
    "mfa/email/totp_activated": (audit.Kind.FACTOR_ADDED, "an app for codes was added"),
    "mfa/email/totp_deactivated": (audit.Kind.FACTOR_REMOVED, "the app for codes was removed"),
    "mfa/email/webauthn_added": (audit.Kind.FACTOR_ADDED, "a passkey was added"),
    "mfa/email/webauthn_removed": (audit.Kind.FACTOR_REMOVED, "a passkey was removed"),
    "mfa/email/recovery_codes_generated": (audit.Kind.RECOVERY_CODES_GENERATED, "new recovery codes were made"),
}


def authenticate(request: HttpRequest, identifier: str, password: str) -> User | None:
    """The person, or None. The same work for everybody: one look-up, one throttle, one hash, one line in the log.

    Raises ValidationError with the time to wait when it was tried too often.
    """
    user = find_user(identifier)
    buckets = throttle.login_buckets(identifier, client_network(request), get_device_id(request, user))
    wait = throttle.hit(buckets)
    if wait:
        audit.record(audit.Kind.THROTTLED, user=user, request=request)
        raise ValidationError(
            f"{throttle.throttled_message(wait)} {PASSKEY_HINT}", code="throttled", params={"seconds": wait}
        )
    if user is None:
        make_password(password)
        right = False
    else:
        right = user.check_password(password)
    if user is None or not right or not sessions.can_log_in(request, user):
        audit.record(audit.Kind.LOGIN_FAILED, user=user, request=request)
        return None
    throttle.refund(buckets)
    return user


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-in and what follows it."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are invited."""
        return False

    def add_message(self, request: HttpRequest, level: int, *args: Any, message: str | None = None, **_: Any) -> None:
        """Only sentences of our own are shown; allauth's stand in templates."""
        if message:
            messages.add_message(request, level, message)

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        """A passkey of a closed account gets the same answer as a wrong password."""
        if sessions.can_log_in(request, user):
            return None
        audit.record(audit.Kind.LOGIN_FAILED, user=user, request=request)
        request.session.flush()
        messages.error(request, LOGIN_FAILED)
        return HttpResponseRedirect(reverse("account_login"))

    def login(self, request: HttpRequest, user: Any) -> None:
        """All stages are passed: the session begins."""
        used = [record.get("type") or record["method"] for record in get_authentication_records(request, user)]
        super().login(request, user)
        proven = any(kind in Authenticator.Type.values for kind in used)
        exempt = user.is_demo and can_use_demo_accounts(request)
        done = exempt or not settings.MFA_REQUIRED or (proven and mfa.is_setup_complete(user))
        sessions.start(request, user, mfa_complete=done)
        audit.record(
            audit.Kind.LOGGED_IN, user=user, actor=user, request=request, detail=" + ".join(dict.fromkeys(used))
        )

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        """This browser is known from now on."""
        response: HttpResponse = super().post_login(request, user, **kwargs)
        remember_device(request, response, user)
        return response

    def reauthenticate(self, user: Any, password: str) -> bool:
        """The password again, before something delicate."""
        bucket = [throttle.Bucket(f"reauthenticate|{user.pk}", throttle.VERIFICATION)]
        if throttle.hit(bucket) or not user.check_password(password):
            audit.record(
                audit.Kind.LOGIN_FAILED, user=user, actor=user, request=context.request, detail="reauthentication"
            )
            return False
        throttle.refund(bucket)
        return True

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Not in the first minutes after signing in."""
        return not sessions.recently_authenticated(context.request)

    def send_notification_mail(self, template_prefix: str, user: Any, *args: Any, **kwargs: Any) -> None:
        """Every change of a factor comes by here: it is logged, shown, and told by mail."""
        kind, words = MFA_EVENTS[template_prefix]
        audit.record(kind, user=user, actor=user, request=context.request, detail=words)
        messages.success(context.request, f"Done: {words}.")
        mail.notify(user, words)


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of apps and recovery codes are kept encrypted with a key from the secret key."""

    def _get_user_identifier(self, user: Any) -> str:
        return str(user.username)

    def _get_site_name(self) -> str:
        return "Plainspine"

    def encrypt(self, text: str) -> str:
        """A copy of the database alone signs nobody in."""
        return _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """With another secret key nothing opens: then a random secret, which no code fits, instead of an empty one."""
        try:
            return _fernet().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            return secrets.token_hex(40).translate(str.maketrans("0189", "ABCD")).upper()[:32]

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """The last one stays."""
        return not mfa.is_last_authenticator(authenticator)

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        """What the device shows when it asks which passkey to use."""
        return {**super().get_public_key_credential_user_entity(user), "display_name": str(user)}


def _fernet() -> Fernet:
    key = salted_hmac("portal.accounts.mfa", "v1", algorithm="sha256").digest()
    return Fernet(urlsafe_b64encode(key))
