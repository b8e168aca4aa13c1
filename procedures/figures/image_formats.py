"""Checks and strips the structure of JPEG, PNG, WebP, and JPEG 2000 files before decoding, and converts images to sRGB.

Decoding can cost far more than the file size or the number of pixels suggest: a JPEG repeats all its blocks in each
scan, a PNG inflates each text chunk, and Python readers step through every marker. So scans, segments and chunks are
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

# An ordinary progressive JPEG has at most 10 scans, an optimized one about 20. Each costs as much as the whole image,
# so libjpeg-turbo recommends a limit ("Two Issues with the JPEG Standard"); its fuzzers use 500.
MAX_SCANS = 64
# For all scans together: 20 scans of the largest image that is accepted, one or two seconds of work.
MAX_SCANNED_PIXELS = 800_000_000
# A large color profile takes 255 segments; a large PNG has a chunk for every 8 kB.
MAX_JPEG_SEGMENTS, MAX_PNG_CHUNKS = 1000, 20_000
MAX_PROFILE_BYTES = 4 * 1024 * 1024

SOI, EOI, SOS, COM = 0xD8, 0xD9, 0xDA, 0xFE
APP0, APP1, APP2, APP8, APP14, APP15 = 0xE0, 0xE1, 0xE2, 0xE8, 0xEE, 0xEF
# All start-of-frame markers; 0xF7 is that of JPEG-LS. The excluded codes are tables.
START_OF_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
# Any marker except stuffed bytes and restart markers, which are part of a scan.
JPEG_MARKER_RE = re.compile(rb"\xff+([\xc0-\xcf\xd8-\xfe])")
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_REQUIRED_CHUNKS = frozenset(
    {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"eXIf", b"acTL", b"fcTL", b"fdAT"}
)
# JPEG 2000
J2K_SIGNATURE, JP2_SIGNATURE = b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  "
J2K_COM, J2K_SOT, J2K_SOD, J2K_EOC = 0xFF64, 0xFF90, 0xFF93, 0xFFD9

SRGB_PROFILE = ImageCms.createProfile("sRGB")
RENDERING_INTENT, TRANSFORM_FLAGS = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
# Chromaticities: x and y of white, red, green, and blue.
SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
ADOBE_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
P3_PRIMARIES = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
REC2020_PRIMARIES = (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046)
# Gamma of Adobe RGB (1998), and the value that writers of sRGB put in gAMA (45455).
ADOBE_GAMMA, PNG_SRGB_GAMMA = 563 / 256, 1 / 2.2
# Supported ITU-T H.273 code points in the cICP chunk of a PNG. Others are for film and high dynamic range.
CICP_PRIMARIES = {1: SRGB_PRIMARIES, 9: REC2020_PRIMARIES, 12: P3_PRIMARIES}
CICP_SRGB_CURVES = frozenset({1, 6, 13, 14, 15})
# EXIF interoperability IFD, and the index in it that means Adobe RGB.
EXIF_INTEROPERABILITY_IFD, ADOBE_RGB_INDEX = 0xA005, "R03"
D50_WHITE = (0.9642, 1.0, 0.8249)
BRADFORD_MATRIX = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))

Matrix = Sequence[Sequence[float]]


class InvalidImageError(ValueError):
    """An image file was rejected. The message is translated and shown to the uploader."""


def raise_too_complex() -> NoReturn:
    """Raise InvalidImageError for a file with too many segments, chunks, or boxes."""
    raise InvalidImageError(
        _("The file has too many internal parts. Open the picture, save it again, and choose the new file.")
    )


@dataclass(frozen=True, slots=True)
class PngFile:
    """A PNG without text chunks, and the header values that Pillow does not report.

    ``significant_bits``: the largest value of sBIT, or 0. ``icc_profile``: inflated; empty if damaged.
    """

    data: bytes
    bit_depth: int = 8
    significant_bits: int = 0
    icc_profile: bytes | None = None
    cicp_primaries: int = 0
    cicp_transfer: int = 0


def iter_jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the marker, start, and end of each segment of a JPEG or JPEG-LS file. A scan ends at the next marker.

    Stops at the first damaged segment. Raise InvalidImageError after MAX_JPEG_SEGMENTS.
    """
    at = 2
    for _number in range(MAX_JPEG_SEGMENTS):
        match = JPEG_MARKER_RE.search(data, at)
        if match is None:
            return
        marker, head = match[1][0], match.end()
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
            next_marker = JPEG_MARKER_RE.search(data, end)
            end = next_marker.start() if next_marker else len(data)
        yield marker, head - 2, end
        at = end
    raise_too_complex()


