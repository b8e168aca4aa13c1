"""``manage.py serve``: from an empty machine to a production server."""

import datetime
import io
import multiprocessing
import os
import socket
import threading
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, OperationalError, connection, connections
from django.db.migrations.loader import MigrationLoader

from portal import env
from portal.accounts.demo import create_demo_accounts, is_network_reachable
from portal.accounts.models import User
from portal.backup.databases import sqlite_wal_warning
from portal.published.setup import open_response_files
from portal.storage.database_errors import DATABASE_FILE_MISSING, DatabaseFileMonitor, require_existing_database
from portal.storage.local_storage import StorageUnavailableError
from portal.storage.static_files import collect_static_files

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_WORKERS = 64
# Each worker answers this many requests at a time; small numbers hang on clients that send slowly.
BLOCKING_THREADS = 16
# All header lines of a request together, and how long they may take; more is answered 431 or 408.
MAX_HEADER_BYTES, HEADER_TIMEOUT_MILLISECONDS = 64 * 1024, 10_000
PERIODIC_TASK_SECONDS = 60
# A worker that has not ended by itself this long after a request to stop is ended.
STOP_TIMEOUT_SECONDS = 20
# Publish what is scheduled, answer who forgot a password; delete unfinished uploads and old answers of readers.
PERIODIC_TASKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("publish_scheduled", {}),
    ("send_password_resets", {}),
    ("delete_unused_media", {"staged": True}),
    ("purge_feedback", {}),
)


