"""Any text that was ever saved or public, under a short name: ``r12`` is revision 12, ``v3`` is version 3."""

import datetime
import re
from dataclasses import dataclass
from typing import Any

from procedures.enums import EventKind
from procedures.figures.approval import Pictures
from procedures.markdown import Library, render_page
from procedures.models import Page, Release, ReleaseEvent, Revision
from procedures.publishing.wording import Block, article_blocks, field_blocks, source_blocks

NAME = re.compile(r"([rv])([1-9][0-9]{0,8})\Z")
# What moves the live pointer.
PUBLIC_EVENTS = (EventKind.PUBLISHED, EventKind.RENEWED, EventKind.WITHDRAWN)


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

    def article(self) -> str:
        """Its HTML: as patients read it, or with today's pictures and answers."""
        if self.release:
            return self.release.html
        library = Library(self.page.language, Pictures.CURRENT)
        rendered = render_page(self.content, kind=self.page.kind, library=library)
        return str(rendered.html)

    def reading(self) -> list[Block]:
        """What a reader meets."""
        return field_blocks(self.content) + article_blocks(self.article())

    def source(self) -> list[Block]:
        """What an editor typed."""
        return source_blocks(self.content)


def version(page: Page, name: str) -> Version | None:
    """The version of this page with that name."""
    match = NAME.match(name)
    if not match:
        return None
    number = int(match[2])
    if match[1] == "v":
        release = page.releases.select_related("revision__author").filter(number=number).first()
        return of_release(page, release) if release else None
    revision = page.revisions.select_related("author").filter(number=number).first()
    return Version(page, revision, None) if revision else None


def of_release(page: Page, release: Release) -> Version:
    """What patients read or have read."""
    return Version(page, release.revision, release)


def read_on(subject: str, at: datetime.datetime) -> list[tuple[Page, Release | None, ReleaseEvent | None]]:
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
