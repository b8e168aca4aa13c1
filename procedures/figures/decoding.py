"""The one way in for pixels: checked before decoding, rebuilt from bare pixels, named by what they show.

Nothing of the file that somebody sent is kept: no name, no metadata, no bytes behind the picture. Its color profile is
applied (figures.color), not kept.
"""

import hashlib
import io
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from xml.etree import ElementTree

from django.utils.translation import gettext as _
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

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
MAX_IMAGE_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 40_000_000
# Readers get 1600 px at most, so nothing wider is kept.
MAX_WIDTH = 1600
# A marker is 24 px wide, so a smaller picture shows nothing. A picture ten times as long as wide is a strip.
MIN_SIDE, MAX_ASPECT_RATIO = 24, 10
# Bits of a 16-bit picture.
FULL_BIT_DEPTH = 16
# A label or a hot pixel is brighter than this part of the picture, however small the picture is.
BULK_FRACTION = 0.95
# Pixels that are counted to find out how bright most of a picture is.
MAX_COUNTED_PIXELS = 1_000_000
# High bytes below the first: all numbers of a 16-bit picture fit into 14 bits; below the second: into 12.
MIN_LEVEL_14BIT, MIN_LEVEL_12BIT = 64, 16
# EXIF tag; values from 5 on are turned by a quarter.
EXIF_ORIENTATION, MIN_ROTATED_ORIENTATION = 0x0112, 5
STRIP_HEIGHT = 256
# A DICOM file says so in the last four of its first bytes. Old ones, and parts of others, begin with their first
# element: of the groups 2 or 8, in either byte order, with a short length or the two letters of its type.
DICOM_PREAMBLE_BYTES = 132
DICOM_START_RE = re.compile(
    rb"DICM|[\x02\x08]\0.[\0-\x20](?:AE|AS|AT|CS|DA|DS|DT|IS|LO|OB|OW|PN|SH|SQ|ST|TM|UI|UL|US|..\0\0)|\0[\x02\x08]\0[\0-\x20][A-Z]{2}",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class WhiteLevel:
    """Which number of a 16-bit grey picture is white, of how many ``bits``, and whether the file says so clearly.

    ``dim``: most pixels are darker than half of what the bits can hold.
    """

    value: int
    bits: int
    is_declared: bool
    is_dim: bool = False


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """Bare pixels, 8 bit grey (``L``) or colour (``RGB``), at most 1600 px wide."""

    image: Image.Image
    sha256: str


def decode_image(data: bytes) -> DecodedImage:
    """Pixels of a JPEG, PNG or WebP file. Raises BadPictureError for everything else, never anything else."""
    if not data:
        raise InvalidImageError(_("The file is empty. Choose another one."))
    if len(data) > MAX_IMAGE_BYTES:
        raise InvalidImageError(_("The file is larger than 20 MB. Save a smaller copy and choose that."))
    if is_dicom(data[:DICOM_PREAMBLE_BYTES]):
        raise InvalidImageError(
            _("This is a DICOM file. Bring it in with “Bring in a picture”, where you choose a frame.")
        )
    return _decode_safely(data, check_dimensions=True)


def is_dicom(head: bytes) -> bool:
    """Whether a file that begins with these PREAMBLE bytes is DICOM, also without the preamble that it should have."""
    return head[128:DICOM_PREAMBLE_BYTES] == b"DICM" or bool(DICOM_START_RE.match(head))


def read_png_size(data: bytes) -> tuple[int, int]:
    """Width and height of a file that the portal itself wrote, from its head: its pixels are not read."""
    with Image.open(io.BytesIO(data), formats=["PNG"]) as opened:
        return opened.size


def decode_stored_image(data: bytes) -> DecodedImage:
    """The same for a file that the portal itself wrote: a PNG of what came in may be larger than what came in."""
    return _decode_safely(data, check_dimensions=False)


def _decode_safely(data: bytes, *, check_dimensions: bool) -> DecodedImage:
    try:
        with warnings.catch_warnings():
            # Pillow warns of each odd entry of Exif.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(data, check_dimensions=check_dimensions)
    except InvalidImageError:
        raise
    except UnidentifiedImageError as error:
        raise InvalidImageError(_("This is not a JPEG, PNG or WebP picture. Save it as one of these.")) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidImageError(_too_large_message()) from error
    except Exception as error:
        # Pillow's decoders raise many kinds for broken files; the person who chose the file needs one sentence.
        raise InvalidImageError(_("The picture is damaged or cut off. Save it again and choose that.")) from error


def _too_large_message() -> str:
    return _("The picture has more than 40 million pixels. Save a smaller copy.")


def _decode(data: bytes, *, check_dimensions: bool) -> DecodedImage:
    # The decoder decides what the file is, never its name or what the browser called it.
    found = PngFile(data)
    if data.startswith(b"\xff\xd8\xff"):
        found = PngFile(strip_jpeg_metadata(data))
    elif data.startswith(PNG_SIGNATURE):
        found = strip_png_metadata(data)
    elif data.startswith(b"RIFF"):
        width, height = read_webp_size(data)
        if width * height > MAX_PIXELS:
            raise InvalidImageError(_too_large_message())
    with Image.open(io.BytesIO(found.data), formats=ALLOWED_FORMATS) as opened:
        if opened.width * opened.height > MAX_PIXELS:
            raise InvalidImageError(_too_large_message())
        # Many phones put a small second picture behind the first (MPO); only the first is ever read.
        if getattr(opened, "n_frames", 1) > 1 and opened.format != "MPO":
            raise InvalidImageError(_("The picture moves. Choose one with a single frame."))
        if check_dimensions:
            validate_dimensions(opened.size)
        profile = _read_profile(opened, found)
        if opened.format == "JPEG":
            # Lets the decoder skip detail that is thrown away below: most of the time of a large photograph.
            opened.draft(None, _draft_size(opened))
        opened.load()
        # In place: a copy of 40 million pixels would be another 160 MB.
        ImageOps.exif_transpose(opened, in_place=True)
        return build_decoded_image(to_srgb(limit_width(_to_8bit(opened, found)), profile))


def read_16bit_grayscale(data: bytes) -> tuple[Image.Image, WhiteLevel] | None:
    """The upright numbers of a grey PNG with 16 bits, and which of them is white.

    None for every other picture. Call it with a file that ``read_picture`` has taken.
    """
    if not data.startswith(PNG_SIGNATURE):
        return None
    found = strip_png_metadata(data)
    with Image.open(io.BytesIO(found.data), formats=["PNG"]) as opened:
        if not opened.mode.startswith("I"):
            return None
        ImageOps.exif_transpose(opened, in_place=True)
        return opened.copy(), estimate_white_level(opened, found.significant_bits)


def validate_dimensions(size: tuple[int, int]) -> None:
    """Refuse a picture that readers cannot use: a dot, or a thin strip."""
    short, long = sorted(size)
    if short < MIN_SIDE:
        raise InvalidImageError(
            _("The picture is only %(width)s × %(height)s pixels. Choose one with at least %(least)s on each side.")
            % {"width": size[0], "height": size[1], "least": MIN_SIDE}
        )
    if long > MAX_ASPECT_RATIO * short:
        raise InvalidImageError(
            _("The picture is %(width)s × %(height)s pixels: more than %(most)s times as long as it is wide. Crop it.")
            % {"width": size[0], "height": size[1], "most": MAX_ASPECT_RATIO}
        )


def _read_profile(opened: Image.Image, png_file: PngFile) -> bytes | None:
    if opened.format == "PNG":
        return read_png_profile(opened, png_file.icc_profile, png_file.cicp_primaries, png_file.cicp_transfer)
    return read_icc_profile(opened)


def _draft_size(opened: Image.Image) -> tuple[int, int]:
    """The stored size from which the upright picture is still as wide as we keep it."""
    width, height = opened.size
    if opened.getexif().get(EXIF_ORIENTATION, 1) >= MIN_ROTATED_ORIENTATION:
        return max(1, MAX_WIDTH * width // height), MAX_WIDTH
    return MAX_WIDTH, max(1, MAX_WIDTH * height // width)


def limit_width(image: Image.Image) -> Image.Image:
    """The picture, no wider than what is kept."""
    if image.width <= MAX_WIDTH:
        return image
    height = max(1, round(image.height * MAX_WIDTH / image.width))
    return image.resize((MAX_WIDTH, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def build_decoded_image(image: Image.Image) -> DecodedImage:
    """A Picture from 8-bit pixels, rebuilt so that it holds nothing else."""
    pixels = image.tobytes()
    bare = Image.frombytes(image.mode, image.size, pixels)
    name = f"{image.mode} {image.width} {image.height} ".encode()
    return DecodedImage(bare, hashlib.sha256(name + pixels).hexdigest())


def _to_8bit(image: Image.Image, png_file: PngFile) -> Image.Image:
    """Grey, RGB or CMYK, 8 bit; transparent parts become white. Careful with memory: a copy may be 160 MB."""
    if image.mode.startswith("I"):
        return _scale_16bit_to_8bit(image, estimate_white_level(image, png_file.significant_bits).value)
    if png_file.bit_depth == FULL_BIT_DEPTH and _is_too_dark(image):
        raise InvalidImageError(
            _("The picture has 16 bits for each color and uses only the darkest of them. Save it with 8 bits.")
        )
    if image.mode in {"1", "L", "LA"} and image.has_transparency_data:
        return _flatten_grayscale(image)
    if image.mode in {"1", "L"}:
        return image if image.mode == "L" else image.convert("L")
    if image.has_transparency_data:
        return _flatten_rgba(image if image.mode == "RGBA" else image.convert("RGBA"))
    return image if image.mode in {"RGB", "CMYK"} else image.convert("RGB")


def _is_too_dark(image: Image.Image) -> bool:
    """Whether the high bytes of a picture show next to nothing, except for some specks."""
    channels = [image.getchannel(band) for band in image.getbands() if band != "A"]
    if max(int(channel.getextrema()[1]) for channel in channels) < MIN_LEVEL_14BIT:  # type: ignore[arg-type]
        return True
    most = BULK_FRACTION * image.width * image.height
    return all((counts := channel.histogram())[0] < most <= sum(counts[:MIN_LEVEL_12BIT]) for channel in channels)


def estimate_white_level(image: Image.Image, significant_bits: int) -> WhiteLevel:
    """Which number of a 16-bit grey picture is white.

    Writers should spread fewer bits over all 16 and say in sBIT how many they were. Many store 10, 12 or 14 bits as
    they are, with sBIT or without. So the picture has as many bits as sBIT says, if its numbers fit into them; else as
    many as its numbers need. A white label or a hot pixel needs all 16, even if the rest needs fewer. So where most
    pixels are far darker than that, white is the brightest of them, and the file does not count as clear.
    """
    peak = int(image.getextrema()[1])  # type: ignore[arg-type]
    if not peak:
        return WhiteLevel((1 << FULL_BIT_DEPTH) - 1, FULL_BIT_DEPTH, is_declared=True)
    counts = _count_values(image)
    fits = peak.bit_length() <= significant_bits <= FULL_BIT_DEPTH
    bits = significant_bits if fits else peak.bit_length()
    white = (1 << bits) - 1
    bulk = _bulk_level(counts, peak)
    # A picture as dark as the file says stays so, unless next to nothing could be seen of it.
    if bulk < white // (8 if fits else 2):
        return WhiteLevel(
            max(value for value in (bulk, *counts) if value <= 2 * bulk), bits, is_declared=False, is_dim=True
        )
    if bulk < white // 2:
        return WhiteLevel(white, bits, is_declared=False, is_dim=True)
    spread = significant_bits <= FULL_BIT_DEPTH and (not significant_bits or len(counts) <= 1 << significant_bits)
    return WhiteLevel(white, bits, is_declared=fits or (bits == FULL_BIT_DEPTH and spread))


def _count_values(image: Image.Image) -> Counter[int]:
    """How many pixels have each number, in evenly spread rows."""
    counts: Counter[int] = Counter()
    for top in range(0, image.height, max(1, image.width * image.height // MAX_COUNTED_PIXELS)):
        counts.update(memoryview(image.crop((0, top, image.width, top + 1)).convert("I").tobytes()).cast("i"))
    return counts


def _bulk_level(counts: Counter[int], peak: int) -> int:
    """The number that most pixels do not exceed. Black margins and the brightest number do not count."""
    lit = sum(count for value, count in counts.items() if value)
    inner = {value: count for value, count in counts.items() if 0 < value < peak}
    left = BULK_FRACTION * sum(inner.values())
    if left < BULK_FRACTION * lit / 2 or not inner:
        return peak
    for value in sorted(inner):
        left -= inner[value]
        if left <= 0:
            return value
    return peak


def _scale_16bit_to_8bit(image: Image.Image, white_value: int) -> Image.Image:
    """In strips, because Pillow applies a table to 16-bit pixels only as 32-bit ones."""
    table = [min(255, round(value * 255 / white_value)) for value in range(1 << 16)]
    if isinstance(through := image.info.get("transparency"), int):
        table[through] = 255
    grey = Image.new("L", image.size)
    for top in range(0, image.height, STRIP_HEIGHT):
        strip = image.crop((0, top, image.width, min(top + STRIP_HEIGHT, image.height)))
        grey.paste(strip.convert("I").point(table, "L"), (0, top))
    return grey


def _flatten_grayscale(image: Image.Image) -> Image.Image:
    both = image.convert("LA")
    grey = both.getchannel("L")
    grey.paste(255, mask=ImageChops.invert(both.getchannel("A")))
    return grey


def _flatten_rgba(image: Image.Image) -> Image.Image:
    """White through everything that lets light through: in place, then made small channel by channel."""
    image.paste((255, 255, 255, 255), mask=ImageChops.invert(image.getchannel("A")))
    return Image.merge("RGB", [limit_width(image.getchannel(channel)) for channel in "RGB"])


SVG_NAMESPACE = "{http://www.w3.org/2000/svg}"
SVG_ELEMENTS = frozenset("svg g path circle ellipse line polygon polyline rect".split())
SVG_ATTRIBUTES = frozenset(
    "viewBox width height d cx cy r rx ry x y x1 y1 x2 y2 points fill stroke stroke-width stroke-linecap "
    "stroke-linejoin stroke-dasharray fill-opacity stroke-opacity opacity fill-rule transform".split()
)
SVG_VALUE_RE = re.compile(r"[-#.,%a-zA-Z0-9 ()\n]*\Z")
XML_DECLARATION_RE = re.compile(r'\A<\?xml version="1\.0"(?: encoding="utf-8")?\s*\?>', re.IGNORECASE)
MAX_SVG_BYTES = 60_000


def read_svg(data: bytes) -> tuple[bytes, str]:
    """Checked bytes and their sha256. Raises BadPictureError for anything but plain shapes."""
    if len(data) > MAX_SVG_BYTES:
        raise InvalidImageError("The drawing is larger than 60 kB.")
    try:
        text = XML_DECLARATION_RE.sub("", data.decode())
    except UnicodeDecodeError as error:
        raise InvalidImageError("The drawing is not UTF-8 text. Save it as UTF-8.") from error
    if any(sign in text for sign in ("<!", "<?", "\0")):
        raise InvalidImageError("The drawing holds a declaration or comment. Plain shapes only.")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 -- no declaration, so no entities; at most 60 kB
    except ElementTree.ParseError as error:
        raise InvalidImageError(f"The drawing is not well-formed: {error}.") from error
    for element in root.iter():
        name = element.tag.removeprefix(SVG_NAMESPACE)
        if not element.tag.startswith(SVG_NAMESPACE) or name not in SVG_ELEMENTS:
            raise InvalidImageError(f"The drawing holds <{name}>. Plain shapes only.")
        if f"{element.text or ''}{element.tail or ''}".strip():
            raise InvalidImageError("The drawing holds words. Plain shapes only.")
        for attribute, value in element.attrib.items():
            if attribute not in SVG_ATTRIBUTES or not SVG_VALUE_RE.match(value) or "url" in value.lower():
                raise InvalidImageError(f"The drawing holds {attribute}=“{value[:40]}”. Plain shapes only.")
    return data, hashlib.sha256(data).hexdigest()
