"""Monitoring: ``/healthz``, ``/readyz``, ``/metrics``, this machine's clock, and when tasks last succeeded."""

import contextlib
import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from portal import MEGABYTE, get_version
from portal.http import plain_response, reads_no_anonymous_body
from portal.published.files import STALE_AFTER_SECONDS, PublishedFiles, worker_folder
from portal.secret_key import WRONG_KEY, key_matches_database
from portal.storage.database import (
    NO_RESPONSE,
    READ_ONLY,
    DatabaseFileMonitor,
    describe_error,
    drop_page_cache,
    sqlite_path,
)
from portal.storage.local_storage import AtomicFileSystemStorage
from portal.storage.media import referenced_files

# Load balancers give up before a hung database connection times out.
MAX_RESPONSE_SECONDS = 1.8
# With less free disk space than this, report a problem before saving starts to fail.
MIN_FREE_MB = 64
# Authenticator codes are valid for less than twice this long.
MAX_CLOCK_ERROR_SECONDS = 60
STORAGE_NO_RESPONSE = "the media storage does not respond"
MEDIA_MISSING = "the pictures are missing: mount media/ in the data directory, or restore it from a backup"
CLOCK_ADVICE = "set up NTP, for example systemd-timesyncd (timedatectl)"
# None in management commands and runserver, which have no worker process.
_file_monitor: DatabaseFileMonitor | None = None
# <sys/timex.h>: the return value of adjtimex() while nothing disciplines the clock.
TIME_ERROR = 5
# More than sizeof(struct timex) on every architecture. Its first member, ``modes``, is 0: change nothing.
TIMEX_BYTES = 512
log = logging.getLogger(__name__)


def start_monitoring() -> None:
    """From now on, make this process's ``/readyz`` report a replaced database file or a missing worker."""
    global _file_monitor
    _file_monitor = DatabaseFileMonitor()


@reads_no_anonymous_body
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Return 200 and the version as long as the process responds."""
    return plain_response(200, f"ok {get_version()}")


@reads_no_anonymous_body
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Return 200 if this machine is fully operational; otherwise 503 with the reason, within two seconds.

    Possible reasons: database, connections, migrations, key, clock, worker process, disk, media storage, pages that
    cannot be rendered.
    """
    problem = PROBE.run() if _file_monitor else describe_problem()
    return plain_response(503 if problem else 200, problem or "ready")


@reads_no_anonymous_body
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics of this machine to a client that has PORTAL_METRICS_TOKEN; 404 if none is set."""
    if not settings.METRICS_TOKEN:
        raise Http404
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not constant_time_compare(token, settings.METRICS_TOKEN):
        challenge = {"WWW-Authenticate": 'Bearer realm="metrics"'}
        return plain_response(401, "The token is missing or wrong.", challenge)
    # Needs the extra "metrics".
    from portal.metrics import CONTENT_TYPE, render

    return HttpResponse(render(), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def describe_problem(set_stage: Callable[[str], None] = lambda _: None) -> str:
    """Return the first thing that is wrong, or an empty string.

    ``set_stage`` receives the problem to report if the next check hangs.
    """
    set_stage(NO_RESPONSE)
    # First, because a full disk is also why the worker stops.
    if error := _disk_space_problem():
        return error
    files = PublishedFiles(settings.DATA_DIR)
    age = files.age()
    try:
        error = (_file_monitor and _file_monitor.error()) or _database_problem()
    except DatabaseError as database_error:
        error = describe_error(database_error)
    if _file_monitor and not error and age > STALE_AFTER_SECONDS:
        error = "the worker process does not respond"
    if error:
        has_age = _file_monitor and files.confirmed_at()
        return f"{error} (serving the public pages as of {int(age)} s ago)" if has_age else error
    set_stage(STORAGE_NO_RESPONSE)
    if error := find_media_problem():
        return error
    problem = files.problem() if _file_monitor else ""
    return f"the public pages are not up to date: {problem}" if problem else ""


class Probe:
    """Runs ``describe_problem`` in a thread, so that something that hangs cannot delay the response."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._finished = threading.Event()
        self._finished.set()
        self._stage = self._problem = self._logged = ""

    def run(self) -> str:
        """Return what is wrong, within MAX_RESPONSE_SECONDS, and log it if it has changed.

        While a check hangs, no second one is started.
        """
        with self._lock:
            if self._finished.is_set():
                self._finished = threading.Event()
                self._stage = NO_RESPONSE
                threading.Thread(target=self._check, args=(self._finished,), name="readyz", daemon=True).start()
            finished = self._finished
        problem = self._problem if finished.wait(MAX_RESPONSE_SECONDS) else self._stage
        self._log_change(problem)
        return problem

    def _log_change(self, problem: str) -> None:
        # Seconds and megabytes change all the time.
        cause = re.sub(r"[0-9]+", "", problem)
        with self._lock:
            has_changed, self._logged = cause != self._logged, cause
        if has_changed and problem:
            log.warning("Not ready: %s", problem)
        elif has_changed:
            log.info("Ready again")

    def _set_stage(self, stage: str) -> None:
        self._stage = stage

    def _check(self, finished: threading.Event) -> None:
        try:
            self._problem = describe_problem(self._set_stage)
        except Exception:
            log.exception("The readiness check failed")
            self._problem = "the readiness check failed: see the log"
        finally:
            connections.close_all()
            finished.set()


