"""Readers' answers to “Was this clear?”: validation, storage, rate limit, and same-origin check.

Comments with personal data are rejected. The words that help detect such data are in the language registry
(``NumberVocabulary``).
"""

import re
import unicodedata

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from portal.security import TokenBucket
from portal.text import normalize
from procedures.languages import number_pattern
from procedures.models import Feedback, Page
from procedures.models.public_site import MAX_COMMENT_LENGTH
from procedures.timezones import today_in
from procedures.validators import validate_plain_text

# Limits per client and in total. Both apply to each process separately.
CLIENT_RATE_LIMIT = TokenBucket(burst=6, per_second=6 / 3600, max_keys=20_000)
TOTAL_RATE_LIMIT = TokenBucket(burst=120, per_second=120 / 3600)
MONTH = rf"(?:{number_pattern('months')})(?![^\W\d_])"
DAY = r"(?:0?[1-9]|[12]\d|3[01])"
TWO_DIGIT_DAY = r"(?:0[1-9]|[12]\d|3[01])"
YEAR = r"(?:18|19|20)\d\d"
GAP = r"[\s.,/-]*"
OPTIONAL_OF = rf"(?:(?:{number_pattern('of')})\s+)?"
ORDINAL_SUFFIX = rf"(?:{number_pattern('ordinal_suffixes')}|º)?"
BIRTH_WORD = rf"(?:{number_pattern('birth_words')})"
NUMBER_LINKS = rf"(?:\W|(?:{number_pattern('number_links')})\b)*"
AT, DOT = (rf"\b(?:{number_pattern(name)})\b" for name in ("email_at", "email_dot"))
TOP_LEVEL = r"(?:com|org|net|edu|gov|mil|info|biz|io|mx|co|us|example)\b"
# Personal data, whatever the context.
PERSONAL_DATA = re.compile(
    "|".join(
        [
            # Email addresses, including spelled-out ones.
            r"\S@\S+\.\S",
            r"[^\W\d_][\w.+-]*@[^\W\d_]\w",
            rf"\w\s*@\s*[\w-]+\s*(?:\.|{DOT})\s*{TOP_LEVEL}",
            rf"\w\s*\W?{AT}\W?\s*[\w-]+\s*(?:\.|\W?{DOT}\W?\s*){TOP_LEVEL}",
            # 1/2/1950, 1950-01-02.
            rf"(?<!\d){DAY}([/-]){DAY}\1{YEAR}(?!\d)",
            rf"(?<!\d){YEAR}([/-]){DAY}\2{DAY}(?!\d)",
            # January 2, 1950; 2-Jan-1950; 2-Jan-50; 2 de enero de 1950.
            rf"(?<![^\W\d_]){MONTH}{GAP}{DAY}{ORDINAL_SUFFIX}{GAP}{OPTIONAL_OF}{YEAR}(?!\d)",
            rf"(?<!\d){DAY}{ORDINAL_SUFFIX}{GAP}{OPTIONAL_OF}{MONTH}{GAP}{OPTIONAL_OF}{YEAR}(?!\d)",
            rf"(?<!\d){DAY}([/-]){MONTH}\3\d\d(?!\d)",
            # A two-digit year after a word about birth.
            rf"{BIRTH_WORD}\D{{0,30}}{DAY}(?:{GAP}|\s){OPTIONAL_OF}(?:{MONTH}|(?<!\d){DAY}){GAP}{OPTIONAL_OF}\d\d(?!\d)",
            rf"{BIRTH_WORD}\D{{0,30}}{MONTH}{GAP}{DAY}{ORDINAL_SUFFIX}{GAP}{OPTIONAL_OF}\d\d(?!\d)",
            # Record and account numbers, and phone numbers of other countries.
            rf"\b(?:{number_pattern('personal_numbers')}){NUMBER_LINKS}[a-z]{{0,3}}\d(?:[ -]?\d){{2}}",
            rf"\b(?:{number_pattern('record_words')}){NUMBER_LINKS}[a-z]{{0,3}}-?\d{{4}}",
            r"\+\d(?:[ ()./-]{0,2}\d){6}",
            r"[^\W\d_]\d{6}",
            r"\d{7}",
            # Phone and social security numbers in groups.
            r"(?<!\d)\(?\d{3}\)?[ ./-]{0,3}\d{3}[ ./-]{1,2}\d{4}(?!\d)",
            r"(?<!\d)\d{3}[ ./-]\d{2}[ ./-]\d{4}(?!\d)",
        ]
    ),
    re.IGNORECASE,
)
# Personal data, unless the context shows that these are numbered items or amounts.
POSSIBLE_PERSONAL_DATA = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<!\d){DAY}(\s?\.\s?|\s){DAY}\1{YEAR}(?!\d)",
        rf"(?<!\d){YEAR}(\s?\.\s?|\s){DAY}\1{DAY}(?!\d)",
        rf"(?<!\d){YEAR}{GAP}{OPTIONAL_OF}{MONTH}{GAP}{DAY}(?!\d)",
        rf"(?<![\w./-]){DAY}([/-]){DAY}\1\d\d(?![\w/-])",
        rf"(?<![\w./-]){TWO_DIGIT_DAY}\.{TWO_DIGIT_DAY}\.\d\d(?![\w/-])",
        r"(?<![\d./-])\d{3}[ .-]\d{4}(?!\d)",
        r"(?<!\d)\d{2}(?:[ ./-]\d{2}){3,}(?!\d)",
        r"(?<!\d)\d(?:[ ./-]\d){6,}(?!\d)",
        # Six digits, unless it is a round number.
        r"(?<!\d)(?![1-9]\d{2}000(?!\d))\d{6}(?!\d)",
    )
]
NUMBERED_ITEM = re.compile(
    rf"\b(?:{number_pattern('items')})\b(?:[\d\s,;:#&./-]|\b(?:{number_pattern('between')}|no)\b)*$",
    re.IGNORECASE,
)
COUNTED_UNIT = re.compile(
    rf"[\s-]*(?:%|(?:{number_pattern('counted', 'units')}|lbs?|kg|mg|ml|cm|mm|ft|am|pm)\b)", re.IGNORECASE
)


