"""Published files: complete files are read back, anything else is ignored; no address leaves the folder."""

import gzip
import os
import resource
import signal
import time
from pathlib import Path

import brotli
import pytest

from portal.http import make_etag
from portal.published.files import PublishedFiles
from tests.published.web_process import HEADERS, LONG_PAGE, PAGE, PATH

ENCODINGS = ("", "br", "gzip")


def on_disk(files: PublishedFiles) -> set[str]:
    return {str(file.relative_to(files.root)) for file in files.root.rglob("*") if file.is_file()}


def test_a_page_is_a_file_that_any_web_server_can_serve(files: PublishedFiles) -> None:
    files.write(PATH, HEADERS, PAGE)
    files.write("/", HEADERS, PAGE)
    files.write("/kyphoplasty/plain.txt", HEADERS, b"short")

    assert on_disk(files) == {
        *(f"{folder}index.html{suffix}" for folder in ("", "kyphoplasty/") for suffix in ("", ".br", ".gz")),
        "kyphoplasty/plain.txt",
    }
    folder = files.root / "kyphoplasty"
    assert (folder / "index.html").read_bytes() == PAGE
    assert brotli.decompress((folder / "index.html.br").read_bytes()) == PAGE
    assert gzip.decompress((folder / "index.html.gz").read_bytes()) == PAGE
    modes = {file.stat().st_mode & 0o777 for file in files.root.rglob("*")}
    assert modes == {0o755, 0o644}
    assert len({file.stat().st_mtime for file in folder.glob("index.html*")}) == 1


def test_what_was_written_is_read_back_by_another_process(files: PublishedFiles, tmp_path: Path) -> None:
    files.write(PATH, [*HEADERS, ("Date", "now"), ("Content-Length", "1")], PAGE)

    other = PublishedFiles(tmp_path / "data")
    for encoding in ENCODINGS:
        found = other.read(PATH, encoding)
        assert found is not None
        body = Path(found.file).read_bytes()
        content = [("Content-Encoding", encoding)] if encoding else []
        tags = [("ETag", make_etag(body)), ("Last-Modified", found.last_modified)]
        assert found.headers == [*HEADERS, ("Content-Length", str(len(body))), *content, *tags]
        assert found.body == body
    assert other.paths() == {PATH}
    assert other.read("/other/", "") is None


def test_a_short_page_has_no_compressed_files(files: PublishedFiles) -> None:
    files.write(PATH, HEADERS, PAGE)
    files.write(PATH, HEADERS, b"short")

    assert on_disk(files) == {"kyphoplasty/index.html"}
    found = files.read(PATH, "br")
    assert found is not None and found.body == b"short" and "Content-Encoding" not in dict(found.headers)


@pytest.mark.parametrize(
    "path",
    ["", "kyphoplasty/", "//", "/../secret-key", "/a/../../worker/index.sqlite3", "/./", "/a/./", "/A/", "/a", "/%2e%2e/",
     "/a/%2f/", "/a\0/", "/a\n", "/\u00e9/", "/a b/", "/a\\b/", "/.well-known/security.txt", "/a/index.html", "/a/index.html.br",
     "/a.txt/", "/a/x.txt.gz", "/a/x.svg.br", "/" + "a" * 201 + "/", "/a" * 20 + "/", "/.new-1/", "/x.html"],
    ids=repr,
)  # fmt: skip
def test_an_address_that_is_not_a_plain_file_name_is_neither_written_nor_read(
    files: PublishedFiles, path: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="is not a valid file path"):
        files.write(path, HEADERS, PAGE)
    files.delete(path)

    assert files.read(path, "") is None
    assert on_disk(files) == set()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["data"]


DAMAGE = {
    "torn": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "one byte": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
    "zeros": lambda content: bytes(len(content)),
    "longer": lambda content: content + b"x",
}


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("suffix", ["", ".br"])
def test_a_damaged_file_is_ignored_and_written_again(files: PublishedFiles, kind: str, suffix: str) -> None:
    files.write(PATH, HEADERS, PAGE)
    file = files.root / "kyphoplasty" / f"index.html{suffix}"
    file.write_bytes(DAMAGE[kind](file.read_bytes()))

    assert files.read(PATH, suffix[1:]) is None
    assert not files.is_intact(PATH)
    files.write(PATH, HEADERS, PAGE)
    assert files.is_intact(PATH)


