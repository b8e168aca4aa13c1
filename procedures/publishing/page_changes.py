"""What an update changes about public pages, in words, for the confirmation before the update.

The texts of pictures, series, glossary terms, and sources need no approval, so the person who updates the pages reviews
them here.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from django.utils.translation import gettext as _

from procedures.figures.approval import FigureVersion, approved_figures, figure_from_snapshot, public_figures
from procedures.figures.markers import MarkerData, describe_changes, to_marker_data
from procedures.models import Figure, FigureText, MarkerText, Page, ReleaseDependency
from procedures.publishing.rerelease import StalePage
from procedures.rendering import ReferenceResolver, released_document, render_page
from procedures.revisions.diff import compare_blocks, document_blocks

DEPENDENCY_KINDS = ("figure", "indexed")
TEXT_FIELDS = ("title", "alt", "caption", "description")
MARKER_FIELDS = ("label", "text")


def describe_page_changes(stale_pages: Collection[StalePage]) -> dict[int, list[str]]:
    """Return by page what changes about its pictures and its words, one sentence each, without a period.

    Renders each page on which more than pictures has changed.
    """
    found = describe_figure_changes(stale_pages)
    pks = [row.page.pk for row in stale_pages if any(kind not in DEPENDENCY_KINDS for kind, _key in row.changed)]
    resolvers: dict[str, ReferenceResolver] = {}
    for page in Page.objects.filter(pk__in=pks).select_related("live_release__revision"):
        resolver = resolvers.setdefault(page.language, ReferenceResolver(page.language))
        found.setdefault(page.pk, []).extend(_compare_words(page, resolver))
    return {page: changes for page, changes in found.items() if changes}


def _compare_words(page: Page, resolver: ReferenceResolver) -> Iterator[str]:
    """Yield what patients would read instead of the live release if it were rendered now."""
    release = page.live_release
    if release is None:
        return
    rendered = render_page(release.revision.content, kind=page.kind, resolver=resolver)
    for row in compare_blocks(document_blocks(released_document(release)), document_blocks(rendered.document)):
        old, new = (block.text if block else "" for block in (row.old, row.new))
        if old != new:
            yield describe_change(row.name, old, new)
        elif row.kind != "same":
            yield f"{row.name}: {_('changed')}"


def describe_figure_changes(stale_pages: Collection[StalePage]) -> dict[int, list[str]]:
    """Return by page what changes about its pictures in its language, one sentence each, without a period.

    Pages without such changes are left out. A fixed number of queries, and none if no picture has changed.
    """
    changed = {(row.page.pk, *name) for row in stale_pages for name in row.changed if name[0] in DEPENDENCY_KINDS}
    if not changed:
        return {}
    slugs = {slug for _page, _kind, slug in changed}
    now = {
        "figure": approved_figures(Figure.objects.filter(slug__in=slugs).with_texts(), FigureVersion.PUBLIC),
        "indexed": public_figures() if any(kind == "indexed" for _page, kind, _slug in changed) else {},
    }
    rows = ReleaseDependency.objects.live().filter(release__page__in={page for page, _kind, _slug in changed})
    rows = rows.filter(kind__in=DEPENDENCY_KINDS, key__in=slugs, figure__isnull=False, figure_approval__isnull=False)
    values = rows.values_list("release__page", "kind", "key", "figure", "figure_approval__snapshot")
    languages = {row.page.pk: row.page.language for row in stale_pages}
    found: dict[int, list[str]] = {}
    for page, kind, slug, figure_id, snapshot in values:
        shown = now[kind].get(slug)
        if shown is None or not snapshot or (page, kind, slug) not in changed:
            continue
        before = figure_from_snapshot(figure_id or 0, snapshot)
        changes = list(compare_figures(before, shown.figure, languages[page]))
        if changes:
            found.setdefault(page, []).extend(f"{slug}: {change}" for change in changes)
    return found


def compare_figures(before: Figure, now: Figure, language: str) -> Iterator[str]:
    """Yield what is different about a picture in one language."""
    if [before.sha256, before.drawing, before.drawing_dark] != [now.sha256, now.drawing, now.drawing_dark]:
        yield _("a new picture")
    if before.kind != now.kind:
        yield describe_change(_("kind of picture"), before.get_kind_display(), now.get_kind_display())
    if before.provenance != now.provenance:
        yield describe_change(_("source of the picture"), before.get_provenance_display(), now.get_provenance_display())
    old_text, new_text = (
        next((text for text in figure.texts.all() if text.language == language), FigureText())
        for figure in (before, now)
    )
    for name in TEXT_FIELDS:
        old, new = getattr(old_text, name), getattr(new_text, name)
        if old != new:
            yield describe_change(_field_name(FigureText, name), old, new)
    yield from _compare_markers(_load_markers(before, language), _load_markers(now, language), language)


def _load_markers(figure: Figure, language: str) -> list[MarkerData]:
    """Return the markers with their texts in one language only."""
    markers = [to_marker_data(marker) for marker in figure.markers.all()]
    return [
        replace(marker, texts={code: text for code, text in marker.texts.items() if code == language})
        for marker in markers
    ]


def _compare_markers(before: list[MarkerData], now: list[MarkerData], language: str) -> Iterator[str]:
    old_texts = {marker.key: marker.texts for marker in before}
    # The words are compared below.
    yield from describe_changes(before, [replace(one, texts=old_texts.get(one.key, one.texts)) for one in now])
    for number, marker in enumerate(now, start=1):
        old, new = old_texts.get(marker.key, marker.texts).get(language), marker.texts.get(language)
        for name in MARKER_FIELDS:
            old_value, new_value = getattr(old, name, ""), getattr(new, name, "")
            if old_value != new_value:
                field = _("marker %(number)s, %(field)s") % {"number": number, "field": _field_name(MarkerText, name)}
                yield describe_change(field, old_value, new_value)


def _field_name(model: type[FigureText | MarkerText], name: str) -> str:
    return str(model._meta.get_field(name).verbose_name)  # type: ignore[union-attr]  # noqa: SLF001 -- documented


def describe_change(field: str, old: str, new: str) -> str:
    """Return one change of a value in words, without a period."""
    values = {"field": field, "old": old or _("(empty)"), "new": new or _("(empty)")}
    return _("%(field)s: “%(old)s” becomes “%(new)s”") % values