def _normalize_line(line: str) -> str:
    """Return the line with one kind of digit, dash, and slash, and no space around a dash or slash inside a number."""
    text = unicodedata.normalize("NFKC", line)
    text = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)
    text = re.sub(r"[\u2010-\u2015\u2043\u2212\u2e3a\u2e3b]", "-", text)
    text = re.sub(r"[\u2044\u2215\u29f8]", "/", text)
    return re.sub(r"(?<=\w)\s*([/-])\s*(?=\w)", r"\1", text)


def has_personal_data(line: str) -> bool:
    """Return whether a line may identify its author (a full date, a phone or record number, or an email address)."""
    text = _normalize_line(line)
    return PERSONAL_DATA.search(text) is not None or any(
        not NUMBERED_ITEM.search(text[: match.start()]) and not COUNTED_UNIT.match(text, match.end())
        for pattern in POSSIBLE_PERSONAL_DATA
        for match in pattern.finditer(text)
    )


class InvalidFeedbackError(ValueError):
    """The answer cannot be stored. The message is for the reader, in the active language."""


def clean_comment(text: str) -> str:
    """Return the comment as one line.

    Raise InvalidFeedbackError if it is too long, contains control characters, or may hold personal data.
    """
    comment = " ".join(normalize(text).split())
    if len(comment) > MAX_COMMENT_LENGTH:
        raise InvalidFeedbackError(
            _("Your comment is too long: %(count)s characters. Please shorten it to %(max)s characters or fewer.")
            % {"count": len(comment), "max": MAX_COMMENT_LENGTH}
        )
    try:
        validate_plain_text(comment)
    except ValidationError as error:
        raise InvalidFeedbackError(
            _("Your comment has characters that we cannot read. Please type it again.")
        ) from error
    if has_personal_data(comment):
        raise InvalidFeedbackError(
            _(
                "Your comment seems to include a phone number, a date, or an email address. Please remove it and "
                "send your comment again."
            )
        )
    return comment


def save_feedback(page: Page, *, was_clear: bool, section: str, comment: str) -> Feedback:
    """Store an answer about the live release of ``page``; drop a ``section`` that is not one of its anchors.

    The date is that of the clinic's time zone if ``page`` is annotated with ``time_zone`` (clinic_time_zone in
    models/clinic.py).
    """
    live = page.live_release
    anchors = {part["anchor"] for part in live.sections} if live else set()
    return Feedback.objects.create(
        page=page,
        was_clear=was_clear,
        section=section if section in anchors else "",
        comment=comment,
        received_on=today_in(getattr(page, "time_zone", "")),
    )


def is_rate_limited(request: HttpRequest) -> bool:
    """Count an answer; return True if the client's network, or all clients together, exceeded the limit.

    Clients whose network is unknown (``TokenBucket.is_limited``) count toward the total only.
    """
    return CLIENT_RATE_LIMIT.is_limited(request) or not TOTAL_RATE_LIMIT.consume("")


def is_same_origin(request: HttpRequest) -> bool:
    """Return whether a POST came from a page of this site, by the headers that every current browser sends.

    This replaces a CSRF token, which would need a cookie.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    host = request.get_host()
    return request.headers.get("Origin", "") in {settings.PUBLIC_URL, f"http://{host}", f"https://{host}"}
