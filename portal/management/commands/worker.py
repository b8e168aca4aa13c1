"""The ``worker`` command: keep the published pages of a data directory up to date, and run the periodic tasks."""

import contextlib
import hashlib
import logging
import os
import signal
import sqlite3
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from django.apps import apps
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from portal.audit import start_forwarding
from portal.health import record_task_success
from portal.http import make_fetch
from portal.logging import redacted_traceback
from portal.published.builder import SiteBuilder, SiteSource
from portal.published.files import PublishedFiles
from portal.secret_key import require_key
from portal.storage.database import describe_error, is_connection_error, require_existing_database
from portal.storage.local_storage import StorageUnavailableError
from portal.storage.media import read_public_names
from portal.storage.static_files import are_static_files_collected, describe_file

# Give web processes priority when the CPU is busy.
NICENESS = 10
LOCK_RETRY_SECONDS = 1.0
PERIODIC_TASK_SECONDS = 60
# How often to look for new public pictures to copy, and how often to compare all of them with the bucket.
PICTURE_CHECK_SECONDS, PICTURE_REFRESH_SECONDS = 5.0, 3600.0
WAITING_FOR_WORKER = "Another worker is using this data directory. Waiting for it to stop."
WAITING_FOR_SERVE = "The static files of this version are not collected yet. Waiting for “serve” to do that."
log = logging.getLogger(__name__)
# Management commands with their options.
PERIODIC_TASKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("publish_scheduled", {}),
    ("send_password_resets", {}),
    ("delete_unused_media", {"staged": True}),
    ("purge_feedback", {}),
    ("enforce_retention", {}),
    ("clearsessions", {}),
)


class Command(BaseCommand):
    """Render public pages to files, and run the periodic tasks. ``serve`` runs this as a process of its own."""

    help = "Keep the published pages up to date and run the periodic tasks. Started by serve, or by a systemd unit."
    # ``serve`` has already run them, and they would fail while the worker waits for the database.
    requires_system_checks: tuple[str, ...] = ()

    def handle(self, *args: Any, **options: Any) -> None:
        parent, stop = os.getppid(), threading.Event()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, lambda *_: stop.set())

        def should_stop() -> bool:
            # A worker must stop if its ``serve`` process was killed.
            return stop.is_set() or os.getppid() != parent

        os.nice(NICENESS)
        require_existing_database()
        # If the database is down, /readyz will report a wrong key later.
        with contextlib.suppress(DatabaseError):
            require_key()
        connections.close_all()
        files = PublishedFiles(settings.DATA_DIR)
        logged = ""
        while not should_stop():
            try:
                with files.try_lock_for_writing() as is_locked:
                    # Pages link to the collected static files, and a separate worker may start before they are there.
                    if is_locked and are_static_files_collected():
                        self._work(files, should_stop)
                        return
                message = WAITING_FOR_SERVE if is_locked else WAITING_FOR_WORKER
            except (OSError, sqlite3.Error) as error:
                reason = getattr(error, "strerror", None) or error
                message = f"The published pages cannot be written: {reason}. Retrying."
            if message != logged:
                log.warning("%s", message)
                logged = message
            time.sleep(LOCK_RETRY_SECONDS)

    def _work(self, files: PublishedFiles, should_stop: Any) -> None:
        source = cast("SiteSource", import_module(settings.SITE_SOURCE))
        # Before the threads, which must not be started twice: it may fail while the disk is full.
        builder = SiteBuilder(files, source, make_fetch(), build_fingerprint())
        threading.Thread(target=self._run_periodic_tasks, daemon=True).start()
        start_forwarding()
        if hasattr(default_storage, "prefetch"):
            threading.Thread(target=prefetch_public_pictures, args=(files.media_names,), daemon=True).start()
        builder.run(should_stop)

    def _run_periodic_tasks(self) -> None:
        """Run the periodic tasks every minute. Log an exception and retry a minute later."""
        while True:
            time.sleep(PERIODIC_TASK_SECONDS)
            for command, options in PERIODIC_TASKS:
                try:
                    call_command(command, verbosity=0, **options)
                    record_task_success(command)
                except Exception as error:  # this thread must survive any error
                    log.error("The task %s failed: %s", command, describe_task_error(error))  # noqa: TRY400 -- redacted
                finally:
                    connections.close_all()


def describe_task_error(error: Exception) -> str:
    """Return why a periodic task failed, without any row data."""
    if isinstance(error, DatabaseError) and is_connection_error(error):
        return describe_error(error)
    if isinstance(error, CommandError | StorageUnavailableError):
        return str(error)
    return redacted_traceback(error)


def prefetch_public_pictures(media_names: Path) -> None:
    """Prefetch the pictures of published pages from the bucket. Never returns."""
    known: frozenset[str] = frozenset()
    refresh_at, is_failing = 0.0, False
    while True:
        time.sleep(PICTURE_CHECK_SECONDS)
        names = read_public_names(media_names)
        if names == known and time.monotonic() < refresh_at:
            continue
        try:
            default_storage.prefetch(names)  # type: ignore[attr-defined]
        except OSError as error:
            if not is_failing:
                log.warning("Cannot copy pictures from the bucket: %s", getattr(error, "reason", "") or error)
            is_failing = True
            continue
        known, refresh_at, is_failing = names, time.monotonic() + PICTURE_REFRESH_SECONDS, False


def build_fingerprint() -> str:
    """Hash everything but content that affects rendering: code, templates, translations, static files, and hosts."""
    digest = hashlib.sha256(f"{settings.PUBLIC_URL} {settings.ALLOWED_HOSTS} {settings.STATIC_URL}".encode())
    own_apps = [Path(app.path) for app in apps.get_app_configs() if Path(app.path).is_relative_to(settings.BASE_DIR)]
    for file in [file for folder in [*own_apps, settings.TEMPLATES_DIR] for file in sorted(folder.rglob("*"))]:
        if file.suffix in {".py", ".html", ".mo"}:
            digest.update(describe_file(str(file), file))
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    digest.update(manifest.read_bytes() if manifest.exists() else b"")
    return digest.hexdigest()
