"""Outlines of every structure as the X-ray sees them, for the line drawings: the same model, the same view."""

import itertools
from collections.abc import Callable

import numpy as np

from procedures.fluoroscopy import surroundings
from procedures.fluoroscopy.anatomy import (
    BACK,
    FRONT,
    HALF_HEIGHT,
    HIGH,
    LOW,
    PEDICLE_Y,
    PEDICLE_Z,
    Shape,
    arch,
    body,
    lower_edge,
    spinous,
    upper_edge,
)
from procedures.fluoroscopy.contours import smooth_outlines
from procedures.fluoroscopy.geometry import Array, Vector
from procedures.fluoroscopy.projection import Solid, View, outlines
from procedures.fluoroscopy.spine import LEVELS, Spine, placement
from procedures.fluoroscopy.stages import Stage

Part = Callable[[Array, Array, Array, Shape], Array]
CANAL_X = BACK + 8.2  # middle of the spinal canal behind the body, mm


def body_field(view: View, spine: Spine, level: str) -> Array:
    """Distance map of a vertebral body, (size, size) in mm."""
    return _field(view, spine, level, body)


def arch_field(view: View, spine: Spine, level: str) -> Array:
    """Distance map of everything behind a body."""
    return _field(view, spine, level, arch)


def _field(view: View, spine: Spine, level: str, part: Part) -> Array:
    shape = spine.shape(level)
    low, high = (LOW, HIGH) if part is arch else ((-22, -17, -25), (22, 17, 25))
    solid = Solid(placement(spine, level), low, high, lambda x, y, z: (part(x, y, z, shape),))
    return np.asarray(outlines(view, solid)[0], np.float32)


def disc(view: View, spine: Spine, upper: str, lower: str) -> Vector:
    """Outline (n, 2) of the disc between two levels, in the plane of the spine, slightly bulging."""
    x = np.linspace(FRONT + 0.6, BACK - 0.8, 9)
    zero = np.zeros_like(x)
    above = np.column_stack([x, lower_edge(x.astype(np.float32), zero.astype(np.float32)), zero])
    shape = spine.shape(lower)
    below = np.column_stack([x, upper_edge(x.astype(np.float32), zero.astype(np.float32), shape), zero])
    top = placement(spine, upper).to_patient(above)
    bottom = placement(spine, lower).to_patient(below)[::-1]
    back = (top[-1:] + bottom[:1]) / 2 + np.array([[1.4, 0, 0]])
    front = (top[:1] + bottom[-1:]) / 2 - np.array([[1.6, 0, 0]])
    return view.project(np.vstack([top, back, bottom, front]))


def disc_front(view: View, spine: Spine, upper: str, lower: str) -> Vector:
    """Outline (n, 2) of the same disc as a front view shows it."""
    z = np.linspace(-18.5, 18.5, 3)
    zero = np.zeros_like(z)
    above = np.column_stack([zero, lower_edge(zero.astype(np.float32), z.astype(np.float32)), z])
    edge = upper_edge(zero.astype(np.float32), z.astype(np.float32), spine.shape(lower))
    top = placement(spine, upper).to_patient(above)
    bottom = placement(spine, lower).to_patient(np.column_stack([zero, edge, z]))[::-1]
    bulge = np.array([[0, 0, 1.6]])
    right, left = (top[-1:] + bottom[:1]) / 2 + bulge, (top[:1] + bottom[-1:]) / 2 - bulge
    return view.project(np.vstack([top, right, bottom, left]))


def eyes(view: View, spine: Spine, level: str) -> list[Vector]:
    """The two pedicles of a level seen end on: ovals (8, 2)."""
    around = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    y, z = PEDICLE_Y + 6.3 * np.sin(around), 4.4 * np.cos(around)
    place = placement(spine, level)
    sides = (np.column_stack([np.full(8, 18.0), y, z + side * PEDICLE_Z]) for side in (-1, 1))
    return [view.project(place.to_patient(points)) for points in sides]


def spinous_outline(view: View, spine: Spine, level: str) -> list[Vector]:
    """Outline of a spinous process alone, for the front view, where it stands out from its arch."""
    shape = spine.shape(level)

    def distances(x: Array, y: Array, z: Array) -> tuple[Array]:
        return (spinous(x, y, np.abs(z), shape),)

    solid = Solid(placement(spine, level), (32, -8, -8), HIGH, distances)
    return smooth_outlines(np.asarray(outlines(view, solid)[0], np.float32), 0.0022)


def canal(view: View, spine: Spine, half_mm: float) -> Vector:
    """Outline (n, 2) of a band `half_mm` wide to either side of the middle of the spinal canal."""
    middle = []
    for level in LEVELS:
        ends = np.array([[CANAL_X, -HALF_HEIGHT, 0], [CANAL_X, HALF_HEIGHT, 0]])
        middle.append(placement(spine, level).to_patient(ends).mean(axis=0))
    line = np.array(middle)
    aside = np.array([[half_mm, 0, 0]])
    return view.project(np.vstack([line + aside, (line - aside)[::-1]]))


def discs(view: View, spine: Spine, *, front: bool = False) -> list[Vector]:
    """Every disc between the levels of the patient."""
    one = disc_front if front else disc
    return [one(view, spine, upper, lower) for upper, lower in itertools.pairwise(LEVELS)]


def ribs(view: View, spine: Spine, level: str) -> list[Vector]:
    """Outlines of both ribs of T11 or T12."""
    points = {"T11": surroundings.RIB_11, "T12": surroundings.RIB_12}[level]
    solid = surroundings.rib_solid(placement(spine, level), points)
    return smooth_outlines(np.asarray(outlines(view, solid, step=2)[0], np.float32), 0.0016)


def device_outlines(view: View, stage: Stage) -> dict[str, list[Vector]]:
    """Outlines of cement, balloon and needle of a stage, by name, in drawing order."""
    place = placement(stage.spine, "L1")
    found: dict[str, list[Vector]] = {}
    if stage.cement:
        mass = outlines(view, stage.cement.solid(place, stage.spine.first_lumbar), step=0.7)[0]
        found["cement"] = smooth_outlines(np.asarray(mass, np.float32), 0.0013)
    if stage.balloon:
        full, metal = outlines(view, stage.balloon.solid(place), step=0.5)
        found["balloon"] = smooth_outlines(np.asarray(full, np.float32), 0.0005)
        found["metal"] = smooth_outlines(np.asarray(metal, np.float32), 0.0006, 1e-5)
    if stage.needle:
        outer = outlines(view, stage.needle.solid(place), step=0.3)[0]
        found["needle"] = smooth_outlines(np.asarray(outer, np.float32), 0.0004)
    return found
