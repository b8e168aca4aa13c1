"""Who needs a picture, a source, an answer: what must not be deleted, and which public pages print it."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Q

from procedures.models import (
    CareInstruction,
    Figure,
    Page,
    ReleaseInput,
    Series,
    SeriesItem,
    Source,
    Term,
    WarningSign,
    WarningSignRevision,
)
from procedures.publishing.outdated import fingerprints

Quotable = Figure | Series | Source | CareInstruction | Term
# More than the parser would take, such as a block in a list: a thing too many is kept, never one too few.
NAMED = {
    "figure": r":::[ \t]*(?:figure|compare)[ \t][^\n]*(?<![\w-]){key}(?![\w-])",
    "series": r":::[ \t]*series[ \t]+{key}[ \t]*$",
    "care": r":::[ \t]*care\b[^\n]*(?<![\w-]){key}(?![\w-])",
    "source": r"\[@[^\]\n]*(?<![\w-]){key}(?![\w-])",
}


class Place(StrEnum):
    """Kinds of use, with the sentence that each gives as the reason not to delete."""

    DRAFT = "The draft of “{}” shows it."
    SCHEDULED = "The text of “{}” that waits for its day shows it."
    SERIES = "The series “{}” shows it."
    SIGNS = "The {} cite it as a source."
    LIVE = "Patients see it on “{}”."
    HISTORY = "Patients once saw it on “{}”."


@dataclass(frozen=True, slots=True)
class Use:
    """One use; ``page`` is empty for a series, ``href`` (an address of the site) for what the public does not read."""

    place: Place
    title: str
    page: Page | None = None
    href: str = ""

    def __str__(self) -> str:
        return self.place.value.format(self.title)


def name_in_text(row: Quotable) -> tuple[str, str]:
    """Kind and key, as ReleaseInput has them."""
    match row:
        case Figure():
            return "figure", row.slug
        case Series():
            return "series", row.slug
        case Source():
            return "source", row.key
        case CareInstruction():
            return "care", row.key
        case Term():
            return "term", row.key


def uses(row: Quotable) -> list[str]:
    """Why ``row`` cannot be deleted, one sentence for each use; empty when nothing needs it."""
    return [str(use) for use in used_on(row)]


def used_on(row: Quotable) -> list[Use]:
    """Every use, those that staff can change first. Once for each page and kind of use.

    A term may always go: pages then do without its explanation.
    """
    if isinstance(row, Term):
        return []
    language = getattr(row, "language", "")
    pages = Page.objects.in_language(language) if language else Page.objects.all()
    waiting = pages.filter(scheduled_revision__isnull=False)
    return [
        *(Use(Place.DRAFT, page.title, page) for page in _naming(pages, row, "")),
        *(Use(Place.SCHEDULED, page.title, page) for page in _naming(waiting, row, "scheduled_revision__content__")),
        *_series(row),
        *_signs(row),
        *_released(row, language),
    ]


def _series(row: Quotable) -> list[Use]:
    if not isinstance(row, Figure):
        return []
    items = SeriesItem.objects.filter(figure=row).select_related("series").order_by("series__slug", "series__language")
    return [Use(Place.SERIES, name) for name in dict.fromkeys(str(item.series) for item in items)]


def _signs(row: Quotable) -> list[Use]:
    """The list of warning signs, also one that waits for approval."""
    if not isinstance(row, Source):
        return []
    newest = WarningSignRevision.objects.first()
    named = {key for keys in WarningSign.objects.values_list("sources", flat=True) for key in keys}
    named |= {key for sign in (newest.content if newest else []) for key in sign["sources"]}
    return [Use(Place.SIGNS, "warning signs")] if row.key in named else []


def _naming(pages: Any, row: Quotable, text: str) -> list[Page]:
    """Pages whose text (own draft, or another under the prefix ``text``) names the row in a block or at its head."""
    kind, key = name_in_text(row)
    named = re.compile(NAMED[kind].replace("{key}", re.escape(key)), re.MULTILINE)
    head = f"{text}lead_figure" if text else "lead_figure__slug"
    rows = pages.order_by("title", "language").values_list("pk", f"{text}body", head)
    keys = [pk for pk, body, lead in rows if (kind == "figure" and lead == key) or named.search(body or "")]
    found = Page.objects.in_bulk(keys)
    return [found[pk] for pk in keys]


def _released(row: Quotable, language: str) -> list[Use]:
    kind, key = name_in_text(row)
    inputs = ReleaseInput.objects.filter(kind=kind, key=key).select_related("release__page")
    if isinstance(row, Figure):
        inputs = ReleaseInput.objects.filter(figure=row).select_related("release__page")
    if language:
        inputs = inputs.filter(release__page__language=language)
    live: dict[int, Use] = {}
    history: dict[int, Use] = {}
    for release in (used.release for used in inputs):
        page = release.page
        if page.live_release_id == release.pk:
            live[page.pk] = Use(Place.LIVE, release.title, page, release.path)
        elif isinstance(row, Figure):
            # Words stand in the release itself, so history needs nothing but picture files.
            history[page.pk] = Use(Place.HISTORY, page.title, page)
    older = [use for pk, use in history.items() if pk not in live]
    return [*sorted(live.values(), key=lambda use: use.title), *sorted(older, key=lambda use: use.title)]


def printing_old(*, kind: str, language: str, key: str = "") -> list[Page]:
    """Public pages of ``language`` whose release holds another value of ``kind`` (and ``key``) than there is today.

    Renders nothing, so a word of the glossary that no page linked so far is seen by outdated_pages() only.
    """
    # An index of pictures shows them as other pages do.
    kinds = [kind, "indexed"] if kind == "figure" else [kind]
    inputs = Q(kind__in=kinds)
    return printing_other(inputs & Q(key=key) if key else inputs, language)


def naming_old(page: Page) -> list[Page]:
    """Public pages that print the title, a section's title or the address that ``page`` had before."""
    named = Q(kind="title", key__startswith=f"{page.subject}#") | Q(kind="page", key=page.subject)
    return printing_other(named, page.language)


