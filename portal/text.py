"""Normalize text for storage, for search, and for XML."""

import re
import unicodedata

# XML 1.0 §2.2: a document must not contain any other character, not even escaped.
ILLEGAL_XML_CHARACTERS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Invisible. U+200C and U+200D are not among them: emoji and some scripts need these joiners.
ZERO_WIDTH_CHARACTERS = re.compile("[\u00ad\u180e\u200b\u2060\ufeff]")
# All apostrophes count as one character, and so do hyphens and dashes.
APOSTROPHES: dict[int, str] = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\u02bc\u02b9\u2032\uff07`´", "'"))
PUNCTUATION: dict[int, str] = {
    **APOSTROPHES,
    **str.maketrans(
        dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d", "-"),
    ),
}
FORMAT_CHARACTERS = re.compile("[\u200c-\u200f\u202a-\u202e\u2061-\u2064\u2066-\u2069]")


def remove_illegal_xml_characters(text: str) -> str:
    """Without characters that XML 1.0 forbids."""
    return ILLEGAL_XML_CHARACTERS.sub("", text)


def normalize(text: str) -> str:
    """Text in its stored form: composed (NFC), without soft hyphens and other characters that have no width."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", ZERO_WIDTH_CHARACTERS.sub("", text))


def fold(text: str) -> str:
    """Text for comparison: without case, accents, compatibility forms, and differences of apostrophes and dashes."""
    if text.isascii():
        return text.lower().replace("`", "'")
    visible = FORMAT_CHARACTERS.sub("", ZERO_WIDTH_CHARACTERS.sub("", text))
    decomposed = unicodedata.normalize("NFKD", visible.translate(PUNCTUATION))
    # Lower case comes last: 𝐀 has none, but the A in it has.
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign)).casefold()


def remove_hyphens(folded: str) -> str:
    """Folded text without hyphens: “x-ray” and “xray” are one word."""
    return folded.replace("-", "")
