"""``manage.py export_audit``: export sign-in and content events; docs/audit.md lists the fields."""

import datetime
import io
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.audit import export_events, write_csv, write_json_lines
from portal.storage.local_storage import create_output_file


def parse_date(text: str) -> datetime.date:
    """Parse an ISO date. Raise CommandError if it is invalid."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text} is not a valid date. Use the format 2026-01-31.") from error


class Command(BaseCommand):
    help = "Export the audit events of a date range as CSV or JSON Lines."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="first", required=True, help="The first day in UTC, such as 2026-01-01.")
        parser.add_argument("--to", dest="last", required=True, help="The last day in UTC, inclusive.")
        parser.add_argument("--format", choices=("csv", "json"), default="csv", help="csv (the default) or json.")
        parser.add_argument("--output", type=Path, help="A file to create, instead of writing to standard output.")

    def handle(self, *args: Any, **options: Any) -> None:
        first, last = parse_date(options["first"]), parse_date(options["last"])
        if last < first:
            raise CommandError("--to is before --from. Swap them.")
        one_day = datetime.timedelta(days=1)
        after_last = min(last, datetime.date.max - one_day) + one_day
        start, end = (datetime.datetime.combine(day, datetime.time(), datetime.UTC) for day in (first, after_last))
        write = write_csv if options["format"] == "csv" else write_json_lines
        if options["output"] is None:
            write(export_events(start, end), self.stdout)  # type: ignore[arg-type]  # OutputWrapper has write()
            return
        with create_output_file(options["output"]) as file:
            stream = io.TextIOWrapper(file, encoding="utf-8", newline="")
            count = write(export_events(start, end), stream)
            stream.detach()
        self.stdout.write(f"{options['output']}: {count} events")
