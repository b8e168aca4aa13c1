"""Rendering of the whole set (masters, drawings, marker positions), and comparison of the committed files with it."""

import io
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from procedures.figures.simulation.drawings import DRAWING_SLUGS, render_drawing
from procedures.figures.simulation.geometry import Array
from procedures.figures.simulation.imaging import Scene, apply_display, display_window, intensifier_tone
from procedures.figures.simulation.markers import compute_markers
from procedures.figures.simulation.stages import STAGES, STAGES_BY_SLUG, Stage
from procedures.importing.content_files import dump_yaml

MASTER_SIZE = 1600
CHECK_SIZE = 320
MAX_MASTER_BYTES = 1_200_000
MAX_DRAWING_BYTES = 12_000
# Mean difference in gray levels of 255. Encoders and processors may differ, the model may not.
MAX_MEAN_DIFFERENCE = 3.0


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
    """Write all images, drawings and marker positions to ``out_dir``. Takes about two minutes."""
    out_dir.mkdir(parents=True, exist_ok=True)
    render_drawings(out_dir)
    renderer = StageRenderer(MASTER_SIZE)
    for stage in STAGES:
        (out_dir / f"{stage.slug}.webp").write_bytes(encode_master(renderer.render(stage)))
        progress(f"{stage.slug}.webp")


def render_drawings(out_dir: Path) -> None:
    """Write only the line drawings and marker positions. Takes seconds."""
    for slug in DRAWING_SLUGS:
        for dark, name in ((False, f"{slug}.svg"), (True, f"{slug}-dark.svg")):
            (out_dir / name).write_text(render_drawing(slug, is_dark=dark), encoding="utf-8")
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
    for dark, name in ((False, f"{slug}.svg"), (True, f"{slug}-dark.svg")):
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
