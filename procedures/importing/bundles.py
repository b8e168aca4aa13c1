"""Exchange of pages between portals.

A bundle is a zip of content files with everything that the pages show, and a manifest. A bundle to import is untrusted:
names, sizes, and contents are checked first. Pages are imported as drafts; what patients read does not change. Sources,
pictures, and series are only added: existing rows are left unchanged.
"""

import hashlib
import io
import json
import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from portal import MEGABYTE
from portal.accounts.models import User
from procedures.addresses import SLUG
from procedures.enums import EventKind
from procedures.figures.approval import FigureVersion, unapproved_figures
from procedures.figures.decoding import DecodedImage
from procedures.figures.renditions import rollback_files
from procedures.importing.content_files import (
    ContentEntry,
    ContentError,
    ContentErrors,
    DryRunRollback,
    ParsedRow,
    Serializer,
    collect_errors,
    read_clean_entries,
    to_content_errors,
)
from procedures.importing.figure_serializers import FigureSerializer, SeriesSerializer
from procedures.importing.serializers import PageSerializer, SourceSerializer, WarningSignSerializer
from procedures.models import Figure, Page, ReleaseEvent, WarningSign
from procedures.publishing import warning_signs
from procedures.publishing.publish import PublishError, lock_clinic_values
from procedures.rendering import ReferenceResolver, render_page
from procedures.revisions.drafts import check_and_bump_version, find_page_authors, save_revision

BUNDLE_FORMAT, BUNDLE_VERSION = "plainspine-bundle", 1
MANIFEST_NAME = "manifest.json"
COMPRESSION = zipfile.ZIP_DEFLATED
# A fixed date, the earliest that a zip can hold: the same rows give the same bytes.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
MEMBER_NAME_RE = re.compile(
    rf"(?:(?:pages|guides)/[a-z]{{2}}/{SLUG}\.md|figures/{SLUG}\.(?:yaml|png|svg)|"
    rf"series/[a-z]{{2}}/{SLUG}\.yaml|(?:sources|warning_signs)\.yaml)\Z"
)
MAX_BUNDLE_FILES = 3000
MAX_UNPACKED_BYTES = 400 * MEGABYTE
MAX_MEMBER_BYTES = 64 * MEGABYTE
MAX_MANIFEST_BYTES = 2 * MEGABYTE
# Values of BundleChange.action. KEPT: a row differs from the bundle, and the existing one stays.
ACTION_NEW, ACTION_SAME, ACTION_DRAFT, ACTION_KEPT = "new", "same", "draft", "kept"


class UnapprovedPicturesError(Exception):
    """A page to export shows pictures that no reviewer has approved. The message, for staff, names them."""


class InvalidBundleError(ValueError):
    """The bundle cannot be used. The message is for staff; it may have several lines, one per error."""


class UnconfirmedPicturesError(Exception):
    """Raised for new pictures that the user has not viewed and confirmed. ``slugs`` lists them."""

    def __init__(self, slugs: list[str]) -> None:
        super().__init__(", ".join(slugs))
        self.slugs = slugs


@dataclass
class BundleChange:
    """The outcome of an import for one row of a bundle.

    ``action``: ``new``, ``same``, ``draft`` (the page's draft is replaced), or ``kept`` (the existing row stays).
    """

    kind: str
    key: str
    title: str
    action: str
    note: str = ""


@dataclass
class ImportPlan:
    """What an import would do, or has done."""

    changes: list[BundleChange] = field(default_factory=list)
    pictures: dict[str, DecodedImage] = field(default_factory=dict)  # of new figures, by slug

    def with_action(self, *actions: str) -> list[BundleChange]:
        """Return the changes with one of these actions."""
        return [change for change in self.changes if change.action in actions]

    @property
    def pages(self) -> list[BundleChange]:
        """New and changed pages."""
        return [change for change in self.with_action(ACTION_NEW, ACTION_DRAFT) if change.kind == "page"]


def bundle_serializers(uploaded_by: User | None = None) -> list[Serializer[Any]]:
    """Return the serializers of a bundle, each after those that it refers to.

    Clinic, locations, clinic answers, glossary terms, and codes are not exchanged. ``uploaded_by`` is the person who
    imports a bundle, because people cannot approve pictures that they uploaded.
    """
    return [
        SourceSerializer(),
        WarningSignSerializer(),
        FigureSerializer(uploaded_by=uploaded_by),
        SeriesSerializer(),
        PageSerializer(is_bundle=True),
    ]


