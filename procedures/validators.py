"""Validators of single values, shared by forms and the content loader. Their messages are sentences for staff."""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.urls import Resolver404, URLResolver, get_resolver, resolve
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from procedures import languages
from procedures.addresses import SLUG
from procedures.markup import find_markup_error
from procedures.phones import find_phone_error
from procedures.readability.scores import describe_long_sentence, find_long_sentences
from procedures.triage import TriageDetector

MAX_ALT_LENGTH = 125
MAX_DESCRIPTION_LENGTH = 155
MAX_SIGN_WORDS = 25
# Number of corners of a polygon around part of a picture.
MIN_CORNERS, MAX_CORNERS = 3, 24

validate_slug = RegexValidator(
    rf"\A{SLUG}\Z",
    _("Use lowercase letters without accents, digits, and single hyphens, such as getting-ready."),
)
validate_key = validate_slug
validate_phone = RegexValidator(
    r"\A\+?[0-9][0-9 ().-]{1,22}[0-9]\Z",
    _("Enter a phone number with digits, spaces, and hyphens, such as +1 303-555-0100."),
)
validate_https = RegexValidator(r"\Ahttps://[^\s<>\"]+\Z", _("A web address must start with https://."))

# The name of the catch-all URL pattern, which serves pages.
PAGE_URL_NAME = "page"
# The start of a route up to its first variable part: ``p/`` of ``p/<str:code>.svg``.
LITERAL_PREFIX = re.compile(r"\^?([\w./-]*)")

# The last two code points of every plane are noncharacters; HTML forbids them, as it does control characters.
NONCHARACTERS = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
# Embeddings, overrides, and isolates of the text direction: they reorder the characters that follow.
BIDI_CONTROLS = "\u202a-\u202e\u2066-\u2069"
FORBIDDEN_CHARACTER = re.compile(
    f"[{BIDI_CONTROLS}\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufdd0-\ufdef\U000f0000-\U0010fffd"
    + NONCHARACTERS
    + "]"
)


def is_reserved_path(path: str) -> bool:
    """Return whether the site itself uses ``path`` (such as ``/es/search/``), so that no page can use it.

    The answer comes from the URL patterns, so there is no list of reserved words to update.
    """
    address = path.strip("/")
    if address in languages.CODES:
        return True
    try:
        if resolve(path).url_name != PAGE_URL_NAME:
            return True
    except Resolver404:
        return True
    folders = (settings.STATIC_URL.strip("/"), settings.MEDIA_URL.strip("/"))
    literals = [*_literal_prefixes(get_resolver().url_patterns), *folders]
    return any(re.match(rf"\.?{re.escape(address)}(?:[/.]|\Z)", literal) for literal in literals)


def reserved_path_message(path: str) -> str:
    """Return the error for a page whose address would be ``path``."""
    return gettext("%(path)s is an address that the site uses itself. Choose another one.") % {"path": path}


def _literal_prefixes(patterns: Iterable[Any]) -> Iterator[str]:
    """Yield the literal start of every route, except for routes below a prefix such as ``admin/``."""
    for pattern in patterns:
        match = LITERAL_PREFIX.match(str(pattern.pattern))
        literal = match[1] if match else ""
        if isinstance(pattern, URLResolver) and not literal:
            yield from _literal_prefixes(pattern.url_patterns)
        else:
            yield literal


def validate_outline(outline: Any) -> None:
    """Reject a polygon that is not a list of [x, y] pairs of fractions; an empty list means that there is none."""
    is_list = isinstance(outline, list) and len(outline) <= MAX_CORNERS
    if not is_list or not all(
        isinstance(corner, list)
        and len(corner) == 2
        and all(isinstance(number, int | float) and 0 <= number <= 1 for number in corner)
        for corner in outline
    ):
        raise ValidationError(
            _("Enter up to %(count)s corners, each as two numbers between 0 and 1, such as [0.3, 0.6]."),
            params={"count": MAX_CORNERS},
        )


def validate_unit_interval(value: float) -> None:
    """Validate a relative position: 0 is the left or top edge, 1 the right or bottom edge."""
    if not 0 <= value <= 1:
        raise ValidationError(_("A position must be between 0 and 1 (0% and 100% of the picture)."))


def validate_time_zone(value: str) -> None:
    """Validate a name of the tz database."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationError(_("Enter the name of a time zone, such as America/Denver or Europe/Madrid.")) from error


def validate_word_list(value: object) -> None:
    """Validate a list of words or phrases, none of them empty: an empty one would match everywhere."""
    if not isinstance(value, list) or not all(isinstance(word, str) and word.strip() for word in value):
        raise ValidationError(_('Enter a list of words, such as ["word", "another word"].'))


def validate_plain_text(value: str) -> None:
    """Reject control characters, direction controls, and the private-use characters that the renderer needs."""
    if FORBIDDEN_CHARACTER.search(value):
        raise ValidationError(_("The text contains an invisible control character. Type the passage again."))


def validate_no_markup(value: str) -> None:
    """Reject Markdown, HTML, and invisible characters in a field that is printed as typed."""
    if message := find_markup_error(value):
        raise ValidationError(message)


def validate_sign_length(value: str) -> None:
    """Reject a warning sign that is too long to understand at a glance."""
    count = len(re.findall(r"[^\W_]+(?:['’.-][^\W_]+)*", value))
    if count > MAX_SIGN_WORDS:
        raise ValidationError(
            _("A warning sign has at most %(limit)s words; this one has %(count)s."),
            params={"limit": MAX_SIGN_WORDS, "count": count},
        )


def validate_printed_texts(language: str, texts: dict[str, str]) -> None:
    """Reject texts (by field name) that contain a phone number, say what to do about warning signs, or have a sentence
    that is too long for a page.

    Pages print the numbers stored in the clinic's row, and the signs of the list of warning signs.
    """
    triage = TriageDetector(language)
    message = _(
        "This says what to do about warning signs (%(signs)s). Warning signs come from one list: remove them here, "
        "and insert the warning signs into the page."
    )
    errors: dict[str, list[ValidationError]] = {}
    heading = ""
    for name, text in texts.items():
        if not text:
            continue
        if phone_error := find_phone_error(text):
            errors.setdefault(name, []).append(ValidationError(phone_error))
        # A question or heading may name the sign, and the text below it say what to do, or the other way around.
        signs = (
            triage.find_advised_signs(text)
            or triage.find_paired_signs(f"{heading}\n{text}")
            or triage.find_introduced_signs(heading, text)
        )
        if signs:
            error = ValidationError(message, params={"signs": "; ".join(sorted(signs))})
            errors.setdefault(name, []).append(error)
        for sentence, length in find_long_sentences(text):
            errors.setdefault(name, []).append(ValidationError(describe_long_sentence(sentence, length)))
        heading = text
    if errors:
        raise ValidationError(errors)


def validate_no_phone(texts: dict[str, str]) -> None:
    """Reject texts (by field name) that contain a phone number, because pages print the numbers stored in the clinic's
    row. For texts without a language, and for the warning signs themselves.
    """
    errors = {name: message for name, text in texts.items() if (message := find_phone_error(text))}
    if errors:
        raise ValidationError(errors)
