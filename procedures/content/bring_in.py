"""A bundle into this portal: new rows are added, pages become drafts, and nothing that patients read changes."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from portal.staff.models import User
from procedures.content.bundle import carried
from procedures.content.files import ContentError, ContentErrors, Entry
from procedures.content.kinds import Kind, all_entries, explain
from procedures.content.pages import PageContentKind
from procedures.content.pictures import FigureKind
from procedures.content.reference import WarningSignKind
from procedures.content.unpack import BadBundleError, unpack
from procedures.enums import EventKind
from procedures.figures.intake import Picture
from procedures.figures.orphans import undone_on_failure
from procedures.models import Page, ReleaseEvent
from procedures.publishing import warning_signs
from procedures.publishing.drafts import claim_version, save_revision

NEW, SAME, DRAFT, KEPT = "new", "same", "draft", "kept"


@dataclass
class Change:
    """One row of a bundle. ``what``: new, same, draft (a page's text is replaced as a draft), kept (left as it is)."""

    kind: str
    key: str
    title: str
    what: str
    words: str = ""


@dataclass
class Plan:
    """What an import would do, or did."""

    changes: list[Change] = field(default_factory=list)
    pictures: dict[str, Picture] = field(default_factory=dict)  # of new figures, by slug

    def of(self, *what: str) -> list[Change]:
        """Only those."""
        return [change for change in self.changes if change.what in what]

    @property
    def pages(self) -> list[Change]:
        """Pages that can be brought in."""
        return [change for change in self.of(NEW, DRAFT) if change.kind == "page"]


class NotShownError(Exception):
    """New pictures that the importing person has not seen or not confirmed; ``slugs`` names them."""

    def __init__(self, slugs: list[str]) -> None:
        super().__init__(", ".join(slugs))
        self.slugs = slugs


class _Undo(Exception):  # noqa: N818 -- not an error: ends a dry run
    """Undoes a dry run."""


def bring_in(
    file: Any,
    *,
    actor: User | None,
    check: bool,
    wanted: Callable[[str], bool] = lambda _: True,
    answered_for: Callable[[str, Picture], bool] = lambda _slug, _picture: True,
) -> Plan:
    """Import a bundle. ``check``: do everything and keep nothing. ``wanted``: which pages, by “language subject”.

    ``answered_for``: whether the importing person was shown a new picture and confirmed that it shows no name; a
    command confirms all of them. Raises NotShownError otherwise, and BadBundleError with a sentence, or with one line
    for each row that cannot be used; then nothing changed.
    """
    plan = Plan()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        unpack(file, folder)
        try:
            rows = _read(folder, actor)
            with undone_on_failure(), transaction.atomic():
                _apply(rows, plan, actor, wanted, check=check)
                missing = [slug for slug, picture in plan.pictures.items() if not answered_for(slug, picture)]
                if missing and not check:
                    raise NotShownError(missing)
                if check:
                    raise _Undo
        except _Undo:
            pass
        except ContentErrors as errors:
            lines = [str(error).replace(f"{folder}/", "") for error in errors.errors]
            raise BadBundleError("\n".join(lines)) from errors
    return plan


Row = tuple[Kind[Any], Entry, dict[str, Any]]


def _read(folder: Path, actor: User | None) -> list[Row]:
    rows: list[Row] = []
    errors: list[ContentError] = []
    for kind in carried(actor):
        for file in kind.files(folder):
            # A list of sources is named whether or not it is there.
            if not file.exists():
                continue
            rows += [(kind, entry, data) for entry, data in all_entries(kind, file, errors)]
    if errors:
        raise ContentErrors(errors)
    return rows


def _apply(rows: list[Row], plan: Plan, actor: User | None, wanted: Callable[[str], bool], *, check: bool) -> None:
    errors: list[ContentError] = []
    pages: list[Row] = []
    signs = [(entry, data) for kind, entry, data in rows if isinstance(kind, WarningSignKind)]
    for kind, entry, data in (row for row in rows if not isinstance(row[0], WarningSignKind)):
        row = kind.find(entry.key)
        if isinstance(kind, PageContentKind):
            if wanted(entry.key):
                pages.append((kind, entry, data))
            continue
        if row is not None:
            same = kind.dump(row) == data
            words = "" if same else "It differs from ours, which stays as it is."
            plan.changes.append(Change(kind.name, entry.key, entry.key, SAME if same else KEPT, words))
            continue
        plan.changes.append(Change(kind.name, entry.key, entry.key, NEW))
        if isinstance(kind, FigureKind) and (picture := kind.picture(data)):
            plan.pictures[entry.key] = picture
        _write(kind, entry, data, None, errors, store=not check)
    _bring_in_signs(signs, plan, actor, errors)
    coming = {entry.key for _, entry, _ in pages}
    changed = [row for row in pages if _page(*row, plan, coming, errors, store=not check)]
    if errors:
        raise ContentErrors(errors)
    for kind, entry, data in changed:
        _as_draft(kind, entry, data, actor, errors)
    if errors:
        raise ContentErrors(errors)


def _bring_in_signs(
    signs: list[tuple[Entry, dict[str, Any]]], plan: Plan, actor: User | None, errors: list[ContentError]
) -> None:
    """Another portal's list of warning signs. Where there is a list, it changes nothing: it waits for a reviewer."""
    if not signs:
        return
    entry, content = signs[0][0], [data for _, data in signs]
    title, current = "Warning signs", warning_signs.current()
    if current == content:
        plan.changes.append(Change(WarningSignKind.name, title, title, SAME))
        return
    try:
        if not current:
            warning_signs.start_list(content)
            plan.changes.append(Change(WarningSignKind.name, title, title, NEW))
            return
        waits = warning_signs.propose_import(content, author=actor)
    except ValidationError as error:
        errors += explain(error, entry)
        return
    words = "Ours stays as it is. " + ("The other list waits for review." if waits else "A list of ours is in review.")
    plan.changes.append(Change(WarningSignKind.name, title, title, KEPT, words))


def _write(
    kind: Kind[Any], entry: Entry, data: dict[str, Any], row: Any, errors: list[ContentError], *, store: bool
) -> None:
    try:
        with transaction.atomic():
            kind.apply(entry.key, data, row, store=store)
    except ValidationError as error:
        errors += explain(error, entry)
    except LookupError as error:
        errors.append(entry.error(str(error.args[0])))


def _page(
    kind: Any,
    entry: Entry,
    data: dict[str, Any],
    plan: Plan,
    coming: set[str],
    errors: list[ContentError],
    *,
    store: bool,
) -> bool:
    """Write one page's draft; False when it is the same already or cannot be taken."""
    row: Page | None = kind.find(entry.key)
    notes = _without_strangers(data, coming)
    if row is None:
        data["code"] = "" if Page.objects.filter(code=data["code"]).exists() else data["code"]
        change = Change("page", entry.key, data["title"], NEW, " ".join(notes))
    else:
        if row.kind != data["kind"]:
            errors.append(entry.error(f"Here this page is of the kind “{row.kind}”. Its kind never changes.", "kind"))
            return False
        # Where it stands among our pages, its code and whether it is public are ours.
        data |= {"order": row.order, "code": row.code, "public": row.live_release_id is not None}
        if kind.dump(row) == data:
            plan.changes.append(Change("page", entry.key, data["title"], SAME))
            return False
        change = Change("page", entry.key, data["title"], DRAFT, " ".join([_what_stays(row), *notes]))
    plan.changes.append(change)
    _write(kind, entry, data, row, errors, store=store)
    return True


def _what_stays(row: Page) -> str:
    live = row.live_release
    if live is None:
        return "Your draft stays in the history."
    newest = row.revisions.first()
    if newest is not None and newest.content_hash != live.revision.content_hash:
        return "Patients read what they read now. Your newer draft stays in the history."
    return "Patients read what they read now."


def _without_strangers(data: dict[str, Any], coming: set[str]) -> list[str]:
    """Leave out links to pages that are neither here nor in the bundle; sentences say which."""
    here = set(Page.objects.in_language(data["language"]).values_list("subject", flat=True))
    known = here | {key.split(" ")[1] for key in coming if key.startswith(f"{data['language']} ")}
    notes = []
    if data["next"] and data["next"]["page"] not in known:
        notes.append(f"Its next step “{data['next']['page']}” is not here: choose another one.")
        data["next"] = {}
    missing = [item["page"] for item in data["items"] if item["page"] not in known]
    if missing:
        notes.append(f"Its reading list leaves out what is not here: {', '.join(missing)}.")
        data["items"] = [item for item in data["items"] if item["page"] in known]
    return notes


def _as_draft(kind: Any, entry: Entry, data: dict[str, Any], actor: User | None, errors: list[ContentError]) -> None:
    try:
        kind.connect(entry.key, data)
    except (ValidationError, LookupError) as error:
        errors.append(entry.error(str(error.args[0])))
        return
    page = Page.objects.get(language=data["language"], subject=data["subject"])
    # Whoever has this page open learns that it was changed.
    claim_version(page, expected=page.draft_version)
    revision = save_revision(page, author=actor, note="Imported from a bundle")
    ReleaseEvent.objects.create(page=page, kind=EventKind.IMPORTED, revision=revision, actor=actor)
