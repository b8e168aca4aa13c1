"""Which marks stand in which picture, and where: targets are model points projected like everything else."""

from dataclasses import dataclass

import numpy as np

from procedures.fluoroscopy.anatomy import BACK, FRONT, HALF_HEIGHT, PEDICLE_Y, PEDICLE_Z, upper_edge_at
from procedures.fluoroscopy.devices import needle_axis
from procedures.fluoroscopy.everyday import EVERYDAY, everyday_points
from procedures.fluoroscopy.geometry import Vector
from procedures.fluoroscopy.plain_drawings import PLAIN, plain_points
from procedures.fluoroscopy.scene import view_of
from procedures.fluoroscopy.spine import placement
from procedures.fluoroscopy.stages import BY_SLUG, Stage

Pair = tuple[float, float]


@dataclass(frozen=True)
class Mark:
    """A numbered mark: `at` its disc, `target` what it shows, `size` of a circle or region, all 0 to 1."""

    key: str
    shape: str
    at: Pair
    target: Pair
    size: Pair = (0.0, 0.0)


@dataclass(frozen=True)
class Plan:
    """A mark before projection: what it shows, where its disc may rest."""

    key: str
    shows: str
    at: Pair
    shape: str = "point"


PLANS: dict[str, tuple[Plan, ...]] = {
    "kyphoplasty-healthy": (
        Plan("vertebra", "L1", (0.14, 0.42)),
        Plan("disc", "disc below L1", (0.14, 0.62)),
        Plan("canal", "canal below L1", (0.86, 0.49)),
        Plan("spinous-process", "spinous process of L2", (0.88, 0.70)),
    ),
    "kyphoplasty-fracture": (
        Plan("break", "break", (0.15, 0.33), "arrow"),
        Plan("front", "front edge", (0.12, 0.52)),
        Plan("neighbour", "L2", (0.14, 0.72)),
        Plan("canal", "canal below L1", (0.86, 0.49)),
    ),
    "kyphoplasty-needle-entering": (
        Plan("vertebra", "front of L1", (0.14, 0.44)),
        Plan("tip", "needle tip", (0.19, 0.64), "arrow"),
        Plan("pedicle", "pedicle bridge", (0.70, 0.67)),
        Plan("needle", "needle", (0.86, 0.27)),
    ),
    "kyphoplasty-needle": (
        Plan("vertebra", "break", (0.15, 0.36)),
        Plan("tip", "needle tip", (0.14, 0.56), "arrow"),
        Plan("needle", "needle", (0.86, 0.27)),
        Plan("canal", "canal below L1", (0.86, 0.57)),
    ),
    "kyphoplasty-balloon": (
        Plan("top", "upper edge", (0.15, 0.35), "arrow"),
        Plan("balloon", "balloon", (0.13, 0.55)),
        Plan("needle", "needle", (0.86, 0.27)),
        Plan("canal", "canal below L1", (0.86, 0.57)),
    ),
    "kyphoplasty-cement-going-in": (
        Plan("vertebra", "upper edge", (0.15, 0.35)),
        Plan("cement", "cement", (0.13, 0.55), "arrow"),
        Plan("needle", "needle", (0.86, 0.27)),
        Plan("canal", "canal below L1", (0.86, 0.57)),
    ),
    "kyphoplasty-cement-done": (
        Plan("vertebra", "upper edge", (0.15, 0.35)),
        Plan("cement", "cement", (0.13, 0.55)),
        Plan("canal", "canal below L1", (0.86, 0.49)),
    ),
    "kyphoplasty-front-view": (
        Plan("rib", "rib", (0.15, 0.20)),
        Plan("pedicle", "pedicle of T12", (0.80, 0.17)),
        Plan("cement", "cement", (0.17, 0.53), "arrow"),
        Plan("spinous-process", "spinous process of L2", (0.85, 0.60)),
    ),
    "vertebroplasty-needle": (
        Plan("vertebra", "break", (0.15, 0.36)),
        Plan("tip", "needle tip", (0.14, 0.56), "arrow"),
        Plan("needle", "needle", (0.86, 0.27)),
    ),
    "vertebroplasty-cement": (
        Plan("vertebra", "break", (0.15, 0.36)),
        Plan("cement", "cement", (0.13, 0.56), "arrow"),
        Plan("needle", "needle", (0.86, 0.27)),
        Plan("canal", "canal below L1", (0.86, 0.57)),
    ),
    "drawing-healthy-and-fractured": (
        Plan("healthy", "healthy", (0.12, 0.13)),
        Plan("height", "height", (0.10, 0.85)),
        Plan("break", "break", (0.62, 0.13), "arrow"),
        Plan("front", "front", (0.57, 0.85), "arrow"),
    ),
    "drawing-nerves": (
        Plan("cord", "cord", (0.86, 0.10)),
        Plan("root", "root", (0.08, 0.26)),
        Plan("disc", "disc", (0.07, 0.46)),
        Plan("vertebra", "vertebra", (0.08, 0.66)),
        Plan("strands", "strands", (0.88, 0.92)),
    ),
    "drawing-needle-site": (
        Plan("site", "site", (0.14, 0.20)),
        Plan("clean", "clean", (0.07, 0.56), "arrow"),
        Plan("red", "red", (0.93, 0.54), "arrow"),
        Plan("wet", "wet", (0.54, 0.93), "arrow"),
    ),
    "drawing-first-days": (
        Plan("rest", "rest", (0.075, 0.075)),
        Plan("meals", "meals", (0.567, 0.075)),
        Plan("walk", "walk", (0.075, 0.567)),
        Plan("heavy", "heavy", (0.93, 0.695)),
    ),
    "drawing-safe-home": (
        Plan("light", "light", (0.27, 0.30)),
        Plan("bar", "bar", (0.70, 0.29)),
        Plan("rail", "rail", (0.16, 0.64)),
        Plan("floor", "floor", (0.49, 0.70)),
        Plan("phone", "phone", (0.675, 0.645)),
        Plan("shoes", "shoes", (0.86, 0.70)),
    ),
    "drawing-whom-to-call": (
        Plan("emergency", "emergency", (0.53, 0.072)),
        Plan("today", "today", (0.53, 0.396)),
        Plan("visit", "visit", (0.53, 0.72)),
    ),
}

