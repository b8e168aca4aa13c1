"""From what a mail program, a chat or a person made of an address back to the address that was meant.

Only rows decide where a request may go; nothing of the request itself ever becomes a redirect.
"""

import re
import unicodedata

DASHES = re.compile("[\u00ad\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
# Quoted-printable: =2D stands for a hyphen, a lone = was a soft line break.
QUOTED = re.compile(r"=([0-9a-f]{2})", re.IGNORECASE)
EDGES = " .,;:!?'\"“”‘’«»<>()[]{}*_-=/\\|`´"
INDEX_PAGE = re.compile(r"(?:index|default)\.[a-z]{3,5}\Z")
LONGEST = 300


def candidates(raw: str) -> list[str]:
    """Addresses that ``raw`` (a path, decoded once) may stand for, the likeliest first; no doubles.

    >>> candidates("/Kyphoplasty/).")
    ['/Kyphoplasty/).', '/kyphoplasty/']
    """
    found = [raw[:LONGEST]]
    text = unicodedata.normalize("NFKC", raw[:LONGEST])
    text = INVISIBLE.sub("", DASHES.sub("-", text)).casefold()
    text = re.split(r"[&?#\r\n\t\x00]|%(?:0a|0d|26|3f)", text, maxsplit=1)[0]
    unquoted = QUOTED.sub(lambda match: chr(int(match[1], 16)), text)
    for form in (unquoted.replace("=", ""), text.replace("=", "")):
        # A space was put in by a line break, or the words behind it belong to the sentence around the address.
        found += [_tidy(form.replace(" ", "")), _tidy(form.split(" ", 1)[0])]
    # PostgreSQL refuses a question that holds this sign; no address ever did.
    return [name for name in dict.fromkeys(found) if "\0" not in name]


def _tidy(text: str) -> str:
    stripped = (part.strip(EDGES) for part in text.replace("\\", "/").replace("_", "-").split("/"))
    parts = [re.sub(r"-{2,}", "-", part) for part in stripped if part]
    if parts and INDEX_PAGE.match(parts[-1]):
        parts.pop()
    return f"/{'/'.join(parts)}/" if parts else "/"


FEWEST_LETTERS = 6


def beginning(raw: str) -> str | None:
    """The start of an address that was cut off, or None where too little is left to tell."""
    text = candidates(raw)[-1].rstrip("/")
    return text if len(text.rsplit("/", 1)[-1]) >= FEWEST_LETTERS else None
