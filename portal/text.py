"""Text normalization, validation of single lines, and messages that are translated when they are shown."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.functional import Promise, lazy
from django.utils.translation import gettext_lazy as _

# XML 1.0 §2.2: characters that a document must not contain, not even escaped.
ILLEGAL_XML_CHARACTERS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# U+200C and U+200D are not included: emoji and some scripts need these joiners.
ZERO_WIDTH_CHARACTERS = re.compile("[\u00ad\u180e\u200b\u2060\ufeff]")
# Variants that compare equal: apostrophes, and hyphens and dashes.
APOSTROPHES: dict[int, str] = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\u02bc\u02b9\u2032\uff07`´", "'"))
PUNCTUATION: dict[int, str] = {
    **APOSTROPHES,
    **str.maketrans(
        dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d", "-"),
    ),
}
# Zero-width joiner and non-joiner: the only invisible characters that some scripts and emoji need.
JOINERS = frozenset("\u200c\u200d")
# Control, format (includes text direction), private use, surrogate, unassigned, line and paragraph separator.
INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
FORMAT_CHARACTERS = re.compile("[\u200c-\u200f\u202a-\u202e\u2061-\u2064\u2066-\u2069]")


def remove_illegal_xml_characters(text: str) -> str:
    """Return the text without characters that XML 1.0 forbids."""
    return ILLEGAL_XML_CHARACTERS.sub("", text)


def normalize(text: str) -> str:
    """Return the text as it is stored: composed (NFC), without soft hyphens and other zero-width characters."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", ZERO_WIDTH_CHARACTERS.sub("", text))


def fold(text: str) -> str:
    """Return the text for comparison, ignoring case, accents, compatibility forms, and apostrophe and dash variants.

    ``portal.admin_site.Fold`` does the same in PostgreSQL.
    """
    if text.isascii():
        return text.lower().replace("`", "'")
    visible = FORMAT_CHARACTERS.sub("", ZERO_WIDTH_CHARACTERS.sub("", text))
    decomposed = unicodedata.normalize("NFKD", visible.translate(PUNCTUATION))
    # Case folding comes last: 𝐀 has no lower case, but the A it decomposes to has.
    return "".join(character for character in decomposed if not unicodedata.combining(character)).casefold()


def remove_hyphens(folded: str) -> str:
    """Return folded text without hyphens, so that “x-ray” and “xray” are equal."""
    return folded.replace("-", "")


def is_invisible(character: str) -> bool:
    """Return whether a character has no width or changes how other characters are displayed."""
    return unicodedata.category(character) in INVISIBLE_CATEGORIES and character not in JOINERS


def validate_single_line(value: str) -> None:
    """Reject line breaks and other invisible characters.

    The values are used in email headers and calendar files, where a line break or a change of the text direction can
    forge other content.
    """
    if character := next((character for character in value if is_invisible(character)), None):
        name = unicodedata.name(character, "control character").lower()
        raise ValidationError(
            _("The text contains an invisible character (U+%(code)s, %(name)s). Delete the text and type it again."),
            params={"code": f"{ord(character):04X}", "name": name},
        )


def _interpolate(message: object, values: dict[str, object]) -> str:
    return str(message) % values


_interpolate_lazy = lazy(_interpolate, str)


def interpolate_lazy(message: str | Promise, /, **values: object) -> str:
    """Return ``message`` as a lazy string: its values are filled in when it is shown, in the language active then."""
    return _interpolate_lazy(message, values)
