"""Figure markers: their representation as plain data, saving and cropping for the editor, and their checks.

The checks run at the size that markers have on a phone: overlap, edges, size, and contrast with the image. Every line
of a marker has two strokes, one light and one dark (static/css/components/markers.css); at each pixel the better one
counts. Contrast ratio and relative luminance follow WCAG 2.2.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import cast

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from PIL import Image

from procedures.branding import MIN_CONTRAST, contrast_ratio, relative_luminance
from procedures.enums import MarkerShape
from procedures.figures.redaction import Redactions
from procedures.models import Figure, Marker, MarkerText

Position = tuple[float, float]
COORDINATE_FIELDS = ("x", "y", "target_x", "target_y", "size_x", "size_y")
# Decimals of a fraction of the image: a tenth of a pixel in the widest rendition is 0.00006.
COORDINATE_DIGITS = 6
MAX_MARKERS = 20
MAX_KEY_LENGTH = 40
# Shapes that outline an area; the others mark a point.
AREA_SHAPES = frozenset({MarkerShape.CIRCLE, MarkerShape.REGION, MarkerShape.POLYGON})
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
    "ring": gettext_lazy("Its ring is hard to see here: the contrast is %(contrast)s, and at least %(min)s is needed."),
    "disc": gettext_lazy(
        "The number is hard to see here: the contrast is %(contrast)s, and at least %(min)s is needed."
    ),
    "leader": gettext_lazy(
        "Its line is hard to see here: the contrast is %(contrast)s, and at least %(min)s is needed."
    ),
    "tip": gettext_lazy(
        "The end of its line is hard to see here: the contrast is %(contrast)s, and at least %(min)s is needed."
    ),
    "outline": gettext_lazy(
        "Its outline is hard to see here: the contrast is %(contrast)s, and at least %(min)s is needed."
    ),
}

Background = Callable[[Position], list[float]]


class MarkersChangedError(Exception):
    """The markers or the image changed since the caller read them."""


@dataclass(frozen=True, slots=True)
class MarkerTextData:
    """The text of a marker in one language."""

    label: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class MarkerData:
    """One marker. Positions and sizes are fractions of the image, 0 to 1; ``texts`` are keyed by language.

    ``x`` and ``y``: the numbered label. ``target_x`` and ``target_y``: what it points at. ``size_x`` and ``size_y``:
    the radii of a circle, the full width and height of a region, or 0 for a point. ``outline``: the corners of a
    polygon, in order.
    """

    key: str
    shape: str
    x: float
    y: float
    target_x: float
    target_y: float
    size_x: float = 0.0
    size_y: float = 0.0
    texts: dict[str, MarkerTextData] = field(default_factory=dict)
    outline: tuple[Position, ...] = ()

    @property
    def half_size(self) -> tuple[float, float]:
        """The horizontal and vertical distances from the target to the edge of its area; (0, 0) for a point."""
        if self.shape == MarkerShape.CIRCLE:
            return self.size_x, self.size_y or self.size_x
        return (self.size_x / 2, self.size_y / 2) if self.shape == MarkerShape.REGION else (0.0, 0.0)

    @property
    def display_name(self) -> str:
        """The label in the first language that has one, else the key."""
        return next((text.label for text in self.texts.values() if text.label), self.key)


def to_marker_data(marker: Marker) -> MarkerData:
    """Convert a row. Expects ``texts`` to be prefetched."""
    texts = {text.language: MarkerTextData(text.label, text.text) for text in marker.texts.all()}
    coordinates = {name: getattr(marker, name) for name in COORDINATE_FIELDS}
    outline = tuple((x, y) for x, y in marker.outline)
    return MarkerData(marker.key, marker.shape, **coordinates, texts=dict(sorted(texts.items())), outline=outline)


def make_unique_key(preferred: str, texts: dict[str, MarkerTextData], number: int, taken: Iterable[str]) -> str:
    """Return a key not in ``taken``: ``preferred``, otherwise one derived from the label, otherwise a generated one
    such as ``mark-3``.
    """
    from_label = next((slug for text in texts.values() if (slug := slugify(text.label))), "")
    base = (preferred or from_label or f"mark-{number}")[: MAX_KEY_LENGTH - 3].strip("-") or f"mark-{number}"
    taken = set(taken)
    if preferred and len(preferred) <= MAX_KEY_LENGTH and preferred not in taken:
        return preferred
    return base if base not in taken else next(f"{base}-{n}" for n in range(2, 100) if f"{base}-{n}" not in taken)


def load_markers(figure: Figure) -> list[MarkerData]:
    """Return the saved markers in the order of their numbers."""
    return [to_marker_data(marker) for marker in figure.markers.prefetch_related("texts")]


def image_hash(figure: Figure) -> str:
    """Return the hash of a figure's pixels, or of its drawing if it has no pixels."""
    return figure.sha256 or Path(figure.drawing).stem


