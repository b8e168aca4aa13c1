"""Notices that something was committed, by whatever process: cheaply, some times a second.

SQLite: a counter in the file that every commit of another connection moves. PostgreSQL: LISTEN wakes us at once
(migration ``notify``), and a timer looks where LISTEN cannot work (a pooler in between).
"""

import threading
import time
from typing import Any

from django.db import connection

NOTIFY_CHANNEL = "public_site"
# Between two looks at the counter; a publish is to be seen everywhere within a second.
POLL_SECONDS = 0.4
# PostgreSQL tells us by itself; this is for where it cannot.
NOTIFY_TIMEOUT_SECONDS = 0.8
# The whole state is read at least so often: a counter says nothing of a page that was overwritten on disk.
FULL_CHECK_SECONDS = 5.0
BUSY_TIMEOUT_MILLISECONDS = 1000


class ChangeListener:
    """For one thread, which owns this database connection. Any method may raise DatabaseError."""

    def __init__(self) -> None:
        self._counter: object = None
        self._checked_at = 0.0
        self._listening_connection: Any = None

    def wait(self, stop: threading.Event) -> None:
        """Return when it is time to look."""
        raw = self._listening_connection
        if raw is None or raw.closed:
            stop.wait(POLL_SECONDS)
            return
        with connection.wrap_database_errors:
            list(raw.notifies(timeout=NOTIFY_TIMEOUT_SECONDS, stop_after=1))

    def may_have_changed(self) -> bool:
        """Whether the state of the public site has to be read."""
        now = time.monotonic()
        counter = self._read_counter()
        if counter is not None and counter == self._counter and now - self._checked_at < FULL_CHECK_SECONDS:
            return False
        self._counter, self._checked_at = counter, now
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                # Otherwise SQLite answers from its memory, whatever has become of the file.
                cursor.execute("PRAGMA shrink_memory")
        return True

    def reset(self) -> None:
        """After an error: the next look reads everything."""
        self._counter = None

    def _read_counter(self) -> object:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}")
                cursor.execute("PRAGMA data_version")
                # A counter belongs to its connection: of a new one it says nothing.
                return id(connection.connection), cursor.fetchone()[0]
        connection.ensure_connection()
        raw = connection.connection
        if connection.vendor == "postgresql" and raw is not self._listening_connection:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {NOTIFY_CHANNEL}")
            self._listening_connection = raw
        return None
