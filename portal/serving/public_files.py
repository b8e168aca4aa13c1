"""Which media files the public may read: those that the domain names, and no others.

One set in each process. The keeper refreshes it when something was published or withdrawn, and it is stored beside the
snapshots, so that known pictures are served also while the database cannot be used. A file that is not in the set is
looked up in the database before it is refused: it may have been published a moment ago.
"""

import json
import threading
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import cast

from django.conf import settings
from django.db import DatabaseError

from portal.serving.whole import write_whole

Names = Callable[[], Iterable[str]]


class PublicFiles:
    """For one process. Closed until the database or the stored set says otherwise."""

    def __init__(self) -> None:
        self._names: frozenset[str] = frozenset()
        # Whether a thread keeps the set current; without one the database is asked each time.
        self._watched = False
        self._lock = threading.Lock()

    def allows(self, name: str) -> bool:
        """Whether the public may read this file. Raises DatabaseError where that cannot be found out."""
        if self._watched and name in self._names:
            return True
        try:
            return name in _source()()
        except DatabaseError:
            # After a start without a database: what was public when the set was stored.
            if name in self._names:
                return True
            raise

    def refresh(self, names: Iterable[str]) -> bool:
        """Take the current set, from now on without asking the database; whether it differs."""
        found = frozenset(names)
        with self._lock:
            differs = found != self._names or not self._watched
            self._names, self._watched = found, True
        return differs

    def load(self, file: Path) -> None:
        """Take the stored set, to be used while the database cannot be asked. A damaged file is ignored."""
        try:
            names = json.loads(file.read_bytes())
        except (OSError, ValueError):
            return
        self._names = frozenset(name for name in names if isinstance(name, str))

    def store(self, file: Path) -> None:
        """Write the set to disk. OSError when the disk refuses."""
        write_whole(file, [json.dumps(sorted(self._names)).encode()])

    def reset(self) -> None:
        """Forget everything: the next answer comes from the database."""
        self._names, self._watched = frozenset(), False


def _source() -> Names:
    return cast("Names", import_module(settings.SNAPSHOT_SOURCE).public_files)


PUBLIC_FILES = PublicFiles()
