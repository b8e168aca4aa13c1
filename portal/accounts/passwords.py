"""Validation of passwords, and the forms that set, change, and reset one.

zxcvbn estimates, offline, how many guesses a password takes, from lists of common passwords, words, and names, from
patterns, and from the words of the user and the clinic. There are no rules about capitals or digits (NIST SP 800-63B,
3.1.1.2).
"""

import re
from typing import Any
from urllib.parse import urlsplit

from allauth.core import context
from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.module_loading import import_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from zxcvbn_rs_py import zxcvbn

from portal.accounts import services
from portal.accounts.models import User, normalize_password
from portal.text import interpolate_lazy

MAX_PASSWORD_LENGTH = 256  # characters; longer passwords are refused, never truncated
# zxcvbn's estimate for twelve random characters, or for three to four unrelated words.
MIN_GUESSES = 10**12
# zxcvbn's time grows with the square of the length; this much is enough to judge a password.
MAX_MEASURED_LENGTH = 72
MIN_WORD_LENGTH = 4

IDENTIFIER_LABEL = _("Username or email address")
IDENTIFIER_REQUIRED = _("Enter your username or email address.")


class GuessesPasswordValidator:
    """Rejects passwords that someone who knows the user and the clinic could guess in fewer than MIN_GUESSES tries."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ValidationError with advice on what to do instead."""
        if len(password) > MAX_PASSWORD_LENGTH:
            message = gettext("This password has more than %(max)d characters. Shorten it.")
            raise ValidationError(message % {"max": MAX_PASSWORD_LENGTH}, code="password_too_long")
        words = context_words(user)
        measured = (normalize_password(password) or "")[:MAX_MEASURED_LENGTH]
        if zxcvbn(measured, sorted(words)).guesses >= MIN_GUESSES:
            return
        contained = [word for word in sorted(words, key=len, reverse=True) if word in measured.casefold()]
        if contained:
            message = gettext(
                "This is mostly “%(words)s”, which others know about you or the clinic. Add words that only you would "
                "choose."
            )
            raise ValidationError(message % {"words": contained[0]}, code="password_too_similar")
        raise ValidationError(
            gettext("This is one of the passwords that attackers try first. Use a few unrelated words."),
            code="password_too_common",
        )

    def get_help_text(self) -> str:
        """Return the help text of the password field."""
        return gettext("Four unrelated words are easy to remember and hard to guess.")


def context_words(user: User | None) -> set[str]:
    """Return the casefolded words of the user, site, and clinic with at least ``MIN_WORD_LENGTH`` characters."""
    texts = ["plainspine", urlsplit(settings.PUBLIC_URL).hostname or "", *import_string(settings.PASSWORD_DENYLIST)()]
    if user:
        texts += [user.username, user.first_name, user.last_name, user.email]
    words: set[str] = set()
    for text in texts:
        folded = (text or "").casefold()
        words |= {folded, folded.replace(" ", ""), *re.split(r"[\W_]+", folded)}
    return {word for word in words if len(word) >= MIN_WORD_LENGTH}


class SetPasswordForm(forms.Form):
    """A new password, typed once: the page can show it."""

    new_password = forms.CharField(
        label=_("New password"),
        strip=False,
        max_length=MAX_PASSWORD_LENGTH,
        help_text=interpolate_lazy(
            _(
                "%(count)s characters or more. Four unrelated words are easy to remember. A password manager can fill "
                "it in."
            ),
            count=settings.MIN_PASSWORD_LENGTH,
        ),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
        error_messages={
            "required": _("Enter a new password."),
            "max_length": interpolate_lazy(_("Use %(max)d characters or fewer."), max=MAX_PASSWORD_LENGTH),
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
        error_messages={"required": _("Enter your current password.")},
    )
    field_order = ("old_password", "new_password")

    def clean_old_password(self) -> str:
        """Check the current password, throttled like a login."""
        password = str(self.cleaned_data["old_password"])
        services.confirm_password(self.user, password, context.request)
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
