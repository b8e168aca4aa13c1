"""What the site builder stores for the next start and for other processes."""

import json
from pathlib import Path

import pytest

from portal.published.files import ResponseFiles
from tests.published.site_of_pages import Process, Site, eventually

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_quick_builder")]


def test_a_second_start_is_warm_and_renders_only_what_has_changed(tmp_path: Path) -> None:
    site = Site({"/": "Home", "/a/": "A", "/b/": "B"})
    with Process(site, tmp_path).running(refine=True) as process:
        eventually(
            lambda: (
                len(ResponseFiles(tmp_path, "program").load()) > 0
                and all(s.max_compressed for s in process.store.entries.values())
            )
        )
        eventually(lambda: sum(len(part.entries) for part in ResponseFiles(tmp_path, "program").load()) == 3)
    site.requests.clear()
    site.publish("/b/", "B2")

    process = Process(site, tmp_path)
    assert [process.text(path) for path in ("/", "/a/", "/b/")] == ["Home", "A", "B"]
    assert site.asked == 0
    with process.running():
        eventually(lambda: process.text("/b/") == "B2")
        assert [request["PATH_INFO"] for request in site.requests] == ["/b/"]


def test_a_start_without_the_database_serves_the_stored_pages(tmp_path: Path) -> None:
    site = Site({"/a/": "A"})
    with Process(site, tmp_path).running(refine=True):
        eventually(lambda: len(ResponseFiles(tmp_path, "program").load()) == 1)
    site.down = True

    with Process(site, tmp_path).running() as process:
        eventually(lambda: process.site_builder.error)
        assert process.text("/a/") == "A"


def test_outdated_pages_are_never_stored_as_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process killed between detecting and rendering a publication: the next start must detect it again."""
    site = Site({"/a/": "A"})
    with Process(site, tmp_path).running(refine=True) as process:
        eventually(lambda: len(ResponseFiles(tmp_path, "program").load()) == 1)
        monkeypatch.setattr(process.site_builder, "_refresh", lambda stop: None)
        site.publish("/a/", "A2")
        eventually(lambda: json.loads(process.site_builder.current_version)[0] == 2)
        written = [file.stat().st_mtime_ns for file in tmp_path.glob("*.snapshots")]
        process.store.requeue_dirty({"/a/"})
        eventually(lambda: [file.stat().st_mtime_ns for file in tmp_path.glob("*.snapshots")] != written)
    with Process(site, tmp_path).running() as process:
        eventually(lambda: process.text("/a/") == "A2")


def test_after_a_change_of_the_clinic_the_second_start_renders_nothing(tmp_path: Path) -> None:
    """Unchanged shards are rewritten too, because each contains its content version."""
    site = Site({f"/{number}/": "text" for number in range(40)})
    for turn in range(3):
        if turn == 1:
            site.clinic, site.__class__ = "b", Unchanging
        site.requests.clear()
        with Process(site, tmp_path).running(refine=True) as process:
            eventually(lambda process=process: process.site_builder.rendered_version == site.content_version())
            states = lambda: {part.content_version for part in ResponseFiles(tmp_path, "program").load()}  # noqa: E731 -- asked until so
            eventually(lambda states=states: states() == {site.content_version()})
    assert site.requests == []


class Unchanging(Site):
    """A site whose pages do not show the clinic."""

    def __call__(self, environ, start_response):  # type: ignore[no-untyped-def]
        clinic, self.clinic = self.clinic, "a"
        try:
            return super().__call__(environ, start_response)
        finally:
            self.clinic = clinic


def test_one_process_compresses_for_all(tmp_path: Path) -> None:
    site = Site({"/a/": "A"})
    first, second = Process(site, tmp_path), Process(site, tmp_path)
    with first.running(refine=True), second.running(refine=True):
        for process in (first, second):
            eventually(lambda process=process: process.cached_paths() and process.store.entries["/a/"].max_compressed)
    bodies = {process.store.entries["/a/"].body for process in (first, second)}
    assert len(bodies) == 1
