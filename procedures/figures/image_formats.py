"""Read the structure of a compressed picture before it is decoded, and strip the parts that a decoder does not need.

The work of a decoder can be out of proportion to the file and to the picture: a JPEG repeats all its blocks for each
scan, a PNG inflates each text chunk, and Python's readers step through every marker. So scans, segments and chunks are
counted here, and a decoder only gets the parts that pixels and colors need.
"""

import io
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from django.utils.translation import gettext as _
from PIL import Image, ImageChops, ImageCms


class InvalidImageError(ValueError):
    """The file is refused. The message is shown to the person who uploaded it."""


# An ordinary progressive JPEG has 10 scans or fewer, an optimized one up to about 20. Each costs as much as the whole
# picture, so libjpeg-turbo advises programs to set a limit ("Two Issues with the JPEG Standard"); its fuzzers use 500.
MAX_SCANS = 64
# All scans together: as much as 20 scans of the largest picture that is accepted, one or two seconds of work.
MAX_SCANNED_PIXELS = 800_000_000
# Long color profiles take 255 segments; long PNG files have a chunk for every 8 kB.
MAX_JPEG_SEGMENTS, MAX_PNG_CHUNKS = 1000, 20_000
MAX_PROFILE_BYTES = 4 * 1024 * 1024

SOI, EOI, SOS, COM = 0xD8, 0xD9, 0xDA, 0xFE
APP0, APP1, APP2, APP8, APP14, APP15 = 0xE0, 0xE1, 0xE2, 0xE8, 0xEE, 0xEF
# Start of frame in all its forms, the last one is that of JPEG-LS. The gaps are tables.
START_OF_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
# Everything but stuffed bytes and restart markers, which belong to a scan.
JPEG_MARKER_RE = re.compile(rb"\xff+([\xc0-\xcf\xd8-\xfe])")
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_REQUIRED_CHUNKS = frozenset(
    {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"eXIf", b"acTL", b"fcTL", b"fdAT"}
)
# JPEG 2000
J2K_SIGNATURE, JP2_SIGNATURE = b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  "
J2K_COM, J2K_SOT, J2K_SOD, J2K_EOC = 0xFF64, 0xFF90, 0xFF93, 0xFFD9


def raise_too_complex() -> NoReturn:
    """Refuse a file whose parts cost more than its pixels."""
    raise InvalidImageError(
        _("The file is made of too many parts. Open the picture, save it again, and choose the new file.")
    )


@dataclass(frozen=True, slots=True)
class PngFile:
    """``data`` is the file without its texts. ``significant``: bits that sBIT declares, or 0."""

    data: bytes
    bit_depth: int = 8
    significant_bits: int = 0
    icc_profile: bytes | None = None
    cicp_primaries: int = 0
    cicp_transfer: int = 0


