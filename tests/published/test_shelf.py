"""Published pages on disk: complete files are read back, anything else is ignored."""

import logging
import os
import resource
from pathlib import Path

import pytest

from portal.published.files import SHARD_COUNT, ResponseFiles, StoredShard, shard_for
from portal.published.store import CachedResponse
from tests.published.plain import HTML, PAGE

PATHS = ["/", "/kyphoplasty/", "/es/cifoplastia/", "/p/AB2CD3", "/ñ/"]


def stored(paths: list[str]) -> StoredShard:
    return StoredShard(
        "a state",
        1_700_000_000.5,
        {path: CachedResponse.from_response("200 OK", [HTML], PAGE + path.encode()) for path in paths},
    )


@pytest.fixture
def shelf(tmp_path: Path) -> ResponseFiles:
    """Return response files with one shard of a few paths."""
    made = ResponseFiles(tmp_path / "snapshots", "this program")
    made.write(3, stored(PATHS))
    return made


def texts(parts: list[StoredShard]) -> dict[str, bytes]:
    return {path: one.raw for part in parts for path, one in part.entries.items()}


def test_written_responses_are_read_back(shelf: ResponseFiles) -> None:
    (part,) = ResponseFiles(shelf.folder, "this program").load()

    before = stored(PATHS)
    assert (part.content_version, part.last_validated) == (before.content_version, before.last_validated)
    for path, one in part.entries.items():
        old = before.entries[path]
        assert (one.status, one.raw, one.sha, one.max_compressed) == (old.status, old.raw, old.sha, old.max_compressed)
        assert one.base_headers == old.base_headers
    assert part.entries.keys() == before.entries.keys()


def test_a_path_always_has_the_same_shard() -> None:
    assert [shard_for(path) for path in ("/", "/kyphoplasty/")] == [shard_for("/"), shard_for("/kyphoplasty/")]
    assert {shard_for(f"/page-{number}/") for number in range(1000)} == set(range(SHARD_COUNT))


DAMAGE = {
    "torn": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "one byte": lambda content: content[:-50] + bytes([content[-50] ^ 1]) + content[-49:],
    "another format": lambda content: content.replace(b"snapshots 2", b"snapshots 9", 1),
    "zeros": lambda content: bytes(len(content)),
    "longer": lambda content: content + b"x",
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_logged_and_ignored(
    shelf: ResponseFiles, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = shelf.shard_path(3)
    file.write_bytes(DAMAGE[kind](file.read_bytes()))
    shelf.write(4, stored(["/whole/"]))

    found = ResponseFiles(shelf.folder, "this program").load()

    assert texts(found).keys() == {"/whole/"}
    assert "Ignoring published pages in" in caplog.text


def test_files_from_another_version_are_logged_once_and_ignored(
    shelf: ResponseFiles, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    shelf.write(4, stored(["/"]))

    assert ResponseFiles(shelf.folder, "the next version").load() == []
    assert [record.getMessage() for record in caplog.records] == [
        "Ignoring 2 files of published pages from another version"
    ]


def test_a_full_disk_leaves_the_old_file_and_no_temporary_file(shelf: ResponseFiles) -> None:
    before = shelf.shard_path(3).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            shelf.write(3, stored([*PATHS, "/more/"]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert shelf.shard_path(3).read_bytes() == before
    assert [file.name for file in shelf.folder.iterdir()] == [shelf.shard_path(3).name]


def test_a_process_killed_while_writing_leaves_the_old_or_the_new_file(shelf: ResponseFiles) -> None:
    """Thirty times, each at a different moment."""
    import signal
    import time

    old = texts(ResponseFiles(shelf.folder, "this program").load())
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
        found = texts(ResponseFiles(shelf.folder, "this program").load())
        assert found in (old, texts([new]))
        seen.add(len(found))
    assert seen <= {len(old), len(new.entries)}
    shelf.remove_temp_files()
    assert [file.name for file in shelf.folder.iterdir()] == [shelf.shard_path(3).name]


def test_only_files_written_by_another_process_are_read_again(shelf: ResponseFiles) -> None:
    reader = ResponseFiles(shelf.folder, "this program")
    reader.load()

    assert reader.read_changed() == []
    shelf.write(5, stored(["/new/"]))
    assert texts(reader.read_changed()).keys() == {"/new/"}
    assert reader.read_changed() == []
