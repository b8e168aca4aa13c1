"""What the tests of stored pictures share: the files in the storage, and what a command prints."""

import io
from pathlib import Path

from django.conf import settings
from django.core.management import call_command


def files() -> set[str]:
    """The names of all files of pictures."""
    return {f"figures/{path.name}" for path in (Path(settings.MEDIA_ROOT) / "figures").iterdir()}


def run(command: str, *args: str) -> list[str]:
    """The lines that a command prints."""
    out = io.StringIO()
    call_command(command, *args, stdout=out)
    return out.getvalue().splitlines()
