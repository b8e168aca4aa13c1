"""Leaf checks of single values, shared by forms, the content loader and tests. Each raises a clear sentence."""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.urls import Resolver404, URLResolver, get_resolver, resolve

from procedures import languages
from procedures.markup import find_markup_error
from procedures.phones import find_phone_error
from procedures.triage import TriageDetector

MAX_ALT_LENGTH = 125
MAX_DESCRIPTION_LENGTH = 155
MAX_SIGN_WORDS = 20

validate_slug = RegexValidator(
    r"\A[a-z0-9]+(?:-[a-z0-9]+)*\Z",
    "Use small letters without accents, digits and single hyphens, such as getting-ready.",
)
validate_key = validate_slug
validate_phone = RegexValidator(
    r"\A\+?[0-9][0-9 ().-]{1,22}[0-9]\Z",
    "Write a phone number with digits, spaces and hyphens, such as +1 303-555-0100.",
)
validate_https = RegexValidator(r"\Ahttps://[^\s<>\"]+\Z", "A web address must start with https://.")

# The name of the URL pattern that takes every address no other pattern claims: the pages.
PAGE_URL_NAME = "page"
# The start of a route up to its first variable part: ``p/`` of ``p/<str:typed>.svg``.
LITERAL_PREFIX = re.compile(r"\^?([\w./-]*)")

# Two code points at the end of every plane are no characters; HTML forbids them as it does control characters.
NONCHARACTERS = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
# Embeddings, overrides and isolates of the text direction: what follows them is shown in another order.
BIDI_CONTROLS = "\u202a-\u202e\u2066-\u2069"
FORBIDDEN_CHARACTER = re.compile(
    f"[{BIDI_CONTROLS}\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufdd0-\ufdef\U000f0000-\U0010fffd"
    + NONCHARACTERS
    + "]"
)


def validate_page_slug(value: str) -> None:
    """The last part of an address. Whether the site uses the whole address itself: ``is_reserved``."""
    validate_slug(value)


def is_reserved_path(path: str) -> bool:
    """Whether the site uses the address ``path`` (``/es/search/``) itself, so that no page can be read there.

    The routes are read each time, so that a new route reserves its words and no list needs an update.
    """
    own = path.strip("/")
    if own in languages.CODES:
        return True
    try:
        if resolve(path).url_name != PAGE_URL_NAME:
            return True
    except Resolver404:
        return True
    folders = (settings.STATIC_URL.strip("/"), settings.MEDIA_URL.strip("/"))
    literals = [*_literal_prefixes(get_resolver().url_patterns), *folders]
    return any(re.match(rf"\.?{re.escape(own)}(?:[/.]|\Z)", literal) for literal in literals)


def reserved_path_message(path: str) -> str:
    """For a page that wants the address ``path``."""
    return f"{path} is an address that the site uses itself. Choose another one."


def _literal_prefixes(patterns: Iterable[Any]) -> Iterator[str]:
    """The fixed beginning of every route, without those below a prefix such as ``admin/``."""
    for pattern in patterns:
        match = LITERAL_PREFIX.match(str(pattern.pattern))
        literal = match[1] if match else ""
        if isinstance(pattern, URLResolver) and not literal:
            yield from _literal_prefixes(pattern.url_patterns)
        else:
            yield literal


def validate_unit_interval(value: float) -> None:
    """A relative position: 0 is the left or upper edge, 1 the right or lower one."""
    if not 0 <= value <= 1:
        raise ValidationError("A position lies between 0 and 1 (0 % and 100 % of the picture).")


def validate_time_zone(value: str) -> None:
    """A name of the tz database: schedules and dates go by it."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationError("Write a time zone by its name, such as America/Denver or Europe/Madrid.") from error


def validate_word_list(value: object) -> None:
    """A list of words or phrases, none of them empty: an empty one would be found between any two letters."""
    if not isinstance(value, list) or not all(isinstance(word, str) and word.strip() for word in value):
        raise ValidationError('Write a list of words, such as ["word", "other word"].')


def validate_plain_text(value: str) -> None:
    """Text without control characters, direction controls, or the private-use characters that the renderer needs."""
    if FORBIDDEN_CHARACTER.search(value):
        raise ValidationError("The text holds an invisible control character. Type the passage again.")


def validate_no_markup(value: str) -> None:
    """Plain text without Markdown, HTML or invisible characters: such a field prints its text as typed."""
    if sentence := find_markup_error(value):
        raise ValidationError(sentence)


def validate_sign_length(value: str) -> None:
    """A warning sign that is read and understood at one glance."""
    count = len(re.findall(r"[^\W_]+(?:['’.-][^\W_]+)*", value))
    if count > MAX_SIGN_WORDS:
        raise ValidationError(f"A warning sign has at most {MAX_SIGN_WORDS} words; this one has {count}.")


def validate_no_sign_advice(language: str, value: str) -> None:
    """Refuse a sentence for readers, such as what changed or why a page is gone, that says what to do about signs."""
    if found := TriageDetector(language).find_advised_signs(value):
        raise ValidationError(
            f"Patients read this, and it says what to do about warning signs ({'; '.join(sorted(found))}). "
            "Signs come from one list: take them out here, such as “The list of warning signs is new.”"
        )


def validate_no_sign_list(language: str, texts: dict[str, str]) -> None:
    """Refuse quoted texts (by field name) that say what to do about warning signs: only the list may."""
    triage = TriageDetector(language)
    wrong = {
        name: f"This says what to do about warning signs ({'; '.join(sorted(found))}). Signs come from one list: "
        "take them out here, and print ::: warning-signs on the page."
        for name, text in texts.items()
        if (found := triage.find_advised_signs(text))
    }
    if wrong:
        raise ValidationError(wrong)


def validate_no_phone(texts: dict[str, str]) -> None:
    """Refuse texts (by field name) with a phone number: pages take the clinic's numbers from one row."""
    wrong = {name: sentence for name, text in texts.items() if (sentence := find_phone_error(text))}
    if wrong:
        raise ValidationError(wrong)
