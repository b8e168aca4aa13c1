"""Limits on waiting for the database, the detection of changes in it, and the 503 response while it cannot be used.

Does not import psycopg, so that SQLite installations can import this module. portal/postgresql/base.py enforces the
limits.
"""

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLite
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from portal.env import NEW_SITE_HINT, require_existing_sqlite_file
from portal.http import is_staff_path
from portal.logging import RepeatLimit
from portal.security import PROBE_PATHS
from portal.storage.local_storage import describe_write_error

log = logging.getLogger(__name__)

DATABASE_FILE_MISSING = "the database file is missing"
DATABASE_FILE_UNREADABLE = "the database file cannot be opened: it must belong to the user that runs the portal"
NO_RESPONSE = "the database does not respond"
NOT_MIGRATED = "the database is empty or not migrated: restart the service, which migrates it"
DATABASE_FILE_REPLACED = "the database file was replaced while the server was running: restart the server"
NO_CONNECTION_LEFT = (
    "the database has no connections left: raise max_connections in PostgreSQL, or lower PORTAL_DATABASE_CONNECTIONS"
)
READ_ONLY = "the database is read-only: check the owner and mode of its file, or whether DATABASE_URL names a standby"
ALL_IN_USE = "all connections of this process are in use"
# Words in the messages of SQLite, libpq, and PostgreSQL, in the order in which they are looked for.
CAUSES = (
    ((ALL_IN_USE,), "all database connections of this process are in use"),
    (("too many clients", "too many connections", "remaining connection slots"), NO_CONNECTION_LEFT),
    (("malformed", "not a database"), "the database is damaged: restore a backup"),
    (("disk is full", "no space left", "disk i/o error"), "the disk of the database is full: free some space"),
    (("locked", "busy"), "the database is locked by another program"),
    (("readonly", "read-only"), READ_ONLY),
    (("unable to open",), DATABASE_FILE_MISSING),
    (
        ("password authentication", "no password supplied", "authentication failed", "pg_hba.conf"),
        "the database rejected the login: check the user and password in DATABASE_URL, and pg_hba.conf",
    ),
    (
        ("failed to resolve host", "could not translate host name", "name or service not known"),
        "the database host name cannot be resolved: check DATABASE_URL",
    ),
    (
        ("connection refused", "no such file or directory", "is the server running"),
        "the database does not respond: PostgreSQL is not running there, or DATABASE_URL names another host or port",
    ),
    (
        ("starting up", "shutting down", "recovery mode", "administrator command"),
        "the database does not respond: it is starting or stopping",
    ),
    # Before the word SSL, which is also in the message about an encrypted connection that was lost.
    (
        ("closed unexpectedly", "closed the connection", "syscall error", "connection reset", "could not receive data"),
        "the connection to the database was lost: PostgreSQL or the network between the machines has stopped",
    ),
    (("invalid sslmode", "invalid connection option"), "DATABASE_URL has an option or a value that is not valid"),
    (
        ("certificate", "ssl", "tls"),
        "the encrypted connection to the database failed: check sslmode and the certificates in DATABASE_URL",
    ),
    (("statement timeout", "lock timeout"), "the database took too long to respond"),
    (
        ("permission denied",),
        "the database user lacks a privilege: make it the owner of the database and its tables (ALTER … OWNER TO)",
    ),
    (("no such table", "no such column"), NOT_MIGRATED),
)
MISSING_DATABASE = re.compile(r'database ".*" does not exist')
MISSING_ROLE = re.compile(r'role ".*" does not exist')

# Readers get a result or an error message quickly; staff requests may have to wait for a colleague's publication to
# commit.
PUBLIC_TIMEOUT_SECONDS, STAFF_TIMEOUT_SECONDS = 3.0, 15.0

# Less than the two seconds in which /readyz responds.
POOL_TIMEOUT_SECONDS = 1.2
# Of a process's 16 threads, those that neither hold nor wait for a connection stay free for readers.
MAX_WAITING_THREADS = 4
MAX_IDLE_SECONDS = 120.0
# The pool stops retrying after this long; the next request triggers a new attempt.
RECONNECT_TIMEOUT_SECONDS = 0.1

# The channel on which triggers from the migration ``notify_postgresql`` notify of commits.
NOTIFY_CHANNEL = "public_site"
# Interval between checks of SQLite's data_version.
POLL_SECONDS = 0.1
# The content version is read at least this often: a pooler can swallow PostgreSQL's notifications, and SQLite's
# data_version misses a database overwritten on disk.
POSTGRESQL_CHECK_SECONDS, SQLITE_CHECK_SECONDS = 0.8, 5.0
BUSY_TIMEOUT_MILLISECONDS = 1000

_local = threading.local()


def is_connection_error(error: BaseException | None) -> bool:
    """Return whether an error means that the database cannot be used, rather than that a statement was wrong."""
    # SQLite's "malformed" and "not a database" are raised as the base class.
    return isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError


def describe_error(error: BaseException) -> str:
    """Return why the database cannot be used, for an operator, without file, account, or host names."""
    text = str(error).lower()
    if MISSING_DATABASE.search(text):
        return "the database that DATABASE_URL names does not exist: create it (docs/operations.md)"
    if MISSING_ROLE.search(text):
        return "the database has no such account: check the user in DATABASE_URL"
    for words, cause in CAUSES:
        if any(word in text for word in words):
            if cause == DATABASE_FILE_MISSING and _uses_sqlite_file() and _may_exist(sqlite_path()):
                return DATABASE_FILE_UNREADABLE
            return cause
    if "does not exist" in text:
        return NOT_MIGRATED
    return NO_RESPONSE


