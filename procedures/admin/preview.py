"""Previews: render drafts and releases in the public template, and parse a page form without saving it."""

from typing import Any

from django.http import HttpRequest, JsonResponse, QueryDict
from django.template.loader import render_to_string
from django.utils import timezone, translation

from procedures import languages
from procedures.admin.base import normalize_newlines, parse_int_or_zero, rewrite_media_urls
from procedures.admin.json_api import staff_json_view
from procedures.enums import Language, PageKind
from procedures.figures.approval import FigureVersion
from procedures.models import Figure, Page, Release
from procedures.models.page import public_path
from procedures.publishing.anchor_redirects import render_draft
from procedures.publishing.checks import check_rendered_draft
from procedures.publishing.publish import add_months
from procedures.readability.measures import measure_page
from procedures.readability.suggestions import build_suggestions
from procedures.rendering import Issue, ReferenceResolver, RenderedPage
from procedures.views.layout import load_clinic
from procedures.views.pages import page_context

EDITOR_PERMISSIONS = tuple(f"procedures.{verb}_{model}" for verb in ("add", "change") for model in ("page", "guide"))
MAX_FORM_BYTES = 2 * 1024 * 1024
MAX_GUIDE_ITEMS = 60
MAX_REVIEW_MONTHS = 36


def render_full_preview(page: Page, content: dict[str, Any], rendered: RenderedPage, *, author: str = "") -> str:
    """Return the HTML document of a draft as patients would get it today. ``page`` can be unsaved."""
    today = timezone.localdate()
    release = Release(
        path=public_path(page.language, page.kind, content["slug"]),
        title=content["title"],
        key_message=content["key_message"],
        description=content["description"],
        html=rendered.html,
        author_name=author,
        published_at=timezone.now(),
        next_review_on=add_months(today, _clamp_review_months(content)),
    )
    return render_release_preview(page, release)


def render_release_preview(page: Page, release: Release) -> str:
    """Return the HTML document of a release, live or not. Files that are not public get URLs for staff."""
    clinic = load_clinic(page.language)[0]
    context = page_context(page, release, clinic, {})
    template = "site/guide.html" if page.kind == PageKind.GUIDE else "site/page.html"
    with translation.override(page.language):
        html = render_to_string(template, {**context, "preview": True})
    return rewrite_media_urls(html)


def _clamp_review_months(content: dict[str, Any]) -> int:
    return min(max(int(content["review_months"]), 1), MAX_REVIEW_MONTHS)


@staff_json_view(*EDITOR_PERMISSIONS, method="POST", max_bytes=MAX_FORM_BYTES)
def preview_view(request: HttpRequest) -> JsonResponse:
    """Render the posted form, and return the page with publishing issues and suggestions. Saves nothing."""
    page, content = parse_page_form(request.POST)
    resolver = ReferenceResolver(page.language, FigureVersion.CURRENT)
    rendered = render_draft(page, content, resolver=resolver, with_line_comments=True)
    measures = measure_page(rendered.html, kind=page.kind, resolver=resolver)
    return JsonResponse(
        {
            "html": render_full_preview(page, content, rendered),
            "problems": serialize_issues(check_rendered_draft(page, content, rendered, resolver)),
            "advice": serialize_issues(build_suggestions(page, content, rendered, measures)),
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


def _parse_guide_items(data: QueryDict) -> list[dict[str, Any]]:
    """Return the reading list from the rows of the form, sorted by their order."""
    rows = []
    for number in range(min(parse_int_or_zero(data.get("items-TOTAL_FORMS", "")), MAX_GUIDE_ITEMS)):
        values = {name: data.get(f"items-{number}-{name}", "") for name in "page section minutes note order".split()}
        if values["page"] and not data.get(f"items-{number}-DELETE"):
            rows.append(values)
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
