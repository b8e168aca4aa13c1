"""``manage.py export_bundle FILE [LANGUAGE/SUBJECT …]``."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from portal.storage.atomic_file import atomic_create, describe_write_error
from procedures.importing.bundle_export import UnapprovedPicturesError, write_bundle
from procedures.models import Page


class Command(BaseCommand):
    """Writes the newest texts of some pages and guides, with their pictures, as one file for another portal."""

    help = "Write pages and guides with all they show as one bundle; all of them when none is named."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("pages", nargs="*", metavar="LANGUAGE/SUBJECT", help="Such as en/kyphoplasty.")

    def handle(self, *args: Any, **options: Any) -> None:
        pages = select_pages(options["pages"])
        try:
            with atomic_create(options["file"]) as target:
                count = write_bundle(pages, target)
        except UnapprovedPicturesError as error:
            raise CommandError(str(error)) from error
        except FileExistsError as error:
            raise CommandError(f"{options['file']} already exists. Choose a new file name.") from error
        except OSError as error:
            raise CommandError(describe_write_error(error, options["file"])) from error
        self.stdout.write(f"{len(pages)} pages, {count} files written to {options['file']}")


def select_pages(names: list[str]) -> list[Page]:
    """The pages with these names; all without names."""
    wanted = Q()
    for name in names:
        language, _, subject = name.partition("/")
        wanted |= Q(language=language, subject=subject)
    pages = list(Page.objects.filter(wanted).order_by("language", "subject"))
    found = {f"{page.language}/{page.subject}" for page in pages}
    if unknown := sorted(set(names) - found):
        raise CommandError(f"There is no page {', '.join(unknown)}.")
    return pages
