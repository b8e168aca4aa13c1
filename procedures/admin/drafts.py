"""Autosave and edit conflicts, for drafts edited by several people or in several windows.

Autosave stores the form every few seconds and reports other editors. In an edit conflict, a form is merged with the
draft that someone else saved after the form was opened, and shown again. It can be saved over the other revision only
while that revision is the newest, and after the user has resolved every conflicting change (see ``resolved_version``).
"""

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, JsonResponse, QueryDict
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.text import parse_int_or_zero
from procedures.admin.base import StrOrPromise, get_staff_user, json_error, staff_json_view
from procedures.admin.editor import EDITOR_PERMISSIONS, MAX_FORM_BYTES, parse_page_form, posted_guide_items
from procedures.models import Autosave, Page, Revision
from procedures.models.page import normalize_draft
from procedures.models.revisions import MAX_CLIENT_ID_LENGTH
from procedures.revisions import drafts
from procedures.revisions.diff import (
    MergeChunk,
    MergeResult,
    common_words,
    diff_function,
    merge,
    merge_line,
    to_reading_text,
)

MAX_FIELDS = 600
# Fields of the form that are not part of the text.
NON_CONTENT_FIELDS = frozenset(
    {"csrfmiddlewaretoken", "version", "client_id", "page", "typed", "first", "saved", "merge_version"}
)
TEXT_FIELDS = ("title", "key_message", "body", "description", "next_label", "slug")
CHOICE_FIELDS = ("lead_figure", "next_page", "review_months")
# Fields that revisions do not contain, so there is no base version to merge with.
UNVERSIONED_FIELDS = (*Page.IDENTITY_FIELDS, "order")
# Number of characters before a change, which the script uses to find the change after further edits.
PRECEDING_TEXT_LENGTH = 60


