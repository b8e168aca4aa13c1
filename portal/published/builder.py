"""The site builder of the worker process: renders public pages to files, and again whenever their content changes."""

import hashlib
import io
import json
import logging
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from portal.published.decorators import CACHE_CONTROL_REVALIDATE
from portal.published.files import Headers, PublishedFiles
from portal.storage.atomic_file import atomic_write
from portal.storage.database_errors import DatabaseFileMonitor, describe_error

log = logging.getLogger(__name__)

# The channel on which triggers from the migration ``notify_postgresql`` notify of commits.
NOTIFY_CHANNEL = "public_site"
# Pause between two looks at SQLite's data_version. A publication must appear in 0.3 s.
POLL_SECONDS = 0.1
# The content version is read at least this often: a pooler can swallow PostgreSQL's notifications, and SQLite's
# data_version misses a database overwritten on disk.
POSTGRESQL_CHECK_SECONDS, SQLITE_CHECK_SECONDS = 0.8, 5.0
BUSY_TIMEOUT_MILLISECONDS = 1000
# What a change affects and is not rendered again after this time is deleted, so that Django answers.
MAX_OUTDATED_SECONDS = 0.6
# If a change affects more files, all are deleted at once.
MAX_OUTDATED_FILES = 300
# Work that readers do not wait for is done when nothing has changed for this long.
QUIET_SECONDS = 2.0
CONFIRM_SECONDS = 1.0
RETRY_SECONDS = 5.0
# The names of public media files are read after every change, and at least this often.
MEDIA_NAMES_SECONDS = 5.0
# With more pages than this, progress is logged.
BULK_THRESHOLD = 50
PROGRESS_LOG_SECONDS = 10.0


class SiteSource(Protocol):
    """The functions of the module ``settings.SITE_SOURCE``. Any of them may raise DatabaseError."""

    def content_version(self) -> str:
        """Return a short value that changes whenever public content changes."""

    def affected_urls(self, before: str, now: str) -> tuple[list[str], list[str]] | None:
        """Return the published paths affected by the changes between two content versions: pages, and all others.

        None means that any path may be affected.
        """

    def public_urls(self) -> Iterable[str]:
        """Return all paths to publish, the most important first."""

    def public_files(self) -> Iterable[str]:
        """Return the names of all public media files."""


class Response(NamedTuple):
    """Django's response to a request of the builder."""

    status: str
    headers: Headers
    body: bytes


Fetch = Callable[[str], Response]


class ChangeListener:
    """Detects commits of other connections: SQLite's ``PRAGMA data_version``, PostgreSQL's NOTIFY and a timer.

    For a single thread, which owns the database connection. Any method may raise DatabaseError.
    """

    def __init__(self) -> None:
        self._data_version: object = None
        self._checked_at = float("-inf")
        self._listening_connection: Any = None

    def wait(self) -> None:
        """Block for a moment, or until a notification arrives."""
        raw = self._listening_connection
        if raw is None or raw.closed:
            time.sleep(POLL_SECONDS)
        elif self._has_notification(timeout=POSTGRESQL_CHECK_SECONDS / 2):
            self._checked_at = float("-inf")

    def may_have_changed(self) -> bool:
        """Return whether the content version must be read again."""
        now = time.monotonic()
        if connection.vendor == "sqlite":
            data_version = self._read_data_version()
            if data_version == self._data_version and now - self._checked_at < SQLITE_CHECK_SECONDS:
                return False
            self._data_version = data_version
            with connection.cursor() as cursor:
                # Drop SQLite's page cache, which would hide that the file was damaged or overwritten.
                cursor.execute("PRAGMA shrink_memory")
        elif not self._listen() and now - self._checked_at < POSTGRESQL_CHECK_SECONDS and not self._has_notification():
            return False
        self._checked_at = now
        return True

    def reset(self) -> None:
        """Make the next check report a change. For use after an error."""
        self._checked_at = float("-inf")

    @staticmethod
    def _read_data_version() -> object:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}")
            cursor.execute("PRAGMA data_version")
            # data_version values of different connections are not comparable.
            return id(connection.connection), cursor.fetchone()[0]

    def _listen(self) -> bool:
        """Listen on the current connection. Return whether it is a new one, which may have missed notifications."""
        connection.ensure_connection()
        if connection.connection is self._listening_connection:
            return False
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {NOTIFY_CHANNEL}")
        self._listening_connection = connection.connection
        return True

    def _has_notification(self, timeout: float = 0.0) -> bool:
        with connection.wrap_database_errors:
            return bool(list(self._listening_connection.notifies(timeout=timeout, stop_after=1)))


