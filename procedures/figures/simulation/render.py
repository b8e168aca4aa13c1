"""Renders the whole set (masters, drawings, and markers) and compares the committed files with it.

The targets of markers are points of the model, projected like everything else.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from procedures.figures.simulation.anatomy import (
    BACK_X,
    FRONT_X,
    HALF_HEIGHT,
    PEDICLE_Y,
    PEDICLE_Z,
    STAGES,
    STAGES_BY_SLUG,
    Stage,
    needle_direction,
    upper_endplate_at,
    vertebra_placement,
)
from procedures.figures.simulation.drawings import DRAWING_SLUGS, STANDALONE_SLUGS, render_drawing, standalone_targets
from procedures.figures.simulation.geometry import Array, Vector
from procedures.figures.simulation.illustrations import ILLUSTRATION_SLUGS, illustration_targets
from procedures.figures.simulation.imaging import Scene, apply_display, display_window, intensifier_tone, make_view
from procedures.importing.content_files import dump_yaml
from procedures.importing.figure_serializers import DRAWING_SUFFIXES

Pair = tuple[float, float]
MASTER_SIZE = 1600
CHECK_SIZE = 320
MAX_MASTER_BYTES = 1_200_000
MAX_DRAWING_BYTES = 12_000
# Mean difference in gray levels of 255. Encoders and processors may differ, but the model may not.
MAX_MEAN_DIFFERENCE = 3.0


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
    "drawing-saddle-area": (
        MarkerPlan("front", "front", (0.08, 0.33)),
        MarkerPlan("back", "back", (0.92, 0.33)),
        MarkerPlan("thighs", "thighs", (0.92, 0.66)),
        MarkerPlan("legs", "legs", (0.08, 0.66)),
    ),
    "drawing-log-roll": (
        MarkerPlan("bend", "bend", (0.075, 0.075)),
        MarkerPlan("roll", "roll", (0.567, 0.075)),
        MarkerPlan("push", "push", (0.075, 0.567)),
        MarkerPlan("sit", "sit", (0.567, 0.567)),
    ),
    "drawing-safe-moves": (
        MarkerPlan("knees", "knees", (0.075, 0.075)),
        MarkerPlan("waist", "waist", (0.567, 0.075)),
        MarkerPlan("turn", "turn", (0.075, 0.567)),
        MarkerPlan("crunch", "crunch", (0.567, 0.567)),
    ),
    "drawing-cement-leak": (
        MarkerPlan("inside", "inside", (0.12, 0.90)),
        MarkerPlan("beside", "beside", (0.08, 0.42)),
        MarkerPlan("nerve", "nerve", (0.90, 0.92)),
        MarkerPlan("lung", "lung", (0.38, 0.12)),
    ),
    "drawing-three-choices": (
        MarkerPlan("care", "care", (0.075, 0.085)),
        MarkerPlan("needle", "needle", (0.075, 0.41)),
        MarkerPlan("balloon", "balloon", (0.075, 0.735)),
    ),
    "drawing-get-ready": (
        MarkerPlan("list", "list", (0.075, 0.075)),
        MarkerPlan("plan", "plan", (0.567, 0.075)),
        MarkerPlan("food", "food", (0.075, 0.567)),
        MarkerPlan("ride", "ride", (0.567, 0.567)),
    ),
    "drawing-calcium-day": (
        MarkerPlan("milk", "milk", (0.075, 0.075)),
        MarkerPlan("yogurt", "yogurt", (0.567, 0.075)),
        MarkerPlan("cheese", "cheese", (0.075, 0.567)),
        MarkerPlan("other-foods", "other-foods", (0.567, 0.567)),
    ),
    "drawing-what-to-bring": (
        MarkerPlan("list", "list", (0.075, 0.075)),
        MarkerPlan("scans", "scans", (0.567, 0.075)),
        MarkerPlan("cards", "cards", (0.075, 0.567)),
        MarkerPlan("person", "person", (0.567, 0.567)),
    ),
    "drawing-three-questions": (
        MarkerPlan("box", "box", (0.08, 0.08)),
        MarkerPlan("star", "star", (0.92, 0.08)),
        MarkerPlan("pen", "pen", (0.92, 0.92)),
    ),
    "drawing-page-review": (
        MarkerPlan("write", "write", (0.08, 0.08)),
        MarkerPlan("read", "read", (0.92, 0.08)),
        MarkerPlan("approve", "approve", (0.20, 0.90)),
    ),
    "drawing-on-the-table": (
        MarkerPlan("you", "you", (0.29, 0.77)),
        MarkerPlan("machine", "machine", (0.42, 0.10)),
        MarkerPlan("screen", "screen", (0.92, 0.45)),
        MarkerPlan("nurse", "nurse", (0.07, 0.16)),
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


class StageRenderer:
    """Renders images of one size, caching what stages share."""

    def __init__(self, size: int) -> None:
        self.scene = Scene(size)
        self._window = lru_cache(maxsize=None)(self._compute_window)

    def _compute_window(self, view: str) -> tuple[float, float]:
        healthy = replace(STAGES_BY_SLUG["kyphoplasty-healthy"], view=view)
        return display_window(intensifier_tone(self.scene.primary_transmission(healthy), None))

    def render(self, stage: Stage, *, with_grain: bool = True) -> Array:
        """Return the image of a stage, 0 black to 1 white, shape (size, size)."""
        tone = intensifier_tone(self.scene.primary_transmission(stage), stage.seed if with_grain else None)
        return apply_display(tone, self._window(stage.view))


def encode_master(picture: Array) -> bytes:
    """Encode the master as high-quality WebP, 8-bit gray."""
    gray = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    with io.BytesIO() as out:
        Image.fromarray(gray).convert("RGB").save(out, format="WEBP", quality=94, method=6)
        return out.getvalue()


def update_marker_positions(slug: str, figure: dict[str, Any]) -> dict[str, Any]:
    """Return a figure's content data with marker positions from the model. Texts and other markers are unchanged."""
    simulated = {marker.key: marker for marker in compute_markers(slug)}
    markers = []
    for marker in figure["markers"]:
        new = simulated.get(marker["key"])
        geometry = {"at": list(new.position), "target": list(new.target), "size": list(new.size)} if new else {}
        markers.append({**marker, **geometry})
    return {**figure, "markers": markers}


