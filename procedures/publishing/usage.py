"""Dependencies of releases: stale pages, usages of a row, and incoming links."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

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
    """A public page and the dependencies that have changed since its release, as (kind, key)."""

    page: Page
    changed: list[tuple[str, str]]


def current_fingerprints(language: str, dependencies: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the current fingerprint of each (kind, key) that still exists, in a fixed number of queries."""
    resolver = ReferenceResolver(language)
    keys_by_kind: dict[str, set[str]] = {}
    for kind, key in dependencies:
        keys_by_kind.setdefault(kind, set()).add(key)
    resolver.prefetch(keys_by_kind)
    list_getters = {
        "figures": resolver.get_public_figures,
        "terms": resolver.get_glossary,
        "levels": resolver.get_reading_levels,
        "locations": resolver.get_locations,
    }
    getters = {
        "figure": resolver.get_figure,
        "indexed": resolver.get_public_figure,
        "series": resolver.get_series,
        "source": resolver.get_source,
        "care": resolver.get_clinic_answer,
        "signs": resolver.get_warning_signs,
        "page": resolver.get_page,
        "clinic": resolver.get_clinic_value,
        "title": resolver.get_titled_page_by_key,
    }
    if "term" in keys_by_kind:
        for term in resolver.glossary_terms:
            resolver.record_term(term)
    # Each getter records the fingerprint of what it returns.
    for kind, key in dependencies:
        if kind in getters:
            getters[kind](key)
        elif kind == "list":
            list_getters[key]()
    return {kind_and_key: dependency.fingerprint for kind_and_key, dependency in resolver.dependencies.items()}


def find_stale_pages() -> list[StalePage]:
    """Return public pages with changed dependencies, without rendering: fast enough for every visit of the dashboard.

    Misses what a new glossary term would add to a page; ``find_stale_pages_by_rendering`` finds that, too.
    """
    live = ReleaseDependency.objects.filter(release__live_on__isnull=False).select_related("release__page")
    by_language: dict[str, list[ReleaseDependency]] = {}
    for dependency in live.defer("release__html", "release__sections", "release__document"):
        by_language.setdefault(dependency.release.page.language, []).append(dependency)
    stale: dict[int, StalePage] = {}
    for language, dependencies in by_language.items():
        current = current_fingerprints(language, {(row.kind, row.key) for row in dependencies})
        for dependency in dependencies:
            if current.get((dependency.kind, dependency.key)) != dependency.fingerprint:
                page = dependency.release.page
                stale.setdefault(page.pk, StalePage(page, [])).changed.append((dependency.kind, dependency.key))
    return sorted(stale.values(), key=lambda row: row.page.title)


def find_stale_pages_by_rendering() -> list[StalePage]:
    """Return public pages that would depend on other values if rendered now. Renders every page: only for staff."""
    stale = []
    resolvers: dict[str, ReferenceResolver] = {}
    pages = Page.objects.published().select_related("live_release__revision")
    for page in pages.prefetch_related("live_release__dependencies"):
        release = page.live_release
        if release is None:
            continue
        resolver = resolvers.setdefault(page.language, ReferenceResolver(page.language))
        rendered = render_page(release.revision.content, kind=page.kind, resolver=resolver)
        before, now = (
            {(dependency.kind, dependency.key): dependency.fingerprint for dependency in dependencies}
            for dependencies in (release.dependencies.all(), rendered.dependencies)
        )
        changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
        if changed:
            stale.append(StalePage(page, changed))
    return stale


Referenceable = Figure | Series | Source | ClinicAnswer | GlossaryTerm
# Broader than the parser, such as for a block inside a list: a row may be kept needlessly, but never deleted in use.
REFERENCE_PATTERNS = {
    "figure": r":::[ \t]*(?:figure|compare)[ \t][^\n]*(?<![\w-]){key}(?![\w-])",
    "series": r":::[ \t]*series[ \t]+{key}[ \t]*$",
    "care": r":::[ \t]*care\b[^\n]*(?<![\w-]){key}(?![\w-])",
    "source": r"\[@[^\]\n]*(?<![\w-]){key}(?![\w-])",
}