def collect_dependencies(pages: Iterable[Page]) -> dict[str, set[str]]:
    """Render the pages' drafts and return the keys of everything that they show, by the name of its serializer.

    Raise UnapprovedPicturesError.
    """
    keys: dict[str, set[str]] = {serializer.name: set() for serializer in bundle_serializers()}
    resolvers: dict[str, ReferenceResolver] = {}
    has_warning_signs = False
    for page in pages:
        resolver = resolvers.setdefault(page.language, ReferenceResolver(page.language, FigureVersion.CURRENT))
        rendered = render_page(page.draft_content(), kind=page.kind, resolver=resolver)
        keys[PageSerializer.name].add(f"{page.language} {page.subject}")
        for dependency in rendered.dependencies:
            if dependency.kind == "source":
                keys[SourceSerializer.name].add(dependency.key)
            elif dependency.kind == "figure":
                keys[FigureSerializer.name].add(dependency.key)
            elif dependency.kind == "signs":
                has_warning_signs = True
            elif dependency.kind == "series":
                keys[SeriesSerializer.name].add(f"{page.language} {dependency.key}")
    # The list is approved as a whole, so it is always exported as a whole.
    for sign in WarningSign.objects.all() if has_warning_signs else ():
        keys[WarningSignSerializer.name].add(sign.key)
        keys[SourceSerializer.name].update(sign.sources)
    if unapproved := unapproved_figures(list(Figure.objects.filter(slug__in=keys[FigureSerializer.name]))):
        slugs = ", ".join(f"“{figure.slug}”" for figure in unapproved)
        message = _("A reviewer has not approved these pictures yet: %(slugs)s. Send their pages to review first.")
        raise UnapprovedPicturesError(message % {"slugs": slugs})
    return keys


def write_bundle(pages: Iterable[Page], target: io.BufferedIOBase | Any) -> int:
    """Write a bundle of the pages' drafts to an open binary file and return the number of its content files.

    The same rows give the same bytes. Raise UnapprovedPicturesError before anything is written.
    """
    with tempfile.TemporaryDirectory() as temp_dir:
        folder = Path(temp_dir)
        keys = collect_dependencies(pages)
        for serializer in bundle_serializers():
            if keys[serializer.name]:
                serializer.write_files(folder, keys[serializer.name])
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        return _write_zip(folder, files, target, _collect_authors(keys[PageSerializer.name]))


def _collect_authors(page_keys: Iterable[str]) -> dict[str, list[str]]:
    """Return the usernames of all who wrote each page, by its key, so that they cannot approve it after an import."""
    usernames = dict(User.objects.values_list("pk", "username"))
    authors = {}
    for key in sorted(page_keys):
        language, subject = key.split(" ")
        page = Page.objects.get(language=language, subject=subject)
        authors[key] = sorted(usernames[author] for author in find_page_authors(page) if author in usernames)
    return authors


def _write_zip(folder: Path, files: list[Path], target: Any, authors: dict[str, list[str]]) -> int:
    manifest_files = []
    with zipfile.ZipFile(target, "w", COMPRESSION) as bundle:
        for file in files:
            data, name = file.read_bytes(), file.relative_to(folder).as_posix()
            manifest_files.append({"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()})
            _add_member(bundle, name, data)
        manifest = {
            "format": BUNDLE_FORMAT,
            "version": BUNDLE_VERSION,
            "files": manifest_files,
            "authors": authors,
        }
        _add_member(bundle, MANIFEST_NAME, json.dumps(manifest, indent=1).encode())
    return len(manifest_files)


def _add_member(bundle: zipfile.ZipFile, name: str, data: bytes) -> None:
    bundle.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), data, COMPRESSION)


