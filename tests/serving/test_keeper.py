"""The keeper: notices, renews what a change concerns, goes on without the database, shares what it packs."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import OperationalError

from portal.serving import keeper as module
from portal.serving.application import SnapshotApplication
from portal.serving.keeper import Keeper
from portal.serving.shelf import Shelf
from portal.serving.snapshots import Snapshots
from tests.serving.plain import Django, ask

pytestmark = pytest.mark.django_db
PATIENCE = 10.0


class Site(Django):
    """Django and the domain in one: pages with a text each, a state that counts changes."""

    def __init__(self, pages: dict[str, str]) -> None:
        super().__init__()
        self.pages, self.number, self.clinic, self.down = pages, 1, "a", False
        self.changed: list[tuple[int, str]] = []

    def __call__(self, environ, start_response):  # type: ignore[no-untyped-def]
        text = self.pages.get(environ["PATH_INFO"])
        self.status = "503 Down" if self.down else "404 Not Found" if text is None else "200 OK"
        self.body = f"<h1>{text}</h1>{self.clinic}".encode() + b" words" * 200
        return super().__call__(environ, start_response)

    def publish(self, path: str, text: str) -> None:
        self.number += 1
        self.pages[path] = text
        self.changed.append((self.number, path))

    def public_state(self) -> str:
        if self.down:
            raise OperationalError("database is locked")
        return json.dumps([self.number, self.clinic])

    def concerned(self, before: str, now: str) -> Iterable[str] | None:
        (first, clinic), (last, clinic_now) = json.loads(before), json.loads(now)
        if clinic != clinic_now:
            return None
        return [path for number, path in self.changed if first < number <= last]

    def addresses(self) -> Iterable[str]:
        return list(self.pages)


class Quiet:
    """Instead of a database's counter: look all the time."""

    def wait(self, stop: threading.Event) -> None:
        stop.wait(0.01)

    def may_have_come(self) -> bool:
        return True

    def forget(self) -> None:
        """Nothing to forget."""


class File:
    """Instead of a database file."""

    reason = ""

    def trouble(self) -> str:
        return self.reason


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Changes", Quiet)
    monkeypatch.setattr(module, "DatabaseFile", File)
    monkeypatch.setattr(module, "close_old_connections", lambda: None)
    monkeypatch.setattr(module, "ROUND", 0.02)
    monkeypatch.setattr(module, "LOOKS", 1)
    monkeypatch.setattr(module, "QUIET", 0.02)


