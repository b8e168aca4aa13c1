"""``manage.py dump_content DIR``."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.storage.atomic_file import describe_write_error
from procedures.importing.content_folder import dump_content_folder


class Command(BaseCommand):
    """Writes pages, pictures and everything else as a content folder."""

    help = "Write the database's content as a folder that load_content reads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            dump_content_folder(options["folder"])
        except FileExistsError as error:
            raise CommandError(f"{options['folder']} is not empty. Name an empty or new folder.") from error
        except OSError as error:
            raise CommandError(describe_write_error(error, options["folder"])) from error
        self.stdout.write(f"content written to {options['folder']}")
