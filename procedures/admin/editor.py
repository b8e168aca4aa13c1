"""The Markdown field and its previews.

A form field and widget replace django-markdownx's, whose own script traps the Tab key, breaks undo, and shows stale
previews. Previews render drafts and releases in the public template, and parse a page form without saving it.
"""

import functools
import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.contrib.staticfiles import finders
from django.forms import Script
from django.http import HttpRequest, JsonResponse, QueryDict
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from markdownx.fields import MarkdownxFormField
from markdownx.widgets import AdminMarkdownxWidget

from portal.text import parse_int_or_zero
from procedures import languages
from procedures.admin.base import (
    get_change_url,
    join_titles,
    json_error,
    rewrite_media_urls,
    staff_file_url,
    staff_json_view,
)
from procedures.admin.figure_forms import FigureTextForm
from procedures.admin.free_addresses import ADDRESS_FIELDS, find_free_address
from procedures.enums import Language, PageKind
from procedures.figures.approval import FigureVersion, public_files, unapproved_figures
from procedures.figures.presenters import media_url
from procedures.figures.renditions import THUMBNAIL_WIDTH
from procedures.models import (
    ClinicAnswer,
    Figure,
    GlossaryTerm,
    Guide,
    GuideItem,
    Page,
    Release,
    ReleaseDependency,
    Series,
    SeriesItem,
    Source,
)
from procedures.models.base import normalize_newlines
from procedures.models.page import (
    DEFAULT_REVIEW_MONTHS,
    MAX_REVIEW_MONTHS,
    normalize_body,
    normalize_draft,
    public_path,
)
from procedures.publishing.anchor_redirects import render_draft
from procedures.publishing.checks import check_draft
from procedures.publishing.publish import add_months
from procedures.readability.measures import measure_page
from procedures.readability.scores import describe_level
from procedures.readability.suggestions import build_suggestions
from procedures.rendering import Issue, ReferenceResolver, RenderedPage
from procedures.rendering.blocks import (
    GROUP_LABELS,
    dialog_blocks,
    editor_grammar,
    editor_schema,
    get_block_types,
    toolbar_buttons,
)
from procedures.rendering.document import Document, Text, runs_text, walk
from procedures.rendering.fixes import Fix, delete_lines, resolve
from procedures.rendering.html import rebase_article
from procedures.rendering.lint import PROMPT
from procedures.rendering.parser import TEMPLATE_ELEMENT_IDS, section_titles
from procedures.rendering.renderer import render_for_editor
from procedures.views.layout import load_clinic
from procedures.views.pages import page_context

EDITOR_PERMISSIONS = tuple(f"procedures.{verb}_{model}" for verb in ("add", "change") for model in ("page", "guide"))
MAX_FORM_BYTES = 2 * 1024 * 1024
# The editor requests all blocks of a page at once, and changed blocks one at a time.
MAX_RENDERED_BLOCKS = 400
# Django's default limit for formsets.
MAX_GUIDE_ITEMS = 1000
# Anchors that links should not lead to: the top of a page and its generated parts, such as key points and sources.
EXCLUDED_ANCHORS = TEMPLATE_ELEMENT_IDS | {""}
MODULE_IMPORT = re.compile(r'\b(?:from|import)\s*\(?\s*"(\.[^"]+\.js)"')
VISUAL_EDITOR = "admin_portal/visual_editor"
# Labels of the clinic values in the editor.
VALUE_LABELS = {
    "clinic.phone": gettext_lazy("Our phone number"),
    "clinic.after_hours_phone": gettext_lazy("Our phone number after hours"),
    "clinic.emergency_number": gettext_lazy("The emergency number"),
    "clinic.hours": gettext_lazy("Our hours"),
    "clinic.name": gettext_lazy("Our name"),
}
FOREIGN_KEYS = ("lead_figure", "next_page")
# While a new page has no title, these are empty only because they follow it.
MAIN_PICTURE = re.compile(r"^:::[ \t]*figure[ \t]+([\w-]+)[ \t]*$", re.MULTILINE)
FIGURE_BLOCK = re.compile(r"^[ \t]*:::[ \t]*(?:figure|compare)[ \t]+(.*)$", re.MULTILINE)


