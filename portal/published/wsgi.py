"""WSGI middleware that serves published pages from files, and counts page views; Django handles everything else.

Page views are counted without personal data, as daily totals per path: in memory, written in batches by a thread and
once more when the process exits. No cookies, IP addresses, or user agents are stored, not even in memory. The totals
are an estimate, because only a request's headers distinguish people from programs.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from multiprocessing.util import Finalize
from time import monotonic, sleep
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections
from django.http.request import split_domain_port, validate_host
from django.utils.module_loading import import_string

from portal.http import (
    ADMIN_PREFIX,
    CACHE_CONTROL_REVALIDATE,
    MAX_ACCEPT_ENCODING_LENGTH,
    has_only_tracking_params,
    is_not_modified,
    negotiate_encoding,
)
from portal.published.files import STALE_AFTER_SECONDS, Headers, PublishedFile, PublishedFiles

StartResponse = Callable[..., Any]
WSGIApplication = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

# Headers about the body, which a 304 omits.
BODY_HEADERS = frozenset({"content-type", "content-length", "content-encoding"})
# Files on disk are checked for changes this often; a newly published page must appear within a second.
CHECK_SECONDS = 0.05
# Bounds the memory used for client headers. A longer Host header is never valid.
MAX_MEMOIZED_HEADERS, MAX_HOST_LENGTH = 128, 300
# Approximate memory of a page besides its body.
ENTRY_OVERHEAD_BYTES = 1_500

# Page views are written this often.
FLUSH_SECONDS = 30
MAX_PATHS = 10_000
# Parts of the user agents of bots.
BOT_MARKERS = ("bot", "Bot", "Headless", "rawler", "pider", "review")
BROWSER_PREFIX = "Mozilla/"

log = logging.getLogger(__name__)


class PublishedPages:
    """WSGI middleware around Django's application, with a bounded cache of files. It has no threads and writes nothing.

    The worker process replaces and deletes files. Every CHECK_SECONDS, a request checks whether it has; if so, each
    cached page is compared with its file the next time it is used.
    """

    def __init__(self, application: WSGIApplication, files: PublishedFiles, max_bytes: int) -> None:
        self._application, self._files, self._max_bytes = application, files, max_bytes
        self._https_only, self._session_cookie = settings.SECURE_SSL_REDIRECT, settings.SESSION_COOKIE_NAME
        hosts = list(settings.ALLOWED_HOSTS)
        self._is_valid_host = lru_cache(MAX_MEMOIZED_HEADERS)(lambda host: is_valid_host(host, hosts))
        # Oldest entry first.
        self._pages: dict[tuple[str, str], PublishedFile] = {}
        self._size, self._lock = 0, threading.Lock()
        self._generation, self._next_check, self._age = 0, 0.0, 0.0

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Handle a request. The GIL is held throughout, so every operation counts."""
        if not self._may_use_files(environ):
            return self._application(environ, start_response)
        if monotonic() >= self._next_check:
            # Whether files have changed, and whether the worker still confirms them.
            self._generation, age = self._files.generation(), self._files.age()
            self._age = age if age > STALE_AFTER_SECONDS else 0.0
            self._next_check = monotonic() + CHECK_SECONDS
        # An overlong header accepts no encoding, and that stays true after truncation.
        accept_encoding = environ.get("HTTP_ACCEPT_ENCODING", "")[: MAX_ACCEPT_ENCODING_LENGTH + 1]
        page = self._load(environ["PATH_INFO"], memoized_encoding(accept_encoding))
        if page is None:
            return self._pass_to_django(environ, start_response)
        if "HTTP_SEC_FETCH_MODE" in environ:
            PAGE_VIEWS.count(environ)
        status, headers, body = "200 OK", page.headers, [page.body]
        if ("HTTP_IF_NONE_MATCH" in environ or "HTTP_IF_MODIFIED_SINCE" in environ) and is_not_modified(
            environ, page.etag, page.last_modified
        ):
            status, body = "304 Not Modified", []
            headers = [header for header in headers if header[0].lower() not in BODY_HEADERS]
        if self._age:
            headers = [*headers, ("Age", str(int(self._age)))]
        start_response(status, headers)
        return body if environ["REQUEST_METHOD"] == "GET" else []

    def _may_use_files(self, environ: dict[str, Any]) -> bool:
        """Return whether a request can be served from a published page, which is the same for everyone."""
        host, query = environ.get("HTTP_HOST", ""), environ.get("QUERY_STRING")
        return (
            environ["REQUEST_METHOD"] in {"GET", "HEAD"}
            and len(host) <= MAX_HOST_LENGTH
            and self._is_valid_host(host)
            and "HTTP_AUTHORIZATION" not in environ
            and ("HTTP_COOKIE" not in environ or self._session_cookie not in environ["HTTP_COOKIE"])
            and not (self._https_only and environ.get("HTTP_X_FORWARDED_PROTO") != "https")
            and (not query or has_only_tracking_params(query))
        )

    def _load(self, path: str, encoding: str) -> PublishedFile | None:
        """Return a page as it currently is on disk, or None if it is not published."""
        # Read the generation before the file, so that a later change is noticed at the next check.
        generation, key = self._generation, (path, encoding)
        page = self._pages.get(key)
        if page and (page.generation == generation or self._files.is_current(page)):
            page.generation = generation
            return page
        page = self._files.read(path, encoding)
        with self._lock:
            self._remove(key)
            if page:
                page.generation, self._pages[key] = generation, page
                self._size += len(page.body) + ENTRY_OVERHEAD_BYTES
            while self._size > self._max_bytes:
                self._remove(next(iter(self._pages)))
        return page

    def _remove(self, key: tuple[str, str]) -> None:
        page = self._pages.pop(key, None)
        if page:
            self._size -= len(page.body) + ENTRY_OVERHEAD_BYTES

    def _pass_to_django(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request to Django. Count views of pages that are not on disk yet or never are, such as booklets."""

        def count(status: str, headers: Headers, *exc_info: Any) -> Any:
            if status.startswith(("200 ", "304 ")) and ("Cache-Control", CACHE_CONTROL_REVALIDATE) in headers:
                PAGE_VIEWS.count(environ)
            return start_response(status, headers, *exc_info)

        return self._application(environ, count if "HTTP_SEC_FETCH_MODE" in environ else start_response)


def is_valid_host(host: str, allowed: list[str]) -> bool:
    """Return whether a Host header is one that Django accepts."""
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


memoized_encoding = lru_cache(MAX_MEMOIZED_HEADERS)(negotiate_encoding)


class PageViewCounter:
    """The page views per path in one process since the last flush. Thread-safe."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()
        self.is_enabled = False

    def count(self, environ: Mapping[str, Any]) -> None:
        """Count a page view if the request looks human. Takes about half a microsecond."""
        if self.is_enabled and looks_human(environ):
            self.add(environ["PATH_INFO"], 1)

    def add(self, path: str, count: int) -> None:
        """Add ``count`` views of a path. Beyond MAX_PATHS, new paths are ignored."""
        with self._lock:
            if path in self._counts or len(self._counts) < MAX_PATHS:
                self._counts[path] = self._counts.get(path, 0) + count

    def drain(self) -> dict[str, int]:
        """Return the counts and reset them."""
        with self._lock:
            counts, self._counts = self._counts, {}
        return counts


def looks_human(environ: Mapping[str, Any]) -> bool:
    """Return whether a request looks like a browser that opens the page in a tab.

    Link scanners, crawlers, and scripts lack these headers or identify themselves. Prefetches do not count, and neither
    do staff coming from the admin.
    """
    get = environ.get
    if get("HTTP_SEC_FETCH_MODE") != "navigate" or get("HTTP_SEC_FETCH_DEST") != "document":
        return False
    if environ["REQUEST_METHOD"] != "GET" or "HTTP_SEC_PURPOSE" in environ or "HTTP_PURPOSE" in environ:
        return False
    if "HTTP_ACCEPT_LANGUAGE" not in environ or ADMIN_PREFIX in get("HTTP_REFERER", ""):
        return False
    user_agent = get("HTTP_USER_AGENT", "")
    if not user_agent.startswith(BROWSER_PREFIX):
        return False
    # A regular expression takes ten times as long.
    for marker in BOT_MARKERS:  # noqa: SIM110 -- any() takes as long as the rest of this function
        if marker in user_agent:
            return False
    return True


PAGE_VIEWS = PageViewCounter()


# Held while counts are saved, so that an exiting process waits for the batch in progress.
_flush_lock = threading.Lock()


def flush_counts(counter: PageViewCounter, save_counts: Callable[[dict[str, int]], None]) -> None:
    """Save the counts with ``save_counts``. On a DatabaseError, put them back for the next flush."""
    with _flush_lock:
        counts = counter.drain()
        if not counts:
            return
        try:
            save_counts(counts)
        except DatabaseError:
            log.warning("The database does not respond; page views stay in memory until the next attempt")
            for path, count in counts.items():
                counter.add(path, count)


def start_flushing() -> None:
    """Start counting and flushing in this process, unless COUNT_PAGE_VIEWS is off."""
    if not settings.COUNT_PAGE_VIEWS or PAGE_VIEWS.is_enabled:
        return
    PAGE_VIEWS.is_enabled = True
    save_counts: Callable[[dict[str, int]], None] = import_string(settings.PAGE_VIEW_BACKEND)
    threading.Thread(target=_flush_periodically, args=(save_counts,), name="page-views", daemon=True).start()
    # Before Python 3.13, processes of a multiprocessing fork server skip atexit callbacks. Finalize always runs.
    Finalize(None, _flush_at_exit, (save_counts,), exitpriority=0)


def _flush_periodically(save_counts: Callable[[dict[str, int]], None]) -> None:
    while True:
        sleep(FLUSH_SECONDS)
        close_old_connections()
        flush_counts(PAGE_VIEWS, save_counts)
        # Return the connection to the pool (portal/postgresql/base.py).
        close_old_connections()


def _flush_at_exit(save_counts: Callable[[dict[str, int]], None]) -> None:
    flush_counts(PAGE_VIEWS, save_counts)
    connections.close_all()
