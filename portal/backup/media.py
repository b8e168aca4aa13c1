"""Media files in the default storage, local or S3."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage


def iter_media(folder: str = "") -> Iterator[str]:
    """Yield the names of all media files below ``folder``, sorted. Skip dotfiles, which are unfinished uploads."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in sorted(files):
        if not name.startswith("."):
            yield f"{folder}{name}"
    for name in sorted(folders):
        if not name.startswith("."):
            yield from iter_media(f"{folder}{name}/")


def delete_all_media() -> None:
    """Delete every media file and the directories that are then empty."""
    for name in list(iter_media()):
        default_storage.delete(name)
    root = Path(settings.MEDIA_ROOT)
    for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
        with contextlib.suppress(OSError):
            folder.rmdir()
    with contextlib.suppress(OSError):
        root.rmdir()


def restore_media(source: Path) -> int:
    """Store every file below ``source`` under its relative path; return the number of files.

    Raise FileExistsError if the storage already has a file of that name.
    """
    count = 0
    for path in sorted(source.rglob("*")):
        if path.is_file():
            name = path.relative_to(source).as_posix()
            with path.open("rb") as stream:
                stored = default_storage.save(name, File(stream))
            if stored != name:
                default_storage.delete(stored)
                raise FileExistsError(f"{name} already exists")
            count += 1
    return count