def render_all(out_dir: Path, *, progress: Callable[[str], None]) -> None:
    """Write all images, drawings, and marker positions to ``out_dir``. Takes about two minutes."""
    out_dir.mkdir(parents=True, exist_ok=True)
    render_drawings(out_dir)
    renderer = StageRenderer(MASTER_SIZE)
    for stage in STAGES:
        (out_dir / f"{stage.slug}.webp").write_bytes(encode_master(renderer.render(stage)))
        progress(f"{stage.slug}.webp")


def render_drawings(out_dir: Path) -> None:
    """Write only the line drawings and marker positions. Takes seconds."""
    for slug in DRAWING_SLUGS:
        for dark, suffix in DRAWING_SUFFIXES.items():
            (out_dir / f"{slug}{suffix}").write_text(render_drawing(slug, is_dark=dark), encoding="utf-8")
        content_file = out_dir / f"{slug}.yaml"
        if content_file.exists():
            figure = yaml.safe_load(content_file.read_text(encoding="utf-8"))
            content_file.write_text(dump_yaml(update_marker_positions(slug, figure)), encoding="utf-8")


def check_all(out_dir: Path) -> list[str]:
    """Return a message for each file in ``out_dir`` that is missing, too large, or differs from the model."""
    problems = [problem for slug in DRAWING_SLUGS for problem in _check_drawing(out_dir, slug)]
    renderer = StageRenderer(CHECK_SIZE)
    for stage in STAGES:
        problems += _check_master(out_dir / f"{stage.slug}.webp", renderer.render(stage, with_grain=False))
    return problems


def _check_drawing(out_dir: Path, slug: str) -> list[str]:
    problems = []
    for dark, suffix in DRAWING_SUFFIXES.items():
        name = f"{slug}{suffix}"
        file, expected = out_dir / name, render_drawing(slug, is_dark=dark)
        if not file.exists():
            problems.append(f"{name}: missing")
        elif file.read_text(encoding="utf-8") != expected:
            problems.append(f"{name}: differs from the model")
        if len(expected.encode()) > MAX_DRAWING_BYTES:
            problems.append(f"{name}: larger than {MAX_DRAWING_BYTES} bytes")
    content_file = out_dir / f"{slug}.yaml"
    if not content_file.exists():
        return [*problems, f"{slug}.yaml: missing"]
    text = content_file.read_text(encoding="utf-8")
    if text != dump_yaml(update_marker_positions(slug, yaml.safe_load(text))):
        problems.append(f"{slug}.yaml: markers differ from the model")
    return problems


def _check_master(file: Path, expected: Array) -> list[str]:
    if not file.exists():
        return [f"{file.name}: missing"]
    problems = []
    if file.stat().st_size > MAX_MASTER_BYTES:
        problems.append(f"{file.name}: larger than {MAX_MASTER_BYTES} bytes")
    with Image.open(file, formats=["WEBP"]) as opened:
        if opened.size != (MASTER_SIZE, MASTER_SIZE):
            problems.append(f"{file.name}: not {MASTER_SIZE} pixels wide and high")
        small = opened.convert("L").resize((CHECK_SIZE, CHECK_SIZE), Image.Resampling.BOX)
    difference = float(np.abs(np.asarray(small, np.float32) - expected * 255).mean())
    if difference > MAX_MEAN_DIFFERENCE:
        problems.append(f"{file.name}: differs from the model by {difference:.1f} gray levels")
    return problems
