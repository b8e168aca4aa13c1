"""For load balancers: is the process alive, and is everything behind it there."""

from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

PLAIN = "text/plain; charset=utf-8"


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
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return _answer(503, "migrations are missing: run manage.py migrate")
    except DatabaseError:
        return _answer(503, "the database does not answer")
    try:
        default_storage.exists("figures/ready")
    except OSError:
        return _answer(503, "the media storage does not answer")
    return _answer(200, "ready")


def _answer(status: int, text: str) -> HttpResponse:
    response = HttpResponse(f"{text}\n", status=status, content_type=PLAIN)
    response.headers["Cache-Control"] = "no-store"
    return response
