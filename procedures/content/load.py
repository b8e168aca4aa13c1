"""The content folder into the database: everything is read and checked first, then written in one transaction."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from procedures.content.files import ContentError, ContentErrors, Entry
from procedures.content.kinds import Kind, all_entries, explain
from procedures.content.pages import PageContentKind
from procedures.content.pictures import FigureKind, SeriesKind
from procedures.content.reference import (
    CareKind,
    ClinicKind,
    CodeKind,
    LocationKind,
    SourceKind,
    TermKind,
    WarningSignKind,
)
from procedures.enums import Language
from procedures.figures.approval import record, unapproved
from procedures.figures.orphans import undone_on_failure
from procedures.markdown import Library, Problem
from procedures.models import ContentRow, Figure, Page, Release, Revision
from procedures.publishing import warning_signs
from procedures.publishing.anchors import render_draft
from procedures.publishing.drafts import save_revision
from procedures.publishing.publish import PublishRefusedError, publish_starter, rebuild_indexes
from procedures.publishing.readiness import broken_links
from procedures.publishing.rerelease import updating_pages

# Blocks that list what is public; the second lists pages with the first, too.
LISTS = ("::: pictures", "::: reading-levels")
Progress = Callable[[str], None]
Row = tuple[Kind[Any], Entry, dict[str, Any]]


@dataclass
class Report:
    """What a load did: rows by name."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: int = 0
    left: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    # Addresses of pages whose words stayed, released again with the clinic's new values.
    renewed: list[str] = field(default_factory=list)


class _Rollback(Exception):  # noqa: N818 -- not an error: ends a check
    """Undoes a check."""


def kinds() -> list[Kind[Any]]:
    """All kinds, each after those it refers to."""
    return [
        ClinicKind(),
        LocationKind(),
        SourceKind(),
        WarningSignKind(),
        CodeKind(),
        TermKind(),
        CareKind(),
        FigureKind(),
        SeriesKind(),
        PageContentKind(),
    ]


def load(folder: Path, *, check: bool = False, progress: Progress = lambda _: None) -> Report:
    """Load a content folder. Raises ContentErrors with all that is wrong; then nothing has changed.

    ``check`` does everything and keeps nothing: the transaction is undone and no file is written.
    """
    rows = _read(folder, progress)
    report = Report()
    try:
        with undone_on_failure(), updating_pages() as update:
            _apply(rows, report, progress, store=not check)
            update.apply()
            report.renewed = [release.path for release in update.releases]
            if check:
                raise _Rollback
    except _Rollback:
        pass
    except PublishRefusedError as refused:
        raise ContentErrors([ContentError(folder, 1, problem.sentence) for problem in refused.problems]) from refused
    return report


def read_only(folder: Path, progress: Progress = lambda _: None) -> int:
    """Read and check every file without a database; the number of rows. Raises ContentErrors."""
    return len(_read(folder, progress))


def _read(folder: Path, progress: Progress) -> list[Row]:
    if not folder.is_dir():
        raise ContentErrors([ContentError(folder, 1, "There is no such folder.")])
    rows: list[Row] = []
    errors: list[ContentError] = []
    seen: dict[tuple[str, str], Path] = {}
    for kind in kinds():
        for file in kind.files(folder):
            progress(f"reading {file.relative_to(folder)}")
            for entry, data in all_entries(kind, file, errors):
                if (kind.name, entry.key) in seen:
                    other = seen[kind.name, entry.key].name
                    errors.append(entry.error(f"{kind.name} {entry.key} is also in {other}."))
                    continue
                seen[kind.name, entry.key] = file
                rows.append((kind, entry, data))
    if errors:
        raise ContentErrors(errors)
    return rows


def _apply(rows: list[Row], report: Report, progress: Progress, *, store: bool) -> None:
    errors: list[ContentError] = []
    written: list[Row] = []
    for kind, entry, data in rows:
        if not _wanted(kind, entry, data, report):
            continue
        progress(f"{kind.name} {entry.key}")
        written.append((kind, entry, data))
        with _explained(entry, errors):
            kind.apply(entry.key, data, kind.find(entry.key), store=store)
    _supply(rows)
    pages = [(kind, entry, data) for kind, entry, data in written if isinstance(kind, PageContentKind)]
    for kind, entry, data in pages if not errors else []:
        with _explained(entry, errors):
            kind.connect(entry.key, data)
    if errors:
        raise ContentErrors(errors)
    signs = [entry for kind, entry, _ in written if isinstance(kind, WarningSignKind)]
    if signs:
        _note_signs(signs)
    _release([entry for _, entry, data in pages if data["public"]], report, progress)
    if signs:
        report.released += [release.path for release in _release_signs(signs[0])]
    for kind, entry, _ in written:
        _remember(kind, entry)


def _note_signs(signs: list[Entry]) -> None:
    """The whole list, as the folder left it, becomes a revision that a reviewer can approve."""
    if problems := warning_signs.problems(warning_signs.current()):
        raise ContentErrors([signs[0].error(problem) for problem in problems])
    warning_signs.note_starter()


