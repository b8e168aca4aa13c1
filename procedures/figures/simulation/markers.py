"""The markers of each image. Targets are points of the model, projected like everything else."""

from dataclasses import dataclass

import numpy as np

from procedures.figures.simulation.anatomy import (
    BACK_X,
    FRONT_X,
    HALF_HEIGHT,
    PEDICLE_Y,
    PEDICLE_Z,
    upper_endplate_at,
    vertebra_placement,
)
from procedures.figures.simulation.drawings import STANDALONE_SLUGS, standalone_targets
from procedures.figures.simulation.geometry import Vector
from procedures.figures.simulation.illustrations import ILLUSTRATION_SLUGS, illustration_targets
from procedures.figures.simulation.imaging import make_view
from procedures.figures.simulation.stages import STAGES_BY_SLUG, Stage, needle_direction

Pair = tuple[float, float]


@dataclass(frozen=True)
class SimulatedMarker:
    """A numbered marker: ``position`` of its label, ``target``, and ``size`` of an area, all in fractions."""

    key: str
    shape: str
    position: Pair
    target: Pair
    size: Pair = (0.0, 0.0)


@dataclass(frozen=True)
class MarkerPlan:
    """A marker before projection: the name of its target, and the position of its label in fractions."""

    key: str
    target_name: str
    position: Pair
    shape: str = "point"


MARKER_PLANS: dict[str, tuple[MarkerPlan, ...]] = {
    "kyphoplasty-healthy": (
        MarkerPlan("vertebra", "L1", (0.14, 0.42)),
        MarkerPlan("disc", "disc below L1", (0.14, 0.62)),
        MarkerPlan("canal", "canal below L1", (0.86, 0.49)),
        MarkerPlan("spinous-process", "spinous process of L2", (0.88, 0.70)),
    ),
    "kyphoplasty-fracture": (
        MarkerPlan("break", "break", (0.15, 0.33), "arrow"),
        MarkerPlan("front", "front edge", (0.12, 0.52)),
        MarkerPlan("neighbour", "L2", (0.14, 0.72)),
        MarkerPlan("canal", "canal below L1", (0.86, 0.49)),
    ),
    "kyphoplasty-needle-entering": (
        MarkerPlan("vertebra", "front of L1", (0.14, 0.44)),
        MarkerPlan("tip", "needle tip", (0.19, 0.64), "arrow"),
        MarkerPlan("pedicle", "pedicle bridge", (0.70, 0.67)),
        MarkerPlan("needle", "needle", (0.86, 0.27)),
    ),
    "kyphoplasty-needle": (
        MarkerPlan("vertebra", "break", (0.15, 0.36)),
        MarkerPlan("tip", "needle tip", (0.14, 0.56), "arrow"),
        MarkerPlan("needle", "needle", (0.86, 0.27)),
        MarkerPlan("canal", "canal below L1", (0.86, 0.57)),
    ),
    "kyphoplasty-balloon": (
        MarkerPlan("top", "upper edge", (0.15, 0.35), "arrow"),
        MarkerPlan("balloon", "balloon", (0.13, 0.55)),
        MarkerPlan("needle", "needle", (0.86, 0.27)),
        MarkerPlan("canal", "canal below L1", (0.86, 0.57)),
    ),
    "kyphoplasty-cement-going-in": (
        MarkerPlan("vertebra", "upper edge", (0.15, 0.35)),
        MarkerPlan("cement", "cement", (0.13, 0.55), "arrow"),
        MarkerPlan("needle", "needle", (0.86, 0.27)),
        MarkerPlan("canal", "canal below L1", (0.86, 0.57)),
    ),
    "kyphoplasty-cement-done": (
        MarkerPlan("vertebra", "upper edge", (0.15, 0.35)),
        MarkerPlan("cement", "cement", (0.13, 0.55)),
        MarkerPlan("canal", "canal below L1", (0.86, 0.49)),
    ),
    "kyphoplasty-front-view": (
        MarkerPlan("rib", "rib", (0.15, 0.20)),
        MarkerPlan("pedicle", "pedicle of T12", (0.80, 0.17)),
        MarkerPlan("cement", "cement", (0.17, 0.53), "arrow"),
        MarkerPlan("spinous-process", "spinous process of L2", (0.85, 0.60)),
    ),
    "vertebroplasty-needle": (
        MarkerPlan("vertebra", "break", (0.15, 0.36)),
        MarkerPlan("tip", "needle tip", (0.14, 0.56), "arrow"),
        MarkerPlan("needle", "needle", (0.86, 0.27)),
    ),
    "vertebroplasty-cement": (
        MarkerPlan("vertebra", "break", (0.15, 0.36)),
        MarkerPlan("cement", "cement", (0.13, 0.56), "arrow"),
        MarkerPlan("needle", "needle", (0.86, 0.27)),
        MarkerPlan("canal", "canal below L1", (0.86, 0.57)),
    ),
    "drawing-healthy-and-fractured": (
        MarkerPlan("healthy", "healthy", (0.12, 0.13)),
        MarkerPlan("height", "height", (0.10, 0.85)),
        MarkerPlan("break", "break", (0.62, 0.13), "arrow"),
        MarkerPlan("front", "front", (0.57, 0.85), "arrow"),
    ),
    "drawing-nerves": (
        MarkerPlan("cord", "cord", (0.86, 0.10)),
        MarkerPlan("root", "root", (0.08, 0.26)),
        MarkerPlan("disc", "disc", (0.07, 0.46)),
        MarkerPlan("vertebra", "vertebra", (0.08, 0.66)),
        MarkerPlan("strands", "strands", (0.88, 0.92)),
    ),
    "drawing-needle-site": (
        MarkerPlan("site", "site", (0.14, 0.20)),
        MarkerPlan("clean", "clean", (0.07, 0.56), "arrow"),
        MarkerPlan("red", "red", (0.93, 0.54), "arrow"),
        MarkerPlan("wet", "wet", (0.54, 0.93), "arrow"),
    ),
    "drawing-first-days": (
        MarkerPlan("rest", "rest", (0.075, 0.075)),
        MarkerPlan("meals", "meals", (0.567, 0.075)),
        MarkerPlan("walk", "walk", (0.075, 0.567)),
        MarkerPlan("heavy", "heavy", (0.93, 0.695)),
    ),
    "drawing-safe-home": (
        MarkerPlan("light", "light", (0.27, 0.30)),
        MarkerPlan("bar", "bar", (0.70, 0.29)),
        MarkerPlan("rail", "rail", (0.16, 0.64)),
        MarkerPlan("floor", "floor", (0.49, 0.70)),
        MarkerPlan("phone", "phone", (0.675, 0.645)),
        MarkerPlan("shoes", "shoes", (0.86, 0.70)),
    ),
    "drawing-whom-to-call": (
        MarkerPlan("emergency", "emergency", (0.53, 0.072)),
        MarkerPlan("today", "today", (0.53, 0.396)),
        MarkerPlan("visit", "visit", (0.53, 0.72)),
    ),
}

