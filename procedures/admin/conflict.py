"""Two people saved one page: base, theirs and mine side by side, put together as far as nobody has to decide.

The form that comes back holds the merged text. It may be saved over the other's revision only when that revision is
still the newest and every place where both changed the same words has been decided (``may_follow``).
"""

from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from procedures.admin.preview import typed_page
from procedures.models import Page, Revision
from procedures.publishing.merge import Merged, Piece, changes, common, merge, merge_line

TEXTS = {
    "title": "Title",
    "key_message": "Key message",
    "body": "Text",
    "description": "Description",
    "next_label": "Next label",
    "slug": "Address",
}
CHOICES = {"lead_figure": "Lead figure", "next_page": "Next page", "review_months": "Review every … months"}
# Words in front of a place, by which the script finds it again in a text that may have been edited since.
BEFORE = 60


@dataclass(frozen=True, slots=True)
class Place:
    """One stretch that somebody changed. ``number`` is empty unless both did: then a person must decide it."""

    field: str
    label: str
    who: str
    mine: list[tuple[str, str]]
    theirs: list[tuple[str, str]]
    base: str
    number: int | None = None
    before: str = ""
    mine_value: str = ""
    theirs_value: str = ""

    @property
    def in_text(self) -> bool:
        """Whether the place is words in a text rather than the value of a whole field."""
        return self.field in TEXTS

    @property
    def in_rows(self) -> bool:
        """Whether it is the reading list, which is decided in its own rows."""
        return self.field == "items"


@dataclass
class Conflict:
    """What the form shows after a 409."""

    page: Page
    theirs: Revision | None
    places: list[Place] = field(default_factory=list)
    data: QueryDict = field(default_factory=lambda: QueryDict(mutable=True))

    @property
    def undecided(self) -> list[Place]:
        """Places that a person must decide."""
        return [place for place in self.places if place.number is not None]

    @property
    def who(self) -> str:
        """Who saved meanwhile."""
        return str(self.theirs.author) if self.theirs and self.theirs.author else "Somebody else"

    @property
    def sentence(self) -> str:
        """What happened and what to do."""
        said = (
            f"{self.who} saved this page while you were writing. Nothing of yours is lost, and nothing is saved yet. "
        )
        if self.undecided:
            return said + "Decide below where you both changed the same words, then save."
        return said + "Both texts are put together below. Look them through, then save."


def may_follow(data: QueryDict) -> int | None:
    """The draft version that a merged form may be saved over, or None when it must be merged first (again)."""
    version, count = data.get("merge_version", ""), data.get("merge_places", "")
    if not (version.isdecimal() and count.isdecimal() and len(count) < 5):
        return None
    decided = all(data.get(f"decided-{number}") for number in range(int(count)))
    return int(version) if decided and len(version) < 10 else None


def conflict(data: QueryDict, page_id: int) -> Conflict:
    """Merge what was typed with what is saved now. ``data`` is the posted form; the result has its own copy."""
    page = Page.objects.select_related("lead_figure", "next_page").get(pk=page_id)
    newest = page.revisions.select_related("author").first()
    theirs, (_, mine) = page.draft(), typed_page(data)
    base = _base(page, data.get("parent", ""))
    found = Conflict(page, newest, data=data.copy())
    for name, label in TEXTS.items():
        if name in data:
            _text(found, name, label, base, theirs, mine)
    for name, label in CHOICES.items():
        if name in data:
            _choice(found, name, label, base, theirs, mine)
    if "items" in theirs:
        _rows(found, base, theirs["items"], mine.get("items", []))
    found.data["merge_version"] = str(page.draft_version)
    found.data["merge_places"] = str(len(found.undecided))
    for name in [name for name in found.data if name.startswith("decided-")]:
        del found.data[name]
    return found


def _base(page: Page, parent: str) -> dict[str, Any] | None:
    """The draft that the form was opened with; None where it was never saved as a revision."""
    if not (parent.isdecimal() and len(parent) < 19):
        return None
    found = page.revisions.filter(pk=parent).first()
    return found.content if found else None


def _text(
    found: Conflict, name: str, label: str, base: dict[str, Any] | None, theirs: dict[str, Any], mine: dict[str, Any]
) -> None:
    first, second = str(theirs[name]), str(mine[name])
    if name == "body" and second:
        second = second.strip() + "\n"
    old = str(base.get(name, "")) if base else common(first, second)
    merged: Merged = (merge if name == "body" else merge_line)(old, first, second)
    so_far = ""
    for piece in merged.pieces:
        if piece.who:
            found.places.append(_place(found, name, label, piece, so_far))
        so_far += piece.theirs if piece.who == "theirs" else piece.mine
    found.data[name] = merged.text


