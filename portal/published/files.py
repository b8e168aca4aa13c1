"""Storage of the published pages on disk, so that a restart is warm and pages survive a database failure.

The pages are sharded over a few files by path, so that a publication rewrites only some of them. Each file is written
atomically, starts with a hash of its content, and contains the fingerprint of the code that rendered it. A file that is
damaged or from another version is logged and ignored, because everything can be rendered again.
"""

import contextlib
import fcntl
import hashlib
import json
import logging
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from portal.published.store import BaseHeaders, CachedResponse
from portal.storage.atomic_file import TEMP_PREFIX, atomic_write, fsync_directory

# With 10,000 pages, a shard is about 1 MB, and a publication writes a dozen of them.
SHARD_COUNT = 64
MAGIC = b"plainspine snapshots 2\n"
HASH_BYTES = 32  # SHA-256
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredShard:
    """The content of one file. ``last_validated`` is in seconds since the epoch."""

    content_version: str
    last_validated: float
    entries: dict[str, CachedResponse]


def shard_for(path: str) -> int:
    """Return the number of the shard that stores a path."""
    return zlib.crc32(path.encode()) % SHARD_COUNT


class ResponseFiles:
    """The shards in ``folder``. ``build_fingerprint`` identifies the code, templates and settings that render pages."""

    def __init__(self, folder: Path, build_fingerprint: str) -> None:
        self.folder, self._build_fingerprint = folder, build_fingerprint
        self._mtimes: dict[int, int] = {}
        self._incompatible_count = 0

    def shard_path(self, shard: int) -> Path:
        return self.folder / f"{shard:02d}.snapshots"

    def exists(self) -> bool:
        """Return whether this installation has ever stored pages."""
        return any(self.shard_path(shard).exists() for shard in range(SHARD_COUNT))

    def acquire_lock(self) -> IO[str] | None:
        """Acquire the write lock, held while the returned stream is open. Return None if another process has it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stream = (self.folder / "lock").open("w")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            return None
        return stream

    def remove_temp_files(self) -> None:
        """Delete temporary files that a killed process left behind. The caller must hold the lock."""
        for temp_file in self.folder.glob(f"{TEMP_PREFIX}*"):
            temp_file.unlink(missing_ok=True)

    def load(self) -> list[StoredShard]:
        """Return all shards that are valid and from this version."""
        self._incompatible_count = 0
        shards = [self._read_shard(shard) for shard in range(SHARD_COUNT)]
        if self._incompatible_count:
            log.info("Ignoring %s files of published pages from another version", self._incompatible_count)
        return [stored for stored in shards if stored]

    def read_changed(self, is_wanted: Callable[[str, str], bool] | None = None) -> list[StoredShard]:
        """Return the shards that another process wrote since the last read.

        ``is_wanted(path, sha)`` selects the entries to load.
        """
        shards = []
        for shard in range(SHARD_COUNT):
            with contextlib.suppress(OSError):
                if self.shard_path(shard).stat().st_mtime_ns != self._mtimes.get(shard):
                    shards.append(self._read_shard(shard, is_wanted))
        return [stored for stored in shards if stored]

    def write(self, shard: int, stored: StoredShard) -> None:
        """Replace a shard. On an OSError, the old file is unchanged."""
        # All pages of a language have the same headers: each set is stored once.
        bases: dict[BaseHeaders, int] = {}
        index, bodies = [], []
        for path, response in sorted(stored.entries.items()):
            body, base = response.body, bases.setdefault(response.base_headers, len(bases))
            index.append(
                [
                    path,
                    response.status,
                    base,
                    response.encoding,
                    len(body),
                    response.modified_at,
                    response.sha,
                    response.max_compressed,
                ]
            )
            bodies.append(body)
        # These keys are part of the file format.
        metadata = {
            "program": self._build_fingerprint,
            "state": stored.content_version,
            "confirmed": stored.last_validated,
        }
        head = json.dumps({**metadata, "bases": list(bases), "index": index}).encode()
        content = [len(head).to_bytes(8, "big"), head, *bodies]
        digest = hashlib.sha256()
        for chunk in content:
            digest.update(chunk)
        self._replace_file(self.shard_path(shard), [MAGIC, digest.digest(), *content])

    def _replace_file(self, target: Path, content: list[bytes]) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic_write(target, content)
        fsync_directory(self.folder)

    def _read_shard(self, shard: int, is_wanted: Callable[[str, str], bool] | None = None) -> StoredShard | None:
        file = self.shard_path(shard)
        try:
            self._mtimes[shard] = file.stat().st_mtime_ns
            content = file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("Could not read published pages from %s: %s", file, error.strerror)
            return None
        start = len(MAGIC) + HASH_BYTES
        if not content.startswith(MAGIC):
            log.warning("Ignoring published pages in %s: they have another format", file)
            return None
        if hashlib.sha256(memoryview(content)[start:]).digest() != content[len(MAGIC) : start]:
            log.warning("Ignoring published pages in %s: the file is damaged", file)
            return None
        return self._parse(content, start, is_wanted)

    def _parse(self, content: bytes, start: int, is_wanted: Callable[[str, str], bool] | None) -> StoredShard | None:
        """Parse content whose hash has been verified. Return None if another version of the code rendered it."""
        position = start + 8 + int.from_bytes(content[start : start + 8], "big")
        head = json.loads(content[start + 8 : position])
        if head["program"] != self._build_fingerprint:
            self._incompatible_count += 1
            return None
        bases = [tuple((name, value) for name, value in base) for base in head["bases"]]
        entries = {}
        for path, status, base, encoding, length, modified_at, sha, max_compressed in head["index"]:
            if is_wanted is None or is_wanted(path, sha):
                body = content[position : position + length]
                entries[path] = CachedResponse(
                    status, bases[base], encoding, body, modified_at, sha, max_compressed=max_compressed
                )
            position += length
        return StoredShard(head["state"], head["confirmed"], entries)