class Process:
    """One process of the server."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.snapshots = Snapshots()
        self.application = SnapshotApplication(site, self.snapshots)
        self.keeper = Keeper(self.application, self.snapshots, Shelf(folder, "program"), site)
        self.keeper.load()

    @contextmanager
    def running(self, *, refine: bool = False) -> Iterator["Process"]:
        stop = threading.Event()
        works = [self.keeper.watch, self.keeper.refine] if refine else [self.keeper.watch]
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
        """The heading of a page as a reader gets it."""
        return ask(self.application, PATH_INFO=path)[2].partition(b"</h1>")[0].removeprefix(b"<h1>").decode()

    def kept(self) -> set[str]:
        return set(self.snapshots.kept)


def eventually(wanted: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not wanted():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.005)


def test_all_addresses_are_rendered_without_being_asked_for(tmp_path: Path) -> None:
    site = Site({"/": "Home", "/a/": "A"})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: process.kept() == {"/", "/a/"})
        asked = site.asked
        assert process.text("/a/") == "A"
        assert site.asked == asked


def test_a_publish_renews_what_it_concerns_and_nothing_else(tmp_path: Path) -> None:
    site = Site({"/": "Home", "/a/": "A", "/b/": "B"})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: len(process.kept()) == 3 and not process.keeper._waiting)
        site.requests.clear()
        site.publish("/a/", "A2")
        eventually(lambda: process.text("/a/") == "A2")
        assert [request["PATH_INFO"] for request in site.requests] == ["/a/"]


def test_the_less_important_is_forgotten_at_once_and_rendered_when_it_is_quiet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUIET", 60.0)
    site = Site({f"/{number}/": "old" for number in range(6)})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: len(process.kept()) == 6 and not process.keeper._waiting)
        site.pages = dict.fromkeys(site.pages, "new")
        site.changed = [(2, path) for path in site.pages]
        site.number = 2
        eventually(lambda: process.kept() == {"/0/", "/1/", "/2/", "/3/"})
        assert [process.text(path) for path in ("/4/", "/5/")] == ["new", "new"]
        process.snapshots.forget("/5/")
        monkeypatch.setattr(module, "QUIET", 0.0)
        eventually(lambda: len(process.kept()) == 6)
        assert {process.text(path) for path in site.pages} == {"new"}


def test_readers_never_wait_for_a_renewal(tmp_path: Path) -> None:
    site = Site({"/a/": "A"})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: process.kept() == {"/a/"})
        original = site.__class__.__call__
        held = threading.Event()

        def slow(self, environ, start_response):  # type: ignore[no-untyped-def]
            held.wait(PATIENCE)
            return original(self, environ, start_response)

        site.__class__.__call__ = slow
        try:
            site.publish("/a/", "A2")
            time.sleep(0.1)
            assert process.text("/a/") == "A"
            held.set()
            eventually(lambda: process.text("/a/") == "A2")
        finally:
            held.set()
            site.__class__.__call__ = original


def test_a_change_of_the_clinic_renews_everything_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    site = Site({f"/{number}/": str(number) for number in range(60)})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: caplog.messages[-1:] == ["all public addresses are rendered"])
        caplog.clear()
        site.clinic = "b"
        eventually(lambda: caplog.messages[-1:] == ["all public addresses are rendered"])
        assert all(b"</h1>b" in one.raw for one in process.snapshots.kept.values())
    assert caplog.messages == [
        "60 public addresses are being rendered, 60 are there",
        "all public addresses are rendered",
    ]


def test_an_address_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    site = Site({"/a/": "A", "/b/": "B"})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: len(process.kept()) == 2)
        site.publish("/b/", "B")
        del site.pages["/b/"]
        eventually(lambda: process.kept() == {"/a/"})


def test_without_the_database_pages_go_out_with_their_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    site = Site({"/a/": "A"})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: process.kept() == {"/a/"})
        assert "Age" not in ask(process.application, PATH_INFO="/a/")[1]
        site.down = True
        eventually(lambda: process.keeper.trouble)
        time.sleep(0.1)
        status, headers, _ = ask(process.application, PATH_INFO="/a/")
        assert (status, headers["Age"]) == ("200 OK", "0")
        assert process.keeper.trouble == "the database is locked by another program"
        site.down = False
        eventually(lambda: not process.keeper.trouble)
        assert "Age" not in ask(process.application, PATH_INFO="/a/")[1]
    assert (
        len([record for record in caplog.records if "public pages are given out as they were" in record.message]) == 1
    )


def test_a_page_that_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    site = Site({"/a/": "A"})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: process.kept() == {"/a/"})
        site.down = True
        site.publish("/a/", "A2")
        time.sleep(0.05)
        assert process.text("/a/") == "A"
        site.down = False
        eventually(lambda: process.text("/a/") == "A2")


def test_a_fault_of_one_page_does_not_stop_the_others(tmp_path: Path) -> None:
    site = Site({"/a/": "A", "/b/": "B"})
    call = site.__class__.__call__

    def faulty(self, environ, start_response):  # type: ignore[no-untyped-def]
        if environ["PATH_INFO"] == "/a/":
            start_response("500 Internal Server Error", [])
            return []
        return call(self, environ, start_response)

    site.__class__.__call__ = faulty
    try:
        with Process(site, tmp_path).running() as process:
            eventually(lambda: process.kept() == {"/b/"})
    finally:
        site.__class__.__call__ = call


def test_a_second_start_is_warm_and_renews_only_what_changed_meanwhile(tmp_path: Path) -> None:
    site = Site({"/": "Home", "/a/": "A", "/b/": "B"})
    with Process(site, tmp_path).running(refine=True) as process:
        eventually(
            lambda: (
                len(Shelf(tmp_path, "program").load()) > 0 and all(s.finest for s in process.snapshots.kept.values())
            )
        )
        eventually(lambda: sum(len(part.snapshots) for part in Shelf(tmp_path, "program").load()) == 3)
    site.requests.clear()
    site.publish("/b/", "B2")

    process = Process(site, tmp_path)
    assert [process.text(path) for path in ("/", "/a/", "/b/")] == ["Home", "A", "B"]
    assert site.asked == 0
    with process.running():
        eventually(lambda: process.text("/b/") == "B2")
        assert [request["PATH_INFO"] for request in site.requests] == ["/b/"]


def test_a_start_without_the_database_gives_out_what_is_stored(tmp_path: Path) -> None:
    site = Site({"/a/": "A"})
    with Process(site, tmp_path).running(refine=True):
        eventually(lambda: len(Shelf(tmp_path, "program").load()) == 1)
    site.down = True

    with Process(site, tmp_path).running() as process:
        eventually(lambda: process.keeper.trouble)
        assert process.text("/a/") == "A"


def test_what_is_not_yet_renewed_is_never_stored_as_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between noticing a publish and rendering it: the next start has to notice it again."""
    site = Site({"/a/": "A"})
    with Process(site, tmp_path).running(refine=True) as process:
        eventually(lambda: len(Shelf(tmp_path, "program").load()) == 1)
        monkeypatch.setattr(process.keeper, "_renew", lambda stop: None)
        site.publish("/a/", "A2")
        eventually(lambda: json.loads(process.keeper.state)[0] == 2)
        process.snapshots.changes += 1
        time.sleep(0.2)
    with Process(site, tmp_path).running() as process:
        eventually(lambda: process.text("/a/") == "A2")


