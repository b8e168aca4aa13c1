"""Readers' answers to “Was this clear?”: validation, storage, rate limit, and same-origin check.

Comments with personal data are refused; the words around numbers by which they are found are in the language registry
(``NumberVocabulary``). Clients are identified by a hash with a random key that exists for a day in the
memory of one process. Key and hashes are discarded together, so a hash can never be traced back to an address.
"""

import hashlib
import re
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.text import normalize
from procedures.languages import number_words
from procedures.models import Feedback, Page
from procedures.models.public_site import MAX_COMMENT_LENGTH
from procedures.timezones import get_timezone
from procedures.validators import validate_plain_text

KEY_LIFETIME_SECONDS = 86_400.0
MONTH = rf"(?:{number_words('months')})(?![^\W\d_])"
DAY = r"(?:0?[1-9]|[12]\d|3[01])"
TWO_DIGIT_DAY = r"(?:0[1-9]|[12]\d|3[01])"
YEAR = r"(?:18|19|20)\d\d"
GAP = r"[\s.,/-]*"
OPTIONAL_OF = rf"(?:(?:{number_words('of')})\s+)?"
ORDINAL_SUFFIX = rf"(?:{number_words('ordinal_suffixes')}|º)?"
BIRTH_WORD = rf"(?:{number_words('birth_words')})"
NUMBER_LINKS = rf"(?:\W|(?:{number_words('number_links')})\b)*"
AT, DOT = (rf"\b(?:{number_words(name)})\b" for name in ("email_at", "email_dot"))
TOP_LEVEL = r"(?:com|org|net|edu|gov|mil|info|biz|io|mx|co|us|example)\b"
# Personal data, whatever the context.
PERSONAL_DATA = re.compile(
    "|".join(
        [
            # Email addresses, also spelled out.
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
            rf"\b(?:{number_words('personal_numbers')}){NUMBER_LINKS}[a-z]{{0,3}}\d(?:[ -]?\d){{2}}",
            rf"\b(?:{number_words('record_words')}){NUMBER_LINKS}[a-z]{{0,3}}-?\d{{4}}",
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
    rf"\b(?:{number_words('items')})\b(?:[\d\s,;:#&./-]|\b(?:{number_words('between')}|no)\b)*$", re.IGNORECASE
)
COUNTED_UNIT = re.compile(
    rf"[\s-]*(?:%|(?:{number_words('counted', 'units')}|lbs?|kg|mg|ml|cm|mm|ft|am|pm)\b)", re.IGNORECASE
)


def _normalize_line(line: str) -> str:
    """Return the line with one kind of digit, dash, and slash, and no space around a dash or slash inside a number."""
    text = unicodedata.normalize("NFKC", line)
    text = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)
    text = re.sub(r"[\u2010-\u2015\u2043\u2212\u2e3a\u2e3b]", "-", text)
    text = re.sub(r"[\u2044\u2215\u29f8]", "/", text)
    return re.sub(r"(?<=\w)\s*([/-])\s*(?=\w)", r"\1", text)


def has_personal_data(line: str) -> bool:
    """Return whether a line may identify its author: a full date, a phone or record number, an email address."""
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
            _("Your line is too long: %(count)s letters. Please shorten it to %(most)s.")
            % {"count": len(comment), "most": MAX_COMMENT_LENGTH}
        )
    try:
        validate_plain_text(comment)
    except ValidationError as error:
        raise InvalidFeedbackError(_("Your line holds signs that we cannot read. Please type it again.")) from error
    if has_personal_data(comment):
        raise InvalidFeedbackError(
            _("Your line seems to hold a number, a date or an email address. Please take it out, then send again.")
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
        received_on=timezone.localdate(timezone=get_timezone(getattr(page, "time_zone", ""))),
    )


@dataclass(slots=True)
class _TokenBucket:
    """The tokens left at ``updated_at``, in seconds of the limiter's clock."""

    tokens: float
    updated_at: float


class FeedbackRateLimiter:
    """Token buckets of one process: ``per_client`` answers an hour from one client, ``total`` from all together.

    Thread-safe. Forgets the buckets when there are ``max_clients``, so that memory stays bounded.
    """

    def __init__(
        self,
        *,
        per_client: int = 6,
        total: int = 120,
        max_clients: int = 20_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_client, self._total, self._max_clients, self._clock = per_client, total, max_clients, clock
        self._lock = threading.Lock()
        self._rotate_key(clock())

    def _rotate_key(self, now: float) -> None:
        self._key, self._key_created_at = secrets.token_bytes(16), now
        self._buckets: dict[bytes, _TokenBucket] = {}
        self._shared_bucket = _TokenBucket(self._total, now)

    def consume(self, client: str) -> bool:
        """Take a token for one answer and return whether there was one.

        An empty ``client`` (unknown behind a proxy) counts toward the total only.
        """
        with self._lock:
            now = self._clock()
            if now - self._key_created_at > KEY_LIFETIME_SECONDS:
                self._rotate_key(now)
            if not _refill(self._shared_bucket, self._total, now):
                return False
            if client and not self._consume_for_client(client, now):
                return False
            self._shared_bucket.tokens -= 1
            return True

    def _consume_for_client(self, client: str, now: float) -> bool:
        client_hash = hashlib.blake2b(client.encode(), key=self._key, digest_size=8).digest()
        if len(self._buckets) >= self._max_clients:
            self._buckets.clear()
        bucket = self._buckets.setdefault(client_hash, _TokenBucket(self._per_client, now))
        if not _refill(bucket, self._per_client, now):
            return False
        bucket.tokens -= 1
        return True


def _refill(bucket: _TokenBucket, capacity: int, now: float) -> bool:
    """Add the tokens of the time since the last call, ``capacity`` an hour, and return whether one is left."""
    bucket.tokens = min(float(capacity), bucket.tokens + (now - bucket.updated_at) * capacity / 3600)
    bucket.updated_at = now
    return bucket.tokens >= 1


RATE_LIMITER = FeedbackRateLimiter()


def is_same_origin(request: HttpRequest) -> bool:
    """Return whether a POST came from a page of this site, by the headers that every current browser sends.

    This takes the place of a CSRF token, which would need a cookie.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    origin = request.headers.get("Origin", "")
    return origin == settings.PUBLIC_URL or (
        urlsplit(origin).scheme in {"http", "https"} and urlsplit(origin).netloc == request.get_host()
    )
