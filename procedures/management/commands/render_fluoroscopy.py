"""``manage.py render_fluoroscopy [--check]``: the simulated X-ray pictures, from their model."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    """Computes the picture set again, or proves that the committed files are what the model gives."""

    help = "Regenerate the simulated X-ray pictures in content/figures (needs the extra “dev”)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Compare, change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from procedures.figures.simulation.render import check_all, render_all
        except ImportError as error:
            raise CommandError(f"{error}. Install the extra: pip install -e '.[dev]'.") from error
        folder = settings.CONTENT_DIR / "figures"
        if not options["check"]:
            render_all(folder, progress=self.stderr.write)
            return
        problems = check_all(folder)
        if problems:
            raise CommandError("\n".join(problems))
        self.stdout.write("the committed pictures are what the model gives")
