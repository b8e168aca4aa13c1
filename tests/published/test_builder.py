"""The worker's site builder: what it renders, when, what it deletes, and what it survives."""

import logging
import os
import time
from pathlib import Path

import pytest
from django.http import HttpResponse

from portal.published import builder as module
from portal.published.builder import SiteBuilder
from portal.published.files import PublishedFiles
from tests.published.fake_site import TIMEOUT_SECONDS, FakeSite, Machine, eventually
from tests.published.web_process import fetch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_quick_builder")]


def test_all_pages_are_rendered_in_advance(tmp_path: Path) -> None:
    site = FakeSite({"/": "Home", "/a/": "A"})
    with Machine(site, tmp_path).working() as machine:
        eventually(machine.is_idle)
        assert machine.published() == {"/": "Home", "/a/": "A"}
        assert machine.text("/a/") == "A"
        assert site.rendered == ["/", "/a/"]


def test_publishing_renders_only_the_affected_pages(tmp_path: Path) -> None:
    site = FakeSite({"/": "Home", "/a/": "A", "/b/": "B"})
    with Machine(site, tmp_path).working() as machine:
        eventually(machine.is_idle)
        site.rendered.clear()
        site.publish("/a/", "A2")
        eventually(lambda: machine.text("/a/") == "A2")
        eventually(machine.is_idle)
        assert site.rendered == ["/a/"]


def test_paths_other_than_pages_are_deleted_at_once_and_rendered_when_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEBOUNCE_SECONDS", 60.0)
    site = FakeSite({"/a/": "old", "/a/more/": "old", "/b/": "old"})
    site.rest = ["/a/more/"]
    with Machine(site, tmp_path).working() as machine:
        eventually(lambda: len(machine.published()) == 3)
        site.publish("/a/", "new")
        eventually(lambda: machine.published() == {"/a/": "new", "/b/": "old"})
        assert machine.builder is not None
        monkeypatch.setattr(module, "DEBOUNCE_SECONDS", 0.0)
        site.publish("/b/", "new")
        eventually(lambda: machine.published() == {"/a/": "new", "/b/": "new", "/a/more/": "old"})


