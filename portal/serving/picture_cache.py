"""A bounded folder of pictures that are kept elsewhere. Their names fix their content, so a copy never grows stale."""

import contextlib
import logging
import os
import time
from pathlib import Path
from typing import IO

from portal.serving.whole import write_whole

# Evicting frees more than one picture needs, so that it does not happen with every one.
AFTER_EVICTION = 0.9
# What a crash left behind is older than any write that is under way.
ABANDONED_SECONDS = 3600

log = logging.getLogger(__name__)


class PictureCache:
    """Several processes share the folder: files appear by renaming, and whoever notices removes what is too much.

    A file's time of change says when it was last known to be in the storage; the oldest go first.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder, self.most_bytes = folder, most_bytes

    def open(self, name: str) -> IO[bytes] | None:
        """The copy of a picture, or None."""
        try:
            return self._path(name).open("rb")
        except OSError:
            return None

    def age(self, name: str) -> float:
        """Seconds since the picture was last confirmed; infinite where there is no copy."""
        try:
            return time.time() - self._path(name).stat().st_mtime
        except OSError:
            return float("inf")

    def confirm(self, name: str) -> None:
        """It is in the storage still."""
        with contextlib.suppress(OSError):
            os.utime(self._path(name))

    def forget(self, name: str) -> None:
        """Take the copy away."""
        with contextlib.suppress(OSError):
            self._path(name).unlink(missing_ok=True)

    def put(self, name: str, data: bytes) -> None:
        """Keep a copy. A full disk costs the copy only, and is logged."""
        target = self._path(name)
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(target, [data])
            self._evict()
        except OSError as error:
            log.warning("a picture could not be kept in the cache: %s", error.strerror)

    def _path(self, name: str) -> Path:
        return self.folder / name

    def _evict(self) -> None:
        """Bring the folder below its bound."""
        found, total = [], 0
        for path in self.folder.rglob("*"):
            with contextlib.suppress(OSError):  # another process was faster
                stat = path.lstat()
                if path.name.startswith(".") and time.time() - stat.st_mtime > ABANDONED_SECONDS:
                    path.unlink(missing_ok=True)
                elif path.is_file() and not path.name.startswith("."):
                    found.append((stat.st_mtime, stat.st_size, path))
                    total += stat.st_size
        if total <= self.most_bytes:
            return
        for _, size, path in sorted(found):
            if total <= self.most_bytes * AFTER_EVICTION:
                break
            path.unlink(missing_ok=True)
            total -= size