PROBE = Probe()


def _database_problem() -> str:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            drop_page_cache(cursor)
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return "unapplied migrations: restart the service"
    if _is_read_only():
        return READ_ONLY
    if not key_matches_database():
        return f"{WRONG_KEY}: see “Rotate the key” in docs/operations.md"
    return describe_clock_error((_database_time() - timezone.now()).total_seconds())


def _is_read_only() -> bool:
    if connection.vendor == "sqlite":
        file = sqlite_path()
        return file.exists() and not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        return bool(cursor.fetchone()[0] == "on")


def _database_time() -> datetime:
    """Return the time of the database server; with SQLite, the time of the latest event, if that is in the future."""
    if connection.vendor == "sqlite":
        from portal.accounts.models import AuditEvent

        latest = AuditEvent.objects.order_by("-created_at").values_list("created_at", flat=True).first()
        return max(latest or timezone.now(), timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        time: datetime = cursor.fetchone()[0]
    return time


def describe_clock_error(seconds: float) -> str:
    """Return a message if the database's clock is ahead (negative: behind) by more than MAX_CLOCK_ERROR_SECONDS."""
    if abs(seconds) <= MAX_CLOCK_ERROR_SECONDS:
        return ""
    direction = "behind" if seconds > 0 else "ahead of"
    return f"this machine's clock is {abs(seconds):.0f} s {direction} the database's: {CLOCK_ADVICE}"


def _disk_space_problem() -> str:
    try:
        free = shutil.disk_usage(settings.DATA_DIR).free // MEGABYTE
    except OSError:
        return "the data directory cannot be read"
    return f"the disk of the data directory is nearly full ({free} MB free)" if free < MIN_FREE_MB else ""


def find_media_problem() -> str:
    """Return why pictures cannot be read or stored, or an empty string."""
    find = getattr(default_storage, "describe_problem", None)
    try:
        default_storage.exists("figures/ready")
        if problem := find() if find else "":
            return str(problem)
        # A single missing picture is not reported here; a folder that was not mounted is.
        is_empty = isinstance(default_storage, AtomicFileSystemStorage) and default_storage.is_empty()
        return MEDIA_MISSING if is_empty and next(iter(referenced_files()), "") else ""
    except DatabaseError:
        return ""  # reported by the database check
    except OSError as error:
        # Do not show other errors: their messages contain file names.
        return str(getattr(error, "reason", "") or STORAGE_NO_RESPONSE)


def is_clock_synchronized() -> bool:
    """Return whether NTP, or a hypervisor, disciplines the clock; True if the kernel does not say."""
    import ctypes  # imported here because only serve needs it

    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except (OSError, AttributeError):
        return True
    return bool(state != TIME_ERROR)


def _task_status_dir() -> Path:
    """Return the folder with one empty file per task, and one for backups.

    A file's modification time is the last success.
    """
    return worker_folder(settings.DATA_DIR) / "done"


def record_task_success(task: str) -> None:
    """Record that ``task`` has succeeded now. A full disk must not turn the success into a failure."""
    with contextlib.suppress(OSError):
        _task_status_dir().mkdir(mode=0o700, parents=True, exist_ok=True)
        (_task_status_dir() / task).touch()


def seconds_since_success() -> dict[str, float]:
    """Return the seconds since each task last succeeded on this machine."""
    now = time.time()
    with contextlib.suppress(OSError):
        return {file.name: max(0.0, now - file.stat().st_mtime) for file in sorted(_task_status_dir().iterdir())}
    return {}