def test_one_process_packs_for_all(tmp_path: Path) -> None:
    site = Site({"/a/": "A"})
    first, second = Process(site, tmp_path), Process(site, tmp_path)
    with first.running(refine=True), second.running(refine=True):
        for process in (first, second):
            eventually(lambda process=process: process.kept() and process.snapshots.kept["/a/"].finest)
    bodies = {process.snapshots.kept["/a/"].body for process in (first, second)}
    assert len(bodies) == 1


def test_a_full_disk_is_said_once_and_pages_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Shelf, "write", full)
    site = Site({"/a/": "A"})
    with Process(site, tmp_path).running(refine=True) as process:
        eventually(lambda: "No space left on device" in caplog.text)
        site.publish("/a/", "A2")
        eventually(lambda: process.text("/a/") == "A2")
        time.sleep(0.1)
    assert caplog.text.count("No space left") == 1


@pytest.mark.parametrize("jump", [-86_400, 86_400])
def test_a_clock_that_jumps_changes_nothing_for_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    site = Site({"/a/": "A"})
    real = time.time
    with Process(site, tmp_path).running(refine=True) as process:
        eventually(lambda: process.kept() == {"/a/"})
        before = ask(process.application, PATH_INFO="/a/")[1]
        monkeypatch.setattr(time, "time", lambda: real() + jump)
        site.publish("/a/", "A2")
        eventually(lambda: process.text("/a/") == "A2")
        after = ask(process.application, PATH_INFO="/a/")[1]
        assert "Age" not in after
        assert after["Last-Modified"] != before["Last-Modified"]
        eventually(lambda: len(Shelf(tmp_path, "program").load()) == 1)
    monkeypatch.setattr(time, "time", lambda: real() - jump)
    assert Process(site, tmp_path).text("/a/") in {"A", "A2"}