def strip_jpeg_metadata(data: bytes, *, keep_color_profile: bool = True) -> bytes:
    """Remove thumbnails, comments, other metadata and trailing bytes from a JPEG or JPEG-LS file.

    ``keep_color_profile`` also keeps EXIF, for the orientation. Raise InvalidImageError if decoding is too costly.
    """
    parts, scans, pixels, has_exif = [data[:2]], 0, 0, False
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
            content = _required_content(marker, data[start + 4 : end], keep_color_profile=keep_color_profile)
            # Only the first EXIF segment counts; readers would append a second one to it.
            if content and not (marker == APP1 and has_exif):
                parts.append(data[start : start + 2] + struct.pack(">H", len(content) + 2) + content)
                has_exif = has_exif or marker == APP1
            continue
        parts.append(data[start:end])
    return b"".join(parts)


def _required_content(marker: int, content: bytes, *, keep_color_profile: bool) -> bytes:
    """Return the part of a segment that a decoder needs: color encoding, and optionally EXIF and color profile."""
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
    """Keep only the chunks needed for pixels and colors. Text chunks are dropped without inflating them."""
    parts, at, depth, significant, profile, cicp = [data[:8]], 8, 8, 0, None, b"\0\0"
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
            parts.append(data[at:end])
        if name == b"IEND" or end > len(data):
            return PngFile(b"".join(parts), depth, significant, profile, cicp[0], cicp[1])
        at = end
    raise_too_complex()


def _inflate_icc_profile(chunk: bytes) -> bytes:
    """Return the profile in an iCCP chunk, or b"" if it is damaged or too long."""
    decompressor = zlib.decompressobj()
    try:
        profile = decompressor.decompress(chunk[chunk.index(b"\0") + 2 :], MAX_PROFILE_BYTES)
    except (ValueError, zlib.error):
        return b""
    return profile if decompressor.eof else b""


def read_webp_size(data: bytes) -> tuple[int, int]:
    """Return the width and height before a decoder allocates memory for them; zeros if the header is damaged."""
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
    """Return the width, height, and component count declared by a JPEG, JPEG-LS, or JPEG 2000 bitstream; zeros if
    none.
    """
    if data.startswith(J2K_SIGNATURE):
        right, bottom, left, top = struct.unpack(">4L", data[8:24])
        return right - left, bottom - top, int.from_bytes(data[40:42], "big")
    for marker, start, _end in iter_jpeg_segments(data):
        if marker in START_OF_FRAME_MARKERS:
            height, width, components = struct.unpack(">HHB", data[start + 5 : start + 10])
            return width, height, components
    return 0, 0, 0


def strip_j2k_metadata(data: bytes) -> bytes:
    """Extract the JPEG 2000 codestream from its JP2 boxes and overwrite comments with zeros."""
    if data.startswith(JP2_SIGNATURE):
        data = _extract_codestream(data)
    buffer, at = bytearray(data), 2
    for _number in range(MAX_PNG_CHUNKS):
        marker, length = struct.unpack(">HH", buffer[at : at + 4].ljust(4, b"\0"))
        if marker == J2K_EOC or at >= len(buffer):
            return bytes(buffer[: at + 2])
        if marker == J2K_SOT:
            part = int.from_bytes(buffer[at + 6 : at + 10], "big")
            end = at + part if part else len(buffer)
            _blank_j2k_comments(buffer, at + 2 + length, end)
            at = max(end, at + 12)
            continue
        if marker == J2K_COM:
            buffer[at + 6 : at + 2 + length] = bytes(max(0, min(len(buffer), at + 2 + length) - at - 6))
        at += 2 + max(length, 2)
    raise_too_complex()


def _blank_j2k_comments(buffer: bytearray, at: int, end: int) -> None:
    """Overwrite comments in a tile-part header with zeros."""
    for _number in range(MAX_PNG_CHUNKS):
        marker, length = struct.unpack(">HH", buffer[at : at + 4].ljust(4, b"\0"))
        if marker == J2K_SOD or at >= end:
            return
        if marker == J2K_COM:
            buffer[at + 6 : at + 2 + length] = bytes(max(0, min(len(buffer), at + 2 + length) - at - 6))
        at += 2 + max(length, 2)
    raise_too_complex()