class UsageKind(StrEnum):
    """Where a row is used."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SERIES = "series"
    SIGNS = "signs"
    LIVE = "live"
    HISTORY = "history"


# Reasons not to delete a row.
USAGE_MESSAGES: dict[UsageKind, Promise] = {
    UsageKind.DRAFT: gettext_lazy("The draft of “%(title)s” shows it."),
    UsageKind.SCHEDULED: gettext_lazy("The scheduled text of “%(title)s” shows it."),
    UsageKind.SERIES: gettext_lazy("The series “%(title)s” shows it."),
    UsageKind.SIGNS: gettext_lazy("The warning signs cite it as a source."),
    UsageKind.LIVE: gettext_lazy("Patients see it on “%(title)s”."),
    UsageKind.HISTORY: gettext_lazy("Patients once saw it on “%(title)s”."),
}


@dataclass(frozen=True, slots=True)
class Usage:
    """One usage. ``page`` is None for a series and the warning signs; ``href`` is set only for a live page."""

    kind: UsageKind
    title: str
    page: Page | None = None
    href: str = ""

    def __str__(self) -> str:
        return str(USAGE_MESSAGES[self.kind]) % {"title": self.title}


def dependency_key(row: Referenceable) -> tuple[str, str]:
    """Return the kind and key of a row, as in ReleaseDependency."""
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
    """Return why ``row`` cannot be deleted, one sentence for each usage; empty if nothing uses it."""
    return [str(usage) for usage in find_usages(row)]


def find_usages(row: Referenceable) -> list[Usage]:
    """Return every usage, one for each page and kind, starting with those that staff can remove.

    A glossary term can always be deleted: pages then simply have no link to it.
    """
    if isinstance(row, GlossaryTerm):
        return []
    language = getattr(row, "language", "")
    pages = Page.objects.in_language(language) if language else Page.objects.all()
    scheduled = pages.filter(scheduled_revision__isnull=False)
    return [
        *(Usage(UsageKind.DRAFT, page.title, page) for page in _find_referencing_pages(pages, row, "")),
        *(
            Usage(UsageKind.SCHEDULED, page.title, page)
            for page in _find_referencing_pages(scheduled, row, "scheduled_revision__content__")
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
    """Return a usage if the live list or the newest proposed one cites the source."""
    if not isinstance(row, Source):
        return []
    newest = WarningSignRevision.objects.first()
    cited = {key for keys in WarningSign.objects.values_list("sources", flat=True) for key in keys}
    cited |= {key for sign in (newest.content if newest else []) for key in sign["sources"]}
    return [Usage(UsageKind.SIGNS, _("Warning signs"))] if row.key in cited else []


def _find_referencing_pages(pages: Any, row: Referenceable, prefix: str) -> list[Page]:
    """Return pages whose text references the row, in the body or as the lead figure.

    ``prefix``: the lookup of the text's fields; empty for the draft.
    """
    kind, key = dependency_key(row)
    pattern = re.compile(REFERENCE_PATTERNS[kind].replace("{key}", re.escape(key)), re.MULTILINE)
    lead_figure = f"{prefix}lead_figure" if prefix else "lead_figure__slug"
    rows = pages.order_by("title", "language").values_list("pk", f"{prefix}body", lead_figure)
    pks = [pk for pk, body, slug in rows if (kind == "figure" and slug == key) or pattern.search(body or "")]
    by_pk = Page.objects.in_bulk(pks)
    return [by_pk[pk] for pk in pks]


def _release_usages(row: Referenceable, language: str) -> list[Usage]:
    kind, key = dependency_key(row)
    if isinstance(row, Figure):
        dependencies = ReleaseDependency.objects.filter(figure=row)
    else:
        dependencies = ReleaseDependency.objects.filter(kind=kind, key=key)
    if language:
        dependencies = dependencies.filter(release__page__language=language)
    live: dict[int, Usage] = {}
    history: dict[int, Usage] = {}
    for dependency in dependencies.select_related("release__page"):
        release, page = dependency.release, dependency.release.page
        if page.live_release_id == release.pk:
            live[page.pk] = Usage(UsageKind.LIVE, release.title, page, release.path)
        elif isinstance(row, Figure):
            # A release stores its own text, so past releases need only the picture files.
            history[page.pk] = Usage(UsageKind.HISTORY, page.title, page)
    past = [usage for pk, usage in history.items() if pk not in live]
    return [*sorted(live.values(), key=lambda usage: usage.title), *sorted(past, key=lambda usage: usage.title)]


def find_pages_with_stale_value(*, kind: str, language: str, key: str = "") -> list[Page]:
    """Return public pages in ``language`` that print an outdated value of ``kind`` (and ``key``).

    Renders nothing, so a glossary term that no page links to yet is only found by ``find_stale_pages_by_rendering``.
    """
    # Picture indexes show figures as well.
    kinds = [kind, "indexed"] if kind == "figure" else [kind]
    dependencies = Q(kind__in=kinds)
    return find_pages_with_stale_dependencies(dependencies & Q(key=key) if key else dependencies, language)


def find_pages_with_stale_link(page: Page) -> list[Page]:
    """Return public pages that print an earlier title, section title, or path of ``page``."""
    dependencies = Q(kind="title", key__startswith=f"{page.subject}#") | Q(kind="page", key=page.subject)
    return find_pages_with_stale_dependencies(dependencies, page.language)


def find_pages_with_stale_dependencies(dependencies: Q, language: str) -> list[Page]:
    """Return public pages in ``language`` with an outdated value of one of ``dependencies``.

    ``dependencies``: a filter of ReleaseDependency.
    """
    live = ReleaseDependency.objects.filter(dependencies, release__live_on__language=language)
    rows = list(live.values_list("kind", "key", "fingerprint", "release__page"))
    current = current_fingerprints(language, {(kind, key) for kind, key, *_rest in rows})
    stale = {page for kind, key, fingerprint, page in rows if current.get((kind, key)) != fingerprint}
    return sorted(Page.objects.in_bulk(stale).values(), key=lambda page: page.title) if stale else []


@dataclass(frozen=True, slots=True)
class IncomingLink:
    """A public page that links to another one, and the names of the kinds of links."""

    page: Page
    link_types: list[str]


def find_incoming_links(page: Page) -> list[IncomingLink]:
    """Return public pages that link to ``page``: in the text, as the next step, or in a reading list.

    Links always stay within one language.
    """
    dependencies = ReleaseDependency.objects.filter(kind="page", key=page.subject)
    sources = Page.objects.published().in_language(page.language)
    sources = sources.filter(live_release__in=dependencies.values("release")).exclude(pk=page.pk)
    sources = sources.select_related("live_release__revision").defer("body", "live_release__html")
    return [IncomingLink(source, _link_types(source, page.subject)) for source in sources.order_by("title")]


def _link_types(page: Page, subject: str) -> list[str]:
    content = page.live_release.revision.content if page.live_release else {}
    link_types = {
        _("next step"): content.get("next_page") == subject,
        _("reading list"): any(item["page"] == subject for item in content.get("items", [])),
        _("link in the text"): re.search(rf"\(page:{re.escape(subject)}(?![\w-])", content.get("body", "")) is not None,
    }
    return [name for name, is_used in link_types.items() if is_used]