def markers_version(figure: Figure, markers: Sequence[MarkerData]) -> str:
    """Return a hash that changes when the markers or the image change, for optimistic locking."""
    state = json.dumps([image_hash(figure), *(asdict(round_coordinates(marker)) for marker in markers)], sort_keys=True)
    return hashlib.sha256(state.encode()).hexdigest()


def round_coordinates(marker: MarkerData) -> MarkerData:
    """Round the coordinates to the stored precision."""
    coordinates = {name: round(getattr(marker, name), COORDINATE_DIGITS) for name in COORDINATE_FIELDS}
    outline = tuple((round(x, COORDINATE_DIGITS), round(y, COORDINATE_DIGITS)) for x, y in marker.outline)
    return replace(marker, **coordinates, outline=outline)


@transaction.atomic
def save_markers(figure: Figure, markers: Sequence[MarkerData], *, expected_version: str) -> list[str]:
    """Replace the markers of ``figure`` and return a message for each change. Unchanged rows are not written.

    Locks the figure. Raise MarkersChangedError unless ``expected_version``, the ``markers_version`` that the caller
    read, is still current.
    """
    locked = Figure.objects.select_for_update().get(pk=figure.pk)
    before = load_markers(locked)
    if markers_version(locked, before) != expected_version:
        raise MarkersChangedError
    changes = describe_changes(before, markers)
    rows = {row.key: row for row in locked.markers.prefetch_related("texts")}
    locked.markers.exclude(key__in=[marker.key for marker in markers]).delete()
    for order, marker in enumerate(markers):
        _save_marker(locked, rows.get(marker.key), order, marker)
    return changes


def _save_marker(figure: Figure, row: Marker | None, order: int, data: MarkerData) -> None:
    marker = row or Marker(figure=figure, key=data.key)
    old = to_marker_data(row) if row else None
    if old is None or marker.order != order or _has_moved(old, data):
        marker.order, marker.shape = order, data.shape
        for name in COORDINATE_FIELDS:
            setattr(marker, name, getattr(data, name))
        marker.outline = [list(corner) for corner in data.outline]
        marker.save()
    for language, text in data.texts.items():
        if old is None or old.texts.get(language) != text:
            MarkerText.objects.update_or_create(
                marker=marker, language=language, defaults={"label": text.label, "text": text.text}
            )
    marker.texts.exclude(language__in=data.texts).delete()


def _has_moved(old: MarkerData, new: MarkerData) -> bool:
    """Compare shape and rounded coordinates: extra digits in the database are not a change."""
    return replace(round_coordinates(old), texts={}) != replace(round_coordinates(new), texts={})


def describe_changes(before: Sequence[MarkerData], after: Sequence[MarkerData]) -> list[str]:
    """Return one message for each changed marker, such as “Needle: number moved”.

    Return an empty list if nothing changed.
    """
    old = {marker.key: marker for marker in before}
    new = {marker.key: marker for marker in after}
    lines = [_("%(marker)s: new") % {"marker": marker.display_name} for marker in after if marker.key not in old]
    lines += [_("%(marker)s: deleted") % {"marker": marker.display_name} for marker in before if marker.key not in new]
    for key in (key for key in new if key in old):
        if changes := list(_describe_marker_changes(round_coordinates(old[key]), round_coordinates(new[key]))):
            lines.append(f"{new[key].display_name}: {', '.join(changes)}")
    old_order, new_order = ([key for key in keys if key in old and key in new] for keys in (old, new))
    return lines + ([_("The order of the numbers changed")] if old_order != new_order else [])


def _describe_marker_changes(old: MarkerData, new: MarkerData) -> Iterable[str]:
    def differ(*names: str) -> bool:
        return any(getattr(old, name) != getattr(new, name) for name in names)

    if differ("shape"):
        yield _("now %(shape)s") % {"shape": str(MarkerShape(new.shape).label).lower()}
    if differ("x", "y"):
        yield _("number moved")
    if differ("target_x", "target_y"):
        yield _("pointer moved")
    if old.half_size != new.half_size or old.outline != new.outline:
        yield _("size changed")
    for language in sorted({*old.texts, *new.texts}):
        if old.texts.get(language) != new.texts.get(language):
            yield _("text changed (%(language)s)") % {"language": language}


