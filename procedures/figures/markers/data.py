"""The marks of a figure as plain values, and the one place that writes them."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from django.db import transaction

from procedures.enums import MarkerShape
from procedures.figures.redaction import Redactions
from procedures.models import Figure, Marker, MarkerText

COORDINATE_FIELDS = ("x", "y", "target_x", "target_y", "size_x", "size_y")
# Of a part of the picture: a tenth of a pixel of the widest rendition is 0.00006.
COORDINATE_DIGITS = 6
# Shapes with an extent of their own; the others end in a point.
AREA_SHAPES = frozenset({MarkerShape.CIRCLE, MarkerShape.REGION})


class MarkersChangedError(Exception):
    """Somebody else saved marks, or brought in another picture, since these were read."""


@dataclass(frozen=True, slots=True)
class MarkerTextData:
    """What a mark says in one language."""

    label: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class MarkerData:
    """One mark; places and sizes are parts of the picture's width and height, 0 to 1. ``words`` go by language.

    ``size_x`` and ``size_y`` are radii of a circle, the whole width and height of a box, and 0 for a point.
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

    @property
    def half_size(self) -> tuple[float, float]:
        """From the target to the edge of a circle or box, across and down; (0, 0) for a point."""
        if self.shape == MarkerShape.CIRCLE:
            return self.size_x, self.size_y or self.size_x
        return (self.size_x / 2, self.size_y / 2) if self.shape == MarkerShape.REGION else (0.0, 0.0)

    @property
    def display_name(self) -> str:
        """Its label in the first language that has one."""
        return next((words.label for words in self.texts.values() if words.label), self.key)


def to_marker_data(marker: Marker) -> MarkerData:
    """The values of a row. Expects ``texts`` prefetched."""
    words = {text.language: MarkerTextData(text.label, text.text) for text in marker.texts.all()}
    places = {name: getattr(marker, name) for name in COORDINATE_FIELDS}
    return MarkerData(marker.key, marker.shape, **places, texts=dict(sorted(words.items())))


def load_markers(figure: Figure) -> list[MarkerData]:
    """The saved marks in the order of their numbers."""
    return [to_marker_data(marker) for marker in figure.markers.prefetch_related("texts")]


def image_hash(figure: Figure) -> str:
    """What tells a picture from all others: the hash of its pixels, or of its lines where it has no pixels."""
    return figure.sha256 or Path(figure.drawing).stem


def markers_version(figure: Figure, markers: Sequence[MarkerData]) -> str:
    """Changes whenever the marks or the picture under them change."""
    text = json.dumps([image_hash(figure), *(asdict(round_coordinates(mark)) for mark in markers)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def round_coordinates(marker: MarkerData) -> MarkerData:
    """The same mark with as many digits as are kept."""
    return replace(marker, **{name: round(getattr(marker, name), COORDINATE_DIGITS) for name in COORDINATE_FIELDS})


@transaction.atomic
def save_markers(figure: Figure, markers: Sequence[MarkerData], *, expected_version: str) -> list[str]:
    """Make ``marks`` the marks of ``figure`` and return a line for each change. Rows that stay are not written.

    ``expected`` is version_of() what the writer saw; raises MarksChangedError when that is no longer what is saved.
    """
    locked = Figure.objects.select_for_update().get(pk=figure.pk)
    before = load_markers(locked)
    if markers_version(locked, before) != expected_version:
        raise MarkersChangedError
    changes = describe_changes(before, markers)
    rows = {marker.key: marker for marker in locked.markers.prefetch_related("texts")}
    locked.markers.exclude(key__in=[mark.key for mark in markers]).delete()
    for order, mark in enumerate(markers):
        _save_marker(locked, rows.get(mark.key), order, mark)
    return changes


def _save_marker(figure: Figure, row: Marker | None, order: int, data: MarkerData) -> None:
    marker = row or Marker(figure=figure, key=data.key)
    old = to_marker_data(row) if row else None
    if old is None or marker.order != order or _has_moved(old, data):
        marker.order, marker.shape = order, data.shape
        for name in COORDINATE_FIELDS:
            setattr(marker, name, getattr(data, name))
        marker.save()
    for language, words in data.texts.items():
        if old is None or old.texts.get(language) != words:
            MarkerText.objects.update_or_create(
                marker=marker, language=language, defaults={"label": words.label, "text": words.text}
            )
    marker.texts.exclude(language__in=data.texts).delete()


def _has_moved(old: MarkerData, new: MarkerData) -> bool:
    """A row may hold more digits than are shown; that alone is no change."""
    return replace(round_coordinates(old), texts={}) != replace(round_coordinates(new), texts={})


def describe_changes(before: Sequence[MarkerData], after: Sequence[MarkerData]) -> list[str]:
    """What ``after`` changes, one line for each mark: “Needle: moved”. Empty when nothing."""
    old = {mark.key: mark for mark in before}
    new = {mark.key: mark for mark in after}
    lines = [f"{mark.display_name}: new" for mark in after if mark.key not in old]
    lines += [f"{mark.display_name}: deleted" for mark in before if mark.key not in new]
    for key in (key for key in new if key in old):
        if what := list(_describe_marker_changes(round_coordinates(old[key]), round_coordinates(new[key]))):
            lines.append(f"{new[key].display_name}: {', '.join(what)}")
    kept = [[key for key in one if key in old and key in new] for one in (old, new)]
    return lines + (["The numbers are in another order"] if kept[0] != kept[1] else [])


def _describe_marker_changes(old: MarkerData, new: MarkerData) -> Iterable[str]:
    def differ(*names: str) -> bool:
        return any(getattr(old, name) != getattr(new, name) for name in names)

    if differ("shape"):
        yield f"now {MarkerShape(new.shape).label.lower()}"
    if differ("x", "y"):
        yield "disc moved"
    if differ("target_x", "target_y"):
        yield "target moved"
    if old.half_size != new.half_size:
        yield "other size"
    for language in sorted({*old.texts, *new.texts}):
        if old.texts.get(language) != new.texts.get(language):
            yield f"other words ({language})"


def transform_markers(figure: Figure, redactions: Redactions) -> list[str]:
    """Move and scale all marks of a saved figure; the keys of those whose target was cut off, now at the edge."""
    if redactions.crop_box is None:
        return []
    outside = []
    for marker in figure.markers.all():
        target = redactions.transform_point(marker.target_x, marker.target_y)
        if not all(0 <= part <= 1 for part in target):
            outside.append(marker.key)
        marker.x, marker.y = map(_clamp, redactions.transform_point(marker.x, marker.y))
        marker.target_x, marker.target_y = map(_clamp, target)
        marker.size_x = _clamp(marker.size_x / redactions.crop_box.width)
        marker.size_y = _clamp(marker.size_y / redactions.crop_box.height)
        marker.save()
    return outside


def _clamp(fraction: float) -> float:
    return min(1.0, max(0.0, fraction))
