"""Forms for setting, changing, and resetting a password, and for inviting a user."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.accounts import throttle
from portal.accounts.models import User
from portal.accounts.passwords import MAX_PASSWORD_LENGTH

if TYPE_CHECKING:
    BaseUserForm = forms.ModelForm[User]
else:
    # mypy needs the type parameter; Django's class cannot be subscripted at run time.
    BaseUserForm = forms.ModelForm

IDENTIFIER_LABEL = _("Username or email address")
IDENTIFIER_REQUIRED = _("Type your username or email address.")


def _max_length_message() -> str:
    return gettext("Use %(max)d characters or fewer.") % {"max": MAX_PASSWORD_LENGTH}


class SetPasswordForm(forms.Form):
    """A new password, typed once: the page can show it."""

    new_password = forms.CharField(
        label=_("New password"),
        strip=False,
        max_length=MAX_PASSWORD_LENGTH,
        help_text=_(
            "12 characters or more. Four unrelated words are easy to remember. A password manager can fill it in."
        ),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
        error_messages={
            "required": _("Type a new password."),
            "max_length": lazy(_max_length_message, str)(),
        },
    )

    def __init__(self, user: User, *args: Any) -> None:
        super().__init__(*args)
        self.user = user

    def clean_new_password(self) -> str:
        """Raise ValidationError with the messages of all validators."""
        password = str(self.cleaned_data["new_password"])
        password_validation.validate_password(password, self.user)
        return password


class PasswordChangeForm(SetPasswordForm):
    """A new password, with the current one as proof."""

    old_password = forms.CharField(
        label=_("Current password"),
        strip=False,
        max_length=MAX_PASSWORD_LENGTH,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "class": "vTextField"}),
        error_messages={"required": _("Type your current password.")},
    )
    field_order = ("old_password", "new_password")

    def clean_old_password(self) -> str:
        """Check the current password, throttled like a login."""
        password = str(self.cleaned_data["old_password"])
        bucket = [throttle.Bucket(f"reauthenticate|{self.user.pk}", throttle.VERIFICATION)]
        wait = throttle.hit(bucket)
        if wait:
            raise ValidationError(throttle.throttled_message(wait), code="throttled")
        if not self.user.check_password(password):
            raise ValidationError(gettext("This is not your current password."), code="password_incorrect")
        throttle.refund(bucket)
        return password


class PasswordResetForm(forms.Form):
    """A request for a password reset link."""

    username = forms.CharField(
        max_length=254,
        label=IDENTIFIER_LABEL,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "class": "vTextField"}
        ),
        error_messages={"required": IDENTIFIER_REQUIRED},
    )


class InvitationForm(BaseUserForm):
    """A new account with at least one role."""

    roles = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"), widget=forms.CheckboxSelectMultiple, label=_("Role"),
        error_messages={"required": _("Choose what this person will do.")},
    )  # fmt: skip

    class Meta:
        model = User
        fields = ("first_name", "last_name", "username", "email")
        help_texts = {
            "email": _("The invitation is sent here. Leave it empty to pass on the link yourself."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["first_name"].required = True
        for field in self.fields.values():
            if isinstance(field.widget, forms.TextInput):
                field.widget.attrs["class"] = "vTextField"
