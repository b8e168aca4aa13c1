"""django-markdownx's field with our widget: its own script traps the Tab key, breaks undo and shows stale previews."""

from typing import Any

from django.contrib.admin.widgets import AdminTextareaWidget
from django.forms import Script
from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from markdownx.fields import MarkdownxFormField
from markdownx.widgets import AdminMarkdownxWidget

from procedures import languages
from procedures.admin.base import normalize_newlines, staff_file_url
from procedures.admin.json_api import staff_json_view
from procedures.admin.preview import EDITOR_PERMISSIONS
from procedures.enums import Language
from procedures.figures.approval import public_files
from procedures.figures.presenters import media_url
from procedures.models import ClinicAnswer, Figure, FigureText, GlossaryTerm, Page, Series, Source
from procedures.rendering import ReferenceResolver
from procedures.rendering.parser import PAGE_ELEMENT_IDS, draft_section_titles


class MarkdownWidget(AdminMarkdownxWidget):  # type: ignore[misc]
    """A textarea with toolbar, preview and things to mend. Works as a plain textarea without JavaScript."""

    template_name = "admin/widgets/markdown.html"

    class Media:
        # markdownx's own script and stylesheet stay out.
        extend = False
        css = {"all": ["admin_portal/editor.css", "admin_portal/dialogs.css"]}
        js = [Script("admin_portal/editor.js", type="module")]

    @staticmethod
    def add_markdownx_attrs(attrs: dict[str, Any]) -> dict[str, Any]:
        """None of markdownx's attributes: they name its public addresses."""
        return attrs

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The textarea's context, and the addresses that the script asks."""
        context: dict[str, Any] = AdminTextareaWidget.get_context(self, name, value, attrs)
        addresses = {
            "preview": reverse("admin:procedures_page_preview"),
            "session": reverse("account_session_status"),
            "autosave": reverse("admin:procedures_page_autosave"),
            "discard": reverse("admin:procedures_page_autosave_discard"),
            "compare": reverse("admin:procedures_page_autosave_compare"),
            "choices": reverse("admin:procedures_page_insert_options"),
            "upload": reverse("admin:procedures_figure_upload"),
            "login": reverse("admin:login"),
        }
        return {**context, "addresses": addresses}

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """HTML through the site's own template folder; markdownx would change ``attrs`` in place."""
        return render_to_string(self.template_name, self.get_context(name, value, {**self.attrs, **(attrs or {})}))


class MarkdownFormField(MarkdownxFormField):  # type: ignore[misc]
    """Markdown as the content folder writes it: one kind of newline, exactly one at the end."""

    widget = MarkdownWidget

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "strip": False})

    def to_python(self, value: Any) -> str:
        """So that saving an untouched text is no change."""
        text = normalize_newlines(super().to_python(value) or "").strip()
        return f"{text}\n" if text else ""


# The top of a page, and its own parts (key points, sources …), whose addresses no text should lean on.
EXCLUDED_ANCHORS = PAGE_ELEMENT_IDS | {""}
# Thumbnails in the chooser are shown this wide, in CSS pixels, on screens of any density.
MIN_THUMBNAIL_WIDTH = 240


@staff_json_view(*EDITOR_PERMISSIONS, method="GET", max_bytes=0)
def insert_options_view(request: HttpRequest) -> JsonResponse:
    """All lists for one language (``?language=es``). A picture without words in it is offered last, and says so."""
    asked = request.GET.get("language", "")
    language = asked if asked in Language.values else languages.DEFAULT
    return JsonResponse(
        {
            "pictures": _figure_options(language),
            "series": _to_options(Series.objects.filter(language=language), "slug", "title"),
            "care": [
                {"key": row.key, "name": row.question, "more": row.answer}
                for row in ClinicAnswer.objects.filter(language=language)
            ],
            "sources": [
                {"key": row.key, "name": row.title, "more": f"{row.organisation}, {row.year or 'no year'}"}
                for row in Source.objects.order_by("organisation", "title")
            ],
            "terms": [
                {"key": row.key, "name": row.term, "more": row.definition, "aliases": row.aliases}
                for row in GlossaryTerm.objects.filter(language=language).order_by("term")
            ],
            "pages": [_page_option(page) for page in _get_pages(language)],
        }
    )


def _figure_options(language: str) -> list[dict[str, Any]]:
    words: dict[int, FigureText] = {}
    for text in FigureText.objects.all():
        if text.language == language or text.figure_id not in words:
            words[text.figure_id] = text
    rows, public = [], public_files()
    for figure in Figure.objects.prefetch_related("renditions"):
        words_here = words.get(figure.pk)
        small = [r for r in figure.renditions.all() if r.format == "jpeg" and r.width >= MIN_THUMBNAIL_WIDTH]
        file = min(small, key=lambda r: r.width).file if small else figure.drawing or figure.image
        rows.append(
            {
                "key": figure.slug,
                "name": words_here.title if words_here else figure.slug,
                "more": words_here.alt if words_here else "",
                "has_words": bool(words_here and words_here.language == language),
                "thumbnail": media_url(file) if file in public else staff_file_url(file),
            }
        )
    return sorted(rows, key=lambda row: (not row["has_words"], str(row["name"])))


def _to_options(rows: Any, key_field: str, name_field: str) -> list[dict[str, str]]:
    return [{"key": getattr(row, key_field), "name": str(getattr(row, name_field)), "more": ""} for row in rows]


def _get_pages(language: str) -> Any:
    pages = Page.objects.in_language(language).select_related("live_release").defer("live_release__html")
    return pages.order_by("title")


def _page_option(page: Page) -> dict[str, Any]:
    """With the sections a link can lead to: of the public text, else of the draft's headings with an own address."""
    live = page.live_release
    sections = (
        [{"key": row["anchor"], "name": row["title"]} for row in live.sections if row["anchor"] not in EXCLUDED_ANCHORS]
        if live
        else [
            {"key": key, "name": title}
            for key, title in draft_section_titles(page.body, ReferenceResolver(page.language).clinic_values).items()
            # Before a page is public, an address made from a heading changes with it.
            if f"{{#{key}}}" in page.body
        ]
    )
    more = "" if live else "not public yet"
    return {"key": page.subject, "name": page.title, "more": more, "sections": sections}
