"""Background threads that keep the published pages up to date: rendering, compression and writing to disk."""

import contextlib
import gc
import logging
import threading
import time
from collections.abc import Iterable
from typing import Protocol

from django.db import DatabaseError, close_old_connections

from portal.published.change_listener import ChangeListener
from portal.published.compression import CompressionWorker
from portal.published.files import ResponseFiles, StoredShard, shard_for
from portal.published.store import CachedResponse, ResponseStore
from portal.published.wsgi import PublishedPages, close_response
from portal.storage.database_errors import DatabaseFileMonitor, describe_error
from portal.storage.media import PublicFiles

log = logging.getLogger(__name__)

# Responses get an Age header if the database has not confirmed them for this long.
STALE_AFTER_SECONDS = 5.0
# Seconds of rendering before the database is polled for changes again.
REFRESH_BUDGET = 0.3
# After a publication, this many pages are rendered immediately. All others affected are evicted, which is enough for
# correctness, and rendered once nothing has been published for DEBOUNCE seconds, so that frequent publishing does not
# slow down requests.
MAX_IMMEDIATE_RENDERS = 4
DEBOUNCE = 2.0
# With more pages than this, progress is logged, and rendering uses only half of the time.
BULK_THRESHOLD = 50
PROGRESS_LOG_SECONDS = 10.0
# Seconds between two rounds of compressing and writing; polls that a response must survive before it is recompressed.
COMPRESS_INTERVAL = 2.0
MIN_AGE_TICKS = 5
MAX_COMPRESS_SECONDS = 15.0
# Writing takes at most a fiftieth of the time, but withdrawn pages must not stay on disk for long.
WRITE_DELAY_FACTOR, MAX_WRITE_DELAY_SECONDS = 50, 30.0
# The names of public media files are read after every change, and at least this often.
PUBLIC_FILES_REFRESH_SECONDS = 5.0
PUBLIC_FILES_NAME = "public-files.json"


def freeze_gc() -> None:
    """Exclude all current objects from garbage collection. Call after loading many objects that stay.

    A collection stops all threads, for 250 ms with 10,000 pages. Frozen objects are still freed by reference counting.
    """
    gc.collect()
    gc.freeze()


class SiteSource(Protocol):
    """The functions of the module ``settings.SITE_SOURCE``. Any of them may raise DatabaseError."""

    def content_version(self) -> str:
        """Return a short value that changes whenever public content changes."""

    def affected_urls(self, before: str, now: str) -> tuple[list[str], list[str]] | None:
        """Return the paths affected by the changes between two content versions: the pages, and all other paths.

        None means that any path may be affected.
        """

    def public_urls(self) -> Iterable[str]:
        """Return all paths to render in advance, the most important first."""

    def public_files(self) -> Iterable[str]:
        """Return the names of all public media files."""


