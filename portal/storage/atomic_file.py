"""Atomic file writes: after a crash, a file is either complete or absent."""

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

WRITE_ERROR_ADVICE = {
    errno.ENOSPC: "The disk is full. Free some space or choose another disk.",
    errno.EDQUOT: "The disk quota is used up. Free some space or choose another disk.",
    errno.EACCES: "You are not allowed to write there. Choose another folder or change its permissions.",
    errno.EPERM: "You are not allowed to write there. Choose another folder or change its permissions.",
    errno.EROFS: "The disk is read-only. Choose another one.",
    errno.ENOENT: "The folder does not exist. Create it first.",
    errno.ENOTDIR: "Part of the path is a file and not a folder. Choose another path.",
    errno.EISDIR: "This is a folder. Add a file name.",
    errno.ENAMETOOLONG: "The name is too long. Choose a shorter one.",
}
# Prefix of a file's name while atomic_write writes it.
TEMP_PREFIX = ".new-"


def atomic_write(target: Path, chunks: Iterable[bytes], mode: int = 0o600) -> None:
    """Write a temporary file in the same directory, sync it, and rename it over ``target``.

    The directory must exist. On an error, such as OSError for a full disk, ``target`` is unchanged and the temporary
    file is deleted.
    """
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=TEMP_PREFIX)
    temp_file = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for chunk in chunks:
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        temp_file.chmod(mode)
        temp_file.replace(target)
    except BaseException:
        temp_file.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_create(target: Path) -> Iterator[BinaryIO]:
    """Open a new file that appears as ``target`` only when the block ends without an error.

    Raise FileExistsError if ``target`` exists at the start or at the end, and OSError if it cannot be written. On any
    error, no file is left behind.
    """
    if target.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    temp_file = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.link(temp_file, target)  # unlike a rename, never replaces a file
        fsync_directory(target.parent)
    finally:
        temp_file.unlink(missing_ok=True)


def fsync_directory(folder: Path) -> None:
    """Sync a directory, so that renames and links in it survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def describe_write_error(error: OSError, target: Path) -> str:
    """Return sentences for the terminal: what could not be written, and what to do."""
    advice = WRITE_ERROR_ADVICE.get(error.errno or 0, f"{error.strerror or error}.")
    return f"{target} could not be written. {advice}"
