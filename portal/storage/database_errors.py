"""Detection of an unavailable database, and the 503 response to it."""

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

from portal.security.headers import PROBE_PATHS

log = logging.getLogger(__name__)

DATABASE_FILE_MISSING = "the database file is missing"
NO_RESPONSE = "the database does not respond"
DATABASE_FILE_REPLACED = "the database file was replaced while the server was running: restart the server"


def is_connection_error(error: BaseException | None) -> bool:
    """Return whether an error means that the database cannot be used, rather than that a statement was wrong."""
    # SQLite's "malformed" and "not a database" are raised as the base class.
    return isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError


def describe_error(error: BaseException) -> str:
    """Return why the database cannot be used, for an operator, without file or host names."""
    text = str(error).lower()
    if "malformed" in text or "not a database" in text:
        return "the database is damaged: restore a backup"
    if "disk is full" in text or "no space left" in text:
        return "the disk of the database is full: free some space"
    if "locked" in text or "busy" in text:
        return "the database is locked by another program"
    if "unable to open" in text:
        return DATABASE_FILE_MISSING
    if "no such table" in text or "does not exist" in text:
        return "the database is empty or not migrated: run manage.py migrate"
    return NO_RESPONSE


def _uses_sqlite_file() -> bool:
    # The test database is in memory.
    default = connections["default"]
    return isinstance(default, SQLite) and not default.is_in_memory_db()


def require_existing_database() -> None:
    """Make this process open the SQLite file only if it exists. SQLite would create an empty one and hide the loss."""
    config = connections.settings["default"]
    if _uses_sqlite_file():
        uri = f"file:{quote(str(config['NAME']))}?mode=rw"
        config["OPTIONS"] = {**config["OPTIONS"], "database": uri, "uri": True}
        connections.close_all()


class DatabaseFileMonitor:
    """Detects that the SQLite file was deleted or replaced since the monitor was created.

    A process that has a deleted file open can still write to it, so saved changes would be lost silently. Does nothing
    on PostgreSQL.
    """

    def __init__(self) -> None:
        self._path = Path(str(connection.settings_dict["NAME"])) if _uses_sqlite_file() else None
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


class DatabaseErrorMiddleware:
    """Responds with 503 while the database cannot be used.

    Refuses requests before the view runs if the SQLite file is missing or replaced, because writes would be lost.
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
            and not request.path_info.startswith(settings.MEDIA_URL)
        ):
            return self._unavailable_view(request)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not is_connection_error(error):
            return None
        log.warning("%s", describe_error(error))
        return self._unavailable_view(request)
