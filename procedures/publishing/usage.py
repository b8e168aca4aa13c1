"""Public pages that print something that has changed since: a picture, a term, a source, a clinic answer, a sign."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Q

from procedures.models import (
    ClinicAnswer,
    Figure,
    GlossaryTerm,
    Page,
    ReleaseDependency,
    Series,
    SeriesItem,
    Source,
    WarningSign,
    WarningSignRevision,
)
from procedures.rendering import ReferenceResolver, render_page


@dataclass(frozen=True, slots=True)
class StalePage:
    """A public page and what has changed since its release, as (kind, key)."""

    page: Page
    changed: list[tuple[str, str]]


def current_fingerprints(language: str, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Today's fingerprint of each (kind, key) that still exists, in a fixed number of queries."""
    library = ReferenceResolver(language)
    named: dict[str, set[str]] = {}
    for kind, key in wanted:
        named.setdefault(kind, set()).add(key)
    library.prefetch(named)
    lists = {
        "figures": library.get_public_figures,
        "terms": library.get_glossary,
        "levels": library.get_reading_levels,
        "locations": library.get_locations,
    }
    quoted = {
        "figure": library.get_figure,
        "indexed": library.get_public_figure,
        "series": library.get_series,
        "source": library.get_source,
        "care": library.get_clinic_answer,
        "signs": library.get_warning_signs,
        "page": library.get_page,
        "clinic": library.get_clinic_value,
        "title": library.get_titled_page_by_key,
    }
    if any(kind == "term" for kind, _ in wanted):
        for term in library.glossary_terms:
            library.record_term(term)
    for kind, key in wanted:
        if kind in quoted:
            quoted[kind](key)
        elif kind == "list":
            lists[key]()
    return {name: used.fingerprint for name, used in library.dependencies.items()}


def find_stale_pages() -> list[StalePage]:
    """Public pages that quote something that has changed, without rendering any: quick enough for every morning.

    What a new word of the glossary would add to a page is not seen here; outdated_pages() sees that, too.
    """
    live = ReleaseDependency.objects.filter(release__live_on__isnull=False).select_related("release__page")
    by_language: dict[str, list[ReleaseDependency]] = {}
    for used in live.defer("release__html", "release__sections"):
        by_language.setdefault(used.release.page.language, []).append(used)
    found: dict[int, StalePage] = {}
    for language, inputs in by_language.items():
        now = current_fingerprints(language, {(used.kind, used.key) for used in inputs})
        for used in inputs:
            if now.get((used.kind, used.key)) != used.fingerprint:
                row = found.setdefault(used.release.page_id, StalePage(used.release.page, []))
                row.changed.append((used.kind, used.key))
    return sorted(found.values(), key=lambda row: row.page.title)


def find_stale_pages_by_rendering() -> list[StalePage]:
    """All public pages whose parts have changed. Renders each once: for staff lists, never for a reader."""
    found = []
    libraries: dict[str, ReferenceResolver] = {}
    pages = Page.objects.published().select_related("live_release__revision").prefetch_related("live_release__dependencies")
    for page in pages:
        release = page.live_release
        if release is None:
            continue
        library = libraries.setdefault(page.language, ReferenceResolver(page.language))
        rendered = render_page(release.revision.content, kind=page.kind, resolver=library)
        before = {(used.kind, used.key): used.fingerprint for used in release.dependencies.all()}
        now = {(used.kind, used.key): used.fingerprint for used in rendered.dependencies}
        changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
        if changed:
            found.append(StalePage(page, changed))
    return found


Referenceable = Figure | Series | Source | ClinicAnswer | GlossaryTerm
# More than the parser would take, such as a block in a list: a thing too many is kept, never one too few.
REFERENCE_PATTERNS = {
    "figure": r":::[ \t]*(?:figure|compare)[ \t][^\n]*(?<![\w-]){key}(?![\w-])",
    "series": r":::[ \t]*series[ \t]+{key}[ \t]*$",
    "care": r":::[ \t]*care\b[^\n]*(?<![\w-]){key}(?![\w-])",
    "source": r"\[@[^\]\n]*(?<![\w-]){key}(?![\w-])",
}


class UsageKind(StrEnum):
    """Kinds of use, with the sentence that each gives as the reason not to delete."""

    DRAFT = "The draft of “{}” shows it."
    SCHEDULED = "The text of “{}” that waits for its day shows it."
    SERIES = "The series “{}” shows it."
    SIGNS = "The {} cite it as a source."
    LIVE = "Patients see it on “{}”."
    HISTORY = "Patients once saw it on “{}”."


@dataclass(frozen=True, slots=True)
class Usage:
    """One use; ``page`` is empty for a series, ``href`` (an address of the site) for what the public does not read."""

    kind: UsageKind
    title: str
    page: Page | None = None
    href: str = ""

    def __str__(self) -> str:
        return self.kind.value.format(self.title)


def dependency_key(row: Referenceable) -> tuple[str, str]:
    """Kind and key, as ReleaseInput has them."""
    match row:
        case Figure():
            return "figure", row.slug
        case Series():
            return "series", row.slug
        case Source():
            return "source", row.key
        case ClinicAnswer():
            return "care", row.key
        case GlossaryTerm():
            return "term", row.key


def deletion_blockers(row: Referenceable) -> list[str]:
    """Why ``row`` cannot be deleted, one sentence for each use; empty when nothing needs it."""
    return [str(use) for use in find_usages(row)]


