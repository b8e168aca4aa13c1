"""The published pages on disk: ``public/kyphoplasty/index.html`` with ``.br`` and ``.gz`` next to it, and an index.

Any static web server can serve the folder. The index holds what a file cannot: its other headers, its ETags, and the
content version that the folder as a whole shows. Only the worker process writes; web processes and nginx read.

Files are renamed into place and never synced: after a power failure, a file that does not have the ETag of its index
entry is ignored by ``read`` and written again by the worker.
"""

import contextlib
import fcntl
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
from pathlib import Path

from portal.published.http_encoding import BEST, FAST, MIN_COMPRESS_BYTES, SUFFIXES, compress, make_etag

Headers = list[tuple[str, str]]
FileIdentity = tuple[int, int]
# No dot-segments, escapes, or capital letters (two names could be one on some disks); no name that the compressed
# files or index.html of another address could have.
ADDRESS_PATTERN = re.compile(r"/(?:[a-z0-9_-]{1,200}/){0,8}(?:[a-z0-9_-]{1,200}\.(?:txt|xml|json|svg))?\Z")
# Headers that differ between the encodings of a page.
PER_ENCODING_HEADERS = frozenset({"content-encoding", "content-length", "etag", "date", "last-modified"})
TEMP_PREFIX = ".new-"
# Pages are old if the worker has not confirmed them with the database for this long. Responses then have an Age header.
STALE_AFTER_SECONDS = 5.0
SCHEMA = """
CREATE TABLE IF NOT EXISTS page (path TEXT PRIMARY KEY, headers TEXT NOT NULL, modified_at INTEGER NOT NULL,
    etags TEXT NOT NULL, is_best INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A page in one encoding, as read from disk. ``headers`` has those that do not depend on the encoding."""

    body: bytes
    encoding: str
    etag: str
    headers: Headers
    modified_at: int
    file: str
    identity: FileIdentity
    last_modified: str