def _extract_codestream(data: bytes) -> bytes:
    """Return the contents of the "jp2c" box."""
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


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert an ``L``, ``RGB`` or ``CMYK`` image to ``L`` or ``RGB`` in sRGB.

    ``profile``: None for sRGB; empty if unreadable, which is an error for CMYK and ignored otherwise.
    """
    if profile is None:
        return image if image.mode in {"L", "RGB"} else image.convert("RGB")
    try:
        return _apply_profile(image, profile)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        if image.mode == "CMYK":
            raise InvalidImageError(
                _(
                    "The picture uses print colors (CMYK), and its color profile is damaged. "
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
    converted = _transform_to_srgb(image, source)
    return converted.convert("L") if image.mode == "L" else converted


def _transform_to_srgb(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    transform = ImageCms.buildTransform(source, SRGB_PROFILE, image.mode, "RGB", RENDERING_INTENT, TRANSFORM_FLAGS)
    if image.mode == "RGB":
        # If the profile is effectively sRGB, converting would only add rounding errors.
        probe = Image.merge("RGB", [Image.linear_gradient("L").rotate(90 * turn) for turn in range(3)])
        changed = ImageCms.applyTransform(probe, transform)
        if changed and max(high for _low, high in ImageChops.difference(probe, changed).getextrema()) <= 1:  # type: ignore[misc]
            return image
    converted = ImageCms.applyTransform(image, transform)
    if converted is None:
        raise ValueError
    return converted


def read_icc_profile(opened: Image.Image) -> bytes | None:
    """Return the color profile embedded in a JPEG or WebP, or implied by its EXIF; None for sRGB."""
    if "icc_profile" in opened.info:
        profile: bytes = opened.info["icc_profile"] or b""
        return profile if len(profile) <= MAX_PROFILE_BYTES else b""
    try:
        index = str(opened.getexif().get_ifd(EXIF_INTEROPERABILITY_IFD).get(1, "")).strip("\0 ")
    except Exception:
        # Malformed EXIF raises many exception types; the image itself is fine.
        return None
    return build_matrix_profile(ADOBE_PRIMARIES, ADOBE_GAMMA) if index == ADOBE_RGB_INDEX else None


def read_png_profile(opened: Image.Image, embedded: bytes | None, primaries: int, transfer: int) -> bytes | None:
    """Return the color profile of a PNG; None for sRGB.

    Precedence per PNG, third edition: cICP, iCCP (``embedded``), sRGB, then gAMA and cHRM.
    """
    if primaries or transfer:
        if primaries not in CICP_PRIMARIES or transfer not in CICP_SRGB_CURVES:
            raise InvalidImageError(_("The picture uses HDR colors. Save it as sRGB."))
        return None if primaries == 1 else build_matrix_profile(CICP_PRIMARIES[primaries], None)
    if embedded is not None or "srgb" in opened.info:
        return embedded
    gamma, chromaticities = opened.info.get("gamma"), opened.info.get("chromaticity", SRGB_PRIMARIES)
    is_srgb_gamut = all(abs(one - two) < 0.002 for one, two in zip(chromaticities, SRGB_PRIMARIES, strict=True))
    is_srgb_gamma = not gamma or abs(gamma - PNG_SRGB_GAMMA) < 0.005
    if is_srgb_gamut and is_srgb_gamma:
        return None
    try:
        return build_matrix_profile(chromaticities, 1 / gamma if gamma else None)
    except (ArithmeticError, struct.error):
        return b""


def build_matrix_profile(primaries: Sequence[float], gamma: float | None) -> bytes:
    """Build an ICC matrix profile for RGB. ``gamma`` None means the sRGB transfer curve."""
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
    """Return red, green, and blue as XYZ, adapted to the D50 white point of ICC profiles (Bradford)."""
    white, *colors = (_xy_to_xyz(*primaries[at : at + 2]) for at in (0, 2, 4, 6))
    by_rows = [[color[row] for color in colors] for row in range(3)]
    amounts = _multiply(_invert_matrix(by_rows), white)
    source, target = _multiply(BRADFORD_MATRIX, white), _multiply(BRADFORD_MATRIX, D50_WHITE)
    scaled = [[cell * target[row] / source[row] for cell in BRADFORD_MATRIX[row]] for row in range(3)]
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
