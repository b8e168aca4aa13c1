"""Decoding of uploaded images, drawings, and logos: the only code that opens an untrusted image file.

A file is checked before it is decoded. Only the pixels are kept: no file name, metadata, or trailing bytes. Its color
profile is applied, not stored.
"""

import base64
import hashlib
import io
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from xml.etree import ElementTree

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

from portal import MEGABYTE
from portal.text import interpolate_lazy
from procedures.branding import Logo
from procedures.figures.image_formats import (
    PNG_SIGNATURE,
    InvalidImageError,
    PngFile,
    read_icc_profile,
    read_png_profile,
    read_webp_size,
    strip_jpeg_metadata,
    strip_png_metadata,
    to_srgb,
)

__all__ = [
    "DecodedImage",
    "InvalidImageError",
    "build_decoded_image",
    "decode_image",
    "decode_stored_image",
    "limit_width",
    "read_png_size",
    "validate_dimensions",
]

ALLOWED_FORMATS = ("JPEG", "PNG", "WEBP")
MAX_IMAGE_BYTES = 20 * MEGABYTE
IMAGE_TOO_LARGE_MESSAGE = interpolate_lazy(
    gettext_lazy("The file is larger than %(size)s MB. Save a smaller copy and choose that."),
    size=MAX_IMAGE_BYTES // MEGABYTE,
)
MAX_PIXELS = 40_000_000
# The widest rendition is 1600 px, so nothing wider is stored.
MAX_WIDTH = 1600
# A marker is 24 px wide and would hide a smaller image. Anything longer than 10:1 is a strip.
MIN_SIDE, MAX_ASPECT_RATIO = 24, 10
FULL_BIT_DEPTH = 16
# The brightest pixels outside this fraction may be a label or hot pixels and do not set the white level.
BULK_FRACTION = 0.95
# Pixels sampled to estimate how bright most of an image is.
MAX_COUNTED_PIXELS = 1_000_000
# If all high bytes are below the first value, a 16-bit image uses at most 14 bits; below the second, at most 12.
MIN_LEVEL_14BIT, MIN_LEVEL_12BIT = 64, 16
# EXIF orientations from 5 on are rotated by 90 degrees.
EXIF_ORIENTATION, MIN_ROTATED_ORIENTATION = 0x0112, 5
STRIP_HEIGHT = 256
# A DICOM file has "DICM" after its preamble. Old files and fragments start with their first element: group 2 or 8, in
# either byte order, followed by a short length or a two-letter value representation.
DICOM_PREAMBLE_BYTES = 132
DICOM_START_RE = re.compile(
    rb"DICM|[\x02\x08]\0.[\0-\x20](?:AE|AS|AT|CS|DA|DS|DT|IS|LO|OB|OW|PN|SH|SQ|ST|TM|UI|UL|US|..\0\0)"
    rb"|\0[\x02\x08]\0[\0-\x20][A-Z]{2}",
    re.DOTALL,
)
SVG_NAMESPACE = "{http://www.w3.org/2000/svg}"
SVG_ELEMENTS = frozenset("svg g path circle ellipse line polygon polyline rect".split())
SVG_ATTRIBUTES = frozenset(
    "viewBox width height d cx cy r rx ry x y x1 y1 x2 y2 points fill stroke stroke-width stroke-linecap "
    "stroke-linejoin stroke-dasharray fill-opacity stroke-opacity opacity fill-rule transform".split()
)
SVG_VALUE_RE = re.compile(r"[-#.,%a-zA-Z0-9 ()\n]*\Z")
XML_DECLARATION_RE = re.compile(r'\A<\?xml version="1\.0"(?: encoding="utf-8")?\s*\?>', re.IGNORECASE)
MAX_SVG_BYTES = 60_000
# A header shows 40 pixels of height, and phones have up to three device pixels for each.
MIN_LOGO_HEIGHT, MAX_LOGO_HEIGHT, MAX_LOGO_WIDTH = 80, 160, 800
# A photograph is reduced to a palette above this size.
MAX_LOGO_BYTES = 60_000
MAX_STORED_LOGO_BYTES = 150_000
LOGO_PALETTE_COLORS = 128


