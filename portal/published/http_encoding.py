"""HTTP content encodings: negotiation, compression and ETags.

Zstandard is not offered: for pages of this size, Brotli is smaller, and browsers that support Zstandard support Brotli.
"""

import gzip
import hashlib

import brotli

# Shorter bodies would grow, or fit into one packet anyway.
MIN_COMPRESS_BYTES = 600
# Brotli qualities: for a page, 5 takes 1 ms, and 11 takes 60 ms and saves an eighth of the bytes.
FAST_QUALITY, BEST_QUALITY = 5, 11
# Longer than what any browser sends.
MAX_ACCEPT_ENCODING_LENGTH = 200


def negotiate_encoding(accept_encoding: str) -> str:
    """Return ``br``, ``gzip`` or an empty string for an Accept-Encoding header."""
    accepted = parse_accept_encoding(accept_encoding)
    return "br" if "br" in accepted else "gzip" if "gzip" in accepted else ""


def parse_accept_encoding(accept_encoding: str) -> set[str]:
    """Return the encodings that an Accept-Encoding header accepts. Weights are ignored except for ``q=0``."""
    if len(accept_encoding) > MAX_ACCEPT_ENCODING_LENGTH:
        return set()
    return {part.split(";")[0].strip() for part in accept_encoding.lower().split(",") if not _is_refused(part)}


def _is_refused(part: str) -> bool:
    weight = part.replace(" ", "").partition(";q=")[2]
    return weight != "" and weight.strip("0.") == ""


def compress(raw: bytes, encoding: str, quality: int = FAST_QUALITY) -> bytes:
    """Compress a body; ``quality`` applies to Brotli only. An empty ``encoding`` returns ``raw``.

    Public pages contain no secrets, so compressing them is safe (BREACH).
    """
    if encoding == "br":
        return bytes(brotli.compress(raw, quality=quality))
    return gzip.compress(raw, compresslevel=6, mtime=0) if encoding == "gzip" else raw


def decompress(compressed: bytes, encoding: str) -> bytes:
    return bytes(brotli.decompress(compressed)) if encoding == "br" else compressed


def make_etag(content: bytes) -> str:
    """Return a strong ETag: it depends on every byte, so each encoding of a body has a different one."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'
