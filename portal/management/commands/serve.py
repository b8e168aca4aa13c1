"""The ``serve`` command: set up the installation and run the production server."""

import contextlib
import datetime
import errno
import io
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
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
from portal.backup import describe_unknown_migration, sqlite_wal_warning
from portal.checks import describe_rejected_host
from portal.env import MANAGE, ConfigurationError
from portal.health import is_clock_synchronized
from portal.published.files import PublishedFiles
from portal.secret_key import record_key_fingerprint, require_key
from portal.security import is_loopback
from portal.storage.database import (
    DATABASE_FILE_MISSING,
    DatabaseFileMonitor,
    describe_command_error,
    describe_error,
    require_existing_database,
)
from portal.storage.local_storage import StorageUnavailableError, try_lock
from portal.storage.static_files import collect_static_files
from portal.supervisor import SupervisedServer, run_in_child, supervised_worker
from portal.text import prepare_word_lists

READY_POLL_SECONDS = 0.1
MAX_WORKERS = 64
# Concurrent requests per web process. With too few threads, slow clients block it.
BLOCKING_THREADS = 16
# Limits for all headers of a request together. Beyond them, the server responds with 431 or 408.
MAX_HEADER_BYTES, HEADER_TIMEOUT_MILLISECONDS = 64 * 1024, 10_000
# Startup errors that need a configuration change; a restart would not help.
PERMANENT_ERRORS = frozenset({errno.EACCES, errno.EPERM, errno.EADDRNOTAVAIL})
# Key of a PostgreSQL advisory lock.
PREPARE_LOCK = 7_246_001
# Processes that are still running this long after a stop signal are killed.
STOP_TIMEOUT_SECONDS = 20


