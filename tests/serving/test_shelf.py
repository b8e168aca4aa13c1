"""Snapshots on disk: what was written whole comes back, anything else is as if it were not there."""

import logging
import os
import resource
from pathlib import Path

import pytest

from portal.serving.shelf import FILES, Shelf, Stored, number_of
from portal.serving.snapshots import Snapshot
from tests.serving.plain import HTML, PAGE

PATHS = ["/", "/kyphoplasty/", "/es/cifoplastia/", "/p/AB2CD3", "/ñ/"]


def stored(paths: list[str]) -> Stored:
    return Stored(
        "a state", 1_700_000_000.5, {path: Snapshot.of("200 OK", [HTML], PAGE + path.encode()) for path in paths}
    )


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """With one file that holds some addresses."""
    made = Shelf(tmp_path / "snapshots", "this program")
    made.write(3, stored(PATHS))
    return made


def texts(parts: list[Stored]) -> dict[str, bytes]:
    return {path: one.raw for part in parts for path, one in part.snapshots.items()}


def test_what_was_written_comes_back(shelf: Shelf) -> None:
    (part,) = Shelf(shelf.folder, "this program").load()

    before = stored(PATHS)
    assert (part.state, part.confirmed) == (before.state, before.confirmed)
    for path, one in part.snapshots.items():
        old = before.snapshots[path]
        assert (one.status, one.raw, one.sha, one.finest) == (old.status, old.raw, old.sha, old.finest)
        assert one.base == old.base
    assert part.snapshots.keys() == before.snapshots.keys()


def test_an_address_always_falls_to_the_same_file() -> None:
    assert [number_of(path) for path in ("/", "/kyphoplasty/")] == [number_of("/"), number_of("/kyphoplasty/")]
    assert {number_of(f"/page-{number}/") for number in range(1000)} == set(range(FILES))


DAMAGE = {
    "torn": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "one byte": lambda content: content[:-50] + bytes([content[-50] ^ 1]) + content[-49:],
    "another format": lambda content: content.replace(b"snapshots 2", b"snapshots 9", 1),
    "zeros": lambda content: bytes(len(content)),
    "longer": lambda content: content + b"x",
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_ignored_with_a_line_in_the_log(
    shelf: Shelf, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = shelf.file(3)
    file.write_bytes(DAMAGE[kind](file.read_bytes()))
    shelf.write(4, stored(["/whole/"]))

    found = Shelf(shelf.folder, "this program").load()

    assert texts(found).keys() == {"/whole/"}
    assert "they are made again" in caplog.text


def test_files_of_another_program_are_ignored_with_one_line(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    shelf.write(4, stored(["/"]))

    assert Shelf(shelf.folder, "the next version").load() == []
    assert [record.getMessage() for record in caplog.records] == [
        "2 files of snapshots are of another version of the program; they are made again"
    ]


def test_a_full_disk_leaves_the_old_file_and_no_draft(shelf: Shelf) -> None:
    before = shelf.file(3).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            shelf.write(3, stored([*PATHS, "/more/"]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert shelf.file(3).read_bytes() == before
    assert [file.name for file in shelf.folder.iterdir()] == [shelf.file(3).name]


def test_a_process_that_dies_while_it_writes_leaves_the_old_or_the_new_file(shelf: Shelf) -> None:
    """Thirty times, at another moment each."""
    import signal
    import time

    old = texts(Shelf(shelf.folder, "this program").load())
    new = stored([*PATHS, *(f"/page-{number}/" for number in range(300))])
    seen = set()
    for turn in range(30):
        child = os.fork()
        if child == 0:
            while True:
                shelf.write(3, new)
                shelf.write(3, stored(PATHS))
        time.sleep(0.01 + turn * 0.001)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = texts(Shelf(shelf.folder, "this program").load())
        assert found in (old, texts([new]))
        seen.add(len(found))
    assert seen <= {len(old), len(new.snapshots)}
    shelf.tidy()
    assert [file.name for file in shelf.folder.iterdir()] == [shelf.file(3).name]


def test_only_files_that_another_process_has_written_are_read_again(shelf: Shelf) -> None:
    reader = Shelf(shelf.folder, "this program")
    reader.load()

    assert reader.changed() == []
    shelf.write(5, stored(["/new/"]))
    assert texts(reader.changed()).keys() == {"/new/"}
    assert reader.changed() == []
