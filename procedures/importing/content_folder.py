"""The content folder into the database: everything is read and checked first, then written in one transaction."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from procedures import languages
from procedures.figures.approval import record_approval, unapproved_figures
from procedures.figures.unused_files import rollback_files
from procedures.importing.content_files import ContentEntry, ContentError, ContentErrors
from procedures.importing.figure_serializers import FigureSerializer, SeriesSerializer
from procedures.importing.page_serializer import PageSerializer
from procedures.importing.serializers import (
    ClinicalCodeSerializer,
    ClinicAnswerSerializer,
    ClinicSerializer,
    GlossaryTermSerializer,
    LocationSerializer,
    Serializer,
    SourceSerializer,
    WarningSignSerializer,
    read_clean_entries,
    to_content_errors,
)
from procedures.models import Figure, ImportedRecord, Page, Release, Revision
from procedures.publishing import warning_signs
from procedures.publishing.anchor_redirects import render_draft
from procedures.publishing.checks import find_broken_links
from procedures.publishing.publish import PublishError, publish_starter, rerelease_picture_indexes
from procedures.publishing.rerelease import pages_from_older_renderer, rerelease_pages, update_clinic_values
from procedures.rendering import Issue, ReferenceResolver
from procedures.revisions.drafts import save_revision

# Blocks that list what is public; the second lists pages with the first, too.
LIST_BLOCKS = ("::: pictures", "::: reading-levels")
Progress = Callable[[str], None]
Row = tuple[Serializer[Any], ContentEntry, dict[str, Any]]


@dataclass
class LoadReport:
    """What a load did: rows by name."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: int = 0
    skipped: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    # Pages whose text did not change, released again with new clinic values or by a newer renderer.
    rereleased: list[str] = field(default_factory=list)


class _CheckRollback(Exception):  # noqa: N818 -- not an error: ends a check
    """Undoes a check."""


def all_serializers() -> list[Serializer[Any]]:
    """All kinds, each after those it refers to."""
    return [
        ClinicSerializer(),
        LocationSerializer(),
        SourceSerializer(),
        WarningSignSerializer(),
        ClinicalCodeSerializer(),
        GlossaryTermSerializer(),
        ClinicAnswerSerializer(),
        FigureSerializer(),
        SeriesSerializer(),
        PageSerializer(),
    ]


def load_content_folder(folder: Path, *, check: bool = False, progress: Progress = lambda _: None) -> LoadReport:
    """Load a content folder. Raises ContentErrors with all that is wrong; then nothing has changed.

    ``check`` does everything and keeps nothing: the transaction is undone and no file is written.
    """
    rows = _read_rows(folder, progress)
    report = LoadReport()
    try:
        with rollback_files(), update_clinic_values() as update:
            _apply_rows(rows, report, progress, store_files=not check)
            update.apply()
            renewed = [*update.releases, *rerelease_pages(pages_from_older_renderer(), actor=None)]
            report.rereleased = [release.path for release in renewed]
            if check:
                raise _CheckRollback
    except _CheckRollback:
        pass
    except PublishError as refused:
        raise ContentErrors([ContentError(folder, 1, problem.message) for problem in refused.issues]) from refused
    return report


def validate_content_folder(folder: Path, progress: Progress = lambda _: None) -> int:
    """Read and check every file without a database; the number of rows. Raises ContentErrors."""
    return len(_read_rows(folder, progress))


def _read_rows(folder: Path, progress: Progress) -> list[Row]:
    if not folder.is_dir():
        raise ContentErrors([ContentError(folder, 1, "There is no such folder.")])
    rows: list[Row] = []
    errors: list[ContentError] = []
    seen: dict[tuple[str, str], Path] = {}
    for kind in all_serializers():
        for file in kind.iter_files(folder):
            progress(f"reading {file.relative_to(folder)}")
            for entry, data in read_clean_entries(kind, file, errors):
                if (kind.name, entry.key) in seen:
                    other = seen[kind.name, entry.key].name
                    errors.append(entry.make_error(f"{kind.name} {entry.key} is also in {other}."))
                    continue
                seen[kind.name, entry.key] = file
                rows.append((kind, entry, data))
    if errors:
        raise ContentErrors(errors)
    return rows


