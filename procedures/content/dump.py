"""The database into a content folder: the same rows give the same bytes."""

import shutil
from pathlib import Path

from procedures.content.load import kinds


def dump(folder: Path) -> None:
    """Write everything below ``folder``, which must be empty or missing.

    Raises FileExistsError if it is neither, and OSError if the disk refuses; then the folder is as it was.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty. Name an empty or new folder.")
    try:
        for kind in kinds():
            kind.write(folder)
    except BaseException:
        for entry in folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        if is_new:
            folder.rmdir()
        raise
