"""Crop and black-box before a picture is kept: what was cut off or covered is nowhere in the result."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from PIL import ImageDraw

from procedures.figures.decoding import DecodedImage, InvalidImageError, build_decoded_image

MAX_BOXES = 50
# Smaller than this nothing can be seen, and no mark can be placed.
MIN_CROP_PIXELS = 64
# Parts come from a browser as decimals: their sum may pass the edge by a rounding.
EDGE_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in parts of the picture, 0 to 1, from the upper left. Raises BadPictureError when it is none."""

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        parts = (self.x, self.y, self.width, self.height)
        inside = all(math.isfinite(part) and part >= 0 for part in parts)
        if not inside or self.x + self.width > 1 + EDGE_TOLERANCE or self.y + self.height > 1 + EDGE_TOLERANCE:
            raise InvalidImageError(_("The box reaches over the edge of the picture. Draw it inside."))
        if not (self.width and self.height):
            raise InvalidImageError(_("The box is empty. Draw it larger."))

    def to_pixels(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Left, top, right, bottom: every pixel that the box touches."""
        width, height = size
        right, bottom = (self.x + self.width) * width, (self.y + self.height) * height
        left, top = (math.floor(_snap_to_pixel(part)) for part in (self.x * width, self.y * height))
        return left, top, min(width, math.ceil(_snap_to_pixel(right))), min(height, math.ceil(_snap_to_pixel(bottom)))


def _snap_to_pixel(position: float) -> float:
    """0.1 + 0.2 is a little more than 0.3: a box that ends on a pixel's edge does not touch the next one."""
    whole = round(position)
    return float(whole) if abs(position - whole) < EDGE_TOLERANCE else position


@dataclass(frozen=True, slots=True)
class Redactions:
    """What a person did to a picture: black boxes, then perhaps a part that is kept; both in parts of the original."""

    boxes: tuple[Box, ...] = ()
    crop_box: Box | None = None

    def apply(self, original: DecodedImage) -> DecodedImage:
        """The picture that is kept; the same one when nothing was done."""
        result = redact(original, self.boxes) if self.boxes else original
        return crop(result, self.crop_box) if self.crop_box else result

    def transform_point(self, x: float, y: float) -> tuple[float, float]:
        """Where a place of the original lies in the result; below 0 or above 1 when it was cut off."""
        if self.crop_box is None:
            return x, y
        return (x - self.crop_box.x) / self.crop_box.width, (y - self.crop_box.y) / self.crop_box.height


def crop(original: DecodedImage, box: Box) -> DecodedImage:
    """What lies in the box."""
    left, top, right, bottom = box.to_pixels(original.image.size)
    if min(right - left, bottom - top) < MIN_CROP_PIXELS:
        raise InvalidImageError(
            _("Less than %(least)s pixels would be left. Draw the box larger.") % {"least": MIN_CROP_PIXELS}
        )
    return build_decoded_image(original.image.crop((left, top, right, bottom)))


def redact(original: DecodedImage, boxes: Iterable[Box]) -> DecodedImage:
    """The picture with black boxes: their pixels are replaced, not covered."""
    covered = list(boxes)
    if len(covered) > MAX_BOXES:
        raise InvalidImageError(_("At most %(most)s boxes. Crop the picture instead.") % {"most": MAX_BOXES})
    image = original.image.copy()
    pen = ImageDraw.Draw(image)
    for box in covered:
        left, top, right, bottom = box.to_pixels(image.size)
        pen.rectangle((left, top, right - 1, bottom - 1), fill=0)
    return build_decoded_image(image)
