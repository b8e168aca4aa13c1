"""Whether the database is there, in words for an operator."""

import logging
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLite
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from portal.security.allowed_hosts import PROBE_PATHS

log = logging.getLogger(__name__)

# Pictures come from a folder or a bucket.
MEDIA_PREFIX = settings.MEDIA_URL
DATABASE_FILE_MISSING = "the database file is not there"
DATABASE_FILE_REPLACED = "the database file was replaced while the server ran: restart the server"


def is_connection_error(error: BaseException | None) -> bool:
    """Whether an error says that the database cannot be used, rather than that a statement was wrong."""
    # SQLite's "malformed" and "not a database" come as the bare class.
    return isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError


def describe_error(error: BaseException) -> str:
    """The reason, without names of files or hosts."""
    text = str(error).lower()
    if "malformed" in text or "not a database" in text:
        return "the database is damaged: restore a backup"
    if "disk is full" in text or "no space left" in text:
        return "the disk of the database is full: make room"
    if "locked" in text or "busy" in text:
        return "the database is locked by another program"
    if "unable to open" in text:
        return DATABASE_FILE_MISSING
    if "no such table" in text or "does not exist" in text:
        return "the database is empty or not migrated"
    return "the database does not answer"


def _uses_sqlite_file() -> bool:
    # Tests have their database in memory.
    default = connections["default"]
    return isinstance(default, SQLite) and not default.is_in_memory_db()


def require_existing_database() -> None:
    """From now on this process opens SQLite's file only if it is there. An empty new one would hide the loss."""
    config = connections.settings["default"]
    if _uses_sqlite_file():
        uri = f"file:{quote(str(config['NAME']))}?mode=rw"
        config["OPTIONS"] = {**config["OPTIONS"], "database": uri, "uri": True}
        connections.close_all()


class DatabaseFileMonitor:
    """A removed SQLite file stays readable and writable for who has it open: what staff save would be lost unseen."""

    def __init__(self) -> None:
        self._path = Path(str(connection.settings_dict["NAME"])) if _uses_sqlite_file() else None
        self._initial_identity = self._identity()

    def error(self) -> str:
        """A sentence, or nothing when the file is the one from the start (or there is no file)."""
        if self._path is None:
            return ""
        now = self._identity()
        if now is None:
            return DATABASE_FILE_MISSING
        self._initial_identity = self._initial_identity or now
        return "" if now == self._initial_identity else DATABASE_FILE_REPLACED

    def _identity(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            stat = os.stat(self._path)  # noqa: PTH116 -- on the way of every request that is no hit
        except OSError:
            return None
        return stat.st_dev, stat.st_ino


class DatabaseErrorMiddleware:
    """Answers 503 with a sentence instead of an error while the database cannot be used.

    Also before a removed database file is written to: a thread that has it open would not notice.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

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
            and not request.path_info.startswith(MEDIA_PREFIX)
        ):
            return self._unavailable_view(request)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Django asks here what becomes of an error in a view."""
        if not is_connection_error(error):
            return None
        log.warning("%s", describe_error(error))
        return self._unavailable_view(request)
