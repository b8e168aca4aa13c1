"""Writes the whole set (masters, drawing twins, marks) and checks what is committed against the model."""

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
from procedures.yaml_dumper import dump_yaml

MASTER_SIZE = 1600
CHECK_SIZE = 320
MAX_MASTER_BYTES = 1_200_000
MAX_DRAWING_BYTES = 12_000
MAX_MEAN_DIFFERENCE = (
    3.0  # grey levels of 255, mean over the picture: encoders and processors may differ, the model may not
)


class StageRenderer:
    """Renders pictures of one size; keeps what stages share."""

    def __init__(self, size: int) -> None:
        self.scene = Scene(size)
        self._window = lru_cache(maxsize=None)(self._compute_window)

    def _compute_window(self, view: str) -> tuple[float, float]:
        plain = replace(STAGES_BY_SLUG["kyphoplasty-healthy"], view=view)
        return display_window(intensifier_tone(self.scene.primary_transmission(plain), None))

    def render(self, stage: Stage, *, with_grain: bool = True) -> Array:
        """The displayed picture of a stage, 0 black to 1 white, (size, size)."""
        tone = intensifier_tone(self.scene.primary_transmission(stage), stage.seed if with_grain else None)
        return apply_display(tone, self._window(stage.view))


def encode_master(picture: Array) -> bytes:
    """The master file: 8-bit grey as WebP of high quality."""
    grey = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    with io.BytesIO() as out:
        Image.fromarray(grey).convert("RGB").save(out, format="WEBP", quality=94, method=6)
        return out.getvalue()


def update_marker_positions(slug: str, figure: dict[str, Any]) -> dict[str, Any]:
    """A figure's data with the positions of its markers set from the model; texts and foreign markers stay."""
    positions = {mark.key: mark for mark in compute_markers(slug)}
    markers = []
    for marker in figure["markers"]:
        mark = positions.get(marker["key"])
        place = {"at": list(mark.position), "target": list(mark.target), "size": list(mark.size)} if mark else {}
        markers.append({**marker, **place})
    return {**figure, "markers": markers}


def render_all(out_dir: Path, *, progress: Callable[[str], None]) -> None:
    """Write every picture, drawing and marker position into `out_dir` (content/figures). About two minutes."""
    out_dir.mkdir(parents=True, exist_ok=True)
    render_drawings(out_dir)
    studio = StageRenderer(MASTER_SIZE)
    for stage in STAGES:
        (out_dir / f"{stage.slug}.webp").write_bytes(encode_master(studio.render(stage)))
        progress(f"{stage.slug}.webp")


def render_drawings(out_dir: Path) -> None:
    """Write the line drawings and the marker positions only: seconds."""
    for slug in DRAWING_SLUGS:
        for dark, name in ((False, f"{slug}.svg"), (True, f"{slug}-dark.svg")):
            (out_dir / name).write_text(render_drawing(slug, is_dark=dark), encoding="utf-8")
        described = out_dir / f"{slug}.yaml"
        if described.exists():
            figure = yaml.safe_load(described.read_text(encoding="utf-8"))
            described.write_text(dump_yaml(update_marker_positions(slug, figure)), encoding="utf-8")


def check_all(out_dir: Path) -> list[str]:
    """What in `out_dir` is missing, too large, or no longer what the model gives; empty when all is well."""
    problems = [problem for slug in DRAWING_SLUGS for problem in _check_drawing(out_dir, slug)]
    studio = StageRenderer(CHECK_SIZE)
    for stage in STAGES:
        problems += _check_master(out_dir / f"{stage.slug}.webp", studio.render(stage, with_grain=False))
    return problems


def _check_drawing(out_dir: Path, slug: str) -> list[str]:
    problems = []
    for dark, name in ((False, f"{slug}.svg"), (True, f"{slug}-dark.svg")):
        file, wanted = out_dir / name, render_drawing(slug, is_dark=dark)
        if not file.exists():
            problems.append(f"{name}: missing")
        elif file.read_text(encoding="utf-8") != wanted:
            problems.append(f"{name}: differs from the model")
        if len(wanted.encode()) > MAX_DRAWING_BYTES:
            problems.append(f"{name}: larger than {MAX_DRAWING_BYTES} bytes")
    described = out_dir / f"{slug}.yaml"
    if not described.exists():
        return [*problems, f"{slug}.yaml: missing"]
    text = described.read_text(encoding="utf-8")
    if text != dump_yaml(update_marker_positions(slug, yaml.safe_load(text))):
        problems.append(f"{slug}.yaml: marks differ from the model")
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
    away = float(np.abs(np.asarray(small, np.float32) - expected * 255).mean())
    if away > MAX_MEAN_DIFFERENCE:
        problems.append(f"{file.name}: differs from the model by {away:.1f} grey levels")
    return problems
