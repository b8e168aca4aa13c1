"""Health checks for load balancers: ``/healthz`` (liveness) and ``/readyz`` (readiness)."""

import shutil

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from portal.published.files import STALE_AFTER_SECONDS, PublishedFiles
from portal.storage.database_errors import DatabaseFileMonitor, describe_error

# Below this much free disk space, the operator must act before staff can no longer save.
MIN_FREE_MB = 64
# None in management commands and runserver, which have no worker process.
_file_monitor: DatabaseFileMonitor | None = None


def start_monitoring() -> None:
    """Make ``/readyz`` of this process report a database file that is replaced from now on, and a missing worker."""
    global _file_monitor
    _file_monitor = DatabaseFileMonitor()


@csrf_exempt
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Return 200 as long as the process responds."""
    return _plain_response(200, "ok")


@csrf_exempt
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Return 200 if database, worker and media storage respond, all migrations are applied, and the disk has space.

    The body of a 503 gives the reason.
    """
    age = PublishedFiles(settings.DATA_DIR).age()
    try:
        error = (_file_monitor and _file_monitor.error()) or _migration_error()
    except DatabaseError as database_error:
        error = describe_error(database_error)
    if _file_monitor and not error and age > STALE_AFTER_SECONDS:
        error = "the worker process does not respond"
    if error:
        details = f" (serving the public pages as of {int(age)} s ago)" if _file_monitor else ""
        return _plain_response(503, f"{error}{details}")
    if disk_error := _disk_space_error():
        return _plain_response(503, disk_error)
    try:
        default_storage.exists("figures/ready")
    except OSError:
        return _plain_response(503, "the media storage does not respond")
    return _plain_response(200, "ready")


def _migration_error() -> str:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # Drop SQLite's page cache, which would hide that the file was damaged or overwritten.
            cursor.execute("PRAGMA shrink_memory")
    executor = MigrationExecutor(connection)
    planned = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return "unapplied migrations: run manage.py migrate" if planned else ""


def _disk_space_error() -> str:
    try:
        free = shutil.disk_usage(settings.DATA_DIR).free // 1_000_000
    except OSError:
        return "the data directory cannot be read"
    return f"the disk of the data directory is nearly full ({free} MB free)" if free < MIN_FREE_MB else ""


def _plain_response(status: int, text: str) -> HttpResponse:
    response = HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response
