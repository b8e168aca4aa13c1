"""Two people saved one page: base, theirs and mine side by side, put together as far as nobody has to decide.

The form that comes back holds the merged text. It may be saved over the other's revision only when that revision is
still the newest and every place where both changed the same words has been decided (``may_follow``).
"""

from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from procedures.admin.preview import parse_page_form
from procedures.models import Page, Revision
from procedures.revisions.merge import MergeChunk, MergeResult, common_words, diff_inline, merge, merge_line

TEXT_FIELDS = {
    "title": "Title",
    "key_message": "Key message",
    "body": "Text",
    "description": "Description",
    "next_label": "Next label",
    "slug": "Address",
}
CHOICE_FIELDS = {"lead_figure": "Lead figure", "next_page": "Next page", "review_months": "Review every … months"}
# Words in front of a place, by which the script finds it again in a text that may have been edited since.
PRECEDING_TEXT_LENGTH = 60


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One stretch that somebody changed. ``number`` is empty unless both did: then a person must decide it."""

    field: str
    label: str
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
        """Whether the place is words in a text rather than the value of a whole field."""
        return self.field in TEXT_FIELDS

    @property
    def is_guide_items(self) -> bool:
        """Whether it is the reading list, which is decided in its own rows."""
        return self.field == "items"


@dataclass
class ConflictContext:
    """What the form shows after a 409."""

    page: Page
    their_revision: Revision | None
    field_changes: list[FieldChange] = field(default_factory=list)
    merged_data: QueryDict = field(default_factory=lambda: QueryDict(mutable=True))

    @property
    def unresolved(self) -> list[FieldChange]:
        """Places that a person must decide."""
        return [place for place in self.field_changes if place.conflict_index is not None]

    @property
    def their_name(self) -> str:
        """Who saved meanwhile."""
        return (
            str(self.their_revision.author) if self.their_revision and self.their_revision.author else "Somebody else"
        )

    @property
    def message(self) -> str:
        """What happened and what to do."""
        said = f"{self.their_name} saved this page while you were writing. Nothing of yours is lost, and nothing is saved yet. "
        if self.unresolved:
            return said + "Decide below where you both changed the same words, then save."
        return said + "Both texts are put together below. Look them through, then save."


def resolved_version(data: QueryDict) -> int | None:
    """The draft version that a merged form may be saved over, or None when it must be merged first (again)."""
    version, count = data.get("merge_version", ""), data.get("merge_places", "")
    if not (version.isdecimal() and count.isdecimal() and len(count) < 5):
        return None
    decided = all(data.get(f"decided-{number}") for number in range(int(count)))
    return int(version) if decided and len(version) < 10 else None


def build_conflict(data: QueryDict, page_id: int) -> ConflictContext:
    """Merge what was typed with what is saved now. ``data`` is the posted form; the result has its own copy."""
    page = Page.objects.select_related("lead_figure", "next_page").get(pk=page_id)
    newest = page.revisions.select_related("author").first()
    theirs, (_, mine) = page.draft_content(), parse_page_form(data)
    base = _base_content(page, data.get("base_revision", ""))
    found = ConflictContext(page, newest, merged_data=data.copy())
    for name, label in TEXT_FIELDS.items():
        if name in data:
            _merge_text(found, name, label, base, theirs, mine)
    for name, label in CHOICE_FIELDS.items():
        if name in data:
            _merge_choice(found, name, label, base, theirs, mine)
    if "items" in theirs:
        _merge_guide_items(found, base, theirs["items"], mine.get("items", []))
    found.merged_data["merge_version"] = str(page.draft_version)
    found.merged_data["merge_places"] = str(len(found.unresolved))
    for name in [name for name in found.merged_data if name.startswith("decided-")]:
        del found.merged_data[name]
    return found


def _base_content(page: Page, parent: str) -> dict[str, Any] | None:
    """The draft that the form was opened with; None where it was never saved as a revision."""
    if not (parent.isdecimal() and len(parent) < 19):
        return None
    found = page.revisions.filter(pk=parent).first()
    return found.content if found else None


def _merge_text(
    conflict: ConflictContext,
    name: str,
    label: str,
    base: dict[str, Any] | None,
    theirs: dict[str, Any],
    mine: dict[str, Any],
) -> None:
    first, second = str(theirs[name]), str(mine[name])
    if name == "body" and second:
        second = second.strip() + "\n"
    old = str(base.get(name, "")) if base else common_words(first, second)
    merged: MergeResult = (merge if name == "body" else merge_line)(old, first, second)
    so_far = ""
    for piece in merged.chunks:
        if piece.origin:
            conflict.field_changes.append(_field_change(conflict, name, label, piece, so_far))
        so_far += piece.theirs if piece.origin == "theirs" else piece.mine
    conflict.merged_data[name] = merged.text


def _field_change(conflict: ConflictContext, name: str, label: str, chunk: MergeChunk, merged_text: str) -> FieldChange:
    return FieldChange(
        name,
        label,
        chunk.origin,
        diff_inline(chunk.base, chunk.mine),
        diff_inline(chunk.base, chunk.theirs),
        chunk.base,
        len(conflict.unresolved) if chunk.origin == "both" else None,
        merged_text[-PRECEDING_TEXT_LENGTH:],
        chunk.mine,
        chunk.theirs,
    )


def _merge_choice(
    conflict: ConflictContext,
    name: str,
    label: str,
    base: dict[str, Any] | None,
    theirs: dict[str, Any],
    mine: dict[str, Any],
) -> None:
    """A field with one value: no half of it can be taken."""
    if mine[name] == theirs[name]:
        return
    values = {"lead_figure": conflict.page.lead_figure_id, "next_page": conflict.page.next_page_id}
    saved = str(values.get(name, theirs[name]) or "")
    typed = str(conflict.merged_data[name])
    old = base.get(name) if base else None
    who = "mine" if theirs[name] == old else "theirs" if mine[name] == old else "both"
    if who == "theirs":
        conflict.merged_data[name] = saved
    conflict.field_changes.append(
        FieldChange(
            name,
            label,
            who,
            [("+", str(mine[name] or "nothing"))],
            [("+", str(theirs[name] or "nothing"))],
            str(old or ""),
            len(conflict.unresolved) if who == "both" else None,
            my_value=typed,
            their_value=saved,
        )
    )


def _merge_guide_items(
    conflict: ConflictContext, base: dict[str, Any] | None, theirs: list[dict[str, Any]], mine: list[dict[str, Any]]
) -> None:
    """The reading list. Where only they changed it, theirs stands; where both did, both lists stand to choose from."""
    old = base.get("items") if base else None
    if _form_item_ids(conflict) == _saved_item_ids(conflict.page) and (mine == theirs or theirs == old):
        return
    # The same list may be other rows by now: theirs then take the place of rows that are gone.
    who = "theirs" if mine in (old, theirs) else "mine" if theirs == old else "both"
    saved, typed = list(conflict.page.items.order_by("order", "pk")), _posted_items(conflict.merged_data)
    for name in [name for name in conflict.merged_data if name.startswith("items-")]:
        del conflict.merged_data[name]
    kept = [] if who == "theirs" else typed
    for number, item in enumerate(saved):
        row: dict[str, Any] = {"id": item.pk, "guide": conflict.page.pk, "order": item.order, "page": item.page_id}
        row |= {"section": item.section, "minutes": item.minutes, "note": item.note}
        _set_item(conflict.merged_data, number, row | ({"DELETE": "on"} if who != "theirs" else {}))
    for number, row in enumerate(kept, start=len(saved)):
        _set_item(conflict.merged_data, number, row | {"guide": conflict.page.pk})
    conflict.merged_data["items-TOTAL_FORMS"], conflict.merged_data["items-INITIAL_FORMS"] = (
        str(len(saved) + len(kept)),
        str(len(saved)),
    )
    if mine == theirs:
        return
    undecided = len(conflict.unresolved) if who == "both" else None
    conflict.field_changes.append(
        FieldChange(
            "items", "Reading list", who, [("+", _format_items(mine))], [("+", _format_items(theirs))], "", undecided
        )
    )


def _form_item_ids(conflict: ConflictContext) -> set[str]:
    return {
        value
        for name in conflict.merged_data
        if name.startswith("items-") and name.endswith("-id") and (value := str(conflict.merged_data[name]))
    }


def _saved_item_ids(page: Page) -> set[str]:
    return {str(pk) for pk in page.items.values_list("pk", flat=True)}


def _posted_items(data: QueryDict) -> list[dict[str, Any]]:
    """Rows of the form that are neither empty nor deleted, without the rows of the database that they were."""
    total = data.get("items-TOTAL_FORMS", "0")
    rows = []
    for number in range(int(total) if total.isdecimal() and len(total) < 4 else 0):
        row = {name: data.get(f"items-{number}-{name}", "") for name in ("order", "page", "section", "minutes", "note")}
        if row["page"] and not data.get(f"items-{number}-DELETE"):
            rows.append(row)
    return rows


def _set_item(data: QueryDict, index: int, values: dict[str, Any]) -> None:
    for name, value in values.items():
        data[f"items-{index}-{name}"] = str(value)


def _format_items(items: list[dict[str, Any]]) -> str:
    return "; ".join(f"{item['page']}{'#' + item['section'] if item['section'] else ''}" for item in items) or "empty"
