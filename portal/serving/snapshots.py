"""Finished public answers of one process, by address. How they come in and go out: application.py, keeper.py."""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache

from portal.serving.bodies import BEST, SMALLEST, entity_tag, pack, unpack

Headers = list[tuple[str, str]]
Base = tuple[tuple[str, str], ...]
# These belong to one way of sending the body, not to the answer.
PER_SENDING = frozenset({"content-encoding", "content-length", "etag", "date", "last-modified"})
# What a 304 leaves out: it has no body.
OF_BODY = frozenset({"content-type", "content-length", "content-encoding"})
# Bytes that an entry costs besides its bodies: headers, tags, the address.
OVERHEAD = 1_500


@lru_cache(maxsize=64)
def _shared(base: Base) -> Base:
    """All pages of a language have the same headers: kept once, not ten thousand times."""
    return base


@dataclass(slots=True)
class Sent:
    """A snapshot in one encoding, ready to go out."""

    headers: Headers
    etag: str
    body: bytes
    # Instead of ``headers`` for who has the body.
    unchanged: Headers


class Snapshot:
    """One answer. Kept as one body, Brotli where that is shorter; other encodings are made of it when asked for."""

    __slots__ = ("base", "born", "encoding", "finest", "modified", "sent", "sha", "status", "used")

    def __init__(
        self, status: str, base: Base, encoding: str, body: bytes, modified: int, sha: str, *, finest: bool
    ) -> None:
        """``body`` is packed, ``modified`` in seconds since 1970; ``sha`` is that of the answer, however packed."""
        self.status, self.base, self.encoding, self.sha, self.finest = status, _shared(base), encoding, sha, finest
        # Looks at the database (``Snapshots.tick``): at which it was kept, and at which it was given out last.
        self.born = self.used = 0
        self.date(modified, body)

    @classmethod
    def of(cls, status: str, headers: Headers, raw: bytes) -> "Snapshot":
        """What Django has just answered."""
        base = tuple((name, value) for name, value in headers if name.lower() not in PER_SENDING)
        encoding = "br" if len(raw) >= SMALLEST else ""
        sha = hashlib.sha256(repr((status, base)).encode() + raw).hexdigest()
        return cls(status, base, encoding, pack(raw, encoding), int(time.time()), sha, finest=not encoding)

    def date(self, modified: int, body: bytes) -> None:
        """Set the time of the last change, which stands in the headers."""
        self.modified = modified
        self.sent = {self.encoding: self._ready(self.encoding, body)}

    def _ready(self, encoding: str, body: bytes) -> Sent:
        headers, etag = [*self.base, ("Content-Length", str(len(body)))], ""
        if encoding:
            headers.append(("Content-Encoding", encoding))
        if self.status.startswith("200"):
            etag = entity_tag(body)
            headers += [("ETag", etag), ("Last-Modified", self.last_modified)]
        return Sent(headers, etag, body, [pair for pair in headers if pair[0].lower() not in OF_BODY])

    @property
    def last_modified(self) -> str:
        """As an HTTP date."""
        return formatdate(self.modified, usegmt=True)

    @property
    def body(self) -> bytes:
        """The body that is kept."""
        return self.sent[self.encoding].body

    @property
    def raw(self) -> bytes:
        """The body unpacked."""
        return unpack(self.body, self.encoding)

    def size(self) -> int:
        """Bytes of memory, about."""
        return OVERHEAD + sum(len(sent.body) for sent in list(self.sent.values()))

    def made_for(self, encoding: str) -> Sent:
        """In an encoding that is not there yet. A short body goes out as it is."""
        return self.sent[""] if self.encoding == "" else self._ready(encoding, pack(self.raw, encoding))

    def refined(self, pack: Callable[[bytes, str, int], bytes] = pack) -> "Snapshot":
        """The same answer in as few bytes as we can; ``pack`` takes its time."""
        body = min(self.body, pack(self.raw, self.encoding, BEST), key=len)
        return Snapshot(self.status, self.base, self.encoding, body, self.modified, self.sha, finest=True)