def test_the_old_form_of_a_page_is_served_while_the_new_one_is_rendered_but_not_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rendering the first page takes longer than any page may be outdated, so the second is deleted before its turn."""
    monkeypatch.setattr(module, "MAX_STALE_SECONDS", 0.2)
    site = FakeSite({"/a/": "A", "/b/": "B", "/c/": "C"})
    with Machine(site, tmp_path).working() as machine:
        eventually(machine.is_idle)
        fetch, seen = site.fetch, []

        def slow(path: str) -> HttpResponse:
            time.sleep(0.3)
            seen.append((path, machine.text("/a/"), machine.text("/b/")))
            return fetch(path)

        monkeypatch.setattr(site, "fetch", slow)
        site.changed += [(2, "/a/"), (2, "/b/")]
        site.pages = {"/a/": "A2", "/b/": "B2", "/c/": "C"}
        site.number = 2
        eventually(machine.is_idle)
        assert seen == [("/a/", "A", "B"), ("/b/", "A2", "from Django")]
        assert machine.published() == {"/a/": "A2", "/b/": "B2", "/c/": "C"}


def test_a_withdrawn_page_is_gone_from_the_disk(tmp_path: Path) -> None:
    site = FakeSite({"/a/": "A", "/b/": "B"})
    with Machine(site, tmp_path).working() as machine:
        eventually(machine.is_idle)
        site.withdraw("/b/")
        eventually(lambda: machine.published() == {"/a/": "A"})
        eventually(lambda: not (machine.files.root / "b").exists())
        assert machine.text("/b/") == "from Django"


def test_a_change_to_the_clinic_renders_everything_and_logs_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site = FakeSite({f"/{number}/": str(number) for number in range(60)})
    with Machine(site, tmp_path).working() as machine:
        eventually(lambda: "Compressed all public pages" in caplog.messages)
        caplog.clear()
        site.clinic = "b"
        eventually(lambda: "Compressed all public pages" in caplog.messages)
        assert all("</h1>b" in file.read_text() for file in machine.files.root.rglob("index.html"))
    assert caplog.messages == [
        "Rendering 60 public pages; 60 already published",
        "Compressed all public pages",
    ]


def test_if_many_files_are_outdated_none_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_STALE_FILES", 5)
    site = FakeSite({f"/{number}/": str(number) for number in range(8)})
    with Machine(site, tmp_path).working() as machine:
        eventually(machine.is_idle)
        clear, seen = PublishedFiles.clear, []
        monkeypatch.setattr(PublishedFiles, "clear", lambda self: [clear(self), seen.append(machine.published())])
        site.clinic = "b"
        eventually(lambda: seen)
        eventually(machine.is_idle)
        assert seen == [{}]
        assert len(machine.published()) == 8
        assert b"</h1>b" in fetch(machine.reader, PATH_INFO="/0/")[2]


# Faults


def test_without_the_database_pages_are_served_with_an_age_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("portal.published.wsgi.STALE_AFTER_SECONDS", 0.5)
    site = FakeSite({"/a/": "A"})
    with Machine(site, tmp_path).working() as machine:
        eventually(machine.is_idle)
        assert "Age" not in fetch(machine.reader, PATH_INFO="/a/")[1]
        site.down = True
        eventually(lambda: "Age" in fetch(machine.reader, PATH_INFO="/a/")[1])
        status, headers, _ = fetch(machine.reader, PATH_INFO="/a/")
        assert (status, headers["Age"]) == ("200 OK", "0")
        site.down = False
        eventually(lambda: "Age" not in fetch(machine.reader, PATH_INFO="/a/")[1])
    messages = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert messages == [
        "Cannot update the public pages, so the existing ones are served: the database is locked by another program"
    ]


def test_a_page_published_just_before_the_database_failed_is_not_served_in_its_old_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = FakeSite({"/a/": "A", "/b/": "B"})
    with Machine(site, tmp_path).working() as machine:
        eventually(machine.is_idle)
        with monkeypatch.context() as patched:
            patched.setattr(site, "fetch", lambda path: HttpResponse(status=503))
            site.publish("/a/", "A2")
            eventually(lambda: machine.published() == {"/b/": "B"})
        eventually(lambda: machine.published() == {"/a/": "A2", "/b/": "B"})


def test_an_error_in_one_page_does_not_stop_the_others_and_does_not_leave_its_old_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = FakeSite({"/a/": "A", "/b/": "B"})
    with Machine(site, tmp_path).working() as machine:
        eventually(machine.is_idle)
        fetch = site.fetch
        monkeypatch.setattr(site, "fetch", lambda path: HttpResponse(status=500) if path == "/a/" else fetch(path))
        site.clinic = "b"
        eventually(machine.is_idle)
        assert machine.published() == {"/b/": "B"}


def test_a_page_that_fails_after_an_upgrade_is_rendered_again_at_the_next_start(tmp_path: Path) -> None:
    site = FakeSite({"/a/": "A", "/b/": "B"})
    with Machine(site, tmp_path).working() as machine:
        eventually(machine.is_idle)
    render, is_broken = site.fetch, True
    site.fetch = lambda path: HttpResponse(status=500) if path == "/a/" and is_broken else render(path)  # type: ignore[method-assign]
    site.pages |= {"/a/": "A in the new build", "/b/": "B in the new build"}

    with Machine(site, tmp_path, build="new build").working() as machine:
        eventually(lambda: machine.published() == {"/a/": "A", "/b/": "B in the new build"})
    is_broken = False
    with Machine(site, tmp_path, build="new build").working() as machine:
        eventually(machine.is_idle)
        assert machine.published() == {"/a/": "A in the new build", "/b/": "B in the new build"}


def test_a_page_that_could_not_be_rendered_is_reported_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_FAILED_SECONDS", 0.2)
    site, is_broken = FakeSite({"/a/": "A", "/b/": "B", "/c/": "C"}), True
    render = site.fetch
    site.fetch = lambda path: HttpResponse(status=500) if path != "/b/" and is_broken else render(path)  # type: ignore[method-assign]

    with Machine(site, tmp_path).working() as machine:
        eventually(lambda: machine.files.problem() == "2 could not be rendered (see the log)")
        assert machine.published() == {"/b/": "B"}
        is_broken = False
        eventually(machine.is_idle)
        assert machine.published() == {"/a/": "A", "/b/": "B", "/c/": "C"}
        eventually(lambda: machine.files.problem() == "")


def test_a_page_that_failed_and_was_then_withdrawn_is_no_longer_reported(tmp_path: Path) -> None:
    site = FakeSite({"/a/": "A", "/b/": "B"})
    render = site.fetch
    site.fetch = lambda path: HttpResponse(status=500) if path in site.pages and path == "/a/" else render(path)  # type: ignore[method-assign]
    with Machine(site, tmp_path).working() as machine:
        eventually(lambda: machine.files.problem() != "")
        site.withdraw("/a/")
        eventually(lambda: machine.files.problem() == "")


def test_a_problem_that_an_earlier_worker_recorded_is_removed(tmp_path: Path) -> None:
    machine = Machine(FakeSite({"/a/": "A"}), tmp_path)
    with machine.files.try_lock_for_writing():
        machine.files.record_problem("files cannot be written: Permission denied")
    with machine.working():
        eventually(lambda: machine.files.problem() == "")


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_on_a_full_disk_a_changed_page_is_deleted_and_the_others_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site = FakeSite({"/a/": "A", "/b/": "B"})
    with Machine(site, tmp_path).working() as machine:
        eventually(machine.is_idle)
        with monkeypatch.context() as patched:
            patched.setattr(PublishedFiles, "write", full)
            patched.setattr(PublishedFiles, "record_state", full)
            patched.setattr(PublishedFiles, "compress_next", full)
            site.publish("/a/", "A2")
            eventually(lambda: machine.published() == {"/b/": "B"})
            time.sleep(0.2)
            site.withdraw("/b/")
            eventually(lambda: machine.published() == {})
        eventually(lambda: machine.published() == {"/a/": "A2"})
    assert caplog.text.count("No space left") == 1


@pytest.mark.parametrize("jump", [-86_400, 86_400])
def test_a_jump_in_the_system_clock_does_not_affect_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    site = FakeSite({"/a/": "A"})
    real = time.time
    with Machine(site, tmp_path).working() as machine:
        eventually(machine.is_idle)
        before = fetch(machine.reader, PATH_INFO="/a/")[1]
        monkeypatch.setattr(time, "time", lambda: real() + jump)
        site.publish("/a/", "A2")
        eventually(lambda: machine.text("/a/") == "A2")
        assert fetch(machine.reader, PATH_INFO="/a/")[1]["Last-Modified"] != before["Last-Modified"]


# Starts


def test_a_second_start_is_warm_and_renders_only_what_has_changed(tmp_path: Path) -> None:
    site = FakeSite({"/": "Home", "/a/": "A", "/b/": "B", "/c/": "C"})
    with Machine(site, tmp_path).working() as machine:
        eventually(machine.is_idle)
    site.rendered.clear()
    site.publish("/b/", "B2")
    site.withdraw("/c/")

    machine = Machine(site, tmp_path)
    assert [machine.text(path) for path in ("/", "/a/", "/b/")] == ["Home", "A", "B"]
    with machine.working():
        eventually(machine.is_idle)
        assert machine.published() == {"/": "Home", "/a/": "A", "/b/": "B2"}
        assert set(site.rendered) == {"/b/", "/c/"}


def test_a_third_start_renders_nothing(tmp_path: Path) -> None:
    site = FakeSite({f"/{number}/": "text" for number in range(10)})
    for _ in range(3):
        site.rendered.clear()
        with Machine(site, tmp_path).working() as machine:
            eventually(machine.is_idle)
    assert site.rendered == []


def test_a_start_without_the_database_serves_the_published_pages(tmp_path: Path) -> None:
    site = FakeSite({"/a/": "A"})
    with Machine(site, tmp_path).working() as machine:
        eventually(machine.is_idle)
    site.down = True
    with Machine(site, tmp_path).working() as machine:
        time.sleep(0.1)
        assert machine.text("/a/") == "A"


def test_pages_from_another_build_are_served_until_they_are_replaced(tmp_path: Path) -> None:
    site = FakeSite({"/a/": "A", "/b/": "B"})
    with Machine(site, tmp_path).working() as machine:
        eventually(machine.is_idle)
    site.pages = {"/a/": "new", "/b/": "new"}
    site.down = True
    with Machine(site, tmp_path, build="the next build").working() as machine:
        time.sleep(0.1)
        assert machine.published() == {"/a/": "A", "/b/": "B"}
        site.down = False
        eventually(machine.is_idle)
        assert machine.published() == {"/a/": "new", "/b/": "new"}


def test_missing_and_damaged_files_are_rendered_at_the_next_start_and_unknown_ones_deleted(tmp_path: Path) -> None:
    site = FakeSite({"/a/": "A", "/b/": "B", "/c/": "C"})
    with Machine(site, tmp_path).working() as machine:
        eventually(machine.is_idle)
    root = machine.files.root
    (root / "a" / "index.html").unlink()
    (root / "b" / "index.html.gz").write_bytes(os.urandom(99))
    # As after a power failure that undid a deletion: the file is not in the index.
    (root / "d").mkdir()
    (root / "d" / "index.html.gz").write_bytes(b"withdrawn")
    del site.pages["/c/"]
    site.rendered.clear()
    with Machine(site, tmp_path).working() as machine:
        eventually(lambda: machine.published() == {"/a/": "A", "/b/": "B"})
        eventually(lambda: all(machine.files.is_intact(path) for path in ("/a/", "/b/")))
        assert set(site.rendered) == {"/a/", "/b/"}
        assert not (root / "d").exists()


def test_a_change_missed_by_a_killed_worker_is_rendered_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_STALE_SECONDS", TIMEOUT_SECONDS)
    site = FakeSite({"/a/": "A", "/b/": "B"})
    with Machine(site, tmp_path).working() as machine:
        eventually(machine.is_idle)
        monkeypatch.setattr(SiteBuilder, "_render_next", lambda self: False)
        site.publish("/a/", "A2")
        assert machine.builder is not None
        eventually(lambda: machine.builder._version == site.content_version())  # type: ignore[union-attr]
        time.sleep(0.1)
        assert machine.published() == {"/a/": "A", "/b/": "B"}
    monkeypatch.undo()
    site.rendered.clear()
    with Machine(site, tmp_path).working() as machine:
        eventually(lambda: machine.published() == {"/a/": "A2", "/b/": "B"})
        assert site.rendered == ["/a/"]
