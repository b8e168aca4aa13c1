"""Validation of passwords that are long enough but still easy to guess.

Works offline, from Django's list of 20,000 breached passwords: refuses the usual ways to pad such a password, and the
words of the user and the clinic. There are no rules about capitals or digits (NIST SP 800-63B, 3.1.1.2).
"""

import re
from functools import cache
from itertools import pairwise
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from portal.accounts.models import User

MAX_PASSWORD_LENGTH = 256  # characters; longer passwords are refused, never truncated
MIN_REMAINING_LENGTH = 8  # letters and digits left after removing the words of the user and the clinic
MIN_WORD_LENGTH = 4
LEET_SUBSTITUTIONS = str.maketrans("013457@$!", "oleastasi")
KEYBOARD_SEQUENCES = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "01234567890")


@cache
def common_passwords() -> frozenset[str]:
    """Return Django's list of common passwords, in lower case."""
    return frozenset(CommonPasswordValidator().passwords)


class ContextPasswordValidator:
    """Refuses decorated common passwords, repetitive ones, and those made of words of the user or the clinic."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ValidationError with advice on what to do instead."""
        if len(password) > MAX_PASSWORD_LENGTH:
            message = _("This password has more than %(max)d characters. Shorten it.")
            raise ValidationError(message % {"max": MAX_PASSWORD_LENGTH}, code="password_too_long")
        folded = password.casefold()
        if is_decorated_common_password(folded) or is_repetitive(folded):
            raise ValidationError(
                _("This is one of the passwords that attackers try first. Use a few unrelated words."),
                code="password_too_common",
            )
        remaining = folded
        removed: list[str] = []
        for word in sorted(context_words(user), key=len, reverse=True):
            if word in remaining:
                remaining, removed = remaining.replace(word, " "), [*removed, word]
        if removed and len(re.sub(r"[\W_]", "", remaining)) < MIN_REMAINING_LENGTH:
            message = _(
                "This is little more than “%(words)s”, which others know about you or the clinic. Add words of your "
                "own."
            )
            raise ValidationError(message % {"words": " ".join(removed)}, code="password_too_similar")

    def get_help_text(self) -> str:
        """Return the help text of the password field."""
        return _("Four unrelated words are easy to remember and hard to guess.")


def is_decorated_common_password(password: str) -> bool:
    """Return whether a casefolded password is a common one with additions: ``password2026!!``, ``p@ssw0rdp@ssw0rd``."""
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password)
    variants = {password, core, core.translate(LEET_SUBSTITUTIONS), re.sub(r"[\W_]+", "", password)}
    half = len(core) // 2
    if half and core[:half] == core[half:]:
        variants.add(core[:half])
    return any(variant in common_passwords() for variant in variants if variant)


def is_repetitive(password: str) -> bool:
    """Return whether a password has few different characters, repeats one piece, or follows a keyboard row."""
    if len(set(password)) < 5 or re.fullmatch(r"(.{1,6}?)\1+.{0,3}", password):
        return True
    steps = sum(any(a + b in row or b + a in row for row in KEYBOARD_SEQUENCES) for a, b in pairwise(password))
    return steps >= len(password) * 3 / 4


def context_words(user: User | None) -> set[str]:
    """Return the casefolded words of the user, site, and clinic with at least ``MIN_WORD_LENGTH`` characters."""
    texts = ["plainspine", urlsplit(settings.PUBLIC_URL).hostname or "", *import_string(settings.PASSWORD_DENYLIST)()]
    if user:
        texts += [user.username, user.first_name, user.last_name, user.email]
    words: set[str] = set()
    for text in texts:
        folded = (text or "").casefold()
        words |= {folded.replace(" ", ""), *re.split(r"[\W_]+", folded)}
    return {word for word in words if len(word) >= MIN_WORD_LENGTH}
