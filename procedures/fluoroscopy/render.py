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

from procedures.content.yaml import dump_yaml
from procedures.fluoroscopy.drawing import DRAWINGS, draw
from procedures.fluoroscopy.geometry import Array
from procedures.fluoroscopy.look import display, intensify, window_of
from procedures.fluoroscopy.marks import marks_of
from procedures.fluoroscopy.scene import Scenery
from procedures.fluoroscopy.stages import BY_SLUG, STAGES, Stage

MASTER_SIZE = 1600
CHECK_SIZE = 320
MASTER_BYTES = 1_200_000
DRAWING_BYTES = 12_000
TOLERANCE = 3.0  # grey levels of 255, mean over the picture: encoders and processors may differ, the model may not


class Studio:
    """Renders pictures of one size; keeps what stages share."""

    def __init__(self, size: int) -> None:
        self.scenery = Scenery(size)
        self._window = lru_cache(maxsize=None)(self._new_window)

    def _new_window(self, view: str) -> tuple[float, float]:
        plain = replace(BY_SLUG["kyphoplasty-healthy"], view=view)
        return window_of(intensify(self.scenery.primary(plain), None))

    def picture(self, stage: Stage, *, grain: bool = True) -> Array:
        """The displayed picture of a stage, 0 black to 1 white, (size, size)."""
        tone = intensify(self.scenery.primary(stage), stage.seed if grain else None)
        return display(tone, self._window(stage.view))


def encode(picture: Array) -> bytes:
    """The master file: 8-bit grey as WebP of high quality."""
    grey = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    with io.BytesIO() as out:
        Image.fromarray(grey).convert("RGB").save(out, format="WEBP", quality=94, method=6)
        return out.getvalue()


def with_marks(slug: str, figure: dict[str, Any]) -> dict[str, Any]:
    """A figure's data with the positions of its markers set from the model; texts and foreign markers stay."""
    positions = {mark.key: mark for mark in marks_of(slug)}
    markers = []
    for marker in figure["markers"]:
        mark = positions.get(marker["key"])
        place = {"at": list(mark.at), "target": list(mark.target), "size": list(mark.size)} if mark else {}
        markers.append({**marker, **place})
    return {**figure, "markers": markers}


def render_all(out_dir: Path, *, progress: Callable[[str], None]) -> None:
    """Write every picture, drawing and marker position into `out_dir` (content/figures). About two minutes."""
    out_dir.mkdir(parents=True, exist_ok=True)
    render_drawings(out_dir)
    studio = Studio(MASTER_SIZE)
    for stage in STAGES:
        (out_dir / f"{stage.slug}.webp").write_bytes(encode(studio.picture(stage)))
        progress(f"{stage.slug}.webp")


def render_drawings(out_dir: Path) -> None:
    """Write the line drawings and the marker positions only: seconds."""
    for slug in DRAWINGS:
        for dark, name in ((False, f"{slug}.svg"), (True, f"{slug}-dark.svg")):
            (out_dir / name).write_text(draw(slug, dark=dark), encoding="utf-8")
        described = out_dir / f"{slug}.yaml"
        if described.exists():
            figure = yaml.safe_load(described.read_text(encoding="utf-8"))
            described.write_text(dump_yaml(with_marks(slug, figure)), encoding="utf-8")


def check_all(out_dir: Path) -> list[str]:
    """What in `out_dir` is missing, too large, or no longer what the model gives; empty when all is well."""
    problems = [problem for slug in DRAWINGS for problem in _check_drawing(out_dir, slug)]
    studio = Studio(CHECK_SIZE)
    for stage in STAGES:
        problems += _check_master(out_dir / f"{stage.slug}.webp", studio.picture(stage, grain=False))
    return problems


def _check_drawing(out_dir: Path, slug: str) -> list[str]:
    problems = []
    for dark, name in ((False, f"{slug}.svg"), (True, f"{slug}-dark.svg")):
        file, wanted = out_dir / name, draw(slug, dark=dark)
        if not file.exists():
            problems.append(f"{name}: missing")
        elif file.read_text(encoding="utf-8") != wanted:
            problems.append(f"{name}: differs from the model")
        if len(wanted.encode()) > DRAWING_BYTES:
            problems.append(f"{name}: larger than {DRAWING_BYTES} bytes")
    described = out_dir / f"{slug}.yaml"
    if not described.exists():
        return [*problems, f"{slug}.yaml: missing"]
    text = described.read_text(encoding="utf-8")
    if text != dump_yaml(with_marks(slug, yaml.safe_load(text))):
        problems.append(f"{slug}.yaml: marks differ from the model")
    return problems


def _check_master(file: Path, wanted: Array) -> list[str]:
    if not file.exists():
        return [f"{file.name}: missing"]
    problems = []
    if file.stat().st_size > MASTER_BYTES:
        problems.append(f"{file.name}: larger than {MASTER_BYTES} bytes")
    with Image.open(file, formats=["WEBP"]) as opened:
        if opened.size != (MASTER_SIZE, MASTER_SIZE):
            problems.append(f"{file.name}: not {MASTER_SIZE} pixels wide and high")
        small = opened.convert("L").resize((CHECK_SIZE, CHECK_SIZE), Image.Resampling.BOX)
    away = float(np.abs(np.asarray(small, np.float32) - wanted * 255).mean())
    if away > TOLERANCE:
        problems.append(f"{file.name}: differs from the model by {away:.1f} grey levels")
    return problems
