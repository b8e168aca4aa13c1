"""``manage.py export_bundle FILE [LANGUAGE/SUBJECT …]``."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from portal.storage.local_storage import create_output_file
from procedures.importing.bundles import UnapprovedPicturesError, write_bundle
from procedures.models import Page


class Command(BaseCommand):
    """Export the drafts of pages and guides, with everything they show, as a bundle for another portal."""

    help = "Export pages and guides, with everything they show, as a bundle; all of them if none is named."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="A new file.")
        parser.add_argument("pages", nargs="*", metavar="LANGUAGE/SUBJECT", help="For example, en/kyphoplasty.")

    def handle(self, *args: Any, **options: Any) -> None:
        pages = select_pages(options["pages"])
        try:
            with create_output_file(options["file"]) as target:
                count = write_bundle(pages, target)
        except UnapprovedPicturesError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"pages: {len(pages)}, files: {count}, written to {options['file']}")


def select_pages(names: list[str]) -> list[Page]:
    """Return the pages with these names, “language/subject”, or all pages if ``names`` is empty. Raise CommandError."""
    condition = Q()
    for name in names:
        language, _, subject = name.partition("/")
        condition |= Q(language=language, subject=subject)
    pages = list(Page.objects.filter(condition).order_by("language", "subject"))
    if unknown := sorted(set(names) - {f"{page.language}/{page.subject}" for page in pages}):
        raise CommandError(f"These pages do not exist: {', '.join(unknown)}.")
    return pages
