"""Short codes of pages, for letters and phone calls: six characters that name no condition, and their QR codes.

The alphabet has no vowels and no 0, 1, or L, so that no code is misread or spells a word. The last character is a
check character: a weighted sum modulo the prime 29 detects every single wrong character and every transposition.
"""

import io
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from django.conf import settings

from procedures import languages
from procedures.addresses import SHORT_CODES
from procedures.languages import home_path
from procedures.models import Page
from procedures.sharing.url_repair import url_candidates

if TYPE_CHECKING:
    import segno

CODE_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 6
CHECKSUM_MODULUS = 29
QUIET_ZONE_MODULES = 4  # white border required by ISO/IEC 18004
# A QR code must stay readable with a tenth of its modules damaged. At level M, version 2 repairs 8 codewords, but a
# tenth of its modules touches 9; version 3 repairs 13, and a tenth touches 12.
MIN_QR_VERSION = 3
# Large enough to scan with an old phone or a shaky hand: version 3 has 29 modules, so every code is at least 23 mm
# wide.
MODULE_MM = 0.8
# 10 dots are 0.85 mm on a 300 dpi printer.
DOTS_PER_INCH = 300
DOTS_PER_MODULE = 10


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
    """Return the typed code in uppercase, without spaces, dashes, or other separators."""
    return re.sub(r"[\W_]+", "", typed).upper()


def is_valid_code(code: str) -> bool:
    """Return whether a normalized code has valid characters and the right check character."""
    return (
        len(code) == CODE_LENGTH
        and all(character in CODE_ALPHABET for character in code)
        and make_code(code[:-1]) == code
    )


def parse_code(typed: str) -> str | None:
    """Return the valid code in the typed text, which may be a damaged URL. Return None if there is none.

    The code is the whole text, or all of it before the first character that no code has.
    """
    texts = [path.removeprefix("/p/") for path in url_candidates(f"/p/{typed}")]
    codes = (normalize_code(part) for text in texts for part in (text, re.split(r"[\W_]", text, maxsplit=1)[0]))
    return next((code for code in codes if is_valid_code(code)), None)


def spaced_code(code: str) -> str:
    """Return the code in pairs, for reading aloud: ``K 7 – M 4 – P 2``.

    Codes typed in this form are accepted as well.
    """
    return " – ".join(" ".join(code[start : start + 2]) for start in range(0, len(code), 2))


def short_path(language: str, code: str) -> str:
    """Return ``/p/K7M4P2`` or ``/es/p/K7M4P2``.

    The path includes the language so that the error page for a mistyped code is in the reader's language.
    """
    return f"{home_path(language)}{SHORT_CODES}{quote(code)}"


def short_url(language: str, code: str) -> str:
    """Return ``short_path`` with the site's address, as letters print it."""
    return settings.PUBLIC_URL + short_path(language, code)


def spell_phonetically(code: str, language: str) -> str:
    """Return ``K as in Kilo, seven, M as in Mike, four …`` or ``K de kilo, siete, M de mesa, cuatro …``.

    In a language without a spoken alphabet, return the characters alone; so are characters that it does not name,
    which older versions stored in codes from files.
    """
    alphabet = languages.get(language).spoken_alphabet
    if alphabet is None:
        return ", ".join(code)
    words, as_in = alphabet.names, alphabet.as_in
    return ", ".join(
        (words[character] if character.isdigit() else f"{character} {as_in} {words[character]}")
        if character in words
        else character
        for character in code
    )


@dataclass(frozen=True, slots=True)
class QrCode:
    """A QR code to be drawn as SVG, one unit per module.

    ``size``: width in modules, with the quiet zone. ``width``: width on paper, such as ``26.4mm``. ``path``: SVG path.
    """

    size: int
    width: str  # a string, because templates localize numbers: 26,4 in Spanish
    path: str


def encode_qr(url: str) -> "segno.QRCode":
    """Encode a URL at error correction level M, in version 3 or larger.

    Capital letters allow the alphanumeric mode, which makes the code smaller and its modules larger.
    """
    # Imported locally to save 11 MB of memory in workers that only serve pages.
    import segno

    code = segno.make(url.upper(), error="m", boost_error=False, micro=False)
    if isinstance(code.version, int) and code.version < MIN_QR_VERSION:
        return segno.make(url.upper(), error="m", boost_error=False, micro=False, version=MIN_QR_VERSION)
    return code


def build_qr_code(url: str) -> QrCode:
    """Return the QR code of a URL as SVG data."""
    matrix = encode_qr(url).matrix
    size = len(matrix) + 2 * QUIET_ZONE_MODULES
    # Each run of dark modules (ones) is a rectangle: M4 4h7v1h-7z.
    path = "".join(
        f"M{QUIET_ZONE_MODULES + run.start()} {y}h{len(run[0])}v1h-{len(run[0])}z"
        for y, row in enumerate(matrix, start=QUIET_ZONE_MODULES)
        for run in re.finditer(rb"\x01+", row)
    )
    return QrCode(size, f"{size * MODULE_MM:.1f}mm", path)


def render_qr_png(url: str) -> bytes:
    """Return the QR code as a PNG for a 300 dpi printer, with a whole number of dots for each module."""
    stream = io.BytesIO()
    encode_qr(url).save(stream, kind="png", scale=DOTS_PER_MODULE, border=QUIET_ZONE_MODULES, dpi=DOTS_PER_INCH)
    return stream.getvalue()
