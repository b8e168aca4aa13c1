"""The Markdown field and its previews.

A form field and widget replace django-markdownx's, whose own script traps the Tab key, breaks undo, and shows stale
previews. Previews render drafts and releases in the public template, and parse a page form without saving it.
"""

import json
from dataclasses import asdict
from typing import Any

from django.contrib.admin.widgets import AdminTextareaWidget
from django.forms import Script
from django.http import HttpRequest, JsonResponse, QueryDict
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from markdownx.fields import MarkdownxFormField
from markdownx.widgets import AdminMarkdownxWidget

from procedures import languages
from procedures.admin.base import (
    normalize_newlines,
    parse_int_or_zero,
    rewrite_media_urls,
    staff_file_url,
    staff_json_view,
)
from procedures.enums import Language, PageKind
from procedures.figures.approval import FigureVersion, public_files
from procedures.figures.presenters import media_url
from procedures.models import ClinicAnswer, Figure, FigureText, GlossaryTerm, Page, Release, Series, Source
from procedures.models.page import public_path
from procedures.publishing.anchor_redirects import render_draft
from procedures.publishing.checks import check_rendered_draft
from procedures.publishing.publish import add_months
from procedures.readability.measures import measure_page
from procedures.readability.suggestions import build_suggestions
from procedures.rendering import Issue, ReferenceResolver, RenderedPage
from procedures.rendering.blocks import editor_schema, get_block_types, toolbar_buttons
from procedures.rendering.html import keep_together
from procedures.rendering.parser import PAGE_ELEMENT_IDS, section_titles
from procedures.views.layout import load_clinic
from procedures.views.pages import page_context

EDITOR_PERMISSIONS = tuple(f"procedures.{verb}_{model}" for verb in ("add", "change") for model in ("page", "guide"))
MAX_FORM_BYTES = 2 * 1024 * 1024
# As many as Django's form sets accept.
MAX_GUIDE_ITEMS = 1000
GUIDE_ITEM_FIELDS = ("order", "page", "section", "minutes", "note")
MAX_REVIEW_MONTHS = 36
# Anchors that links should not lead to: the top of a page and its generated parts, such as key points and sources.
EXCLUDED_ANCHORS = PAGE_ELEMENT_IDS | {""}
# In pixels, so that thumbnails in the dialog are sharp on screens of any density.
MIN_THUMBNAIL_WIDTH = 240


def render_full_preview(page: Page, content: dict[str, Any], rendered: RenderedPage, *, author: str = "") -> str:
    """Return the HTML document of a draft as patients would get it today. ``page`` can be unsaved."""
    today = timezone.localdate()
    release = Release(
        path=public_path(page.language, page.kind, content["slug"]),
        title=content["title"],
        key_message=content["key_message"],
        description=content["description"],
        html=rendered.html,
        minutes=rendered.reading_minutes,
        author_name=author,
        published_at=timezone.now(),
        next_review_on=add_months(today, _clamp_review_months(content)),
    )
    return render_release_preview(page, release)


def render_release_preview(page: Page, release: Release) -> str:
    """Return the HTML document of a release, live or not. Files that are not public get URLs for staff."""
    clinic = load_clinic(page.language)[0]
    context = page_context(page, release, clinic, {})
    with translation.override(page.language):
        html = keep_together(render_to_string("site/page.html", {**context, "preview": True}))
    return rewrite_media_urls(html)


def _clamp_review_months(content: dict[str, Any]) -> int:
    return min(max(int(content["review_months"]), 1), MAX_REVIEW_MONTHS)


@staff_json_view(*EDITOR_PERMISSIONS, method="POST", max_bytes=MAX_FORM_BYTES)
def preview_view(request: HttpRequest) -> JsonResponse:
    """Render the posted form, and return the page with publishing issues and suggestions. Saves nothing."""
    page, content = parse_page_form(request.POST)
    resolver = ReferenceResolver(page.language, FigureVersion.CURRENT)
    rendered = render_draft(page, content, resolver=resolver, with_line_comments=True)
    measures = measure_page(rendered.article, kind=page.kind, resolver=resolver)
    return JsonResponse(
        {
            "html": render_full_preview(page, content, rendered),
            "problems": serialize_issues(check_rendered_draft(page, content, rendered, resolver)),
            "advice": serialize_issues(build_suggestions(page, rendered, measures)),
            "long_sentences": [passage.text for passage in measures.sentences_over_target],
            "minutes": rendered.reading_minutes,
            "level": rendered.reading_level,
        }
    )