class Command(BaseCommand):
    """Migrates, loads the starter content on the first run, collects static files, serves with Granian."""

    help = "Start the portal: prepares everything that is missing, then serves it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", default=8000, type=int)
        parser.add_argument("--workers", default=2, type=int)
        parser.add_argument("--demo", action="store_true", help="Add staff accounts with random passwords.")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        self._check_options(options)
        shown = f"[{host}]" if ":" in host else host
        self._url = f"http://{shown}:{port}"
        # What the workers find, which start with this environment.
        os.environ.setdefault("PORTAL_PUBLIC_URL", self._url)
        self._response_files = open_response_files(env.get_public_url())
        try:
            self._prepare(demo=options["demo"])
        except DatabaseError as error:
            self._continue_without_database(str(error).splitlines()[0])
        except StorageUnavailableError as error:
            raise CommandError(f"{error} The first start stores the pictures; try again later.") from error
        except OSError as error:
            raise CommandError(f"The data folder {settings.DATA_DIR} cannot be used: {error}") from error
        connections.close_all()
        require_existing_database()
        self._serve(host, port, options["workers"])

    def _continue_without_database(self, reason: str) -> None:
        """Patients can read what is stored, as after a power cut that a database server has not come back from yet."""
        stored = self._response_files.load()
        if not stored:
            raise CommandError(f"The database cannot be used: {reason}")
        newest = max(part.last_validated for part in stored)
        shown = datetime.datetime.fromtimestamp(newest, tz=datetime.UTC).isoformat(sep=" ", timespec="seconds")
        self.stderr.write(f"The database cannot be used: {reason}")
        self.stderr.write(
            f"Public pages are given out as they were on {shown}. "
            "Nothing else works until the database is back; start again then, or after an upgrade."
        )

    def _check_options(self, options: dict[str, Any]) -> None:
        if not 1 <= options["workers"] <= MAX_WORKERS:
            raise CommandError(f"--workers is {options['workers']}. Choose 1 to {MAX_WORKERS}.")
        if not 1 <= options["port"] <= 65535:
            raise CommandError(f"--port is {options['port']}. Choose 1 to 65535.")
        if options["demo"] and options["host"] not in LOOPBACK_HOSTS:
            raise CommandError("--demo is for trying out on this machine only. Leave --host out, or --demo.")
        if options["demo"] and is_network_reachable():
            raise CommandError(
                "--demo is for trying out on this machine only. Leave it out, or PORTAL_PUBLIC_URL and "
                "PORTAL_ALLOWED_HOSTS."
            )
        family = socket.AF_INET6 if ":" in options["host"] else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((options["host"], options["port"]))
            except OSError as error:
                raise CommandError(
                    f"Cannot listen on {options['host']}:{options['port']}: {error.strerror}. "
                    "Stop the other program or choose another --port."
                ) from error

    def _prepare(self, *, demo: bool) -> None:
        call_command("check", fail_level="ERROR", stdout=io.StringIO())
        if DatabaseFileMonitor().error() and self._response_files.exists():
            # A new, empty database would hide that the old one is lost.
            raise OperationalError(
                f"{DATABASE_FILE_MISSING}. Put it back, or remove the folder snapshots to begin with an empty site"
            )
        self._reject_newer_database()
        self._check_media_storage()
        if not connection.introspection.table_names():
            # A broken content file must not leave a half-made installation behind.
            call_command("load_content", read_only=True, stdout=io.StringIO(), stderr=self.stderr)
        self.stderr.write("database …")
        call_command("migrate", interactive=False, verbosity=0)
        call_command("load_content", if_empty=True, stdout=self.stderr, stderr=self.stderr)
        if collect_static_files():
            self.stderr.write("static files collected")
        if fault := sqlite_wal_warning():
            self.stderr.write(f"Please note: {fault}")
        if demo:
            for name, password in create_demo_accounts().items():
                self.stdout.write(f"account {name}: {password}")
        elif not User.objects.filter(is_demo=False).exists():
            self.stderr.write("No staff account yet. Make the first: manage.py invite NAME --superuser")

    def _reject_newer_database(self) -> None:
        """A database that a later version has migrated must not be touched by this one."""
        loader = MigrationLoader(connection, ignore_no_migrations=True)
        known = loader.disk_migrations.keys()
        ours = {app for app, _ in known}
        unknown = sorted(name for name in loader.applied_migrations if name[0] in ours and name not in known)
        if unknown:
            raise CommandError(
                f"The database was made by a later version of this program ({'.'.join(unknown[0])}). "
                "Install that version, or restore a backup made with this one."
            )

    def _check_media_storage(self) -> None:
        """A bucket that does not answer may come back: then pictures come from the cache meanwhile."""
        trouble = getattr(default_storage, "configuration_error", None)
        try:
            sentence = trouble() if trouble else ""
        except StorageUnavailableError as error:
            self.stderr.write(f"Please note: {error} Pictures come from the cache, and none can be added.")
            return
        if sentence:
            raise CommandError(sentence)

    def _serve(self, host: str, port: int, workers: int) -> None:
        # Workers start from a clean process: a fork would copy locks that another thread holds at that moment.
        multiprocessing.set_start_method("spawn", force=True)
        from granian.constants import Interfaces
        from granian.http import HTTP1Settings
        from granian.log import LogLevels

        from portal.supervisor import SupervisedServer

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
        # For the workers: otherwise each of their threads keeps memory of its own, and what packing took stays taken.
        os.environ.setdefault("MALLOC_ARENA_MAX", "2")
        os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", "131072")
        os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "131072")
        server = SupervisedServer(
            "portal.wsgi:application",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=workers,
            blocking_threads=BLOCKING_THREADS,
            websockets=False,
            respawn_failed_workers=True,
            workers_kill_timeout=STOP_TIMEOUT_SECONDS,
            log_access=False,
            # Its only warning is about the number of threads, which is meant.
            log_level=LogLevels.error,
            log_dictconfig=settings.LOGGING,
            http1_settings=HTTP1Settings(
                header_read_timeout=HEADER_TIMEOUT_MILLISECONDS, max_buffer_size=MAX_HEADER_BYTES
            ),
        )
        stop = threading.Event()
        threading.Thread(target=self._run_periodic_tasks, args=(stop,), daemon=True).start()
        server.on_startup(self._print_ready)
        server.serve()
        stop.set()

    def _print_ready(self) -> None:
        self.stdout.write(f"Ready: {self._url}/  (staff: {self._url}/admin/)")
        # Into a file or the journal it would come when the server ends.
        self.stdout.flush()

    def _run_periodic_tasks(self, stop: threading.Event) -> None:
        """What must happen without anybody asking. What fails is logged, and tried again a minute later."""
        while not stop.wait(PERIODIC_TASK_SECONDS):
            for command, options in PERIODIC_TASKS:
                try:
                    call_command(command, verbosity=0, **options)
                except Exception as error:  # this thread has to outlive whatever a command runs into
                    self.stderr.write(f"{command}: {error!r}")
                finally:
                    connections.close_all()
