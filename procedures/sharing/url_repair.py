"""Restore addresses that a mail program, a chat, or a person has changed.

Only rows decide where a request may go; nothing of the request itself ever becomes a redirect. This module undoes
changes by rule; ``address_index`` compares the result with all addresses.
"""

import html
import re

from portal.text import fold

# Quoted-printable: =2D stands for a hyphen, a lone = was a soft line break.
QUOTED_PRINTABLE_RE = re.compile(r"(?:=[0-9a-f]{2})+", re.IGNORECASE)
SOFT_BREAK_RE = re.compile(r"=[ \t]*\r?\n")
PERCENT_ESCAPE_RE = re.compile(r"(?:%[0-9a-f]{2})+", re.IGNORECASE)
# The escapes of old JavaScript. A lone surrogate is no character.
UNICODE_ESCAPE_RE = re.compile(r"%u(?!d[89a-f])([0-9a-f]{4})", re.IGNORECASE)
# The first bytes of a UTF-8 character that was cut off, except bytes that are accented letters in Latin-1.
TRUNCATED_UTF8_RE = re.compile(
    rb"(?:[\xc2-\xc8\xca-\xcc\xce-\xd0\xd2\xd4-\xd9\xdb\xdd-\xdf]|[\xe0\xe2-\xe8\xea-\xec\xee\xef]|"
    rb"[\xe0-\xef][\x80-\xbf]|\xf0[\x80-\xbf]{0,2})\Z"
)
# ``;jsessionid=1``: a parameter of a path.
PATH_PARAMETER_RE = re.compile(r";[a-z_][\w.-]*=[^/\s]*", re.IGNORECASE)
HTML_ENTITY_RE = re.compile(r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8}[0-9]{0,2});", re.IGNORECASE)
NON_ASCII_RE = re.compile("[^\x00-\x7f]{2,}")
POSSESSIVE_RE = re.compile(r"'s?(?=[/\s]|\Z)")
STRIPPED_CHARACTERS = " .,;:!?'\"“”‘’«»<>()[]{}*_-=/\\|`´"
INDEX_PAGE_RE = re.compile(r"(?:index|default)\.[a-z]{3,5}\Z")
FILE_EXTENSION_RE = re.compile(r"\.(?:html?|php|aspx?|jsp|cfm|pdf)\Z")
# Suffixes of other forms of a page.
FORMAT_SUFFIX_RE = re.compile(r"(.*/)(booklet|plain\.txt)[\s.,;:!?)/]*\Z", re.DOTALL | re.IGNORECASE)
FORMAT_SUFFIXES = {"booklet": "booklet/", "plain.txt": "plain.txt"}
MAX_URL_LENGTH = 300
# An address may have been encoded once by each program that it passed through.
MAX_ENCODING_LAYERS = 3


def url_candidates(raw: str) -> list[str]:
    """Addresses that ``raw`` (a path, decoded once) may stand for, the likeliest first; no doubles.

    >>> url_candidates("/Kyphoplasty/).")
    ['/Kyphoplasty/).', '/kyphoplasty/']
    """
    found = [raw[:MAX_URL_LENGTH]]
    for form in decoded_variants(raw):
        text = POSSESSIVE_RE.sub("", re.split(r"[&?#\x00]", form, maxsplit=1)[0])
        text = "/" + " ".join(text.split()).lstrip("/ ")
        # A space was a hyphen, comes from a line break, or ends the address: then a sentence goes on behind it.
        found.append(_normalize_path(text.replace(" ", "-")))
        # A number after a space belongs to the address, and must not be joined to another number.
        if not re.search(r" \W*\d", text):
            found += [_normalize_path(text.replace(" ", "")), _normalize_path(text.split(" ", 1)[0])]
    # PostgreSQL refuses a question that holds this sign; no address ever did.
    return [name for name in dict.fromkeys(found) if "\0" not in name]


def decoded_variants(raw: str) -> list[str]:
    """``raw`` with every encoding undone and folded: first read as quoted-printable, then as plain text."""
    text = raw[:MAX_URL_LENGTH]
    for _ in range(MAX_ENCODING_LAYERS):
        decoded = NON_ASCII_RE.sub(_fix_mojibake, PERCENT_ESCAPE_RE.sub(_decode_percent, _unescape(text)))
        if decoded == text:
            break
        text = decoded
    text = PATH_PARAMETER_RE.sub("", text)
    unquoted = QUOTED_PRINTABLE_RE.sub(_decode_quoted_printable, SOFT_BREAK_RE.sub("", text))
    return list(dict.fromkeys(_fold(form).replace("=", "") for form in (unquoted, text)))


def split_format_suffix(raw: str) -> tuple[str, str]:
    """Split ``booklet/`` or ``plain.txt`` from the end of an address; the second value is empty without one."""
    match = FORMAT_SUFFIX_RE.match(raw)
    return (match[1], FORMAT_SUFFIXES[match[2].lower()]) if match else (raw, "")


def _fold(text: str) -> str:
    """Fold to the letters that addresses consist of. A soft hyphen may be the hyphen of the address."""
    return fold(NON_ASCII_RE.sub(_fix_mojibake, text).replace("\u00ad", "-"))


def _unescape(text: str) -> str:
    return UNICODE_ESCAPE_RE.sub(lambda match: chr(int(match[1], 16)), HTML_ENTITY_RE.sub(_decode_entity, text))


def _decode_entity(match: re.Match[str]) -> str:
    return html.unescape(match[0])


def _decode_percent(match: re.Match[str]) -> str:
    octets = bytes.fromhex(match[0].replace("%", ""))
    if not match.string[match.end() :].strip("/ "):
        octets = _strip_truncated_character(octets)
    return _decode_text(octets)


def _strip_truncated_character(octets: bytes) -> bytes:
    """Remove an incomplete character at the end."""
    try:
        octets.decode()
    except UnicodeDecodeError:
        return TRUNCATED_UTF8_RE.sub(b"", octets)
    return octets


def _decode_quoted_printable(match: re.Match[str]) -> str:
    return _decode_text(bytes.fromhex(match[0].replace("=", "")))


def _decode_text(octets: bytes) -> str:
    """Decode as UTF-8, or as the encoding that Western mail programs used before it."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("cp1252", errors="replace")


def _fix_mojibake(match: re.Match[str]) -> str:
    """Repair UTF-8 that was read as Latin-1: ``Ã³`` was ``ó``."""
    try:
        return b"".join(_encode_octet(sign) for sign in match[0]).decode()
    except UnicodeError:
        return match[0]


def _encode_octet(character: str) -> bytes:
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