def render_full_preview(page: Page, content: dict[str, Any], rendered: RenderedPage, *, author: str = "") -> str:
    """Return the HTML document of a draft as patients would see it today. ``page`` can be unsaved."""
    review_months = min(max(int(content["review_months"]), 1), MAX_REVIEW_MONTHS)
    release = Release(
        path=public_path(page.language, page.kind, content["slug"]),
        title=content["title"],
        key_message=content["key_message"],
        description=content["description"],
        html=rendered.html,
        document=rendered.document.to_json(),
        minutes=rendered.reading_minutes,
        author_name=author,
        published_at=timezone.now(),
        next_review_on=add_months(timezone.localdate(), review_months),
    )
    return render_release_preview(page, release)


def render_release_preview(page: Page, release: Release, *, is_past: bool = False) -> str:
    """Return the HTML document of a release, live or not. Files that are not public get URLs for staff.

    ``is_past``: without the clinic's details around the text, because only today's are known.
    """
    clinic = None if is_past else load_clinic(page.language)[0]
    context = page_context(page, release, clinic, {})
    # A draft has no URL, so its large pictures have none either.
    base = release.path if release.pk else "#"
    document = Document.from_json(release.document) or Document()
    context["release"]["html"] = rebase_article(release.article, document.placeholder_offsets, base)
    with translation.override(page.language):
        html = render_to_string("site/page.html", {**context, "preview": True})
    return rewrite_media_urls(html)


@staff_json_view(*EDITOR_PERMISSIONS, method="POST", max_bytes=MAX_FORM_BYTES)
def preview_view(request: HttpRequest) -> JsonResponse:
    """Render the posted form, and return the page with publishing issues and suggestions. Saves nothing."""
    page, content = parse_page_form(request.POST)
    resolver = ReferenceResolver(page.language, FigureVersion.CURRENT)
    rendered = render_draft(page, content, resolver=resolver, with_line_comments=True)
    measures = measure_page(rendered.article, kind=page.kind, resolver=resolver)
    issues = check_draft(page, content, rendered, resolver)
    issues += _find_form_errors(request, {issue.field for issue in issues})
    if not page.pk:
        issues = [issue for issue in issues if issue.field not in ADDRESS_FIELDS or request.POST.get(issue.field)]
    suggested = _suggest_choices(page, content, rendered)
    return JsonResponse(
        {
            "html": render_full_preview(page, content, rendered),
            "problems": [
                {**row, **suggested.get(row["field"], {})} for row in serialize_issues(issues, content["body"])
            ],
            "advice": serialize_issues(build_suggestions(page, rendered, measures), content["body"]),
            "address": content["slug"],
            "same_title": _find_same_title(page, content),
            "long_sentences": [passage.text for passage in measures.sentences_over_target],
            "minutes": rendered.reading_minutes,
            "level": describe_level(rendered.reading_level, page.language),
            # For the visual editor: by line, the anchor of each section if its heading gives it none.
            "anchors": {heading.line: heading.natural_anchor for heading in rendered.document.headings},
            "terms": _linked_terms(rendered.document, resolver),
        }
    )


def _find_same_title(page: Page, content: dict[str, Any]) -> dict[str, str] | None:
    """Return the title and URL of another page in the same language that has this title."""
    title = normalize_draft({"title": content["title"]})["title"]
    pages = Page.objects.in_language(page.language).filter(title__iexact=title).exclude(pk=page.pk)
    other = pages.only("title", "kind").first() if title else None
    return {"title": other.title, "url": get_change_url(other)} if other else None


def _suggest_choices(page: Page, content: dict[str, Any], rendered: RenderedPage) -> dict[str, dict[str, Any]]:
    """Return what the text suggests for empty fields: its first picture, which then moves to the top of the page, and
    the first page that it links to.
    """
    suggested: dict[str, dict[str, Any]] = {}
    body = content["body"]
    picture = MAIN_PICTURE.search(body)
    if picture and not content["lead_figure"] and (figure := Figure.objects.filter(slug=picture[1]).only("pk").first()):
        fix = resolve(Fix("", delete_lines), body[: picture.start()].count("\n") + 1, body.split("\n"))
        suggested["lead_figure"] = {"choice": str(figure.pk), "fix": asdict(fix) if fix else None}
    linked = [subject for _line, subject, _section in rendered.page_links if subject != page.subject]
    if linked and not content["next_page"]:
        target = Page.objects.filter(subject=linked[0], language=page.language).only("pk").first()
        suggested["next_page"] = {"choice": str(target.pk) if target else ""}
    return suggested


