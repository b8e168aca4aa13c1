"""In-memory store of the published responses of one process, by path. builder.py fills it, wsgi.py serves from it."""

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
# Headers that differ between the encodings of a response.
PER_ENCODING_HEADERS = frozenset({"content-encoding", "content-length", "etag", "date", "last-modified"})
# Headers about the body, which a 304 omits.
BODY_HEADERS = frozenset({"content-type", "content-length", "content-encoding"})
# Approximate memory of an entry besides its bodies: headers, ETags, path.
ENTRY_OVERHEAD_BYTES = 1_500


@lru_cache(maxsize=64)
def _intern_headers(base: BaseHeaders) -> BaseHeaders:
    """Return the shared copy of equal headers. All pages of a language have the same ones."""
    return base


@dataclass(slots=True)
class EncodedBody:
    """A response in one encoding, ready to send."""

    headers: Headers
    etag: str
    body: bytes
    # For a 304 instead of ``headers``.
    not_modified_headers: Headers


class CachedResponse:
    """A stored response. It keeps one body, compressed with Brotli unless it is short; others are made on demand."""

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
        """``body`` is compressed, ``modified_at`` in seconds since the epoch, ``sha`` of the uncompressed response."""
        self.status, self.base_headers, self.encoding, self.sha, self.max_compressed = (
            status,
            _intern_headers(base_headers),
            encoding,
            sha,
            max_compressed,
        )
        # In ticks of ResponseStore.clock.
        self.created = self.last_used = 0
        self.set_modified(modified_at, body)

    @classmethod
    def from_response(cls, status: str, headers: Headers, raw: bytes) -> "CachedResponse":
        """Create an entry from the headers and the uncompressed body of Django's response."""
        base = tuple((name, value) for name, value in headers if name.lower() not in PER_ENCODING_HEADERS)
        encoding = "br" if len(raw) >= MIN_COMPRESS_BYTES else ""
        sha = hashlib.sha256(repr((status, base)).encode() + raw).hexdigest()
        return cls(status, base, encoding, compress(raw, encoding), int(time.time()), sha, max_compressed=not encoding)

    def set_modified(self, modified_at: int, body: bytes) -> None:
        """Set the modification time, and rebuild the headers that contain it. Other encodings are dropped."""
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
        """The modification time as an HTTP date."""
        return formatdate(self.modified_at, usegmt=True)

    @property
    def body(self) -> bytes:
        """The stored, compressed body."""
        return self.encoded_bodies[self.encoding].body

    @property
    def raw(self) -> bytes:
        """The uncompressed body."""
        return decompress(self.body, self.encoding)

    def size(self) -> int:
        """Return the approximate memory in bytes."""
        return ENTRY_OVERHEAD_BYTES + sum(len(encoded.body) for encoded in list(self.encoded_bodies.values()))

    def encode_as(self, encoding: str) -> EncodedBody:
        """Encode the body in another encoding. A short body stays uncompressed."""
        return (
            self.encoded_bodies[""]
            if self.encoding == ""
            else self._build_encoded_body(encoding, compress(self.raw, encoding))
        )

    def recompressed(self, compress: Callable[[bytes, str, int], bytes] = compress) -> "CachedResponse":
        """Return the same response compressed with the best quality, which is slow."""
        body = min(self.body, compress(self.raw, self.encoding, BEST_QUALITY), key=len)
        return CachedResponse(
            self.status, self.base_headers, self.encoding, body, self.modified_at, self.sha, max_compressed=True
        )


class ResponseStore:
    """The responses of one process, at most ``max_bytes`` of them. Evicts the least recently used. Thread-safe.

    ``version`` counts content changes: a response whose rendering began before a change is not stored after it.
    """

    def __init__(self, max_bytes: int = 64_000_000) -> None:
        self.max_bytes, self.size = max_bytes, 0
        self.entries: dict[str, CachedResponse] = {}
        self.version = 0
        # Number of database polls, several a second; the unit of CachedResponse.last_used and created.
        self.clock = 1
        # Paths added, recompressed or removed since the last drain_dirty(); their shards must be written.
        self._dirty: set[str] = set()
        # Paths that are not compressed with the best quality yet, in insertion order.
        self._needs_recompression: dict[str, None] = {}
        self._lock = threading.Lock()

    def put(self, path: str, response: CachedResponse, version: int) -> bool:
        """Store a response whose rendering began in ``version``. Return False if the content has changed since then.

        An outdated response could contain withdrawn content.
        """
        with self._lock:
            if version != self.version or version == 0:
                return False
            before = self.entries.get(path)
            if before is not None:
                if before.sha == response.sha:
                    return True
                self.size -= before.size()
                if before.modified_at == response.modified_at:
                    # Different responses of the same second must not have the same Last-Modified date.
                    response.set_modified(before.modified_at + 1, response.body)
            response.last_used = response.created = self.clock
            self._dirty.add(path)
            self._insert(path, response)
            if self.size > self.max_bytes:
                self._evict_lru()
            return True

    def replace_recompressed(self, path: str, recompressed: CachedResponse) -> None:
        """Replace an entry with the same response in fewer bytes."""
        with self._lock:
            before = self.entries.get(path)
            if before is not None and before.sha == recompressed.sha and not before.max_compressed:
                recompressed.last_used = before.last_used
                self._dirty.add(path)
                self.size -= before.size()
                self._insert(path, recompressed)

    def add_encoding(self, response: CachedResponse, encoding: str) -> EncodedBody:
        """Encode a response, and keep the result if there is enough space."""
        encoded = response.encode_as(encoding)
        with self._lock:
            if self.size + len(encoded.body) <= self.max_bytes and encoding not in response.encoded_bodies:
                response.encoded_bodies[encoding] = encoded
                self.size += len(encoded.body)
        return encoded

    def evict(self, path: str) -> None:
        """Remove a path, if it is stored."""
        with self._lock:
            if path in self.entries:
                self._remove(path)

    def needs_recompression(self) -> list[tuple[str, CachedResponse]]:
        """Return the paths and responses that are not compressed with the best quality yet."""
        with self._lock:
            return [(path, self.entries[path]) for path in self._needs_recompression]

    def drain_dirty(self) -> set[str]:
        """Return the paths changed since the last call. Call ``requeue_dirty`` if they could not be written."""
        with self._lock:
            paths, self._dirty = self._dirty, set()
        return paths

    def requeue_dirty(self, paths: set[str]) -> None:
        """Mark paths as changed."""
        with self._lock:
            self._dirty |= paths

    def increment_version(self) -> None:
        """Record a content change: responses whose rendering has begun can no longer be stored."""
        with self._lock:
            self.version += 1

    def load(self, entries: dict[str, CachedResponse]) -> None:
        """Add entries read from disk, as many as fit. Call at startup only."""
        with self._lock:
            for path, response in entries.items():
                if self.size + response.size() > self.max_bytes:
                    return
                self._insert(path, response)

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
        """Evict down to nine tenths of the limit: first additional encodings, then responses; least recent first."""
        target_size = self.max_bytes * 9 // 10
        least_recent = sorted(self.entries.items(), key=lambda item: item[1].last_used)
        for _, response in least_recent:
            for encoding in [name for name in response.encoded_bodies if name != response.encoding]:
                self.size -= len(response.encoded_bodies.pop(encoding).body)
            if self.size <= target_size:
                return
        for path, _ in least_recent:
            self._remove(path)
            if self.size <= target_size:
                return