@staff_json_view(*EDITOR_PERMISSIONS, method="POST", max_bytes=MAX_FORM_BYTES)
def autosave_view(request: HttpRequest) -> JsonResponse:
    """Save the posted form, and report other editors and the latest saved draft.

    ``typed``: the form has unsaved changes. ``saved``: the client ID of a form that has been saved since, whose
    autosave is discarded. ``first``: also return the user's unsaved text from earlier sessions.
    """
    session, page = _parse_session(request)
    if not 0 < len(session.client_id) <= MAX_CLIENT_ID_LENGTH:
        return json_error(400, _("This form is too old. Copy your text, reload the page, and paste it in."))
    if saved := request.POST.get("saved"):
        drafts.discard_autosaves(session.user, [saved])
    fields = _content_fields(request.POST) if request.POST.get("typed") else {}
    autosave = drafts.save_autosave(session, fields, version=parse_int_or_zero(request.POST.get("version", "")))
    newest = page.revisions.select_related("author").first() if page else None
    return JsonResponse(
        {
            "autosaved_at": autosave.edited_at and autosave.last_seen_at,
            "user": request.user.pk,
            "user_name": str(request.user),
            "version": page.draft_version if page else 0,
            "saved_by": _author_name(newest, session.user) if newest else "",
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
    return JsonResponse({"discarded": drafts.discard_autosaves(get_staff_user(request), request.POST.getlist("slot"))})


@staff_json_view(*EDITOR_PERMISSIONS, method="POST", max_bytes=MAX_FORM_BYTES)
def compare_autosave_view(request: HttpRequest) -> JsonResponse:
    """Compare the posted form with the saved draft. Return an inline diff for each field that differs."""
    page, typed = parse_page_form(request.POST)
    mine = normalize_draft(typed)
    saved: dict[str, Any] = Page.objects.get(pk=page.pk).draft_content() if page.pk else dict.fromkeys(mine, "")
    names = [name for name in mine if name in request.POST and str(mine[name]) != str(saved.get(name, ""))]
    return JsonResponse(
        {
            "fields": [
                {"name": name, "changes": diff_function(name)(str(saved.get(name, "")), str(mine[name]))}
                for name in names
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
        "closed": not drafts.is_open(row),
        "version": row.version,
        "fields": row.fields,
    }


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A change to a field or to a span of its text.

    ``changed_by`` is mine, theirs, or both. Only a change by both has a ``conflict_index``: the user must resolve it.
    """

    field: str
    label: StrOrPromise
    changed_by: str
    my_diff: list[tuple[str, str]]
    their_diff: list[tuple[str, str]]
    base: str
    conflict_index: int | None = None
    preceding_text: str = ""
    my_value: str = ""
    their_value: str = ""

    @property
    def is_text_field(self) -> bool:
        """Whether the change is a span of text rather than the value of a whole field."""
        return self.field in TEXT_FIELDS

    @property
    def is_guide_items(self) -> bool:
        """Whether the change is in the reading list, whose conflicts the user resolves in its own rows."""
        return self.field == "items"


@dataclass
class ConflictContext:
    """A conflict, and the merged data to show in the form."""

    page: Page
    their_revision: Revision | None
    user: User
    field_changes: list[FieldChange] = field(default_factory=list)
    merged_data: QueryDict = field(default_factory=lambda: QueryDict(mutable=True))

    @property
    def unresolved(self) -> list[FieldChange]:
        """Changes that the user must resolve."""
        return [change for change in self.field_changes if change.conflict_index is not None]

    @property
    def their_name(self) -> str:
        """The author of the other revision."""
        return _author_name(self.their_revision, self.user)

    @property
    def is_own(self) -> bool:
        """Whether the user saved the other revision as well, in another window."""
        return self.their_revision is not None and self.their_revision.author_id == self.user.pk

    @property
    def message(self) -> str:
        """The conflict in one sentence, with the next step."""
        if self.is_own:
            return (
                _(
                    "You saved this page in another tab while you were writing here. This text is not lost, but it is "
                    "not saved yet. Decide where both tabs changed the same words, then save."
                )
                if self.unresolved
                else _(
                    "You saved this page in another tab while you were writing here. This text is not lost, but it is "
                    "not saved yet. Both versions are merged. Check them, then save."
                )
            )
        message = (
            _(
                "%(name)s saved this page while you were writing. Your text is not lost, but it is not saved yet. "
                "Decide where both of you changed the same words, then save."
            )
            if self.unresolved
            else _(
                "%(name)s saved this page while you were writing. Your text is not lost, but it is not saved yet. "
                "Both versions are merged. Check them, then save."
            )
        )
        return message % {"name": self.their_name}


def _author_name(revision: Revision | None, user: User) -> str:
    """Return who saved a revision, as ``user`` reads it."""
    author = revision.author if revision else None
    if author is not None and author.pk == user.pk:
        return _("You (in another tab)")
    return str(author) if author else _("Someone else")


def resolved_version(data: QueryDict) -> int | None:
    """Return the draft version that a merged form can be saved over, or None if the form must be merged (again)."""
    version, count = data.get("merge_version", ""), data.get("merge_places", "")
    if not (version.isdecimal() and count.isdecimal() and len(count) < 5):
        return None
    is_resolved = all(data.get(f"decided-{index}") for index in range(int(count)))
    return int(version) if is_resolved and len(version) < 10 else None


def build_conflict(data: QueryDict, page_id: int, user: User) -> ConflictContext:
    """Merge the form ``data`` that ``user`` posted, which is not changed, with the saved draft."""
    page = Page.objects.select_related("lead_figure", "next_page").get(pk=page_id)
    newest = page.revisions.select_related("author").first()
    theirs, mine = page.draft_content(), normalize_draft(parse_page_form(data)[1])
    base = _base_content(page, data.get("base_revision", ""))
    conflict = ConflictContext(page, newest, user, merged_data=data.copy())
    merged_data = conflict.merged_data
    for name in TEXT_FIELDS:
        if name in data:
            _merge_text(conflict, name, base, theirs, mine)
    for name in CHOICE_FIELDS:
        if name in data:
            _merge_choice(conflict, name, base, theirs, mine)
    for name in UNVERSIONED_FIELDS:
        _merge_unversioned(conflict, name)
    if "items" in theirs:
        _merge_guide_items(conflict, base, theirs["items"], mine.get("items", []))
    merged_data["merge_version"] = str(page.draft_version)
    merged_data["merge_places"] = str(len(conflict.unresolved))
    for name in [name for name in merged_data if name.startswith("decided-")]:
        del merged_data[name]
    return conflict


def _base_content(page: Page, revision_id: str) -> dict[str, Any] | None:
    """Return the content that the form was opened with, or None if it was never saved as a revision."""
    if not (revision_id.isdecimal() and len(revision_id) < 19):
        return None
    revision = page.revisions.filter(pk=revision_id).first()
    return revision.content if revision else None


def _merge_text(
    conflict: ConflictContext,
    name: str,
    base: dict[str, Any] | None,
    theirs: dict[str, Any],
    mine: dict[str, Any],
) -> None:
    their_text, my_text = str(theirs[name]), str(mine[name])
    base_text = str(base.get(name, "")) if base else common_words(their_text, my_text)
    result: MergeResult = (merge if name == "body" else merge_line)(base_text, their_text, my_text)
    merged_text = ""
    for chunk in result.chunks:
        if chunk.origin:
            conflict.field_changes.append(_field_change(conflict, name, chunk, merged_text))
        merged_text += chunk.theirs if chunk.origin == "theirs" else chunk.mine
    conflict.merged_data[name] = result.text


def _field_change(conflict: ConflictContext, name: str, chunk: MergeChunk, merged_text: str) -> FieldChange:
    return FieldChange(
        name,
        Page.field_label(name),
        chunk.origin,
        diff_function(name)(chunk.base, chunk.mine),
        diff_function(name)(chunk.base, chunk.theirs),
        to_reading_text(chunk.base) if name == "body" else chunk.base,
        len(conflict.unresolved) if chunk.origin == "both" else None,
        merged_text[-PRECEDING_TEXT_LENGTH:],
        chunk.mine,
        chunk.theirs,
    )


def _merge_choice(
    conflict: ConflictContext,
    name: str,
    base: dict[str, Any] | None,
    theirs: dict[str, Any],
    mine: dict[str, Any],
) -> None:
    """Merge a field that has a single value. If both changed it, the form shows mine until the user resolves it."""
    if mine[name] == theirs[name]:
        return
    values = {"lead_figure": conflict.page.lead_figure_id, "next_page": conflict.page.next_page_id}
    their_value = str(values.get(name, theirs[name]) or "")
    my_value = str(conflict.merged_data[name])
    old = base.get(name) if base else None
    changed_by = "mine" if theirs[name] == old else "theirs" if mine[name] == old else "both"
    if changed_by == "theirs":
        conflict.merged_data[name] = their_value
    conflict.field_changes.append(
        FieldChange(
            name,
            Page.field_label(name),
            changed_by,
            [("+", str(mine[name] or _("(empty)")))],
            [("+", str(theirs[name] or _("(empty)")))],
            str(old or ""),
            len(conflict.unresolved) if changed_by == "both" else None,
            my_value=my_value,
            their_value=their_value,
        )
    )


def _merge_unversioned(conflict: ConflictContext, name: str) -> None:
    """Ask the user to choose if an unversioned field differs. Skip fields that the user cannot change."""
    page, mine = conflict.page, str(conflict.merged_data.get(name, ""))
    can_change = conflict.user.has_perm("procedures.publish_page") if name == "order" else not page.is_identity_fixed
    theirs = str(getattr(page, name))
    if name not in conflict.merged_data or mine == theirs or not can_change:
        return
    labels: dict[str, StrOrPromise] = dict(Page._meta.get_field(name).flatchoices)  # type: ignore[union-attr]  # noqa: SLF001 -- documented
    conflict.field_changes.append(
        FieldChange(
            name,
            Page.field_label(name),
            "both",
            [("+", str(labels.get(mine, mine) or _("(empty)")))],
            [("+", str(labels.get(theirs, theirs)))],
            "",
            len(conflict.unresolved),
            my_value=mine,
            their_value=theirs,
        )
    )


def _merge_guide_items(
    conflict: ConflictContext, base: dict[str, Any] | None, theirs: list[dict[str, Any]], mine: list[dict[str, Any]]
) -> None:
    """Merge the reading list. Take theirs if only they changed it; otherwise show both lists to choose from."""
    old = base.get("items") if base else None
    saved_ids = {str(pk) for pk in conflict.page.items.values_list("pk", flat=True)}
    if _form_item_ids(conflict) == saved_ids and (mine == theirs or theirs == old):
        return
    # Equal lists can consist of different rows by now. In that case, their rows replace the ones that no longer exist.
    changed_by = "theirs" if mine in (old, theirs) else "mine" if theirs == old else "both"
    saved = list(conflict.page.items.order_by("order", "pk"))
    new = [] if changed_by == "theirs" else posted_guide_items(conflict.merged_data)
    for name in [name for name in conflict.merged_data if name.startswith("items-")]:
        del conflict.merged_data[name]
    for index, item in enumerate(saved):
        row: dict[str, Any] = {"id": item.pk, "guide": conflict.page.pk, "order": item.order, "page": item.page_id}
        row |= {"section": item.section, "minutes": item.minutes, "note": item.note}
        _set_item(conflict.merged_data, index, row | ({"DELETE": "on"} if changed_by != "theirs" else {}))
    for index, row in enumerate(new, start=len(saved)):
        _set_item(conflict.merged_data, index, row | {"guide": conflict.page.pk})
    conflict.merged_data["items-TOTAL_FORMS"] = str(len(saved) + len(new))
    conflict.merged_data["items-INITIAL_FORMS"] = str(len(saved))
    if mine == theirs:
        return
    conflict.field_changes.append(
        FieldChange(
            "items",
            _("Reading list"),
            changed_by,
            [("+", _format_items(mine))],
            [("+", _format_items(theirs))],
            "",
            len(conflict.unresolved) if changed_by == "both" else None,
        )
    )


def _form_item_ids(conflict: ConflictContext) -> set[str]:
    return {
        value
        for name in conflict.merged_data
        if name.startswith("items-") and name.endswith("-id") and (value := str(conflict.merged_data[name]))
    }


def _set_item(data: QueryDict, index: int, values: dict[str, Any]) -> None:
    for name, value in values.items():
        data[f"items-{index}-{name}"] = str(value)


def _format_items(items: list[dict[str, Any]]) -> str:
    return "; ".join(f"{item['page']}{'#' + item['section'] if item['section'] else ''}" for item in items) or _(
        "empty"
    )
