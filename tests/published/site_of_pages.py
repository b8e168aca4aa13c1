"""Shared by the tests of the site builder: a site of a few pages, and processes that serve it."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import OperationalError

from portal.published.builder import SiteBuilder
from portal.published.files import ResponseFiles
from portal.published.store import ResponseStore
from portal.published.wsgi import PublishedPages
from tests.published.plain import Django, ask

PATIENCE = 10.0


class Site(Django):
    """Fake of Django and the domain: pages with a text, and a content version that counts changes."""

    def __init__(self, pages: dict[str, str]) -> None:
        super().__init__()
        self.pages, self.number, self.clinic, self.down = pages, 1, "a", False
        self.changed: list[tuple[int, str]] = []
        self.files: set[str] = set()
        # Affected by each change, but not a page.
        self.rest: list[str] = []

    def __call__(self, environ, start_response):  # type: ignore[no-untyped-def]
        text = self.pages.get(environ["PATH_INFO"])
        self.status = "503 Down" if self.down else "404 Not Found" if text is None else "200 OK"
        self.body = f"<h1>{text}</h1>{self.clinic}".encode() + b" words" * 200
        return super().__call__(environ, start_response)

    def publish(self, path: str, text: str) -> None:
        self.number += 1
        self.pages[path] = text
        self.changed.append((self.number, path))

    def content_version(self) -> str:
        if self.down:
            raise OperationalError("database is locked")
        return json.dumps([self.number, self.clinic])

    def affected_urls(self, before: str, now: str) -> tuple[list[str], list[str]] | None:
        (first, clinic), (last, clinic_now) = json.loads(before), json.loads(now)
        if clinic != clinic_now:
            return None
        return [path for number, path in self.changed if first < number <= last], self.rest

    def public_urls(self) -> Iterable[str]:
        return list(self.pages)

    def public_files(self) -> Iterable[str]:
        return list(self.files)


class Quiet:
    """Fake ChangeListener that always reports a change."""

    def wait(self, stop: threading.Event) -> None:
        stop.wait(0.01)

    def may_have_changed(self) -> bool:
        return True

    def reset(self) -> None:
        """Do nothing."""


class File:
    """Fake DatabaseFileMonitor."""

    reason = ""

    def error(self) -> str:
        return self.reason


class Process:
    """One process of the server."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.store = ResponseStore()
        self.application = PublishedPages(site, self.store)
        self.site_builder = SiteBuilder(self.application, self.store, ResponseFiles(folder, "program"), site)
        self.site_builder.load()

    @contextmanager
    def running(self, *, refine: bool = False) -> Iterator["Process"]:
        stop = threading.Event()
        works = [
            self.site_builder.run_refresh,
            self.application.watch_staleness,
            *([self.site_builder.run_compression] if refine else []),
        ]
        threads = [threading.Thread(target=work, args=(stop,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def text(self, path: str) -> str:
        """Return the heading of a page as served."""
        return ask(self.application, PATH_INFO=path)[2].partition(b"</h1>")[0].removeprefix(b"<h1>").decode()

    def cached_paths(self) -> set[str]:
        return set(self.store.entries)


def eventually(wanted: Callable[[], object]) -> None:
    """Wait until a condition is true; fail after a timeout."""
    until = time.monotonic() + PATIENCE
    while not wanted():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.005)