def _apply_rows(rows: list[Row], report: LoadReport, progress: Progress, *, store_files: bool) -> None:
    errors: list[ContentError] = []
    written: list[Row] = []
    for kind, entry, data in rows:
        if not _should_write(kind, entry, data, report):
            continue
        progress(f"{kind.name} {entry.key}")
        written.append((kind, entry, data))
        with _collecting_errors(entry, errors):
            kind.save_row(entry.key, data, kind.find_row(entry.key), store_files=store_files)
    _approve_supplied_figures(rows)
    pages = [(kind, entry, data) for kind, entry, data in written if isinstance(kind, PageSerializer)]
    for kind, entry, data in pages if not errors else []:
        with _collecting_errors(entry, errors):
            kind.link_pages(entry.key, data)
    if errors:
        raise ContentErrors(errors)
    signs = [entry for kind, entry, _ in written if isinstance(kind, WarningSignSerializer)]
    if signs:
        _record_warning_signs(signs)
    _publish_pages([entry for _, entry, data in pages if data["public"]], report, progress)
    if signs:
        report.released += [release.path for release in _release_warning_signs(signs[0])]
    for kind, entry, _ in written:
        _record_imported(kind, entry)


def _record_warning_signs(signs: list[ContentEntry]) -> None:
    """The whole list, as the folder left it, becomes a revision that a reviewer can approve."""
    if problems := warning_signs.check_list(warning_signs.get_live_list()):
        raise ContentErrors([signs[0].make_error(problem) for problem in problems])
    warning_signs.record_starter_list()


def _release_warning_signs(entry: ContentEntry) -> list[Release]:
    """Public pages whose own file did not change print the new signs in the same transaction."""
    try:
        return warning_signs.rerelease_affected_pages(actor=None)
    except PublishError as refused:
        raise ContentErrors(_locate_issues(entry, refused.issues)) from refused


class _collecting_errors:  # noqa: N801 -- reads as a statement
    """Turns what a model refuses into errors that name file and line; the load goes on to find them all."""

    def __init__(self, entry: ContentEntry, errors: list[ContentError]) -> None:
        self.entry, self.errors = entry, errors
        self.savepoint = transaction.atomic()

    def __enter__(self) -> None:
        self.savepoint.__enter__()

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        self.savepoint.__exit__(kind, error, trace)
        if isinstance(error, ValidationError):
            self.errors += to_content_errors(error, self.entry)
        elif isinstance(error, LookupError):
            sentence, *field = (str(part) for part in error.args)
            self.errors.append(self.entry.make_error(sentence, *field))
        else:
            return False
        return True