class SiteBuilder:
    """Keeps the response store of one process up to date.

    ``error`` says why the database cannot be used; it is empty while the database responds.
    """

    def __init__(
        self,
        application: PublishedPages,
        store: ResponseStore,
        response_files: ResponseFiles,
        source: SiteSource,
        public_files: PublicFiles | None = None,
    ) -> None:
        self._application, self._store, self._response_files, self._source = application, store, response_files, source
        self._public_files = public_files or PublicFiles()
        self._public_files_read_at, self._public_files_changed = 0.0, False
        # Content versions: the latest one seen, and the one up to which all stored responses are rendered.
        self.current_version = self.rendered_version = ""
        self.error = ""
        self._stored_versions: set[str] = set()
        self._render_queue: dict[str, None] = {}
        self._deferred: dict[str, None] = {}
        self._changed_at = 0.0
        self._progress_logged_at = 0.0
        self._is_bulk_render = False
        self._has_lock = False
        # Monotonic time before which nothing is written again.
        self._next_write_at = 0.0
        self._compress, self._is_bulk_compression = CompressionWorker(), False

    def load(self) -> None:
        """Load the stored responses from disk. Call before the first request."""
        shards = self._response_files.load()
        self._public_files.load(self._response_files.folder / PUBLIC_FILES_NAME)
        self._application.stale_after = STALE_AFTER_SECONDS
        if shards:
            for shard in shards:
                self._store.load(shard.entries)
            self._stored_versions = {shard.content_version for shard in shards}
            age = max(0.0, time.time() - max(shard.last_validated for shard in shards))
            self._application.last_validated = time.monotonic() - age
            self._application.update_staleness()
        freeze_gc()

    def staleness_message(self) -> str:
        """Return, for an operator, how old the served pages are while the database cannot be used."""
        age = int(time.monotonic() - self._application.last_validated)
        return f"serving {len(self._store.entries)} public pages as of {age} s ago"

    def start(self) -> None:
        """Start the threads: refresh, compression, and the application's staleness check. They end with the process."""
        stop = threading.Event()
        for work in (self.run_refresh, self.run_compression, self._application.watch_staleness):
            threading.Thread(target=work, args=(stop,), name=work.__name__, daemon=True).start()

    def run_refresh(self, stop: threading.Event) -> None:
        """Poll for changes and render affected pages, until ``stop`` is set. Runs in a thread of its own."""
        listener, file_monitor = ChangeListener(), DatabaseFileMonitor()
        while not stop.is_set():
            try:
                close_old_connections()
                if not self._poll(listener, file_monitor):
                    stop.wait(REFRESH_BUDGET)
                    continue
                self._refresh(stop)
                if not self._render_queue:
                    listener.wait(stop)
            except DatabaseError as error:
                self._set_error(describe_error(error))
                listener.reset()
                stop.wait(REFRESH_BUDGET)
            except Exception:
                # If this thread died, the process would serve old pages forever.
                log.exception("Could not refresh the published pages; retrying")
                stop.wait(STALE_AFTER_SECONDS)

    def _poll(self, listener: ChangeListener, file_monitor: DatabaseFileMonitor) -> bool:
        """Check for changes. Return False if the database file is missing or was replaced."""
        file_error = file_monitor.error()
        if file_error:
            self._set_error(file_error)
            listener.reset()
            return False
        if listener.may_have_changed():
            version = self._source.content_version()
            if (
                version != self.current_version
                or time.monotonic() > self._public_files_read_at + PUBLIC_FILES_REFRESH_SECONDS
            ):
                # Before the pages, so that withdrawn images are refused at once and new pages can show their images.
                self._public_files_changed |= self._public_files.refresh(self._source.public_files())
                self._public_files_read_at = time.monotonic()
            if version != self.current_version:
                self._on_change(version)
        self._set_error("")
        self._application.last_validated = time.monotonic()
        self._store.clock += 1
        return True

    def _on_change(self, version: str) -> None:
        """Put the affected paths at the front of the render queue, or evict and defer them."""
        queue: dict[str, None] = {}
        other: dict[str, None] = {}
        affects_all = False
        for before in {self.current_version} if self.current_version else self._stored_versions:
            affected = self._source.affected_urls(before, version)
            affects_all = affects_all or affected is None
            page_paths, other_paths = affected or ([], [])
            queue.update(dict.fromkeys(page_paths))
            other.update(dict.fromkeys(other_paths))
        entries = self._store.entries
        deferred: list[str] = []
        if affects_all:
            queue = dict.fromkeys([*queue, *self._source.public_urls(), *entries])
        elif not self.current_version:
            # At startup, stored responses that are not affected are still valid.
            missing = [path for path in self._source.public_urls() if path not in entries]
            queue = dict.fromkeys([*queue, *other, *missing])
        elif len(queue) + len(other) > BULK_THRESHOLD:
            queue = {**queue, **other}
        else:
            immediate = list(queue)[:MAX_IMMEDIATE_RENDERS]
            deferred = [path for path in {**queue, **other} if path not in immediate and path not in self._render_queue]
            queue = dict.fromkeys(immediate)
        self._store.increment_version()
        for path in deferred:
            self._store.evict(path)
        self._deferred.update(dict.fromkeys(deferred))
        self._changed_at = time.monotonic()
        self._render_queue = {**queue, **self._render_queue}
        self._is_bulk_render = not self.current_version or len(self._render_queue) > BULK_THRESHOLD
        self.current_version = version
        if self._is_bulk_render:
            self._progress_logged_at = time.monotonic()
            log.info("Rendering %s public pages; %s are stored", len(self._render_queue), len(entries))

    def _refresh(self, stop: threading.Event) -> None:
        """Render pages from the queue for REFRESH_BUDGET seconds."""
        if not self._render_queue and time.monotonic() > self._changed_at + DEBOUNCE:
            self._render_queue, self._deferred = self._deferred, {}
        deadline = time.monotonic() + REFRESH_BUDGET
        is_throttled = len(self._render_queue) > BULK_THRESHOLD
        while self._render_queue and time.monotonic() < deadline and not stop.is_set():
            started = time.monotonic()
            path = next(iter(self._render_queue))
            version = self._store.version
            response = self._application.fetch(path)
            close_response(response.chunks)
            if response.status.startswith("503"):
                raise DatabaseError("a page could not be read")
            if response.cached_response is not None:
                self._store.put(path, response.cached_response, version)
            elif not (self._is_bulk_render and response.status.startswith("5")):
                # Evict even after a server error, because the page may have been withdrawn. In a bulk render, an old
                # page is better than none.
                self._store.evict(path)
            del self._render_queue[path]
            if is_throttled:
                self._log_progress()
                stop.wait(time.monotonic() - started)
        if not self._render_queue:
            self.rendered_version = self.current_version
            if self._is_bulk_render:
                self._is_bulk_render = False
                freeze_gc()
                log.info("Rendered all public pages")

    def _log_progress(self) -> None:
        if time.monotonic() - self._progress_logged_at > PROGRESS_LOG_SECONDS:
            self._progress_logged_at = time.monotonic()
            log.info("%s public pages left to render", len(self._render_queue))

    def _set_error(self, error: str) -> None:
        if error != self.error:
            if error:
                log.warning("Serving stored public pages: %s", error)
            else:
                log.info("The database responds again")
            self.error = error

    def run_compression(self, stop: threading.Event) -> None:
        """Compress responses and write them to disk, until ``stop`` is set. Runs in a thread of its own."""
        failed = False
        with contextlib.ExitStack() as exit_stack:
            exit_stack.callback(self._compress.stop)
            while not stop.wait(COMPRESS_INTERVAL):
                try:
                    self._compress_and_write(stop, exit_stack)
                    failed = False
                except OSError as error:
                    if not failed:
                        log.warning("Could not write the published pages: %s; keeping them in memory", error.strerror)
                    failed = True
                except Exception:
                    log.exception("Could not write the published pages; retrying")

    def _compress_and_write(self, stop: threading.Event, exit_stack: contextlib.ExitStack) -> None:
        """Recompress and write if this process has the lock; otherwise load what the process with the lock wrote."""
        if not self._has_lock:
            stream = self._response_files.acquire_lock()
            if stream is None:
                self._sync_from_disk()
                return
            exit_stack.enter_context(stream)
            self._has_lock = True
            self._response_files.remove_temp_files()
            # Rewrite every shard once after a start, so that all have the current content version.
            self._store.requeue_dirty(set(self._store.entries))
        self._store_public_files()
        self._recompress_batch(stop)
        if self.rendered_version and time.monotonic() >= self._next_write_at:
            self._write_dirty()
        if self._is_bulk_compression and not self._render_queue and not self._store.needs_recompression():
            self._is_bulk_compression = False
            log.info("Compressed all public pages")

    def _store_public_files(self) -> None:
        if self._public_files_changed:
            self._public_files_changed = False
            try:
                self._public_files.store(self._response_files.folder / PUBLIC_FILES_NAME)
            except OSError:
                self._public_files_changed = True
                raise

    def _recompress_batch(self, stop: threading.Event) -> None:
        """Recompress responses that have not changed for MIN_AGE_TICKS polls, for at most MAX_COMPRESS_SECONDS."""
        newest, deadline = self._store.clock - MIN_AGE_TICKS, time.monotonic() + MAX_COMPRESS_SECONDS
        batch = [(path, response) for path, response in self._store.needs_recompression() if response.created <= newest]
        self._is_bulk_compression = self._is_bulk_compression or len(batch) > BULK_THRESHOLD
        if self._is_bulk_compression and batch:
            freeze_gc()
        for path, response in batch:
            self._store.replace_recompressed(path, response.recompressed(self._compress))
            if stop.is_set() or time.monotonic() > deadline:
                return
        self._compress.stop()

    def _write_dirty(self) -> None:
        """Write the shards of changed paths."""
        started, version = time.monotonic(), self.rendered_version
        dirty = self._store.drain_dirty()
        try:
            last_validated = time.time() - (started - self._application.last_validated)
            shards: dict[int, dict[str, CachedResponse]] = {shard_for(path): {} for path in dirty}
            for path, response in list(self._store.entries.items()) if shards else ():
                if (shard := shard_for(path)) in shards:
                    shards[shard][path] = response
            for shard, entries in shards.items():
                self._response_files.write(shard, StoredShard(version, last_validated, entries))
        except BaseException:
            self._store.requeue_dirty(dirty)
            raise
        finally:
            duration = time.monotonic() - started
            self._next_write_at = started + duration + min(WRITE_DELAY_FACTOR * duration, MAX_WRITE_DELAY_SECONDS)

    def _sync_from_disk(self) -> None:
        """Take over the recompressed bodies of identical responses from the process with the lock."""
        shards = self._response_files.read_changed(self._can_use_recompressed)
        for shard in shards:
            for path, response in shard.entries.items():
                if response.max_compressed:
                    self._store.replace_recompressed(path, response)
        if sum(len(shard.entries) for shard in shards) > BULK_THRESHOLD:
            freeze_gc()

    def _can_use_recompressed(self, path: str, sha: str) -> bool:
        entry = self._store.entries.get(path)
        return entry is not None and not entry.max_compressed and entry.sha == sha
