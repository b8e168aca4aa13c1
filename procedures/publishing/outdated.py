"""Public pages that print something that has changed since: a picture, a term, a source, a clinic answer, a sign."""

from dataclasses import dataclass

from procedures.markdown import Library, render_page
from procedures.models import Page, ReleaseInput


@dataclass(frozen=True, slots=True)
class Outdated:
    """A public page and what has changed since its release, as (kind, key)."""

    page: Page
    changed: list[tuple[str, str]]


def fingerprints(language: str, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Today's fingerprint of each (kind, key) that still exists, in a fixed number of queries."""
    library = Library(language)
    named: dict[str, set[str]] = {}
    for kind, key in wanted:
        named.setdefault(kind, set()).add(key)
    library.read_ahead(named)
    lists = {
        "figures": library.all_figures,
        "terms": library.glossary,
        "levels": library.reading_levels,
        "locations": library.locations,
    }
    quoted = {
        "figure": library.figure,
        "indexed": library.indexed_figure,
        "series": library.series,
        "source": library.source,
        "care": library.care,
        "signs": library.signs,
        "page": library.page,
        "clinic": library.clinic_value,
        "title": library.titled,
    }
    if any(kind == "term" for kind, _ in wanted):
        for term in library.terms:
            library.note_term(term)
    for kind, key in wanted:
        if kind in quoted:
            quoted[kind](key)
        elif kind == "list":
            lists[key]()
    return {name: used.fingerprint for name, used in library.used.items()}


def changed_since() -> list[Outdated]:
    """Public pages that quote something that has changed, without rendering any: quick enough for every morning.

    What a new word of the glossary would add to a page is not seen here; outdated_pages() sees that, too.
    """
    live = ReleaseInput.objects.filter(release__live_on__isnull=False).select_related("release__page")
    by_language: dict[str, list[ReleaseInput]] = {}
    for used in live.defer("release__html", "release__sections"):
        by_language.setdefault(used.release.page.language, []).append(used)
    found: dict[int, Outdated] = {}
    for language, inputs in by_language.items():
        now = fingerprints(language, {(used.kind, used.key) for used in inputs})
        for used in inputs:
            if now.get((used.kind, used.key)) != used.fingerprint:
                row = found.setdefault(used.release.page_id, Outdated(used.release.page, []))
                row.changed.append((used.kind, used.key))
    return sorted(found.values(), key=lambda row: row.page.title)


def outdated_pages() -> list[Outdated]:
    """All public pages whose parts have changed. Renders each once: for staff lists, never for a reader."""
    found = []
    libraries: dict[str, Library] = {}
    pages = Page.objects.published().select_related("live_release__revision").prefetch_related("live_release__inputs")
    for page in pages:
        release = page.live_release
        if release is None:
            continue
        library = libraries.setdefault(page.language, Library(page.language))
        rendered = render_page(release.revision.content, kind=page.kind, library=library)
        before = {(used.kind, used.key): used.fingerprint for used in release.inputs.all()}
        now = {(used.kind, used.key): used.fingerprint for used in rendered.inputs}
        changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
        if changed:
            found.append(Outdated(page, changed))
    return found
