"""Who needs a picture, a source, an answer: what must not be deleted, and which public pages print it."""

import re

from procedures.markdown import Library, render_page
from procedures.models import CareInstruction, Figure, Page, ReleaseInput, Series, SeriesItem, Source, Term

Quotable = Figure | Series | Source | CareInstruction | Term


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
    """Why ``row`` cannot be deleted, one sentence for each page or series; empty when nothing needs it.

    A term may always go: pages then do without its explanation.
    """
    if isinstance(row, Term):
        return []
    kind, key = name_in_text(row)
    found = [f"The draft of “{page.title}” shows it." for page in _drafts(row, kind, key)]
    released = ReleaseInput.objects.filter(kind=kind, key=key).select_related("release__page")
    if language := getattr(row, "language", ""):
        released = released.filter(release__page__language=language)
    if isinstance(row, Figure):
        found += [f"The series “{item.series}” shows it." for item in SeriesItem.objects.filter(figure=row)]
    else:
        # Words stand in the release itself; a picture's file is needed as long as there is history.
        released = released.filter(release__live_on__isnull=False)
    titles = {used.release.page_id: used.release.page.title for used in released}
    return found + [f"What patients read, or once read, on “{title}” needs it." for title in sorted(titles.values())]


def _drafts(row: Quotable, kind: str, key: str) -> list[Page]:
    named = re.escape(key)
    pattern = {
        "figure": rf"^:::[ \t]*(?:figure|compare)\b[^\n]*(?<![\w-]){named}(?![\w-])",
        "series": rf"^:::[ \t]*series[ \t]+{named}[ \t]*$",
        "care": rf"^:::[ \t]*care\b[^\n]*(?<![\w-]){named}(?![\w-])",
        "source": rf"\[@[^\]\n]*(?<![\w-]){named}(?![\w-])",
    }[kind]
    pages = Page.objects.filter(body__contains=key).select_related("lead_figure")
    if isinstance(row, Figure):
        pages = pages | Page.objects.filter(lead_figure=row).select_related("lead_figure")
    if language := getattr(row, "language", ""):
        pages = pages.filter(language=language)
    leads = [page for page in pages.distinct() if isinstance(row, Figure) and page.lead_figure_id == row.pk]
    return leads + [page for page in pages if page not in leads and re.search(pattern, page.body, re.MULTILINE)]


def printing_old(*, kind: str, language: str, markdown: str, key: str = "") -> list[Page]:
    """Public pages of ``language`` whose release holds another value of ``kind`` (and ``key``) than ``markdown`` gives.

    ``markdown`` is a line that uses the thing, such as ``::: care driving``: rendering it tells today's fingerprints
    by the same recipe that releases have. Much cheaper than outdated_pages(), which renders every page.
    """
    content = dict.fromkeys(("title", "key_message", "lead_figure", "next_page", "next_label"), "") | {"body": markdown}
    rendered = render_page(content, kind="about", library=Library(language))
    now = {(used.kind, used.key): used.fingerprint for used in rendered.inputs}
    live = ReleaseInput.objects.filter(kind=kind, release__live_on__language=language).select_related("release__page")
    if key:
        live = live.filter(key=key)
    pages = {used.release.page for used in live if now.get((used.kind, used.key)) != used.fingerprint}
    return sorted(pages, key=lambda page: page.title)
