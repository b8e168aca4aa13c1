"""The ``serve`` command: set up the installation and run the production server."""

import contextlib
import datetime
import io
import multiprocessing
import os
import socket
import time
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, OperationalError, connection, connections
from django.db.migrations.recorder import MigrationRecorder

from portal.accounts.models import User
from portal.accounts.services import create_demo_accounts
from portal.accounts.sessions import is_network_reachable
from portal.backup.databases import find_unknown_migration, sqlite_wal_warning
from portal.published.files import PublishedFiles
from portal.storage.database_errors import DATABASE_FILE_MISSING, DatabaseFileMonitor, require_existing_database
from portal.storage.local_storage import StorageUnavailableError
from portal.storage.static_files import collect_static_files

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_WORKERS = 64
# Concurrent requests per worker. With few threads, slow clients block a worker.
BLOCKING_THREADS = 16
# Limits for the header lines of a request, all together. The server answers 431 or 408 beyond them.
MAX_HEADER_BYTES, HEADER_TIMEOUT_MILLISECONDS = 64 * 1024, 10_000
# Processes that are still running this long after a stop signal are killed.
STOP_TIMEOUT_SECONDS = 20


class Command(BaseCommand):
    """Migrate, load the starter content on the first run, collect static files, and serve with Granian."""

    help = "Start the portal. Sets up everything that is missing first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", default=8000, type=int)
        parser.add_argument("--workers", default=2, type=int)
        parser.add_argument(
            "--no-worker", action="store_true", help="Do not start manage.py worker: it runs separately."
        )
        parser.add_argument("--demo", action="store_true", help="Add staff accounts with random passwords.")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        self._check_options(options)
        url_host = f"[{host}]" if ":" in host else host
        self._url = f"http://{url_host}:{port}"
        # All processes inherit this environment.
        os.environ.setdefault("PORTAL_PUBLIC_URL", self._url)
        self._files = PublishedFiles(settings.DATA_DIR)
        try:
            self._prepare(demo=options["demo"])
        except DatabaseError as error:
            self._continue_without_database(str(error).splitlines()[0])
        except StorageUnavailableError as error:
            raise CommandError(f"{error} The first start stores images there. Try again later.") from error
        except OSError as error:
            raise CommandError(f"The data directory {settings.DATA_DIR} cannot be used: {error}") from error
        connections.close_all()
        require_existing_database()
        self._serve(host, port, options["workers"], with_worker=not options["no_worker"])

    def _continue_without_database(self, reason: str) -> None:
        """Serve the published pages, as when the database server is not back yet after a power failure.

        Raise CommandError if there are none.
        """
        if not self._files.exists():
            raise CommandError(f"The database cannot be used: {reason}")
        confirmed_at = datetime.datetime.fromtimestamp(time.time() - self._files.age(), tz=datetime.UTC)
        as_of = confirmed_at.isoformat(sep=" ", timespec="seconds")
        self.stderr.write(f"The database cannot be used: {reason}")
        self.stderr.write(
            f"Serving the public pages as of {as_of}. Nothing else works until the database is back; then, or after an "
            "upgrade, restart the server."
        )

    def _check_options(self, options: dict[str, Any]) -> None:
        if not 1 <= options["workers"] <= MAX_WORKERS:
            raise CommandError(f"--workers is {options['workers']}. Choose 1 to {MAX_WORKERS}.")
        if not 1 <= options["port"] <= 65535:
            raise CommandError(f"--port is {options['port']}. Choose 1 to 65535.")
        if options["demo"] and options["host"] not in LOOPBACK_HOSTS:
            raise CommandError("--demo is for trials on this machine only. Omit --host or --demo.")
        if options["demo"] and is_network_reachable():
            raise CommandError(
                "--demo is for trials on this machine only. Omit it, or unset PORTAL_PUBLIC_URL and "
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
        if DatabaseFileMonitor().error() and self._files.exists():
            # A new, empty database would hide the loss of the old one.
            raise OperationalError(
                f"{DATABASE_FILE_MISSING}. Put it back, or delete the folder {self._files.root} to start with an "
                "empty site"
            )
        self._reject_unknown_migrations()
        self._check_media_storage()
        if not connection.introspection.table_names():
            # Validate the content first: an invalid file must not leave a half-created installation.
            call_command("load_content", read_only=True, stdout=io.StringIO(), stderr=self.stderr)
        self.stderr.write("Preparing the database …")
        call_command("migrate", interactive=False, verbosity=0)
        call_command("load_content", if_empty=True, stdout=self.stderr, stderr=self.stderr)
        if collect_static_files():
            self.stderr.write("Collected static files.")
        if warning := sqlite_wal_warning():
            self.stderr.write(f"Warning: {warning}")
        if demo:
            for name, password in create_demo_accounts().items():
                self.stdout.write(f"account {name}: {password}")
        elif not User.objects.filter(is_demo=False).exists():
            self.stderr.write("No staff account yet. Create the first one: manage.py invite NAME --superuser")

    def _reject_unknown_migrations(self) -> None:
        applied = MigrationRecorder(connection).applied_migrations()
        if unknown := find_unknown_migration(".".join(key) for key in applied):
            raise CommandError(
                f"The database has a migration that this version does not have ({unknown}): it was made by a newer "
                "version, or by one from before the migrations were squashed. Run the version that made it, or start "
                "with a new PORTAL_DATA_DIR or DATABASE_URL."
            )

    def _check_media_storage(self) -> None:
        """Stop if the media storage is misconfigured; warn if it does not respond, which may be temporary."""
        check = getattr(default_storage, "configuration_error", None)
        try:
            error_message = check() if check else ""
        except StorageUnavailableError as error:
            self.stderr.write(f"Warning: {error} Images come from the cache, and none can be added.")
            return
        if error_message:
            raise CommandError(error_message)

    def _serve(self, host: str, port: int, workers: int, *, with_worker: bool) -> None:
        # Spawn, not fork: a fork would copy locks that other threads hold at that moment.
        multiprocessing.set_start_method("spawn", force=True)
        from granian.constants import Interfaces
        from granian.http import HTTP1Settings
        from granian.log import LogLevels

        from portal.supervisor import SupervisedServer, supervised_worker

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
        # Otherwise glibc keeps an arena for each thread and returns little of the memory that was used for a moment.
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
            # Granian's only warning is about the number of threads, which is intended.
            log_level=LogLevels.error,
            log_dictconfig=settings.LOGGING,
            http1_settings=HTTP1Settings(
                header_read_timeout=HEADER_TIMEOUT_MILLISECONDS, max_buffer_size=MAX_HEADER_BYTES
            ),
        )
        server.on_startup(self._print_ready)
        with supervised_worker(STOP_TIMEOUT_SECONDS) if with_worker else contextlib.nullcontext():
            server.serve()

    def _print_ready(self) -> None:
        self.stdout.write(f"Ready: {self._url}/  (staff: {self._url}/admin/)")
        # Without this, a file or the journal would receive the line when the server ends.
        self.stdout.flush()
