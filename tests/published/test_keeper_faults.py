"""The site builder without its database, with a failing page, on a full disk, and with a jumping clock."""

import time
from pathlib import Path

import pytest

from portal.published import builder as module
from portal.published.files import ResponseFiles
from tests.published.plain import ask
from tests.published.site_of_pages import Process, Site, eventually

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_quick_builder")]


def test_without_the_database_pages_are_served_with_an_age_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "STALE_AFTER_SECONDS", 0.05)
    site = Site({"/a/": "A"})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: process.cached_paths() == {"/a/"})
        assert "Age" not in ask(process.application, PATH_INFO="/a/")[1]
        site.down = True
        eventually(lambda: process.site_builder.error)
        eventually(lambda: "Age" in ask(process.application, PATH_INFO="/a/")[1])
        status, headers, _ = ask(process.application, PATH_INFO="/a/")
        assert (status, headers["Age"]) == ("200 OK", "0")
        assert process.site_builder.error == "the database is locked by another program"
        site.down = False
        eventually(lambda: not process.site_builder.error)
        assert "Age" not in ask(process.application, PATH_INFO="/a/")[1]
    assert len([record for record in caplog.records if "Serving stored public pages" in record.message]) == 1


def test_a_page_that_could_not_be_read_is_retried(tmp_path: Path) -> None:
    site = Site({"/a/": "A"})
    with Process(site, tmp_path).running() as process:
        eventually(lambda: process.cached_paths() == {"/a/"})
        site.down = True
        site.publish("/a/", "A2")
        time.sleep(0.05)
        assert process.text("/a/") == "A"
        site.down = False
        eventually(lambda: process.text("/a/") == "A2")


def test_an_error_in_one_page_does_not_stop_the_others(tmp_path: Path) -> None:
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
            eventually(lambda: process.cached_paths() == {"/b/"})
    finally:
        site.__class__.__call__ = call


def test_a_full_disk_is_logged_once_and_pages_are_still_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ResponseFiles, "write", full)
    site = Site({"/a/": "A"})
    with Process(site, tmp_path).running(refine=True) as process:
        eventually(lambda: "No space left on device" in caplog.text)
        site.publish("/a/", "A2")
        eventually(lambda: process.text("/a/") == "A2")
        time.sleep(0.1)
    assert caplog.text.count("No space left") == 1


@pytest.mark.parametrize("jump", [-86_400, 86_400])
def test_a_jump_of_the_system_clock_does_not_affect_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    site = Site({"/a/": "A"})
    real = time.time
    with Process(site, tmp_path).running(refine=True) as process:
        eventually(lambda: process.cached_paths() == {"/a/"})
        before = ask(process.application, PATH_INFO="/a/")[1]
        monkeypatch.setattr(time, "time", lambda: real() + jump)
        site.publish("/a/", "A2")
        eventually(lambda: process.text("/a/") == "A2")
        after = ask(process.application, PATH_INFO="/a/")[1]
        assert "Age" not in after
        assert after["Last-Modified"] != before["Last-Modified"]
        eventually(lambda: len(ResponseFiles(tmp_path, "program").load()) == 1)
    monkeypatch.setattr(time, "time", lambda: real() - jump)
    assert Process(site, tmp_path).text("/a/") in {"A", "A2"}
