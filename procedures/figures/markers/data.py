"""Markers of a figure as plain data, and the only code that saves them."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from procedures.enums import MarkerShape
from procedures.figures.redaction import Redactions
from procedures.models import Figure, Marker, MarkerText

COORDINATE_FIELDS = ("x", "y", "target_x", "target_y", "size_x", "size_y")
# Decimals of a fraction of the image: a tenth of a pixel in the widest rendition is 0.00006.
COORDINATE_DIGITS = 6
# Shapes that outline an area; the others point at a spot.
AREA_SHAPES = frozenset({MarkerShape.CIRCLE, MarkerShape.REGION})


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
    the radii of a circle, the full width and height of a region, or 0 for a point.
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
        """Horizontal and vertical distance from the target to the edge of its area; (0, 0) for a point."""
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
    return MarkerData(marker.key, marker.shape, **coordinates, texts=dict(sorted(texts.items())))


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
    return replace(marker, **{name: round(getattr(marker, name), COORDINATE_DIGITS) for name in COORDINATE_FIELDS})


@transaction.atomic
def save_markers(figure: Figure, markers: Sequence[MarkerData], *, expected_version: str) -> list[str]:
    """Replace the markers of ``figure`` and return a message for each change. Unchanged rows are not written.

    Locks the figure. Raises MarkersChangedError unless ``expected_version``, the ``markers_version`` that the caller
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
    """Return one message for each changed marker, such as “Needle: disc moved”; empty if nothing changed."""
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
        yield _("disc moved")
    if differ("target_x", "target_y"):
        yield _("target moved")
    if old.half_size != new.half_size:
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
        marker.save()
    return cropped


def _clamp(fraction: float) -> float:
    return min(1.0, max(0.0, fraction))