def _place(found: Conflict, name: str, label: str, piece: Piece, so_far: str) -> Place:
    return Place(
        name,
        label,
        piece.who,
        changes(piece.base, piece.mine),
        changes(piece.base, piece.theirs),
        piece.base,
        len(found.undecided) if piece.who == "both" else None,
        so_far[-BEFORE:],
        piece.mine,
        piece.theirs,
    )


def _choice(
    found: Conflict, name: str, label: str, base: dict[str, Any] | None, theirs: dict[str, Any], mine: dict[str, Any]
) -> None:
    """A field with one value: no half of it can be taken."""
    if mine[name] == theirs[name]:
        return
    values = {"lead_figure": found.page.lead_figure_id, "next_page": found.page.next_page_id}
    saved = str(values.get(name, theirs[name]) or "")
    typed = str(found.data[name])
    old = base.get(name) if base else None
    who = "mine" if theirs[name] == old else "theirs" if mine[name] == old else "both"
    if who == "theirs":
        found.data[name] = saved
    found.places.append(
        Place(
            name,
            label,
            who,
            [("+", str(mine[name] or "nothing"))],
            [("+", str(theirs[name] or "nothing"))],
            str(old or ""),
            len(found.undecided) if who == "both" else None,
            mine_value=typed,
            theirs_value=saved,
        )
    )


def _rows(
    found: Conflict, base: dict[str, Any] | None, theirs: list[dict[str, Any]], mine: list[dict[str, Any]]
) -> None:
    """The reading list. Where only they changed it, theirs stands; where both did, both lists stand to choose from."""
    old = base.get("items") if base else None
    if _ids(found) == _saved_ids(found.page) and (mine == theirs or theirs == old):
        return
    # The same list may be other rows by now: theirs then take the place of rows that are gone.
    who = "theirs" if mine in (old, theirs) else "mine" if theirs == old else "both"
    saved, typed = list(found.page.items.order_by("order", "pk")), _posted_rows(found.data)
    for name in [name for name in found.data if name.startswith("items-")]:
        del found.data[name]
    kept = [] if who == "theirs" else typed
    for number, item in enumerate(saved):
        row: dict[str, Any] = {"id": item.pk, "guide": found.page.pk, "order": item.order, "page": item.page_id}
        row |= {"section": item.section, "minutes": item.minutes, "note": item.note}
        _put_row(found.data, number, row | ({"DELETE": "on"} if who != "theirs" else {}))
    for number, row in enumerate(kept, start=len(saved)):
        _put_row(found.data, number, row | {"guide": found.page.pk})
    found.data["items-TOTAL_FORMS"], found.data["items-INITIAL_FORMS"] = str(len(saved) + len(kept)), str(len(saved))
    if mine == theirs:
        return
    undecided = len(found.undecided) if who == "both" else None
    found.places.append(
        Place("items", "Reading list", who, [("+", _listed(mine))], [("+", _listed(theirs))], "", undecided)
    )


def _ids(found: Conflict) -> set[str]:
    return {
        value
        for name in found.data
        if name.startswith("items-") and name.endswith("-id") and (value := str(found.data[name]))
    }


def _saved_ids(page: Page) -> set[str]:
    return {str(pk) for pk in page.items.values_list("pk", flat=True)}


def _posted_rows(data: QueryDict) -> list[dict[str, Any]]:
    """Rows of the form that are neither empty nor deleted, without the rows of the database that they were."""
    total = data.get("items-TOTAL_FORMS", "0")
    rows = []
    for number in range(int(total) if total.isdecimal() and len(total) < 4 else 0):
        row = {name: data.get(f"items-{number}-{name}", "") for name in ("order", "page", "section", "minutes", "note")}
        if row["page"] and not data.get(f"items-{number}-DELETE"):
            rows.append(row)
    return rows


def _put_row(data: QueryDict, number: int, row: dict[str, Any]) -> None:
    for name, value in row.items():
        data[f"items-{number}-{name}"] = str(value)


def _listed(items: list[dict[str, Any]]) -> str:
    return "; ".join(f"{item['page']}{'#' + item['section'] if item['section'] else ''}" for item in items) or "empty"