def transform_markers(figure: Figure, redactions: Redactions) -> list[str]:
    """Move and scale the markers of a saved figure after a crop.

    Return the keys of markers whose target was cropped away; they are moved to the edge.
    """
    if redactions.crop_box is None:
        return []
    cropped = []
    for marker in figure.markers.all():
        target = redactions.transform_point(marker.target_x, marker.target_y)
        if not all(0 <= value <= 1 for value in target):
            cropped.append(marker.key)
        marker.x, marker.y = map(_clamp, redactions.transform_point(marker.x, marker.y))
        marker.target_x, marker.target_y = map(_clamp, target)
        marker.size_x = _clamp(marker.size_x / redactions.crop_box.width)
        marker.size_y = _clamp(marker.size_y / redactions.crop_box.height)
        marker.outline = [[*map(_clamp, redactions.transform_point(x, y))] for x, y in marker.outline]
        marker.save()
    return cropped


def _clamp(fraction: float) -> float:
    return min(1.0, max(0.0, fraction))


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
    if marker.shape == MarkerShape.POLYGON:
        yield "outline", list(_positions_on_polygon(marker.outline))
    elif marker.shape in AREA_SHAPES:
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


def _positions_on_polygon(outline: Sequence[Position]) -> Iterator[Position]:
    for (x, y), (next_x, next_y) in zip(outline, (*outline[1:], *outline[:1]), strict=True):
        yield from ((x + (next_x - x) * step / 24, y + (next_y - y) * step / 24) for step in range(24))


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


def distance_px(a: tuple[float, float], b: tuple[float, float], aspect: float) -> float:
    """Return the distance of two positions on a phone, in CSS pixels."""
    return math.hypot((a[0] - b[0]) * PHONE_IMAGE_WIDTH_PX, (a[1] - b[1]) * PHONE_IMAGE_WIDTH_PX * aspect)


def _check_distances(markers: Sequence[MarkerData], aspect: float) -> Iterator[MarkerIssue]:
    for (first_number, first), (second_number, second) in combinations(enumerate(markers, start=1), 2):
        distance = distance_px((first.x, first.y), (second.x, second.y), aspect)
        if distance < MIN_LABEL_DISTANCE_PX:
            message = _("On a phone, this number overlaps number %(number)s. Move one of them.")
            yield MarkerIssue(second_number - 1, message % {"number": first_number}, is_blocking=True)
        elif distance < RECOMMENDED_LABEL_DISTANCE_PX:
            message = _(
                "On a phone, this number is close to number %(number)s. Leave more space, so that people with "
                "unsteady hands can tap it."
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
                message = _("On a phone, this number covers what it points to. Move the number.")
            else:
                message = _("On a phone, this number covers what marker %(number)s points to. Move the number.") % {
                    "number": other_index + 1
                }
            yield MarkerIssue(index, message)


def _check_edge(index: int, marker: MarkerData, aspect: float) -> Iterator[MarkerIssue]:
    distances = (
        min(marker.x, 1 - marker.x) * PHONE_IMAGE_WIDTH_PX,
        min(marker.y, 1 - marker.y) * PHONE_IMAGE_WIDTH_PX * aspect,
    )
    if min(distances) < LABEL_RADIUS_PX:
        yield MarkerIssue(index, _("On a phone, the edge of the picture cuts off this number. Move it inward."))


def _check_shape(index: int, marker: MarkerData, aspect: float) -> Iterator[MarkerIssue]:
    if marker.shape not in AREA_SHAPES:
        return
    if marker.shape == MarkerShape.POLYGON:
        width, height = ((max(values) - min(values)) for values in zip(*marker.outline, strict=True))
        rx, ry = width / 2, height / 2
    else:
        rx, ry = marker.half_size
    if min(rx * PHONE_IMAGE_WIDTH_PX, ry * PHONE_IMAGE_WIDTH_PX * aspect) * 2 < MIN_SHAPE_SIZE_PX:
        message = _("The shape is too small to be seen. Make it wider and taller.")
        yield MarkerIssue(index, message, is_blocking=True)
    if marker.shape == MarkerShape.POLYGON:  # its corners are inside the picture
        return
    margins = (marker.target_x - rx, marker.target_y - ry, 1 - marker.target_x - rx, 1 - marker.target_y - ry)
    if min(margins) < -EDGE_TOLERANCE:
        message = _("The shape extends past the edge of the picture. Make it smaller or move it inward.")
        yield MarkerIssue(index, message, is_blocking=True)


def _check_contrast(
    index: int, marker: MarkerData, aspect: float, backgrounds: list[Background]
) -> Iterator[MarkerIssue]:
    for result in measure_contrast(marker, backgrounds, aspect=aspect):
        if result.contrast < MIN_CONTRAST:
            values = {"contrast": f"{result.contrast:.1f}", "min": f"{MIN_CONTRAST:.0f}"}
            yield MarkerIssue(index, PART_CONTRAST_MESSAGES[result.part] % values, is_blocking=True)
