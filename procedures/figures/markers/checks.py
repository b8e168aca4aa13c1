"""Checks of a figure's markers at the size they have on a phone: overlap, edges, size, and contrast with the image.

Every line of a marker has two strokes, one light and one dark (static/css/components/markers.css); at each pixel the
better one counts. Contrast ratio and relative luminance follow WCAG 2.2.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import cast

from django.core.files.storage import default_storage
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from PIL import Image

from procedures.enums import MarkerShape
from procedures.figures.markers.data import AREA_SHAPES, MarkerData
from procedures.models import Figure

MIN_CONTRAST = 3.0
WHITE_LUMINANCE, BLACK_LUMINANCE = 1.0, 0.0
# Luminances of the strokes of each part, as in markers.css.
STROKE_LUMINANCES: Mapping[str, tuple[float, ...]] = {
    "ring": (WHITE_LUMINANCE, BLACK_LUMINANCE),
    "disc": (WHITE_LUMINANCE, BLACK_LUMINANCE),
    "leader": (WHITE_LUMINANCE, BLACK_LUMINANCE),
    "tip": (WHITE_LUMINANCE, BLACK_LUMINANCE),
    "outline": (WHITE_LUMINANCE, BLACK_LUMINANCE),
}
# The narrowest image: in a series on a 320 px screen. The font size there is 19 px, and markers scale with it.
PHONE_IMAGE_WIDTH_PX = 230.0
FONT_SIZE_PX = 19.0
LABEL_RADIUS_PX, HALF_LINE_WIDTH_PX, TIP_RADIUS_PX = 0.8 * FONT_SIZE_PX, 0.16 * FONT_SIZE_PX, 0.3 * FONT_SIZE_PX
SAMPLED_WIDTH = 480
HEX_COLOR_RE = re.compile(rb"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")
# CSS pixels on a 320 px screen. Below the first distance, two labels touch; below the second, a finger hits both.
MIN_LABEL_DISTANCE_PX = 2 * LABEL_RADIUS_PX
RECOMMENDED_LABEL_DISTANCE_PX = LABEL_RADIUS_PX + 28
# A smaller circle or region is hidden by its own outline.
MIN_SHAPE_SIZE_PX = 0.8 * FONT_SIZE_PX
EDGE_TOLERANCE = 1e-6
PART_CONTRAST_MESSAGES = {
    "ring": _("Its ring is hard to see here: the contrast is %(contrast)s, and at least %(min)s is needed."),
    "disc": _("Its disc is hard to see here: the contrast is %(contrast)s, and at least %(min)s is needed."),
    "leader": _("Its line is hard to see here: the contrast is %(contrast)s, and at least %(min)s is needed."),
    "tip": _("The end of its line is hard to see here: the contrast is %(contrast)s, and at least %(min)s is needed."),
    "outline": _("Its outline is hard to see here: the contrast is %(contrast)s, and at least %(min)s is needed."),
}

Position = tuple[float, float]
Background = Callable[[Position], list[float]]


@dataclass(frozen=True, slots=True)
class ContrastResult:
    """The lowest contrast ratio of one part of a marker, 1 to 21."""

    part: str
    contrast: float


@dataclass(frozen=True, slots=True)
class MarkerIssue:
    """A message about the marker at ``index`` (from 0). ``is_blocking``: it must be fixed before saving."""

    index: int
    message: str
    is_blocking: bool = False


def relative_luminance(red: int, green: int, blue: int) -> float:
    """Return the relative luminance of an sRGB color, 0 to 1."""
    channels = [value / 255 for value in (red, green, blue)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast_ratio(one: float, other: float) -> float:
    """Return the contrast ratio of two relative luminances, 1 to 21."""
    light, dark = max(one, other), min(one, other)
    return (light + 0.05) / (dark + 0.05)


def measure_contrast(
    marker: MarkerData,
    backgrounds: list[Background],
    *,
    aspect: float = 1.0,
    strokes: Mapping[str, tuple[float, ...]] = STROKE_LUMINANCES,
) -> list[ContrastResult]:
    """Measure each part of a marker at phone size. ``aspect``: image height divided by width."""
    results = []
    for part, positions in _iter_parts(marker, aspect):
        luminances = {
            luminance
            for position in positions
            if _is_inside(position)
            for background in backgrounds
            for luminance in background(position)
        }
        if luminances:
            worst = min(max(contrast_ratio(stroke, behind) for stroke in strokes[part]) for behind in luminances)
            results.append(ContrastResult(part, worst))
    return results


def _is_inside(position: Position) -> bool:
    return 0 <= position[0] <= 1 and 0 <= position[1] <= 1


def _iter_parts(marker: MarkerData, aspect: float) -> Iterator[tuple[str, list[Position]]]:
    # Fractions of the image per CSS pixel.
    pixel_x, pixel_y = 1 / PHONE_IMAGE_WIDTH_PX, 1 / (PHONE_IMAGE_WIDTH_PX * aspect)
    label, target = (marker.x, marker.y), (marker.target_x, marker.target_y)

    def positions_on_ellipse(center: Position, rx: float, ry: float) -> list[Position]:
        angles = [2 * math.pi * step / 48 for step in range(48)]
        return [(center[0] + rx * math.cos(angle), center[1] + ry * math.sin(angle)) for angle in angles]

    yield "ring", positions_on_ellipse(label, LABEL_RADIUS_PX * pixel_x, LABEL_RADIUS_PX * pixel_y)
    yield (
        "disc",
        [
            position
            for scale in (0.25, 0.5, 0.75)
            for position in positions_on_ellipse(
                label, scale * LABEL_RADIUS_PX * pixel_x, scale * LABEL_RADIUS_PX * pixel_y
            )
        ],
    )
    yield "leader", list(_positions_along(label, target, pixel_x, pixel_y))
    if marker.shape in AREA_SHAPES:
        rx, ry = marker.half_size
        is_circle = marker.shape == MarkerShape.CIRCLE
        yield "outline", (positions_on_ellipse if is_circle else _positions_on_box)(target, rx, ry)
    else:
        yield "tip", positions_on_ellipse(target, TIP_RADIUS_PX * pixel_x, TIP_RADIUS_PX * pixel_y)


def _positions_along(start: Position, end: Position, pixel_x: float, pixel_y: float) -> Iterator[Position]:
    """Yield both edges and the middle of a line, pixel by pixel."""
    dx, dy = (end[0] - start[0]) / pixel_x, (end[1] - start[1]) / pixel_y
    length = math.hypot(dx, dy)
    if not length:
        return
    side = (-dy / length * HALF_LINE_WIDTH_PX * pixel_x, dx / length * HALF_LINE_WIDTH_PX * pixel_y)
    steps = max(2, math.ceil(length))
    for step in range(steps + 1):
        x, y = start[0] + (end[0] - start[0]) * step / steps, start[1] + (end[1] - start[1]) * step / steps
        yield from ((x, y), (x + side[0], y + side[1]), (x - side[0], y - side[1]))


def _positions_on_box(center: Position, rx: float, ry: float) -> list[Position]:
    offsets = [step / 12 for step in range(-12, 13)]
    vertical = [(center[0] + sign * rx, center[1] + offset * ry) for sign in (-1, 1) for offset in offsets]
    return vertical + [(center[0] + offset * rx, center[1] + sign * ry) for sign in (-1, 1) for offset in offsets]


def sample_image(image: Image.Image) -> Background:
    """Return a background that looks up the pixel at a position."""
    pixels = image.convert("RGB")
    right, bottom = pixels.width - 1, pixels.height - 1

    def luminances(position: Position) -> list[float]:
        x, y = round(position[0] * right), round(position[1] * bottom)
        return [relative_luminance(*cast("tuple[int, int, int]", pixels.getpixel((x, y))))]

    return luminances


def sample_svg_colors(svg: bytes) -> Background:
    """Return a background with every color of a drawing at every position: drawings are not rasterized."""
    colors = {match[1].decode() for match in HEX_COLOR_RE.finditer(svg)}
    colors = {color if len(color) == 6 else "".join(2 * digit for digit in color) for color in colors}
    luminances = sorted(relative_luminance(*bytes.fromhex(color)) for color in colors)
    return lambda position: luminances


def load_backgrounds(figure: Figure) -> tuple[list[Background], list[str]]:
    """Load everything that a figure's markers are drawn on (image, light and dark drawing) and list missing files.

    Expects ``renditions`` to be prefetched.
    """
    jpegs = [row for row in figure.renditions.all() if row.format == "jpeg"]
    files = [min(jpegs, key=lambda row: abs(row.width - SAMPLED_WIDTH)).file] if jpegs else []
    backgrounds, missing = [], []
    for name in filter(None, (*files, figure.drawing, figure.drawing_dark)):
        try:
            backgrounds.append(_load_background(name))
        except OSError:
            missing.append(name)
    return backgrounds, missing


@lru_cache(maxsize=12)
def _load_background(name: str) -> Background:
    """Load a background. Cacheable, because file names contain a hash of the content."""
    with default_storage.open(name) as stream:
        if name.endswith(".svg"):
            return sample_svg_colors(stream.read())
        with Image.open(stream, formats=["JPEG"]) as image:
            return sample_image(image)


def check_markers(markers: Sequence[MarkerData], *, aspect: float, backgrounds: list[Background]) -> list[MarkerIssue]:
    """Return all issues by marker, blocking ones first. ``aspect``: image height divided by width."""
    issues = [*_check_distances(markers, aspect), *_check_covered_targets(markers, aspect)]
    for index, marker in enumerate(markers):
        issues += [
            *_check_edge(index, marker, aspect),
            *_check_shape(index, marker, aspect),
            *_check_contrast(index, marker, aspect, backgrounds),
        ]
    return sorted(issues, key=lambda issue: (issue.index, not issue.is_blocking))


def distance_px(one: tuple[float, float], other: tuple[float, float], aspect: float) -> float:
    """Return the distance of two positions on a phone, in CSS pixels."""
    return math.hypot((one[0] - other[0]) * PHONE_IMAGE_WIDTH_PX, (one[1] - other[1]) * PHONE_IMAGE_WIDTH_PX * aspect)


def _check_distances(markers: Sequence[MarkerData], aspect: float) -> Iterator[MarkerIssue]:
    for (first_number, first), (second_number, second) in combinations(enumerate(markers, start=1), 2):
        distance = distance_px((first.x, first.y), (second.x, second.y), aspect)
        if distance < MIN_LABEL_DISTANCE_PX:
            message = gettext("On a phone, its disc overlaps disc %(number)s. Move one of them away.")
            yield MarkerIssue(second_number - 1, message % {"number": first_number}, is_blocking=True)
        elif distance < RECOMMENDED_LABEL_DISTANCE_PX:
            message = gettext(
                "On a phone, it is close to disc %(number)s. A little more room helps an unsteady finger."
            )
            yield MarkerIssue(second_number - 1, message % {"number": first_number})


def _check_covered_targets(markers: Sequence[MarkerData], aspect: float) -> Iterator[MarkerIssue]:
    for index, marker in enumerate(markers):
        for other_index, other in enumerate(markers):
            if other.shape in AREA_SHAPES and index == other_index:
                continue
            if distance_px((marker.x, marker.y), (other.target_x, other.target_y), aspect) >= LABEL_RADIUS_PX:
                continue
            if index == other_index:
                message = gettext("On a phone, its disc covers what it points at. Move the disc aside.")
            else:
                message = gettext(
                    "On a phone, its disc covers what marker %(number)s points at. Move the disc aside."
                ) % {"number": other_index + 1}
            yield MarkerIssue(index, message)


def _check_edge(index: int, marker: MarkerData, aspect: float) -> Iterator[MarkerIssue]:
    distances = (
        min(marker.x, 1 - marker.x) * PHONE_IMAGE_WIDTH_PX,
        min(marker.y, 1 - marker.y) * PHONE_IMAGE_WIDTH_PX * aspect,
    )
    if min(distances) < LABEL_RADIUS_PX:
        yield MarkerIssue(index, gettext("On a phone, the edge of the picture cuts off its disc. Move it inward."))


def _check_shape(index: int, marker: MarkerData, aspect: float) -> Iterator[MarkerIssue]:
    if marker.shape not in AREA_SHAPES:
        return
    rx, ry = marker.half_size
    if min(rx * PHONE_IMAGE_WIDTH_PX, ry * PHONE_IMAGE_WIDTH_PX * aspect) * 2 < MIN_SHAPE_SIZE_PX:
        message = gettext("The shape is too small to be seen. Make it wider and taller.")
        yield MarkerIssue(index, message, is_blocking=True)
    margins = (marker.target_x - rx, marker.target_y - ry, 1 - marker.target_x - rx, 1 - marker.target_y - ry)
    if min(margins) < -EDGE_TOLERANCE:
        message = gettext("The shape extends past the edge of the picture. Make it smaller or move it inward.")
        yield MarkerIssue(index, message, is_blocking=True)


def _check_contrast(
    index: int, marker: MarkerData, aspect: float, backgrounds: list[Background]
) -> Iterator[MarkerIssue]:
    for result in measure_contrast(marker, backgrounds, aspect=aspect):
        if result.contrast < MIN_CONTRAST:
            values = {"contrast": f"{result.contrast:.1f}", "min": f"{MIN_CONTRAST:.0f}"}
            yield MarkerIssue(index, PART_CONTRAST_MESSAGES[result.part] % values, is_blocking=True)
