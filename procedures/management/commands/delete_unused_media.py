"""``manage.py delete_unused_media [--delete] [--hours N] [--staged]``: clean up unused image files."""

import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from procedures.figures import staging
from procedures.figures.renditions import MIN_AGE, delete_unused_files, find_unused_files


class Command(BaseCommand):
    """List unused image files, and delete them only with ``--delete``. Other files in the folder are never touched."""

    help = "List image files that no figure or release uses; with --delete, delete them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--delete", action="store_true", help="Delete the listed files.")
        parser.add_argument(
            "--staged",
            action="store_true",
            help="Only delete staged pictures not saved within an hour, and staged bundles not imported within a day "
            "(serve does this every minute).",
        )
        parser.add_argument(
            "--hours",
            type=float,
            default=MIN_AGE / datetime.timedelta(hours=1),
            help="Skip files younger than this: an upload may be in progress (default: %(default)g).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["hours"] <= 24 * 366:
            raise CommandError("--hours must be between 0 and 8784.")
        if options["staged"]:
            if count := staging.UPLOADS.delete_expired() + staging.BUNDLES.delete_expired():
                self.stdout.write(f"{count} unfinished {'upload' if count == 1 else 'uploads'} deleted")
            return
        unused = find_unused_files(older_than=datetime.timedelta(hours=options["hours"]))
        for file in unused:
            self.stdout.write(f"{file.name}  {filesizeformat(file.size)}")
        total = f"{len(unused)} files, {filesizeformat(sum(file.size for file in unused))}"
        if options["delete"]:
            self.stdout.write(f"{total}; {len(delete_unused_files(unused))} deleted")
        elif unused:
            self.stdout.write(f"{total}; nothing deleted yet (add --delete)")
        else:
            self.stdout.write("Every file is in use.")