class Command(BaseCommand):
    """Migrate, load the starter content on the first run, collect static files, and serve with Granian."""

    help = "Start the portal, setting up anything that is missing first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", default=8000, type=int)
        parser.add_argument("--workers", default=2, type=int)
        parser.add_argument(
            "--no-worker", action="store_true", help="Do not start the worker, because it runs separately."
        )
        parser.add_argument("--demo", action="store_true", help="Add staff accounts with random passwords.")

    def check(self, *args: Any, **options: Any) -> None:
        """Run Django's checks, to which a host that this site rejects is only a warning."""
        if os.environ.get("PORTAL_PUBLIC_URL", "").strip() and (message := describe_rejected_host()):
            raise ConfigurationError(f"{message} Add it there.")
        super().check(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        self.stderr.style_func = None  # most of these lines are not errors, so they are not red
        self._check_options(options)
        host, port = self._resolve_host(options["host"], options["port"]), options["port"]
        url_host = f"[{host}]" if ":" in host else host
        self._url = f"http://{url_host}:{port}"
        # All processes inherit this environment.
        os.environ.setdefault("PORTAL_PUBLIC_URL", self._url)
        self._files = PublishedFiles(settings.DATA_DIR)
        with self._server_lock():
            try:
                # In a child process, because the first start uses 300 MB.
                connections.close_all()
                expected = (DatabaseError, StorageUnavailableError, OSError, CommandError)
                run_in_child(lambda: self._prepare(demo=options["demo"]), *expected)
            except DatabaseError as error:
                if not describe_command_error(error):
                    raise
                self._continue_without_database(error)
            except StorageUnavailableError as error:
                raise CommandError(f"{error} The first start stores images there. Try again later.") from error
            except OSError as error:
                raise CommandError(f"The data directory {settings.DATA_DIR} cannot be used: {error}") from error
            require_existing_database()
            if settings.METRICS_TOKEN:
                from portal import metrics

                metrics.clear()
            self._serve(host, port, options["workers"], with_worker=not options["no_worker"])

    @contextmanager
    def _server_lock(self) -> Iterator[None]:
        """Hold the lock of the data directory. Raise ConfigurationError if another ``serve`` has it.

        Otherwise, two servers, even of different versions, could silently share the directory, and only one of them
        would be stopped later.
        """
        with try_lock(settings.DATA_DIR / "serve.lock") as is_locked:
            if not is_locked:
                raise ConfigurationError(
                    f"Another “serve” process is using {settings.DATA_DIR}. Stop it, or set PORTAL_DATA_DIR to another "
                    "folder."
                )
            yield

    def _continue_without_database(self, error: DatabaseError) -> None:
        """Serve the published pages without the database, for example while the database server is still starting after
        a power failure.

        Raise CommandError if there are none.
        """
        reason = str(error) if isinstance(error, _MissingFileError) else describe_error(error)
        if not self._files.exists():
            raise CommandError(f"The site cannot start: {reason}.") from error
        confirmed_at = datetime.datetime.fromtimestamp(self._files.confirmed_at(), tz=datetime.UTC)
        as_of = confirmed_at.isoformat(sep=" ", timespec="seconds")
        self.stderr.write(f"The database cannot be used: {reason}.")
        self.stderr.write(
            f"Serving the public pages as of {as_of}. Everything else works again when the database is back. After an "
            "upgrade, restart the service then."
        )

    def _check_options(self, options: dict[str, Any]) -> None:
        if not 1 <= options["workers"] <= MAX_WORKERS:
            raise ConfigurationError(f"--workers is {options['workers']}. Choose 1 to {MAX_WORKERS}.")
        if not 1 <= options["port"] <= 65535:
            raise ConfigurationError(f"--port is {options['port']}. Choose 1 to 65535.")
        if options["demo"] and not is_loopback(options["host"]):
            raise ConfigurationError("--demo is for trials on this machine only. Omit --host or --demo.")
        if options["demo"] and is_network_reachable():
            raise ConfigurationError(
                "--demo is for trials on this machine only. Omit it, or unset PORTAL_PUBLIC_URL and "
                "PORTAL_ALLOWED_HOSTS."
            )

    def _resolve_host(self, host: str, port: int) -> str:
        """Return the IP address to listen on. Raise CommandError if that is not possible."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise ConfigurationError(
                f"--host is {host}, which is not an address of this machine. Use an IP address, such as 127.0.0.1."
            ) from error
        # localhost can resolve to both IPv4 and IPv6; browsers and nginx try IPv4.
        family, _, _, _, address = min(found, key=lambda info: info[0] != socket.AF_INET)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                message = f"Cannot listen on {host}:{port}: {describe_listen_error(error)}"
                is_permanent = error.errno in PERMANENT_ERRORS
                raise (ConfigurationError(message) if is_permanent else CommandError(message)) from error
        return str(address[0])

    def _prepare(self, *, demo: bool) -> None:
        call_command("check", fail_level="ERROR", stdout=io.StringIO())
        if DatabaseFileMonitor().error() and self._files.exists():
            # A new, empty database would hide the loss of the old one.
            raise _MissingFileError(
                f"{DATABASE_FILE_MISSING}. Put it back, or delete the folder {self._files.root} to start with an "
                "empty site"
            )
        self._reject_unknown_migrations()
        require_key()
        self._check_media_storage()
        # A misspelled setting would start an empty site.
        self.stderr.write(f"Database: {describe_database()}. Pictures: {describe_media_storage()}.")
        if not connection.introspection.table_names():
            # Validate the content first: an invalid file must not leave a half-created installation.
            call_command("load_content", read_only=True, stdout=io.StringIO(), stderr=self.stderr)
        self.stderr.write("Preparing the database…")
        with self._preparation_lock():
            call_command("migrate", interactive=False, verbosity=0)
            record_key_fingerprint()
            call_command("load_content", if_empty=True, stdout=self.stderr, stderr=self.stderr)
        if collect_static_files():
            self.stderr.write("Collected static files.")
        prepare_word_lists()
        if warning := sqlite_wal_warning():
            self.stderr.write(f"Warning: {warning}")
        if settings.USE_HTTPS and not is_clock_synchronized():
            self.stderr.write(
                "Warning: This machine's clock is not synchronized. Authenticator apps need the correct time: set up "
                "NTP (docs/operations.md)."
            )
        if demo:
            for name, password in create_demo_accounts().items():
                self.stdout.write(f"account {name}: {password}")
        elif not User.objects.filter(is_demo=False).exists():
            self.stderr.write(f"No staff account yet. Create the first one: {MANAGE} invite NAME --superuser")

    @contextmanager
    def _preparation_lock(self) -> Iterator[None]:
        """Wait while another machine prepares the same database. A SQLite database is only ever used by one machine."""
        if connection.vendor != "postgresql":
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [PREPARE_LOCK])
        try:
            yield
        finally:
            with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [PREPARE_LOCK])

    def _reject_unknown_migrations(self) -> None:
        applied = MigrationRecorder(connection).applied_migrations()
        if unknown := describe_unknown_migration(".".join(key) for key in applied):
            raise ConfigurationError(
                f"The database has {unknown}. Run the version that created it, or start with a new PORTAL_DATA_DIR or "
                "DATABASE_URL."
            )

    def _check_media_storage(self) -> None:
        """Stop if the media storage is misconfigured; warn if it does not respond, which may be temporary."""
        check = getattr(default_storage, "configuration_error", None)
        try:
            error_message = check() if check else ""
        except StorageUnavailableError as error:
            self.stderr.write(f"Warning: {error} Images are served from the cache, and none can be uploaded.")
            return
        if error_message:
            raise ConfigurationError(error_message)

    def _serve(self, host: str, port: int, workers: int, *, with_worker: bool) -> None:
        from granian.constants import Interfaces
        from granian.http import HTTP1Settings
        from granian.log import LogLevels

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
        # Otherwise, glibc keeps an arena per thread and returns little of the memory used by short peaks.
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
            # Granian's only warning is about the thread count, which is deliberate.
            log_level=LogLevels.error,
            log_dictconfig=settings.LOGGING,
            http1_settings=HTTP1Settings(
                header_read_timeout=HEADER_TIMEOUT_MILLISECONDS, max_buffer_size=MAX_HEADER_BYTES
            ),
        )
        server.on_startup(threading.Thread(target=self._print_ready, args=(host, port), daemon=True).start)
        with supervised_worker(STOP_TIMEOUT_SECONDS) if with_worker else contextlib.nullcontext():
            server.serve()

    def _print_ready(self, host: str, port: int) -> None:
        """Print the address as soon as a web process answers there."""
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- compared, not listened on
        while not _is_answering(here, port):
            time.sleep(READY_POLL_SECONDS)
        self.stdout.write(f"Ready: {self._url}/  (staff: {self._url}/admin/)")
        # Otherwise, a log file or the journal would not receive this line until the server exits.
        self.stdout.flush()


def _is_answering(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


class _MissingFileError(OperationalError):
    """The SQLite file of a site with published pages is missing. The message is our own and includes the path."""


def describe_listen_error(error: OSError) -> str:
    """Return why an address cannot be used, and what to do, as sentences."""
    if error.errno in {errno.EACCES, errno.EPERM}:
        return (
            "Ports below 1024 require extra privileges. Put nginx in front of --port 8000, or add "
            "AmbientCapabilities=CAP_NET_BIND_SERVICE to the systemd unit."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return "This machine does not have that address. Choose another --host, such as 127.0.0.1."
    if error.errno == errno.EADDRINUSE:
        return "Another program uses the port. Stop it, or choose another --port."
    return f"{error.strerror}."


def describe_database() -> str:
    """Return the type, location, and name of the database, without credentials."""
    config = connections.settings["default"]
    if connection.vendor == "sqlite":
        return f"SQLite, {config['NAME']}"
    host = config["HOST"] or config["OPTIONS"].get("host") or "the local socket"
    return f"PostgreSQL, {config['NAME']} on {host}{':' if config['PORT'] else ''}{config['PORT'] or ''}"


def describe_media_storage() -> str:
    """Return where pictures are stored, without keys."""
    options = settings.STORAGES["default"].get("OPTIONS", {})
    if "bucket_name" in options:
        return f"bucket {options['bucket_name']} on {options['endpoint_url'] or 'Amazon S3'}"
    return str(settings.MEDIA_ROOT)
