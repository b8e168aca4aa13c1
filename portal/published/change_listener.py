"""Detection of commits by other processes, several times a second.

SQLite: PRAGMA data_version changes with every commit of another connection. PostgreSQL: NOTIFY (sent by triggers from
the migration ``notify_postgresql``), and polling in case a connection pooler swallows the notifications.
"""

import threading
import time
from typing import Any

from django.db import connection

NOTIFY_CHANNEL = "public_site"
# SQLite's polling interval; a publication must appear in all processes within a second.
POLL_SECONDS = 0.4
# PostgreSQL's polling interval if no notification arrives.
NOTIFY_TIMEOUT_SECONDS = 0.8
# The content version is read at least this often, because data_version misses a database overwritten on disk.
FULL_CHECK_SECONDS = 5.0
BUSY_TIMEOUT_MILLISECONDS = 1000


class ChangeListener:
    """Detects changes for a single thread, which owns the database connection. Any method may raise DatabaseError."""

    def __init__(self) -> None:
        self._counter: object = None
        self._checked_at = 0.0
        self._listening_connection: Any = None

    def wait(self, stop: threading.Event) -> None:
        """Block until it is time to check for changes, or ``stop`` is set."""
        raw = self._listening_connection
        if raw is None or raw.closed:
            stop.wait(POLL_SECONDS)
            return
        with connection.wrap_database_errors:
            list(raw.notifies(timeout=NOTIFY_TIMEOUT_SECONDS, stop_after=1))

    def may_have_changed(self) -> bool:
        """Return whether the content version must be read again."""
        now = time.monotonic()
        counter = self._read_counter()
        if counter is not None and counter == self._counter and now - self._checked_at < FULL_CHECK_SECONDS:
            return False
        self._counter, self._checked_at = counter, now
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                # Drop SQLite's page cache, which would hide that the file was damaged or overwritten.
                cursor.execute("PRAGMA shrink_memory")
        return True

    def reset(self) -> None:
        """Make the next check report a change. For use after an error."""
        self._counter = None

    def _read_counter(self) -> object:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}")
                cursor.execute("PRAGMA data_version")
                # data_version values of different connections are not comparable.
                return id(connection.connection), cursor.fetchone()[0]
        connection.ensure_connection()
        raw = connection.connection
        if connection.vendor == "postgresql" and raw is not self._listening_connection:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {NOTIFY_CHANNEL}")
            self._listening_connection = raw
        return None