@dataclass(frozen=True, slots=True)
class WhiteLevel:
    """The stored value that means white in a 16-bit grayscale image, and how certain that value is.

    ``bits``: significant bits. ``is_declared``: the file says so unambiguously. ``is_dim``: most pixels are darker than
    half of what the bits can hold.
    """

    value: int
    bits: int
    is_declared: bool
    is_dim: bool = False


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """Pixels without metadata: 8-bit ``L`` or ``RGB`` in sRGB. ``sha256`` hashes mode, size, and pixels."""

    image: Image.Image
    sha256: str


def decode_image(data: bytes) -> DecodedImage:
    """Decode a JPEG, PNG, or WebP file, and scale it down to MAX_WIDTH if it is wider.

    Raises only InvalidImageError.
    """
    if not data:
        raise InvalidImageError(_("The file is empty. Choose another one."))
    if len(data) > MAX_IMAGE_BYTES:
        raise InvalidImageError(str(IMAGE_TOO_LARGE_MESSAGE))
    if is_dicom(data[:DICOM_PREAMBLE_BYTES]):
        raise InvalidImageError(_("This is a DICOM file. Upload it with “Add a picture”, where you choose a frame."))
    return _decode_safely(data, check_dimensions=True)


def is_dicom(head: bytes) -> bool:
    """Return whether a file that starts with these DICOM_PREAMBLE_BYTES bytes is DICOM, even without a preamble."""
    return head[128:DICOM_PREAMBLE_BYTES] == b"DICM" or bool(DICOM_START_RE.match(head))


def read_png_size(data: bytes) -> tuple[int, int]:
    """Return the width and height of a PNG that the portal wrote, without decoding its pixels."""
    with Image.open(io.BytesIO(data), formats=["PNG"]) as opened:
        return opened.size


def decode_stored_image(data: bytes) -> DecodedImage:
    """Decode a file that the portal wrote, without the size limits: a stored PNG may be larger than its upload."""
    return _decode_safely(data, check_dimensions=False)