_TARGET_POINTS: dict[str, tuple[str, tuple[float, float, float]]] = {
    "L1": ("L1", (-2, 1, 0)),
    "front of L1": ("L1", (-9, 4, 0)),
    "L2": ("L2", (-6, 0, 0)),
    "disc below L1": ("L1", (-4, HALF_HEIGHT + 4.2, 0)),
    "canal below L1": ("L1", (BACK_X + 7.5, HALF_HEIGHT + 1.0, 0)),
    "spinous process of L2": ("L2", (55, 8, 0)),
    "pedicle bridge": ("L1", (24.0, PEDICLE_Y + 3.5, PEDICLE_Z)),
    "pedicle of T12": ("T12", (18, PEDICLE_Y, PEDICLE_Z)),
    "rib": ("T12", (34, 6, -68)),
}


def _local_target(stage: Stage, target_name: str) -> tuple[str, Vector]:
    """Return the level and the local point (mm) of a target."""
    if target_name in _TARGET_POINTS:
        level, point = _TARGET_POINTS[target_name]
        return level, np.array(point, np.float64)
    shape = stage.spine.l1_shape
    if target_name in {"break", "upper edge"}:
        x = -3.0 if target_name == "break" else -7.0
        return "L1", np.array([x, upper_endplate_at(x, shape) + 0.4, 0.0])
    if target_name == "front edge":
        return "L1", np.array([FRONT_X + 0.8, (upper_endplate_at(-14.0, shape) + HALF_HEIGHT) / 2, 0.0])
    return "L1", _device_point(stage, target_name)


def _device_point(stage: Stage, target_name: str) -> Vector:
    if target_name == "needle tip" and stage.needle:
        return stage.needle.tip + needle_direction() * 1.2
    if target_name == "needle" and stage.needle:
        return stage.needle.tip + needle_direction() * (78.0 - stage.needle.retraction)
    if target_name == "balloon" and stage.balloon:
        return np.array([stage.balloon.center[0] - 3, stage.balloon.center[1], 0.0])
    if target_name == "cement" and stage.cement:
        center = stage.cement.center
        return np.array([center[0] - 3, center[1], -center[2] if stage.view == "front" else center[2]])
    raise KeyError(f"{stage.slug} has no {target_name}")


def _project_target(slug: str, target_name: str) -> Vector:
    """Return the image position of a target, in fractions."""
    if slug in ILLUSTRATION_SLUGS:
        return np.array(illustration_targets(slug)[target_name], np.float64)
    if slug in STANDALONE_SLUGS:
        return standalone_targets(slug)[target_name]
    stage = STAGES_BY_SLUG[slug]
    level, point = _local_target(stage, target_name)
    return np.asarray(
        make_view(stage.view, 800).project(vertebra_placement(stage.spine, level).to_patient(point))[0], np.float64
    )


def compute_markers(slug: str) -> list[SimulatedMarker]:
    """Return the markers of one image in the order of their numbers."""
    markers = []
    for plan in MARKER_PLANS[slug]:
        x, y = (round(float(value), 4) for value in _project_target(slug, plan.target_name))
        markers.append(SimulatedMarker(plan.key, plan.shape, plan.position, (x, y)))
    return markers
