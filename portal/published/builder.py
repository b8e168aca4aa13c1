"""Python's search for garbage, kept short."""

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
from portal.storage.public_files import PublicFiles


def freeze_gc() -> None:
    """Call it when much has come that stays: later searches look at everything else only.

    A search stops all threads of a process; with 10,000 pages that was a quarter of a second now and then. This one
    passes over what has settled before. What has is still freed as soon as nothing refers to it.
    """
    gc.collect()
    gc.freeze()


log = logging.getLogger(__name__)

# Readers are told how old a page may be when the database has not confirmed it for so long.
STALE_AFTER_SECONDS = 5.0
# The database is looked at again after this time, also while there is much to render.
REFRESH_BUDGET = 0.3
# After a publish so many pages and lists are rendered at once. All other addresses are forgotten, which is enough to be
# true, and rendered when nothing has been published for so many seconds: publishing often must not slow readers.
MAX_IMMEDIATE_RENDERS = 4
DEBOUNCE = 2.0
# More than this at once: progress is logged, and readers get half of the time.
BULK_THRESHOLD = 50
PROGRESS_LOG_SECONDS = 10.0
# Seconds between two rounds of packing and writing, and looks that an answer has to last before it is packed finer.
COMPRESS_INTERVAL = 2.0
MIN_AGE_TICKS = 5
MAX_COMPRESS_SECONDS = 15.0
# Writing takes a fiftieth of the time, however much there is and however often something is published; but what was
# withdrawn must not stay on disk for long.
WRITE_DELAY_FACTOR, MAX_WRITE_DELAY_SECONDS = 50, 30.0
# The names of public files are read after every change, and at least this often.
PUBLIC_FILES_REFRESH_SECONDS = 5.0
PUBLIC_FILES_NAME = "public-files.json"


class SiteSource(Protocol):
    """What the keeper asks of the domain (``settings.SITE_SOURCE``). Any of these may raise DatabaseError."""

    def content_version(self) -> str:
        """A small value that changes whenever anything does that the public reads."""

    def affected_urls(self, before: str, now: str) -> tuple[list[str], list[str]] | None:
        """Addresses that the changes between two states concern: what readers open, and the rest. None: all may be."""

    def public_urls(self) -> Iterable[str]:
        """All addresses that are worth keeping, the most important first."""

    def public_files(self) -> Iterable[str]:
        """Names of all media files that the public may read."""


