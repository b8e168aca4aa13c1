"""Read the structure of a compressed picture before it is decoded, and strip the parts that a decoder does not need.

The work of a decoder can be out of proportion to the file and to the picture: a JPEG repeats all its blocks for each
scan, a PNG inflates each text chunk, and Python's readers step through every marker. So scans, segments and chunks are
counted here, and a decoder only gets the parts that pixels and colors need.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from django.utils.translation import gettext as _


class BadPictureError(ValueError):
    """The file is refused. The message is shown to the person who uploaded it."""


# An ordinary progressive JPEG has 10 scans or fewer, an optimized one up to about 20. Each costs as much as the whole
# picture, so libjpeg-turbo advises programs to set a limit ("Two Issues with the JPEG Standard"); its fuzzers use 500.
MAX_SCANS = 64
# All scans together: as much as 20 scans of the largest picture that is accepted, one or two seconds of work.
MAX_SCANNED_PIXELS = 800_000_000
# Long color profiles take 255 segments; long PNG files have a chunk for every 8 kB.
MAX_SEGMENTS, MAX_CHUNKS = 1000, 20_000
MAX_PROFILE_BYTES = 4 * 1024 * 1024

SOI, EOI, SOS, COM = 0xD8, 0xD9, 0xDA, 0xFE
APP0, APP1, APP2, APP8, APP14, LAST_APP = 0xE0, 0xE1, 0xE2, 0xE8, 0xEE, 0xEF
# Start of frame in all its forms, the last one is that of JPEG-LS. The gaps are tables.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
# Everything but stuffed bytes and restart markers, which belong to a scan.
MARKER = re.compile(rb"\xff+([\xc0-\xcf\xd8-\xfe])")
PNG = b"\x89PNG\r\n\x1a\n"
PNG_KEPT = frozenset(
    {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"eXIf", b"acTL", b"fcTL", b"fdAT"}
)
# JPEG 2000
J2K, JP2 = b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  "
J2K_COM, J2K_SOT, J2K_SOD, J2K_EOC = 0xFF64, 0xFF90, 0xFF93, 0xFFD9


def too_many_parts() -> NoReturn:
    """Refuse a file whose parts cost more than its pixels."""
    raise BadPictureError(
        _("The file is made of too many parts. Open the picture, save it again, and choose the new file.")
    )


@dataclass(frozen=True, slots=True)
class Png:
    """``data`` is the file without its texts. ``significant``: bits that sBIT declares, or 0."""

    data: bytes
    depth: int = 8
    significant: int = 0
    profile: bytes | None = None
    primaries: int = 0
    transfer: int = 0


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment of a JPEG or JPEG-LS file. A scan reaches to the next marker."""
    at = 2
    for _number in range(MAX_SEGMENTS):
        found = MARKER.search(data, at)
        if found is None:
            return
        marker, head = found[1][0], found.end()
        if marker == SOI:
            at = head
            continue
        if marker == EOI:
            yield EOI, head - 2, head
            return
        end = head + int.from_bytes(data[head : head + 2], "big")
        if end < head + 2 or end > len(data):
            return
        if marker == SOS:
            following = MARKER.search(data, end)
            end = following.start() if following else len(data)
        yield marker, head - 2, end
        at = end
    too_many_parts()


def without_extras(data: bytes, *, colors: bool = True) -> bytes:
    """A JPEG or JPEG-LS file up to its end, without thumbnails, comments and other text. Refuses costly ones.

    ``colors``: keep the color profile, and Exif for the orientation.
    """
    kept, scans, pixels, exif = [data[:2]], 0, 0, False
    for marker, start, end in segments(data):
        if marker in FRAMES:
            height, width = struct.unpack(">HH", data[start + 5 : start + 9])
            pixels = width * height
        elif marker == SOS:
            scans += 1
            if scans > MAX_SCANS or scans * pixels > MAX_SCANNED_PIXELS:
                raise BadPictureError(
                    _(
                        "The picture is stored in too many passes (progressive scans). "
                        "Save it again as a baseline JPEG or as a PNG."
                    )
                )
        elif marker == COM or APP0 <= marker <= LAST_APP:
            wanted = _wanted(marker, data[start + 4 : end], colors=colors)
            # Only the first Exif segment counts. Readers append a second one to it.
            if wanted and not (marker == APP1 and exif):
                kept.append(data[start : start + 2] + struct.pack(">H", len(wanted) + 2) + wanted)
                exif = exif or marker == APP1
            continue
        kept.append(data[start:end])
    return b"".join(kept)


