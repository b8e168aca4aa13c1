"""Whether the database is there, in words for an operator."""

import os
from pathlib import Path

from django.db import DatabaseError, InterfaceError, OperationalError, connection

GONE = "the database file is not there"
REPLACED = "the database file was replaced while the server ran: restart the server"


def is_down(error: BaseException | None) -> bool:
    """Whether an error says that the database cannot be used, rather than that a statement was wrong."""
    # SQLite's "malformed" and "not a database" come as the bare class.
    return isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError


def in_words(error: BaseException) -> str:
    """The reason, without names of files or hosts."""
    text = str(error).lower()
    if "malformed" in text or "not a database" in text:
        return "the database is damaged: restore a backup"
    if "locked" in text or "busy" in text:
        return "the database is locked by another program"
    if "no such table" in text or "does not exist" in text:
        return "the database is empty or not migrated"
    return "the database does not answer"


class DatabaseFile:
    """A removed SQLite file stays readable and writable for who has it open: what staff save would be lost unseen."""

    def __init__(self) -> None:
        self._name = Path(str(connection.settings_dict["NAME"])) if connection.vendor == "sqlite" else None
        self._first = self._identity()

    def trouble(self) -> str:
        """A sentence, or nothing when the file is the one from the start (or there is no file)."""
        if self._name is None:
            return ""
        now = self._identity()
        if now is None:
            return GONE
        self._first = self._first or now
        return "" if now == self._first else REPLACED

    def _identity(self) -> tuple[int, int] | None:
        if self._name is None:
            return None
        try:
            stat = os.stat(self._name)  # noqa: PTH116 -- on the way of every request that is no hit
        except OSError:
            return None
        return stat.st_dev, stat.st_ino
