"""The keeper: renders all addresses, notices a change, renews what it concerns while readers go on."""

import logging
import threading
import time
from pathlib import Path

import pytest

from portal.published import builder as module
from tests.serving.site_of_pages import PATIENCE, Process, Site, eventually

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_quick_keeper")]


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
        eventually(lambda: len(process.kept()) == 3 and not process.keeper._render_queue)
        site.requests.clear()
        site.publish("/a/", "A2")
        eventually(lambda: process.text("/a/") == "A2")
        assert [request["PATH_INFO"] for request in site.requests] == ["/a/"]


def test_the_less_important_is_forgotten_at_once_and_rendered_when_it_is_quiet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEBOUNCE", 60.0)
    site = Site({f"/{number}/": "old" for number in range(6)})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: len(process.kept()) == 6 and not process.keeper._render_queue)
        site.pages = dict.fromkeys(site.pages, "new")
        site.changed = [(2, path) for path in site.pages]
        site.number = 2
        eventually(lambda: process.kept() == {"/0/", "/1/", "/2/", "/3/"})
        assert [process.text(path) for path in ("/4/", "/5/")] == ["new", "new"]
        process.snapshots.evict("/5/")
        monkeypatch.setattr(module, "DEBOUNCE", 0.0)
        eventually(lambda: len(process.kept()) == 6)
        assert {process.text(path) for path in site.pages} == {"new"}


def test_what_nobody_opens_is_forgotten_at_once_however_little_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEBOUNCE", 60.0)
    site = Site({"/a/": "old", "/a/plain.txt": "old", "/b/": "old"})
    site.rest = ["/a/plain.txt"]
    with Process(site, tmp_path).running() as process:
        eventually(lambda: len(process.kept()) == 3 and not process.keeper._render_queue)
        site.publish("/a/", "new")
        eventually(lambda: process.kept() == {"/a/", "/b/"})
        eventually(lambda: process.text("/a/") == "new")
        monkeypatch.setattr(module, "DEBOUNCE", 0.0)
        eventually(lambda: "/a/plain.txt" in process.kept())


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
        eventually(lambda: caplog.messages[-1:] == ["Rendered all public pages"])
        caplog.clear()
        site.clinic = "b"
        eventually(lambda: caplog.messages[-1:] == ["Rendered all public pages"])
        assert all(b"</h1>b" in one.raw for one in process.snapshots.entries.values())
    assert caplog.messages == [
        "Rendering 60 public pages; 60 are stored",
        "Rendered all public pages",
    ]


def test_an_address_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    site = Site({"/a/": "A", "/b/": "B"})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: len(process.kept()) == 2)
        site.publish("/b/", "B")
        del site.pages["/b/"]
        eventually(lambda: process.kept() == {"/a/"})