def import_bundle(
    file: Any,
    *,
    actor: User | None,
    check: bool,
    should_include_page: Callable[[str], bool] = lambda _: True,
    is_confirmed: Callable[[str, DecodedImage], bool] = lambda _slug, _picture: True,
) -> ImportPlan:
    """Import a bundle (a path or an open binary file) in one transaction and return what was done.

    ``check`` makes it a dry run: everything is executed, then rolled back.
    ``should_include_page`` selects pages by their key, “language subject”.
    ``is_confirmed`` returns whether the user has viewed a new picture and confirmed that no name is visible in it. The
    default, for the command line, treats all pictures as confirmed.

    Raise UnconfirmedPicturesError (not in a dry run) or InvalidBundleError; in that case, nothing changes.
    """
    plan = ImportPlan()
    with tempfile.TemporaryDirectory() as temp_dir:
        folder = Path(temp_dir).resolve()
        extract_bundle(file, folder)
        try:
            rows = _read_rows(folder, actor)
            with rollback_files(), transaction.atomic():
                authors = _find_authors(file)
                _apply_rows(rows, plan, actor, should_include_page, authors, store_files=not check)
                unconfirmed = [slug for slug, picture in plan.pictures.items() if not is_confirmed(slug, picture)]
                if unconfirmed and not check:
                    raise UnconfirmedPicturesError(unconfirmed)
                if check:
                    raise DryRunRollback
        except DryRunRollback:
            pass
        except ContentErrors as error:
            lines = [str(line).replace(f"{folder}/", "") for line in error.errors]
            raise InvalidBundleError("\n".join(lines)) from error
    return plan


def extract_bundle(file: Any, folder: Path) -> list[str]:
    """Extract a bundle (a path or an open binary file) into ``folder`` and return the names of its files.

    Raise InvalidBundleError; ``folder`` may then hold some of the files, and the caller must discard it.
    """
    try:
        with zipfile.ZipFile(file) as bundle:
            return _extract_members(bundle, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, UnicodeError) as error:
        message = _("This file is not a complete bundle. Export it again from the other portal.")
        raise InvalidBundleError(message) from error


def _extract_members(bundle: zipfile.ZipFile, folder: Path) -> list[str]:
    members = _list_members(bundle)
    if MANIFEST_NAME not in members:
        raise InvalidBundleError(_("This zip is not a bundle of pages: it has no manifest.json."))
    hashes = _parse_manifest(_read_member(bundle, members.pop(MANIFEST_NAME), MAX_MANIFEST_BYTES))
    if hashes.keys() != members.keys():
        name = sorted(hashes.keys() ^ members.keys())[0]
        raise InvalidBundleError(_("The bundle does not match its list of files: %(name)s.") % {"name": name[:80]})
    remaining_bytes = MAX_UNPACKED_BYTES
    for name, member in members.items():
        data = _read_member(bundle, member, min(remaining_bytes, MAX_MEMBER_BYTES))
        remaining_bytes -= len(data)
        if hashlib.sha256(data).hexdigest() != hashes[name]:
            message = _("%(name)s was changed after the bundle was made. Export the bundle again.")
            raise InvalidBundleError(message % {"name": name})
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return sorted(members)


