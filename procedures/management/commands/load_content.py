"""``manage.py load_content [--check] [DIR]``."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from procedures.importing.content_files import ContentErrors
from procedures.importing.content_folder import LoadReport, load_content_folder, validate_content_folder
from procedures.models import Page
from procedures.publishing.publish import PublishError
from procedures.publishing.rerelease import pages_from_older_renderer, rerelease_pages


class Command(BaseCommand):
    """Loads the content folder; rows that staff changed are left alone, and said so."""

    help = "Load the content folder into the database. Never overwrites what staff changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", nargs="?", default=settings.CONTENT_DIR, type=Path)
        parser.add_argument("--check", action="store_true", help="Do everything and keep nothing.")
        parser.add_argument("--read-only", action="store_true", help="Only read the files; needs no database.")
        parser.add_argument("--if-empty", action="store_true", help="Only into a database without pages.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["if_empty"] and Page.objects.exists():
            self._render_again()
            return

        def progress(step: str) -> None:
            if options["verbosity"] > 1 or self.stderr.isatty():
                self.stderr.write(f"\r\033[K{step[:100]}", ending="" if self.stderr.isatty() else "\n")

        try:
            if options["read_only"]:
                self.stdout.write(f"content: {validate_content_folder(options['folder'], progress)} rows read")
                return
            report = load_content_folder(options["folder"], check=options["check"], progress=progress)
        except ContentErrors as errors:
            raise CommandError(str(errors)) from errors
        finally:
            if self.stderr.isatty():
                self.stderr.write("\r\033[K", ending="")
        self._print_report(report, check=options["check"])

    def _render_again(self) -> None:
        """Release pages again that an older renderer made, as after an upgrade; their text stays."""
        try:
            renewed = rerelease_pages(pages_from_older_renderer(), actor=None)
        except PublishError as refused:
            reasons = "\n".join(problem.message for problem in refused.issues)
            raise CommandError(f"Pages from an older version cannot be rendered again:\n{reasons}") from refused
        if renewed:
            self.stdout.write(f"content: {len(renewed)} pages rendered again by a newer renderer")

    def _print_report(self, report: LoadReport, *, check: bool) -> None:
        for line in report.skipped:
            self.stdout.write(f"left alone: {line}")
        start = "would be " if check else ""
        self.stdout.write(
            f"content: {len(report.created)} rows {start}new, {len(report.updated)} {start}updated, "
            f"{report.unchanged} unchanged, {len(report.skipped)} left alone, "
            f"{len(report.released)} pages {start}published"
        )
        if report.rereleased:
            count = len(report.rereleased)
            self.stdout.write(f"content: {count} more {start}updated, with new clinic values or a newer renderer")
