"""The marks of a figure as plain values, and the one place that writes them."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from django.db import transaction

from procedures.enums import MarkerShape
from procedures.models import Figure, Marker, MarkerText

PLACES = ("x", "y", "target_x", "target_y", "size_x", "size_y")
# Of a part of the picture: a tenth of a pixel of the widest rendition is 0.00006.
DIGITS = 6
# Shapes with an extent of their own; the others end in a point.
WIDE = frozenset({MarkerShape.CIRCLE, MarkerShape.REGION})


class MarksChangedError(Exception):
    """Somebody else saved marks, or brought in another picture, since these were read."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a mark says in one language."""

    label: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class MarkValues:
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
    words: dict[str, Words] = field(default_factory=dict)

    @property
    def half(self) -> tuple[float, float]:
        """From the target to the edge of a circle or box, across and down; (0, 0) for a point."""
        if self.shape == MarkerShape.CIRCLE:
            return self.size_x, self.size_y or self.size_x
        return (self.size_x / 2, self.size_y / 2) if self.shape == MarkerShape.REGION else (0.0, 0.0)

    @property
    def name(self) -> str:
        """Its label in the first language that has one."""
        return next((words.label for words in self.words.values() if words.label), self.key)


def values_of(marker: Marker) -> MarkValues:
    """The values of a row. Expects ``texts`` prefetched."""
    words = {text.language: Words(text.label, text.text) for text in marker.texts.all()}
    places = {name: getattr(marker, name) for name in PLACES}
    return MarkValues(marker.key, marker.shape, **places, words=dict(sorted(words.items())))


def marks_of(figure: Figure) -> list[MarkValues]:
    """The saved marks in the order of their numbers."""
    return [values_of(marker) for marker in figure.markers.prefetch_related("texts")]


def picture_hash(figure: Figure) -> str:
    """What tells a picture from all others: the hash of its pixels, or of its lines where it has no pixels."""
    return figure.sha256 or Path(figure.drawing).stem


def version_of(figure: Figure, marks: Sequence[MarkValues]) -> str:
    """Changes whenever the marks or the picture under them change."""
    text = json.dumps([picture_hash(figure), *(asdict(rounded(mark)) for mark in marks)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def rounded(mark: MarkValues) -> MarkValues:
    """The same mark with as many digits as are kept."""
    return replace(mark, **{name: round(getattr(mark, name), DIGITS) for name in PLACES})


@transaction.atomic
def keep_marks(figure: Figure, marks: Sequence[MarkValues], *, expected: str) -> list[str]:
    """Make ``marks`` the marks of ``figure`` and return a line for each change. Rows that stay are not written.

    ``expected`` is version_of() what the writer saw; raises MarksChangedError when that is no longer what is saved.
    """
    locked = Figure.objects.select_for_update().get(pk=figure.pk)
    before = marks_of(locked)
    if version_of(locked, before) != expected:
        raise MarksChangedError
    changes = differences(before, marks)
    rows = {marker.key: marker for marker in locked.markers.prefetch_related("texts")}
    locked.markers.exclude(key__in=[mark.key for mark in marks]).delete()
    for order, mark in enumerate(marks):
        _keep(locked, rows.get(mark.key), order, mark)
    return changes


def _keep(figure: Figure, row: Marker | None, order: int, mark: MarkValues) -> None:
    marker = row or Marker(figure=figure, key=mark.key)
    old = values_of(row) if row else None
    if old is None or marker.order != order or _moved(old, mark):
        marker.order, marker.shape = order, mark.shape
        for name in PLACES:
            setattr(marker, name, getattr(mark, name))
        marker.save()
    for language, words in mark.words.items():
        if old is None or old.words.get(language) != words:
            MarkerText.objects.update_or_create(
                marker=marker, language=language, defaults={"label": words.label, "text": words.text}
            )
    marker.texts.exclude(language__in=mark.words).delete()


def _moved(old: MarkValues, new: MarkValues) -> bool:
    """A row may hold more digits than are shown; that alone is no change."""
    return replace(rounded(old), words={}) != replace(rounded(new), words={})


def differences(before: Sequence[MarkValues], after: Sequence[MarkValues]) -> list[str]:
    """What ``after`` changes, one line for each mark: “Needle: moved”. Empty when nothing."""
    old = {mark.key: mark for mark in before}
    new = {mark.key: mark for mark in after}
    lines = [f"{mark.name}: new" for mark in after if mark.key not in old]
    lines += [f"{mark.name}: deleted" for mark in before if mark.key not in new]
    for key in (key for key in new if key in old):
        if what := list(_what_changed(rounded(old[key]), rounded(new[key]))):
            lines.append(f"{new[key].name}: {', '.join(what)}")
    kept = [[key for key in one if key in old and key in new] for one in (old, new)]
    return lines + (["The numbers are in another order"] if kept[0] != kept[1] else [])


def _what_changed(old: MarkValues, new: MarkValues) -> Iterable[str]:
    def differ(*names: str) -> bool:
        return any(getattr(old, name) != getattr(new, name) for name in names)

    if differ("shape"):
        yield f"now {MarkerShape(new.shape).label.lower()}"
    if differ("x", "y"):
        yield "disc moved"
    if differ("target_x", "target_y"):
        yield "target moved"
    if old.half != new.half:
        yield "other size"
    for language in sorted({*old.words, *new.words}):
        if old.words.get(language) != new.words.get(language):
            yield f"other words ({language})"