def _linked_terms(document: Document, resolver: ReferenceResolver) -> list[dict[str, Any]]:
    """Return the words of a text that the page links to the glossary: the first line of the paragraph or table row,
    the words, and the definition.
    """
    definitions = {f"#word-{term.key}": term.definition for term in resolver.glossary_terms}
    rows = []
    for node in walk(document.body):
        if not isinstance(node, Text):
            continue
        for mark in dict.fromkeys(mark for run in node.runs for mark in run.marks if mark.kind == "term"):
            words = runs_text([run for run in node.runs if mark in run.marks])
            rows.append({"line": node.line, "words": words, "definition": definitions[mark.href]})
    return rows


def _find_form_errors(request: HttpRequest, reported: set[str]) -> Iterator[Issue]:
    """Yield an issue for each field of the posted form that cannot be saved, except those in ``reported``."""
    model_admin = admin.site.get_model_admin(Guide if "items-TOTAL_FORMS" in request.POST else Page)
    page = model_admin.model.objects.filter(pk=parse_int_or_zero(request.POST.get("page", ""))).first()
    form = model_admin.get_form(request, page, change=page is not None)(request.POST, instance=page)
    # The choices come from the form itself; checking them would only take time.
    for name in {*FOREIGN_KEYS, *reported} & set(form.fields):
        del form.fields[name]
    message = _("%(field)s: %(error)s")
    for name, errors in form.errors.items():
        if name in form.fields and name not in form.declared_fields:
            values = {"field": form.fields[name].label}
            yield from (Issue(0, message % {**values, "error": error}, name) for error in errors)


@staff_json_view(*EDITOR_PERMISSIONS, method="POST", max_bytes=MAX_FORM_BYTES)
def render_blocks_view(request: HttpRequest) -> JsonResponse:
    """Return the HTML of ``:::`` blocks as a page in ``language`` prints them, for the cards of the visual editor.

    ``block`` occurs once for each. Unknown names yield an empty string.
    """
    code = request.POST.get("language", "")
    texts = [normalize_newlines(text) for text in request.POST.getlist("block")]
    if len(texts) > MAX_RENDERED_BLOCKS:
        return json_error(413, _("That is more than %(count)s blocks.") % {"count": MAX_RENDERED_BLOCKS})
    resolver = ReferenceResolver(code if code in Language.values else languages.DEFAULT, FigureVersion.CURRENT)
    public = public_files()
    return JsonResponse({"html": [rewrite_media_urls(render_for_editor(text, resolver), public) for text in texts]})


def serialize_issues(issues: list[Issue], body: str) -> list[dict[str, Any]]:
    """Convert issues of a text for the script.

    Line 0 is the whole page; ``field`` is empty if the issue is not about a field.

    ``fix`` is a correction (``ResolvedFix``) or None; ``dialog`` names the dialog that helps, or is empty. ``hint``
    says the same as ``sentence`` in terms of Markdown, and is empty where that makes no difference.
    """
    lines = body.split("\n")
    rows = []
    for issue in issues:
        fix = resolve(issue.fix, issue.line, lines) if issue.fix else None
        row = {"line": issue.line, "sentence": issue.plain_message, "field": issue.field, "dialog": issue.dialog}
        hint = str(issue.message) if issue.plain else ""
        rows.append({**row, "hint": hint, "fix": asdict(fix) if fix else None})
    return rows


def parse_page_form(data: QueryDict) -> tuple[Page, dict[str, Any]]:
    """Return an unsaved Page and its draft content from a posted form, whether or not the form is valid.

    The texts are as typed, so that line numbers match the form; ``normalize_draft`` returns what a save would store.
    """
    saved = Page.objects.filter(pk=parse_int_or_zero(data.get("page", ""))).first()
    # A new page gets the primary key 0, because the address check excludes the page by its key.
    page = saved or Page(pk=0, kind=data.get("kind", ""), language=data.get("language", ""), subject="")
    page.subject = data.get("subject", page.subject)
    title, slug = data.get("title", ""), data.get("slug", "")
    if page.language not in Language.values:
        page.language = languages.DEFAULT
    if page.kind not in PageKind.values:
        page.kind = PageKind.GUIDE if "items-TOTAL_FORMS" in data else PageKind.ABOUT
    if saved is None and not (slug and page.subject) and title.strip():
        address = find_free_address(title, page.language, page.kind)
        slug, page.subject = slug or address, page.subject or address
    figure = Figure.objects.filter(pk=parse_int_or_zero(data.get("lead_figure", ""))).first()
    next_page = Page.objects.filter(pk=parse_int_or_zero(data.get("next_page", ""))).first()
    texts = {name: data.get(name, "") for name in ("key_message", "description", "next_label")}
    content: dict[str, Any] = {
        "slug": slug,
        "title": title,
        **texts,
        "body": normalize_newlines(data.get("body", "")),
        "lead_figure": figure.slug if figure else "",
        "next_page": next_page.subject if next_page else "",
        "review_months": parse_int_or_zero(data.get("review_months", "")) or DEFAULT_REVIEW_MONTHS,
    }
    if page.kind == PageKind.GUIDE:
        content["items"] = _parse_guide_items(data)
    return page, content