class SiteBuilder:
    """For one process. ``trouble`` says why the database cannot be used, or nothing."""

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
        # Of the public site: what was seen last, and up to which everything kept is rendered.
        self.current_version = self.rendered_version = ""
        self.error = ""
        self._stored_versions: set[str] = set()
        self._render_queue: dict[str, None] = {}
        self._deferred: dict[str, None] = {}
        self._changed_at = 0.0
        self._progress_logged_at = 0.0
        self._is_bulk_render = False
        self._has_lock = False
        # Not before this time is written again.
        self._next_write_at = 0.0
        self._compress, self._is_bulk_compression = CompressionWorker(), False

    def load(self) -> None:
        """Take what is on disk, before the first request."""
        stored = self._response_files.load()
        self._public_files.load(self._response_files.folder / PUBLIC_FILES_NAME)
        self._application.stale_after = STALE_AFTER_SECONDS
        if stored:
            for part in stored:
                self._store.load(part.entries)
            self._stored_versions = {part.content_version for part in stored}
            age = max(0.0, time.time() - max(part.last_validated for part in stored))
            self._application.last_validated = time.monotonic() - age
            self._application.update_staleness()
        freeze_gc()

    def staleness_message(self) -> str:
        """What readers get while there is trouble, for an operator."""
        age = int(time.monotonic() - self._application.last_validated)
        return f"{len(self._store.entries)} public addresses are given out as they were {age} s ago"

    def start(self) -> None:
        """Both threads, and the clock of the application; they end with the process."""
        stop = threading.Event()
        for work in (self.run_refresh, self.run_compression, self._application.watch_staleness):
            threading.Thread(target=work, args=(stop,), name=work.__name__, daemon=True).start()

    def run_refresh(self, stop: threading.Event) -> None:
        """The first thread."""
        changes, file = ChangeListener(), DatabaseFileMonitor()
        while not stop.is_set():
            try:
                close_old_connections()
                if not self._poll(changes, file):
                    stop.wait(REFRESH_BUDGET)
                    continue
                self._refresh(stop)
                if not self._render_queue:
                    changes.wait(stop)
            except DatabaseError as error:
                self._set_error(describe_error(error))
                changes.reset()
                stop.wait(REFRESH_BUDGET)
            except Exception:
                # Without this thread the process would show old pages for ever.
                log.exception("the snapshots could not be renewed; trying again")
                stop.wait(STALE_AFTER_SECONDS)

    def _poll(self, changes: ChangeListener, file: DatabaseFileMonitor) -> bool:
        """Notice what has changed; False where the database file is not the one from the start."""
        missing = file.error()
        if missing:
            self._set_error(missing)
            changes.reset()
            return False
        if changes.may_have_changed():
            state = self._source.content_version()
            if (
                state != self.current_version
                or time.monotonic() > self._public_files_read_at + PUBLIC_FILES_REFRESH_SECONDS
            ):
                # Before the pages: a withdrawn picture is refused at once, and a new page can show its pictures.
                self._public_files_changed |= self._public_files.refresh(self._source.public_files())
                self._public_files_read_at = time.monotonic()
            if state != self.current_version:
                self._on_change(state)
        self._set_error("")
        self._application.last_validated = time.monotonic()
        self._store.clock += 1
        return True

    def _on_change(self, version: str) -> None:
        """What the change concerns waits to be rendered again, in front of what waits already."""
        found: dict[str, None] = {}
        rest: dict[str, None] = {}
        everything = False
        for before in {self.current_version} if self.current_version else self._stored_versions:
            concerned = self._source.affected_urls(before, version)
            everything = everything or concerned is None
            opened, others = concerned or ([], [])
            found.update(dict.fromkeys(opened))
            rest.update(dict.fromkeys(others))
        kept = self._store.entries
        later: list[str] = []
        if everything:
            found = dict.fromkeys([*found, *self._source.public_urls(), *kept])
        elif not self.current_version:
            # A start: what is kept and not concerned is as good as new.
            new = [path for path in self._source.public_urls() if path not in kept]
            found = dict.fromkeys([*found, *rest, *new])
        elif len(found) + len(rest) > BULK_THRESHOLD:
            found = {**found, **rest}
        else:
            at_once = list(found)[:MAX_IMMEDIATE_RENDERS]
            later = [path for path in {**found, **rest} if path not in at_once and path not in self._render_queue]
            found = dict.fromkeys(at_once)
        self._store.increment_version()
        for path in later:
            self._store.evict(path)
        self._deferred.update(dict.fromkeys(later))
        self._changed_at = time.monotonic()
        self._render_queue = {**found, **self._render_queue}
        self._is_bulk_render = not self.current_version or len(self._render_queue) > BULK_THRESHOLD
        self.current_version = version
        if self._is_bulk_render:
            self._progress_logged_at = time.monotonic()
            log.info("%s public addresses are being rendered, %s are there", len(self._render_queue), len(kept))

    def _refresh(self, stop: threading.Event) -> None:
        """Render what waits, for a while."""
        if not self._render_queue and time.monotonic() > self._changed_at + DEBOUNCE:
            self._render_queue, self._deferred = self._deferred, {}
        until = time.monotonic() + REFRESH_BUDGET
        in_turns = len(self._render_queue) > BULK_THRESHOLD
        while self._render_queue and time.monotonic() < until and not stop.is_set():
            begun = time.monotonic()
            path = next(iter(self._render_queue))
            generation = self._store.version
            answer = self._application.fetch(path)
            close_response(answer.chunks)
            if answer.status.startswith("503"):
                raise DatabaseError("a page could not be read")
            if answer.cached_response is not None:
                self._store.put(path, answer.cached_response, generation)
            elif not (self._is_bulk_render and answer.status.startswith("5")):
                # Also after a fault: the text may be withdrawn. When all is rendered again, old is better than none.
                self._store.evict(path)
            del self._render_queue[path]
            if in_turns:
                self._log_progress()
                stop.wait(time.monotonic() - begun)
        if not self._render_queue:
            self.rendered_version = self.current_version
            if self._is_bulk_render:
                self._is_bulk_render = False
                freeze_gc()
                log.info("all public addresses are rendered")

    def _log_progress(self) -> None:
        if time.monotonic() - self._progress_logged_at > PROGRESS_LOG_SECONDS:
            self._progress_logged_at = time.monotonic()
            log.info("%s public addresses are still to be rendered", len(self._render_queue))

    def _set_error(self, error: str) -> None:
        if error != self.error:
            if error:
                log.warning("%s; public pages are given out as they were", error)
            else:
                log.info("the database answers again")
            self.error = error

    def run_compression(self, stop: threading.Event) -> None:
        """The second thread."""
        failed = False
        with contextlib.ExitStack() as held:
            held.callback(self._compress.stop)
            while not stop.wait(COMPRESS_INTERVAL):
                try:
                    self._compress_and_write(stop, held)
                    failed = False
                except OSError as error:
                    if not failed:
                        log.warning("the snapshots cannot be written: %s; they are kept in memory", error.strerror)
                    failed = True
                except Exception:
                    log.exception("the snapshots could not be written; trying again")

    def _compress_and_write(self, stop: threading.Event, exit_stack: contextlib.ExitStack) -> None:
        """With the lock of the data folder: pack finer and write. Without: see what the one who has it has written."""
        if not self._has_lock:
            stream = self._response_files.acquire_lock()
            if stream is None:
                self._sync_from_disk()
                return
            exit_stack.enter_context(stream)
            self._has_lock = True
            self._response_files.remove_temp_files()
            # Once after each start every file says up to which state it is good, also where nothing in it has changed.
            self._store.requeue_dirty(set(self._store.entries))
        self._store_public_files()
        self._recompress_batch(stop)
        if self.rendered_version and time.monotonic() >= self._next_write_at:
            self._write_dirty()
        if self._is_bulk_compression and not self._render_queue and not self._store.needs_recompression():
            self._is_bulk_compression = False
            log.info("all public addresses are packed")

    def _store_public_files(self) -> None:
        if self._public_files_changed:
            self._public_files_changed = False
            try:
                self._public_files.store(self._response_files.folder / PUBLIC_FILES_NAME)
            except OSError:
                self._public_files_changed = True
                raise

    def _recompress_batch(self, stop: threading.Event) -> None:
        """Pack finer what has stayed the same for a moment, until it is time to write."""
        tick, until = self._store.clock, time.monotonic() + MAX_COMPRESS_SECONDS
        coarse = [(path, one) for path, one in self._store.needs_recompression() if one.created <= tick - MIN_AGE_TICKS]
        self._is_bulk_compression = self._is_bulk_compression or len(coarse) > BULK_THRESHOLD
        if self._is_bulk_compression and coarse:
            freeze_gc()
        for path, snapshot in coarse:
            self._store.replace_recompressed(path, snapshot.recompressed(self._compress))
            if stop.is_set() or time.monotonic() > until:
                return
        self._compress.stop()

    def _write_dirty(self) -> None:
        """The files that changed addresses fall to."""
        begun, state = time.monotonic(), self.rendered_version
        changed = self._store.drain_dirty()
        try:
            confirmed = time.time() - (begun - self._application.last_validated)
            parts: dict[int, dict[str, CachedResponse]] = {shard_for(path): {} for path in changed}
            for path, snapshot in list(self._store.entries.items()) if parts else ():
                if (number := shard_for(path)) in parts:
                    parts[number][path] = snapshot
            for number, part in parts.items():
                self._response_files.write(number, StoredShard(state, confirmed, part))
        except BaseException:
            self._store.requeue_dirty(changed)
            raise
        finally:
            took = time.monotonic() - begun
            self._next_write_at = begun + took + min(WRITE_DELAY_FACTOR * took, MAX_WRITE_DELAY_SECONDS)

    def _sync_from_disk(self) -> None:
        """What the process with the lock has packed finer; only where it is the very same answer."""
        found = self._response_files.read_changed(self._can_use_recompressed)
        for stored in found:
            for path, snapshot in stored.entries.items():
                if snapshot.max_compressed:
                    self._store.replace_recompressed(path, snapshot)
        if sum(len(stored.entries) for stored in found) > BULK_THRESHOLD:
            freeze_gc()

    def _can_use_recompressed(self, path: str, sha: str) -> bool:
        kept = self._store.entries.get(path)
        return kept is not None and not kept.max_compressed and kept.sha == sha
