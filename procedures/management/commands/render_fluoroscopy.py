"""``manage.py render_fluoroscopy [--check]``: render the simulated X-ray images and line drawings."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    """Render the images again, or check that the committed files match the model."""

    help = "Regenerate the simulated X-ray images in content/figures (needs the “dev” extra)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Only compare the committed files with the model.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from procedures.figures.simulation.render import check_all, render_all
        except ImportError as error:
            raise CommandError(f"{error}. Install the “dev” extra: pip install -e '.[dev]'") from error
        folder = settings.CONTENT_DIR / "figures"
        if not options["check"]:
            render_all(folder, progress=self.stderr.write)
            return
        problems = check_all(folder)
        if problems:
            raise CommandError("\n".join(problems))
        self.stdout.write("The committed images match the model.")
