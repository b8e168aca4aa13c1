"""The one way in for pixels: checked before decoding, rebuilt from bare pixels, named by what they show.

Nothing of the file that somebody sent is kept: no name, no metadata, no colour profile, no bytes behind the picture.
"""

import hashlib
import io
import warnings
from dataclasses import dataclass

from django.utils.translation import gettext as _
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_BYTES = 20 * 1024 * 1024
MOST_PIXELS = 40_000_000
# Readers get 1600 px at most, so nothing wider is kept.
WIDEST = 1600
# EXIF tag; values from 5 on are turned by a quarter.
ORIENTATION, LYING = 0x0112, 5
STRIP = 256


class BadPictureError(ValueError):
    """The file is refused. The message is a sentence for the person who chose it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Bare pixels, 8 bit grey (``L``) or colour (``RGB``), at most 1600 px wide."""

    image: Image.Image
    sha256: str


def read_picture(data: bytes) -> Picture:
    """Pixels of a JPEG, PNG or WebP file. Raises BadPictureError for everything else, never anything else."""
    if not data:
        raise BadPictureError(_("The file is empty. Choose another one."))
    if len(data) > MOST_BYTES:
        raise BadPictureError(_("The file is larger than 20 MB. Save a smaller copy and choose that."))
    return reread(data)


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height of a file that the portal itself wrote, from its head: its pixels are not read."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as opened:
        return opened.size


def reread(data: bytes) -> Picture:
    """The same for a file that the portal itself wrote: a PNG of what came in may be larger than what came in."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(data)
    except BadPictureError:
        raise
    except UnidentifiedImageError as error:
        raise BadPictureError(_("This is not a JPEG, PNG or WebP picture. Save it as one of these.")) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadPictureError(_("The picture has more than 40 million pixels. Save a smaller copy.")) from error
    except Exception as error:
        # Pillow's decoders raise many kinds for broken files; the person who chose the file needs one sentence.
        raise BadPictureError(_("The picture is damaged or cut off. Save it again and choose that.")) from error


def _decode(data: bytes) -> Picture:
    # The decoder decides what the file is, never its name or what the browser called it.
    with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise BadPictureError(_("The picture has more than 40 million pixels. Save a smaller copy."))
        # Many phones put a small second picture behind the first (MPO); only the first is ever read.
        if getattr(opened, "n_frames", 1) > 1 and opened.format != "MPO":
            raise BadPictureError(_("The picture moves. Choose one with a single frame."))
        if opened.format == "JPEG":
            # Lets the decoder skip detail that is thrown away below: most of the time of a large photograph.
            opened.draft(None, _smallest_use(opened))
        opened.load()
        # In place: a copy of 40 million pixels would be another 160 MB.
        ImageOps.exif_transpose(opened, in_place=True)
        return picture(fit(_eight_bit(opened)))


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


def _eight_bit(image: Image.Image) -> Image.Image:
    """Grey or colour, 8 bit; transparent parts become white. Careful with memory: a copy may be 160 MB."""
    if image.mode.startswith("I"):
        return _sixteen_to_eight(image)
    if image.mode in {"1", "L"}:
        return image if image.mode == "L" else image.convert("L")
    if image.has_transparency_data:
        return _on_white(image if image.mode == "RGBA" else image.convert("RGBA"))
    return image if image.mode == "RGB" else image.convert("RGB")


def _sixteen_to_eight(image: Image.Image) -> Image.Image:
    """Full white stays full white. In strips, because Pillow looks 16-bit pixels up only as 32-bit ones."""
    table = [round(value / 257) for value in range(1 << 16)]
    grey = Image.new("L", image.size)
    for top in range(0, image.height, STRIP):
        strip = image.crop((0, top, image.width, min(top + STRIP, image.height)))
        grey.paste(strip.convert("I").point(table, "L"), (0, top))
    return grey


def _on_white(image: Image.Image) -> Image.Image:
    """White through everything that lets light through: in place, then made small channel by channel."""
    image.paste((255, 255, 255, 255), mask=ImageChops.invert(image.getchannel("A")))
    return Image.merge("RGB", [fit(image.getchannel(channel)) for channel in "RGB"])
