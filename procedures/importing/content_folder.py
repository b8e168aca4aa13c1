"""Loading of a content folder into the database, and dumping of the database to a content folder.

A load reads and validates all files first, then writes and publishes everything in one transaction, or nothing. It
never overwrites a row that staff have changed since the last load.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portal.storage.local_storage import create_output_folder
from procedures import languages
from procedures.figures.approval import record_approval, unapproved_figures
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
)
from procedures.importing.figure_serializers import FigureSerializer, SeriesSerializer
from procedures.importing.serializers import (
    ClinicalCodeSerializer,
    ClinicAnswerSerializer,
    ClinicSerializer,
    GlossaryTermSerializer,
    LocationSerializer,
    PageSerializer,
    SourceSerializer,
    WarningSignSerializer,
)
from procedures.models import Figure, ImportedRecord, Page, Release, Revision
from procedures.publishing import warning_signs
from procedures.publishing.anchor_redirects import render_with_anchor_plan
from procedures.publishing.checks import find_broken_links
from procedures.publishing.publish import PublishError, lock_page, publish_starter, rerelease_picture_indexes, withdraw
from procedures.publishing.rerelease import (
    find_stale_pages,
    pages_from_older_renderer,
    rerelease_pages,
    update_clinic_values,
)
from procedures.rendering import Issue, ReferenceResolver, RenderedPage
from procedures.revisions.drafts import save_revision

# Blocks that list public pages. Pages with one of them are published last, because the second block also lists the
# pages that contain the first.
LIST_BLOCKS = ("::: pictures", "::: reading-levels")
ProgressCallback = Callable[[str], None]


@dataclass
class LoadReport:
    """Result of a load. Rows are named “kind key”, pages by their public path."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: int = 0
    skipped: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    # Pages whose text did not change, released again with new clinic values or by a newer renderer.
    rereleased: list[str] = field(default_factory=list)


def all_serializers() -> list[Serializer[Any]]:
    """Return the serializers of all types, each after those that it refers to."""
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


def load_content_folder(
    folder: Path, *, check: bool = False, progress: ProgressCallback = lambda _: None
) -> LoadReport:
    """Load a content folder in one transaction. Raise ContentErrors with all errors; in that case, nothing changes.

    ``check`` makes it a dry run: everything is executed, then rolled back, and no media are written.
    """
    rows = _read_rows(folder, progress)
    report = LoadReport()
    try:
        with rollback_files(), update_clinic_values() as update:
            _apply_rows(rows, report, progress, store_files=not check)
            update.apply()
            rereleased = [*update.releases, *rerelease_pages(pages_from_older_renderer(), actor=None)]
            report.rereleased = [release.path for release in rereleased]
            if check:
                raise DryRunRollback
    except DryRunRollback:
        pass
    except PublishError as error:
        raise ContentErrors([ContentError(folder, 1, issue.message) for issue in error.issues]) from error
    return report


def validate_content_folder(folder: Path, progress: ProgressCallback = lambda _: None) -> int:
    """Validate every file without a database and return the number of rows. Raise ContentErrors."""
    return len(_read_rows(folder, progress))


def _read_rows(folder: Path, progress: ProgressCallback) -> list[ParsedRow]:
    if not folder.is_dir():
        raise ContentErrors([ContentError(folder, 1, "The folder does not exist.")])
    rows: list[ParsedRow] = []
    errors: list[ContentError] = []
    file_by_key: dict[tuple[str, str], Path] = {}
    for serializer in all_serializers():
        for file in serializer.iter_files(folder):
            progress(f"reading {file.relative_to(folder)}")
            for entry, data in read_clean_entries(serializer, file, errors):
                if first_file := file_by_key.get((serializer.name, entry.key)):
                    errors.append(entry.make_error(f"{serializer.name} {entry.key} is also in {first_file.name}."))
                    continue
                file_by_key[serializer.name, entry.key] = file
                rows.append((serializer, entry, data))
    if errors:
        raise ContentErrors(errors)
    return rows


