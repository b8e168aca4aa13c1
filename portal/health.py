"""Health checks for load balancers: ``/healthz`` (liveness) and ``/readyz`` (readiness)."""

import shutil
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from portal.storage.database_errors import describe_error

if TYPE_CHECKING:
    from portal.published.builder import SiteBuilder

# Below this much free disk space, the operator must act before staff can no longer save.
MIN_FREE_MB = 64
# The builder of this process; set by portal/published/setup.py, None in management commands.
site_builder: "SiteBuilder | None" = None


@csrf_exempt
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Return 200 as long as the process responds."""
    return _plain_response(200, "ok")


@csrf_exempt
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Return 200 if database and media storage respond, all migrations are applied and the disk has space, else 503.

    The body of a 503 gives the reason.
    """
    try:
        database_error = (site_builder.error if site_builder else "") or _migration_error()
    except DatabaseError as error:
        database_error = describe_error(error)
    if database_error:
        details = f" ({site_builder.staleness_message()})" if site_builder else ""
        return _plain_response(503, f"{database_error}{details}")
    if disk_error := _disk_space_error():
        return _plain_response(503, disk_error)
    try:
        default_storage.exists("figures/ready")
    except OSError:
        return _plain_response(503, "the media storage does not respond")
    return _plain_response(200, "ready")


def _migration_error() -> str:
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
