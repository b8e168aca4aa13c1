"""``manage.py measure_content [--json] [FOLDER]``."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from procedures.readability.site_report import format_table, measure_site, to_json


class Command(BaseCommand):
    """Prints the measures of every public page; fails with one line for each exceeded limit."""

    help = "Measure every public page and guide: reading level, sentences, lists, sources, links. See docs/quality."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", nargs="?", type=Path, help="Measure a content folder instead of the database.")
        parser.add_argument("--json", action="store_true", help="Print the full report as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["folder"]:
            self._measure_folder(options["folder"], ["--json"] if options["json"] else [])
            return
        report = measure_site()
        if options["json"]:
            self.stdout.write(to_json(report))
        else:
            for line in format_table(report):
                self.stdout.write(line)
        broken = report.failure_lines()
        if not report.pages:
            raise CommandError("There is no public page to measure. Load some first: manage.py load_content.")
        if broken:
            raise CommandError("\n".join(broken))
        if not options["json"]:
            self.stdout.write(f"\npages measured: {len(report.pages)}; all are within the limits")

    def _measure_folder(self, folder: Path, flags: list[str]) -> None:
        """Load the folder into a temporary data folder and measure it there, in processes of their own."""
        if not folder.is_dir():
            raise CommandError(f"There is no folder {folder}.")
        with tempfile.TemporaryDirectory() as data:
            self._run_manage(data, "migrate", "--verbosity", "0")
            self._run_manage(data, "load_content", str(folder.resolve()), "--verbosity", "0")
            self.stdout.write(self._run_manage(data, "measure_content", *flags), ending="")

    def _run_manage(self, data: str, *command: str) -> str:
        environ = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        done = subprocess.run(  # noqa: S603 -- this program itself; no shell
            [sys.executable, str(settings.BASE_DIR / "manage.py"), *command],
            env={**environ, "PORTAL_DATA_DIR": data},
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            self.stdout.write(done.stdout, ending="")
            raise CommandError(done.stderr.strip().removeprefix("CommandError: "))
        return done.stdout
