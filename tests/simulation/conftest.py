"""Simulated images at a small size, which the model renders like any other."""

from pathlib import Path

import numpy as np
import pytest

from procedures.figures.simulation.anatomy import STAGES_BY_SLUG, vertebra_placement
from procedures.figures.simulation.geometry import Array, nearest_distance_maps, path_lengths
from procedures.figures.simulation.imaging import make_view
from procedures.figures.simulation.render import StageRenderer

SIZE = 200
FIGURES = Path(__file__).resolve().parents[2] / "content" / "figures"


@pytest.fixture(scope="session")
def renderer() -> StageRenderer:
    return StageRenderer(SIZE)


@pytest.fixture(scope="session")
def pictures(renderer: StageRenderer) -> dict[str, Array]:
    """All images without noise, 0 to 1."""
    return {slug: renderer.render(stage, with_grain=False) for slug, stage in STAGES_BY_SLUG.items()}


def device_mask(slug: str, name: str) -> Array:
    """Return the Boolean mask of the projected needle, balloon, or cement of a stage."""
    stage = STAGES_BY_SLUG[slug]
    view, place = make_view(stage.view, SIZE), vertebra_placement(stage.spine, "L1")
    if name == "cement":
        assert stage.cement is not None
        return nearest_distance_maps(view, stage.cement.solid(place, stage.spine.l1_shape), step=0.7)[0] < 0
    device = stage.needle if name == "needle" else stage.balloon
    assert device is not None
    return path_lengths(view, device.solid(place), step=0.4)[0] > 0


def at(mask: Array, spot: tuple[float, float]) -> bool:
    """Return whether an image position (0 to 1) is on the mask, with a tolerance of one pixel."""
    x, y = (int(value * mask.shape[0]) for value in spot)
    return bool(np.asarray(mask)[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].any())
