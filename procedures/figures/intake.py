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

from django.utils.translation import gettext as _
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

from procedures.figures.bitstreams import PNG, BadPictureError, Png, png, webp_size, without_extras
from procedures.figures.color import profile_of, profile_of_png, to_srgb

__all__ = ["BadPictureError", "Picture", "fit", "picture", "read_picture", "reread", "right_shape", "size_of"]

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 40_000_000
# Readers get 1600 px at most, so nothing wider is kept.
WIDEST = 1600
# A marker is 24 px wide, so a smaller picture shows nothing. A picture ten times as long as wide is a strip.
MIN_SIDE, MAX_ASPECT = 24, 10
# Bits of a 16-bit picture.
FULL = 16
# A label or a hot pixel is brighter than this part of the picture, however small the picture is.
BULK = 0.95
# Pixels that are counted to find out how bright most of a picture is.
COUNTED = 1_000_000
# High bytes below the first: all numbers of a 16-bit picture fit into 14 bits; below the second: into 12.
DARK, DARKEST = 64, 16
# EXIF tag; values from 5 on are turned by a quarter.
ORIENTATION, LYING = 0x0112, 5
STRIP = 256
# A DICOM file says so in the last four of its first bytes. Old ones, and parts of others, begin with their first
# element: of the groups 2 or 8, in either byte order, with a short length or the two letters of its type.
PREAMBLE = 132
BARE_DICOM = re.compile(
    rb"DICM|[\x02\x08]\0.[\0-\x20](?:AE|AS|AT|CS|DA|DS|DT|IS|LO|OB|OW|PN|SH|SQ|ST|TM|UI|UL|US|..\0\0)|\0[\x02\x08]\0[\0-\x20][A-Z]{2}",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class White:
    """Which number of a 16-bit grey picture is white, of how many ``bits``, and whether the file says so clearly.

    ``dim``: most pixels are darker than half of what the bits can hold.
    """

    number: int
    bits: int
    told: bool
    dim: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """Bare pixels, 8 bit grey (``L``) or colour (``RGB``), at most 1600 px wide."""

    image: Image.Image
    sha256: str


def read_picture(data: bytes) -> Picture:
    """Pixels of a JPEG, PNG or WebP file. Raises BadPictureError for everything else, never anything else."""
    if not data:
        raise BadPictureError(_("The file is empty. Choose another one."))
    if len(data) > MAX_BYTES:
        raise BadPictureError(_("The file is larger than 20 MB. Save a smaller copy and choose that."))
    if is_dicom(data[:PREAMBLE]):
        raise BadPictureError(
            _("This is a DICOM file. Bring it in with “Bring in a picture”, where you choose a frame.")
        )
    return _read(data, checked=True)


def is_dicom(head: bytes) -> bool:
    """Whether a file that begins with these PREAMBLE bytes is DICOM, also without the preamble that it should have."""
    return head[128:PREAMBLE] == b"DICM" or bool(BARE_DICOM.match(head))


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height of a file that the portal itself wrote, from its head: its pixels are not read."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as opened:
        return opened.size


def reread(data: bytes) -> Picture:
    """The same for a file that the portal itself wrote: a PNG of what came in may be larger than what came in."""
    return _read(data, checked=False)


def _read(data: bytes, *, checked: bool) -> Picture:
    try:
        with warnings.catch_warnings():
            # Pillow warns of each odd entry of Exif.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(data, checked=checked)
    except BadPictureError:
        raise
    except UnidentifiedImageError as error:
        raise BadPictureError(_("This is not a JPEG, PNG or WebP picture. Save it as one of these.")) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadPictureError(_too_large()) from error
    except Exception as error:
        # Pillow's decoders raise many kinds for broken files; the person who chose the file needs one sentence.
        raise BadPictureError(_("The picture is damaged or cut off. Save it again and choose that.")) from error


def _too_large() -> str:
    return _("The picture has more than 40 million pixels. Save a smaller copy.")


def _decode(data: bytes, *, checked: bool) -> Picture:
    # The decoder decides what the file is, never its name or what the browser called it.
    found = Png(data)
    if data.startswith(b"\xff\xd8\xff"):
        found = Png(without_extras(data))
    elif data.startswith(PNG):
        found = png(data)
    elif data.startswith(b"RIFF"):
        width, height = webp_size(data)
        if width * height > MAX_PIXELS:
            raise BadPictureError(_too_large())
    with Image.open(io.BytesIO(found.data), formats=FORMATS) as opened:
        if opened.width * opened.height > MAX_PIXELS:
            raise BadPictureError(_too_large())
        # Many phones put a small second picture behind the first (MPO); only the first is ever read.
        if getattr(opened, "n_frames", 1) > 1 and opened.format != "MPO":
            raise BadPictureError(_("The picture moves. Choose one with a single frame."))
        if checked:
            right_shape(opened.size)
        profile = _profile(opened, found)
        if opened.format == "JPEG":
            # Lets the decoder skip detail that is thrown away below: most of the time of a large photograph.
            opened.draft(None, _smallest_use(opened))
        opened.load()
        # In place: a copy of 40 million pixels would be another 160 MB.
        ImageOps.exif_transpose(opened, in_place=True)
        return picture(to_srgb(fit(_eight_bit(opened, found)), profile))


def sixteen_bits(data: bytes) -> tuple[Image.Image, White] | None:
    """The upright numbers of a grey PNG with 16 bits, and which of them is white.

    None for every other picture. Call it with a file that ``read_picture`` has taken.
    """
    if not data.startswith(PNG):
        return None
    found = png(data)
    with Image.open(io.BytesIO(found.data), formats=["PNG"]) as opened:
        if not opened.mode.startswith("I"):
            return None
        ImageOps.exif_transpose(opened, in_place=True)
        return opened.copy(), white_of(opened, found.significant)


def right_shape(size: tuple[int, int]) -> None:
    """Refuse a picture that readers cannot use: a dot, or a thin strip."""
    short, long = sorted(size)
    if short < MIN_SIDE:
        raise BadPictureError(
            _("The picture is only %(width)s × %(height)s pixels. Choose one with at least %(least)s on each side.")
            % {"width": size[0], "height": size[1], "least": MIN_SIDE}
        )
    if long > MAX_ASPECT * short:
        raise BadPictureError(
            _("The picture is %(width)s × %(height)s pixels: more than %(most)s times as long as it is wide. Crop it.")
            % {"width": size[0], "height": size[1], "most": MAX_ASPECT}
        )


def _profile(opened: Image.Image, found: Png) -> bytes | None:
    if opened.format == "PNG":
        return profile_of_png(opened, found.profile, found.primaries, found.transfer)
    return profile_of(opened)


def _smallest_use(opened: Image.Image) -> tuple[int, int]:
    """The stored size from which the upright picture is still as wide as we keep it."""
    width, height = opened.size
    if opened.getexif().get(ORIENTATION, 1) >= LYING:
        return max(1, WIDEST * width // height), WIDEST
    return WIDEST, max(1, WIDEST * height // width)


def fit(image: Image.Image) -> Image.Image:
    """The picture, no wider than what is kept."""
    if image.width <= WIDEST:
        return image
    height = max(1, round(image.height * WIDEST / image.width))
    return image.resize((WIDEST, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def picture(image: Image.Image) -> Picture:
    """A Picture from 8-bit pixels, rebuilt so that it holds nothing else."""
    pixels = image.tobytes()
    bare = Image.frombytes(image.mode, image.size, pixels)
    name = f"{image.mode} {image.width} {image.height} ".encode()
    return Picture(bare, hashlib.sha256(name + pixels).hexdigest())


def _eight_bit(image: Image.Image, found: Png) -> Image.Image:
    """Grey, RGB or CMYK, 8 bit; transparent parts become white. Careful with memory: a copy may be 160 MB."""
    if image.mode.startswith("I"):
        return _sixteen_to_eight(image, white_of(image, found.significant).number)
    if found.depth == FULL and _dark(image):
        raise BadPictureError(
            _("The picture has 16 bits for each color and uses only the darkest of them. Save it with 8 bits.")
        )
    if image.mode in {"1", "L", "LA"} and image.has_transparency_data:
        return _grey_on_white(image)
    if image.mode in {"1", "L"}:
        return image if image.mode == "L" else image.convert("L")
    if image.has_transparency_data:
        return _on_white(image if image.mode == "RGBA" else image.convert("RGBA"))
    return image if image.mode in {"RGB", "CMYK"} else image.convert("RGB")


def _dark(image: Image.Image) -> bool:
    """Whether the high bytes of a picture show next to nothing, except for some specks."""
    channels = [image.getchannel(band) for band in image.getbands() if band != "A"]
    if max(int(channel.getextrema()[1]) for channel in channels) < DARK:  # type: ignore[arg-type]
        return True
    most = BULK * image.width * image.height
    return all((counts := channel.histogram())[0] < most <= sum(counts[:DARKEST]) for channel in channels)


def white_of(image: Image.Image, significant: int) -> White:
    """Which number of a 16-bit grey picture is white.

    Writers should spread fewer bits over all 16 and say in sBIT how many they were. Many store 10, 12 or 14 bits as
    they are, with sBIT or without. So the picture has as many bits as sBIT says, if its numbers fit into them; else as
    many as its numbers need. A white label or a hot pixel needs all 16, even if the rest needs fewer. So where most
    pixels are far darker than that, white is the brightest of them, and the file does not count as clear.
    """
    peak = int(image.getextrema()[1])  # type: ignore[arg-type]
    if not peak:
        return White((1 << FULL) - 1, FULL, told=True)
    counts = _counts(image)
    fits = peak.bit_length() <= significant <= FULL
    bits = significant if fits else peak.bit_length()
    white = (1 << bits) - 1
    bulk = _bulk(counts, peak)
    # A picture as dark as the file says stays so, unless next to nothing could be seen of it.
    if bulk < white // (8 if fits else 2):
        return White(max(value for value in (bulk, *counts) if value <= 2 * bulk), bits, told=False, dim=True)
    if bulk < white // 2:
        return White(white, bits, told=False, dim=True)
    spread = significant <= FULL and (not significant or len(counts) <= 1 << significant)
    return White(white, bits, told=fits or (bits == FULL and spread))


def _counts(image: Image.Image) -> Counter[int]:
    """How many pixels have each number, in evenly spread rows."""
    counts: Counter[int] = Counter()
    for top in range(0, image.height, max(1, image.width * image.height // COUNTED)):
        counts.update(memoryview(image.crop((0, top, image.width, top + 1)).convert("I").tobytes()).cast("i"))
    return counts


def _bulk(counts: Counter[int], peak: int) -> int:
    """The number that most pixels do not exceed. Black margins and the brightest number do not count."""
    lit = sum(count for value, count in counts.items() if value)
    inner = {value: count for value, count in counts.items() if 0 < value < peak}
    left = BULK * sum(inner.values())
    if left < BULK * lit / 2 or not inner:
        return peak
    for value in sorted(inner):
        left -= inner[value]
        if left <= 0:
            return value
    return peak


def _sixteen_to_eight(image: Image.Image, white: int) -> Image.Image:
    """In strips, because Pillow applies a table to 16-bit pixels only as 32-bit ones."""
    table = [min(255, round(value * 255 / white)) for value in range(1 << 16)]
    if isinstance(through := image.info.get("transparency"), int):
        table[through] = 255
    grey = Image.new("L", image.size)
    for top in range(0, image.height, STRIP):
        strip = image.crop((0, top, image.width, min(top + STRIP, image.height)))
        grey.paste(strip.convert("I").point(table, "L"), (0, top))
    return grey


def _grey_on_white(image: Image.Image) -> Image.Image:
    both = image.convert("LA")
    grey = both.getchannel("L")
    grey.paste(255, mask=ImageChops.invert(both.getchannel("A")))
    return grey


def _on_white(image: Image.Image) -> Image.Image:
    """White through everything that lets light through: in place, then made small channel by channel."""
    image.paste((255, 255, 255, 255), mask=ImageChops.invert(image.getchannel("A")))
    return Image.merge("RGB", [fit(image.getchannel(channel)) for channel in "RGB"])