def row_fingerprint(data: dict[str, Any]) -> str:
    """sha256 of a row's plain data."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _should_write(kind: Serializer[Any], entry: ContentEntry, data: dict[str, Any], report: LoadReport) -> bool:
    """Whether to write this row: it is new, or still as it was loaded and the file has changed."""
    name = f"{kind.name} {entry.key}"
    row = kind.find_row(entry.key)
    loaded = ImportedRecord.objects.filter(kind=kind.name, key=entry.key).first()
    if row is None:
        if loaded:
            report.skipped.append(f"{name}: deleted here, left deleted")
            return False
        if why := kind.skip_reason():
            report.skipped.append(f"{name}: {why}")
            return False
        report.created.append(name)
        return True
    current = kind.serialize(row)
    if current != data and (why := kind.skip_reason()):
        report.skipped.append(f"{name}: {why}")
        return False
    if "code" in data and not data["code"]:
        data["code"] = current["code"]
    if current == data:
        if loaded is None or loaded.sha256 != row_fingerprint(current):
            _record_imported(kind, entry)
        report.unchanged += 1
        return False
    if loaded is None or loaded.sha256 != row_fingerprint(current):
        report.skipped.append(f"{name}: changed here, left as it is")
        return False
    report.updated.append(name)
    return True


def _approve_supplied_figures(rows: list[Row]) -> None:
    """Pictures of the content folder may be public without a reviewer, as long as they have not been replaced."""
    supplied = {entry.key: (kind, data) for kind, entry, data in rows if isinstance(kind, FigureSerializer)}
    figures = Figure.objects.filter(slug__in=supplied).prefetch_related("texts", "markers__texts", "renditions")
    ours = [figure for figure in figures if supplied[figure.slug][0].matches_figure(figure, supplied[figure.slug][1])]
    for figure in unapproved_figures(ours):
        record_approval(figure, None)


def _record_imported(kind: Serializer[Any], entry: ContentEntry) -> None:
    row = kind.find_row(entry.key)
    ImportedRecord.objects.update_or_create(
        kind=kind.name, key=entry.key, defaults={"sha256": row_fingerprint(kind.serialize(row))}
    )


def _publish_pages(entries: list[ContentEntry], report: LoadReport, progress: Progress) -> None:
    """Publish new and updated pages as starter text; a page that a reviewer has approved keeps its release."""
    errors: list[ContentError] = []
    published: list[tuple[ContentEntry, Page]] = []
    libraries: dict[str, ReferenceResolver] = {}
    # What lists all public pages comes when they are public.
    for entry in sorted(entries, key=lambda entry: [name in entry.data["body"] for name in reversed(LIST_BLOCKS)]):
        language, subject = entry.key.split(" ")
        page = Page.objects.select_related("live_release").get(language=language, subject=subject)
        revision = save_revision(page, author=None, note="From the content folder")
        _record_translation_source(page)
        if page.live_release and not page.live_release.is_starter:
            report.skipped.append(
                f"page {entry.key}: the draft is new; the approved text stays public until you publish"
            )
            continue
        progress(f"publishing {page.planned_path}")
        library = libraries.setdefault(language, ReferenceResolver(language))
        try:
            publish_starter(revision, library=library)
        except PublishError as refused:
            errors += _locate_issues(entry, refused.issues)
            continue
        report.released.append(page.planned_path)
        published.append((entry, page))
    if errors:
        raise ContentErrors(errors)
    rerelease_picture_indexes(actor=None)
    errors = list(_find_broken_links(published))
    if errors:
        raise ContentErrors(errors)


def _record_translation_source(page: Page) -> None:
    """Which English text this translation was made from: the newest one of the content folder, loaded before it.

    Only a translation that is loaded now is noted: one whose file stays as it was falls behind its English.
    """
    if page.language == languages.DEFAULT:
        return
    sources = Revision.objects.filter(page__subject=page.subject, page__language=languages.DEFAULT, author=None)
    page.translated_from = sources.order_by("-number").first()
    page.save(update_fields=["translated_from"])


def _find_broken_links(published: list[tuple[ContentEntry, Page]]) -> Iterator[ContentError]:
    """Links can only be followed once all pages are public."""
    libraries: dict[str, ReferenceResolver] = {}
    for entry, page in published:
        library = libraries.setdefault(page.language, ReferenceResolver(page.language))
        rendered = render_draft(page, page.draft_content(), library=library)
        yield from _locate_issues(entry, find_broken_links(page, rendered))


def _locate_issues(entry: ContentEntry, problems: list[Issue]) -> list[ContentError]:
    return [
        ContentError(entry.file, problem.line + entry.body_line if problem.line else 1, problem.message)
        for problem in problems
    ]


def dump_content_folder(folder: Path) -> None:
    """Write everything below ``folder``, which must be empty or missing.

    Raises FileExistsError if it is neither, and OSError if the disk refuses; then the folder is as it was.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty. Name an empty or new folder.")
    try:
        for kind in all_serializers():
            kind.write_files(folder)
    except BaseException:
        for entry in folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        if is_new:
            folder.rmdir()
        raise
