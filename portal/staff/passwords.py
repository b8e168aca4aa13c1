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

from portal.staff.models import User

LONGEST = 256  # characters; more is refused with words, not cut
ENOUGH_LEFT = 8  # letters and digits beside words that can be guessed
MIN_WORD = 4
LEET = str.maketrans("013457@$!", "oleastasi")
ROWS = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "01234567890")


@cache
def breached() -> frozenset[str]:
    """Django's own list, in lower case."""
    return frozenset(CommonPasswordValidator().passwords)


class GuessableValidator:
    """Refuses a breached password with decoration, one of few characters, and the clinic's or person's own words."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError with what to do instead."""
        if len(password) > LONGEST:
            raise ValidationError(f"That is more than {LONGEST} characters. Shorten it.", code="password_too_long")
        plain = password.casefold()
        if is_breached_with_decoration(plain) or is_pattern(plain):
            raise ValidationError(
                "This is one of the passwords that attackers try first. Take a few words that have nothing to do "
                "with each other.",
                code="password_guessable",
            )
        left = plain
        known: list[str] = []
        for word in sorted(words_about(user), key=len, reverse=True):
            if word in left:
                left, known = left.replace(word, " "), [*known, word]
        if known and len(re.sub(r"[\W_]", "", left)) < ENOUGH_LEFT:
            raise ValidationError(
                f"This is little more than “{' '.join(known)}”, which others know of you or of the clinic. Add words "
                "of your own.",
                code="password_of_context",
            )

    def get_help_text(self) -> str:
        """Shown with the field."""
        return "Four words that have nothing to do with each other are easy to keep in mind and hard to guess."


def is_breached_with_decoration(plain: str) -> bool:
    """``password2026!!``, ``p@ssw0rdp@ssw0rd`` and their like."""
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain)
    forms = {plain, core, core.translate(LEET), re.sub(r"[\W_]+", "", plain)}
    half = len(core) // 2
    if half and core[:half] == core[half:]:
        forms.add(core[:half])
    return any(form in breached() for form in forms if form)


def is_pattern(plain: str) -> bool:
    """Few different characters, one piece again and again, or a row of keys."""
    if len(set(plain)) < 5 or re.fullmatch(r"(.{1,6}?)\1+.{0,3}", plain):
        return True
    steps = sum(any(a + b in row or b + a in row for row in ROWS) for a, b in pairwise(plain))
    return steps >= len(plain) * 3 / 4


def words_about(user: User | None) -> set[str]:
    """Names of the person, the site and the clinic, each of four letters or more."""
    texts = ["plainspine", urlsplit(settings.PUBLIC_URL).hostname or "", *import_string(settings.GUESSABLE_WORDS)()]
    if user:
        texts += [user.username, user.first_name, user.last_name, user.email]
    words: set[str] = set()
    for text in texts:
        plain = (text or "").casefold()
        words |= {plain.replace(" ", ""), *re.split(r"[\W_]+", plain)}
    return {word for word in words if len(word) >= MIN_WORD}
