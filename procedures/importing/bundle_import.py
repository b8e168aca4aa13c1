"""Opens a bundle that somebody sent. Nothing in it is believed: names, sizes and contents are checked first."""

import hashlib
import json
import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from portal.accounts.models import User
from procedures.enums import EventKind
from procedures.figures.decoding import DecodedImage
from procedures.figures.unused_files import rollback_files
from procedures.importing.bundle_export import BUNDLE_FORMAT, BUNDLE_VERSION, MANIFEST_NAME, bundle_serializers
from procedures.importing.content_files import ContentEntry, ContentError, ContentErrors
from procedures.importing.figure_serializers import FigureSerializer
from procedures.importing.page_serializer import PageSerializer
from procedures.importing.serializers import Serializer, WarningSignSerializer, read_clean_entries, to_content_errors
from procedures.models import Page, ReleaseEvent
from procedures.publishing import warning_signs
from procedures.revisions.drafts import check_and_bump_version, save_revision

SLUG_PATTERN = r"[a-z0-9]+(?:-[a-z0-9]+)*"
MEMBER_NAME_RE = re.compile(
    rf"(?:(?:pages|guides)/[a-z]{{2}}/{SLUG_PATTERN}\.md|figures/{SLUG_PATTERN}\.(?:yaml|png|svg)|series/[a-z]{{2}}/{SLUG_PATTERN}\.yaml|"
    r"(?:sources|warning_signs)\.yaml)\Z"
)
MEGABYTE_BYTES = 1024 * 1024
MAX_BUNDLE_FILES, MAX_BUNDLE_BYTES, MAX_MEMBER_BYTES = 3000, 400 * MEGABYTE_BYTES, 64 * MEGABYTE_BYTES
MAX_MANIFEST_BYTES = 2 * MEGABYTE_BYTES


class InvalidBundleError(ValueError):
    """The file cannot be used. The message is a sentence for who brought it."""


def extract_bundle(file: Any, folder: Path) -> list[str]:
    """Write the bundle's files below ``folder`` and return their names. ``file``: a path or an open binary file.

    Raises BadBundleError; what was written by then lies in ``folder``, which is the caller's to throw away.
    """
    try:
        with zipfile.ZipFile(file) as bundle:
            return _extract_members(bundle, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, UnicodeError) as error:
        raise InvalidBundleError("This is not a whole bundle. Export it again from the other portal.") from error


def _extract_members(bundle: zipfile.ZipFile, folder: Path) -> list[str]:
    members = _list_members(bundle)
    if MANIFEST_NAME not in members:
        raise InvalidBundleError("This zip is not a bundle of pages: it has no manifest.json.")
    listed = _parse_manifest(_read_member(bundle, members.pop(MANIFEST_NAME), MAX_MANIFEST_BYTES))
    if listed.keys() != members.keys():
        odd = sorted(listed.keys() ^ members.keys())[0]
        raise InvalidBundleError(f"The bundle and its list of files do not agree about {odd[:80]}.")
    left = MAX_BUNDLE_BYTES
    for name, member in members.items():
        data = _read_member(bundle, member, min(left, MAX_MEMBER_BYTES))
        left -= len(data)
        if hashlib.sha256(data).hexdigest() != listed[name]:
            raise InvalidBundleError(f"{name} was changed on its way. Export the bundle again.")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return sorted(members)