def _release_signs(entry: Entry) -> list[Release]:
    """Public pages whose own file did not change print the new signs in the same transaction."""
    try:
        return warning_signs.release_pages(actor=None)
    except PublishRefusedError as refused:
        raise ContentErrors(_located(entry, refused.problems)) from refused


class _explained:  # noqa: N801 -- reads as a statement
    """Turns what a model refuses into errors that name file and line; the load goes on to find them all."""

    def __init__(self, entry: Entry, errors: list[ContentError]) -> None:
        self.entry, self.errors = entry, errors
        self.savepoint = transaction.atomic()

    def __enter__(self) -> None:
        self.savepoint.__enter__()

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        self.savepoint.__exit__(kind, error, trace)
        if isinstance(error, ValidationError):
            self.errors += explain(error, self.entry)
        elif isinstance(error, LookupError):
            sentence, *field = (str(part) for part in error.args)
            self.errors.append(self.entry.error(sentence, *field))
        else:
            return False
        return True


def fingerprint(data: dict[str, Any]) -> str:
    """sha256 of a row's plain data."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _wanted(kind: Kind[Any], entry: Entry, data: dict[str, Any], report: Report) -> bool:
    """Whether to write this row: it is new, or still as it was loaded and the file has changed."""
    name = f"{kind.name} {entry.key}"
    row = kind.find(entry.key)
    loaded = ContentRow.objects.filter(kind=kind.name, key=entry.key).first()
    if row is None:
        if loaded:
            report.left.append(f"{name}: deleted here, left deleted")
            return False
        if why := kind.kept_by_staff():
            report.left.append(f"{name}: {why}")
            return False
        report.created.append(name)
        return True
    current = kind.dump(row)
    if current != data and (why := kind.kept_by_staff()):
        report.left.append(f"{name}: {why}")
        return False
    if "code" in data and not data["code"]:
        data["code"] = current["code"]
    if current == data:
        if loaded is None or loaded.sha256 != fingerprint(current):
            _remember(kind, entry)
        report.unchanged += 1
        return False
    if loaded is None or loaded.sha256 != fingerprint(current):
        report.left.append(f"{name}: changed here, left as it is")
        return False
    report.updated.append(name)
    return True


def _supply(rows: list[Row]) -> None:
    """Pictures of the content folder may be public without a reviewer, as long as they have not been replaced."""
    supplied = {entry.key: (kind, data) for kind, entry, data in rows if isinstance(kind, FigureKind)}
    figures = Figure.objects.filter(slug__in=supplied).prefetch_related("texts", "markers__texts", "renditions")
    ours = [figure for figure in figures if supplied[figure.slug][0].shown_by(figure, supplied[figure.slug][1])]
    for figure in unapproved(ours):
        record(figure, None)


def _remember(kind: Kind[Any], entry: Entry) -> None:
    row = kind.find(entry.key)
    ContentRow.objects.update_or_create(kind=kind.name, key=entry.key, defaults={"sha256": fingerprint(kind.dump(row))})


def _release(entries: list[Entry], report: Report, progress: Progress) -> None:
    """Publish new and updated pages as starter text; a page that a reviewer has approved keeps its release."""
    errors: list[ContentError] = []
    published: list[tuple[Entry, Page]] = []
    libraries: dict[str, Library] = {}
    # What lists all public pages comes when they are public.
    for entry in sorted(entries, key=lambda entry: [name in entry.data["body"] for name in reversed(LISTS)]):
        language, subject = entry.key.split(" ")
        page = Page.objects.select_related("live_release").get(language=language, subject=subject)
        revision = save_revision(page, author=None, note="From the content folder")
        _note_source(page)
        if page.live_release and not page.live_release.is_starter:
            report.left.append(f"page {entry.key}: the draft is new; the approved text stays public until you publish")
            continue
        progress(f"publishing {page.planned_path}")
        library = libraries.setdefault(language, Library(language))
        try:
            publish_starter(revision, library=library)
        except PublishRefusedError as refused:
            errors += _located(entry, refused.problems)
            continue
        report.released.append(page.planned_path)
        published.append((entry, page))
    if errors:
        raise ContentErrors(errors)
    rebuild_indexes(actor=None)
    errors = list(_broken(published))
    if errors:
        raise ContentErrors(errors)


def _note_source(page: Page) -> None:
    """Which English text this translation was made from: the newest one of the content folder, loaded before it.

    Only a translation that is loaded now is noted: one whose file stays as it was falls behind its English.
    """
    if page.language == Language.ENGLISH:
        return
    sources = Revision.objects.filter(page__subject=page.subject, page__language=Language.ENGLISH, author=None)
    page.translated_from = sources.order_by("-number").first()
    page.save(update_fields=["translated_from"])


def _broken(published: list[tuple[Entry, Page]]) -> Iterator[ContentError]:
    """Links can only be followed once all pages are public."""
    libraries: dict[str, Library] = {}
    for entry, page in published:
        library = libraries.setdefault(page.language, Library(page.language))
        rendered = render_draft(page, page.draft(), library=library)
        yield from _located(entry, broken_links(page, rendered))


def _located(entry: Entry, problems: list[Problem]) -> list[ContentError]:
    return [
        ContentError(entry.file, problem.line + entry.body_line if problem.line else 1, problem.sentence)
        for problem in problems
    ]
