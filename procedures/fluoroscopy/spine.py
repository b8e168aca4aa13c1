"""The patient: which vertebrae stand where. Patient mm: x to the back, y to the feet, z to the left; L1 at 0."""

from dataclasses import dataclass

import numpy as np

from procedures.fluoroscopy.anatomy import BACK, HALF_HEIGHT, HIGH, LOW, Shape, bone
from procedures.fluoroscopy.geometry import Array, Vector, rotation
from procedures.fluoroscopy.projection import Placement, Solid

LEVELS = ("T10", "T11", "T12", "L1", "L2", "L3", "L4")
SCALES = (0.86, 0.90, 0.95, 1.0, 1.03, 1.06, 1.08)
# Degrees the long axis of each vertebra leans forward going down; the bend from the chest's to the loin's curve.
LEANS = (1.0, 3.5, 5.5, 5.0, 2.0, -3.0, -9.0)
# Small tilts to the side and about the long axis, as no patient lies perfectly straight.
TILTS = (1.2, 0.8, -0.6, 0.5, 1.0, -0.8, -1.0)
TURNS = (1.5, 1.0, 0.5, -0.7, -1.0, 0.4, 0.8)
DISCS = (5.0, 5.8, 7.2, 7.8, 8.6, 9.8)

HEALTHY = Shape()
FRACTURED = Shape(wedge=6.3, step=2.2, buckle=1.4, crushed=5.0)
RESTORED = Shape(wedge=1.7, step=0.8, buckle=0.9, crushed=2.5)
THORACIC = Shape(thoracic=True)


@dataclass(frozen=True)
class Spine:
    """One state of the spine: the shape of L1 and how many degrees everything above it has tipped forward."""

    name: str
    first_lumbar: Shape
    tipped: float

    def shape(self, level: str) -> Shape:
        """The shape of a vertebra."""
        if level == "L1":
            return self.first_lumbar
        return THORACIC if level.startswith("T1") and level != "T12" else HEALTHY


HEALTHY_SPINE = Spine("healthy", HEALTHY, 0.0)
FRACTURED_SPINE = Spine("fractured", FRACTURED, 7.0)
RESTORED_SPINE = Spine("restored", RESTORED, 2.0)


def _standing() -> dict[str, Placement]:
    """Every vertebra of the healthy spine, chained up and down from L1 through its discs."""
    turns = [rotation(a, b, c) for a, b, c in zip(LEANS, TILTS, TURNS, strict=True)]
    bends = [rotation(a) for a in LEANS]
    down = [bends[n] @ np.array([0, HALF_HEIGHT * SCALES[n], 0]) for n in range(len(LEVELS))]
    centres: dict[int, Vector] = {3: np.zeros(3)}
    for n in range(3, len(LEVELS) - 1):
        gap = rotation((LEANS[n] + LEANS[n + 1]) / 2) @ np.array([0, DISCS[n], 0])
        centres[n + 1] = centres[n] + down[n] + gap + down[n + 1]
    for n in range(3, 0, -1):
        gap = rotation((LEANS[n] + LEANS[n - 1]) / 2) @ np.array([0, DISCS[n - 1], 0])
        centres[n - 1] = centres[n] - down[n] - gap - down[n - 1]
    return {level: Placement(centres[n], turns[n], SCALES[n]) for n, level in enumerate(LEVELS)}


STANDING = _standing()


def placement(spine: Spine, level: str) -> Placement:
    """Where a vertebra stands: those above L1 tip about the upper back corner of its body."""
    place = STANDING[level]
    if not spine.tipped or level.startswith("L"):
        return place
    hinge = STANDING["L1"].to_patient(np.array([[BACK, -HALF_HEIGHT - 2, 0]]))[0]
    tip = rotation(-spine.tipped)
    return Placement(hinge + tip @ (place.centre - hinge), tip @ place.turn, place.scale)


def vertebra(spine: Spine, level: str) -> Solid:
    """The solid of one vertebra: whole bone, spongy inside, crushed band."""
    shape = spine.shape(level)

    def distances(x: Array, y: Array, z: Array) -> tuple[Array, Array, Array]:
        return bone(x, y, z, shape)

    return Solid(placement(spine, level), LOW, HIGH, distances, 3)
