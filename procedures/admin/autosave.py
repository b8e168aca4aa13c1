"""The editor's safety net: keeps what is typed every few seconds, and says who else is at the same page."""

from typing import Any

from django.http import HttpRequest, JsonResponse, QueryDict

from procedures.admin.answers import refusal, staff_json
from procedures.admin.base import staff, whole_number
from procedures.admin.preview import MAX_BYTES, WRITERS, typed_page
from procedures.models import Autosave, Page
from procedures.publishing import autosave as slots
from procedures.publishing.merge import changes

MAX_KEY = 36
MAX_FIELDS = 600
# What a form carries besides the text itself.
NOT_TEXT = frozenset({"csrfmiddlewaretoken", "version", "window", "page", "typed", "first", "saved", "merge_version"})


@staff_json(*WRITERS, method="POST", most_bytes=MAX_BYTES)
def autosave(request: HttpRequest) -> JsonResponse:
    """Keep the posted form (``typed``: it holds something unsaved) and report: others here, newer saves, older text."""
    window, page = _window(request)
    if not 0 < len(window.key) <= MAX_KEY:
        return refusal(400, "This form is too old. Copy your text, load the page again and put it in.")
    if saved := request.POST.get("saved"):
        slots.forget(window.user, [saved])
    fields = _fields(request.POST) if request.POST.get("typed") else {}
    slot = slots.keep(window, fields, version=whole_number(request.POST.get("version", "")))
    newest = page.revisions.select_related("author").first() if page else None
    return JsonResponse(
        {
            "kept_at": slot.typed_at and slot.seen_at,
            "user": request.user.pk,
            "user_name": str(request.user),
            "version": page.draft_version if page else 0,
            "saved_by": str(newest.author or "Somebody else") if newest else "",
            "saved_at": newest and newest.created_at,
            "others": [
                {"name": str(other.user), "since": other.opened_at, "typed": other.typed_at}
                for other in slots.colleagues(window)
            ],
            "unsaved": [_offer(row) for row in slots.unsaved(window)] if request.POST.get("first") else None,
        }
    )


@staff_json(*WRITERS, method="POST", most_bytes=64 * 1024)
def discard(request: HttpRequest) -> JsonResponse:
    """Forget slots of the person who asks, by their windows."""
    return JsonResponse({"forgotten": slots.forget(staff(request), request.POST.getlist("slot"))})


@staff_json(*WRITERS, method="POST", most_bytes=MAX_BYTES)
def compare(request: HttpRequest) -> JsonResponse:
    """What is posted against what is saved now: for each field that differs, words with their signs."""
    page, mine = typed_page(request.POST)
    saved: dict[str, Any] = Page.objects.get(pk=page.pk).draft() if page.pk else dict.fromkeys(mine, "")
    names = [
        name for name in mine if name in request.POST and str(mine[name]).strip() != str(saved.get(name, "")).strip()
    ]
    return JsonResponse(
        {"fields": [{"name": name, "changes": changes(str(saved.get(name, "")), str(mine[name]))} for name in names]}
    )


def _window(request: HttpRequest) -> tuple[slots.Window, Page | None]:
    """Who types where, and the saved page there, if there is one."""
    data = request.POST
    form = "guide" if "items-TOTAL_FORMS" in data else "page"
    page_id = whole_number(data.get("page", ""))
    page = Page.objects.filter(pk=page_id).first() if page_id else None
    return slots.Window(staff(request), page.pk if page else None, form, data.get("window", "")), page


def _fields(data: QueryDict) -> dict[str, str]:
    return {name: str(data[name]) for name in list(data)[:MAX_FIELDS] if name not in NOT_TEXT}


def _offer(row: Autosave) -> dict[str, Any]:
    return {
        "slot": row.window,
        "at": row.typed_at,
        "open": row.seen_at,
        "version": row.version,
        "fields": row.fields,
    }
