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

from portal.serving.database import in_words

if TYPE_CHECKING:
    from portal.serving.keeper import Keeper

# Of this process, where it has snapshots (install.py).
keeper: "Keeper | None" = None
PLAIN = "text/plain; charset=utf-8"
# With less room on the disk of the data folder an operator has to act before staff are refused.
MIN_MEGABYTES = 64


@csrf_exempt
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers."""
    return _answer(200, "ok")


@csrf_exempt
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database and media answer and no migration is missing, else 503 with the reason."""
    try:
        trouble = (keeper.trouble if keeper else "") or _missing_migrations()
    except DatabaseError as error:
        trouble = in_words(error)
    if trouble:
        return _answer(503, f"{trouble} ({keeper.how_old()})" if keeper else trouble)
    if no_room := _missing_room():
        return _answer(503, no_room)
    try:
        default_storage.exists("figures/ready")
    except OSError:
        return _answer(503, "the media storage does not answer")
    return _answer(200, "ready")


def _missing_migrations() -> str:
    executor = MigrationExecutor(connection)
    planned = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return "migrations are missing: run manage.py migrate" if planned else ""


def _missing_room() -> str:
    try:
        free = shutil.disk_usage(settings.DATA_DIR).free // 1_000_000
    except OSError:
        return "the data folder does not answer"
    return f"the disk of the data folder is nearly full ({free} MB are left)" if free < MIN_MEGABYTES else ""


def _answer(status: int, text: str) -> HttpResponse:
    response = HttpResponse(f"{text}\n", status=status, content_type=PLAIN)
    response.headers["Cache-Control"] = "no-store"
    return response
