"""The Markdown field: a form field and widget in place of django-markdownx's, and the lists that its dialogs offer.

markdownx's own script traps the Tab key, breaks undo, and shows stale previews.
"""

import json
from dataclasses import asdict
from typing import Any

from django.contrib.admin.widgets import AdminTextareaWidget
from django.forms import Script
from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
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

# Anchors that links should not lead to: the top of a page and its generated parts, such as key points and sources.
EXCLUDED_ANCHORS = PAGE_ELEMENT_IDS | {""}
# In pixels, so that thumbnails in the dialog are sharp on screens of any density.
MIN_THUMBNAIL_WIDTH = 240


class MarkdownWidget(AdminMarkdownxWidget):  # type: ignore[misc]
    """A textarea with a toolbar, a preview, and a list of issues. Without JavaScript it is a plain textarea."""

    template_name = "admin/widgets/markdown.html"

    class Media:
        extend = False  # leaves out markdownx's own script and style sheet
        css = {"all": ["admin_portal/editor.css", "admin_portal/dialogs.css"]}
        js = [Script("admin_portal/editor.js", type="module")]

    @staticmethod
    def add_markdownx_attrs(attrs: dict[str, Any]) -> dict[str, Any]:
        """Leave out markdownx's attributes, which name its public URLs."""
        return attrs

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Add the URLs that the script requests, and the ordinals in pasted text."""
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
        ordinals = [
            {"code": language.code, **asdict(language.raised_ordinals)}
            for language in languages.LANGUAGES
            if language.raised_ordinals
        ]
        return {**context, "addresses": addresses, "ordinals": json.dumps(ordinals, ensure_ascii=False)}

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """Render from the site's own templates, without changing ``attrs`` in place as markdownx does."""
        return render_to_string(self.template_name, self.get_context(name, value, {**self.attrs, **(attrs or {})}))


class MarkdownFormField(MarkdownxFormField):  # type: ignore[misc]
    """Markdown in the format of the content folder: LF newlines, and exactly one at the end.

    Saving an unchanged text is therefore not a change.
    """

    widget = MarkdownWidget

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "strip": False})

    def to_python(self, value: Any) -> str:
        """Return the normalized text."""
        text = normalize_newlines(super().to_python(value) or "").strip()
        return f"{text}\n" if text else ""


@staff_json_view(*EDITOR_PERMISSIONS, method="GET", max_bytes=0)
def insert_options_view(request: HttpRequest) -> JsonResponse:
    """Return everything that the dialogs can insert into a text in one language (``?language=es``).

    Pictures without a text in that language come last and are marked (``has_words``).
    """
    code = request.GET.get("language", "")
    language = code if code in Language.values else languages.DEFAULT
    return JsonResponse(
        {
            "pictures": _figure_options(language),
            "series": [
                {"key": row.slug, "name": row.title, "more": ""} for row in Series.objects.filter(language=language)
            ],
            "care": [
                {"key": row.key, "name": row.question, "more": row.answer}
                for row in ClinicAnswer.objects.filter(language=language)
            ],
            "sources": [
                {"key": row.key, "name": row.title, "more": f"{row.organisation}, {row.year or _('no year')}"}
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
    texts: dict[int, FigureText] = {}
    for text in FigureText.objects.all():
        if text.language == language or text.figure_id not in texts:
            texts[text.figure_id] = text
    options, public = [], public_files()
    for figure in Figure.objects.prefetch_related("renditions"):
        figure_text = texts.get(figure.pk)
        thumbnails = [r for r in figure.renditions.all() if r.format == "jpeg" and r.width >= MIN_THUMBNAIL_WIDTH]
        file = min(thumbnails, key=lambda r: r.width).file if thumbnails else figure.drawing or figure.image
        options.append(
            {
                "key": figure.slug,
                "name": figure_text.title if figure_text else figure.slug,
                "more": figure_text.alt if figure_text else "",
                "has_words": bool(figure_text and figure_text.language == language),
                "thumbnail": media_url(file) if file in public else staff_file_url(file),
            }
        )
    return sorted(options, key=lambda option: (not option["has_words"], str(option["name"])))


def _get_pages(language: str) -> Any:
    pages = Page.objects.in_language(language).select_related("live_release").defer("live_release__html")
    return pages.order_by("title")


def _page_option(page: Page) -> dict[str, Any]:
    """Return a page with its linkable sections: those of the live release, or of the draft if there is none."""
    live = page.live_release
    sections = (
        [{"key": row["anchor"], "name": row["title"]} for row in live.sections if row["anchor"] not in EXCLUDED_ANCHORS]
        if live
        else [
            {"key": key, "name": title}
            for key, title in draft_section_titles(page.body, ReferenceResolver(page.language).clinic_values).items()
            # In a draft, an anchor that is derived from a heading changes with the heading.
            if f"{{#{key}}}" in page.body
        ]
    )
    more = "" if live else _("not public yet")
    return {"key": page.subject, "name": page.title, "more": more, "sections": sections}
