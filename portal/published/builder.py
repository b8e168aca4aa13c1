"""The site builder of the worker process: renders public pages to files, and again after each change."""

import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from django.db import DatabaseError, close_old_connections
from django.http.response import HttpResponseBase

from portal.http import CACHE_CONTROL_REVALIDATE, Fetch
from portal.published.files import PublishedFiles
from portal.storage.database import POLL_SECONDS, ChangeListener, DatabaseFileMonitor, describe_error
from portal.storage.media import write_public_names

log = logging.getLogger(__name__)

# Affected pages that have not been re-rendered after this long are deleted, so that Django serves them.
MAX_STALE_SECONDS = 0.6
# If a change affects more files than this, all files are deleted at once.
MAX_STALE_FILES = 300
# Background work (deferred paths, recompression) starts once nothing has changed for this long.
DEBOUNCE_SECONDS = 2.0
RETRY_SECONDS = 5.0
# Pages that Django failed to render are tried again this often.
RETRY_FAILED_SECONDS = 300.0
# The names of public media files are read after every change, and at least this often.
MEDIA_NAMES_SECONDS = 5.0


class SiteSource(Protocol):
    """The functions of the module ``settings.SITE_SOURCE``. Any of them may raise DatabaseError."""

    def content_version(self) -> str:
        """Return a short value that changes whenever public content changes."""

    def affected_urls(self, before: str, now: str) -> tuple[list[str], list[str]] | None:
        """Return the pages and other paths affected by the changes between two versions.

        Return None if any path may be affected.
        """

    def public_urls(self) -> Iterable[str]:
        """Return all paths to publish, most important first."""

    def public_files(self) -> Iterable[str]:
        """Return the names of all public media files."""

    def referenced_files(self) -> Iterable[str]:
        """Return the names of all media files that the database refers to."""