def posted_guide_items(data: QueryDict) -> list[dict[str, str]]:
    """Return the rows of the reading list that are neither empty nor deleted, in the order of the form."""
    rows = []
    for number in range(min(parse_int_or_zero(data.get("items-TOTAL_FORMS", "")), MAX_GUIDE_ITEMS)):
        values = {name: data.get(f"items-{number}-{name}", "") for name in GuideItem.FORM_FIELDS}
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


@functools.cache
def module_paths(entry: str) -> tuple[str, ...]:
    """Return the static paths of a script and of every module that it imports, directly or not.

    Preloading fetches them in parallel. Otherwise the browser discovers each module only after loading the one that
    imports it.
    """
    found: dict[str, None] = {}
    queue = [entry]
    while queue:
        path = queue.pop(0)
        file = None if path in found else finders.find(path)
        if file:
            found[path] = None
            imports = MODULE_IMPORT.findall(Path(file).read_text(encoding="utf-8"))
            queue += [posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) for name in imports]
    return tuple(found)


class MarkdownWidget(AdminMarkdownxWidget):  # type: ignore[misc]
    """A textarea with a toolbar, a preview, and a list of issues. Without JavaScript it is a plain textarea."""

    template_name = "admin/widgets/markdown.html"

    class Media:
        extend = False  # leaves out markdownx's own script and style sheet
        css = {"all": [f"admin_portal/{name}.css" for name in ("editor", "dialogs", "visual_editor/visual_editor")]}
        js = [Script("admin_portal/editor.js", type="module")]

    @staticmethod
    def add_markdownx_attrs(attrs: dict[str, Any]) -> dict[str, Any]:
        """Leave out markdownx's attributes, which name its public URLs."""
        return attrs

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Add the URLs that the script requests, the rules for ordinals in pasted text, and the toolbar's data about
        blocks.
        """
        context: dict[str, Any] = AdminTextareaWidget.get_context(self, name, value, attrs)
        urls = {
            "preview": reverse("admin:procedures_page_preview"),
            "session": reverse("account_session_status"),
            "autosave": reverse("admin:procedures_page_autosave"),
            "discard": reverse("admin:procedures_page_autosave_discard"),
            "compare": reverse("admin:procedures_page_autosave_compare"),
            "choices": reverse("admin:procedures_page_insert_options"),
            "render": reverse("admin:procedures_page_render_blocks"),
            "upload": reverse("admin:procedures_figure_upload"),
            "login": reverse("admin:login"),
        }
        page_styles = [static("css/site.css"), static("css/deferred.css")]
        content_stylesheet = static(f"{VISUAL_EDITOR}/content.css")
        ordinals = [
            {"code": language.code, **asdict(language.raised_ordinals)}
            for language in languages.LANGUAGES
            if language.raised_ordinals
        ]
        return {
            **context,
            "urls": urls,
            "ordinals": json.dumps(ordinals, ensure_ascii=False),
            "prompt": PROMPT.pattern,
            "block_buttons": toolbar_buttons(),
            "dialog_blocks": dialog_blocks(),
            "value_labels": VALUE_LABELS,
            "picture_form": FigureTextForm(auto_id="picture-%s"),
            "preloaded": {
                "modules": [static(path) for path in module_paths("admin_portal/editor.js")],
                "styles": [*page_styles, content_stylesheet],
            },
            "visual": json.dumps(
                {
                    **editor_grammar(),
                    "blocks": editor_schema(),
                    "groups": {group.value: str(label) for group, label in GROUP_LABELS.items()},
                    "values": {name: str(label) for name, label in VALUE_LABELS.items()},
                    "styles": page_styles,
                    "look": content_stylesheet,
                },
                ensure_ascii=False,
            ),
            "blocks_with_end": " ".join(
                block_type.name for block_type in get_block_types().values() if block_type.has_end
            ),
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
        return normalize_body(super().to_python(value) or "")


@staff_json_view(*EDITOR_PERMISSIONS, method="GET", max_bytes=0)
def insert_options_view(request: HttpRequest) -> JsonResponse:
    """Return everything that the dialogs can insert into a text in one language (``?language=es``).

    Pictures that a page in that language cannot show come last, with the reason (see ``_figure_options``).
    """
    code = request.GET.get("language", "")
    language = code if code in Language.values else languages.DEFAULT
    return JsonResponse(
        {
            "pictures": _figure_options(
                language,
                can_edit=request.user.has_perm("procedures.change_figure"),
                can_edit_texts=request.user.has_perms(["procedures.change_figure", "procedures.change_figuretext"]),
            ),
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
            "values": _value_options(language),
            # The form that adds what a search does not find, for users who may.
            "add": {
                key: reverse(f"admin:procedures_{model}_add")
                for key, model in {"sources": "source", "terms": "glossaryterm"}.items()
                if request.user.has_perm(f"procedures.add_{model}")
            },
        }
    )


def _value_options(language: str) -> list[dict[str, Any]]:
    """Return the clinic's values as a page prints them today."""
    values = ReferenceResolver(language).clinic_values
    return [{"key": key, "name": str(label), "more": values.get(key, "")} for key, label in VALUE_LABELS.items()]


