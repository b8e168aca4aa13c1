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

from portal.staff import audit, mail, throttle

WRONG = "This code is not right. Codes change every 30 seconds: type the one that the app shows now."
WRONG_PASSKEY = "This passkey was not accepted. Try again, or use a code."
CODE = forms.TextInput(
    attrs={"autocomplete": "one-time-code", "autocapitalize": "off", "spellcheck": "false", "class": "vTextField"}
)


def is_first_use(user: Any, code: str) -> bool:
    """A code from an app works once, in whichever worker, however it is spaced."""
    return throttle.first_time(f"totp|{user.pk}|{re.sub(r'[^0-9]', '', code)}")


class _Code(forms.Form):
    """A code from the app, or one of the recovery codes."""

    user: Any
    authenticator: Authenticator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Code"
        self.fields["code"].widget = CODE
        self.fields["code"].error_messages["required"] = "Type the code that your app shows."

    def clean_code(self) -> str:
        """Counted before it is looked at; a code from an app works once, in whichever worker."""
        bucket = [throttle.Bucket(f"code|{self.user.pk}", throttle.CODE)]
        wait = throttle.take(bucket)
        if wait:
            audit.record(audit.Kind.SLOWED, person=self.user, request=context.request, detail="code")
            raise ValidationError(throttle.too_often(wait), code="wait")
        try:
            code: str = super().clean_code()  # type: ignore[misc]
        except ValidationError:
            code = ""
        app = code and self.authenticator.type == Authenticator.Type.TOTP
        if not code or (app and not is_first_use(self.user, code)):
            audit.record(audit.Kind.CODE_REFUSED, person=self.user, request=context.request)
            raise ValidationError(WRONG, code="incorrect_code")
        throttle.give_back(bucket)
        return code

    def save(self) -> None:
        """A used recovery code is told of: whoever has the sheet of paper has the account."""
        super().save()  # type: ignore[misc]
        if self.authenticator.type == Authenticator.Type.RECOVERY_CODES:
            left = len(self.authenticator.wrap().get_unused_codes())
            words = f"a recovery code was used, {left} are left"
            audit.record(audit.Kind.RECOVERY_CODE, person=self.user, request=context.request, detail=words)
            mail.tell(self.user, words)


class SignInCodeForm(_Code, base.AuthenticateForm):  # type: ignore[misc]
    """After the password."""


class ConfirmCodeForm(_Code, base.ReauthenticateForm):  # type: ignore[misc]
    """Before something delicate."""


class _Passkey(forms.Form):
    """A passkey's answer cannot be guessed: it is logged, not counted."""

    def clean_credential(self) -> Authenticator:
        """One sentence for all that can be wrong with it."""
        try:
            found: Authenticator = super().clean_credential()  # type: ignore[misc]
        except (ValidationError, AttributeError, KeyError, ValueError, TypeError) as error:
            person = getattr(self, "user", None)
            audit.record(audit.Kind.CODE_REFUSED, person=person, request=context.request, detail="passkey")
            raise ValidationError(WRONG_PASSKEY, code="incorrect_code") from error
        return found


class SignInPasskeyForm(_Passkey, webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """After the password."""


class PasskeyAloneForm(_Passkey, webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    """Instead of the password."""


class ConfirmPasskeyForm(_Passkey, webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """Before something delicate."""


class ActivateAppForm(totp.ActivateTOTPForm):  # type: ignore[misc]
    """The first code of a new app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Code that the app shows now"
        self.fields["code"].widget = CODE
        self.fields["code"].error_messages["required"] = "Type the code that your app shows."

    def clean_code(self) -> str:
        """In our words."""
        try:
            code: str = super().clean_code()
        except ValidationError as error:
            raise ValidationError(WRONG, code="incorrect_code") from error
        is_first_use(self.user, code)
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
