"""Detection of commits by other processes."""

import time
from typing import Any

from django.db import connection

# The channel on which triggers from the migration ``notify_postgresql`` notify of commits.
NOTIFY_CHANNEL = "public_site"
# Pause between two looks at SQLite's data_version.
POLL_SECONDS = 0.1
# The content version is read at least this often: a pooler can swallow PostgreSQL's notifications, and SQLite's
# data_version misses a database overwritten on disk.
POSTGRESQL_CHECK_SECONDS, SQLITE_CHECK_SECONDS = 0.8, 5.0
BUSY_TIMEOUT_MILLISECONDS = 1000


class ChangeListener:
    """Detects commits of other connections: SQLite's ``PRAGMA data_version``, PostgreSQL's NOTIFY and a timer.

    For a single thread, which owns the database connection. Any method may raise DatabaseError.
    """

    def __init__(self) -> None:
        self._data_version: object = None
        self._checked_at = float("-inf")
        self._listening: Any = None

    def wait(self) -> None:
        """Block for a moment, or until a notification arrives."""
        if self._listening is None or self._listening.closed:
            time.sleep(POLL_SECONDS)
        elif self._has_notification(POSTGRESQL_CHECK_SECONDS / 2):
            self.reset()

    def may_have_changed(self) -> bool:
        """Return whether the content version must be read again."""
        age = time.monotonic() - self._checked_at
        if connection.vendor == "sqlite":
            is_due = self._has_new_data_version() or age > SQLITE_CHECK_SECONDS
        else:
            is_due = self._has_new_connection() or age > POSTGRESQL_CHECK_SECONDS or self._has_notification(0.0)
        if is_due:
            self._checked_at = time.monotonic()
        return is_due

    def reset(self) -> None:
        """Make the next check report a change."""
        self._checked_at = float("-inf")

    def _has_new_data_version(self) -> bool:
        before = self._data_version
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}")
            # Drop SQLite's page cache, which would hide that the file was damaged or overwritten.
            cursor.execute("PRAGMA shrink_memory")
            cursor.execute("PRAGMA data_version")
            # data_version values of different connections are not comparable.
            self._data_version = id(connection.connection), cursor.fetchone()[0]
        return self._data_version != before

    def _has_new_connection(self) -> bool:
        """Listen on the current connection. Return whether it is a new one, which may have missed notifications."""
        connection.ensure_connection()
        if connection.connection is self._listening:
            return False
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {NOTIFY_CHANNEL}")
        self._listening = connection.connection
        return True

    def _has_notification(self, timeout: float) -> bool:
        with connection.wrap_database_errors:
            return bool(list(self._listening.notifies(timeout=timeout, stop_after=1)))
