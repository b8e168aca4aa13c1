"""allauth's forms for codes and passkeys, with our throttle, our log and our words."""

import re
from typing import Any

from allauth.core import context
from allauth.mfa.base import forms as base
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.core.exceptions import ValidationError

from portal.accounts import audit, mail, throttle

INVALID_CODE = "This code is not right. Codes change every 30 seconds: type the one that the app shows now."
INVALID_PASSKEY = "This passkey was not accepted. Try again, or use a code."
CODE_WIDGET = forms.TextInput(
    attrs={"autocomplete": "one-time-code", "autocapitalize": "off", "spellcheck": "false", "class": "vTextField"}
)


def consume_totp_code(user: Any, code: str) -> bool:
    """A code from an app works once, in whichever worker, however it is spaced."""
    return throttle.consume_once(f"totp|{user.pk}|{re.sub(r'[^0-9]', '', code)}")


class _CodeFormMixin(forms.Form):
    """A code from the app, or one of the recovery codes."""

    user: Any
    authenticator: Authenticator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Code"
        self.fields["code"].widget = CODE_WIDGET
        self.fields["code"].error_messages["required"] = "Type the code that your app shows."

    def clean_code(self) -> str:
        """Counted before it is looked at; a code from an app works once, in whichever worker."""
        bucket = [throttle.Bucket(f"code|{self.user.pk}", throttle.VERIFICATION)]
        wait = throttle.hit(bucket)
        if wait:
            audit.record(audit.Kind.THROTTLED, user=self.user, request=context.request, detail="code")
            raise ValidationError(throttle.throttled_message(wait), code="throttled")
        try:
            code: str = super().clean_code()  # type: ignore[misc]
        except ValidationError:
            code = ""
        app = code and self.authenticator.type == Authenticator.Type.TOTP
        if not code or (app and not consume_totp_code(self.user, code)):
            audit.record(audit.Kind.MFA_FAILED, user=self.user, request=context.request)
            raise ValidationError(INVALID_CODE, code="incorrect_code")
        throttle.refund(bucket)
        return code

    def save(self) -> None:
        """A used recovery code is told of: whoever has the sheet of paper has the account."""
        super().save()  # type: ignore[misc]
        if self.authenticator.type == Authenticator.Type.RECOVERY_CODES:
            left = len(self.authenticator.wrap().get_unused_codes())
            words = f"a recovery code was used, {left} are left"
            audit.record(audit.Kind.RECOVERY_CODE_USED, user=self.user, request=context.request, detail=words)
            mail.notify(self.user, words)


class LoginCodeForm(_CodeFormMixin, base.AuthenticateForm):  # type: ignore[misc]
    """After the password."""


class ConfirmCodeForm(_CodeFormMixin, base.ReauthenticateForm):  # type: ignore[misc]
    """Before something delicate."""


class _PasskeyFormMixin(forms.Form):
    """A passkey's answer cannot be guessed: it is logged, not counted."""

    def clean_credential(self) -> Authenticator:
        """One sentence for all that can be wrong with it."""
        try:
            found: Authenticator = super().clean_credential()  # type: ignore[misc]
        except (ValidationError, AttributeError, KeyError, ValueError, TypeError) as error:
            person = getattr(self, "user", None)
            audit.record(audit.Kind.MFA_FAILED, user=person, request=context.request, detail="passkey")
            raise ValidationError(INVALID_PASSKEY, code="incorrect_code") from error
        return found


class LoginPasskeyForm(_PasskeyFormMixin, webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """After the password."""


class PasswordlessLoginForm(_PasskeyFormMixin, webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    """Instead of the password."""


class ConfirmPasskeyForm(_PasskeyFormMixin, webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """Before something delicate."""


class ActivateTOTPForm(totp.ActivateTOTPForm):  # type: ignore[misc]
    """The first code of a new app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Code that the app shows now"
        self.fields["code"].widget = CODE_WIDGET
        self.fields["code"].error_messages["required"] = "Type the code that your app shows."

    def clean_code(self) -> str:
        """In our words."""
        try:
            code: str = super().clean_code()
        except ValidationError as error:
            raise ValidationError(INVALID_CODE, code="incorrect_code") from error
        consume_totp_code(self.user, code)
        return code


class AddPasskeyForm(webauthn.AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey, with a name to know it again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        count = Authenticator.objects.filter(user=self.user, type=Authenticator.Type.WEBAUTHN).count()
        name = forms.CharField(
            label="A name for it", max_length=40, required=False, help_text="Such as “My phone” or “Blue key”."
        )
        name.widget.attrs["class"] = "vTextField"
        self.fields["name"] = name
        self.initial["name"] = "My passkey" if count == 0 else f"Passkey {count + 1}"
        self.fields.pop("passwordless", None)

    def clean(self) -> dict[str, Any]:
        """In our words, whatever the device sent."""
        try:
            cleaned: dict[str, Any] = super().clean()
        except (ValidationError, AttributeError, KeyError, ValueError, TypeError) as error:
            raise ValidationError(
                "The passkey could not be added. Press the button again and follow what the device asks."
            ) from error
        return cleaned