def printing_other(inputs: Q, language: str) -> list[Page]:
    """Public pages of ``language`` whose release noted another value for one of ``inputs`` than there is today."""
    live = ReleaseInput.objects.filter(inputs, release__live_on__language=language)
    rows = list(live.values_list("kind", "key", "fingerprint", "release__page"))
    now = fingerprints(language, {(kind, key) for kind, key, _, _ in rows})
    old = {page for kind, key, fingerprint, page in rows if now.get((kind, key)) != fingerprint}
    return sorted(Page.objects.in_bulk(old).values(), key=lambda page: page.title) if old else []


@dataclass(frozen=True, slots=True)
class LinkTo:
    """A public page that leads to another one, and in which ways."""

    page: Page
    ways: list[str]


def links_to(page: Page) -> list[LinkTo]:
    """Public pages (links are within one language) that lead to ``page``: in their text, as next step, in a list."""
    inputs = ReleaseInput.objects.filter(kind="page", key=page.subject)
    sources = Page.objects.published().in_language(page.language).filter(live_release__in=inputs.values("release"))
    rows = sources.exclude(pk=page.pk).select_related("live_release__revision").defer("body", "live_release__html")
    return [LinkTo(row, _ways(row, page.subject)) for row in rows.order_by("title")]


def _ways(row: Page, subject: str) -> list[str]:
    content = row.live_release.revision.content if row.live_release else {}
    ways = {
        "next step": content.get("next_page") == subject,
        "reading list": any(item["page"] == subject for item in content.get("items", [])),
        "link in the text": re.search(rf"\(page:{re.escape(subject)}(?![\w-])", content.get("body", "")) is not None,
    }
    return [way for way, is_used in ways.items() if is_used]
