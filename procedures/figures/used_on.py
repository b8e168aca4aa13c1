"""Where a picture is shown, and whether the same picture is here already."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from procedures.figures.intake import Picture
from procedures.models import Figure, Page, ReleaseInput, SeriesItem


class Place(StrEnum):
    """Kinds of use, with the sentence that each gives as the reason not to delete."""

    DRAFT = "The draft of “{}” shows it."
    SCHEDULED = "The text of “{}” that waits for its day shows it."
    SERIES = "The series “{}” shows it."
    LIVE = "Patients see it on “{}”."
    HISTORY = "Patients once saw it on “{}”."


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a picture; ``page`` is empty for a series, ``href`` for what the public does not read."""

    place: Place
    title: str
    page: Page | None = None
    href: str = ""

    def __str__(self) -> str:
        return self.place.value.format(self.title)


def used_on(figure: Figure) -> list[Use]:
    """Every use, those that staff can change first. Once for each page and kind of use."""
    drafts = _naming(Page.objects.all(), figure, "")
    scheduled = _naming(Page.objects.filter(scheduled_revision__isnull=False), figure, "scheduled_revision__content__")
    items = (
        SeriesItem.objects.filter(figure=figure).select_related("series").order_by("series__slug", "series__language")
    )
    series = dict.fromkeys(str(item.series) for item in items)
    return [
        *(Use(Place.DRAFT, page.title, page) for page in drafts),
        *(Use(Place.SCHEDULED, page.title, page) for page in scheduled),
        *(Use(Place.SERIES, name) for name in series),
        *_released(figure),
    ]


def why_kept(figure: Figure) -> list[str]:
    """Why the picture cannot be deleted, one sentence each; empty when nothing needs it."""
    return [str(use) for use in used_on(figure)]


def duplicate(picture: Picture) -> Figure | None:
    """The figure that shows exactly these pixels already."""
    return Figure.objects.filter(sha256=picture.sha256).order_by("pk").first()


def _naming(pages: Any, figure: Figure, text: str) -> list[Page]:
    """Pages whose text (own draft, or another under the prefix ``text``) has the figure in a block or at its head."""
    # More than the parser would take, such as a block in a list: a picture too many is kept, never one too few.
    block = re.compile(rf":::[ \t]*(?:figure|compare)[ \t][^\n]*(?<![\w-]){re.escape(figure.slug)}(?![\w-])")
    head = f"{text}lead_figure" if text else "lead_figure__slug"
    rows = pages.order_by("title", "language").values_list("pk", f"{text}body", head)
    keys = [pk for pk, body, lead in rows if lead == figure.slug or block.search(body or "")]
    found = Page.objects.in_bulk(keys)
    return [found[key] for key in keys]


def _released(figure: Figure) -> list[Use]:
    inputs = ReleaseInput.objects.filter(figure=figure).select_related("release__page")
    live: dict[int, Use] = {}
    history: dict[int, Use] = {}
    for release in (used.release for used in inputs):
        page = release.page
        if page.live_release_id == release.pk:
            live[page.pk] = Use(Place.LIVE, release.title, page, release.path)
        else:
            history[page.pk] = Use(Place.HISTORY, page.title, page)
    older = [use for key, use in history.items() if key not in live]
    return [*sorted(live.values(), key=lambda use: use.title), *sorted(older, key=lambda use: use.title)]
