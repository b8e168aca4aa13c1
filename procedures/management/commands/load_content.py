"""``manage.py load_content [--check | --read-only] [--if-empty] [FOLDER]``."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from procedures.importing.content_files import ContentErrors
from procedures.importing.content_folder import LoadReport, load_content_folder, validate_content_folder
from procedures.models import Page
from procedures.publishing.publish import PublishError
from procedures.publishing.rerelease import pages_from_older_renderer, rerelease_pages
from procedures.publishing.review import record_missing_fingerprints

CLEAR_LINE = "\r\033[K"
MAX_PROGRESS_LENGTH = 100


class Command(BaseCommand):
    """Load a content folder into the database; rows that staff have changed are skipped and listed."""

    help = "Load a content folder into the database and publish its pages. Never overwrites what staff have changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "folder", nargs="?", default=settings.CONTENT_DIR, type=Path, help="Default: CONTENT_DIR (%(default)s)."
        )
        parser.add_argument("--check", action="store_true", help="Dry run: do everything, then roll back.")
        parser.add_argument("--read-only", action="store_true", help="Only validate the files; needs no database.")
        parser.add_argument(
            "--if-empty",
            action="store_true",
            help="If the database has any pages, only rerender those from an older renderer.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not (options["read_only"] or options["check"]):
            # Before the load changes the texts that these approvals cover.
            record_missing_fingerprints()
        if options["if_empty"] and Page.objects.exists():
            self._rerelease_older_pages()
            return
        is_terminal = self.stderr.isatty()

        def show_progress(step: str) -> None:
            if options["verbosity"] > 1 or is_terminal:
                line = f"{CLEAR_LINE}{step[:MAX_PROGRESS_LENGTH]}"
                self.stderr.write(line, ending="" if is_terminal else "\n")

        try:
            if options["read_only"]:
                count = validate_content_folder(options["folder"], show_progress)
                self.stdout.write(f"content: {count} rows, all valid")
                return
            report = load_content_folder(options["folder"], check=options["check"], progress=show_progress)
        except ContentErrors as errors:
            raise CommandError(str(errors)) from errors
        finally:
            if is_terminal:
                self.stderr.write(CLEAR_LINE, ending="")
        self._print_report(report, check=options["check"])

    def _rerelease_older_pages(self) -> None:
        """After an upgrade, rerelease the pages rendered by an older version. Their text does not change.

        A page that cannot be rendered now keeps its release: only the admin can mend it, so the portal must start.
        """
        pages = pages_from_older_renderer()
        try:
            count = len(rerelease_pages(pages, actor=None))
        except PublishError:
            count = sum(self._rerelease_or_warn(page) for page in pages)
        if count:
            self.stdout.write(f"content: {count} pages rendered again by a newer renderer")

    def _rerelease_or_warn(self, page: Page) -> int:
        """Return the number of new releases. If there are none because of an error, print it."""
        try:
            return len(rerelease_pages([page], actor=None))
        except PublishError as error:
            for issue in error.issues:
                self.stderr.write(f"content: not rendered again by the newer renderer: {issue.message}")
            return 0

    def _print_report(self, report: LoadReport, *, check: bool) -> None:
        for line in report.skipped:
            self.stdout.write(f"skipped: {line}")
        would_be = "would be " if check else ""
        self.stdout.write(
            f"content: {len(report.created)} rows {would_be}created, {len(report.updated)} {would_be}updated, "
            f"{report.unchanged} unchanged, {len(report.skipped)} skipped, {len(report.released)} pages "
            f"{would_be}published"
        )
        if report.rereleased:
            count = len(report.rereleased)
            self.stdout.write(
                f"content: {count} more pages {would_be}published, with new clinic values or a newer renderer"
            )
