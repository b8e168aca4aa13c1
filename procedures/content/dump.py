"""The database into a content folder: the same rows give the same bytes."""

from pathlib import Path

from procedures.content.load import kinds


def dump(folder: Path) -> None:
    """Write everything below ``folder``, which must be empty or missing. Raises FileExistsError otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty. Name an empty or new folder.")
    for kind in kinds():
        kind.write(folder)
