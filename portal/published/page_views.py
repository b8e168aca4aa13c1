"""How often each address is opened: totals by day, and nothing about who did it.

Counted in memory while pages are given out, written in batches by a thread of its own and once more when the process
ends. No cookie, no address of a reader and no name of a browser is kept, not even in memory. So the totals are an
estimate: what a request looks like is all there is to tell people from programs.
"""

import atexit
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections
from django.utils.module_loading import import_string

FLUSH_SECONDS = 30
MAX_PATHS = 10_000
# Programs that say in their name that they are no reader.
BOT_MARKERS = ("bot", "Bot", "Headless", "rawler", "pider", "review")
BROWSER_PREFIX = "Mozilla/"
ADMIN_PREFIX = "/admin/"

log = logging.getLogger(__name__)


class PageViewCounter:
    """The counts of one process since the last batch, by address."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()
        self.is_enabled = False

    def count(self, environ: Mapping[str, Any]) -> None:
        """Count a page that is being given out, if a person seems to be opening it. About half a microsecond."""
        if self.is_enabled and looks_human(environ):
            self.add(environ["PATH_INFO"], 1)

    def add(self, path: str, count: int) -> None:
        """Count, whoever it was."""
        with self._lock:
            if path in self._counts or len(self._counts) < MAX_PATHS:
                self._counts[path] = self._counts.get(path, 0) + count

    def drain(self) -> dict[str, int]:
        """What was counted since the last time; from now on it is somebody else's to keep."""
        with self._lock:
            taken, self._counts = self._counts, {}
        return taken


def looks_human(environ: Mapping[str, Any]) -> bool:
    """A browser that opens this address in a tab, as far as a request can tell.

    Link scanners of mail systems, crawlers and scripts fetch without these headers, or say who they are; prefetching is
    no reading; staff come from the admin.
    """
    get = environ.get
    if get("HTTP_SEC_FETCH_MODE") != "navigate" or get("HTTP_SEC_FETCH_DEST") != "document":
        return False
    if environ["REQUEST_METHOD"] != "GET" or "HTTP_SEC_PURPOSE" in environ or "HTTP_PURPOSE" in environ:
        return False
    if "HTTP_ACCEPT_LANGUAGE" not in environ or ADMIN_PREFIX in get("HTTP_REFERER", ""):
        return False
    name = get("HTTP_USER_AGENT", "")
    if not name.startswith(BROWSER_PREFIX):
        return False
    # A pattern over the same words takes ten times as long.
    for program in BOT_MARKERS:  # noqa: SIM110 -- any() costs as much as all the rest
        if program in name:
            return False
    return True


PAGE_VIEWS = PageViewCounter()


def flush_counts(counter: PageViewCounter, save_counts: Callable[[dict[str, int]], None]) -> None:
    """Hand the counts to ``store``. While the database does not answer they are kept for the next time."""
    taken = counter.drain()
    if not taken:
        return
    try:
        save_counts(taken)
    except DatabaseError:
        log.warning("the database does not answer; what was read is counted on in memory")
        for address, times in taken.items():
            counter.add(address, times)


def start_flushing() -> None:
    """Start counting in this process, unless PORTAL_COUNT_PAGE_VIEWS says no."""
    if not settings.COUNT_PAGE_VIEWS or PAGE_VIEWS.is_enabled:
        return
    PAGE_VIEWS.is_enabled = True
    store: Callable[[dict[str, int]], None] = import_string(settings.PAGE_VIEW_BACKEND)
    threading.Thread(target=_flush_periodically, args=(store,), name="page-views", daemon=True).start()
    atexit.register(_flush_at_exit, store)


def _flush_periodically(save_counts: Callable[[dict[str, int]], None]) -> None:
    while not threading.Event().wait(FLUSH_SECONDS):
        close_old_connections()
        flush_counts(PAGE_VIEWS, save_counts)


def _flush_at_exit(save_counts: Callable[[dict[str, int]], None]) -> None:
    flush_counts(PAGE_VIEWS, save_counts)
    connections.close_all()
