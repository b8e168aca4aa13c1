"""The published pages on disk: ``public/kyphoplasty/index.html`` with ``.br`` and ``.gz`` next to it, and an index.

Any static web server can serve the folder. The index stores what the files cannot: response headers, ETags, and the
content version of the whole folder. Only the worker process writes; web processes and nginx read.

Files are renamed into place without fsync: ``read`` ignores a file that does not match the ETag in its index entry, and
the worker rewrites it after a power failure. SQLite preserves the order in which entries were written.
"""

import contextlib
import json
import logging
import os
import re
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from pathlib import Path
from typing import Any

from portal.http import BEST, FAST, MIN_COMPRESS_BYTES, SUFFIXES, compress, make_etag
from portal.storage.local_storage import TEMP_PREFIX, try_lock

Headers = list[tuple[str, str]]
# No dot segments, escapes, or capital letters (some file systems ignore case), and no name that could collide with a
# compressed file or another page's index.html.
URL_PATH_PATTERN = re.compile(r"/(?:[a-z0-9_-]{1,200}/){0,8}(?:[a-z0-9_-]{1,200}\.(?:txt|xml|json|svg|png|css))?\Z")
# Headers that differ between the encodings of a page.
PER_ENCODING_HEADERS = frozenset({"content-encoding", "content-length", "etag", "date", "last-modified"})
# Pages are stale if the worker has not checked them against the database for this long.
STALE_AFTER_SECONDS = 5.0
SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS page (path TEXT PRIMARY KEY, headers TEXT, modified_at INTEGER, etags TEXT, is_best INTEGER);
CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, state TEXT);
"""
log = logging.getLogger(__name__)


def worker_folder(data_dir: Path) -> Path:
    """Return the folder of everything that the processes of one machine share, other than the published pages."""
    return data_dir / "worker"


@dataclass(slots=True)
class PublishedFile:
    """A page in one encoding, as read from disk, with all of its headers.

    ``identity`` is the inode and ctime; the inode alone may be reused after a file is deleted. ``generation`` is set by
    the reader: the files' generation when the page was last known to be current.
    """

    body: bytes
    etag: str
    last_modified: str
    headers: Headers
    file: str
    identity: tuple[int, int]
    generation: int = 0


class PublishedFiles:
    """The files and the index in a data directory.

    Methods above ``try_lock_for_writing`` are safe to call from any process or thread. Those below it require the lock,
    and raise OSError or sqlite3.Error, for example on a full disk.
    """

    def __init__(self, data_dir: Path) -> None:
        self.root, self._folder = data_dir / "public", worker_folder(data_dir)
        self.media_names, self._heartbeat = self._folder / "public-media.json", self._folder / "heartbeat"
        self._problem = self._folder / "problem"
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def exists(self) -> bool:
        """Return whether this data directory has published pages."""
        return (self.root / "index.html").exists()

    def read(self, path: str, encoding: str) -> PublishedFile | None:
        """Return a page in the given encoding, or uncompressed if it is too short to compress, or None.

        None means that it is not on disk, damaged, or currently being replaced.
        """
        target = self._file_for(path)
        try:
            row = self._execute("SELECT headers, modified_at, etags FROM page WHERE path = ?", path) if target else []
            if not row:
                return None
            headers, modified_at, etags = _parse_headers(row[0][0]), row[0][1], json.loads(row[0][2])
            encoding = encoding if encoding in etags else ""
            file = f"{target}{SUFFIXES[encoding]}"
            with open(file, "rb", buffering=0) as stream:  # noqa: PTH123 -- faster
                body, stat = stream.read(), os.fstat(stream.fileno())
        except OSError:
            return None
        except sqlite3.Error:
            # The worker may have replaced a damaged index.
            self.close()
            return None
        etag, last_modified = etags[encoding], _http_date(modified_at)
        if make_etag(body) != etag:
            return None
        content = [("Content-Encoding", encoding)] if encoding else []
        tags = [("Content-Length", str(len(body))), *content, ("ETag", etag), ("Last-Modified", last_modified)]
        return PublishedFile(body, etag, last_modified, headers + tags, file, (stat.st_ino, stat.st_ctime_ns))

    def is_intact(self, path: str) -> bool:
        """Return whether a page is on disk, undamaged in every encoding."""
        return None not in [self.read(path, encoding) for encoding in SUFFIXES]

    def is_current(self, found: PublishedFile) -> bool:
        """Return whether the file that was read is still in place."""
        with contextlib.suppress(OSError):
            stat = os.stat(found.file)  # noqa: PTH116 -- faster
            return (stat.st_ino, stat.st_ctime_ns) == found.identity
        return False

    def generation(self) -> int:
        """Return a number that changes whenever a file does, or 0 if there are none."""
        with contextlib.suppress(OSError):
            return self.root.stat().st_mtime_ns
        return 0

    def age(self) -> float:
        """Return the seconds since the worker last confirmed the pages with the database.

        It is a huge number if the worker never has.
        """
        return max(0.0, time.time() - self.confirmed_at())

    def confirmed_at(self) -> float:
        """Return when the worker last confirmed the pages with the database, as a POSIX time; 0 if it never has."""
        with contextlib.suppress(OSError):
            return self._heartbeat.stat().st_mtime
        return 0.0

    def problem(self) -> str:
        """Return why the worker cannot bring the pages up to date, or an empty string."""
        with contextlib.suppress(OSError):
            return self._problem.read_text(errors="replace")
        return ""

    @contextlib.contextmanager
    def try_lock_for_writing(self) -> Iterator[bool]:
        """Hold the write lock for the duration of the block. Yield whether it was acquired."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with try_lock(self._folder / "lock") as is_locked:
            if not is_locked:
                yield False
                return
            # Left behind by a worker that was killed.
            for temp_folder in self._folder.glob(f"{TEMP_PREFIX}*"):
                shutil.rmtree(temp_folder, ignore_errors=True)
            _make_folder(self.root)
            self._open_index()
            try:
                yield True
            finally:
                self.close()

    def _open_index(self) -> None:
        try:
            self._index().executescript(SCHEMA)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            log.warning("The index of the published pages is damaged; rendering all pages again")
            self.close()
            for file in self._folder.glob("index.sqlite3*"):
                file.unlink()
            self._index().executescript(SCHEMA)
            self.clear()

    def paths(self) -> set[str]:
        """Return the URL paths of all files on disk, whether or not they are in the index."""
        files = [f"/{file.relative_to(self.root)}" for file in self.root.rglob("*") if file.is_file()]
        return {file.removesuffix(".br").removesuffix(".gz").removesuffix("index.html") for file in files}

    def state(self) -> dict[str, str]:
        """Return the state last saved by ``record_state``."""
        rows = self._execute("SELECT state FROM state")
        return json.loads(rows[0][0]) if rows else {}

    def record_state(self, state: dict[str, str]) -> None:
        """Save key-value state that applies to the whole folder."""
        self._execute("INSERT OR REPLACE INTO state VALUES (1, ?)", json.dumps(state))

    def write(self, path: str, headers: Iterable[tuple[str, str]], raw: bytes) -> None:
        """Write a page with fast compression, unless it is already on disk unchanged.

        On an error, the old page remains.
        """
        pairs = [header for header in headers if header[0].lower() not in PER_ENCODING_HEADERS]
        row = self._execute("SELECT headers, modified_at, etags FROM page WHERE path = ?", path)
        is_same = bool(row) and row[0][0] == json.dumps(pairs) and json.loads(row[0][2])[""] == make_etag(raw)
        if not is_same or not self.is_intact(path):
            # Give every version a distinct date, even within the same second.
            self._replace(path, pairs, max(int(time.time()), row[0][1] + 1 if row else 0), raw, FAST)

    def compress_next(self) -> bool:
        """Recompress one page at the best quality. Return False if there was nothing left to compress."""
        row = self._execute("SELECT path, headers, modified_at FROM page WHERE NOT is_best LIMIT 1")
        for path, headers, modified_at in row:
            if found := self.read(path, ""):
                self._replace(path, _parse_headers(headers), modified_at, found.body, BEST)
            else:
                self.delete(path)
        return bool(row)

    def _replace(self, path: str, headers: Headers, modified_at: int, raw: bytes, quality: tuple[int, int]) -> None:
        target = self._file_for(path)
        if target is None:
            raise ValueError(f"{path} is not a valid file path")
        bodies = {name: compress(raw, name, quality) for name in SUFFIXES if not name or len(raw) >= MIN_COMPRESS_BYTES}
        etags = json.dumps({encoding: make_etag(body) for encoding, body in bodies.items()})
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=TEMP_PREFIX) as temp_folder:
            for encoding, body in bodies.items():
                temp_file = Path(temp_folder, f"new{encoding}")
                temp_file.write_bytes(body)
                temp_file.chmod(0o644)  # nginx reads it as another user
                os.utime(temp_file, (modified_at, modified_at))
            _make_folder(Path(target).parent)
            # Do everything that needs disk space first. ``read`` ignores a file until it matches its new ETag.
            is_best = quality == BEST or len(bodies) == 1
            row = path, json.dumps(headers), modified_at, etags, is_best
            self._execute("INSERT OR REPLACE INTO page VALUES (?, ?, ?, ?, ?)", *row)
            for encoding, suffix in SUFFIXES.items():
                if encoding in bodies:
                    Path(temp_folder, f"new{encoding}").replace(f"{target}{suffix}")
                else:
                    Path(f"{target}{suffix}").unlink(missing_ok=True)
        self._touch()

    def delete(self, path: str) -> None:
        """Delete a page and any folders left empty. Needs no disk space."""
        target = self._file_for(path)
        if target is None:
            return
        for suffix in SUFFIXES.values():
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                Path(f"{target}{suffix}").unlink()
                self._touch()
        folder = Path(target).parent
        with contextlib.suppress(OSError):
            while folder != self.root:
                folder.rmdir()
                folder = folder.parent
        # An entry without a file is harmless.
        with contextlib.suppress(sqlite3.Error):
            self._execute("DELETE FROM page WHERE path = ?", path)

    def clear(self) -> None:
        """Delete all pages at once. Needs no disk space."""
        discarded = self._folder / f"{TEMP_PREFIX}discarded"
        shutil.rmtree(discarded, ignore_errors=True)
        self.root.rename(discarded)
        _make_folder(self.root)
        with contextlib.suppress(sqlite3.Error):
            self._execute("DELETE FROM page")
        # What is left is deleted by the next call, or at the next start.
        shutil.rmtree(discarded, ignore_errors=True)
        self._touch()

    def confirm(self) -> None:
        """Record that all pages were just checked against the database. Needs no disk space after the first call."""
        self._heartbeat.touch()

    def record_problem(self, problem: str) -> None:
        """Record why the pages cannot be brought up to date; an empty string if they can."""
        self._problem.write_text(problem)

    def close(self) -> None:
        with self._lock:
            if self._connection:
                self._connection.close()
            self._connection = None

    def _touch(self) -> None:
        now = time.time_ns()
        os.utime(self.root, ns=(now, now))

    def _file_for(self, path: str) -> str | None:
        """Return the file for a URL path, or None if the path is not valid as a file name."""
        if not URL_PATH_PATTERN.match(path):
            return None
        return f"{self.root}{path}index.html" if path.endswith("/") else f"{self.root}{path}"

    def _index(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(
                self._folder / "index.sqlite3", check_same_thread=False, isolation_level=None, timeout=1
            )
        return self._connection

    def _execute(self, statement: str, *values: object) -> list[Any]:
        with self._lock:
            return self._index().execute(statement, values).fetchall()


@lru_cache(maxsize=64)
def _parse_headers(text: str) -> Headers:
    """Parse headers from the index. Cached, because most pages have identical headers."""
    return [(name, value) for name, value in json.loads(text)]


@lru_cache(maxsize=256)
def _http_date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def _make_folder(folder: Path) -> None:
    """Create a folder that nginx can read regardless of the umask."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)
