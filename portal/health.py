"""For load balancers: is the process alive, and is everything behind it there."""

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

# Of this process, where it has snapshots (install.py).
site_builder: "SiteBuilder | None" = None
PLAIN_TEXT = "text/plain; charset=utf-8"
# With less room on the disk of the data folder an operator has to act before staff are refused.
MIN_FREE_MB = 64


@csrf_exempt
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers."""
    return _plain_response(200, "ok")


@csrf_exempt
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database and media answer and no migration is missing, else 503 with the reason."""
    try:
        trouble = (site_builder.error if site_builder else "") or _migration_error()
    except DatabaseError as error:
        trouble = describe_error(error)
    if trouble:
        return _plain_response(503, f"{trouble} ({site_builder.staleness_message()})" if site_builder else trouble)
    if no_room := _disk_space_error():
        return _plain_response(503, no_room)
    try:
        default_storage.exists("figures/ready")
    except OSError:
        return _plain_response(503, "the media storage does not answer")
    return _plain_response(200, "ready")


def _migration_error() -> str:
    executor = MigrationExecutor(connection)
    planned = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return "migrations are missing: run manage.py migrate" if planned else ""


def _disk_space_error() -> str:
    try:
        free = shutil.disk_usage(settings.DATA_DIR).free // 1_000_000
    except OSError:
        return "the data folder does not answer"
    return f"the disk of the data folder is nearly full ({free} MB are left)" if free < MIN_FREE_MB else ""


def _plain_response(status: int, text: str) -> HttpResponse:
    response = HttpResponse(f"{text}\n", status=status, content_type=PLAIN_TEXT)
    response.headers["Cache-Control"] = "no-store"
    return response
