"""Passwords that are long and still the first that somebody tries.

All of it works offline: Django's list of 20,000 passwords from public breaches, and here the ways in which people make
such a word longer, and the words that belong to the person and the clinic. No rules about capitals or digits
(NIST SP 800-63B, 3.1.1.2).
"""

import re
from functools import cache
from itertools import pairwise
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.module_loading import import_string

from portal.accounts.models import User

MAX_PASSWORD_LENGTH = 256  # characters; more is refused with words, not cut
MIN_REMAINING_LENGTH = 8  # letters and digits beside words that can be guessed
MIN_WORD_LENGTH = 4
LEET_SUBSTITUTIONS = str.maketrans("013457@$!", "oleastasi")
KEYBOARD_SEQUENCES = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "01234567890")


@cache
def common_passwords() -> frozenset[str]:
    """Django's own list, in lower case."""
    return frozenset(CommonPasswordValidator().passwords)


class ContextPasswordValidator:
    """Refuses a breached password with decoration, one of few characters, and the clinic's or person's own words."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError with what to do instead."""
        if len(password) > MAX_PASSWORD_LENGTH:
            raise ValidationError(
                f"That is more than {MAX_PASSWORD_LENGTH} characters. Shorten it.", code="password_too_long"
            )
        plain = password.casefold()
        if is_decorated_common_password(plain) or is_repetitive(plain):
            raise ValidationError(
                "This is one of the passwords that attackers try first. Take a few words that have nothing to do "
                "with each other.",
                code="password_too_common",
            )
        left = plain
        known: list[str] = []
        for word in sorted(context_words(user), key=len, reverse=True):
            if word in left:
                left, known = left.replace(word, " "), [*known, word]
        if known and len(re.sub(r"[\W_]", "", left)) < MIN_REMAINING_LENGTH:
            raise ValidationError(
                f"This is little more than “{' '.join(known)}”, which others know of you or of the clinic. Add words "
                "of your own.",
                code="password_too_similar",
            )

    def get_help_text(self) -> str:
        """Shown with the field."""
        return "Four words that have nothing to do with each other are easy to keep in mind and hard to guess."


def is_decorated_common_password(password: str) -> bool:
    """``password2026!!``, ``p@ssw0rdp@ssw0rd`` and their like."""
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password)
    forms = {password, core, core.translate(LEET_SUBSTITUTIONS), re.sub(r"[\W_]+", "", password)}
    half = len(core) // 2
    if half and core[:half] == core[half:]:
        forms.add(core[:half])
    return any(form in common_passwords() for form in forms if form)


def is_repetitive(password: str) -> bool:
    """Few different characters, one piece again and again, or a row of keys."""
    if len(set(password)) < 5 or re.fullmatch(r"(.{1,6}?)\1+.{0,3}", password):
        return True
    steps = sum(any(a + b in row or b + a in row for row in KEYBOARD_SEQUENCES) for a, b in pairwise(password))
    return steps >= len(password) * 3 / 4


def context_words(user: User | None) -> set[str]:
    """Names of the person, the site and the clinic, each of four letters or more."""
    texts = ["plainspine", urlsplit(settings.PUBLIC_URL).hostname or "", *import_string(settings.PASSWORD_DENYLIST)()]
    if user:
        texts += [user.username, user.first_name, user.last_name, user.email]
    words: set[str] = set()
    for text in texts:
        plain = (text or "").casefold()
        words |= {plain.replace(" ", ""), *re.split(r"[\W_]+", plain)}
    return {word for word in words if len(word) >= MIN_WORD_LENGTH}
