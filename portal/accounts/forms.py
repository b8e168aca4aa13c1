"""Forms for a new password and for inviting somebody."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from portal.accounts import throttle
from portal.accounts.models import User
from portal.accounts.passwords import MAX_PASSWORD_LENGTH

if TYPE_CHECKING:
    BaseUserForm = forms.ModelForm[User]
else:
    # The type checker wants it with [], Django's class at run time does not take it.
    BaseUserForm = forms.ModelForm
NEW_PASSWORD_HELP = (
    "12 characters or more. Four words that have nothing to do with each other are easy to keep in mind. "
    "A password manager may fill it in."
)


class SetPasswordForm(forms.Form):
    """A password, typed once: the page can show it."""

    new_password = forms.CharField(
        label="New password",
        strip=False,
        max_length=MAX_PASSWORD_LENGTH,
        help_text=NEW_PASSWORD_HELP,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
        error_messages={
            "required": "Type a new password.",
            "max_length": f"Take {MAX_PASSWORD_LENGTH} characters or fewer.",
        },
    )

    def __init__(self, user: User, *args: Any) -> None:
        super().__init__(*args)
        self.user = user

    def clean_new_password(self) -> str:
        """Raises every reason why it will not do."""
        password = str(self.cleaned_data["new_password"])
        password_validation.validate_password(password, self.user)
        return password


class PasswordChangeForm(SetPasswordForm):
    """With the one in use, which is asked for first."""

    old_password = forms.CharField(
        label="Password until now",
        strip=False,
        max_length=MAX_PASSWORD_LENGTH,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "class": "vTextField"}),
        error_messages={"required": "Type the password that you use now."},
    )
    field_order = ("old_password", "new_password")

    def clean_old_password(self) -> str:
        """Counted like any other guess."""
        password = str(self.cleaned_data["old_password"])
        bucket = [throttle.Bucket(f"reauthenticate|{self.user.pk}", throttle.VERIFICATION)]
        wait = throttle.hit(bucket)
        if wait:
            raise ValidationError(throttle.throttled_message(wait), code="throttled")
        if not self.user.check_password(password):
            raise ValidationError("This is not your password until now.", code="password_incorrect")
        throttle.refund(bucket)
        return password


class PasswordResetForm(forms.Form):
    """What somebody remembers of their account."""

    username = forms.CharField(
        max_length=254,
        label="User name or mail address",
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "class": "vTextField"}
        ),
        error_messages={"required": "Type your user name or mail address."},
    )


class InvitationForm(BaseUserForm):
    """A new person with a role."""

    roles = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"), widget=forms.CheckboxSelectMultiple, label="Role",
        error_messages={"required": "Choose what this person will do."},
    )  # fmt: skip

    class Meta:
        model = User
        fields = ("first_name", "last_name", "username", "email")
        help_texts = {
            "email": "The invitation goes here. Leave it empty to hand the link over yourself.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["first_name"].required = True
        for field in self.fields.values():
            if isinstance(field.widget, forms.TextInput):
                field.widget.attrs["class"] = "vTextField"
