"""Which media files the public may read: those that the domain names, and no others.

Each process holds one set of names. The keeper refreshes it after every publication and withdrawal and stores it with
the snapshots, so known pictures can be served without the database. A name that is not in the set is looked up in the
database before it is refused: the file may have been published a moment ago.
"""

import json
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import cast

from django.conf import settings
from django.db import DatabaseError

from portal.storage.atomic_file import atomic_write

NamesFunction = Callable[[], Iterable[str]]


class PublicFiles:
    """The names in one process. Empty until they are read from the database or from disk."""

    def __init__(self) -> None:
        self._names: frozenset[str] = frozenset()
        # Whether a thread refreshes the set; without one, every lookup asks the database.
        self._is_refreshed = False

    def is_public(self, name: str) -> bool:
        """Whether the public may read this file. Raises DatabaseError if only the database could tell."""
        if self._is_refreshed and name in self._names:
            return True
        try:
            return name in _get_names_function()()
        except DatabaseError:
            # After a start without a database: what was public when the set was stored.
            if name in self._names:
                return True
            raise

    def refresh(self, names: Iterable[str]) -> bool:
        """Replace the set, which is trusted without the database from now on. Returns whether it has changed."""
        found = frozenset(names)
        differs = found != self._names or not self._is_refreshed
        self._names, self._is_refreshed = found, True
        return differs

    def load(self, file: Path) -> None:
        """Read the stored set, for use while the database does not answer. A damaged file is ignored."""
        try:
            self._names = frozenset(json.loads(file.read_bytes()))
        except (OSError, ValueError, TypeError):
            return

    def store(self, file: Path) -> None:
        """Write the set to disk. Raises OSError."""
        atomic_write(file, [json.dumps(sorted(self._names)).encode()])


def _get_names_function() -> NamesFunction:
    return cast("NamesFunction", import_module(settings.SITE_SOURCE).public_files)


PUBLIC_FILES = PublicFiles()
