"""``manage.py rebuild_renditions [SLUG …]``: encode renditions again from their masters."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from procedures.figures.decoding import InvalidImageError
from procedures.figures.renditions import rebuild_renditions
from procedures.models import Figure

PROGRESS_BAR_WIDTH = 24
MAX_LINE_LENGTH = 80


class Command(BaseCommand):
    """Rebuild figures one at a time. Safe to interrupt; old files stay until ``delete_unused_media``."""

    help = "Encode all sizes and formats of all images, or of the given ones, again from their masters."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="SLUG", help="Figures to rebuild; all by default.")

    def handle(self, *args: Any, **options: Any) -> None:
        figures = list(_select_figures(options["slugs"]))
        errors = []
        for number, figure in enumerate(figures, start=1):
            before = {row.file for row in figure.renditions.all()}
            try:
                renditions = rebuild_renditions(figure)
            except InvalidImageError as error:
                errors.append(f"{figure.slug}: {error}")
                continue
            new = sum(row.file not in before for row in renditions)
            size = filesizeformat(sum(row.size for row in renditions))
            self._print_progress(number, len(figures), f"{figure.slug}: {len(renditions)} files, {new} new, {size}")
        if figures and self._is_terminal():
            self.stdout.write("")
        if errors:
            raise CommandError("\n".join(errors))

    def _is_terminal(self) -> bool:
        return bool(self.stdout.isatty())

    def _print_progress(self, number: int, count: int, message: str) -> None:
        """Update a progress bar on a terminal; otherwise print one line for each figure."""
        if not self._is_terminal():
            self.stdout.write(f"{number}/{count} {message}")
        else:
            bar = "█" * (number * PROGRESS_BAR_WIDTH // count)
            # Return to the start of the line and clear it.
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
    selected = list(figures.filter(slug__in=slugs))
    if unknown := sorted(set(slugs) - {figure.slug for figure in selected}):
        raise CommandError(f"No image with this slug: {', '.join(unknown)}")
    return selected