def _apply_rows(rows: list[ParsedRow], report: LoadReport, progress: ProgressCallback, *, store_files: bool) -> None:
    errors: list[ContentError] = []
    written: list[ParsedRow] = []
    for serializer, entry, data in rows:
        if not _decide_write(serializer, entry, data, report):
            continue
        progress(f"{serializer.name} {entry.key}")
        written.append((serializer, entry, data))
        with collect_errors(entry, errors):
            serializer.save_row(entry.key, data, serializer.find_row(entry.key), store_files=store_files)
    _approve_supplied_figures(written)
    pages = [(serializer, entry, data) for serializer, entry, data in written if isinstance(serializer, PageSerializer)]
    for serializer, entry, data in pages if not errors else []:
        with collect_errors(entry, errors):
            serializer.link_pages(entry.key, data)
    if errors:
        raise ContentErrors(errors)
    sign_entries = [entry for serializer, entry, _ in written if isinstance(serializer, WarningSignSerializer)]
    if sign_entries:
        _record_warning_signs(sign_entries)
    _publish_pages([(entry, data) for _, entry, data in pages if data["public"] or data["withdrawn"]], report, progress)
    if sign_entries:
        report.released += [release.path for release in _release_warning_signs(sign_entries[0])]
    for serializer, entry, _ in written:
        _record_imported(serializer, entry)


def _record_warning_signs(entries: list[ContentEntry]) -> None:
    """Save the loaded list of warning signs as a revision that a reviewer can approve."""
    if messages := warning_signs.check_list(warning_signs.get_live_list()):
        raise ContentErrors([entries[0].make_error(message) for message in messages])
    warning_signs.record_starter_list()


def _release_warning_signs(entry: ContentEntry) -> list[Release]:
    """Release again the public pages that print warning signs and whose own files did not change."""
    try:
        return warning_signs.rerelease_affected_pages(actor=None)
    except PublishError as error:
        raise ContentErrors(_locate_issues(entry, error.issues)) from error


