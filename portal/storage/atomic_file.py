"""Files that are there whole or not at all, also after a crash."""

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
# How the name of a file begins until it is whole.
TEMP_PREFIX = ".new-"


def atomic_write(target: Path, chunks: Iterable[bytes], mode: int = 0o600) -> None:
    """Write beside ``target``, sync, and rename; what stood there stays until then.

    The folder must be there. OSError when the disk refuses: nothing is left behind.
    """
    descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=TEMP_PREFIX)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for chunk in chunks:
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        Path(draft).chmod(mode)
        Path(draft).replace(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


@contextmanager
def atomic_create(target: Path) -> Iterator[BinaryIO]:
    """Open a new file that appears as ``target`` only when the block ends without an error.

    Raises FileExistsError if ``target`` exists at the beginning or at the end, and OSError if it cannot be written.
    Then nothing is left behind.
    """
    if target.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.link(draft, target)  # unlike a rename it never replaces a file
        _fsync_directory(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def _fsync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def describe_write_error(error: OSError, target: Path) -> str:
    """A sentence for the terminal: what could not be written, and what to do."""
    advice = WRITE_ERROR_ADVICE.get(error.errno or 0, f"{error.strerror or error}.")
    return f"{target} could not be written. {advice}"