def _decode_safely(data: bytes, *, check_dimensions: bool) -> DecodedImage:
    try:
        with warnings.catch_warnings():
            # Pillow warns about each malformed EXIF entry.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(data, check_dimensions=check_dimensions)
    except InvalidImageError:
        raise
    except UnidentifiedImageError as error:
        raise InvalidImageError(
            _("This is not a JPEG, PNG, or WebP picture. Save it in one of these formats.")
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidImageError(_too_large_message()) from error
    except Exception as error:
        # Pillow's decoders raise many exception types for broken files.
        raise InvalidImageError(
            _("The picture is damaged or incomplete. Save it again and choose the new file.")
        ) from error


def _too_large_message() -> str:
    return _("The picture has more than 40 million pixels. Save a smaller copy.")


def _decode(data: bytes, *, check_dimensions: bool) -> DecodedImage:
    # The content decides the format, never the file name or the MIME type from the browser.
    png_file = PngFile(data)
    if data.startswith(b"\xff\xd8\xff"):
        png_file = PngFile(strip_jpeg_metadata(data))
    elif data.startswith(PNG_SIGNATURE):
        png_file = strip_png_metadata(data)
    elif data.startswith(b"RIFF"):
        width, height = read_webp_size(data)
        if width * height > MAX_PIXELS:
            raise InvalidImageError(_too_large_message())
    with Image.open(io.BytesIO(png_file.data), formats=ALLOWED_FORMATS) as opened:
        if opened.width * opened.height > MAX_PIXELS:
            raise InvalidImageError(_too_large_message())
        # Many phones append a small second image (MPO); only the first is ever read.
        if getattr(opened, "n_frames", 1) > 1 and opened.format != "MPO":
            raise InvalidImageError(_("The picture is animated. Choose one with a single frame."))
        if check_dimensions:
            validate_dimensions(opened.size)
        profile = _read_profile(opened, png_file)
        if opened.format == "JPEG":
            # Skip detail that would be discarded below, which saves most of the decoding time of a large photo.
            opened.draft(None, _draft_size(opened))
        opened.load()
        # In place: a copy of 40 million pixels would take another 160 MB.
        ImageOps.exif_transpose(opened, in_place=True)
        return build_decoded_image(to_srgb(limit_width(_to_8bit(opened, png_file)), profile))


def read_16bit_grayscale(data: bytes) -> tuple[Image.Image, WhiteLevel] | None:
    """Return the upright samples of a 16-bit grayscale PNG and their white level; None for any other image.

    ``data`` must already have passed ``decode_image``.
    """
    if not data.startswith(PNG_SIGNATURE):
        return None
    png_file = strip_png_metadata(data)
    with Image.open(io.BytesIO(png_file.data), formats=["PNG"]) as opened:
        if not opened.mode.startswith("I"):
            return None
        ImageOps.exif_transpose(opened, in_place=True)
        return opened.copy(), estimate_white_level(opened, png_file.significant_bits)


def validate_dimensions(size: tuple[int, int]) -> None:
    """Raise InvalidImageError for an image too small or too narrow to be useful."""
    short, long = sorted(size)
    if short < MIN_SIDE:
        raise InvalidImageError(
            _("The picture is only %(width)s × %(height)s pixels. Choose one with at least %(min)s on each side.")
            % {"width": size[0], "height": size[1], "min": MIN_SIDE}
        )
    if long > MAX_ASPECT_RATIO * short:
        raise InvalidImageError(
            _("The picture is %(width)s × %(height)s pixels: more than %(max)s times as long as it is wide. Crop it.")
            % {"width": size[0], "height": size[1], "max": MAX_ASPECT_RATIO}
        )


def _read_profile(opened: Image.Image, png_file: PngFile) -> bytes | None:
    if opened.format == "PNG":
        return read_png_profile(opened, png_file.icc_profile, png_file.cicp_primaries, png_file.cicp_transfer)
    return read_icc_profile(opened)


def _draft_size(opened: Image.Image) -> tuple[int, int]:
    """Return the size to decode at so that the upright image is still MAX_WIDTH wide."""
    width, height = opened.size
    if opened.getexif().get(EXIF_ORIENTATION, 1) >= MIN_ROTATED_ORIENTATION:
        return max(1, MAX_WIDTH * width // height), MAX_WIDTH
    return MAX_WIDTH, max(1, MAX_WIDTH * height // width)


def limit_width(image: Image.Image) -> Image.Image:
    """Scale the image down to MAX_WIDTH if it is wider."""
    if image.width <= MAX_WIDTH:
        return image
    height = max(1, round(image.height * MAX_WIDTH / image.width))
    return image.resize((MAX_WIDTH, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def build_decoded_image(image: Image.Image) -> DecodedImage:
    """Copy the 8-bit pixels into a new image, which leaves all metadata behind, and hash them."""
    pixels = image.tobytes()
    bare = Image.frombytes(image.mode, image.size, pixels)
    header = f"{image.mode} {image.width} {image.height} ".encode()
    return DecodedImage(bare, hashlib.sha256(header + pixels).hexdigest())


def _to_8bit(image: Image.Image, png_file: PngFile) -> Image.Image:
    """Convert to 8-bit L, RGB or CMYK; transparent parts become white. Avoids copies: one may take 160 MB."""
    if image.mode.startswith("I"):
        return _scale_16bit_to_8bit(image, estimate_white_level(image, png_file.significant_bits).value)
    if png_file.bit_depth == FULL_BIT_DEPTH and _is_too_dark(image):
        raise InvalidImageError(
            _(
                "The picture has 16 bits per color channel but uses only the darkest values. Save it with 8 bits "
                "per channel."
            )
        )
    if image.mode in {"1", "L", "LA"} and image.has_transparency_data:
        return _flatten_grayscale(image)
    if image.mode in {"1", "L"}:
        return image if image.mode == "L" else image.convert("L")
    if image.has_transparency_data:
        return _flatten_rgba(image if image.mode == "RGBA" else image.convert("RGBA"))
    return image if image.mode in {"RGB", "CMYK"} else image.convert("RGB")


def _is_too_dark(image: Image.Image) -> bool:
    """Return whether the high bytes of a 16-bit image are almost black, apart from specks."""
    channels = [image.getchannel(band) for band in image.getbands() if band != "A"]
    if max(int(channel.getextrema()[1]) for channel in channels) < MIN_LEVEL_14BIT:  # type: ignore[arg-type]
        return True
    bulk = BULK_FRACTION * image.width * image.height
    return all((counts := channel.histogram())[0] < bulk <= sum(counts[:MIN_LEVEL_12BIT]) for channel in channels)


def estimate_white_level(image: Image.Image, significant_bits: int) -> WhiteLevel:
    """Estimate which stored value of a 16-bit grayscale image is white.

    Per the PNG specification, writers scale fewer bits up to 16 and record the original depth in sBIT. Many store 10,
    12 or 14 bits unscaled, with or without sBIT. So trust sBIT if all values fit into it; otherwise use as many bits as
    the values need. A white label or a hot pixel needs all 16 bits even if the image needs fewer: if most pixels are
    far darker, use the brightest of those as white and do not treat the level as declared.
    """
    peak = int(image.getextrema()[1])  # type: ignore[arg-type]
    if not peak:
        return WhiteLevel((1 << FULL_BIT_DEPTH) - 1, FULL_BIT_DEPTH, is_declared=True)
    counts = _count_values(image)
    is_within_sbit = peak.bit_length() <= significant_bits <= FULL_BIT_DEPTH
    bits = significant_bits if is_within_sbit else peak.bit_length()
    white = (1 << bits) - 1
    bulk = _bulk_level(counts, peak)
    # An image that the file declares to be dark stays dark, unless it would be almost black.
    if bulk < white // (8 if is_within_sbit else 2):
        return WhiteLevel(
            max(value for value in (bulk, *counts) if value <= 2 * bulk), bits, is_declared=False, is_dim=True
        )
    if bulk < white // 2:
        return WhiteLevel(white, bits, is_declared=False, is_dim=True)
    is_scaled = significant_bits <= FULL_BIT_DEPTH and (not significant_bits or len(counts) <= 1 << significant_bits)
    return WhiteLevel(white, bits, is_declared=is_within_sbit or (bits == FULL_BIT_DEPTH and is_scaled))


def _count_values(image: Image.Image) -> Counter[int]:
    """Count pixels per stored value, sampling evenly spaced rows of large images."""
    counts: Counter[int] = Counter()
    for top in range(0, image.height, max(1, image.width * image.height // MAX_COUNTED_PIXELS)):
        counts.update(memoryview(image.crop((0, top, image.width, top + 1)).convert("I").tobytes()).cast("i"))
    return counts


def _bulk_level(counts: Counter[int], peak: int) -> int:
    """Return the value that most pixels do not exceed, ignoring black margins and the peak itself."""
    lit = sum(count for value, count in counts.items() if value)
    inner = {value: count for value, count in counts.items() if 0 < value < peak}
    remaining = BULK_FRACTION * sum(inner.values())
    if remaining < BULK_FRACTION * lit / 2 or not inner:
        return peak
    for value in sorted(inner):
        remaining -= inner[value]
        if remaining <= 0:
            return value
    return peak


def _scale_16bit_to_8bit(image: Image.Image, white_value: int) -> Image.Image:
    """Map 16-bit samples to 8 bits. Works in strips, because Pillow expands them to 32 bits to apply a table."""
    table = [min(255, round(value * 255 / white_value)) for value in range(1 << 16)]
    if isinstance(transparent := image.info.get("transparency"), int):
        table[transparent] = 255
    gray = Image.new("L", image.size)
    for top in range(0, image.height, STRIP_HEIGHT):
        strip = image.crop((0, top, image.width, min(top + STRIP_HEIGHT, image.height)))
        gray.paste(strip.convert("I").point(table, "L"), (0, top))
    return gray


def _flatten_grayscale(image: Image.Image) -> Image.Image:
    with_alpha = image.convert("LA")
    gray = with_alpha.getchannel("L")
    gray.paste(255, mask=ImageChops.invert(with_alpha.getchannel("A")))
    return gray


def _flatten_rgba(image: Image.Image) -> Image.Image:
    """Blend onto white in place, then scale channel by channel to save memory."""
    image.paste((255, 255, 255, 255), mask=ImageChops.invert(image.getchannel("A")))
    return Image.merge("RGB", [limit_width(image.getchannel(channel)) for channel in "RGB"])


def read_svg(data: bytes) -> tuple[bytes, str]:
    """Return the bytes of a drawing and their sha256. Raise InvalidImageError for anything but plain shapes."""
    if len(data) > MAX_SVG_BYTES:
        raise InvalidImageError(_("The drawing is larger than 60 kB."))
    try:
        text = XML_DECLARATION_RE.sub("", data.decode())
    except UnicodeDecodeError as error:
        raise InvalidImageError(_("The drawing is not UTF-8 text. Save it as UTF-8.")) from error
    if any(token in text for token in ("<!", "<?", "\0")):
        raise InvalidImageError(_("The drawing contains a declaration or comment. Only plain shapes are allowed."))
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 -- no declaration, so no entities; at most 60 kB
    except ElementTree.ParseError as error:
        raise InvalidImageError(_("The drawing is not well-formed: %(error)s.") % {"error": error}) from error
    for element in root.iter():
        name = element.tag.removeprefix(SVG_NAMESPACE)
        if not element.tag.startswith(SVG_NAMESPACE) or name not in SVG_ELEMENTS:
            raise InvalidImageError(
                _("The drawing contains <%(element)s>. Only plain shapes are allowed.") % {"element": name}
            )
        if f"{element.text or ''}{element.tail or ''}".strip():
            raise InvalidImageError(_("The drawing contains text. Only plain shapes are allowed."))
        for attribute, value in element.attrib.items():
            if attribute not in SVG_ATTRIBUTES or not SVG_VALUE_RE.match(value) or "url" in value.lower():
                raise InvalidImageError(
                    _("The drawing contains %(attribute)s=“%(value)s”. Only plain shapes are allowed.")
                    % {"attribute": attribute, "value": value[:40]}
                )
    return data, hashlib.sha256(data).hexdigest()


def read_logo(data: bytes) -> Logo:
    """Convert an uploaded logo to the stored format. Raise InvalidImageError with a message for staff."""
    head = data[:1000].lstrip().lower()
    if head.startswith((b"<svg", b"<?xml", b"<!doctype svg")):
        raise InvalidImageError(_("This is an SVG file, which can contain scripts. Save the logo as a PNG."))
    image = decode_image(data).image
    if image.height < MIN_LOGO_HEIGHT:
        raise InvalidImageError(
            _("The logo is only %(height)s pixels high and would look blurry. Choose one with at least %(min)s.")
            % {"height": image.height, "min": MIN_LOGO_HEIGHT}
        )
    image.thumbnail((MAX_LOGO_WIDTH, MAX_LOGO_HEIGHT), Image.Resampling.LANCZOS)
    png = _encode_png(image)
    if len(png) > MAX_LOGO_BYTES:
        png = _encode_png(image.quantize(LOGO_PALETTE_COLORS))
    return Logo(png, *image.size)


def _encode_png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def decode_logo_text(text: str) -> Logo:
    """Decode a logo from the output of ``procedures.branding.encode_text``.

    Raise InvalidImageError for anything else.
    """
    try:
        return read_stored_logo(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise InvalidImageError(_("The logo is damaged. Choose its file again.")) from error


def read_stored_logo(png: bytes) -> Logo:
    """Return a logo created by ``read_logo`` unchanged; process any other file as a new upload."""
    logo = read_logo(png)
    size = read_png_size(png) if png.startswith(PNG_SIGNATURE) else None
    is_stored = size == (logo.width, logo.height) and strip_png_metadata(png).data == png
    return Logo(png, logo.width, logo.height) if is_stored and len(png) <= MAX_STORED_LOGO_BYTES else logo