def find_usages(row: Referenceable) -> list[Usage]:
    """Every use, those that staff can change first. Once for each page and kind of use.

    A term may always go: pages then do without its explanation.
    """
    if isinstance(row, GlossaryTerm):
        return []
    language = getattr(row, "language", "")
    pages = Page.objects.in_language(language) if language else Page.objects.all()
    waiting = pages.filter(scheduled_revision__isnull=False)
    return [
        *(Usage(UsageKind.DRAFT, page.title, page) for page in _find_referencing_pages(pages, row, "")),
        *(
            Usage(UsageKind.SCHEDULED, page.title, page)
            for page in _find_referencing_pages(waiting, row, "scheduled_revision__content__")
        ),
        *_series_usages(row),
        *_warning_sign_usages(row),
        *_release_usages(row, language),
    ]


def _series_usages(row: Referenceable) -> list[Usage]:
    if not isinstance(row, Figure):
        return []
    items = SeriesItem.objects.filter(figure=row).select_related("series").order_by("series__slug", "series__language")
    return [Usage(UsageKind.SERIES, name) for name in dict.fromkeys(str(item.series) for item in items)]


def _warning_sign_usages(row: Referenceable) -> list[Usage]:
    """The list of warning signs, also one that waits for approval."""
    if not isinstance(row, Source):
        return []
    newest = WarningSignRevision.objects.first()
    named = {key for keys in WarningSign.objects.values_list("sources", flat=True) for key in keys}
    named |= {key for sign in (newest.content if newest else []) for key in sign["sources"]}
    return [Usage(UsageKind.SIGNS, "warning signs")] if row.key in named else []


def _find_referencing_pages(pages: Any, row: Referenceable, prefix: str) -> list[Page]:
    """Pages whose text (own draft, or another under the prefix ``text``) names the row in a block or at its head."""
    kind, key = dependency_key(row)
    named = re.compile(REFERENCE_PATTERNS[kind].replace("{key}", re.escape(key)), re.MULTILINE)
    head = f"{prefix}lead_figure" if prefix else "lead_figure__slug"
    rows = pages.order_by("title", "language").values_list("pk", f"{prefix}body", head)
    keys = [pk for pk, body, lead in rows if (kind == "figure" and lead == key) or named.search(body or "")]
    found = Page.objects.in_bulk(keys)
    return [found[pk] for pk in keys]


def _release_usages(row: Referenceable, language: str) -> list[Usage]:
    kind, key = dependency_key(row)
    inputs = ReleaseDependency.objects.filter(kind=kind, key=key).select_related("release__page")
    if isinstance(row, Figure):
        inputs = ReleaseDependency.objects.filter(figure=row).select_related("release__page")
    if language:
        inputs = inputs.filter(release__page__language=language)
    live: dict[int, Usage] = {}
    history: dict[int, Usage] = {}
    for release in (used.release for used in inputs):
        page = release.page
        if page.live_release_id == release.pk:
            live[page.pk] = Usage(UsageKind.LIVE, release.title, page, release.path)
        elif isinstance(row, Figure):
            # Words stand in the release itself, so history needs nothing but picture files.
            history[page.pk] = Usage(UsageKind.HISTORY, page.title, page)
    older = [use for pk, use in history.items() if pk not in live]
    return [*sorted(live.values(), key=lambda use: use.title), *sorted(older, key=lambda use: use.title)]


def find_pages_with_stale_value(*, kind: str, language: str, key: str = "") -> list[Page]:
    """Public pages of ``language`` whose release holds another value of ``kind`` (and ``key``) than there is today.

    Renders nothing, so a word of the glossary that no page linked so far is seen by outdated_pages() only.
    """
    # An index of pictures shows them as other pages do.
    kinds = [kind, "indexed"] if kind == "figure" else [kind]
    inputs = Q(kind__in=kinds)
    return find_pages_with_stale_dependencies(inputs & Q(key=key) if key else inputs, language)


def find_pages_with_stale_link(page: Page) -> list[Page]:
    """Public pages that print the title, a section's title or the address that ``page`` had before."""
    named = Q(kind="title", key__startswith=f"{page.subject}#") | Q(kind="page", key=page.subject)
    return find_pages_with_stale_dependencies(named, page.language)


def find_pages_with_stale_dependencies(dependencies: Q, language: str) -> list[Page]:
    """Public pages of ``language`` whose release noted another value for one of ``inputs`` than there is today."""
    live = ReleaseDependency.objects.filter(dependencies, release__live_on__language=language)
    rows = list(live.values_list("kind", "key", "fingerprint", "release__page"))
    now = current_fingerprints(language, {(kind, key) for kind, key, _, _ in rows})
    old = {page for kind, key, fingerprint, page in rows if now.get((kind, key)) != fingerprint}
    return sorted(Page.objects.in_bulk(old).values(), key=lambda page: page.title) if old else []


@dataclass(frozen=True, slots=True)
class IncomingLink:
    """A public page that leads to another one, and in which ways."""

    page: Page
    link_types: list[str]


def find_incoming_links(page: Page) -> list[IncomingLink]:
    """Public pages (links are within one language) that lead to ``page``: in their text, as next step, in a list."""
    inputs = ReleaseDependency.objects.filter(kind="page", key=page.subject)
    sources = Page.objects.published().in_language(page.language).filter(live_release__in=inputs.values("release"))
    rows = sources.exclude(pk=page.pk).select_related("live_release__revision").defer("body", "live_release__html")
    return [IncomingLink(row, _link_types(row, page.subject)) for row in rows.order_by("title")]


def _link_types(row: Page, subject: str) -> list[str]:
    content = row.live_release.revision.content if row.live_release else {}
    ways = {
        "next step": content.get("next_page") == subject,
        "reading list": any(item["page"] == subject for item in content.get("items", [])),
        "link in the text": re.search(rf"\(page:{re.escape(subject)}(?![\w-])", content.get("body", "")) is not None,
    }
    return [way for way, is_used in ways.items() if is_used]