def iter_jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment of a JPEG or JPEG-LS file. A scan reaches to the next marker."""
    at = 2
    for _number in range(MAX_JPEG_SEGMENTS):
        found = JPEG_MARKER_RE.search(data, at)
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
            following = JPEG_MARKER_RE.search(data, end)
            end = following.start() if following else len(data)
        yield marker, head - 2, end
        at = end
    raise_too_complex()


def strip_jpeg_metadata(data: bytes, *, keep_color_profile: bool = True) -> bytes:
    """A JPEG or JPEG-LS file up to its end, without thumbnails, comments and other text. Refuses costly ones.

    ``colors``: keep the color profile, and Exif for the orientation.
    """
    kept, scans, pixels, exif = [data[:2]], 0, 0, False
    for marker, start, end in iter_jpeg_segments(data):
        if marker in START_OF_FRAME_MARKERS:
            height, width = struct.unpack(">HH", data[start + 5 : start + 9])
            pixels = width * height
        elif marker == SOS:
            scans += 1
            if scans > MAX_SCANS or scans * pixels > MAX_SCANNED_PIXELS:
                raise InvalidImageError(
                    _(
                        "The picture is stored in too many passes (progressive scans). "
                        "Save it again as a baseline JPEG or as a PNG."
                    )
                )
        elif marker == COM or APP0 <= marker <= APP15:
            wanted = _required_content(marker, data[start + 4 : end], keep_color_profile=keep_color_profile)
            # Only the first Exif segment counts. Readers append a second one to it.
            if wanted and not (marker == APP1 and exif):
                kept.append(data[start : start + 2] + struct.pack(">H", len(wanted) + 2) + wanted)
                exif = exif or marker == APP1
            continue
        kept.append(data[start:end])
    return b"".join(kept)


def _required_content(marker: int, content: bytes, *, keep_color_profile: bool) -> bytes:
    """The part of a segment that a decoder needs: the color coding, and for whole pictures Exif and the profile."""
    if marker == APP0 and content.startswith(b"JFIF\0") and len(content) >= 14:
        return content[:12] + b"\0\0"  # the last two bytes are the size of a thumbnail
    if marker == APP14 and content.startswith(b"Adobe"):
        return content[:12]
    if marker == APP8 and content.startswith(b"mrfx"):
        return content[:5]
    if keep_color_profile and (marker, content[:6]) == (APP1, b"Exif\0\0"):
        return content
    if keep_color_profile and (marker, content[:12]) == (APP2, b"ICC_PROFILE\0"):
        return content
    return b""


def strip_png_metadata(data: bytes) -> PngFile:
    """The chunks of a PNG that pixels and colors need. Text chunks are dropped without inflating them."""
    kept, at, depth, significant, profile, cicp = [data[:8]], 8, 8, 0, None, b"\0\0"
    for _number in range(MAX_PNG_CHUNKS):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        content, end = data[at + 8 : at + 8 + length], at + 12 + length
        if name == b"IHDR":
            depth = content[8] if len(content) == 13 else 8
        elif name == b"sBIT":
            significant = max(content, default=0)
        elif name == b"iCCP" and profile is None:
            profile = _inflate_icc_profile(content)
        elif name == b"cICP" and len(content) == 4:
            cicp = content
        if name in PNG_REQUIRED_CHUNKS:
            kept.append(data[at:end])
        if name == b"IEND" or end > len(data):
            return PngFile(b"".join(kept), depth, significant, profile, cicp[0], cicp[1])
        at = end
    raise_too_complex()


def _inflate_icc_profile(chunk: bytes) -> bytes:
    """The profile of an iCCP chunk; empty when it is damaged or too long."""
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(chunk[chunk.index(b"\0") + 2 :], MAX_PROFILE_BYTES)
    except (ValueError, zlib.error):
        return b""
    return profile if unpacker.eof else b""


def read_webp_size(data: bytes) -> tuple[int, int]:
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


def read_bitstream_size(data: bytes) -> tuple[int, int, int]:
    """Width, height and number of components that a JPEG, JPEG-LS or JPEG 2000 bitstream declares."""
    if data.startswith(J2K_SIGNATURE):
        right, bottom, left, top = struct.unpack(">4L", data[8:24])
        return right - left, bottom - top, int.from_bytes(data[40:42], "big")
    for marker, start, _end in iter_jpeg_segments(data):
        if marker in START_OF_FRAME_MARKERS:
            height, width, components = struct.unpack(">HHB", data[start + 5 : start + 10])
            return width, height, components
    return 0, 0, 0


def strip_j2k_metadata(data: bytes) -> bytes:
    """A JPEG 2000 codestream up to its end: out of its JP2 boxes, with zeros for the text of each comment."""
    if data.startswith(JP2_SIGNATURE):
        data = _extract_codestream(data)
    clean, at = bytearray(data), 2
    for _number in range(MAX_PNG_CHUNKS):
        marker, length = struct.unpack(">HH", clean[at : at + 4].ljust(4, b"\0"))
        if marker == J2K_EOC or at >= len(clean):
            return bytes(clean[: at + 2])
        if marker == J2K_SOT:
            part = int.from_bytes(clean[at + 6 : at + 10], "big")
            end = at + part if part else len(clean)
            _blank_j2k_comments(clean, at + 2 + length, end)
            at = max(end, at + 12)
            continue
        if marker == J2K_COM:
            clean[at + 6 : at + 2 + length] = bytes(max(0, min(len(clean), at + 2 + length) - at - 6))
        at += 2 + max(length, 2)
    raise_too_complex()


def _blank_j2k_comments(buffer: bytearray, at: int, end: int) -> None:
    """Comments in the head of a tile part."""
    for _number in range(MAX_PNG_CHUNKS):
        marker, length = struct.unpack(">HH", buffer[at : at + 4].ljust(4, b"\0"))
        if marker == J2K_SOD or at >= end:
            return
        if marker == J2K_COM:
            buffer[at + 6 : at + 2 + length] = bytes(max(0, min(len(buffer), at + 2 + length) - at - 6))
        at += 2 + max(length, 2)
    raise_too_complex()


def _extract_codestream(data: bytes) -> bytes:
    """The content of the box "jp2c"."""
    at = 0
    for _number in range(MAX_PNG_CHUNKS):
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
    raise_too_complex()


SRGB_PROFILE = ImageCms.createProfile("sRGB")
RENDERING_INTENT, TRANSFORM_FLAGS = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
# x and y of white, red, green and blue.
SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
ADOBE_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
P3_PRIMARIES = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
REC2020_PRIMARIES = (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046)
# Gamma of Adobe RGB (1998); 45455 in a PNG is what writers of sRGB put there.
ADOBE_GAMMA, PNG_SRGB_GAMMA = 563 / 256, 1 / 2.2
# Code points of ITU-T H.273 that a PNG's cICP may name. Others are for films and screens with high dynamic range.
CICP_PRIMARIES = {1: SRGB_PRIMARIES, 9: REC2020_PRIMARIES, 12: P3_PRIMARIES}
CICP_SRGB_CURVES = frozenset({1, 6, 13, 14, 15})
# Exif: the folder for interoperability, and its entry "R03" for Adobe RGB.
EXIF_INTEROPERABILITY_IFD, ADOBE_RGB_INDEX = 0xA005, "R03"
D50_WHITE = (0.9642, 1.0, 0.8249)
BRADFORD_MATRIX = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))

Matrix = Sequence[Sequence[float]]


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """``L``, ``RGB`` or ``CMYK`` to ``L`` or ``RGB`` in sRGB. An empty profile is one that cannot be read."""
    if profile is None:
        return image if image.mode in {"L", "RGB"} else image.convert("RGB")
    try:
        return _apply_profile(image, profile)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        if image.mode == "CMYK":
            raise InvalidImageError(
                _(
                    "The picture is made for printing, and its color profile is damaged. "
                    "Save it as RGB and choose the new file."
                )
            ) from error
        return image


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    if image.mode == "L" and space == "RGB":
        return _transform_to_srgb(image.convert("RGB"), source).convert("L")
    if space != {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}[image.mode]:
        raise ValueError(space)
    found = _transform_to_srgb(image, source)
    return found.convert("L") if image.mode == "L" else found


def _transform_to_srgb(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    transform = ImageCms.buildTransform(source, SRGB_PROFILE, image.mode, "RGB", RENDERING_INTENT, TRANSFORM_FLAGS)
    if image.mode == "RGB":
        # If the profile is sRGB in effect, a conversion would only add rounding errors.
        probe = Image.merge("RGB", [Image.linear_gradient("L").rotate(90 * turn) for turn in range(3)])
        changed = ImageCms.applyTransform(probe, transform)
        if changed and max(high for _low, high in ImageChops.difference(probe, changed).getextrema()) <= 1:  # type: ignore[misc]
            return image
    found = ImageCms.applyTransform(image, transform)
    if found is None:
        raise ValueError
    return found


def read_icc_profile(opened: Image.Image) -> bytes | None:
    """The profile that a JPEG or WebP carries, or that its camera names in Exif; None for sRGB."""
    if "icc_profile" in opened.info:
        profile: bytes = opened.info["icc_profile"] or b""
        return profile if len(profile) <= MAX_PROFILE_BYTES else b""
    try:
        named = str(opened.getexif().get_ifd(EXIF_INTEROPERABILITY_IFD).get(1, "")).strip("\0 ")
    except Exception:
        # Broken Exif raises many kinds of errors; the picture itself is fine.
        return None
    return build_matrix_profile(ADOBE_PRIMARIES, ADOBE_GAMMA) if named == ADOBE_RGB_INDEX else None


def read_png_profile(opened: Image.Image, embedded: bytes | None, primaries: int, transfer: int) -> bytes | None:
    """PNG, third edition: cICP counts before iCCP, then sRGB, then gAMA and cHRM."""
    if primaries or transfer:
        if primaries not in CICP_PRIMARIES or transfer not in CICP_SRGB_CURVES:
            raise InvalidImageError(_("The colors are made for special screens (HDR). Save the picture as sRGB."))
        return None if primaries == 1 else build_matrix_profile(CICP_PRIMARIES[primaries], None)
    if embedded is not None or "srgb" in opened.info:
        return embedded
    gamma, corners = opened.info.get("gamma"), opened.info.get("chromaticity", SRGB_PRIMARIES)
    usual = all(abs(one - two) < 0.002 for one, two in zip(corners, SRGB_PRIMARIES, strict=True))
    plain = not gamma or abs(gamma - PNG_SRGB_GAMMA) < 0.005
    if usual and plain:
        return None
    curve = 1 / gamma if gamma and not (plain and usual) else None
    try:
        return build_matrix_profile(corners, curve)
    except (ArithmeticError, struct.error):
        return b""


def build_matrix_profile(primaries: Sequence[float], gamma: float | None) -> bytes:
    """An ICC profile for RGB with these primaries and this gamma; None: the curve of sRGB."""
    columns = _adapt_to_d50(primaries)
    curve = _encode_curve(gamma)
    tags = {b"wtpt": _encode_xyz(D50_WHITE), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    tags |= {name: _encode_xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
    table, body, start = struct.pack(">L", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">LL", start + len(body), len(content))
        body += content
    head = struct.pack(">L4sL12s12x4s", start + len(body), b"\0\0\0\0", 0x04200000, b"mntrRGB XYZ ", b"acsp")
    head = head.ljust(68, b"\0") + _encode_xyz(D50_WHITE)[8:]
    return head.ljust(128, b"\0") + table + body


def _encode_curve(gamma: float | None) -> bytes:
    numbers = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045) if gamma is None else (gamma,)
    kind = 3 if gamma is None else 0
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + b"".join(_encode_fixed(number) for number in numbers)


def _encode_xyz(numbers: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_encode_fixed(number) for number in numbers)


def _encode_fixed(number: float) -> bytes:
    return struct.pack(">l", round(number * 65536))


def _adapt_to_d50(primaries: Sequence[float]) -> list[list[float]]:
    """Red, green and blue as XYZ under the white of all profiles (D50, after Bradford)."""
    white, *colors = (_xy_to_xyz(*primaries[place : place + 2]) for place in (0, 2, 4, 6))
    by_rows = [[color[row] for color in colors] for row in range(3)]
    amounts = _multiply(_invert_matrix(by_rows), white)
    seen, wanted = _multiply(BRADFORD_MATRIX, white), _multiply(BRADFORD_MATRIX, D50_WHITE)
    scaled = [[cell * wanted[row] / seen[row] for cell in BRADFORD_MATRIX[row]] for row in range(3)]
    back = _invert_matrix(BRADFORD_MATRIX)
    return [
        _multiply(back, _multiply(scaled, [part * amount for part in color]))
        for color, amount in zip(colors, amounts, strict=True)
    ]


def _xy_to_xyz(x: float, y: float) -> list[float]:
    return [x / y, 1.0, (1 - x - y) / y]


def _multiply(matrix: Matrix, vector: Sequence[float]) -> list[float]:
    return [sum(cell * part for cell, part in zip(row, vector, strict=True)) for row in matrix]


def _invert_matrix(matrix: Matrix) -> list[list[float]]:
    def minor(row: int, column: int) -> float:
        a, b = (row + 1) % 3, (row + 2) % 3
        c, d = (column + 1) % 3, (column + 2) % 3
        return matrix[a][c] * matrix[b][d] - matrix[a][d] * matrix[b][c]

    determinant = sum(matrix[0][column] * minor(0, column) for column in range(3))
    return [[minor(column, row) / determinant for column in range(3)] for row in range(3)]
