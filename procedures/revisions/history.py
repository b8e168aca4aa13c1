"""Lookup of saved and public texts by short name (``r12`` for revision 12, ``v3`` for version 3), and the event log."""

import csv
import datetime
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.text import escape_formula
from procedures.enums import PUBLIC_EVENTS, EventKind
from procedures.figures.approval import FigureVersion
from procedures.models import Page, Release, ReleaseEvent, Revision
from procedures.models.page import without_text
from procedures.rendering import ReferenceResolver, released_document, render_page
from procedures.rendering.document import Document
from procedures.revisions.diff import (
    DiffBlock,
    DiffRow,
    compare_blocks,
    compare_layouts,
    count_changes,
    document_blocks,
    field_blocks,
    reading_list_blocks,
    source_blocks,
)

VERSION_NAME = re.compile(r"([rv])([1-9][0-9]{0,8})\Z")


@dataclass(frozen=True)
class Version:
    """A text to show or compare: a release, as the stored HTML that patients read, or a revision, rendered with the
    current values.
    """

    page: Page
    revision: Revision
    release: Release | None

    @property
    def name(self) -> str:
        """The short name for URLs: ``v3`` or ``r12``."""
        return (self.release or self.revision).version_name

    @property
    def title(self) -> str:
        """The name for staff."""
        if self.release:
            return _("Version %(number)s") % {"number": self.release.number}
        return _("Revision %(number)s") % {"number": self.revision.number}

    @property
    def at(self) -> datetime.datetime:
        """The time it was published or saved."""
        return self.release.published_at if self.release else self.revision.created_at

    @property
    def content(self) -> dict[str, Any]:
        """The draft that it was made from."""
        content: dict[str, Any] = self.revision.content
        return content

    def read_document(self) -> Document:
        """Return the tree of a release, or of a revision rendered with the current pictures and answers."""
        if self.release:
            return released_document(self.release)
        resolver = ReferenceResolver(self.page.language, FigureVersion.CURRENT)
        return render_page(self.content, kind=self.page.kind, resolver=resolver).document

    def rendered_blocks(self, document: Document | None = None) -> list[DiffBlock]:
        """Return the blocks that a reader sees. ``document``: its tree, if it has been read already."""
        blocks = field_blocks(self.content) + reading_list_blocks(self.content, with_notes=False)
        return blocks + document_blocks(document or self.read_document())

    def markdown_blocks(self) -> list[DiffBlock]:
        """Return the blocks that an editor typed."""
        return source_blocks(self.content)


def compare_versions(old: Version, new: Version) -> list[DiffRow]:
    """Compare what readers see of two versions; return all rows in reading order."""
    after = new.read_document()
    before = after if old == new else old.read_document()
    rows = compare_blocks(old.rendered_blocks(before), new.rendered_blocks(after))
    return rows if count_changes(rows) else rows + compare_layouts(before, after)


def find_version(page: Page, name: str) -> Version | None:
    """Return the version of ``page`` with this short name."""
    match = VERSION_NAME.match(name)
    if not match:
        return None
    number = int(match[2])
    if match[1] == "v":
        release = page.releases.select_related("revision__author").filter(number=number).first()
        return version_of_release(page, release) if release else None
    revision = page.revisions.select_related("author").filter(number=number).first()
    return Version(page, revision, None) if revision else None


def version_of_release(page: Page, release: Release) -> Version:
    """Return the version that ``release`` shows, or showed, to patients."""
    return Version(page, release.revision, release)


def live_at(subject: str, at: datetime.datetime) -> list[tuple[Page, Release | None, ReleaseEvent | None]]:
    """Return what was public about a subject at the time ``at``: for each language, the page, its release, and the
    event.

    The release is None if the page was withdrawn or not yet public. The event is the one that led to this state, or
    None before the first event.
    """
    states = []
    for page in Page.objects.filter(subject=subject).order_by("language"):
        event = (
            page.events.filter(kind__in=PUBLIC_EVENTS, created_at__lte=at)
            .select_related("release__revision__author", "actor")
            .first()
        )
        release = event.release if event and event.kind != EventKind.WITHDRAWN else None
        states.append((page, release, event))
    return states


CSV_COLUMNS = (
    gettext_lazy("when"),
    gettext_lazy("what"),
    gettext_lazy("subject"),
    gettext_lazy("language"),
    gettext_lazy("title"),
    gettext_lazy("revision"),
    gettext_lazy("version"),
    gettext_lazy("content hash"),
    gettext_lazy("who"),
    gettext_lazy("account"),
    gettext_lazy("why"),
)
CHUNK_SIZE = 500


class _Echo:
    """A file-like object for the csv writer that returns each line."""

    def write(self, value: str) -> str:
        return value


def stream_csv(events: QuerySet[ReleaseEvent]) -> Iterator[str]:
    """Yield events as lines of CSV (with a byte order mark for spreadsheets), oldest first, fetched in chunks."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(CSV_COLUMNS)
    rows = events.order_by("pk").select_related("page", "actor", "revision", "release")
    rows = without_text(rows, "release__").defer("revision__content", "page__body")
    for event in rows.iterator(chunk_size=CHUNK_SIZE):
        yield writer.writerow([escape_formula(cell) for cell in _row_values(event)])


def _row_values(event: ReleaseEvent) -> Iterable[str]:
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


class ReleaseEventSource:
    """The event log of pages as an event source for ``portal.audit``.

    Reasons and texts are left out: staff could have named a patient there by mistake.
    """

    category = "content"

    def rows(self) -> QuerySet[ReleaseEvent]:
        """Return the log, limited to the fields that identify pages, versions, and people."""
        return ReleaseEvent.objects.select_related("page", "revision", "release", "actor").only(
            "kind", "created_at", "page__subject", "page__language", "revision__number", "release__number",
            "actor__username",
        )  # fmt: skip

    def to_record(self, row: ReleaseEvent) -> dict[str, str | int]:
        """Return the page as subject and language, and the numbers of its versions."""
        return {
            "event": row.kind,
            "outcome": "success",
            "actor": row.actor.username if row.actor else "",
            "page": f"{row.page.subject}/{row.page.language}",
            "revision": row.revision.number if row.revision else "",
            "release": row.release.number if row.release else "",
        }
