"""``manage.py rebuild_renditions [SLUG …]``: all sizes of all pictures again, from their masters."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from procedures.figures.decoding import InvalidImageError
from procedures.figures.renditions import rebuild_renditions
from procedures.models import Figure

PROGRESS_BAR_WIDTH = 24
MAX_LINE_LENGTH = 80


class Command(BaseCommand):
    """May be stopped at any moment: what is done is done, and old files stay until ``sweep_media``."""

    help = "Make the sizes and formats of all pictures, or of those named, again from their masters."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="SLUG", help="Pictures by name; all when none is given.")

    def handle(self, *args: Any, **options: Any) -> None:
        figures = list(_select_figures(options["slugs"]))
        broken = []
        for number, figure in enumerate(figures, start=1):
            before = {row.file for row in figure.renditions.all()}
            try:
                made = rebuild_renditions(figure)
            except InvalidImageError as error:
                broken.append(f"{figure.slug}: {error}")
                continue
            new = sum(row.file not in before for row in made)
            size = filesizeformat(sum(row.size for row in made))
            self._print_progress(number, len(figures), f"{figure.slug}: {len(made)} files, {new} new, {size}")
        if figures and self._is_terminal():
            self.stdout.write("")
        if broken:
            raise CommandError("\n".join(broken))

    def _is_terminal(self) -> bool:
        return bool(self.stdout.isatty())

    def _print_progress(self, number: int, count: int, message: str) -> None:
        """A bar that fills on a screen; in a log or a pipe one line for each picture."""
        if not self._is_terminal():
            self.stdout.write(f"{number}/{count} {message}")
        else:
            bar = "█" * (number * PROGRESS_BAR_WIDTH // count)
            # Back to the start of the line, and clear what a longer name left behind.
            self.stdout.write(
                f"\r\x1b[K[{bar:░<{PROGRESS_BAR_WIDTH}}] {number}/{count} {message}"[
                    : PROGRESS_BAR_WIDTH + MAX_LINE_LENGTH
                ],
                ending="",
            )
        self.stdout.flush()


def _select_figures(slugs: list[str]) -> list[Figure]:
    figures = Figure.objects.exclude(image="").prefetch_related("renditions")
    if not slugs:
        return list(figures)
    found = list(figures.filter(slug__in=slugs))
    if unknown := sorted(set(slugs) - {figure.slug for figure in found}):
        raise CommandError(f"There is no picture {', '.join(unknown)}.")
    return found
