"""The second factor of an account: a TOTP app or a passkey, plus recovery codes that the user has saved.

The forms are allauth's, with our throttling, audit log, and messages.
"""

import re
from typing import Any

from allauth.core import context
from allauth.mfa.base import forms as base
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal import audit
from portal.accounts import mail, throttle
from portal.accounts.models import User

PRIMARY_TYPES = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
SAVED_KEY = "kept"  # in the data of the recovery codes; part of stored data, do not rename
INVALID_CODE = gettext_lazy("This code is not correct. Codes change every 30 seconds: type the one the app shows now.")
INVALID_PASSKEY = gettext_lazy("This passkey was not accepted. Try again, or use a code.")
# What allauth's WebAuthn forms raise for malformed input from the browser.
WEBAUTHN_ERRORS = (ValidationError, AttributeError, KeyError, ValueError, TypeError)
CODE_WIDGET = forms.TextInput(
    attrs={"autocomplete": "one-time-code", "autocapitalize": "off", "spellcheck": "false", "class": "vTextField"}
)


def has_mfa(user: User) -> bool:
    """Return whether the account has an app or a passkey; recovery codes alone do not count."""
    return bool(Authenticator.objects.filter(user=user, type__in=PRIMARY_TYPES).exists())


def authenticator_types(user: User) -> set[str]:
    """Return the values of ``Authenticator.Type`` that the account has."""
    return set(Authenticator.objects.filter(user=user).values_list("type", flat=True))


def get_recovery_codes(user: User) -> Authenticator | None:
    """Return the row that holds the recovery codes."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()


def has_saved_codes(user: User) -> bool:
    """Return whether the user has confirmed saving the recovery codes."""
    codes = get_recovery_codes(user)
    return codes is not None and are_codes_saved(codes)


def are_codes_saved(codes: Authenticator) -> bool:
    """Return whether these recovery codes were confirmed as saved; after that, they are never shown again."""
    return bool(codes.data.get(SAVED_KEY))


@transaction.atomic
def mark_codes_saved(user: User) -> None:
    """Record that the user has saved the recovery codes, so that they are never shown again."""
    codes = get_recovery_codes(user)
    if codes:
        codes.data[SAVED_KEY] = True
        codes.save(update_fields=["data"])


def is_setup_complete(user: User) -> bool:
    """Return whether the account has a second factor and saved recovery codes."""
    return has_mfa(user) and has_saved_codes(user)


def is_last_authenticator(authenticator: Authenticator) -> bool:
    """Return whether removing ``authenticator`` would leave the account without a second factor."""
    others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=PRIMARY_TYPES).exclude(
        pk=authenticator.pk
    )
    return authenticator.type in PRIMARY_TYPES and not others.exists()


def remove_all(user: User) -> None:
    Authenticator.objects.filter(user=user).delete()


def consume_totp_code(user: Any, code: str) -> bool:
    """Return True the first time ``user`` uses this code, ignoring spaces, across all processes."""
    return throttle.consume_once(f"totp|{user.pk}|{re.sub(r'[^0-9]', '', code)}")


def _prepare_code_field(field: forms.Field, label: str) -> None:
    field.label = label
    field.widget = CODE_WIDGET
    field.error_messages["required"] = _("Enter the code that your app shows.")


class _CodeFormMixin(forms.Form):
    """A code from the app, or one of the recovery codes."""

    user: Any
    authenticator: Authenticator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _prepare_code_field(self.fields["code"], _("Code"))

    def clean_code(self) -> str:
        """Check the code after counting the attempt; a code from the app works only once."""
        counter = [throttle.AttemptCounter(f"code|{self.user.pk}", throttle.VERIFICATION)]
        if message := throttle.start_attempt(counter, context.request, user=self.user, detail="code"):
            raise ValidationError(message, code="throttled")
        try:
            code: str = super().clean_code()  # type: ignore[misc]
        except ValidationError:
            code = ""
        is_totp = code and self.authenticator.type == Authenticator.Type.TOTP
        if not code or (is_totp and not consume_totp_code(self.user, code)):
            audit.record(audit.Kind.MFA_FAILED, user=self.user, request=context.request)
            raise ValidationError(INVALID_CODE, code="incorrect_code")
        throttle.refund(counter)
        return code

    def save(self) -> None:
        """Log the use of a recovery code and mail the user: a stolen list of codes gives access to the account."""
        super().save()  # type: ignore[misc]
        if self.authenticator.type == Authenticator.Type.RECOVERY_CODES:
            count = len(self.authenticator.wrap().get_unused_codes())
            audit.record(
                audit.Kind.RECOVERY_CODE_USED, user=self.user, request=context.request, detail=f"{count} codes left"
            )
            event = ngettext(
                "Recovery code used, %(count)d code left", "Recovery code used, %(count)d codes left", count
            )
            mail.notify(self.user, event % {"count": count})


class LoginCodeForm(_CodeFormMixin, base.AuthenticateForm):  # type: ignore[misc]
    """The second factor at login: a code."""


class ConfirmCodeForm(_CodeFormMixin, base.ReauthenticateForm):  # type: ignore[misc]
    """Reauthentication with a code before a sensitive action."""


class _PasskeyFormMixin(forms.Form):
    """A passkey's response. It cannot be guessed, so failures are logged but not throttled by account."""

    def clean_credential(self) -> Authenticator:
        """Return the authenticator; raise the same ValidationError whatever is wrong with the response."""
        try:
            authenticator: Authenticator = super().clean_credential()  # type: ignore[misc]
        except WEBAUTHN_ERRORS as error:
            user = getattr(self, "user", None)
            audit.record(audit.Kind.MFA_FAILED, user=user, request=context.request, detail="passkey")
            raise ValidationError(INVALID_PASSKEY, code="incorrect_code") from error
        return authenticator


class LoginPasskeyForm(_PasskeyFormMixin, webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """The second factor at login: a passkey."""


class PasswordlessLoginForm(_PasskeyFormMixin, webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    """Login with a passkey alone."""


class ConfirmPasskeyForm(_PasskeyFormMixin, webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """Reauthentication with a passkey before a sensitive action."""


class ActivateTOTPForm(totp.ActivateTOTPForm):  # type: ignore[misc]
    """The first code of a newly added app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _prepare_code_field(self.fields["code"], _("Code that the app shows now"))

    def clean_code(self) -> str:
        """Check the code with our message, and consume it so that it cannot be used to sign in."""
        try:
            code: str = super().clean_code()
        except ValidationError as error:
            raise ValidationError(INVALID_CODE, code="incorrect_code") from error
        consume_totp_code(self.user, code)
        return code


class AddPasskeyForm(webauthn.AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey, with a name to recognize it by."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        count = Authenticator.objects.filter(user=self.user, type=Authenticator.Type.WEBAUTHN).count()
        name = forms.CharField(
            label=_("Name"), max_length=40, required=False, help_text=_("Such as “My phone” or “Blue key”.")
        )
        name.widget.attrs["class"] = "vTextField"
        self.fields["name"] = name
        self.initial["name"] = _("My passkey") if count == 0 else _("Passkey %(number)d") % {"number": count + 1}
        self.fields.pop("passwordless", None)

    def clean(self) -> dict[str, Any]:
        """Raise a single ValidationError for any malformed response from the device."""
        try:
            cleaned: dict[str, Any] = super().clean()
        except WEBAUTHN_ERRORS as error:
            raise ValidationError(
                _("The passkey could not be added. Press the button again and follow the prompts of your device.")
            ) from error
        return cleaned
