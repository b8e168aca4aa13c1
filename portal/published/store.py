"""Finished public answers of one process, by address. How they come in and go out: application.py, keeper.py."""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache

from portal.published.http_encoding import BEST_QUALITY, MIN_COMPRESS_BYTES, compress, decompress, make_etag

Headers = list[tuple[str, str]]
BaseHeaders = tuple[tuple[str, str], ...]
# These belong to one way of sending the body, not to the answer.
PER_ENCODING_HEADERS = frozenset({"content-encoding", "content-length", "etag", "date", "last-modified"})
# What a 304 leaves out: it has no body.
BODY_HEADERS = frozenset({"content-type", "content-length", "content-encoding"})
# Bytes that an entry costs besides its bodies: headers, tags, the address.
ENTRY_OVERHEAD_BYTES = 1_500


@lru_cache(maxsize=64)
def _intern_headers(base: BaseHeaders) -> BaseHeaders:
    """All pages of a language have the same headers: kept once, not ten thousand times."""
    return base


@dataclass(slots=True)
class EncodedBody:
    """A snapshot in one encoding, ready to go out."""

    headers: Headers
    etag: str
    body: bytes
    # Instead of ``headers`` for who has the body.
    not_modified_headers: Headers


class CachedResponse:
    """One answer. Kept as one body, Brotli where that is shorter; other encodings are made of it when asked for."""

    __slots__ = (
        "base_headers",
        "created",
        "encoded_bodies",
        "encoding",
        "last_used",
        "max_compressed",
        "modified_at",
        "sha",
        "status",
    )

    def __init__(
        self,
        status: str,
        base_headers: BaseHeaders,
        encoding: str,
        body: bytes,
        modified_at: int,
        sha: str,
        *,
        max_compressed: bool,
    ) -> None:
        """``body`` is packed, ``modified`` in seconds since 1970; ``sha`` is that of the answer, however packed."""
        self.status, self.base_headers, self.encoding, self.sha, self.max_compressed = (
            status,
            _intern_headers(base_headers),
            encoding,
            sha,
            max_compressed,
        )
        # Looks at the database (``Snapshots.tick``): at which it was kept, and at which it was given out last.
        self.created = self.last_used = 0
        self.set_modified(modified_at, body)

    @classmethod
    def from_response(cls, status: str, headers: Headers, raw: bytes) -> "CachedResponse":
        """What Django has just answered."""
        base = tuple((name, value) for name, value in headers if name.lower() not in PER_ENCODING_HEADERS)
        encoding = "br" if len(raw) >= MIN_COMPRESS_BYTES else ""
        sha = hashlib.sha256(repr((status, base)).encode() + raw).hexdigest()
        return cls(status, base, encoding, compress(raw, encoding), int(time.time()), sha, max_compressed=not encoding)

    def set_modified(self, modified_at: int, body: bytes) -> None:
        """Set the time of the last change, which stands in the headers."""
        self.modified_at = modified_at
        self.encoded_bodies = {self.encoding: self._build_encoded_body(self.encoding, body)}

    def _build_encoded_body(self, encoding: str, body: bytes) -> EncodedBody:
        headers, etag = [*self.base_headers, ("Content-Length", str(len(body)))], ""
        if encoding:
            headers.append(("Content-Encoding", encoding))
        if self.status.startswith("200"):
            etag = make_etag(body)
            headers += [("ETag", etag), ("Last-Modified", self.last_modified)]
        return EncodedBody(headers, etag, body, [pair for pair in headers if pair[0].lower() not in BODY_HEADERS])

    @property
    def last_modified(self) -> str:
        """As an HTTP date."""
        return formatdate(self.modified_at, usegmt=True)

    @property
    def body(self) -> bytes:
        """The body that is kept."""
        return self.encoded_bodies[self.encoding].body

    @property
    def raw(self) -> bytes:
        """The body unpacked."""
        return decompress(self.body, self.encoding)

    def size(self) -> int:
        """Bytes of memory, about."""
        return ENTRY_OVERHEAD_BYTES + sum(len(sent.body) for sent in list(self.encoded_bodies.values()))

    def encode_as(self, encoding: str) -> EncodedBody:
        """In an encoding that is not there yet. A short body goes out as it is."""
        return (
            self.encoded_bodies[""]
            if self.encoding == ""
            else self._build_encoded_body(encoding, compress(self.raw, encoding))
        )

    def recompressed(self, compress: Callable[[bytes, str, int], bytes] = compress) -> "CachedResponse":
        """The same answer in as few bytes as we can; ``pack`` takes its time."""
        body = min(self.body, compress(self.raw, self.encoding, BEST_QUALITY), key=len)
        return CachedResponse(
            self.status, self.base_headers, self.encoding, body, self.modified_at, self.sha, max_compressed=True
        )


