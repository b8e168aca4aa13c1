"""A draft in the public page's own template: the one place that knows how the public site puts a page together."""

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
from procedures.readability.suggestions import build_suggestions
from procedures.rendering import Issue, ReferenceResolver, RenderedPage
from procedures.views.layout import load_clinic
from procedures.views.pages import page_context


def render_full_preview(page: Page, content: dict[str, Any], rendered: RenderedPage, *, author: str = "") -> str:
    """The whole HTML document of a draft, as patients would get it today. ``page`` may be unsaved."""
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
    """The whole HTML document of a release, whether or not it is still live."""
    clinic, _ = load_clinic(page.language)
    context = page_context(page, release, clinic, {})
    template = "site/guide.html" if page.kind == PageKind.GUIDE else "site/page.html"
    with translation.override(page.language):
        html = render_to_string(template, {**context, "preview": True})
    return rewrite_media_urls(html)


def _clamp_review_months(content: dict[str, Any]) -> int:
    """Months to the next review; what is typed may be out of the allowed range."""
    return min(max(int(content["review_months"]), 1), 36)


EDITOR_PERMISSIONS = tuple(f"procedures.{verb}_{model}" for verb in ("add", "change") for model in ("page", "guide"))
MAX_FORM_BYTES = 2 * 1024 * 1024
MAX_GUIDE_ITEMS = 60


@staff_json_view(*EDITOR_PERMISSIONS, method="POST", max_bytes=MAX_FORM_BYTES)
def preview_view(request: HttpRequest) -> JsonResponse:
    """The page as it would be read, what forbids publishing it, and what would make it better. Saves nothing."""
    page, content = parse_page_form(request.POST)
    library = ReferenceResolver(page.language, FigureVersion.CURRENT)
    rendered = render_draft(page, content, resolver=library, with_line_comments=True)
    return JsonResponse(
        {
            "html": render_full_preview(page, content, rendered),
            "problems": serialize_issues(check_rendered_draft(page, content, rendered, library)),
            "advice": serialize_issues(build_suggestions(page, content, rendered, library)),
            "minutes": rendered.reading_minutes,
            "level": rendered.reading_level,
        }
    )


def serialize_issues(issues: list[Issue]) -> list[dict[str, Any]]:
    """For the script: line (0: the whole page), sentence, and the field it is about where it is one."""
    return [{"line": problem.line, "sentence": problem.message, "field": problem.field} for problem in issues]


def parse_page_form(data: QueryDict) -> tuple[Page, dict[str, Any]]:
    """The form as it stands, whether or not it could be saved: an unsaved Page and its draft as plain data."""
    saved = Page.objects.filter(pk=parse_int_or_zero(data.get("page", ""))).first()
    # 0 is no page: the rule about addresses leaves the page's own ones out, and a new page has none.
    page = saved or Page(pk=0, kind=data.get("kind", ""), language=data.get("language", ""), subject="")
    page.subject = data.get("subject", page.subject)
    if page.language not in Language.values:
        page.language = languages.DEFAULT
    if page.kind not in PageKind.values:
        page.kind = PageKind.GUIDE if "items-TOTAL_FORMS" in data else PageKind.ABOUT
    figure = Figure.objects.filter(pk=parse_int_or_zero(data.get("lead_figure", ""))).first()
    following = Page.objects.filter(pk=parse_int_or_zero(data.get("next_page", ""))).first()
    texts = {name: data.get(name, "") for name in ("slug", "title", "key_message", "description", "next_label")}
    content: dict[str, Any] = {
        **texts,
        "body": normalize_newlines(data.get("body", "")),
        "lead_figure": figure.slug if figure else "",
        "next_page": following.subject if following else "",
        "review_months": parse_int_or_zero(data.get("review_months", "")) or 12,
    }
    if page.kind == PageKind.GUIDE:
        content["items"] = _parse_guide_items(data)
    return page, content


def _parse_guide_items(data: QueryDict) -> list[dict[str, Any]]:
    """The reading list from the rows of the form, in their order."""
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
