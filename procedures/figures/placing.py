"""Marks follow their picture when a part of it is cut out."""

from procedures.figures.edit import Edits
from procedures.models import Figure


def move_marks(figure: Figure, edits: Edits) -> list[str]:
    """Move and scale all marks of a saved figure; the keys of those whose target was cut off, now at the edge."""
    if edits.cut is None:
        return []
    outside = []
    for marker in figure.markers.all():
        target = edits.place(marker.target_x, marker.target_y)
        if not all(0 <= part <= 1 for part in target):
            outside.append(marker.key)
        marker.x, marker.y = map(_inside, edits.place(marker.x, marker.y))
        marker.target_x, marker.target_y = map(_inside, target)
        marker.size_x = _inside(marker.size_x / edits.cut.width)
        marker.size_y = _inside(marker.size_y / edits.cut.height)
        marker.save()
    return outside


def _inside(part: float) -> float:
    return min(1.0, max(0.0, part))
