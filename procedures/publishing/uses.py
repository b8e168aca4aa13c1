"""Who needs a picture, a source, an answer: what must not be deleted, and which public pages print it."""

import re

from procedures.figures.used_on import why_kept
from procedures.markdown import Library, render_page
from procedures.models import CareInstruction, Figure, Page, ReleaseInput, Series, Source, Term

Quotable = Figure | Series | Source | CareInstruction | Term


def name_in_text(row: Series | Source | CareInstruction | Term) -> tuple[str, str]:
    """Kind and key, as ReleaseInput has them."""
    match row:
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
    if isinstance(row, Figure):
        return why_kept(row)
    kind, key = name_in_text(row)
    # Words stand in the release itself, so history needs nothing; what is live must stay renewable.
    live = ReleaseInput.objects.filter(kind=kind, key=key, release__live_on__isnull=False)
    if language := getattr(row, "language", ""):
        live = live.filter(release__page__language=language)
    titles = sorted({used.release.page.title for used in live.select_related("release__page")})
    return [
        *(f"The draft of “{page.title}” shows it." for page in _drafts(kind, key, language)),
        *(f"Patients see it on “{title}”." for title in titles),
    ]


def _drafts(kind: str, key: str, language: str) -> list[Page]:
    named = re.escape(key)
    pattern = {
        "series": rf"^:::[ \t]*series[ \t]+{named}[ \t]*$",
        "care": rf"^:::[ \t]*care\b[^\n]*(?<![\w-]){named}(?![\w-])",
        "source": rf"\[@[^\]\n]*(?<![\w-]){named}(?![\w-])",
    }[kind]
    pages = Page.objects.filter(body__contains=key)
    if language:
        pages = pages.in_language(language)
    return [page for page in pages if re.search(pattern, page.body, re.MULTILINE)]


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