class Snapshots:
    """The snapshots of one process, within ``most`` bytes; what was not asked for longest makes room.

    ``generation`` counts what the public reads: an answer begun before a change is not kept after it.
    """

    def __init__(self, most: int = 64_000_000) -> None:
        self.most, self.size = most, 0
        self.kept: dict[str, Snapshot] = {}
        self.generation = 0
        # Counts the looks at the database, some a second: the clock of "asked for last".
        self.tick = 1
        # What was put, refined or forgotten since somebody took the list (shelf.py has to write it).
        self._changed: set[str] = set()
        # What can be packed finer, in the order in which it came.
        self._coarse: dict[str, None] = {}
        self._lock = threading.Lock()

    def put(self, path: str, snapshot: Snapshot, generation: int) -> bool:
        """Keep an answer that was begun in ``generation``; an older one might show what was withdrawn since."""
        with self._lock:
            if generation != self.generation or generation == 0:
                return False
            before = self.kept.get(path)
            if before is not None:
                if before.sha == snapshot.sha:
                    return True
                self.size -= before.size()
                if before.modified == snapshot.modified:
                    # Two answers of one second must not share their date.
                    snapshot.date(before.modified + 1, snapshot.body)
            snapshot.used = snapshot.born = self.tick
            self._changed.add(path)
            self._keep(path, snapshot)
            if self.size > self.most:
                self._make_room()
            return True

    def refine(self, path: str, finer: Snapshot) -> None:
        """Put the same answer in its place in fewer bytes."""
        with self._lock:
            before = self.kept.get(path)
            if before is not None and before.sha == finer.sha and not before.finest:
                finer.used = before.used
                self._changed.add(path)
                self.size -= before.size()
                self._keep(path, finer)

    def add(self, snapshot: Snapshot, encoding: str) -> Sent:
        """Make another encoding, and keep it where there is room to spare."""
        sent = snapshot.made_for(encoding)
        with self._lock:
            if self.size + len(sent.body) <= self.most and encoding not in snapshot.sent:
                snapshot.sent[encoding] = sent
                self.size += len(sent.body)
        return sent

    def forget(self, path: str) -> None:
        """What is no longer there."""
        with self._lock:
            if path in self.kept:
                self._drop(path)

    def coarse(self) -> list[tuple[str, Snapshot]]:
        """What can be packed finer, with its address."""
        with self._lock:
            return [(path, self.kept[path]) for path in self._coarse]

    def take_changed(self) -> set[str]:
        """Addresses whose answer has changed since the last call. ``give_back`` them if they could not be used."""
        with self._lock:
            taken, self._changed = self._changed, set()
        return taken

    def give_back(self, changed: set[str]) -> None:
        """They are to be taken again."""
        with self._lock:
            self._changed |= changed

    def next_generation(self) -> None:
        """What the public reads has changed."""
        with self._lock:
            self.generation += 1

    def load(self, found: dict[str, Snapshot]) -> None:
        """Take what was stored, before anything else is there."""
        with self._lock:
            for path, snapshot in found.items():
                if self.size + snapshot.size() > self.most:
                    return
                self._keep(path, snapshot)

    def _keep(self, path: str, snapshot: Snapshot) -> None:
        self.kept[path] = snapshot
        self.size += snapshot.size()
        self._coarse.pop(path, None)
        if not snapshot.finest:
            self._coarse[path] = None

    def _drop(self, path: str) -> None:
        self.size -= self.kept.pop(path).size()
        self._coarse.pop(path, None)
        self._changed.add(path)

    def _make_room(self) -> None:
        """Down to nine tenths: first encodings that can be made again, then answers, oldest first."""
        enough = self.most * 9 // 10
        oldest = sorted(self.kept.items(), key=lambda item: item[1].used)
        for _, snapshot in oldest:
            for encoding in [name for name in snapshot.sent if name != snapshot.encoding]:
                self.size -= len(snapshot.sent.pop(encoding).body)
            if self.size <= enough:
                return
        for path, _ in oldest:
            self._drop(path)
            if self.size <= enough:
                return
