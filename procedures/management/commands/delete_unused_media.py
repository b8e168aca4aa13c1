"""``manage.py sweep_media [--delete] [--hours N] [--staged]``: picture files that nothing names."""

import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from procedures.figures import staging
from procedures.figures.unused_files import MIN_AGE, delete_unused_files, find_unused_files


class Command(BaseCommand):
    """Lists first; deletes only when it is told to. Files of others in the folder are never touched."""

    help = "List picture files that no picture and no release names; with --delete, delete them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--delete", action="store_true", help="Delete what is listed.")
        parser.add_argument(
            "--staged",
            action="store_true",
            help="Only delete uploads that nobody has finished within an hour (serve does this each minute).",
        )
        parser.add_argument(
            "--hours",
            type=float,
            default=MIN_AGE / datetime.timedelta(hours=1),
            help="Leave younger files alone: a picture may be coming in (default: %(default)g).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["hours"] <= 24 * 366:
            raise CommandError("--hours is a number from 0 to 8784.")
        if options["staged"]:
            if gone := staging.delete_expired():
                self.stdout.write(f"{gone} unfinished {'upload' if gone == 1 else 'uploads'} deleted")
            return
        found = find_unused_files(older_than=datetime.timedelta(hours=options["hours"]))
        for orphan in found:
            self.stdout.write(f"{orphan.name}  {filesizeformat(orphan.size)}")
        total = f"{len(found)} files, {filesizeformat(sum(orphan.size for orphan in found))}"
        if options["delete"]:
            self.stdout.write(f"{total}; {len(delete_unused_files(found))} deleted")
        elif found:
            self.stdout.write(f"{total}; nothing deleted yet: add --delete")
        else:
            self.stdout.write("every file is in use")
