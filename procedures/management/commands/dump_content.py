"""``manage.py dump_content FOLDER``."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from procedures.importing.content_folder import dump_content_folder


class Command(BaseCommand):
    """Write the content of the database to a content folder."""

    help = "Write the content of the database, with its pictures, to a folder that load_content can read."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="An empty or new folder.")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        for note in dump_content_folder(folder):
            self.stdout.write(note)
        self.stdout.write(f"content written to {folder}")
