"""Short codes of pages: six characters for letters and phone calls, which name no condition.

The alphabet has no vowels and no 0, 1, or L, so that no code is misread or spells a word. The last character is a
check character: a weighted sum modulo the prime 29 detects every single wrong character and every transposition.
"""

import re
import secrets

from procedures.models import Page
from procedures.sharing.url_repair import url_candidates

CODE_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 6
CHECKSUM_MODULUS = 29


def checksum(characters: str) -> int:
    """Return the weighted sum of the first five characters modulo 29."""
    weighted = (weight * CODE_ALPHABET.index(character) for weight, character in enumerate(characters, start=2))
    return sum(weighted) % CHECKSUM_MODULUS


def make_code(characters: str) -> str | None:
    """Return the code that starts with these five characters.

    Return None if the checksum is 28, for which the alphabet has no character; such codes are not used.
    """
    value = checksum(characters)
    return characters + CODE_ALPHABET[value] if value < len(CODE_ALPHABET) else None


def generate_code() -> str:
    """Return a random code that no page uses."""
    while True:
        code = make_code("".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH - 1)))
        if code and not Page.objects.filter(code=code).exists():
            return code


def normalize_code(typed: str) -> str:
    """Return what was typed in capital letters, without spaces, dashes, and other separators."""
    return re.sub(r"[\W_]+", "", typed).upper()


def is_valid_code(code: str) -> bool:
    """Return whether a normalized code has valid characters and the right check character."""
    return (
        len(code) == CODE_LENGTH
        and all(character in CODE_ALPHABET for character in code)
        and make_code(code[:-1]) == code
    )


def parse_code(typed: str) -> str | None:
    """Return the valid code in what was typed, or in its damaged address; None if there is none."""
    codes = (normalize_code(path.removeprefix("/p/")) for path in url_candidates(f"/p/{typed}"))
    return next((code for code in codes if is_valid_code(code)), None)


def spaced_code(code: str) -> str:
    """Return the code in pairs, for reading aloud: ``K 7 – M 4 – P 2``. Typed this way, it is accepted too."""
    return " – ".join(" ".join(code[start : start + 2]) for start in range(0, len(code), 2))
