"""How well a mark shows on the very pixels that lie under it.

Every line of a mark has two strokes, one light and one dark (static/css/components/markers.css). On any pixel the
better of the two counts: formulas of contrast and of relative luminance are those of WCAG 2.2.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import cast

from django.core.files.storage import default_storage
from PIL import Image

from procedures.enums import MarkerShape
from procedures.figures.markers.data import AREA_SHAPES, MarkerData
from procedures.models import Figure

MIN_CONTRAST = 3.0
WHITE_LUMINANCE, BLACK_LUMINANCE = 1.0, 0.0
# Luminances of the strokes of each part, as markers.css draws them.
STROKE_LUMINANCES: Mapping[str, tuple[float, ...]] = {
    "ring": (WHITE_LUMINANCE, BLACK_LUMINANCE),
    "disc": (WHITE_LUMINANCE, BLACK_LUMINANCE),
    "leader": (WHITE_LUMINANCE, BLACK_LUMINANCE),
    "tip": (WHITE_LUMINANCE, BLACK_LUMINANCE),
    "outline": (WHITE_LUMINANCE, BLACK_LUMINANCE),
}
# The narrowest a picture gets: in a series on a screen of 320 px. Type is 19 px there, and marks are sized by it.
PHONE_IMAGE_WIDTH_PX = 230.0
FONT_SIZE_PX = 19.0
LABEL_RADIUS_PX, HALF_LINE_WIDTH_PX, TIP_RADIUS_PX = 0.8 * FONT_SIZE_PX, 0.16 * FONT_SIZE_PX, 0.3 * FONT_SIZE_PX
SAMPLED_WIDTH = 480
HEX_COLOR_RE = re.compile(rb"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")
Position = tuple[float, float]
Background = Callable[[Position], list[float]]


@dataclass(frozen=True, slots=True)
class ContrastResult:
    """The lowest contrast of one part of a mark, from 1 to 21."""

    part: str
    contrast: float


def relative_luminance(red: int, green: int, blue: int) -> float:
    """Relative luminance of an sRGB colour, 0 to 1."""
    parts = [value / 255 for value in (red, green, blue)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast_ratio(one: float, other: float) -> float:
    """Contrast ratio of two relative luminances, 1 to 21."""
    light, dark = max(one, other), min(one, other)
    return (light + 0.05) / (dark + 0.05)


def measure_contrast(
    marker: MarkerData,
    backgrounds: list[Background],
    *,
    aspect: float = 1.0,
    strokes: Mapping[str, tuple[float, ...]] = STROKE_LUMINANCES,
) -> list[ContrastResult]:
    """Each part of a mark at the size it has on a phone. ``aspect``: height of the picture by its width."""
    found = []
    for part, spots in _iter_parts(marker, aspect):
        levels = {level for spot in spots if _is_inside(spot) for at in backgrounds for level in at(spot)}
        if levels:
            worst = min(max(contrast_ratio(stroke, level) for stroke in strokes[part]) for level in levels)
            found.append(ContrastResult(part, worst))
    return found


def _is_inside(position: Position) -> bool:
    return 0 <= position[0] <= 1 and 0 <= position[1] <= 1


def _iter_parts(marker: MarkerData, aspect: float) -> Iterator[tuple[str, list[Position]]]:
    across, down = 1 / PHONE_IMAGE_WIDTH_PX, 1 / (PHONE_IMAGE_WIDTH_PX * aspect)
    at, target = (marker.x, marker.y), (marker.target_x, marker.target_y)

    def round_about(centre: Position, rx: float, ry: float) -> list[Position]:
        turns = [2 * math.pi * step / 48 for step in range(48)]
        return [(centre[0] + rx * math.cos(turn), centre[1] + ry * math.sin(turn)) for turn in turns]

    yield "ring", round_about(at, LABEL_RADIUS_PX * across, LABEL_RADIUS_PX * down)
    yield (
        "disc",
        [
            spot
            for part in (0.25, 0.5, 0.75)
            for spot in round_about(at, part * LABEL_RADIUS_PX * across, part * LABEL_RADIUS_PX * down)
        ],
    )
    yield "leader", list(_positions_along(at, target, across, down))
    if marker.shape in AREA_SHAPES:
        rx, ry = marker.half_size
        around = (
            round_about(target, rx, ry) if marker.shape == MarkerShape.CIRCLE else _positions_on_box(target, rx, ry)
        )
        yield "outline", around
    else:
        yield "tip", round_about(target, TIP_RADIUS_PX * across, TIP_RADIUS_PX * down)


def _positions_along(start: Position, end: Position, across: float, down: float) -> Iterator[Position]:
    """Both edges and the middle of a line, pixel by pixel."""
    dx, dy = (end[0] - start[0]) / across, (end[1] - start[1]) / down
    length = math.hypot(dx, dy)
    if not length:
        return
    side = (-dy / length * HALF_LINE_WIDTH_PX * across, dx / length * HALF_LINE_WIDTH_PX * down)
    steps = max(2, math.ceil(length))
    for step in range(steps + 1):
        x, y = start[0] + (end[0] - start[0]) * step / steps, start[1] + (end[1] - start[1]) * step / steps
        yield from ((x, y), (x + side[0], y + side[1]), (x - side[0], y - side[1]))


def _positions_on_box(center: Position, rx: float, ry: float) -> list[Position]:
    parts = [step / 12 for step in range(-12, 13)]
    upright = [(center[0] + sign * rx, center[1] + part * ry) for sign in (-1, 1) for part in parts]
    return upright + [(center[0] + part * rx, center[1] + sign * ry) for sign in (-1, 1) for part in parts]


def sample_image(image: Image.Image) -> Background:
    """The pixel under a spot."""
    pixels = image.convert("RGB")
    right, bottom = pixels.width - 1, pixels.height - 1

    def at(spot: Position) -> list[float]:
        red, green, blue = cast(
            "tuple[int, int, int]", pixels.getpixel((round(spot[0] * right), round(spot[1] * bottom)))
        )
        return [relative_luminance(red, green, blue)]

    return at


def sample_svg_colors(svg: bytes) -> Background:
    """A line drawing is not rasterised: every colour that it holds may lie under a spot."""
    texts = {match[1].decode() for match in HEX_COLOR_RE.finditer(svg)}
    full = {text if len(text) == 6 else "".join(2 * letter for letter in text) for text in texts}
    levels = sorted(relative_luminance(*bytes.fromhex(text)) for text in full)
    return lambda spot: levels


def load_backgrounds(figure: Figure) -> tuple[list[Background], list[str]]:
    """All that the marks of a figure are drawn on: picture, drawing by day and by night; and the files that are lost.

    Expects ``renditions`` prefetched.
    """
    jpegs = [row for row in figure.renditions.all() if row.format == "jpeg"]
    files = [min(jpegs, key=lambda row: abs(row.width - SAMPLED_WIDTH)).file] if jpegs else []
    found, lost = [], []
    for name in filter(None, (*files, figure.drawing, figure.drawing_dark)):
        try:
            found.append(_load_background(name))
        except OSError:
            lost.append(name)
    return found, lost


@lru_cache(maxsize=12)
def _load_background(name: str) -> Background:
    """Read once: file names hold the hash of what is in them."""
    with default_storage.open(name) as stream:
        if name.endswith(".svg"):
            return sample_svg_colors(stream.read())
        with Image.open(stream, formats=["JPEG"]) as image:
            return sample_image(image)


# px on a screen of 320 px. The discs of two marks touch below the first; below the second a finger meets both.
MIN_LABEL_DISTANCE_PX = 2 * LABEL_RADIUS_PX
RECOMMENDED_LABEL_DISTANCE_PX = LABEL_RADIUS_PX + 28
# A circle or box smaller than this is hidden by its own line.
MIN_SHAPE_SIZE_PX = 0.8 * FONT_SIZE_PX
EDGE_TOLERANCE = 1e-6
PART_LABELS = {"ring": "ring", "disc": "disc", "leader": "line", "tip": "end of the line", "outline": "outline"}


@dataclass(frozen=True, slots=True)
class MarkerIssue:
    """One sentence about the mark at ``index`` (from 0); ``forbids`` says whether it may not be saved so."""

    index: int
    message: str
    is_blocking: bool = False


def check_markers(markers: Sequence[MarkerData], *, aspect: float, backgrounds: list[Background]) -> list[MarkerIssue]:
    """All notes in the order of the marks, what forbids first. ``aspect``: height of the picture by its width."""
    found = [*_check_distances(markers, aspect), *_check_covered_targets(markers, aspect)]
    for index, mark in enumerate(markers):
        found += [
            *_check_edge(index, mark, aspect),
            *_check_shape(index, mark, aspect),
            *_check_contrast(index, mark, aspect, backgrounds),
        ]
    return sorted(found, key=lambda note: (note.index, not note.is_blocking))


def distance_px(one: tuple[float, float], other: tuple[float, float], aspect: float) -> float:
    """How far two spots are from each other on a phone, in CSS pixels."""
    return math.hypot((one[0] - other[0]) * PHONE_IMAGE_WIDTH_PX, (one[1] - other[1]) * PHONE_IMAGE_WIDTH_PX * aspect)


def _check_distances(markers: Sequence[MarkerData], aspect: float) -> Iterator[MarkerIssue]:
    for (one, first), (other, second) in combinations(enumerate(markers), 2):
        apart = distance_px((first.x, first.y), (second.x, second.y), aspect)
        if apart < MIN_LABEL_DISTANCE_PX:
            yield MarkerIssue(
                other, f"On a phone its disc lies on disc {one + 1}. Move one of them away.", is_blocking=True
            )
        elif apart < RECOMMENDED_LABEL_DISTANCE_PX:
            yield MarkerIssue(
                other, f"On a phone it is close to disc {one + 1}. A little more room helps an unsteady finger."
            )


def _check_covered_targets(markers: Sequence[MarkerData], aspect: float) -> Iterator[MarkerIssue]:
    for index, mark in enumerate(markers):
        for other, shown in enumerate(markers):
            if shown.shape in AREA_SHAPES and index == other:
                continue
            if distance_px((mark.x, mark.y), (shown.target_x, shown.target_y), aspect) < LABEL_RADIUS_PX:
                what = "what it points at" if index == other else f"what mark {other + 1} points at"
                yield MarkerIssue(index, f"On a phone its disc covers {what}. Move the disc aside.")


def _check_edge(index: int, marker: MarkerData, aspect: float) -> Iterator[MarkerIssue]:
    inside = (
        min(marker.x, 1 - marker.x) * PHONE_IMAGE_WIDTH_PX,
        min(marker.y, 1 - marker.y) * PHONE_IMAGE_WIDTH_PX * aspect,
    )
    if min(inside) < LABEL_RADIUS_PX:
        yield MarkerIssue(index, "On a phone the edge of the picture cuts its disc. Move it inwards.")


def _check_shape(index: int, marker: MarkerData, aspect: float) -> Iterator[MarkerIssue]:
    if marker.shape not in AREA_SHAPES:
        return
    rx, ry = marker.half_size
    if min(rx * PHONE_IMAGE_WIDTH_PX, ry * PHONE_IMAGE_WIDTH_PX * aspect) * 2 < MIN_SHAPE_SIZE_PX:
        yield MarkerIssue(index, "The shape is too small to be seen. Give it more width and height.", is_blocking=True)
    reach = (marker.target_x - rx, marker.target_y - ry, 1 - marker.target_x - rx, 1 - marker.target_y - ry)
    if min(reach) < -EDGE_TOLERANCE:
        yield MarkerIssue(
            index, "The shape reaches out of the picture. Make it smaller or move it inwards.", is_blocking=True
        )


def _check_contrast(
    index: int, marker: MarkerData, aspect: float, backgrounds: list[Background]
) -> Iterator[MarkerIssue]:
    for found in measure_contrast(marker, backgrounds, aspect=aspect):
        if found.contrast < MIN_CONTRAST:
            part = PART_LABELS[found.part]
            yield MarkerIssue(
                index,
                f"Its {part} hardly shows here: contrast {found.contrast:.1f}, needed is {MIN_CONTRAST:.0f}.",
                True,
            )
