"""Restore addresses that a mail program, a chat, or a person has changed.

Only rows decide where a request may go; nothing of the request itself ever becomes a redirect. This module undoes
changes by rule; ``address_index`` compares the result with all addresses.
"""

import html
import re

from portal.text import fold

# Quoted-printable: =2D stands for a hyphen, a lone = was a soft line break.
QUOTED = re.compile(r"(?:=[0-9a-f]{2})+", re.IGNORECASE)
SOFT_BREAK = re.compile(r"=[ \t]*\r?\n")
PERCENT = re.compile(r"(?:%[0-9a-f]{2})+", re.IGNORECASE)
# The escapes of old JavaScript. A lone surrogate is no character.
UNICODE_ESCAPE = re.compile(r"%u(?!d[89a-f])([0-9a-f]{4})", re.IGNORECASE)
# The first bytes of a UTF-8 character that was cut off, except bytes that are accented letters in Latin-1.
CUT_CHARACTER = re.compile(
    rb"(?:[\xc2-\xc8\xca-\xcc\xce-\xd0\xd2\xd4-\xd9\xdb\xdd-\xdf]|[\xe0\xe2-\xe8\xea-\xec\xee\xef]|"
    rb"[\xe0-\xef][\x80-\xbf]|\xf0[\x80-\xbf]{0,2})\Z"
)
# ``;jsessionid=1``: a parameter of a path.
PARAMETER = re.compile(r";[a-z_][\w.-]*=[^/\s]*", re.IGNORECASE)
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8}[0-9]{0,2});", re.IGNORECASE)
NOT_ASCII = re.compile("[^\x00-\x7f]{2,}")
POSSESSIVE = re.compile(r"'s?(?=[/\s]|\Z)")
EDGES = " .,;:!?'\"“”‘’«»<>()[]{}*_-=/\\|`´"
INDEX_PAGE = re.compile(r"(?:index|default)\.[a-z]{3,5}\Z")
EXTENSION = re.compile(r"\.(?:html?|php|aspx?|jsp|cfm|pdf)\Z")
# Suffixes of other forms of a page.
FORM = re.compile(r"(.*/)(booklet|plain\.txt)[\s.,;:!?)/]*\Z", re.DOTALL | re.IGNORECASE)
FORMS = {"booklet": "booklet/", "plain.txt": "plain.txt"}
LONGEST = 300
# An address may have been encoded once by each program that it passed through.
MAX_LAYERS = 3


def candidates(raw: str) -> list[str]:
    """Addresses that ``raw`` (a path, decoded once) may stand for, the likeliest first; no doubles.

    >>> candidates("/Kyphoplasty/).")
    ['/Kyphoplasty/).', '/kyphoplasty/']
    """
    found = [raw[:LONGEST]]
    for form in readings(raw):
        text = POSSESSIVE.sub("", re.split(r"[&?#\x00]", form, maxsplit=1)[0])
        text = "/" + " ".join(text.split()).lstrip("/ ")
        # A space was a hyphen, comes from a line break, or ends the address: then a sentence goes on behind it.
        found.append(_tidy(text.replace(" ", "-")))
        # A number after a space belongs to the address, and must not be joined to another number.
        if not re.search(r" \W*\d", text):
            found += [_tidy(text.replace(" ", "")), _tidy(text.split(" ", 1)[0])]
    # PostgreSQL refuses a question that holds this sign; no address ever did.
    return [name for name in dict.fromkeys(found) if "\0" not in name]


def readings(raw: str) -> list[str]:
    """``raw`` with every encoding undone and folded: first read as quoted-printable, then as plain text."""
    text = raw[:LONGEST]
    for _ in range(MAX_LAYERS):
        decoded = NOT_ASCII.sub(_without_mojibake, PERCENT.sub(_from_percent, _unescaped(text)))
        if decoded == text:
            break
        text = decoded
    text = PARAMETER.sub("", text)
    unquoted = QUOTED.sub(_from_quoted, SOFT_BREAK.sub("", text))
    return list(dict.fromkeys(_folded(form).replace("=", "") for form in (unquoted, text)))


def without_form(raw: str) -> tuple[str, str]:
    """Split ``booklet/`` or ``plain.txt`` from the end of an address; the second value is empty without one."""
    match = FORM.match(raw)
    return (match[1], FORMS[match[2].lower()]) if match else (raw, "")


def _folded(text: str) -> str:
    """Fold to the letters that addresses consist of. A soft hyphen may be the hyphen of the address."""
    return fold(NOT_ASCII.sub(_without_mojibake, text).replace("\u00ad", "-"))


def _unescaped(text: str) -> str:
    return UNICODE_ESCAPE.sub(lambda match: chr(int(match[1], 16)), ENTITY.sub(_from_entity, text))


def _from_entity(match: re.Match[str]) -> str:
    return html.unescape(match[0])


def _from_percent(match: re.Match[str]) -> str:
    octets = bytes.fromhex(match[0].replace("%", ""))
    if not match.string[match.end() :].strip("/ "):
        octets = _without_cut_character(octets)
    return _text(octets)


def _without_cut_character(octets: bytes) -> bytes:
    """Remove an incomplete character at the end."""
    try:
        octets.decode()
    except UnicodeDecodeError:
        return CUT_CHARACTER.sub(b"", octets)
    return octets


def _from_quoted(match: re.Match[str]) -> str:
    return _text(bytes.fromhex(match[0].replace("=", "")))


def _text(octets: bytes) -> str:
    """Decode as UTF-8, or as the encoding that Western mail programs used before it."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("cp1252", errors="replace")


def _without_mojibake(match: re.Match[str]) -> str:
    """Repair UTF-8 that was read as Latin-1: ``Ã³`` was ``ó``."""
    try:
        return b"".join(_octet(sign) for sign in match[0]).decode()
    except UnicodeError:
        return match[0]


def _octet(sign: str) -> bytes:
    try:
        return sign.encode("cp1252")
    except UnicodeEncodeError:
        return sign.encode("latin-1")


def _tidy(text: str) -> str:
    stripped = (part.strip(EDGES) for part in re.sub(r"[_+]", "-", text.replace("\\", "/")).split("/"))
    parts = [re.sub(r"-{2,}", "-", part) for part in stripped if part]
    if parts and INDEX_PAGE.match(parts[-1]):
        parts.pop()
    elif parts:
        parts[-1] = EXTENSION.sub("", parts[-1])
    return f"/{'/'.join(parts)}/" if parts else "/"
