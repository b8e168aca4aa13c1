"""A body in every encoding, and which of them a client wants.

No Zstandard: Brotli's best is smaller for texts of this size, and every browser that knows the one knows the other.
"""

import gzip
import hashlib

import brotli

# Shorter ones grow, or fit into one packet anyway.
SMALLEST = 600
QUICK, BEST = 5, 11
# What an honest client sends is shorter.
MAX_HEADER = 200


def wanted(accepted: str) -> str:
    """``br``, ``gzip`` or nothing for an Accept-Encoding header."""
    offered = accepted_encodings(accepted)
    return "br" if "br" in offered else "gzip" if "gzip" in offered else ""


def accepted_encodings(accepted: str) -> set[str]:
    """The names in an Accept-Encoding header that it does not refuse."""
    if len(accepted) > MAX_HEADER:
        return set()
    return {part.split(";")[0].strip() for part in accepted.lower().split(",") if not _refused(part)}


def _refused(part: str) -> bool:
    """``gzip;q=0`` and ``gzip;q=0.0`` say no."""
    weight = part.replace(" ", "").partition(";q=")[2]
    return weight != "" and weight.strip("0.") == ""


def pack(raw: bytes, encoding: str, quality: int = QUICK) -> bytes:
    """``raw`` as sent. Brotli at its best takes 60 ms for a page, quickly 1 ms and an eighth more bytes.

    Nothing on public pages is secret, so compressing them leaks nothing.
    """
    if encoding == "br":
        return bytes(brotli.compress(raw, quality=quality))
    return gzip.compress(raw, compresslevel=6, mtime=0) if encoding == "gzip" else raw


def unpack(packed: bytes, encoding: str) -> bytes:
    """The other way round."""
    return bytes(brotli.decompress(packed)) if encoding == "br" else packed


def entity_tag(content: bytes) -> str:
    """Strong: another byte, another tag; so each encoding has its own."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'
