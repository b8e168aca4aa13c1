"""Taking an answer in: what it may hold, and where it is kept."""

import re

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.text import normalize
from procedures.models import Feedback, Page
from procedures.models.feedback import COMMENT_MAX
from procedures.publishing.clock import zone_called
from procedures.validators import validate_plain_text

# Names of the months, English and Spanish, as people shorten them.
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene|abr|ago|dic)[a-z]*"
DAY = r"(?:0?[1-9]|[12]\d|3[01])"
# What could tell who wrote it. A date counts if it can be one: "steps 1-2-3" and "T12-L1" are none.
PERSONAL = re.compile(
    "|".join(
        [
            r"\S@\S+\.\S",
            # 1/2/1950, 01-02-50, 01.02.50, 1950-01-02; the year has two or four digits, day and month are possible.
            rf"(?<![\w./-]){DAY}([./-]){DAY}\1\d{{4}}(?![\w/-])",
            rf"(?<![\w./-]){DAY}([/-]){DAY}\2\d\d(?![\w/-])",
            r"(?<![\w./-])(?:0[1-9]|[12]\d|3[01])\.(?:0[1-9]|[12]\d|3[01])\.\d\d(?![\w/-])",
            rf"(?<!\d)(?:19|20)\d\d([./-]){DAY}\3{DAY}(?!\d)",
            # January 2, 1950; 2 Jan 1950; 2 de enero de 1950.
            rf"\b{MONTH}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+(?:de\s+|del\s+)?\d{{4}}\b",
            rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:de\s+)?{MONTH}\.?,?\s+(?:de\s+|del\s+)?\d{{4}}\b",
            # Six digits in one piece: a record or a phone.
            r"\d{6}",
            # Phones and social security numbers in groups.
            r"(?<!\d)\(?\d{3}\)?[ .-]{1,2}\d{3}[ .-]\d{4}(?!\d)",
            r"(?<!\d)\d{3}[.-]\d{4}(?!\d)",
            r"(?<!\d)\d{3}[ .-]\d{2}[ .-]\d{4}(?!\d)",
            r"(?<!\d)\d{2}(?:[ .-]\d{2}){3,}(?!\d)",
            r"\+\d(?:[ ().-]{0,2}\d){6}",
        ]
    ),
    re.IGNORECASE,
)


class UnusableError(ValueError):
    """The answer cannot be kept. The message is a sentence for the reader, in the active language."""


def clean_comment(typed: str) -> str:
    """One line. Raises UnusableError for too much, for signs that are no text, and for what looks personal."""
    comment = " ".join(normalize(typed).split())
    if len(comment) > COMMENT_MAX:
        raise UnusableError(
            _("Your line is too long: %(count)s letters. Please shorten it to %(most)s.")
            % {"count": len(comment), "most": COMMENT_MAX}
        )
    try:
        validate_plain_text(comment)
    except ValidationError as error:
        raise UnusableError(_("Your line holds signs that we cannot read. Please type it again.")) from error
    if PERSONAL.search(comment):
        raise UnusableError(
            _("Your line seems to hold a number, a date or an email address. Please take it out, then send again.")
        )
    return comment


def receive(page: Page, *, was_clear: bool, section: str, comment: str) -> Feedback:
    """Keep an answer about the live release of ``page``; a part that this release does not have is left out.

    The day is the clinic's where the page comes with ``time_zone`` (models/clinic.py: clinic_time_zone).
    """
    live = page.live_release
    anchors = {part["anchor"] for part in live.sections} if live else set()
    return Feedback.objects.create(
        page=page,
        was_clear=was_clear,
        section=section if section in anchors else "",
        comment=comment,
        received_on=timezone.localdate(timezone=zone_called(getattr(page, "time_zone", ""))),
    )