class SiteBuilder:
    """Keeps the published files up to date. For a single thread, in the process that holds the lock of the files.

    Every path is in one of three states: its file is current; it is ``outdated``, for MAX_OUTDATED_SECONDS at most;
    or it has no file. Paths to render are queued: at once, or (``deferred``) when nothing changes for a while.
    """

    def __init__(self, files: PublishedFiles, source: SiteSource, fetch: Fetch, fingerprint: str) -> None:
        self._files, self._source, self._fetch, self._fingerprint = files, source, fetch, fingerprint
        self.state = files.state()
        self._version = ""
        self._queue: dict[str, None] = {}
        self._deferred: dict[str, None] = {}
        self._outdated: set[str] = set()
        self._unchecked: list[str] = []
        self._delete_outdated_at = self._quiet_at = self._confirm_at = self._retry_at = self._progress_at = 0.0
        self._media_names: list[str] | None = None
        self._read_media_names_at = 0.0
        self._is_bulk, self._is_compressed, self._error = False, False, ""
        self._listener, self._file_monitor = ChangeListener(), DatabaseFileMonitor()

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Build until ``should_stop()``. Survives every error, because without the builder, pages would grow old."""
        while not should_stop():
            try:
                if not self.step():
                    self._listener.wait()
            except DatabaseError as error:
                self._set_error(describe_error(error))
                self._listener.reset()
                time.sleep(POLL_SECONDS)
            except OSError as error:
                self._set_error(f"the published pages cannot be written: {error.strerror or error}")
                self._retry_at = time.monotonic() + RETRY_SECONDS
                time.sleep(POLL_SECONDS)
            except Exception:
                log.exception("Could not update the published pages; retrying")
                time.sleep(RETRY_SECONDS)

    def step(self) -> bool:
        """Look for changes, and do one piece of work. Return False if there was nothing to do."""
        if self._outdated and time.monotonic() >= self._delete_outdated_at:
            self._delete_outdated()
        close_old_connections()
        file_error = self._file_monitor.error()
        if file_error:
            self._set_error(file_error)
            self._listener.reset()
            return False
        if self._listener.may_have_changed():
            self._look_for_changes()
        now = time.monotonic()
        if now >= self._confirm_at:
            self._files.confirm()
            self._confirm_at = now + CONFIRM_SECONDS
        if now < self._retry_at:
            return False
        is_busy = self._render_next() or self._check_next() or self._compress_next()
        self._record_state()
        self._set_error("")
        return is_busy

    def _look_for_changes(self) -> None:
        version, now = self._source.content_version(), time.monotonic()
        if version != self._version or now >= self._read_media_names_at:
            # Before the pages, so that withdrawn images are refused at once and new pages can show their images.
            self._write_media_names(sorted(self._source.public_files()))
            self._read_media_names_at = now + MEDIA_NAMES_SECONDS
        if version != self._version:
            if self._version:
                self._on_change(self._version, version)
            else:
                self._on_start(version)
            self._version, self._quiet_at = version, now + QUIET_SECONDS

    def _on_start(self, version: str) -> None:
        """Queue what has changed since the last worker, and check everything else."""
        before = self.state.get("content_version")
        public, published = list(self._source.public_urls()), self._files.paths()
        if before is not None and before != version:
            self._on_change(before, version)
        for path in published.difference(public):
            self._files.delete(path)
        if self.state.get("fingerprint") == self._fingerprint:
            self._unchecked = public[::-1]
        else:
            # Pages of another build are served until they are replaced.
            self._enqueue(public, first=False)

    def _on_change(self, before: str, version: str) -> None:
        """Queue the affected paths: pages at once, others, which nothing links to prominently, after a pause."""
        affected, published = self._source.affected_urls(before, version), self._files.paths()
        pages, others = affected or (list(self._source.public_urls()), [])
        for path in others:
            self._files.delete(path)
        self._deferred.update(dict.fromkeys(others))
        outdated = published.intersection(pages) if affected else published
        if len(outdated) > MAX_OUTDATED_FILES:
            self._files.clear()
            pages, outdated = list(self._source.public_urls()), set()
            self._outdated.clear()
        if not self._outdated:
            self._delete_outdated_at = time.monotonic() + MAX_OUTDATED_SECONDS
        self._outdated |= outdated
        self._enqueue(pages, first=True)

    def _enqueue(self, paths: Iterable[str], *, first: bool) -> None:
        new = dict.fromkeys(paths)
        self._queue = {**new, **self._queue} if first else {**self._queue, **new}
        self._is_compressed = False
        if len(self._queue) > BULK_THRESHOLD and new:
            self._is_bulk, self._progress_at = True, time.monotonic() + PROGRESS_LOG_SECONDS
            log.info("Rendering %s public pages; %s are stored", len(self._queue), len(self._files.paths()))

    def _delete_outdated(self) -> None:
        for path in list(self._outdated):
            self._files.delete(path)
        self._outdated.clear()

    def _render_next(self) -> bool:
        """Render a page. Return False if there is none to render."""
        if not self._queue and self._deferred and time.monotonic() >= self._quiet_at:
            self._queue, self._deferred = self._deferred, {}
        path = next(iter(self._queue), None)
        if path is None:
            if self._is_bulk:
                self._is_bulk = False
                log.info("Rendered all public pages")
            return False
        response = self._fetch(path)
        if response.status.startswith("503"):
            raise DatabaseError("a page could not be read")
        if is_publishable(response):
            self._files.write(path, response.headers, response.body)
        elif path in self._outdated or not response.status.startswith("5"):
            self._files.delete(path)
        self._outdated.discard(path)
        del self._queue[path]
        if self._is_bulk and time.monotonic() >= self._progress_at:
            self._progress_at = time.monotonic() + PROGRESS_LOG_SECONDS
            log.info("%s public pages left to render", len(self._queue))
        return True

    def _check_next(self) -> bool:
        """Queue a page that is missing or damaged. Return False if all are checked."""
        if not self._unchecked:
            return False
        path = self._unchecked.pop()
        if path not in self._queue and not self._files.is_intact(path):
            self._enqueue([path], first=False)
        return True

    def _record_state(self) -> None:
        """Record what the files show: a worker that is killed before this does its work again."""
        state = dict(self.state)
        if not self._outdated:
            state["content_version"] = self._version
        if not self._queue:
            state["fingerprint"] = self._fingerprint
        if state != self.state:
            self._files.record_state(**state)
            self.state = state

    def _compress_next(self) -> bool:
        if self._is_compressed or time.monotonic() < self._quiet_at:
            return False
        if self._files.compress_next():
            return True
        self._is_compressed = True
        log.info("Compressed all public pages")
        return False

    def _write_media_names(self, names: list[str]) -> None:
        """Write the names of public media files for the web processes (portal/storage/media.py)."""
        if names != self._media_names:
            try:
                atomic_write(self._files.media_names, [json.dumps(names).encode()])
                self._media_names = names
            except OSError:
                # Without the file, web processes ask the database.
                self._files.media_names.unlink(missing_ok=True)

    def _set_error(self, error: str) -> None:
        if error != self._error:
            if error:
                log.warning("Public pages are served as they are: %s", error)
            else:
                log.info("Public pages are up to date again")
            self._error = error


def is_publishable(response: Response) -> bool:
    """Return whether a response is the same for every client, so that it may be published as a file.

    Only a 200 with the Cache-Control of ``@cacheable`` is, without a cookie, authentication, or partial body, and
    without a ``Vary`` on anything but the encoding.
    """
    names = {name.lower() for name, _ in response.headers}
    values = [(name.lower(), value.strip().lower()) for name, value in response.headers]
    return (
        response.status.startswith("200 ")
        and not names & {"set-cookie", "www-authenticate", "content-range", "content-encoding"}
        and all(value == "accept-encoding" for name, value in values if name == "vary")
        and [value for name, value in values if name == "cache-control"] == [CACHE_CONTROL_REVALIDATE]
    )


def make_fetch(application: Callable[..., Iterable[bytes]]) -> Fetch:
    """Return a function that requests a path from Django without anything that only one client would send."""
    host = next(iter(settings.ALLOWED_HOSTS), "localhost").lstrip(".")

    def fetch(path: str) -> Response:
        captured: list[Any] = []
        chunks = application(
            {
                "REQUEST_METHOD": "GET",
                "SCRIPT_NAME": "",
                "PATH_INFO": path,
                "QUERY_STRING": "",
                "SERVER_NAME": "localhost",
                "SERVER_PORT": "80",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "HTTP_HOST": host,
                "HTTP_X_FORWARDED_PROTO": "https" if settings.SECURE_SSL_REDIRECT else "http",
                "REMOTE_ADDR": "127.0.0.1",
                "wsgi.url_scheme": "http",
                "wsgi.input": io.BytesIO(),
                "wsgi.errors": sys.stderr,
                "wsgi.version": (1, 0),
                "wsgi.multithread": False,
                "wsgi.multiprocess": True,
                "wsgi.run_once": False,
            },
            lambda status, headers, *_: captured.extend((status, headers)),
        )
        try:
            return Response(captured[0], captured[1], b"".join(chunks))
        finally:
            # Ends the request in Django.
            getattr(chunks, "close", lambda: None)()

    return fetch


def build_fingerprint() -> str:
    """Hash everything but content that affects rendering: code, templates, translations, static files and hosts."""
    digest = hashlib.sha256(f"{settings.PUBLIC_URL} {settings.ALLOWED_HOSTS} {settings.STATIC_URL}".encode())
    own_apps = [Path(app.path) for app in apps.get_app_configs() if Path(app.path).is_relative_to(settings.BASE_DIR)]
    for folder in [*own_apps, settings.TEMPLATES_DIR]:
        for file in sorted(folder.rglob("*")):
            if file.suffix in {".py", ".html", ".mo"}:
                stat = file.stat()
                digest.update(f"{file} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    digest.update(manifest.read_bytes() if manifest.exists() else b"")
    return digest.hexdigest()
