"""The event log as a table for a spreadsheet: nothing in it can be taken for a formula."""

import csv
from collections.abc import Iterable, Iterator

from django.db.models import QuerySet
from django.utils import timezone

from procedures.models import ReleaseEvent

COLUMNS = (
    "when",
    "what",
    "subject",
    "language",
    "title",
    "revision",
    "version",
    "content hash",
    "who",
    "account",
    "why",
)
# A cell that begins with one of these is run by spreadsheets. An apostrophe in front makes it text.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
AT_ONCE = 500


def safe(text: str) -> str:
    """A cell that a spreadsheet shows and never runs, also behind spaces or in full-width letters."""
    start = text.lstrip(" \u00a0\ufeff")
    return f"'{text}" if start.startswith((*FORMULA, "＝", "＋", "－", "＠")) or text.startswith(FORMULA) else text


class _Echo:
    """What csv writes to: gives each line back."""

    def write(self, value: str) -> str:
        return value


def table(events: QuerySet[ReleaseEvent]) -> Iterator[str]:
    """Lines of CSV (UTF-8 with a mark for spreadsheets), oldest first, read in small portions."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)
    rows = events.order_by("pk").select_related("page", "actor", "revision", "release")
    rows = rows.defer("release__html", "release__sections", "revision__content", "page__body")
    for event in rows.iterator(chunk_size=AT_ONCE):
        yield writer.writerow([safe(cell) for cell in _cells(event)])


def _cells(event: ReleaseEvent) -> Iterable[str]:
    yield timezone.localtime(event.created_at).isoformat(timespec="seconds")
    yield str(event.get_kind_display())
    yield event.page.subject
    yield event.page.language
    yield event.page.title
    yield str(event.revision.number) if event.revision else ""
    yield str(event.release.number) if event.release else ""
    yield event.revision.content_hash if event.revision else ""
    yield str(event.actor) if event.actor else ""
    yield event.actor.username if event.actor else ""
    yield event.reason
