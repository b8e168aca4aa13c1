"""Autosave for the editor: save the form every few seconds, and report other editors of the same page."""

from typing import Any

from django.http import HttpRequest, JsonResponse, QueryDict
from django.utils.translation import gettext as _

from procedures.admin.base import get_staff_user, parse_int_or_zero
from procedures.admin.json_api import json_error, staff_json_view
from procedures.admin.preview import EDITOR_PERMISSIONS, MAX_FORM_BYTES, parse_page_form
from procedures.models import Autosave, Page
from procedures.revisions import drafts
from procedures.revisions.diff import diff_inline

MAX_CLIENT_ID_LENGTH = 36
MAX_FIELDS = 600
# Fields of the form that are not part of the text.
NON_CONTENT_FIELDS = frozenset(
    {"csrfmiddlewaretoken", "version", "client_id", "page", "typed", "first", "saved", "merge_version"}
)


@staff_json_view(*EDITOR_PERMISSIONS, method="POST", max_bytes=MAX_FORM_BYTES)
def autosave_view(request: HttpRequest) -> JsonResponse:
    """Save the posted form, and report other editors and the latest saved draft.

    ``typed``: the form has unsaved changes. ``saved``: the slot of a form that has been saved since, to discard.
    ``first``: also return the user's unsaved text from earlier sessions.
    """
    session, page = _parse_session(request)
    if not 0 < len(session.client_id) <= MAX_CLIENT_ID_LENGTH:
        return json_error(400, _("This form is too old. Copy your text, reload the page, and paste it in."))
    if saved := request.POST.get("saved"):
        drafts.discard_autosaves(session.user, [saved])
    fields = _content_fields(request.POST) if request.POST.get("typed") else {}
    slot = drafts.save_autosave(session, fields, version=parse_int_or_zero(request.POST.get("version", "")))
    newest = page.revisions.select_related("author").first() if page else None
    return JsonResponse(
        {
            "autosaved_at": slot.edited_at and slot.last_seen_at,
            "user": request.user.pk,
            "user_name": str(request.user),
            "version": page.draft_version if page else 0,
            "saved_by": str(newest.author or _("Someone else")) if newest else "",
            "saved_at": newest and newest.created_at,
            "others": [
                {"name": str(other.user), "since": other.opened_at, "typed": other.edited_at}
                for other in drafts.active_editors(session)
            ],
            "unsaved": [_serialize_autosave(row) for row in drafts.find_unsaved(session)]
            if request.POST.get("first")
            else None,
        }
    )


@staff_json_view(*EDITOR_PERMISSIONS, method="POST", max_bytes=64 * 1024)
def discard_autosave_view(request: HttpRequest) -> JsonResponse:
    """Delete the user's own autosaves with the posted client IDs (``slot``)."""
    return JsonResponse({"forgotten": drafts.discard_autosaves(get_staff_user(request), request.POST.getlist("slot"))})


@staff_json_view(*EDITOR_PERMISSIONS, method="POST", max_bytes=MAX_FORM_BYTES)
def compare_autosave_view(request: HttpRequest) -> JsonResponse:
    """Compare the posted form with the saved draft. Return an inline diff for each field that differs."""
    page, mine = parse_page_form(request.POST)
    saved: dict[str, Any] = Page.objects.get(pk=page.pk).draft_content() if page.pk else dict.fromkeys(mine, "")
    names = [
        name for name in mine if name in request.POST and str(mine[name]).strip() != str(saved.get(name, "")).strip()
    ]
    return JsonResponse(
        {
            "fields": [
                {"name": name, "changes": diff_inline(str(saved.get(name, "")), str(mine[name]))} for name in names
            ]
        }
    )


def _parse_session(request: HttpRequest) -> tuple[drafts.EditingSession, Page | None]:
    """Return the editing session, and the saved page if the form has one."""
    data = request.POST
    form = "guide" if "items-TOTAL_FORMS" in data else "page"
    page_id = parse_int_or_zero(data.get("page", ""))
    page = Page.objects.filter(pk=page_id).first() if page_id else None
    user, client_id = get_staff_user(request), data.get("client_id", "")
    return drafts.EditingSession(user, page.pk if page else None, form, client_id), page


def _content_fields(data: QueryDict) -> dict[str, str]:
    return {name: str(data[name]) for name in list(data)[:MAX_FIELDS] if name not in NON_CONTENT_FIELDS}


def _serialize_autosave(row: Autosave) -> dict[str, Any]:
    return {
        "slot": row.client_id,
        "at": row.edited_at,
        "open": row.last_seen_at,
        "version": row.version,
        "fields": row.fields,
    }
