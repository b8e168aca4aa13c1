"""What the toolbar offers to put in: everything a text can name, with the words staff know it by."""

from typing import Any

from django.http import HttpRequest, JsonResponse

from procedures.admin.answers import staff_json
from procedures.admin.figure_files import staff_url
from procedures.admin.preview import WRITERS
from procedures.enums import Language
from procedures.figures.approval import public_files
from procedures.figures.overlay import media_url
from procedures.markdown import Library
from procedures.markdown.outline import PAGE_ANCHORS, planned_titles
from procedures.models import CareInstruction, Figure, FigureText, Page, Series, Source, Term

# The top of a page, and its own parts (key points, sources …), whose addresses no text should lean on.
NO_TARGET = PAGE_ANCHORS | {""}
# Thumbnails in the chooser are shown this wide, in CSS pixels, on screens of any density.
THUMBNAIL = 240


@staff_json(*WRITERS, method="GET", most_bytes=0)
def offered(request: HttpRequest) -> JsonResponse:
    """All lists for one language (``?language=es``). A picture without words in it is offered last, and says so."""
    asked = request.GET.get("language", "")
    language = asked if asked in Language.values else Language.ENGLISH
    return JsonResponse(
        {
            "pictures": _pictures(language),
            "series": _plain(Series.objects.filter(language=language), "slug", "title"),
            "care": [
                {"key": row.key, "name": row.question, "more": row.answer}
                for row in CareInstruction.objects.filter(language=language)
            ],
            "sources": [
                {"key": row.key, "name": row.title, "more": f"{row.organisation}, {row.year or 'no year'}"}
                for row in Source.objects.order_by("organisation", "title")
            ],
            "terms": [
                {"key": row.key, "name": row.term, "more": row.definition, "aliases": row.aliases}
                for row in Term.objects.filter(language=language).order_by("term")
            ],
            "pages": [_page(page) for page in _pages(language)],
        }
    )


def _pictures(language: str) -> list[dict[str, Any]]:
    words: dict[int, FigureText] = {}
    for text in FigureText.objects.all():
        if text.language == language or text.figure_id not in words:
            words[text.figure_id] = text
    rows, public = [], public_files()
    for figure in Figure.objects.prefetch_related("renditions"):
        words_here = words.get(figure.pk)
        small = [r for r in figure.renditions.all() if r.format == "jpeg" and r.width >= THUMBNAIL]
        file = min(small, key=lambda r: r.width).file if small else figure.drawing or figure.image
        rows.append(
            {
                "key": figure.slug,
                "name": words_here.title if words_here else figure.slug,
                "more": words_here.alt if words_here else "",
                "has_words": bool(words_here and words_here.language == language),
                "thumbnail": media_url(file) if file in public else staff_url(file),
            }
        )
    return sorted(rows, key=lambda row: (not row["has_words"], str(row["name"])))


def _plain(rows: Any, key: str, name: str) -> list[dict[str, str]]:
    return [{"key": getattr(row, key), "name": str(getattr(row, name)), "more": ""} for row in rows]


def _pages(language: str) -> Any:
    pages = Page.objects.in_language(language).select_related("live_release").defer("live_release__html")
    return pages.order_by("title")


def _page(page: Page) -> dict[str, Any]:
    """With the sections a link can lead to: of the public text, else of the draft's headings with an own address."""
    live = page.live_release
    sections = (
        [{"key": row["anchor"], "name": row["title"]} for row in live.sections if row["anchor"] not in NO_TARGET]
        if live
        else [
            {"key": key, "name": title}
            for key, title in planned_titles(page.body, Library(page.language).clinic).items()
            # Before a page is public, an address made from a heading changes with it.
            if f"{{#{key}}}" in page.body
        ]
    )
    more = "" if live else "not public yet"
    return {"key": page.subject, "name": page.title, "more": more, "sections": sections}
