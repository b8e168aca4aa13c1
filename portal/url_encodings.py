"""Undoes the encodings that programs add to a URL on its way: percent, HTML, and JavaScript escapes, wrong charsets."""

import html
import re

PERCENT_ESCAPE_RE = re.compile(r"(?:%[0-9a-f]{2})+", re.IGNORECASE)
# Escapes of old JavaScript, except surrogates, which are not characters by themselves.
UNICODE_ESCAPE_RE = re.compile(r"%u(?!d[89a-f])([0-9a-f]{4})", re.IGNORECASE)
# The first bytes of a truncated UTF-8 character, except bytes that are accented letters in Latin-1.
TRUNCATED_UTF8_RE = re.compile(
    rb"(?:[\xc2-\xc8\xca-\xcc\xce-\xd0\xd2\xd4-\xd9\xdb\xdd-\xdf]|[\xe0\xe2-\xe8\xea-\xec\xee\xef]|"
    rb"[\xe0-\xef][\x80-\xbf]|\xf0[\x80-\xbf]{0,2})\Z"
)
HTML_ENTITY_RE = re.compile(r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8}[0-9]{0,2});", re.IGNORECASE)
NON_ASCII_RE = re.compile("[^\x00-\x7f]{2,}")
# Each program that an address passes through may encode it once more.
MAX_ENCODING_LAYERS = 3


def undo_encodings(text: str) -> str:
    """Return ``text`` with every encoding undone, also several times."""
    for _ in range(MAX_ENCODING_LAYERS):
        decoded = fix_mojibake(PERCENT_ESCAPE_RE.sub(_decode_percent, _unescape(text)))
        if decoded == text:
            break
        text = decoded
    return text


def _unescape(text: str) -> str:
    return UNICODE_ESCAPE_RE.sub(lambda match: chr(int(match[1], 16)), HTML_ENTITY_RE.sub(_decode_entity, text))


def _decode_entity(match: re.Match[str]) -> str:
    return html.unescape(match[0])


def _decode_percent(match: re.Match[str]) -> str:
    data = bytes.fromhex(match[0].replace("%", ""))
    if not match.string[match.end() :].strip("/ "):
        data = _strip_truncated_character(data)
    return decode_text(data)


def _strip_truncated_character(data: bytes) -> bytes:
    """Remove an incomplete character at the end."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return TRUNCATED_UTF8_RE.sub(b"", data)
    return data


def decode_text(data: bytes) -> str:
    """Decode as UTF-8, or else as cp1252, which Western mail programs used before UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def fix_mojibake(text: str) -> str:
    """Repair UTF-8 that was read as Latin-1: ``Ã³`` was ``ó``."""
    return NON_ASCII_RE.sub(_fix_mojibake, text)


def _fix_mojibake(match: re.Match[str]) -> str:
    try:
        return b"".join(_encode_byte(character) for character in match[0]).decode()
    except UnicodeError:
        return match[0]


def _encode_byte(character: str) -> bytes:
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")