def _figure_options(language: str, *, can_edit: bool, can_edit_texts: bool) -> list[dict[str, Any]]:
    """Return all pictures for the picture chooser.

    ``reason`` says why a page in ``language`` cannot show the picture, and is empty if it can. ``edit`` is the URL of
    the picture's form, and ``texts`` the URL of its texts in ``language``, for users who may change them. ``note`` is
    for pictures that may be inserted but are not approved yet: a reviewer approves them with the page.
    """
    figures = list(Figure.objects.prefetch_related("renditions", "texts"))
    unapproved = {figure.pk for figure in unapproved_figures(figures)}
    uses, public = _figure_usages(language), public_files()
    name = languages.get(language).english_name
    options = []
    for figure in figures:
        texts = {text.language: text for text in figure.texts.all()}
        text = texts.get(language) or next(iter(texts.values()), None)
        thumbnails = [r for r in figure.renditions.all() if r.format == "jpeg" and r.width >= THUMBNAIL_WIDTH]
        file = min(thumbnails, key=lambda r: r.width).file if thumbnails else figure.drawing or figure.image
        is_usable = language in texts
        reason = _("It has no title and description in %(language)s yet.") % {"language": name}
        options.append(
            {
                "key": figure.slug,
                "name": text.title if text else figure.slug,
                "more": text.alt if text else "",
                "kind": figure.kind,
                "kind_name": str(figure.get_kind_display()).partition(",")[0],  # the rest of the label explains it
                "used": join_titles(uses.get(figure.slug, [])),
                "reason": "" if is_usable else reason,
                "edit": reverse("admin:procedures_figure_change", args=[figure.pk]) if can_edit else "",
                "texts": reverse("admin:procedures_figure_texts", args=[figure.pk, language])
                if can_edit_texts and is_usable
                else "",
                "note": _("New: the reviewer approves it with this page.") if figure.pk in unapproved else "",
                "thumbnail": media_url(file) if file in public else staff_file_url(file),
            }
        )
    return sorted(options, key=lambda option: (bool(option["reason"]), str(option["name"])))


def _figure_usages(language: str) -> dict[str, list[str]]:
    """Return by slug the titles of drafts, public pages, and series with each picture, those in ``language`` first."""
    uses: list[tuple[str, str, str]] = []  # language, title, slug
    for code, title, body, lead in Page.objects.values_list("language", "title", "body", "lead_figure__slug"):
        slugs = {slug for match in FIGURE_BLOCK.finditer(body) for slug in match[1].split()}
        uses += [(code, title, slug) for slug in {*slugs, lead} if slug]
    live = ReleaseDependency.objects.live().filter(kind="figure", figure__isnull=False)
    uses += live.values_list("release__page__language", "release__title", "figure__slug")
    uses += SeriesItem.objects.values_list("series__language", "series__title", "figure__slug")
    found: dict[str, list[str]] = {}
    for _code, title, slug in sorted(set(uses), key=lambda use: (use[0] != language, use[1])):
        found.setdefault(slug, []).append(title)
    return {slug: list(dict.fromkeys(titles)) for slug, titles in found.items()}


def _get_pages(language: str) -> Any:
    pages = Page.objects.in_language(language).select_related("live_release")
    pages = pages.defer("live_release__html", "live_release__document")
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