def _may_exist(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:  # this user may not look into the directory
        return True


def describe_command_error(error: DatabaseError | OSError) -> str:
    """Return one line for an error that ends a command, or an empty string if the error is a bug."""
    if isinstance(error, DatabaseError):
        reason = describe_error(error)
        if reason == DATABASE_FILE_MISSING:
            name = connections.settings["default"]["NAME"]
            return f"there is no usable database at {name}. {NEW_SITE_HINT}"
        return reason if is_connection_error(error) or reason != NO_RESPONSE else ""
    if error.filename:
        return describe_write_error(error, Path(os.fsdecode(error.filename)))
    # A StorageUnavailableError carries a full sentence; an OSError without a file name says too little.
    return "" if error.errno else str(error)


def sqlite_path() -> Path:
    """Return the file of the SQLite database."""
    return Path(str(connection.settings_dict["NAME"]))


def drop_page_cache(cursor: Any) -> None:
    """Drop SQLite's page cache, which would hide that the file was damaged or overwritten."""
    cursor.execute("PRAGMA shrink_memory")


def _uses_sqlite_file() -> bool:
    # The test database is in memory.
    default = connections["default"]
    return isinstance(default, SQLite) and not default.is_in_memory_db()


def require_existing_database() -> None:
    """Make this process open the SQLite file only if it exists.

    Otherwise, SQLite would create an empty one and hide the loss.
    """
    config = connections.settings["default"]
    if _uses_sqlite_file():
        require_existing_sqlite_file(config)
        connections.close_all()


class DatabaseFileMonitor:
    """Detects that the SQLite file was deleted or replaced since the monitor was created.

    A process that has a deleted file open can still write to it, so saved changes would be lost silently. Does nothing
    on PostgreSQL.
    """

    def __init__(self) -> None:
        self._path = sqlite_path() if _uses_sqlite_file() else None
        self._initial_identity = self._identity()

    def error(self) -> str:
        """Return DATABASE_FILE_MISSING, DATABASE_FILE_REPLACED, or an empty string if all is well."""
        if self._path is None:
            return ""
        identity = self._identity()
        if identity is None:
            return DATABASE_FILE_MISSING
        self._initial_identity = self._initial_identity or identity
        return "" if identity == self._initial_identity else DATABASE_FILE_REPLACED

    def _identity(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            stat = os.stat(self._path)  # noqa: PTH116 -- faster, and runs on every cache miss
        except OSError:
            return None
        return stat.st_dev, stat.st_ino


class ChangeListener:
    """Detects commits by other connections, using SQLite's ``PRAGMA data_version``, PostgreSQL's NOTIFY, and a timer.

    Must be used from a single thread, which owns the database connection. Any method may raise DatabaseError.
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
            drop_page_cache(cursor)
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


class DatabaseErrorMiddleware:
    """Responds with 503 while the database cannot be used, and limits how long a request waits for it.

    Rejects requests before the view runs if the SQLite file is missing or replaced, because writes would be lost.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._log_limit = RepeatLimit()

    @cached_property
    def _file_monitor(self) -> DatabaseFileMonitor:
        return DatabaseFileMonitor()

    @cached_property
    def _unavailable_view(self) -> Callable[[HttpRequest], HttpResponse]:
        view: Callable[[HttpRequest], HttpResponse] = import_string(settings.DATABASE_ERROR_VIEW)
        return view

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if (
            self._file_monitor.error()
            and request.path_info not in PROBE_PATHS
            and not request.path_info.startswith(settings.MEDIA_URL)
        ):
            return self._unavailable_view(request)
        with response_timeout(STAFF_TIMEOUT_SECONDS if is_staff_path(request) else PUBLIC_TIMEOUT_SECONDS):
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not is_connection_error(error):
            return None
        if self._log_limit.allows(cause := describe_error(error)):
            log.warning("%s", cause)
        return self._unavailable_view(request)


def get_response_timeout() -> float:
    """Return how long this thread waits for a database response, in seconds."""
    return float(getattr(_local, "seconds", PUBLIC_TIMEOUT_SECONDS))


@contextmanager
def response_timeout(seconds: float) -> Iterator[None]:
    """Limit how long this thread waits for database responses within the block."""
    before = get_response_timeout()
    _local.seconds = seconds
    try:
        yield
    finally:
        _local.seconds = before


def limit_connections() -> None:
    """Give this process the limits of a web process, if it uses PostgreSQL. Must come before its first query."""
    config = connections.settings["default"]
    if config["ENGINE"] != "portal.postgresql":
        return
    config["CONN_MAX_AGE"] = 0  # each request returns its connection
    config["OPTIONS"] = {
        # Let the server cancel abandoned work too. The idle limit is generous because a picture may be decoded between
        # two statements.
        "options": f"-c statement_timeout={STAFF_TIMEOUT_SECONDS:.0f}s -c idle_in_transaction_session_timeout=300s",
        **config["OPTIONS"],
        "pool": {
            "min_size": 1,
            "max_size": settings.DATABASE_CONNECTIONS,
            "timeout": POOL_TIMEOUT_SECONDS,
            "max_waiting_threads": MAX_WAITING_THREADS,
            "max_idle": MAX_IDLE_SECONDS,
            "reconnect_timeout": RECONNECT_TIMEOUT_SECONDS,
        },
    }
