"""Repair of URL paths that a mail program, a chat, or a person has damaged.

This module undoes damage by rule and returns candidates; ``address_index`` compares them with all known addresses. A
redirect always goes to a path from the database, never to a part of the request.
"""

import html
import re

from portal.text import fold

# Quoted-printable: =2D stands for a hyphen, a lone = was a soft line break.
QUOTED_PRINTABLE_RE = re.compile(r"(?:=[0-9a-f]{2})+", re.IGNORECASE)
SOFT_BREAK_RE = re.compile(r"=[ \t]*\r?\n")
PERCENT_ESCAPE_RE = re.compile(r"(?:%[0-9a-f]{2})+", re.IGNORECASE)
# Escapes of old JavaScript, except surrogates, which are not characters by themselves.
UNICODE_ESCAPE_RE = re.compile(r"%u(?!d[89a-f])([0-9a-f]{4})", re.IGNORECASE)
# The first bytes of a truncated UTF-8 character, except bytes that are accented letters in Latin-1.
TRUNCATED_UTF8_RE = re.compile(
    rb"(?:[\xc2-\xc8\xca-\xcc\xce-\xd0\xd2\xd4-\xd9\xdb\xdd-\xdf]|[\xe0\xe2-\xe8\xea-\xec\xee\xef]|"
    rb"[\xe0-\xef][\x80-\xbf]|\xf0[\x80-\xbf]{0,2})\Z"
)
# A path parameter, such as ``;jsessionid=1``.
PATH_PARAMETER_RE = re.compile(r";[a-z_][\w.-]*=[^/\s]*", re.IGNORECASE)
HTML_ENTITY_RE = re.compile(r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8}[0-9]{0,2});", re.IGNORECASE)
NON_ASCII_RE = re.compile("[^\x00-\x7f]{2,}")
POSSESSIVE_RE = re.compile(r"'s?(?=[/\s]|\Z)")
STRIPPED_CHARACTERS = " .,;:!?'\"“”‘’«»<>()[]{}*_-=/\\|`´"
INDEX_PAGE_RE = re.compile(r"(?:index|default)\.[a-z]{3,5}\Z")
FILE_EXTENSION_RE = re.compile(r"\.(?:html?|php|aspx?|jsp|cfm|pdf)\Z")
# Suffixes of the other formats of a page.
FORMAT_SUFFIX_RE = re.compile(r"(.*/)(booklet|plain\.txt)[\s.,;:!?)/]*\Z", re.DOTALL | re.IGNORECASE)
FORMAT_SUFFIXES = {"booklet": "booklet/", "plain.txt": "plain.txt"}
MAX_URL_LENGTH = 300
# Each program that an address passes through may encode it once more.
MAX_ENCODING_LAYERS = 3


def url_candidates(raw: str) -> list[str]:
    """Return the paths that ``raw`` (a path, percent-decoded once) may stand for, likeliest first, without duplicates.

    >>> url_candidates("/Kyphoplasty/).")
    ['/Kyphoplasty/).', '/kyphoplasty/']
    """
    candidates = [raw[:MAX_URL_LENGTH]]
    for variant in decoded_variants(raw):
        text = POSSESSIVE_RE.sub("", re.split(r"[&?#\x00]", variant, maxsplit=1)[0])
        text = "/" + " ".join(text.split()).lstrip("/ ")
        # A space stands for a hyphen, comes from a line break, or ends the address, and the rest of a sentence follows.
        candidates.append(_normalize_path(text.replace(" ", "-")))
        # A number after a space belongs to the address, and must not be joined to another number.
        if not re.search(r" \W*\d", text):
            candidates += [_normalize_path(text.replace(" ", "")), _normalize_path(text.split(" ", 1)[0])]
    # PostgreSQL refuses a parameter with a NUL character; no path has one.
    return [path for path in dict.fromkeys(candidates) if "\0" not in path]


def decoded_variants(raw: str) -> list[str]:
    """Return ``raw`` with every encoding undone, folded: first decoded as quoted-printable, then as it is."""
    text = raw[:MAX_URL_LENGTH]
    for _ in range(MAX_ENCODING_LAYERS):
        decoded = NON_ASCII_RE.sub(_fix_mojibake, PERCENT_ESCAPE_RE.sub(_decode_percent, _unescape(text)))
        if decoded == text:
            break
        text = decoded
    text = PATH_PARAMETER_RE.sub("", text)
    unquoted = QUOTED_PRINTABLE_RE.sub(_decode_quoted_printable, SOFT_BREAK_RE.sub("", text))
    return list(dict.fromkeys(_fold(variant).replace("=", "") for variant in (unquoted, text)))


def split_format_suffix(raw: str) -> tuple[str, str]:
    """Split ``booklet/`` or ``plain.txt`` from the end of a path; return an empty string as suffix if there is none."""
    match = FORMAT_SUFFIX_RE.match(raw)
    return (match[1], FORMAT_SUFFIXES[match[2].lower()]) if match else (raw, "")


def _fold(text: str) -> str:
    """Fold to the characters of slugs. A soft hyphen becomes a hyphen, because it may have been one."""
    return fold(NON_ASCII_RE.sub(_fix_mojibake, text).replace("\u00ad", "-"))


def _unescape(text: str) -> str:
    return UNICODE_ESCAPE_RE.sub(lambda match: chr(int(match[1], 16)), HTML_ENTITY_RE.sub(_decode_entity, text))


def _decode_entity(match: re.Match[str]) -> str:
    return html.unescape(match[0])


def _decode_percent(match: re.Match[str]) -> str:
    data = bytes.fromhex(match[0].replace("%", ""))
    if not match.string[match.end() :].strip("/ "):
        data = _strip_truncated_character(data)
    return _decode_text(data)


def _strip_truncated_character(data: bytes) -> bytes:
    """Remove an incomplete character at the end."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return TRUNCATED_UTF8_RE.sub(b"", data)
    return data


def _decode_quoted_printable(match: re.Match[str]) -> str:
    return _decode_text(bytes.fromhex(match[0].replace("=", "")))


def _decode_text(data: bytes) -> str:
    """Decode as UTF-8, or as the encoding that Western mail programs used before it."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _fix_mojibake(match: re.Match[str]) -> str:
    """Repair UTF-8 that was read as Latin-1: ``Ã³`` was ``ó``."""
    try:
        return b"".join(_encode_byte(character) for character in match[0]).decode()
    except UnicodeError:
        return match[0]


def _encode_byte(character: str) -> bytes:
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")


def _normalize_path(text: str) -> str:
    stripped = (part.strip(STRIPPED_CHARACTERS) for part in re.sub(r"[_+]", "-", text.replace("\\", "/")).split("/"))
    parts = [re.sub(r"-{2,}", "-", part) for part in stripped if part]
    if parts and INDEX_PAGE_RE.match(parts[-1]):
        parts.pop()
    elif parts:
        parts[-1] = FILE_EXTENSION_RE.sub("", parts[-1])
    return f"/{'/'.join(parts)}/" if parts else "/"
