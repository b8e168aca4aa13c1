"""Every stored picture, wherever the storage keeps it: a folder or a bucket."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage


def iter_media(folder: str = "") -> Iterator[str]:
    """Names of all finished files, in order. Drafts of uploads that are under way begin with a dot."""
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
    """Remove every stored file, and the folders that are then empty."""
    for name in list(iter_media()):
        default_storage.delete(name)
    root = Path(settings.MEDIA_ROOT)
    for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
        with contextlib.suppress(OSError):
            folder.rmdir()
    with contextlib.suppress(OSError):
        root.rmdir()


def restore_media(source: Path) -> int:
    """Store every file below ``source`` under its own name; returns how many."""
    count = 0
    for path in sorted(source.rglob("*")):
        if path.is_file():
            name = path.relative_to(source).as_posix()
            with path.open("rb") as stream:
                stored = default_storage.save(name, File(stream))
            if stored != name:
                default_storage.delete(stored)
                raise FileExistsError(f"{name} is there already")
            count += 1
    return count