_POINTS: dict[str, tuple[str, tuple[float, float, float]]] = {
    "L1": ("L1", (-2, 1, 0)),
    "front of L1": ("L1", (-9, 4, 0)),
    "L2": ("L2", (-6, 0, 0)),
    "disc below L1": ("L1", (-4, HALF_HEIGHT + 4.2, 0)),
    "canal below L1": ("L1", (BACK + 7.5, HALF_HEIGHT + 1.0, 0)),
    "spinous process of L2": ("L2", (55, 8, 0)),
    "pedicle bridge": ("L1", (24.0, PEDICLE_Y + 3.5, PEDICLE_Z)),
    "pedicle of T12": ("T12", (18, PEDICLE_Y, PEDICLE_Z)),
    "rib": ("T12", (34, 6, -68)),
}


def _local(stage: Stage, shows: str) -> tuple[str, Vector]:
    """Level and local point (mm) of what a mark shows."""
    if shows in _POINTS:
        level, point = _POINTS[shows]
        return level, np.array(point, np.float64)
    shape = stage.spine.first_lumbar
    if shows in {"break", "upper edge"}:
        x = -3.0 if shows == "break" else -7.0
        return "L1", np.array([x, upper_edge_at(x, shape) + 0.4, 0.0])
    if shows == "front edge":
        return "L1", np.array([FRONT + 0.8, (upper_edge_at(-14.0, shape) + HALF_HEIGHT) / 2, 0.0])
    return "L1", _device_point(stage, shows)


def _device_point(stage: Stage, shows: str) -> Vector:
    if shows == "needle tip" and stage.needle:
        return stage.needle.tip + needle_axis() * 1.2
    if shows == "needle" and stage.needle:
        return stage.needle.tip + needle_axis() * (78.0 - stage.needle.back)
    if shows == "balloon" and stage.balloon:
        return np.array([stage.balloon.centre[0] - 3, stage.balloon.centre[1], 0.0])
    if shows == "cement" and stage.cement:
        centre = stage.cement.centre
        return np.array([centre[0] - 3, centre[1], -centre[2] if stage.view == "front" else centre[2]])
    raise KeyError(f"{stage.slug} has no {shows}")


def _spot(slug: str, shows: str) -> Vector:
    """Where in the picture, 0 to 1, the thing lies that a mark shows."""
    if slug in EVERYDAY:
        return np.array(everyday_points(slug)[shows], np.float64)
    if slug in PLAIN:
        return plain_points(slug)[shows]
    stage = BY_SLUG[slug]
    level, point = _local(stage, shows)
    return np.asarray(view_of(stage.view, 800).project(placement(stage.spine, level).to_patient(point))[0], np.float64)


def marks_of(slug: str) -> list[Mark]:
    """The marks of one picture, in the order of their numbers."""
    found = []
    for plan in PLANS[slug]:
        x, y = (round(float(value), 4) for value in _spot(slug, plan.shows))
        found.append(Mark(plan.key, plan.shape, plan.at, (x, y)))
    return found
