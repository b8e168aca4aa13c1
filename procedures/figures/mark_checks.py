"""What is wrong with the marks of a picture: what forbids saving, and what somebody should look at."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from procedures.figures.contrast import EM, LEAST, PHONE_PICTURE, RING, Backdrop, measure
from procedures.figures.marks import WIDE, MarkValues

# px on a screen of 320 px. The discs of two marks touch below the first; below the second a finger meets both.
TOUCHING = 2 * RING
APART = RING + 28
# A circle or box smaller than this is hidden by its own line.
SMALLEST = 0.8 * EM
ROUNDING = 1e-6
PARTS = {"ring": "ring", "disc": "disc", "leader": "line", "tip": "end of the line", "outline": "outline"}


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence about the mark at ``index`` (from 0); ``forbids`` says whether it may not be saved so."""

    index: int
    sentence: str
    forbids: bool = False


def notes(marks: Sequence[MarkValues], *, aspect: float, backdrops: list[Backdrop]) -> list[Note]:
    """All notes in the order of the marks, what forbids first. ``aspect``: height of the picture by its width."""
    found = [*_apart(marks, aspect), *_covered(marks, aspect)]
    for index, mark in enumerate(marks):
        found += [
            *_at_the_edge(index, mark, aspect),
            *_shape(index, mark, aspect),
            *_contrast(index, mark, aspect, backdrops),
        ]
    return sorted(found, key=lambda note: (note.index, not note.forbids))


def pixels(one: tuple[float, float], other: tuple[float, float], aspect: float) -> float:
    """How far two spots are from each other on a phone, in CSS pixels."""
    return math.hypot((one[0] - other[0]) * PHONE_PICTURE, (one[1] - other[1]) * PHONE_PICTURE * aspect)


def _apart(marks: Sequence[MarkValues], aspect: float) -> Iterator[Note]:
    for (one, first), (other, second) in combinations(enumerate(marks), 2):
        apart = pixels((first.x, first.y), (second.x, second.y), aspect)
        if apart < TOUCHING:
            yield Note(other, f"On a phone its disc lies on disc {one + 1}. Move one of them away.", forbids=True)
        elif apart < APART:
            yield Note(other, f"On a phone it is close to disc {one + 1}. A little more room helps an unsteady finger.")


def _covered(marks: Sequence[MarkValues], aspect: float) -> Iterator[Note]:
    for index, mark in enumerate(marks):
        for other, shown in enumerate(marks):
            if shown.shape in WIDE and index == other:
                continue
            if pixels((mark.x, mark.y), (shown.target_x, shown.target_y), aspect) < RING:
                what = "what it points at" if index == other else f"what mark {other + 1} points at"
                yield Note(index, f"On a phone its disc covers {what}. Move the disc aside.")


def _at_the_edge(index: int, mark: MarkValues, aspect: float) -> Iterator[Note]:
    inside = min(mark.x, 1 - mark.x) * PHONE_PICTURE, min(mark.y, 1 - mark.y) * PHONE_PICTURE * aspect
    if min(inside) < RING:
        yield Note(index, "On a phone the edge of the picture cuts its disc. Move it inwards.")


def _shape(index: int, mark: MarkValues, aspect: float) -> Iterator[Note]:
    if mark.shape not in WIDE:
        return
    rx, ry = mark.half
    if min(rx * PHONE_PICTURE, ry * PHONE_PICTURE * aspect) * 2 < SMALLEST:
        yield Note(index, "The shape is too small to be seen. Give it more width and height.", forbids=True)
    reach = (mark.target_x - rx, mark.target_y - ry, 1 - mark.target_x - rx, 1 - mark.target_y - ry)
    if min(reach) < -ROUNDING:
        yield Note(index, "The shape reaches out of the picture. Make it smaller or move it inwards.", forbids=True)


def _contrast(index: int, mark: MarkValues, aspect: float, backdrops: list[Backdrop]) -> Iterator[Note]:
    for found in measure(mark, backdrops, aspect=aspect):
        if found.contrast < LEAST:
            part = PARTS[found.part]
            yield Note(
                index, f"Its {part} hardly shows here: contrast {found.contrast:.1f}, needed is {LEAST:.0f}.", True
            )
