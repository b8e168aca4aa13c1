"""Snapshots on disk, so that a start is warm and pages outlive the database.

A few files, each holding the addresses that fall to it: a publish writes some of them, not all. Each is written beside,
synced and renamed, begins with a hash of the rest, and names the program that it was made by. What is torn, damaged or
made by another version is ignored with a line in the log: it can all be made again.
"""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from portal.published.store import BaseHeaders, CachedResponse
from portal.storage.atomic_file import TEMP_PREFIX, atomic_write

# With 10,000 pages each is about a megabyte, and a publish writes a dozen of them.
SHARD_COUNT = 64
MAGIC = b"plainspine snapshots 2\n"
HASH_BYTES = 32  # bytes
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredShard:
    """What one file holds. ``state``: of the public site when it was written; ``confirmed``: seconds since 1970."""

    content_version: str
    last_validated: float
    entries: dict[str, CachedResponse]


def shard_for(path: str) -> int:
    """Which file an address falls to: always the same one."""
    return zlib.crc32(path.encode()) % SHARD_COUNT


class ResponseFiles:
    """The files in ``folder``; ``program`` names what makes the same page look different: code, templates, settings."""

    def __init__(self, folder: Path, build_fingerprint: str) -> None:
        self.folder, self._build_fingerprint = folder, build_fingerprint
        self._mtimes: dict[int, int] = {}
        self._incompatible_count = 0

    def shard_path(self, shard: int) -> Path:
        """One of the files."""
        return self.folder / f"{shard:02d}.snapshots"

    def exists(self) -> bool:
        """Whether this installation has ever stored anything."""
        return any(self.shard_path(number).exists() for number in range(SHARD_COUNT))

    def acquire_lock(self) -> IO[str] | None:
        """The right to write here, as long as the stream is open; None when another process has it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stream = (self.folder / "lock").open("w")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            return None
        return stream

    def remove_temp_files(self) -> None:
        """Remove what a process that was killed has left half written. Only for who alone writes here."""
        for draft in self.folder.glob(f"{TEMP_PREFIX}*"):
            draft.unlink(missing_ok=True)

    def load(self) -> list[StoredShard]:
        """All files that can be used."""
        self._incompatible_count = 0
        found = [self._read_shard(number) for number in range(SHARD_COUNT)]
        if self._incompatible_count:
            log.info(
                "%s files of snapshots are of another version of the program; they are made again",
                self._incompatible_count,
            )
        return [stored for stored in found if stored]

    def read_changed(self, is_wanted: Callable[[str, str], bool] | None = None) -> list[StoredShard]:
        """Files that another process has written since the last look; of each what is ``wanted``, by path and sha."""
        found = []
        for number in range(SHARD_COUNT):
            with contextlib.suppress(OSError):
                if self.shard_path(number).stat().st_mtime_ns != self._mtimes.get(number):
                    found.append(self._read_shard(number, is_wanted))
        return [stored for stored in found if stored]

    def write(self, shard: int, stored: StoredShard) -> None:
        """Replace one file. OSError when the disk refuses: the old file then stays."""
        # All pages of a language share their headers.
        bases: dict[BaseHeaders, int] = {}
        index, bodies = [], []
        for path, one in sorted(stored.entries.items()):
            body, base = one.body, bases.setdefault(one.base_headers, len(bases))
            index.append(
                [path, one.status, base, one.encoding, len(body), one.modified_at, one.sha, one.max_compressed]
            )
            bodies.append(body)
        about = {
            "program": self._build_fingerprint,
            "state": stored.content_version,
            "confirmed": stored.last_validated,
        }
        head = json.dumps({**about, "bases": list(bases), "index": index}).encode()
        content = [len(head).to_bytes(8, "big"), head, *bodies]
        digest = hashlib.sha256()
        for chunk in content:
            digest.update(chunk)
        self._replace_file(self.shard_path(shard), [MAGIC, digest.digest(), *content])

    def _replace_file(self, target: Path, content: list[bytes]) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic_write(target, content)
        directory = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _read_shard(self, shard: int, is_wanted: Callable[[str, str], bool] | None = None) -> StoredShard | None:
        file = self.shard_path(shard)
        try:
            self._mtimes[shard] = file.stat().st_mtime_ns
            content = file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("the snapshots in %s cannot be read: %s", file, error.strerror)
            return None
        start = len(MAGIC) + HASH_BYTES
        if not content.startswith(MAGIC):
            log.warning("the snapshots in %s are of another version; they are made again", file)
            return None
        if hashlib.sha256(memoryview(content)[start:]).digest() != content[len(MAGIC) : start]:
            log.warning("the snapshots in %s are damaged; they are made again", file)
            return None
        return self._parse(content, start, is_wanted)

    def _parse(self, content: bytes, start: int, is_wanted: Callable[[str, str], bool] | None) -> StoredShard | None:
        """Content whose hash is right, so it is what we wrote."""
        at = start + 8 + int.from_bytes(content[start : start + 8], "big")
        head = json.loads(content[start + 8 : at])
        if head["program"] != self._build_fingerprint:
            self._incompatible_count += 1
            return None
        bases = [tuple((name, value) for name, value in base) for base in head["bases"]]
        snapshots = {}
        for path, status, base, encoding, length, modified, sha, finest in head["index"]:
            if is_wanted is None or is_wanted(path, sha):
                body = content[at : at + length]
                snapshots[path] = CachedResponse(
                    status, bases[base], encoding, body, modified, sha, max_compressed=finest
                )
            at += length
        return StoredShard(head["state"], head["confirmed"], snapshots)
