"""Count page views without personal data, as daily totals per path.

Each process counts in memory. A thread writes the counts in batches, and once more when the process exits. No cookies,
IP addresses, or user agents are stored, not even in memory. The totals are an estimate, because only a request's
headers distinguish people from programs.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from multiprocessing.util import Finalize
from time import sleep
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections
from django.utils.module_loading import import_string

from portal.http import ADMIN_PREFIX

# Page views are written this often.
FLUSH_SECONDS = 30
MAX_PATHS = 10_000
# Parts of the user agents of bots.
BOT_MARKERS = ("bot", "Bot", "Headless", "rawler", "pider", "review")
BROWSER_PREFIX = "Mozilla/"

log = logging.getLogger(__name__)


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
