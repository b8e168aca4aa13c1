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

SECONDS = 30
MAX_ADDRESSES = 10_000
# Programs that say in their name that they are no reader.
PROGRAMS = ("bot", "Bot", "Headless", "rawler", "pider", "review")
BROWSERS = "Mozilla/"
STAFF = "/admin/"

log = logging.getLogger(__name__)


class Reads:
    """The counts of one process since the last batch, by address."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()
        self.on = False

    def count(self, environ: Mapping[str, Any]) -> None:
        """Count a page that is being given out, if a person seems to be opening it. About half a microsecond."""
        if self.on and is_opened_by_a_person(environ):
            self.add(environ["PATH_INFO"], 1)

    def add(self, address: str, times: int) -> None:
        """Count, whoever it was."""
        with self._lock:
            if address in self._counts or len(self._counts) < MAX_ADDRESSES:
                self._counts[address] = self._counts.get(address, 0) + times

    def take(self) -> dict[str, int]:
        """What was counted since the last time; from now on it is somebody else's to keep."""
        with self._lock:
            taken, self._counts = self._counts, {}
        return taken


def is_opened_by_a_person(environ: Mapping[str, Any]) -> bool:
    """A browser that opens this address in a tab, as far as a request can tell.

    Link scanners of mail systems, crawlers and scripts fetch without these headers, or say who they are; prefetching is
    no reading; staff come from the admin.
    """
    get = environ.get
    if get("HTTP_SEC_FETCH_MODE") != "navigate" or get("HTTP_SEC_FETCH_DEST") != "document":
        return False
    if environ["REQUEST_METHOD"] != "GET" or "HTTP_SEC_PURPOSE" in environ or "HTTP_PURPOSE" in environ:
        return False
    if "HTTP_ACCEPT_LANGUAGE" not in environ or STAFF in get("HTTP_REFERER", ""):
        return False
    name = get("HTTP_USER_AGENT", "")
    if not name.startswith(BROWSERS):
        return False
    # A pattern over the same words takes ten times as long.
    for program in PROGRAMS:  # noqa: SIM110 -- any() costs as much as all the rest
        if program in name:
            return False
    return True


READS = Reads()


def write(reads: Reads, store: Callable[[dict[str, int]], None]) -> None:
    """Hand the counts to ``store``. While the database does not answer they are kept for the next time."""
    taken = reads.take()
    if not taken:
        return
    try:
        store(taken)
    except DatabaseError:
        log.warning("the database does not answer; what was read is counted on in memory")
        for address, times in taken.items():
            reads.add(address, times)


def keep_totals() -> None:
    """Start counting in this process, unless PORTAL_COUNT_READS says no."""
    if not settings.COUNT_READS or READS.on:
        return
    READS.on = True
    store: Callable[[dict[str, int]], None] = import_string(settings.READS_STORE)
    threading.Thread(target=_every_batch, args=(store,), name="reads", daemon=True).start()
    atexit.register(_last_batch, store)


def _every_batch(store: Callable[[dict[str, int]], None]) -> None:
    while not threading.Event().wait(SECONDS):
        close_old_connections()
        write(READS, store)


def _last_batch(store: Callable[[dict[str, int]], None]) -> None:
    write(READS, store)
    connections.close_all()