def row_fingerprint(data: dict[str, Any]) -> str:
    """Return the SHA-256 of serialized data; ``ImportedRecord.sha256`` stores it.

    Without fields that publishing sets, and that records of earlier versions of the portal do not include.
    """
    data = {name: value for name, value in data.items() if name not in {"former_addresses", "withdrawn"}}
    return hashlib.sha256(json.dumps(data, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _decide_write(serializer: Serializer[Any], entry: ContentEntry, data: dict[str, Any], report: LoadReport) -> bool:
    """Return whether to write an entry, and record the decision in the report.

    An entry is written if its row is new, or if its file has changed and staff have not edited the row. An entry
    without a short code takes that of its row, and every entry its row's former addresses.
    """
    name = f"{serializer.name} {entry.key}"
    row = serializer.find_row(entry.key)
    imported = ImportedRecord.objects.filter(kind=serializer.name, key=entry.key).first()
    if row is None:
        if imported:
            report.skipped.append(f"{name}: deleted by staff, not created again")
            return False
        if reason := serializer.skip_reason():
            report.skipped.append(f"{name}: {reason}")
            return False
        report.created.append(name)
        return True
    current = serializer.serialize(row)
    if current != data and (reason := serializer.skip_reason()):
        report.skipped.append(f"{name}: {reason}")
        return False
    if "code" in data and not data["code"]:
        data["code"] = current["code"]
    if "former_addresses" in data:
        data["former_addresses"] = sorted({*data["former_addresses"], *current["former_addresses"]})
    is_as_imported = imported is not None and imported.sha256 == row_fingerprint(current)
    if current == data:
        if not is_as_imported:
            _record_imported(serializer, entry)
        report.unchanged += 1
        return False
    if not is_as_imported:
        report.skipped.append(f"{name}: changed by staff, not overwritten")
        return False
    report.updated.append(name)
    return True


def _approve_supplied_figures(written: list[ParsedRow]) -> None:
    """Approve, without a reviewer, the pictures that this load created or updated.

    Not those that the folder marks as unapproved, nor those that a member of staff uploaded or changed: they need a
    second person.
    """
    slugs = [
        entry.key
        for serializer, entry, _ in written
        if isinstance(serializer, FigureSerializer) and serializer.is_approved(entry)
    ]
    figures = Figure.objects.filter(slug__in=slugs).with_texts()
    supplied = [figure for figure in figures if not any(figure.author_ids)]
    for figure in unapproved_figures(supplied):
        record_approval(figure, None)


def _record_imported(serializer: Serializer[Any], entry: ContentEntry) -> None:
    row = serializer.find_row(entry.key)
    ImportedRecord.objects.update_or_create(
        kind=serializer.name, key=entry.key, defaults={"sha256": row_fingerprint(serializer.serialize(row))}
    )


def _publish_pages(
    entries: list[tuple[ContentEntry, dict[str, Any]]], report: LoadReport, progress: ProgressCallback
) -> None:
    """Publish new and updated pages as starter text; a page that a reviewer has approved keeps its release.

    Withdrawn pages are published, too, and then withdrawn, because an old address gives the last title and the reason.
    """
    data_by_key = {entry.key: data for entry, data in entries}
    errors: list[ContentError] = []
    published: list[tuple[ContentEntry, Page, RenderedPage]] = []
    resolvers: dict[str, ReferenceResolver] = {}
    # Pages that list all public pages come last.
    for entry, _ in sorted(entries, key=lambda row: [block in row[1]["body"] for block in reversed(LIST_BLOCKS)]):
        language, subject = entry.key.split(" ")
        page = Page.objects.select_related("live_release").get(language=language, subject=subject)
        revision = save_revision(page, author=None, note="Supplied starter text")
        _record_translation_source(page)
        if page.live_release and not page.live_release.is_starter:
            report.skipped.append(
                f"page {entry.key}: draft updated; the approved text stays public until the draft is published"
            )
            continue
        progress(f"publishing {page.planned_path}")
        resolver = resolvers.setdefault(language, ReferenceResolver(language))
        try:
            lock_page(revision.page)
            rendered_with_plan = render_with_anchor_plan(page, revision.content, resolver=resolver)
            publish_starter(revision, resolver=resolver, rendered_with_plan=rendered_with_plan)
        except PublishError as error:
            errors += _locate_issues(entry, error.issues)
            continue
        report.released.append(page.planned_path)
        published.append((entry, page, rendered_with_plan[0]))
    if errors:
        raise ContentErrors(errors)
    rerelease_picture_indexes(actor=None)
    # Possible only once all of the pages are public.
    for entry, page, rendered in published:
        if not data_by_key[entry.key]["withdrawn"]:
            errors += _locate_issues(entry, find_broken_links(page, rendered))
    if errors:
        raise ContentErrors(errors)
    _withdraw_pages([(entry, page, data_by_key[entry.key]["withdrawn"]) for entry, page, _ in published])


def _withdraw_pages(published: list[tuple[ContentEntry, Page, dict[str, str]]]) -> None:
    """Withdraw the pages that their files call withdrawn. Their links may lead nowhere, because no one reads them."""
    errors: list[ContentError] = []
    for entry, page, withdrawn in published:
        if not withdrawn:
            continue
        new = Page.objects.filter(language=page.language, subject=withdrawn["replaced_by"]).first()
        try:
            withdraw(page, actor=None, reason=withdrawn["reason"], replaced_by=new)
        except PublishError as error:
            errors += [entry.make_error(issue.message, "withdrawn") for issue in error.issues]
    if errors:
        raise ContentErrors(errors)


def _record_translation_source(page: Page) -> None:
    """Record which English text a translation was made from: the newest one loaded from a folder.

    Only a translation whose own file was loaded now is recorded: if only the English file changes, the translation
    becomes out of sync, as intended.
    """
    if page.language == languages.DEFAULT:
        return
    sources = Revision.objects.filter(page__subject=page.subject, page__language=languages.DEFAULT, author=None)
    page.translated_from = sources.order_by("-number").first()
    page.save(update_fields=["translated_from"])


def _locate_issues(entry: ContentEntry, issues: list[Issue]) -> list[ContentError]:
    return [
        ContentError(entry.file, issue.line + entry.body_line if issue.line else 1, issue.message) for issue in issues
    ]


def dump_content_folder(folder: Path) -> list[str]:
    """Write the content of the database to ``folder``: what patients read, and drafts of pages that are not public.

    Return lines for operators about what the folder leaves out, and about what a load would make public. Raise
    CommandError as ``create_output_folder`` does.
    """
    with create_output_folder(folder):
        for serializer in all_serializers():
            serializer.write_files(folder)
    notes = [note for serializer in all_serializers() for note in serializer.describe_omissions()]
    for stale in find_stale_pages():
        names = ", ".join(f"{kind} {key}" for kind, key in stale.changed)
        page = f"page {stale.page.language} {stale.page.subject}"
        notes.append(f"{page}: patients still read earlier values, but a load publishes the current ones: {names}")
    return notes