def _wanted(marker: int, content: bytes, *, colors: bool) -> bytes:
    """The part of a segment that a decoder needs: the color coding, and for whole pictures Exif and the profile."""
    if marker == APP0 and content.startswith(b"JFIF\0") and len(content) >= 14:
        return content[:12] + b"\0\0"  # the last two bytes are the size of a thumbnail
    if marker == APP14 and content.startswith(b"Adobe"):
        return content[:12]
    if marker == APP8 and content.startswith(b"mrfx"):
        return content[:5]
    if colors and (marker, content[:6]) == (APP1, b"Exif\0\0"):
        return content
    if colors and (marker, content[:12]) == (APP2, b"ICC_PROFILE\0"):
        return content
    return b""


def png(data: bytes) -> Png:
    """The chunks of a PNG that pixels and colors need. Text chunks are dropped without inflating them."""
    kept, at, depth, significant, profile, cicp = [data[:8]], 8, 8, 0, None, b"\0\0"
    for _number in range(MAX_CHUNKS):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        content, end = data[at + 8 : at + 8 + length], at + 12 + length
        if name == b"IHDR":
            depth = content[8] if len(content) == 13 else 8
        elif name == b"sBIT":
            significant = max(content, default=0)
        elif name == b"iCCP" and profile is None:
            profile = _inflated(content)
        elif name == b"cICP" and len(content) == 4:
            cicp = content
        if name in PNG_KEPT:
            kept.append(data[at:end])
        if name == b"IEND" or end > len(data):
            return Png(b"".join(kept), depth, significant, profile, cicp[0], cicp[1])
        at = end
    too_many_parts()


def _inflated(chunk: bytes) -> bytes:
    """The profile of an iCCP chunk; empty when it is damaged or too long."""
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(chunk[chunk.index(b"\0") + 2 :], MAX_PROFILE_BYTES)
    except (ValueError, zlib.error):
        return b""
    return profile if unpacker.eof else b""


def webp_size(data: bytes) -> tuple[int, int]:
    """Width and height, before a decoder allocates memory for them; zeros if the header is broken."""
    kind, head = data[12:16], data[20:30].ljust(10, b"\0")
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[6:10])
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def frame_size(data: bytes) -> tuple[int, int, int]:
    """Width, height and number of components that a JPEG, JPEG-LS or JPEG 2000 bitstream declares."""
    if data.startswith(J2K):
        right, bottom, left, top = struct.unpack(">4L", data[8:24])
        return right - left, bottom - top, int.from_bytes(data[40:42], "big")
    for marker, start, _end in segments(data):
        if marker in FRAMES:
            height, width, components = struct.unpack(">HHB", data[start + 5 : start + 10])
            return width, height, components
    return 0, 0, 0


def bare_j2k(data: bytes) -> bytes:
    """A JPEG 2000 codestream up to its end: out of its JP2 boxes, with zeros for the text of each comment."""
    if data.startswith(JP2):
        data = _codestream(data)
    clean, at = bytearray(data), 2
    for _number in range(MAX_CHUNKS):
        marker, length = struct.unpack(">HH", clean[at : at + 4].ljust(4, b"\0"))
        if marker == J2K_EOC or at >= len(clean):
            return bytes(clean[: at + 2])
        if marker == J2K_SOT:
            part = int.from_bytes(clean[at + 6 : at + 10], "big")
            end = at + part if part else len(clean)
            _blank_comments(clean, at + 2 + length, end)
            at = max(end, at + 12)
            continue
        if marker == J2K_COM:
            clean[at + 6 : at + 2 + length] = bytes(max(0, min(len(clean), at + 2 + length) - at - 6))
        at += 2 + max(length, 2)
    too_many_parts()


def _blank_comments(clean: bytearray, at: int, end: int) -> None:
    """Comments in the head of a tile part."""
    for _number in range(MAX_CHUNKS):
        marker, length = struct.unpack(">HH", clean[at : at + 4].ljust(4, b"\0"))
        if marker == J2K_SOD or at >= end:
            return
        if marker == J2K_COM:
            clean[at + 6 : at + 2 + length] = bytes(max(0, min(len(clean), at + 2 + length) - at - 6))
        at += 2 + max(length, 2)
    too_many_parts()


def _codestream(data: bytes) -> bytes:
    """The content of the box "jp2c"."""
    at = 0
    for _number in range(MAX_CHUNKS):
        length, kind = struct.unpack(">L4s", data[at : at + 8].ljust(8, b"\0"))
        head = 16 if length == 1 else 8
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        end = at + length if length else len(data)
        if kind == b"jp2c":
            return data[at + head : end]
        if length < head or end >= len(data):
            return b""
        at = end
    too_many_parts()