def _list_members(bundle: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name.

    Every name must match the pattern of names in a bundle, so none can lead outside the target folder.
    """
    members: dict[str, zipfile.ZipInfo] = {}
    infos = bundle.infolist()
    if len(infos) > MAX_BUNDLE_FILES:
        message = _("The bundle contains more than %(count)d files.")
        raise InvalidBundleError(message % {"count": MAX_BUNDLE_FILES})
    for info in infos:
        name = info.filename
        if not (name == MANIFEST_NAME or MEMBER_NAME_RE.match(name)):
            message = _("The bundle contains a file that does not belong in a bundle: %(name)r.")
            raise InvalidBundleError(message % {"name": name[:80]})
        if name in members:
            raise InvalidBundleError(_("The bundle contains %(name)s twice.") % {"name": name})
        mode = info.external_attr >> 16
        is_encrypted = bool(info.flag_bits & 1)
        if stat.S_ISLNK(mode) or is_encrypted:
            message = _("%(name)s is a link or is encrypted. A bundle contains only regular files.")
            raise InvalidBundleError(message % {"name": name})
        members[name] = info
    if sum(info.file_size for info in infos) > MAX_UNPACKED_BYTES:
        message = _("The bundle is larger than %(size)d MB when it is unpacked.")
        raise InvalidBundleError(message % {"size": MAX_UNPACKED_BYTES // MEGABYTE})
    return members


def _read_member(bundle: zipfile.ZipFile, member: zipfile.ZipInfo, max_bytes: int) -> bytes:
    """Read at most ``max_bytes``, whatever size the zip declares. Raise InvalidBundleError if there are more."""
    with bundle.open(member) as stream:
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise InvalidBundleError(_("%(name)s is too large.") % {"name": member.filename})
    return data


def _parse_manifest(data: bytes) -> dict[str, str]:
    """Return SHA-256 hashes by file name."""
    try:
        manifest = json.loads(data)
        if manifest["format"] != BUNDLE_FORMAT:
            raise InvalidBundleError(_("This zip is not a bundle of pages."))
        if manifest["version"] != BUNDLE_VERSION:
            raise InvalidBundleError(
                _("This bundle was made by another version of the portal. Update both portals to the same version.")
            )
        hashes = {str(file["name"]): str(file["sha256"]) for file in manifest["files"]}
        # A lone surrogate, which no screen can print, raises a ValueError.
        "".join(hashes).encode()
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        if isinstance(error, InvalidBundleError):
            raise
        raise InvalidBundleError(_("The bundle's manifest.json cannot be read.")) from error
    return hashes


def _find_authors(file: Any) -> dict[str, list[int]]:
    """Return, by the key of each page, the accounts of this portal that a valid bundle names as its authors.

    A bundle of an earlier version names none.
    """
    with zipfile.ZipFile(file) as bundle:
        manifest = json.loads(_read_member(bundle, bundle.getinfo(MANIFEST_NAME), MAX_MANIFEST_BYTES))
    named = manifest.get("authors")
    accounts: dict[Any, int] = dict(User.objects.values_list("username", "pk"))
    return {
        key: [accounts[name] for name in names if isinstance(name, str) and name in accounts]
        for key, names in (named.items() if isinstance(named, dict) else ())
        if isinstance(names, list)
    }


def _read_rows(folder: Path, actor: User | None) -> list[ParsedRow]:
    rows: list[ParsedRow] = []
    errors: list[ContentError] = []
    for serializer in bundle_serializers(actor):
        for file in serializer.iter_files(folder):
            # iter_files names sources.yaml whether or not it exists.
            if not file.exists():
                continue
            rows += [(serializer, entry, data) for entry, data in read_clean_entries(serializer, file, errors)]
    if errors:
        raise ContentErrors(errors)
    return rows


def _apply_rows(
    rows: list[ParsedRow],
    plan: ImportPlan,
    actor: User | None,
    should_include_page: Callable[[str], bool],
    authors: dict[str, list[int]],
    *,
    store_files: bool,
) -> None:
    errors: list[ContentError] = []
    pages: list[ParsedRow] = []
    signs: list[tuple[ContentEntry, dict[str, Any]]] = []
    for serializer, entry, data in rows:
        if isinstance(serializer, WarningSignSerializer):
            signs.append((entry, data))
        elif isinstance(serializer, PageSerializer):
            if should_include_page(entry.key):
                pages.append((serializer, entry, data))
        elif (row := serializer.find_row(entry.key)) is not None:
            is_same = serializer.serialize(row) == data
            action = ACTION_SAME if is_same else ACTION_KEPT
            note = "" if is_same else _("The version in this portal is different and is kept.")
            plan.changes.append(BundleChange(serializer.name, entry.key, entry.key, action, note))
        else:
            plan.changes.append(BundleChange(serializer.name, entry.key, entry.key, ACTION_NEW))
            if isinstance(serializer, FigureSerializer) and (picture := serializer.decoded_image(data)):
                plan.pictures[entry.key] = picture
            with collect_errors(entry, errors):
                serializer.save_row(entry.key, data, None, store_files=store_files)
    # From here on, no page is published, withdrawn, or saved in the meantime. Pictures are stored before, because that
    # takes long.
    lock_clinic_values()
    _import_warning_signs(signs, plan, actor, errors)
    imported_keys = {entry.key for _serializer, entry, _data in pages}
    changed = [row for row in pages if _import_page(*row, plan, imported_keys, errors, store_files=store_files)]
    if errors:
        raise ContentErrors(errors)
    for serializer, entry, data in changed:
        _save_draft(serializer, entry, data, actor, authors.get(entry.key, []), errors)
    if errors:
        raise ContentErrors(errors)


def _import_warning_signs(
    signs: list[tuple[ContentEntry, dict[str, Any]]], plan: ImportPlan, actor: User | None, errors: list[ContentError]
) -> None:
    """Import the other portal's list of warning signs.

    It becomes the starter list if there is none. Otherwise it is only proposed, and a reviewer decides whether to
    accept it.
    """
    if not signs:
        return
    entry, content = signs[0][0], [data for _entry, data in signs]
    title, current = _("Warning signs"), warning_signs.get_live_list()
    if current == content:
        plan.changes.append(BundleChange(WarningSignSerializer.name, title, title, ACTION_SAME))
        return
    try:
        if not current:
            warning_signs.create_starter_list(content)
            plan.changes.append(BundleChange(WarningSignSerializer.name, title, title, ACTION_NEW))
            return
        is_proposed = warning_signs.propose_imported_list(content, author=actor)
    except ValidationError as error:
        errors += to_content_errors(error, entry)
        return
    except PublishError as error:
        errors += [entry.make_error(issue.message) for issue in error.issues]
        return
    note = (
        _("The list in this portal is kept. The other list is waiting for review.")
        if is_proposed
        else _("The list in this portal is kept. The other list was not added, because a list is in review already.")
    )
    plan.changes.append(BundleChange(WarningSignSerializer.name, title, title, ACTION_KEPT, note))


def _import_page(
    serializer: Any,
    entry: ContentEntry,
    data: dict[str, Any],
    plan: ImportPlan,
    imported_keys: set[str],
    errors: list[ContentError],
    *,
    store_files: bool,
) -> bool:
    """Save the fields of one page. Return False if the page is unchanged or cannot be imported.

    ``imported_keys`` are the keys of all pages that this import includes.
    """
    row: Page | None = serializer.find_row(entry.key)
    notes = _drop_unknown_links(data, imported_keys)
    if row is None:
        data["code"] = "" if Page.objects.filter(code=data["code"]).exists() else data["code"]
        change = BundleChange("page", entry.key, data["title"], ACTION_NEW, " ".join(notes))
    else:
        if row.kind != data["kind"]:
            message = _("In this portal, the page's kind is “%(kind)s”. The kind of a page never changes.")
            errors.append(entry.make_error(message % {"kind": row.kind}, "kind"))
            return False
        # Order, short code, and publication belong to the portal, not to the bundle.
        data |= {"order": row.order, "code": row.code, "public": row.live_release_id is not None}
        if serializer.serialize(row) == data:
            plan.changes.append(BundleChange("page", entry.key, data["title"], ACTION_SAME))
            return False
        note = " ".join([_describe_existing(row), *notes])
        change = BundleChange("page", entry.key, data["title"], ACTION_DRAFT, note)
    plan.changes.append(change)
    with collect_errors(entry, errors):
        serializer.save_row(entry.key, data, row, store_files=store_files)
    return True


def _describe_existing(page: Page) -> str:
    """Return a note about what happens to the page's public text and its current draft."""
    if page.live_release is None:
        return _("Your current draft stays in the history.")
    newest = page.revisions.first()
    if newest is not None and not page.shows(newest.content_hash):
        return _("The public text does not change. Your newer draft stays in the history.")
    return _("The public text does not change.")


def _drop_unknown_links(data: dict[str, Any], imported_keys: set[str]) -> list[str]:
    """Remove links to pages that are in neither the portal nor the import; return notes that name them."""
    existing = set(Page.objects.in_language(data["language"]).values_list("subject", flat=True))
    known = existing | {key.split(" ")[1] for key in imported_keys if key.startswith(f"{data['language']} ")}
    notes = []
    next_subject = data["next"].get("page", "")
    if next_subject and next_subject not in known:
        note = _("Its next step, “%(page)s”, does not exist in this portal. Choose another one.")
        notes.append(note % {"page": next_subject})
        data["next"] = {}
    missing = [item["page"] for item in data["items"] if item["page"] not in known]
    if missing:
        note = _("These pages of its reading list do not exist in this portal and were left out: %(pages)s.")
        notes.append(note % {"pages": ", ".join(missing)})
        data["items"] = [item for item in data["items"] if item["page"] in known]
    return notes


def _save_draft(
    serializer: Any,
    entry: ContentEntry,
    data: dict[str, Any],
    actor: User | None,
    authors: list[int],
    errors: list[ContentError],
) -> None:
    """Link a saved page to other pages, and record it as a revision and an event."""
    with collect_errors(entry, errors):
        serializer.link_pages(entry.key, data)
        page = Page.objects.get(language=data["language"], subject=data["subject"])
        # The new version makes open editors of this page report a conflict when they save.
        check_and_bump_version(page, expected_version=page.draft_version)
        revision = save_revision(page, author=actor, note="Imported from a bundle", copied_authors=set(authors))
        ReleaseEvent.objects.create(page=page, kind=EventKind.IMPORTED, revision=revision, actor=actor)