def serialize_issues(issues: list[Issue]) -> list[dict[str, Any]]:
    """Convert issues for the script. Line 0 is the whole page; ``field`` is empty if no field is concerned."""
    return [{"line": issue.line, "sentence": issue.message, "field": issue.field} for issue in issues]


def parse_page_form(data: QueryDict) -> tuple[Page, dict[str, Any]]:
    """Return an unsaved Page and its draft content from a posted form, whether or not the form is valid."""
    saved = Page.objects.filter(pk=parse_int_or_zero(data.get("page", ""))).first()
    # A new page gets the primary key 0, because the address check excludes the page itself by its key.
    page = saved or Page(pk=0, kind=data.get("kind", ""), language=data.get("language", ""), subject="")
    page.subject = data.get("subject", page.subject)
    if page.language not in Language.values:
        page.language = languages.DEFAULT
    if page.kind not in PageKind.values:
        page.kind = PageKind.GUIDE if "items-TOTAL_FORMS" in data else PageKind.ABOUT
    figure = Figure.objects.filter(pk=parse_int_or_zero(data.get("lead_figure", ""))).first()
    next_page = Page.objects.filter(pk=parse_int_or_zero(data.get("next_page", ""))).first()
    texts = {name: data.get(name, "") for name in ("slug", "title", "key_message", "description", "next_label")}
    content: dict[str, Any] = {
        **texts,
        "body": normalize_newlines(data.get("body", "")),
        "lead_figure": figure.slug if figure else "",
        "next_page": next_page.subject if next_page else "",
        "review_months": parse_int_or_zero(data.get("review_months", "")) or 12,
    }
    if page.kind == PageKind.GUIDE:
        content["items"] = _parse_guide_items(data)
    return page, content


def posted_guide_items(data: QueryDict) -> list[dict[str, str]]:
    """Return the rows of the reading list that are neither empty nor deleted, in the order of the form."""
    rows = []
    for number in range(min(parse_int_or_zero(data.get("items-TOTAL_FORMS", "")), MAX_GUIDE_ITEMS)):
        values = {
            name: data.get(f"items-{number}-{name}", "") for name in ("order", "page", "section", "minutes", "note")
        }
        if values["page"] and not data.get(f"items-{number}-DELETE"):
            rows.append(values)
    return rows


def _parse_guide_items(data: QueryDict) -> list[dict[str, Any]]:
    """Return the reading list from the rows of the form, sorted by their order."""
    rows = posted_guide_items(data)
    rows.sort(key=lambda values: parse_int_or_zero(values["order"]))
    subjects = dict(
        Page.objects.filter(pk__in=[parse_int_or_zero(row["page"]) for row in rows]).values_list("pk", "subject")
    )
    return [
        {
            "page": subjects.get(parse_int_or_zero(row["page"]), ""),
            "section": row["section"],
            "minutes": parse_int_or_zero(row["minutes"]) or 1,
            "note": row["note"],
        }
        for row in rows
    ]


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
        """Add the URLs that the script requests, ordinals in pasted text, and what the toolbar knows about blocks."""
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
        return {
            **context,
            "addresses": addresses,
            "ordinals": json.dumps(ordinals, ensure_ascii=False),
            "block_buttons": toolbar_buttons(),
            "blocks_with_end": " ".join(one.name for one in get_block_types().values() if one.has_end),
        }

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
    """Return everything that the dialogs can insert into a text in one language (``?language=es``), and all blocks.

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
            "blocks": editor_schema(),
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
            for key, title in section_titles(page.body, ReferenceResolver(page.language).clinic_values).items()
            # In a draft, an anchor that is derived from a heading changes with the heading.
            if f"{{#{key}}}" in page.body
        ]
    )
    more = "" if live else _("not public yet")
    return {"key": page.subject, "name": page.title, "more": more, "sections": sections}