class PublishedFiles:
    """The files and the index in a data directory. Methods that write are for the process that holds the lock.

    ``read`` is thread-safe. Writing raises OSError, also for a full disk under the index.
    """

    def __init__(self, data_dir: Path) -> None:
        self.root, self._folder = data_dir / "public", data_dir / "worker"
        self.media_names = self._folder / "public-media.json"
        self._index_file, self._heartbeat_file = self._folder / "index.sqlite3", self._folder / "heartbeat"
        self._index: sqlite3.Connection | None = None
        self._index_lock = threading.Lock()

    # Reading

    def exists(self) -> bool:
        """Return whether this data directory has ever had published pages."""
        return (self.root / "index.html").exists()

    def read(self, path: str, encoding: str) -> PublishedFile | None:
        """Return a page in an encoding, or uncompressed if it is too short for that; None if it is not on disk.

        None also for a file that is damaged or being replaced at this moment.
        """
        target = self._file_for(path)
        if target is None:
            return None
        try:
            row = self._fetch_row(path)
            if row is None:
                return None
            headers, modified_at, etags, _ = row
            encoding = encoding if encoding in etags else ""
            file = f"{target}{SUFFIXES[encoding]}"
            with open(file, "rb", buffering=0) as stream:  # noqa: PTH123 -- faster, and runs on every load
                body, stat = stream.read(), os.fstat(stream.fileno())
        except (OSError, sqlite3.Error):
            return None
        if make_etag(body) != etags[encoding]:
            return None
        last_modified = formatdate(modified_at, usegmt=True)
        return PublishedFile(
            body, encoding, etags[encoding], headers, modified_at, file, _identity(stat), last_modified
        )

    def is_intact(self, path: str) -> bool:
        """Return whether a page is on disk, undamaged in every encoding."""
        try:
            row = self._fetch_row(path)
        except (OSError, sqlite3.Error):
            return False
        return row is not None and all(
            (found := self.read(path, encoding)) is not None and found.encoding == encoding for encoding in row[2]
        )

    @staticmethod
    def is_current(found: PublishedFile) -> bool:
        """Return whether the file that was read is still in place."""
        try:
            return _identity(os.stat(found.file)) == found.identity  # noqa: PTH116 -- faster, and runs on every hit
        except OSError:
            return False

    def generation(self) -> int:
        """Return a number that changes whenever a file does; 0 if there are none."""
        try:
            return os.stat(self.root).st_mtime_ns  # noqa: PTH116
        except OSError:
            return 0

    def age(self) -> float:
        """Return the seconds since the worker last confirmed the pages with the database; many years if never."""
        try:
            confirmed_at = os.stat(self._heartbeat_file).st_mtime  # noqa: PTH116
        except OSError:
            confirmed_at = 0.0
        return max(0.0, time.time() - confirmed_at)

    def paths(self) -> set[str]:
        """Return the addresses of all pages."""
        return {path for (path,) in self._open_index().execute("SELECT path FROM page")}

    def state(self) -> dict[str, str]:
        """Return what ``record_state`` recorded last."""
        return dict(self._open_index().execute("SELECT name, value FROM state").fetchall())

    # Writing

    @contextlib.contextmanager
    def try_lock(self) -> Iterator[bool]:
        """Become the only writer for the length of the block; yields whether this succeeded."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            self._prepare()
            yield True

    def _prepare(self) -> None:
        """Create the folder and the index, and remove what a killed worker left behind."""
        self._make_folder(self.root)
        for temp_file in [*self.root.rglob(f"{TEMP_PREFIX}*"), *self._folder.glob(f"{TEMP_PREFIX}*")]:
            shutil.rmtree(temp_file) if temp_file.is_dir() else temp_file.unlink()
        try:
            self._open_index().executescript(SCHEMA)
        except sqlite3.OperationalError as error:
            raise OSError(str(error)) from error
        except sqlite3.DatabaseError:
            log.warning("The index of the published pages is damaged; rendering all pages again")
            self.close()
            for file in self._folder.glob(f"{self._index_file.name}*"):
                file.unlink()
            self._open_index().executescript(SCHEMA)
            self.clear()

    def write(self, path: str, headers: Iterable[tuple[str, str]], raw: bytes) -> None:
        """Write a page, compressed quickly, unless it is already there unchanged. On an error, the old one remains."""
        target = self._file_for(path)
        if target is None:
            raise ValueError(f"{path} cannot be the name of a file")
        headers = [header for header in headers if header[0].lower() not in PER_ENCODING_HEADERS]
        with self._index_errors_as_os_errors():
            row = self._fetch_row(path)
            if row and row[0] == headers and row[2][""] == make_etag(raw) and self.is_intact(path):
                return
            # Two versions never have the same date, also if they are of the same second.
            modified_at = max(int(time.time()), row[1] + 1) if row else int(time.time())
            self._replace(path, target, headers, modified_at, raw, FAST)

    def compress_next(self) -> bool:
        """Compress one page as well as possible. Return False if there was nothing left to compress."""
        with self._index_errors_as_os_errors():
            row = self._open_index().execute("SELECT path FROM page WHERE NOT is_best LIMIT 1").fetchone()
            if row is None:
                return False
            found, target = self.read(row[0], ""), self._file_for(row[0])
            if found is None or target is None:
                self.delete(row[0])
            else:
                self._replace(row[0], target, found.headers, found.modified_at, found.body, BEST)
            return True

    def _replace(
        self, path: str, target: str, headers: Headers, modified_at: int, raw: bytes, quality: tuple[int, int]
    ) -> None:
        encodings = SUFFIXES if len(raw) >= MIN_COMPRESS_BYTES else {"": ""}
        bodies = {encoding: compress(raw, encoding, quality) for encoding in encodings}
        etags = {encoding: make_etag(body) for encoding, body in bodies.items()}
        is_best = quality == BEST or len(bodies) == 1
        temp_files: dict[str, str] = {}
        try:
            self._make_folder(Path(target).parent)
            for encoding, body in bodies.items():
                temp_files[encoding] = self._write_temp_file(Path(target).parent, body, modified_at)
            # What needs space comes first. Until a file has its new ETag, ``read`` ignores it.
            self._open_index().execute(
                "INSERT OR REPLACE INTO page VALUES (?, ?, ?, ?, ?)",
                (path, json.dumps(headers), modified_at, json.dumps(etags), is_best),
            )
            for encoding, suffix in SUFFIXES.items():
                if encoding in bodies:
                    os.replace(temp_files.pop(encoding), f"{target}{suffix}")  # noqa: PTH105
                else:
                    Path(f"{target}{suffix}").unlink(missing_ok=True)
        finally:
            for temp_file in temp_files.values():
                Path(temp_file).unlink(missing_ok=True)
            self._touch()

    @staticmethod
    def _write_temp_file(folder: Path, body: bytes, modified_at: int) -> str:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=TEMP_PREFIX)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(body)
            os.chmod(name, 0o644)  # noqa: PTH101 -- nginx reads it as another user
            os.utime(name, (modified_at, modified_at))
        except BaseException:
            Path(name).unlink()
            raise
        return name

    def delete(self, path: str) -> None:
        """Delete a page, and folders that are empty then. Needs no space on the disk."""
        target = self._file_for(path)
        if target is None:
            return
        is_there = False
        for suffix in SUFFIXES.values():
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                os.unlink(f"{target}{suffix}")  # noqa: PTH108
                is_there = True
        if is_there:
            folder = Path(target).parent
            with contextlib.suppress(OSError):
                while folder != self.root:
                    folder.rmdir()
                    folder = folder.parent
            self._touch()
        # A row without a file is harmless.
        with contextlib.suppress(sqlite3.Error):
            self._open_index().execute("DELETE FROM page WHERE path = ?", (path,))

    def clear(self) -> None:
        """Delete all pages at once. Needs no space on the disk."""
        discarded = self._folder / f"{TEMP_PREFIX}discarded"
        shutil.rmtree(discarded, ignore_errors=True)
        self.root.rename(discarded)
        with contextlib.suppress(sqlite3.Error):
            self._open_index().execute("DELETE FROM page")
        shutil.rmtree(discarded)
        self._make_folder(self.root)
        self._touch()

    def record_state(self, **values: str) -> None:
        """Record values of the folder as a whole in one transaction."""
        with self._index_errors_as_os_errors(), self._open_index() as index:
            index.execute("BEGIN")
            index.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", values.items())

    def confirm(self) -> None:
        """Record that the database confirmed all pages now. Needs no space on the disk after the first time."""
        self._heartbeat_file.touch()

    def close(self) -> None:
        """Close the index."""
        if self._index is not None:
            self._index.close()
            self._index = None

    def _touch(self) -> None:
        now = time.time_ns()
        os.utime(self.root, ns=(now, now))

    @staticmethod
    def _make_folder(folder: Path) -> None:
        """Create a folder that nginx can read whatever the umask."""
        if not folder.is_dir():
            PublishedFiles._make_folder(folder.parent)
            folder.mkdir()
            folder.chmod(0o755)

    def _file_for(self, path: str) -> str | None:
        """Return the file of an address, or None if the address cannot be a file name."""
        if not ADDRESS_PATTERN.match(path):
            return None
        return f"{self.root}{path}index.html" if path.endswith("/") else f"{self.root}{path}"

    def _fetch_row(self, path: str) -> tuple[Headers, int, dict[str, str], bool] | None:
        with self._index_lock:
            row = (
                self._open_index()
                .execute("SELECT headers, modified_at, etags, is_best FROM page WHERE path = ?", (path,))
                .fetchone()
            )
        if row is None:
            return None
        headers = [(name, value) for name, value in json.loads(row[0])]
        return headers, row[1], json.loads(row[2]), bool(row[3])

    def _open_index(self) -> sqlite3.Connection:
        if self._index is None:
            index = sqlite3.connect(self._index_file, check_same_thread=False, isolation_level=None, timeout=1)
            index.execute("PRAGMA journal_mode = WAL")
            index.execute("PRAGMA synchronous = NORMAL")
            self._index = index
        return self._index

    @staticmethod
    @contextlib.contextmanager
    def _index_errors_as_os_errors() -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise OSError(str(error)) from error


def _identity(stat: os.stat_result) -> FileIdentity:
    # The inode number of a deleted file is used again, but not with the same time of change.
    return stat.st_ino, stat.st_ctime_ns
