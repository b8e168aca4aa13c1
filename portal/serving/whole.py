"""Files that are there whole or not at all, also after a crash."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

# How the name of a file begins until it is whole.
DRAFT = ".new-"


def write_whole(target: Path, chunks: Iterable[bytes], mode: int = 0o600) -> None:
    """Write beside ``target``, sync, and rename; what stood there stays until then.

    The folder must be there. OSError when the disk refuses: nothing is left behind.
    """
    descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=DRAFT)
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
