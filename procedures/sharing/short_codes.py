"""Neutral codes: six signs for letters and phone calls that name no condition.

The alphabet has no 0 O 1 I L U and no vowels, so that no code reads wrong or spells a word. The last sign is a check
digit: a weighted sum modulo the prime 29 finds every single wrong sign and every swap of two.
"""

import re
import secrets

from procedures.models import Page
from procedures.sharing.url_repair import url_candidates

CODE_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 6
CHECKSUM_MODULUS = 29


def checksum(characters: str) -> int:
    """Weighted sum of the first five signs modulo 29; 28 has no sign, so such codes are never given out."""
    return sum(weight * CODE_ALPHABET.index(sign) for weight, sign in enumerate(characters, start=2)) % CHECKSUM_MODULUS


def make_code(characters: str) -> str | None:
    """The code that starts with these five signs, or None where the check value has no sign."""
    value = checksum(characters)
    return characters + CODE_ALPHABET[value] if value < len(CODE_ALPHABET) else None


def generate_code() -> str:
    """A random code that no page has."""
    while True:
        code = make_code("".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH - 1)))
        if code and not Page.objects.filter(code=code).exists():
            return code


def normalize_code(typed: str) -> str:
    """What somebody typed, in capitals, without spaces, dashes and what else stands between signs."""
    return re.sub(r"[\W_]+", "", typed).upper()


def is_valid_code(code: str) -> bool:
    """Whether a normalised code has the right signs and check digit."""
    return len(code) == CODE_LENGTH and all(sign in CODE_ALPHABET for sign in code) and make_code(code[:-1]) == code


def parse_code(typed: str) -> str | None:
    """The code in what somebody typed or a mail program made of its address; None where no check digit holds."""
    forms = (normalize_code(name.removeprefix("/p/")) for name in url_candidates(f"/p/{typed}"))
    return next((code for code in forms if is_valid_code(code)), None)


def spaced_code(code: str) -> str:
    """For the phone, in pairs: ``K 7 – M 4 – P 2``. Typed like that, it leads to the page, too."""
    return " – ".join(" ".join(code[start : start + 2]) for start in range(0, len(code), 2))