class ResponseStore:
    """The snapshots of one process, within ``most`` bytes; what was not asked for longest makes room.

    ``generation`` counts what the public reads: an answer begun before a change is not kept after it.
    """

    def __init__(self, max_bytes: int = 64_000_000) -> None:
        self.max_bytes, self.size = max_bytes, 0
        self.entries: dict[str, CachedResponse] = {}
        self.version = 0
        # Counts the looks at the database, some a second: the clock of "asked for last".
        self.clock = 1
        # What was put, refined or forgotten since somebody took the list (shelf.py has to write it).
        self._dirty: set[str] = set()
        # What can be packed finer, in the order in which it came.
        self._needs_recompression: dict[str, None] = {}
        self._lock = threading.Lock()

    def put(self, path: str, response: CachedResponse, version: int) -> bool:
        """Keep an answer that was begun in ``generation``; an older one might show what was withdrawn since."""
        with self._lock:
            if version != self.version or version == 0:
                return False
            before = self.entries.get(path)
            if before is not None:
                if before.sha == response.sha:
                    return True
                self.size -= before.size()
                if before.modified_at == response.modified_at:
                    # Two answers of one second must not share their date.
                    response.set_modified(before.modified_at + 1, response.body)
            response.last_used = response.created = self.clock
            self._dirty.add(path)
            self._insert(path, response)
            if self.size > self.max_bytes:
                self._evict_lru()
            return True

    def replace_recompressed(self, path: str, recompressed: CachedResponse) -> None:
        """Put the same answer in its place in fewer bytes."""
        with self._lock:
            before = self.entries.get(path)
            if before is not None and before.sha == recompressed.sha and not before.max_compressed:
                recompressed.last_used = before.last_used
                self._dirty.add(path)
                self.size -= before.size()
                self._insert(path, recompressed)

    def add_encoding(self, response: CachedResponse, encoding: str) -> EncodedBody:
        """Make another encoding, and keep it where there is room to spare."""
        sent = response.encode_as(encoding)
        with self._lock:
            if self.size + len(sent.body) <= self.max_bytes and encoding not in response.encoded_bodies:
                response.encoded_bodies[encoding] = sent
                self.size += len(sent.body)
        return sent

    def evict(self, path: str) -> None:
        """What is no longer there."""
        with self._lock:
            if path in self.entries:
                self._remove(path)

    def needs_recompression(self) -> list[tuple[str, CachedResponse]]:
        """What can be packed finer, with its address."""
        with self._lock:
            return [(path, self.entries[path]) for path in self._needs_recompression]

    def drain_dirty(self) -> set[str]:
        """Addresses whose answer has changed since the last call. ``give_back`` them if they could not be used."""
        with self._lock:
            taken, self._dirty = self._dirty, set()
        return taken

    def requeue_dirty(self, paths: set[str]) -> None:
        """They are to be taken again."""
        with self._lock:
            self._dirty |= paths

    def increment_version(self) -> None:
        """What the public reads has changed."""
        with self._lock:
            self.version += 1

    def load(self, entries: dict[str, CachedResponse]) -> None:
        """Take what was stored, before anything else is there."""
        with self._lock:
            for path, snapshot in entries.items():
                if self.size + snapshot.size() > self.max_bytes:
                    return
                self._insert(path, snapshot)

    def _insert(self, path: str, response: CachedResponse) -> None:
        self.entries[path] = response
        self.size += response.size()
        self._needs_recompression.pop(path, None)
        if not response.max_compressed:
            self._needs_recompression[path] = None

    def _remove(self, path: str) -> None:
        self.size -= self.entries.pop(path).size()
        self._needs_recompression.pop(path, None)
        self._dirty.add(path)

    def _evict_lru(self) -> None:
        """Down to nine tenths: first encodings that can be made again, then answers, oldest first."""
        enough = self.max_bytes * 9 // 10
        oldest = sorted(self.entries.items(), key=lambda item: item[1].last_used)
        for _, snapshot in oldest:
            for encoding in [name for name in snapshot.encoded_bodies if name != snapshot.encoding]:
                self.size -= len(snapshot.encoded_bodies.pop(encoding).body)
            if self.size <= enough:
                return
        for path, _ in oldest:
            self._remove(path)
            if self.size <= enough:
                return
