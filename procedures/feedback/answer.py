"""Taking an answer in: what it may hold, and where it is kept."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from procedures.models import Feedback, Page
from procedures.models.feedback import COMMENT_MAX
from procedures.validators import validate_plain_text

# A mail address, a date in figures, six digits or more that belong together: the number of a phone or a record.
PERSONAL = re.compile(r"\S@\S+\.\S|\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b|(?:\d[ ().-]{0,2}){6}")


class UnusableError(ValueError):
    """The answer cannot be kept. The message is a sentence for the reader, in the active language."""


def clean_comment(typed: str) -> str:
    """One line. Raises UnusableError for too much, for signs that are no text, and for what looks personal."""
    comment = " ".join(typed.split())
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
    """Keep an answer about the live release of ``page``; a part that this release does not have is left out."""
    live = page.live_release
    anchors = {part["anchor"] for part in live.sections} if live else set()
    return Feedback.objects.create(
        page=page, was_clear=was_clear, section=section if section in anchors else "", comment=comment
    )
