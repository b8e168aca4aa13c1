"""The live preview: what is typed, through the real renderer, in the real page."""

from typing import Any

from django.http import HttpRequest, JsonResponse, QueryDict

from procedures.admin.answers import staff_json
from procedures.admin.base import plain_newlines, whole_number
from procedures.admin.true_page import true_page
from procedures.enums import Language, PageKind
from procedures.figures.approval import Pictures
from procedures.markdown import Library, Problem
from procedures.models import Figure, Page
from procedures.publishing.anchors import render_draft
from procedures.publishing.readiness import readiness
from procedures.quality.advice import advice

WRITERS = tuple(f"procedures.{verb}_{model}" for verb in ("add", "change") for model in ("page", "guide"))
MAX_BYTES = 2 * 1024 * 1024
MAX_ITEMS = 60


@staff_json(*WRITERS, method="POST", most_bytes=MAX_BYTES)
def preview(request: HttpRequest) -> JsonResponse:
    """The page as it would be read, what forbids publishing it, and what would make it better. Saves nothing."""
    page, content = typed_page(request.POST)
    library = Library(page.language, Pictures.CURRENT)
    rendered = render_draft(page, content, library=library, with_lines=True)
    return JsonResponse(
        {
            "html": true_page(page, content, rendered),
            "problems": as_json(readiness(page, content, rendered, library)),
            "advice": as_json(advice(page, content, rendered, library)),
            "minutes": rendered.minutes,
            "level": rendered.level,
        }
    )


def as_json(problems: list[Problem]) -> list[dict[str, Any]]:
    """For the script: line (0: the whole page), sentence, and the field it is about where it is one."""
    return [{"line": problem.line, "sentence": problem.sentence, "field": problem.field} for problem in problems]


def typed_page(data: QueryDict) -> tuple[Page, dict[str, Any]]:
    """The form as it stands, whether or not it could be saved: an unsaved Page and its draft as plain data."""
    saved = Page.objects.filter(pk=whole_number(data.get("page", ""))).first()
    # 0 is no page: the rule about addresses leaves the page's own ones out, and a new page has none.
    page = saved or Page(pk=0, kind=data.get("kind", ""), language=data.get("language", ""), subject="")
    page.subject = data.get("subject", page.subject)
    if page.language not in Language.values:
        page.language = Language.ENGLISH
    if page.kind not in PageKind.values:
        page.kind = PageKind.GUIDE if "items-TOTAL_FORMS" in data else PageKind.ABOUT
    figure = Figure.objects.filter(pk=whole_number(data.get("lead_figure", ""))).first()
    following = Page.objects.filter(pk=whole_number(data.get("next_page", ""))).first()
    texts = {name: data.get(name, "") for name in ("slug", "title", "key_message", "description", "next_label")}
    content: dict[str, Any] = {
        **texts,
        "body": plain_newlines(data.get("body", "")),
        "lead_figure": figure.slug if figure else "",
        "next_page": following.subject if following else "",
        "review_months": whole_number(data.get("review_months", "")) or 12,
    }
    if page.kind == PageKind.GUIDE:
        content["items"] = _items(data)
    return page, content


def _items(data: QueryDict) -> list[dict[str, Any]]:
    """The reading list from the rows of the form, in their order."""
    rows = []
    for number in range(min(whole_number(data.get("items-TOTAL_FORMS", "")), MAX_ITEMS)):
        values = {name: data.get(f"items-{number}-{name}", "") for name in "page section minutes note order".split()}
        if values["page"] and not data.get(f"items-{number}-DELETE"):
            rows.append(values)
    rows.sort(key=lambda values: whole_number(values["order"]))
    subjects = dict(
        Page.objects.filter(pk__in=[whole_number(row["page"]) for row in rows]).values_list("pk", "subject")
    )
    return [
        {
            "page": subjects.get(whole_number(row["page"]), ""),
            "section": row["section"],
            "minutes": whole_number(row["minutes"]) or 1,
            "note": row["note"],
        }
        for row in rows
    ]