def _list_members(bundle: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files by name. Names are compared with what a bundle can hold, so none can lead out of the folder."""
    found: dict[str, zipfile.ZipInfo] = {}
    infos = bundle.infolist()
    if len(infos) > MAX_BUNDLE_FILES:
        raise InvalidBundleError(f"The bundle holds more than {MAX_BUNDLE_FILES} files.")
    for info in infos:
        name = info.filename
        if not (name == MANIFEST_NAME or MEMBER_NAME_RE.match(name)):
            raise InvalidBundleError(f"The bundle holds a file that does not belong in one: {name[:80]!r}.")
        if name in found:
            raise InvalidBundleError(f"{name} stands in the bundle twice.")
        mode = info.external_attr >> 16
        if stat.S_ISLNK(mode) or info.flag_bits & 1:
            raise InvalidBundleError(f"{name} is a link or is encrypted. A bundle holds plain files only.")
        found[name] = info
    if sum(info.file_size for info in infos) > MAX_BUNDLE_BYTES:
        raise InvalidBundleError(
            f"The bundle is larger than {MAX_BUNDLE_BYTES // MEGABYTE_BYTES} MB when it is unpacked."
        )
    return found


def _read_member(bundle: zipfile.ZipFile, member: zipfile.ZipInfo, max_bytes: int) -> bytes:
    """At most ``most`` bytes, whatever the zip says of itself."""
    with bundle.open(member) as stream:
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise InvalidBundleError(f"{member.filename} is too large.")
    return data


def _parse_manifest(data: bytes) -> dict[str, str]:
    """sha256 by name."""
    try:
        manifest = json.loads(data)
        if manifest["format"] != BUNDLE_FORMAT:
            raise InvalidBundleError("This zip is not a bundle of pages.")
        if manifest["version"] != BUNDLE_VERSION:
            raise InvalidBundleError(
                "This bundle was made by another version of the portal. Bring both to the same one."
            )
        return {str(row["name"]): str(row["sha256"]) for row in manifest["files"]}
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        if isinstance(error, InvalidBundleError):
            raise
        raise InvalidBundleError("The bundle's manifest.json cannot be read.") from error


ACTION_NEW, ACTION_SAME, ACTION_DRAFT, ACTION_KEPT = "new", "same", "draft", "kept"


@dataclass
class BundleChange:
    """One row of a bundle. ``what``: new, same, draft (a page's text is replaced as a draft), kept (left as it is)."""

    kind: str
    key: str
    title: str
    action: str
    note: str = ""


@dataclass
class ImportPlan:
    """What an import would do, or did."""

    changes: list[BundleChange] = field(default_factory=list)
    pictures: dict[str, DecodedImage] = field(default_factory=dict)  # of new figures, by slug

    def with_action(self, *actions: str) -> list[BundleChange]:
        """Only those."""
        return [change for change in self.changes if change.action in actions]

    @property
    def pages(self) -> list[BundleChange]:
        """Pages that can be brought in."""
        return [change for change in self.with_action(ACTION_NEW, ACTION_DRAFT) if change.kind == "page"]


class UnconfirmedPicturesError(Exception):
    """New pictures that the importing person has not seen or not confirmed; ``slugs`` names them."""

    def __init__(self, slugs: list[str]) -> None:
        super().__init__(", ".join(slugs))
        self.slugs = slugs


class _DryRunRollback(Exception):  # noqa: N818 -- not an error: ends a dry run
    """Undoes a dry run."""


def import_bundle(
    file: Any,
    *,
    actor: User | None,
    check: bool,
    is_wanted: Callable[[str], bool] = lambda _: True,
    is_confirmed: Callable[[str, DecodedImage], bool] = lambda _slug, _picture: True,
) -> ImportPlan:
    """Import a bundle. ``check``: do everything and keep nothing. ``wanted``: which pages, by “language subject”.

    ``answered_for``: whether the importing person was shown a new picture and confirmed that it shows no name; a
    command confirms all of them. Raises NotShownError otherwise, and BadBundleError with a sentence, or with one line
    for each row that cannot be used; then nothing changed.
    """
    plan = ImportPlan()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        extract_bundle(file, folder)
        try:
            rows = _read_rows(folder, actor)
            with rollback_files(), transaction.atomic():
                _apply_rows(rows, plan, actor, is_wanted, check=check)
                missing = [slug for slug, picture in plan.pictures.items() if not is_confirmed(slug, picture)]
                if missing and not check:
                    raise UnconfirmedPicturesError(missing)
                if check:
                    raise _DryRunRollback
        except _DryRunRollback:
            pass
        except ContentErrors as errors:
            lines = [str(error).replace(f"{folder}/", "") for error in errors.errors]
            raise InvalidBundleError("\n".join(lines)) from errors
    return plan


BundleRow = tuple[Serializer[Any], ContentEntry, dict[str, Any]]


def _read_rows(folder: Path, actor: User | None) -> list[BundleRow]:
    rows: list[BundleRow] = []
    errors: list[ContentError] = []
    for kind in bundle_serializers(actor):
        for file in kind.iter_files(folder):
            # A list of sources is named whether or not it is there.
            if not file.exists():
                continue
            rows += [(kind, entry, data) for entry, data in read_clean_entries(kind, file, errors)]
    if errors:
        raise ContentErrors(errors)
    return rows


def _apply_rows(
    rows: list[BundleRow], plan: ImportPlan, actor: User | None, is_wanted: Callable[[str], bool], *, check: bool
) -> None:
    errors: list[ContentError] = []
    pages: list[BundleRow] = []
    signs = [(entry, data) for kind, entry, data in rows if isinstance(kind, WarningSignSerializer)]
    for kind, entry, data in (row for row in rows if not isinstance(row[0], WarningSignSerializer)):
        row = kind.find_row(entry.key)
        if isinstance(kind, PageSerializer):
            if is_wanted(entry.key):
                pages.append((kind, entry, data))
            continue
        if row is not None:
            same = kind.serialize(row) == data
            words = "" if same else "It differs from ours, which stays as it is."
            plan.changes.append(
                BundleChange(kind.name, entry.key, entry.key, ACTION_SAME if same else ACTION_KEPT, words)
            )
            continue
        plan.changes.append(BundleChange(kind.name, entry.key, entry.key, ACTION_NEW))
        if isinstance(kind, FigureSerializer) and (picture := kind.decoded_image(data)):
            plan.pictures[entry.key] = picture
        _write_row(kind, entry, data, None, errors, store_files=not check)
    _import_warning_signs(signs, plan, actor, errors)
    coming = {entry.key for _, entry, _ in pages}
    changed = [row for row in pages if _import_page(*row, plan, coming, errors, store_files=not check)]
    if errors:
        raise ContentErrors(errors)
    for kind, entry, data in changed:
        _save_draft(kind, entry, data, actor, errors)
    if errors:
        raise ContentErrors(errors)


def _import_warning_signs(
    signs: list[tuple[ContentEntry, dict[str, Any]]], plan: ImportPlan, actor: User | None, errors: list[ContentError]
) -> None:
    """Another portal's list of warning signs. Where there is a list, it changes nothing: it waits for a reviewer."""
    if not signs:
        return
    entry, content = signs[0][0], [data for _, data in signs]
    title, current = "Warning signs", warning_signs.get_live_list()
    if current == content:
        plan.changes.append(BundleChange(WarningSignSerializer.name, title, title, ACTION_SAME))
        return
    try:
        if not current:
            warning_signs.create_starter_list(content)
            plan.changes.append(BundleChange(WarningSignSerializer.name, title, title, ACTION_NEW))
            return
        waits = warning_signs.propose_imported_list(content, author=actor)
    except ValidationError as error:
        errors += to_content_errors(error, entry)
        return
    words = "Ours stays as it is. " + ("The other list waits for review." if waits else "A list of ours is in review.")
    plan.changes.append(BundleChange(WarningSignSerializer.name, title, title, ACTION_KEPT, words))


def _write_row(
    kind: Serializer[Any],
    entry: ContentEntry,
    data: dict[str, Any],
    row: Any,
    errors: list[ContentError],
    *,
    store_files: bool,
) -> None:
    try:
        with transaction.atomic():
            kind.save_row(entry.key, data, row, store_files=store_files)
    except ValidationError as error:
        errors += to_content_errors(error, entry)
    except LookupError as error:
        errors.append(entry.make_error(str(error.args[0])))


def _import_page(
    kind: Any,
    entry: ContentEntry,
    data: dict[str, Any],
    plan: ImportPlan,
    imported_keys: set[str],
    errors: list[ContentError],
    *,
    store_files: bool,
) -> bool:
    """Write one page's draft; False when it is the same already or cannot be taken."""
    row: Page | None = kind.find_row(entry.key)
    notes = _drop_unknown_links(data, imported_keys)
    if row is None:
        data["code"] = "" if Page.objects.filter(code=data["code"]).exists() else data["code"]
        change = BundleChange("page", entry.key, data["title"], ACTION_NEW, " ".join(notes))
    else:
        if row.kind != data["kind"]:
            errors.append(
                entry.make_error(f"Here this page is of the kind “{row.kind}”. Its kind never changes.", "kind")
            )
            return False
        # Where it stands among our pages, its code and whether it is public are ours.
        data |= {"order": row.order, "code": row.code, "public": row.live_release_id is not None}
        if kind.serialize(row) == data:
            plan.changes.append(BundleChange("page", entry.key, data["title"], ACTION_SAME))
            return False
        change = BundleChange(
            "page", entry.key, data["title"], ACTION_DRAFT, " ".join([_describe_unchanged(row), *notes])
        )
    plan.changes.append(change)
    _write_row(kind, entry, data, row, errors, store_files=store_files)
    return True


def _describe_unchanged(row: Page) -> str:
    live = row.live_release
    if live is None:
        return "Your draft stays in the history."
    newest = row.revisions.first()
    if newest is not None and newest.content_hash != live.revision.content_hash:
        return "Patients read what they read now. Your newer draft stays in the history."
    return "Patients read what they read now."


def _drop_unknown_links(data: dict[str, Any], imported_keys: set[str]) -> list[str]:
    """Leave out links to pages that are neither here nor in the bundle; sentences say which."""
    here = set(Page.objects.in_language(data["language"]).values_list("subject", flat=True))
    known = here | {key.split(" ")[1] for key in imported_keys if key.startswith(f"{data['language']} ")}
    notes = []
    if data["next"] and data["next"]["page"] not in known:
        notes.append(f"Its next step “{data['next']['page']}” is not here: choose another one.")
        data["next"] = {}
    missing = [item["page"] for item in data["items"] if item["page"] not in known]
    if missing:
        notes.append(f"Its reading list leaves out what is not here: {', '.join(missing)}.")
        data["items"] = [item for item in data["items"] if item["page"] in known]
    return notes


def _save_draft(
    kind: Any, entry: ContentEntry, data: dict[str, Any], actor: User | None, errors: list[ContentError]
) -> None:
    try:
        kind.link_pages(entry.key, data)
    except (ValidationError, LookupError) as error:
        errors.append(entry.make_error(str(error.args[0])))
        return
    page = Page.objects.get(language=data["language"], subject=data["subject"])
    # Whoever has this page open learns that it was changed.
    check_and_bump_version(page, expected_version=page.draft_version)
    revision = save_revision(page, author=actor, note="Imported from a bundle")
    ReleaseEvent.objects.create(page=page, kind=EventKind.IMPORTED, revision=revision, actor=actor)
