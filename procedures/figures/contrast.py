"""How well a mark shows on the very pixels that lie under it.

Every line of a mark has two strokes, one light and one dark (static/css/components/marks.css). On any pixel the better
of the two counts: formulas of contrast and of relative luminance are those of WCAG 2.2.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from django.core.files.storage import default_storage
from PIL import Image

from procedures.enums import MarkerShape
from procedures.figures.marks import WIDE, MarkValues
from procedures.models import Figure

LEAST = 3.0
WHITE, BLACK = 1.0, 0.0
# Luminances of the strokes of each part, as marks.css draws them.
STROKES: Mapping[str, tuple[float, ...]] = {
    "ring": (WHITE, BLACK),
    "disc": (WHITE, BLACK),
    "leader": (WHITE, BLACK),
    "tip": (WHITE, BLACK),
    "outline": (WHITE, BLACK),
}
# The narrowest a picture gets: in a series on a screen of 320 px. Type is 19 px there, and marks are sized by it.
PHONE_PICTURE = 230.0
EM = 19.0
RING, HALF_CASE, TIP = 0.8 * EM, 0.16 * EM, 0.3 * EM
MEASURED_WIDTH = 480
COLOUR = re.compile(rb"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")
Spot = tuple[float, float]
Backdrop = Callable[[Spot], list[float]]


@dataclass(frozen=True, slots=True)
class Measured:
    """The lowest contrast of one part of a mark, from 1 to 21."""

    part: str
    contrast: float


def luminance(red: int, green: int, blue: int) -> float:
    """Relative luminance of an sRGB colour, 0 to 1."""
    parts = [value / 255 for value in (red, green, blue)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ratio(one: float, other: float) -> float:
    """Contrast ratio of two relative luminances, 1 to 21."""
    light, dark = max(one, other), min(one, other)
    return (light + 0.05) / (dark + 0.05)


def measure(
    mark: MarkValues,
    backdrops: list[Backdrop],
    *,
    aspect: float = 1.0,
    strokes: Mapping[str, tuple[float, ...]] = STROKES,
) -> list[Measured]:
    """Each part of a mark at the size it has on a phone. ``aspect``: height of the picture by its width."""
    found = []
    for part, spots in _parts(mark, aspect):
        levels = {level for spot in spots if _inside(spot) for at in backdrops for level in at(spot)}
        if levels:
            worst = min(max(ratio(stroke, level) for stroke in strokes[part]) for level in levels)
            found.append(Measured(part, worst))
    return found


def _inside(spot: Spot) -> bool:
    return 0 <= spot[0] <= 1 and 0 <= spot[1] <= 1


def _parts(mark: MarkValues, aspect: float) -> Iterator[tuple[str, list[Spot]]]:
    across, down = 1 / PHONE_PICTURE, 1 / (PHONE_PICTURE * aspect)
    at, target = (mark.x, mark.y), (mark.target_x, mark.target_y)

    def round_about(centre: Spot, rx: float, ry: float) -> list[Spot]:
        turns = [2 * math.pi * step / 48 for step in range(48)]
        return [(centre[0] + rx * math.cos(turn), centre[1] + ry * math.sin(turn)) for turn in turns]

    yield "ring", round_about(at, RING * across, RING * down)
    yield (
        "disc",
        [spot for part in (0.25, 0.5, 0.75) for spot in round_about(at, part * RING * across, part * RING * down)],
    )
    yield "leader", list(_along(at, target, across, down))
    if mark.shape in WIDE:
        rx, ry = mark.half
        around = round_about(target, rx, ry) if mark.shape == MarkerShape.CIRCLE else _box(target, rx, ry)
        yield "outline", around
    else:
        yield "tip", round_about(target, TIP * across, TIP * down)


def _along(start: Spot, end: Spot, across: float, down: float) -> Iterator[Spot]:
    """Both edges and the middle of a line, pixel by pixel."""
    dx, dy = (end[0] - start[0]) / across, (end[1] - start[1]) / down
    length = math.hypot(dx, dy)
    if not length:
        return
    side = (-dy / length * HALF_CASE * across, dx / length * HALF_CASE * down)
    steps = max(2, math.ceil(length))
    for step in range(steps + 1):
        x, y = start[0] + (end[0] - start[0]) * step / steps, start[1] + (end[1] - start[1]) * step / steps
        yield from ((x, y), (x + side[0], y + side[1]), (x - side[0], y - side[1]))


def _box(centre: Spot, rx: float, ry: float) -> list[Spot]:
    parts = [step / 12 for step in range(-12, 13)]
    upright = [(centre[0] + sign * rx, centre[1] + part * ry) for sign in (-1, 1) for part in parts]
    return upright + [(centre[0] + part * rx, centre[1] + sign * ry) for sign in (-1, 1) for part in parts]


def of_image(image: Image.Image) -> Backdrop:
    """The pixel under a spot."""
    pixels = image.convert("RGB")
    right, bottom = pixels.width - 1, pixels.height - 1

    def at(spot: Spot) -> list[float]:
        red, green, blue = cast(
            "tuple[int, int, int]", pixels.getpixel((round(spot[0] * right), round(spot[1] * bottom)))
        )
        return [luminance(red, green, blue)]

    return at


def of_drawing(svg: bytes) -> Backdrop:
    """A line drawing is not rasterised: every colour that it holds may lie under a spot."""
    texts = {match[1].decode() for match in COLOUR.finditer(svg)}
    full = {text if len(text) == 6 else "".join(2 * letter for letter in text) for text in texts}
    levels = sorted(luminance(*bytes.fromhex(text)) for text in full)
    return lambda spot: levels


def backdrops_of(figure: Figure) -> tuple[list[Backdrop], list[str]]:
    """All that the marks of a figure are drawn on: picture, drawing by day and by night; and the files that are lost.

    Expects ``renditions`` prefetched.
    """
    jpegs = [row for row in figure.renditions.all() if row.format == "jpeg"]
    files = [min(jpegs, key=lambda row: abs(row.width - MEASURED_WIDTH)).file] if jpegs else []
    found, lost = [], []
    for name in filter(None, (*files, figure.drawing, figure.drawing_dark)):
        try:
            found.append(_backdrop(name))
        except OSError:
            lost.append(name)
    return found, lost


@lru_cache(maxsize=12)
def _backdrop(name: str) -> Backdrop:
    """Read once: file names hold the hash of what is in them."""
    with default_storage.open(name) as stream:
        if name.endswith(".svg"):
            return of_drawing(stream.read())
        with Image.open(stream, formats=["JPEG"]) as image:
            return of_image(image)