def test_a_damaged_index_is_rebuilt_and_its_pages_are_deleted(
    files: PublishedFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = PublishedFiles(tmp_path / "other")
    with other.try_lock_for_writing():
        other.write(PATH, HEADERS, PAGE)
        other.close()
    for file in (tmp_path / "other" / "worker").glob("index.sqlite3*"):
        file.write_bytes(os.urandom(8192))

    reopened = PublishedFiles(tmp_path / "other")
    assert reopened.read(PATH, "") is None
    reopened.close()
    with reopened.try_lock_for_writing() as is_locked:
        assert is_locked
        assert on_disk(reopened) == set()
        reopened.write(PATH, HEADERS, PAGE)
        assert reopened.is_intact(PATH)
    assert "index of the published pages is damaged" in caplog.text


def test_an_unchanged_page_keeps_its_date_and_files(files: PublishedFiles) -> None:
    files.write(PATH, HEADERS, PAGE)
    before, generation = files.read(PATH, "br"), files.generation()

    files.write(PATH, HEADERS, PAGE)

    assert files.read(PATH, "br") == before
    assert files.generation() == generation


def test_two_versions_of_the_same_second_have_different_dates(files: PublishedFiles) -> None:
    files.write(PATH, HEADERS, PAGE)
    before = files.read(PATH, "")
    files.write(PATH, HEADERS, b"new" + PAGE)
    after = files.read(PATH, "")

    assert before is not None and after is not None
    assert after.last_modified != before.last_modified
    assert not files.is_current(before)
    assert files.is_current(after)


def test_changed_headers_count_as_a_change(files: PublishedFiles) -> None:
    files.write(PATH, HEADERS, PAGE)
    files.write(PATH, [*HEADERS, ("X-Robots-Tag", "noindex")], PAGE)

    found = files.read(PATH, "")
    assert found is not None and ("X-Robots-Tag", "noindex") in found.headers


def test_pages_are_recompressed_once(files: PublishedFiles) -> None:
    files.write(PATH, HEADERS, LONG_PAGE)
    files.write("/short/", HEADERS, b"short")
    fast, generation = files.read(PATH, "br"), files.generation()

    assert files.compress_next()
    assert not files.compress_next()

    best = files.read(PATH, "br")
    assert fast is not None and best is not None
    assert len(best.body) < len(fast.body)
    assert best.last_modified == fast.last_modified
    assert brotli.decompress(best.body) == LONG_PAGE
    assert files.generation() > generation
    files.write(PATH, HEADERS, LONG_PAGE)
    assert not files.compress_next(), "an unchanged page is compressed already"


def test_deleting_a_page_deletes_its_bytes_and_empty_folders(files: PublishedFiles) -> None:
    files.write("/visits/first/", HEADERS, PAGE)
    files.write("/visits/first/booklet/", HEADERS, PAGE)

    files.delete("/visits/first/")
    assert on_disk(files) == {f"visits/first/booklet/index.html{suffix}" for suffix in ("", ".br", ".gz")}
    generation = files.generation()
    files.delete("/visits/first/booklet/")
    files.delete("/never/")

    assert list(files.root.iterdir()) == []
    assert files.root.is_dir()
    assert files.generation() != generation
    assert files.paths() == set()


def test_clearing_deletes_everything_at_once(files: PublishedFiles) -> None:
    files.write("/", HEADERS, PAGE)
    files.write(PATH, HEADERS, PAGE)
    files.record_state({"content_version": "1"})

    files.clear()

    assert (on_disk(files), files.paths()) == (set(), set())
    assert files.state() == {"content_version": "1"}
    files.write(PATH, HEADERS, PAGE)
    assert files.is_intact(PATH)


def test_a_full_disk_leaves_the_old_page_and_no_temporary_file(files: PublishedFiles) -> None:
    files.write(PATH, HEADERS, PAGE)
    before = on_disk(files)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            files.write(PATH, HEADERS, b"new" + PAGE)
        assert on_disk(files) == before
        assert files.is_intact(PATH)
        files.delete(PATH)
        files.confirm()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert on_disk(files) == set()


def test_a_process_killed_while_writing_leaves_the_old_or_the_new_page_or_none(tmp_path: Path) -> None:
    """Thirty times, each at a different moment."""
    old, new = PAGE, b"<h1>New</h1>" + os.urandom(40_000).hex().encode()
    seen = set()
    files = PublishedFiles(tmp_path)
    with files.try_lock_for_writing():
        files.write(PATH, HEADERS, old)
    for turn in range(30):
        child = os.fork()
        if child == 0:
            files = PublishedFiles(tmp_path)
            with files.try_lock_for_writing():
                while True:
                    files.write(PATH, HEADERS, new)
                    files.write(PATH, HEADERS, old)
        time.sleep(0.02 + turn * 0.002)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = PublishedFiles(tmp_path)
        for encoding in ENCODINGS:
            page = found.read(PATH, encoding)
            seen.add(page and {"br": brotli.decompress, "gzip": gzip.decompress}.get(encoding, bytes)(page.body))
        found.close()
    assert seen <= {old, new, None}
    assert seen & {old, new}
    files = PublishedFiles(tmp_path)
    with files.try_lock_for_writing() as is_locked:
        assert is_locked, "a dead process does not hold the lock"
        files.write(PATH, HEADERS, old)
        assert files.is_intact(PATH)
        assert on_disk(files) == {f"kyphoplasty/index.html{suffix}" for suffix in ("", ".br", ".gz")}


def test_only_one_process_can_write(files: PublishedFiles, tmp_path: Path) -> None:
    with PublishedFiles(tmp_path / "data").try_lock_for_writing() as is_locked:
        assert not is_locked
    with PublishedFiles(tmp_path / "another").try_lock_for_writing() as is_locked:
        assert is_locked


def test_the_age_grows_from_the_last_confirmation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = PublishedFiles(tmp_path)
    assert files.age() > 1e9
    with files.try_lock_for_writing():
        files.confirm()
    assert files.age() < 5
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 60)
    assert 55 < files.age() < 65
    monkeypatch.setattr(time, "time", lambda: now - 60)
    assert files.age() == 0
