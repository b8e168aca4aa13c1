"""Shared by the tests of the site builder: a site of a few pages, a worker that publishes it, and a reader of its files."""

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import OperationalError, connection
from django.http import HttpResponse

from portal.published.builder import SiteBuilder
from portal.published.files import PublishedFiles
from tests.published.web_process import HEADERS, fetch, make_web_process

TIMEOUT_SECONDS = 10.0


class FakeSite:
    """Fake Django and domain: pages with text, and a content version that counts changes."""

    def __init__(self, pages: dict[str, str]) -> None:
        self.pages, self.number, self.clinic, self.down = pages, 1, "a", False
        self.changed: list[tuple[int, str]] = []
        self.files: set[str] = set()
        # Affected by each change, but not a page.
        self.rest: list[str] = []
        # The paths that were rendered.
        self.rendered: list[str] = []

    def fetch(self, path: str) -> HttpResponse:
        self.rendered.append(path)
        text = self.pages.get(path)
        body = f"<h1>{text}</h1>{self.clinic}".encode() + b" words" * 200
        status = 503 if self.down else 404 if text is None else 200
        return HttpResponse(body, status=status, headers=dict(HEADERS))

    def publish(self, path: str, text: str) -> None:
        self.pages[path] = text
        self.changed.append((self.number + 1, path))
        self.number += 1

    def withdraw(self, path: str) -> None:
        del self.pages[path]
        self.changed.append((self.number + 1, path))
        self.number += 1

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


class FakeChangeListener:
    """Fake ChangeListener that always reports a change."""

    def wait(self) -> None:
        time.sleep(0.01)

    def may_have_changed(self) -> bool:
        return True

    def reset(self) -> None:
        pass


class FakeDatabaseFileMonitor:
    """Fake DatabaseFileMonitor."""

    reason = ""

    def error(self) -> str:
        return self.reason


class Machine:
    """A data directory with a worker, which runs in a thread, and a web process."""

    def __init__(self, site: FakeSite, data: Path, *, build: str = "this build") -> None:
        self.site, self.build = site, build
        self.files = PublishedFiles(data)
        self.reader = make_web_process(PublishedFiles(data))
        self.builder: SiteBuilder | None = None

    @contextmanager
    def working(self) -> Iterator["Machine"]:
        """Run the worker for the duration of the block."""
        stop = threading.Event()

        def work() -> None:
            with self.files.try_lock_for_writing() as is_locked, contextlib.closing(connection):
                assert is_locked
                self.builder = SiteBuilder(self.files, self.site, lambda path: self.site.fetch(path), self.build)
                self.builder.run(stop.is_set)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join()

    def text(self, path: str) -> str:
        """Return the heading of a page as served from its file, or the whole body if Django responded."""
        return fetch(self.reader, PATH_INFO=path)[2].partition(b"</h1>")[0].removeprefix(b"<h1>").decode()

    def published(self) -> dict[str, str]:
        """Return the heading of each page that is on disk, read as nginx would read it."""
        root, found = self.files.root, {}
        for folder, _, names in os.walk(root):  # unlike rglob, it accepts folders that the worker deletes meanwhile
            if "index.html" in names:
                with contextlib.suppress(FileNotFoundError):
                    text = Path(folder, "index.html").read_text()
                    path = f"/{Path(folder).relative_to(root)}/".replace("/./", "/")
                    found[path] = text.partition("</h1>")[0].removeprefix("<h1>")
        return found

    def is_idle(self) -> bool:
        """Return whether the worker has published everything and recorded it."""
        state = {"content_version": json.dumps([self.site.number, self.site.clinic]), "fingerprint": self.build}
        return self.builder is not None and self.builder.state == state and not self.builder._queue


def eventually(wanted: Callable[[], object]) -> None:
    """Wait until a condition is true; fail after a timeout."""
    until = time.monotonic() + TIMEOUT_SECONDS
    while not wanted():
        assert time.monotonic() < until, "timed out"
        time.sleep(0.005)
