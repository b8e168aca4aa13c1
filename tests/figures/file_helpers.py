"""Helpers for tests of stored files: the files in storage, and the output of a command."""

import io
from pathlib import Path

from django.conf import settings
from django.core.management import call_command


def files() -> set[str]:
    """Return the names of all image files."""
    return {f"figures/{path.name}" for path in (Path(settings.MEDIA_ROOT) / "figures").iterdir()}


def run(command: str, *args: str) -> list[str]:
    """Return the lines printed by a command."""
    out = io.StringIO()
    call_command(command, *args, stdout=out)
    return out.getvalue().splitlines()
