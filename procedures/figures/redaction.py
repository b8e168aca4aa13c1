"""Redaction of an image before it is stored: crop and black boxes. Removed pixels appear nowhere in the result."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from PIL import ImageDraw

from procedures.figures.decoding import DecodedImage, InvalidImageError, build_decoded_image

MAX_BOXES = 50
# A smaller image shows nothing useful and has no room for a marker.
MIN_CROP_PIXELS = 64
# Fractions arrive from the browser as decimals: their sum may exceed 1 by a rounding error.
EDGE_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions of the image, 0 to 1, from the upper left. Raises InvalidImageError if invalid."""

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        values = (self.x, self.y, self.width, self.height)
        is_valid = all(math.isfinite(value) and value >= 0 for value in values)
        if not is_valid or self.x + self.width > 1 + EDGE_TOLERANCE or self.y + self.height > 1 + EDGE_TOLERANCE:
            raise InvalidImageError(_("The box extends past the edge of the picture. Draw it inside."))
        if not (self.width and self.height):
            raise InvalidImageError(_("The box is empty. Draw it larger."))

    def to_pixels(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return the left, top, right, and bottom of the pixels that the box touches, even in part."""
        width, height = size
        right, bottom = (self.x + self.width) * width, (self.y + self.height) * height
        left, top = (math.floor(_snap_to_pixel(position)) for position in (self.x * width, self.y * height))
        return left, top, min(width, math.ceil(_snap_to_pixel(right))), min(height, math.ceil(_snap_to_pixel(bottom)))


def _snap_to_pixel(position: float) -> float:
    """Undo rounding errors such as 0.1 + 0.2 > 0.3, so that a box that ends on a pixel edge does not touch the next
    pixel.
    """
    whole = round(position)
    return float(whole) if abs(position - whole) < EDGE_TOLERANCE else position


@dataclass(frozen=True, slots=True)
class Redactions:
    """Edits by a user: black boxes, then an optional crop, both in fractions of the original image."""

    boxes: tuple[Box, ...] = ()
    crop_box: Box | None = None

    def apply(self, original: DecodedImage) -> DecodedImage:
        """Return the edited image; the original object if there are no edits."""
        result = redact(original, self.boxes) if self.boxes else original
        return crop(result, self.crop_box) if self.crop_box else result

    def transform_point(self, x: float, y: float) -> tuple[float, float]:
        """Map a point of the original to the result; below 0 or above 1 if it was cropped away."""
        if self.crop_box is None:
            return x, y
        return (x - self.crop_box.x) / self.crop_box.width, (y - self.crop_box.y) / self.crop_box.height


def crop(original: DecodedImage, box: Box) -> DecodedImage:
    """Return the part inside the box. Raise InvalidImageError if it is smaller than MIN_CROP_PIXELS."""
    left, top, right, bottom = box.to_pixels(original.image.size)
    if min(right - left, bottom - top) < MIN_CROP_PIXELS:
        raise InvalidImageError(
            _("The cropped picture would be smaller than %(min)s pixels. Draw a larger box.") % {"min": MIN_CROP_PIXELS}
        )
    return build_decoded_image(original.image.crop((left, top, right, bottom)))


def redact(original: DecodedImage, boxes: Iterable[Box]) -> DecodedImage:
    """Return a copy whose pixels inside the boxes are replaced by black."""
    boxes = list(boxes)
    if len(boxes) > MAX_BOXES:
        raise InvalidImageError(_("You can add up to %(max)s boxes. Crop the picture instead.") % {"max": MAX_BOXES})
    image = original.image.copy()
    draw = ImageDraw.Draw(image)
    for box in boxes:
        left, top, right, bottom = box.to_pixels(image.size)
        draw.rectangle((left, top, right - 1, bottom - 1), fill=0)
    return build_decoded_image(image)
