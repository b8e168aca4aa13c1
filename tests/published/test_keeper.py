"""The site builder renders all pages, detects changes, and renders affected pages without blocking readers."""

import logging
import threading
import time
from pathlib import Path

import pytest

from portal.published import builder as module
from tests.published.site_of_pages import PATIENCE, Process, Site, eventually

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_quick_builder")]


def test_all_pages_are_rendered_in_advance(tmp_path: Path) -> None:
    site = Site({"/": "Home", "/a/": "A"})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: process.cached_paths() == {"/", "/a/"})
        asked = site.asked
        assert process.text("/a/") == "A"
        assert site.asked == asked


def test_publishing_renders_only_the_affected_pages(tmp_path: Path) -> None:
    site = Site({"/": "Home", "/a/": "A", "/b/": "B"})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: len(process.cached_paths()) == 3 and not process.site_builder._render_queue)
        site.requests.clear()
        site.publish("/a/", "A2")
        eventually(lambda: process.text("/a/") == "A2")
        assert [request["PATH_INFO"] for request in site.requests] == ["/a/"]


def test_other_affected_paths_are_evicted_at_once_and_rendered_after_the_debounce(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEBOUNCE", 60.0)
    site = Site({f"/{number}/": "old" for number in range(6)})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: len(process.cached_paths()) == 6 and not process.site_builder._render_queue)
        site.pages = dict.fromkeys(site.pages, "new")
        site.changed = [(2, path) for path in site.pages]
        site.number = 2
        eventually(lambda: process.cached_paths() == {"/0/", "/1/", "/2/", "/3/"})
        assert [process.text(path) for path in ("/4/", "/5/")] == ["new", "new"]
        process.store.evict("/5/")
        monkeypatch.setattr(module, "DEBOUNCE", 0.0)
        eventually(lambda: len(process.cached_paths()) == 6)
        assert {process.text(path) for path in site.pages} == {"new"}


def test_paths_other_than_pages_are_evicted_at_once_even_if_there_are_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEBOUNCE", 60.0)
    site = Site({"/a/": "old", "/a/plain.txt": "old", "/b/": "old"})
    site.rest = ["/a/plain.txt"]
    with Process(site, tmp_path).running() as process:
        eventually(lambda: len(process.cached_paths()) == 3 and not process.site_builder._render_queue)
        site.publish("/a/", "new")
        eventually(lambda: process.cached_paths() == {"/a/", "/b/"})
        eventually(lambda: process.text("/a/") == "new")
        monkeypatch.setattr(module, "DEBOUNCE", 0.0)
        eventually(lambda: "/a/plain.txt" in process.cached_paths())


def test_readers_never_wait_for_a_refresh(tmp_path: Path) -> None:
    site = Site({"/a/": "A"})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: process.cached_paths() == {"/a/"})
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


def test_a_change_of_the_clinic_renders_everything_and_logs_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site = Site({f"/{number}/": str(number) for number in range(60)})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: caplog.messages[-1:] == ["Rendered all public pages"])
        caplog.clear()
        site.clinic = "b"
        eventually(lambda: caplog.messages[-1:] == ["Rendered all public pages"])
        assert all(b"</h1>b" in one.raw for one in process.store.entries.values())
    assert caplog.messages == [
        "Rendering 60 public pages; 60 are stored",
        "Rendered all public pages",
    ]


def test_a_withdrawn_path_is_evicted(tmp_path: Path) -> None:
    site = Site({"/a/": "A", "/b/": "B"})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: len(process.cached_paths()) == 2)
        site.publish("/b/", "B")
        del site.pages["/b/"]
        eventually(lambda: process.cached_paths() == {"/a/"})
