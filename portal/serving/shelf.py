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

from portal.serving.snapshots import Base, Snapshot
from portal.serving.whole import DRAFT, write_whole

# With 10,000 pages each is about a megabyte, and a publish writes a dozen of them.
FILES = 64
MAGIC = b"plainspine snapshots 2\n"
HASH = 32  # bytes
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """What one file holds. ``state``: of the public site when it was written; ``confirmed``: seconds since 1970."""

    state: str
    confirmed: float
    snapshots: dict[str, Snapshot]


def number_of(path: str) -> int:
    """Which file an address falls to: always the same one."""
    return zlib.crc32(path.encode()) % FILES


class Shelf:
    """The files in ``folder``; ``program`` names what makes the same page look different: code, templates, settings."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder, self._program = folder, program
        self._seen: dict[int, int] = {}
        self._foreign = 0

    def file(self, number: int) -> Path:
        """One of the files."""
        return self.folder / f"{number:02d}.snapshots"

    def is_there(self) -> bool:
        """Whether this installation has ever stored anything."""
        return any(self.file(number).exists() for number in range(FILES))

    def lock(self) -> IO[str] | None:
        """The right to write here, as long as the stream is open; None when another process has it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stream = (self.folder / "lock").open("w")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            return None
        return stream

    def tidy(self) -> None:
        """Remove what a process that was killed has left half written. Only for who alone writes here."""
        for draft in self.folder.glob(f"{DRAFT}*"):
            draft.unlink(missing_ok=True)

    def load(self) -> list[Stored]:
        """All files that can be used."""
        self._foreign = 0
        found = [self._read(number) for number in range(FILES)]
        if self._foreign:
            log.info("%s files of snapshots are of another version of the program; they are made again", self._foreign)
        return [stored for stored in found if stored]

    def changed(self, wanted: Callable[[str, str], bool] | None = None) -> list[Stored]:
        """Files that another process has written since the last look; of each what is ``wanted``, by path and sha."""
        found = []
        for number in range(FILES):
            with contextlib.suppress(OSError):
                if self.file(number).stat().st_mtime_ns != self._seen.get(number):
                    found.append(self._read(number, wanted))
        return [stored for stored in found if stored]

    def write(self, number: int, stored: Stored) -> None:
        """Replace one file. OSError when the disk refuses: the old file then stays."""
        # All pages of a language share their headers.
        bases: dict[Base, int] = {}
        index, bodies = [], []
        for path, one in sorted(stored.snapshots.items()):
            body, base = one.body, bases.setdefault(one.base, len(bases))
            index.append([path, one.status, base, one.encoding, len(body), one.modified, one.sha, one.finest])
            bodies.append(body)
        about = {"program": self._program, "state": stored.state, "confirmed": stored.confirmed}
        head = json.dumps({**about, "bases": list(bases), "index": index}).encode()
        content = [len(head).to_bytes(8, "big"), head, *bodies]
        digest = hashlib.sha256()
        for chunk in content:
            digest.update(chunk)
        self._replace(self.file(number), [MAGIC, digest.digest(), *content])

    def _replace(self, target: Path, content: list[bytes]) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(target, content)
        directory = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _read(self, number: int, wanted: Callable[[str, str], bool] | None = None) -> Stored | None:
        file = self.file(number)
        try:
            self._seen[number] = file.stat().st_mtime_ns
            content = file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("the snapshots in %s cannot be read: %s", file, error.strerror)
            return None
        start = len(MAGIC) + HASH
        if not content.startswith(MAGIC):
            log.warning("the snapshots in %s are of another version; they are made again", file)
            return None
        if hashlib.sha256(memoryview(content)[start:]).digest() != content[len(MAGIC) : start]:
            log.warning("the snapshots in %s are damaged; they are made again", file)
            return None
        return self._parse(content, start, wanted)

    def _parse(self, content: bytes, start: int, wanted: Callable[[str, str], bool] | None) -> Stored | None:
        """Content whose hash is right, so it is what we wrote."""
        at = start + 8 + int.from_bytes(content[start : start + 8], "big")
        head = json.loads(content[start + 8 : at])
        if head["program"] != self._program:
            self._foreign += 1
            return None
        bases = [tuple((name, value) for name, value in base) for base in head["bases"]]
        snapshots = {}
        for path, status, base, encoding, length, modified, sha, finest in head["index"]:
            if wanted is None or wanted(path, sha):
                body = content[at : at + length]
                snapshots[path] = Snapshot(status, bases[base], encoding, body, modified, sha, finest=finest)
            at += length
        return Stored(head["state"], head["confirmed"], snapshots)
