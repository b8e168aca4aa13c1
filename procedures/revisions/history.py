"""Any text that was ever saved or public, under a short name: ``r12`` is revision 12, ``v3`` is version 3."""

import csv
import datetime
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from procedures.enums import EventKind
from procedures.figures.approval import FigureVersion
from procedures.models import Page, Release, ReleaseEvent, Revision
from procedures.rendering import ReferenceResolver, render_page
from procedures.revisions.diff_blocks import DiffBlock, article_blocks, field_blocks, source_blocks

VERSION_NAME = re.compile(r"([rv])([1-9][0-9]{0,8})\Z")
# What moves the live pointer.
PUBLIC_EVENTS = (EventKind.PUBLISHED, EventKind.REBUILT, EventKind.WITHDRAWN)


@dataclass(frozen=True)
class Version:
    """One text with who wrote it and when. ``release``: patients read it; their HTML is compared, not a new one."""

    page: Page
    revision: Revision
    release: Release | None

    @property
    def name(self) -> str:
        """For addresses: ``v3`` or ``r12``."""
        return f"v{self.release.number}" if self.release else f"r{self.revision.number}"

    @property
    def title(self) -> str:
        """For people."""
        return f"Version {self.release.number}" if self.release else f"Revision {self.revision.number}"

    @property
    def at(self) -> datetime.datetime:
        """When it was published or saved."""
        return self.release.published_at if self.release else self.revision.created_at

    @property
    def content(self) -> dict[str, Any]:
        """The draft it was made from."""
        content: dict[str, Any] = self.revision.content
        return content

    def article_html(self) -> str:
        """Its HTML: as patients read it, or with today's pictures and answers."""
        if self.release:
            return self.release.html
        library = ReferenceResolver(self.page.language, FigureVersion.CURRENT)
        rendered = render_page(self.content, kind=self.page.kind, resolver=library)
        return str(rendered.html)

    def rendered_blocks(self) -> list[DiffBlock]:
        """What a reader meets."""
        return field_blocks(self.content) + article_blocks(self.article_html())

    def markdown_blocks(self) -> list[DiffBlock]:
        """What an editor typed."""
        return source_blocks(self.content)


def find_version(page: Page, name: str) -> Version | None:
    """The version of this page with that name."""
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
    """What patients read or have read."""
    return Version(page, release.revision, release)


def live_at(subject: str, at: datetime.datetime) -> list[tuple[Page, Release | None, ReleaseEvent | None]]:
    """What the public read on a subject at ``at``, by language: the page, its release then, the event that decided.

    The release is None where the page was withdrawn or not yet public; the event is None when nothing had happened.
    """
    found = []
    for page in Page.objects.filter(subject=subject).order_by("language"):
        event = (
            page.events.filter(kind__in=PUBLIC_EVENTS, created_at__lte=at)
            .select_related("release__revision__author", "actor")
            .first()
        )
        release = event.release if event and event.kind != EventKind.WITHDRAWN else None
        found.append((page, release, event))
    return found


CSV_COLUMNS = (
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
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n")
CHUNK_SIZE = 500


def escape_formula(text: str) -> str:
    """A cell that a spreadsheet shows and never runs, also behind spaces or in full-width letters."""
    start = text.lstrip(" \u00a0\ufeff")
    return (
        f"'{text}"
        if start.startswith((*FORMULA_PREFIXES, "＝", "＋", "－", "＠")) or text.startswith(FORMULA_PREFIXES)
        else text
    )


class _Echo:
    """What csv writes to: gives each line back."""

    def write(self, value: str) -> str:
        return value


def stream_csv(events: QuerySet[ReleaseEvent]) -> Iterator[str]:
    """Lines of CSV (UTF-8 with a mark for spreadsheets), oldest first, read in small portions."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(CSV_COLUMNS)
    rows = events.order_by("pk").select_related("page", "actor", "revision", "release")
    rows = rows.defer("release__html", "release__sections", "revision__content", "page__body")
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