class SiteBuilder:
    """Keeps the published files up to date.

    Not thread-safe; runs in the process that holds the write lock of the files.

    A file may be stale for at most MAX_STALE_SECONDS. Paths to render are queued immediately or, if
    deferred, once nothing has changed for a while.
    """

    def __init__(self, files: PublishedFiles, source: SiteSource, fetch: Fetch, fingerprint: str) -> None:
        self._files, self._source, self._fetch, self._fingerprint = files, source, fetch, fingerprint
        self.state, self._published, self._version, self._error = files.state(), files.paths(), "", ""
        self._queue: dict[str, None] = {}
        self._deferred: dict[str, None] = {}
        self._stale: set[str] = set()
        self._failed: set[str] = set()
        # None: what an earlier worker recorded may still be on disk.
        self._problem: str | None = None
        self._media_names: set[str] | None = None
        # Monotonic times.
        self._delete_stale_at = self._quiet_at = self._retry_at = self._read_media_names_at = 0.0
        self._retry_failed_at = 0.0
        self._is_compressed = False
        self._listener, self._file_monitor = ChangeListener(), DatabaseFileMonitor()

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Build until ``should_stop()``. Recovers from every error: without the builder, pages would go stale."""
        while not should_stop():
            try:
                if not self.step():
                    self._listener.wait()
            except DatabaseError as error:
                self._set_error(describe_error(error))
                self._listener.reset()
                time.sleep(POLL_SECONDS)
            except (OSError, sqlite3.Error) as error:
                self._set_error(f"files cannot be written: {getattr(error, 'strerror', None) or error}")
                self._retry_at = time.monotonic() + RETRY_SECONDS
                time.sleep(POLL_SECONDS)
            except Exception:
                log.exception("Could not update the published pages; retrying")
                time.sleep(RETRY_SECONDS)

    def step(self) -> bool:
        """Check for changes, and do one unit of work. Return False if there was nothing to do."""
        if self._stale and time.monotonic() >= self._delete_stale_at:
            for path in list(self._stale):
                self._delete(path)
        close_old_connections()
        if error := self._file_monitor.error():
            self._set_error(error)
            self._listener.reset()
            return False
        if self._listener.may_have_changed():
            self._check_for_changes()
        self._files.confirm()
        if time.monotonic() < self._retry_at:
            return False
        is_busy = self._render_next() or self._compress_next()
        self._record_state()
        self._set_error("")
        return is_busy

    def _check_for_changes(self) -> None:
        version, now = self._source.content_version(), time.monotonic()
        if version != self._version or now >= self._read_media_names_at:
            # Do this before the pages, so that withdrawn images are blocked at once and new pages can show theirs.
            names = set(self._source.public_files())
            if names != self._media_names:
                self._media_names = names if write_public_names(self._files.media_names, names) else None
            self._read_media_names_at = now + MEDIA_NAMES_SECONDS
        if version != self._version:
            before = self._version or self.state.get("content_version", version)
            if before != version:
                self._on_change(before, version)
            if not self._version:
                self._on_start()
            self._version, self._quiet_at = version, now + DEBOUNCE_SECONDS

    def _on_start(self) -> None:
        """Queue pages that are missing, damaged, or from another build, and delete files that should not exist."""
        public = list(self._source.public_urls())
        for path in self._published.difference(public):
            self._delete(path)
        # Pages from another build are served until they are replaced.
        if self.state.get("fingerprint") == self._fingerprint:
            public = [path for path in public if not self._files.is_intact(path)]
        self._enqueue({**self._queue, **dict.fromkeys(public)})

    def _on_change(self, before: str, version: str) -> None:
        """Queue the affected paths: pages now, others later."""
        affected = self._source.affected_urls(before, version)
        pages, others = affected or (list(self._source.public_urls()), [])
        if not self._stale:
            self._delete_stale_at = time.monotonic() + MAX_STALE_SECONDS
        self._stale |= self._published.intersection(pages) if affected else self._published
        if len(self._stale) > MAX_STALE_FILES:
            self._files.clear()
            pages = list(self._source.public_urls())
            self._published, self._stale = set(), set()
        for path in others:
            self._delete(path)
        self._deferred.update(dict.fromkeys(others))
        self._enqueue({**dict.fromkeys(pages), **self._queue})

    def _enqueue(self, queue: dict[str, None]) -> None:
        self._queue, self._is_compressed = queue, False
        if queue:
            log.info("Rendering %s public pages; %s already published", len(queue), len(self._published))

    def _render_next(self) -> bool:
        """Render a page. Return False if there is none to render."""
        now = time.monotonic()
        if not self._queue and self._deferred and now >= self._quiet_at:
            self._queue, self._deferred = self._deferred, {}
        if not self._queue and self._failed and now >= self._retry_failed_at:
            self._enqueue(dict.fromkeys(self._failed))
        for path in self._queue:
            response = self._fetch(path)
            if response.status_code == 503:
                raise DatabaseError("a page could not be rendered")
            if response.status_code >= 500:
                # A current file of another build stays.
                if path in self._stale:
                    self._delete(path)
                self._failed.add(path)
                self._retry_failed_at = now + RETRY_FAILED_SECONDS
            elif is_publishable(response):
                self._files.write(path, response.headers.items(), response.content)
                self._published.add(path)
                self._stale.discard(path)
                self._failed.discard(path)
            else:
                self._delete(path)
            del self._queue[path]
            return True
        return False

    def _delete(self, path: str) -> None:
        self._files.delete(path)
        self._published.discard(path)
        self._stale.discard(path)
        self._failed.discard(path)

    def _compress_next(self) -> bool:
        """Recompress a page at the best quality. Return False if all are done or there was a change recently."""
        if self._is_compressed or time.monotonic() < self._quiet_at:
            return False
        self._is_compressed = not self._files.compress_next()
        if self._is_compressed:
            log.info("Compressed all public pages")
        return not self._is_compressed

    def _record_state(self) -> None:
        """Record which version the files reflect. A worker killed before this point repeats its work."""
        state = dict(self.state)
        if not self._stale:
            state["content_version"] = self._version
        # After a failure, the file of another build stays. If it still fails, the next start renders all pages again.
        if not self._queue and not self._failed:
            state["fingerprint"] = self._fingerprint
        if state != self.state:
            self._files.record_state(state)
            self.state = state

    def _set_error(self, error: str) -> None:
        if error and error != self._error:
            log.warning("Cannot update the public pages, so the existing ones are served: %s", error)
        elif self._error and not error:
            log.info("Public pages are up to date again")
        self._error = error
        problem = error or (f"{len(self._failed)} could not be rendered (see the log)" if self._failed else "")
        if problem != self._problem:
            # /readyz reports a full disk itself.
            with contextlib.suppress(OSError):
                self._files.record_problem(problem)
                self._problem = problem


def is_publishable(response: HttpResponseBase) -> bool:
    """Return whether a response is the same for every client, so that it may be published as a file.

    Only a 200 response with the Cache-Control of ``@public_response`` qualifies, and only without cookies,
    authentication, a partial body, or a ``Vary`` on anything but Accept-Encoding.
    """
    return (
        response.status_code == 200
        and not response.streaming
        and not response.cookies
        and response.headers.get("Cache-Control") == CACHE_CONTROL_REVALIDATE
        and response.headers.get("Vary", "").lower() in {"", "accept-encoding"}
        and not any(response.has_header(name) for name in ("WWW-Authenticate", "Content-Range", "Content-Encoding"))
    )
