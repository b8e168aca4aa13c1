"""Anatomy and devices in the stages of the procedure."""

import numpy as np
import pytest

from procedures.figures.simulation.anatomy import (
    BACK_X,
    CEMENT_LIMIT_X,
    FRACTURED,
    FRONT_X,
    HALF_HEIGHT,
    HEALTHY,
    PEDICLE_Y,
    PEDICLE_Z,
    RESTORED,
    STAGES,
    STAGES_BY_SLUG,
    VertebraShape,
    arch_distance,
    body_distance,
    needle_direction,
    vertebra_placement,
)
from procedures.figures.simulation.drawings import body_distance_map
from procedures.figures.simulation.geometry import Array
from procedures.figures.simulation.imaging import make_view
from procedures.figures.simulation.render import StageRenderer
from tests.simulation.conftest import SIZE, device_mask

GRID = np.mgrid[-20:20:0.5, -15:15:0.5, -23:23:0.5].astype(np.float32)
CEMENTED = [stage.slug for stage in STAGES if stage.cement]


def test_healthy_l1_has_typical_dimensions() -> None:
    x, y, z = GRID
    inside = body_distance(x, y, z, HEALTHY) < 0

    depth, height, width = (float(np.ptp(axis[inside])) for axis in GRID)

    assert depth == pytest.approx(34, abs=1.5)
    assert height == pytest.approx(24, abs=1.0)
    assert width == pytest.approx(42, abs=1.5)


@pytest.mark.parametrize("y", [0.0, 4.0, 8.0])
def test_spinal_canal_is_17_to_19_mm_deep(y: float) -> None:
    x = np.arange(0, 45, 0.1, dtype=np.float32)
    still = np.zeros_like(x)

    back = x[body_distance(x, still + np.float32(y), still, HEALTHY) < 0].max()
    behind = x[arch_distance(x, still + np.float32(y), still, HEALTHY) < 0].min()

    assert 16.8 <= behind - back <= 19.2


def test_pedicle_is_about_9_by_15_mm() -> None:
    line = np.arange(-20, 25, 0.1, dtype=np.float32)
    there = np.full_like(line, 20)

    across = line[arch_distance(there, np.full_like(line, PEDICLE_Y), line, HEALTHY) < 0]
    upright = line[arch_distance(there, line, np.full_like(line, PEDICLE_Z), HEALTHY) < 0]

    assert np.ptp(across[across > 0]) == pytest.approx(9, abs=1)
    assert np.ptp(upright) == pytest.approx(15, abs=1.5)


def front_ratio(shape: VertebraShape) -> float:
    """Return the height at the front divided by the height at the back."""
    return 1 - (shape.wedge + shape.step) / (2 * HALF_HEIGHT)


def test_fracture_is_a_genant_grade_2_wedge() -> None:
    assert 0.60 <= front_ratio(FRACTURED) <= 0.75


def test_balloon_restores_most_of_the_height() -> None:
    assert front_ratio(FRACTURED) < front_ratio(RESTORED) < front_ratio(HEALTHY)
    assert front_ratio(RESTORED) > 0.85


def test_needle_slopes_10_to_20_degrees_caudally() -> None:
    way = vertebra_placement(STAGES_BY_SLUG["kyphoplasty-needle"].spine, "L1").rotation @ needle_direction()

    assert 10 <= np.degrees(np.arctan2(-way[1], way[0])) <= 20


@pytest.mark.parametrize("slug", ["kyphoplasty-needle", "vertebroplasty-needle"])
def test_needle_tip_is_in_the_anterior_third_of_the_body(slug: str) -> None:
    needle = STAGES_BY_SLUG[slug].needle
    assert needle is not None
    x, y, z = (np.array([value], np.float32) for value in needle.tip)

    assert x[0] < FRONT_X + (BACK_X - FRONT_X) / 3
    assert body_distance(x, y, z, FRACTURED)[0] < -1


@pytest.mark.parametrize("slug", CEMENTED)
def test_cement_stays_in_the_anterior_three_quarters_of_the_body(slug: str) -> None:
    stage = STAGES_BY_SLUG[slug]
    assert stage.cement is not None
    x, y, z = GRID
    filled = stage.cement.distance(x, y, z, stage.spine.l1_shape) < 0

    assert filled.any()
    assert x[filled].max() < CEMENT_LIMIT_X
    assert (body_distance(x, y, z, stage.spine.l1_shape)[filled] < 0).all()


def test_balloon_stays_inside_the_body() -> None:
    balloon = STAGES_BY_SLUG["kyphoplasty-balloon"].balloon
    assert balloon is not None
    x, y, z = GRID

    assert (body_distance(x, y, z, RESTORED)[balloon.distance(x, y, z) < 0] < 0).all()


def test_cement_is_at_the_needle_tip() -> None:
    for slug in ("kyphoplasty-cement-going-in", "vertebroplasty-cement"):
        stage = STAGES_BY_SLUG[slug]
        assert stage.needle is not None
        assert stage.cement is not None
        x, y, z = (np.array([value], np.float32) for value in stage.needle.tip)
        assert -4.5 < stage.cement.distance(x, y, z, stage.spine.l1_shape)[0] < 1.0


def test_bone_below_the_fracture_never_moves() -> None:
    view = make_view("lateral", SIZE)
    for level in ("L2", "L3"):
        fields = [
            body_distance_map(view, STAGES_BY_SLUG[slug].spine, level) for slug in STAGES_BY_SLUG if "front" not in slug
        ]
        assert all(np.array_equal(fields[0], field) for field in fields)


@pytest.mark.slow
def test_needle_affects_only_its_own_pixels(renderer: StageRenderer) -> None:
    before = renderer.scene.primary_transmission(STAGES_BY_SLUG["kyphoplasty-fracture"])
    after = renderer.scene.primary_transmission(STAGES_BY_SLUG["kyphoplasty-needle"])

    changed = before != after

    assert changed.any()
    assert not (changed & ~device_mask("kyphoplasty-needle", "needle")).any()


@pytest.mark.slow
@pytest.mark.xdist_group("simulated pictures")
def test_cement_and_metal_are_darkest(pictures: dict[str, Array]) -> None:
    needle = device_mask("kyphoplasty-needle", "needle")
    cement = device_mask("kyphoplasty-cement-done", "cement")
    bone = body_distance_map(make_view("lateral", SIZE), STAGES_BY_SLUG["kyphoplasty-healthy"].spine, "L2") < -1

    gray = pictures["kyphoplasty-healthy"][bone].mean()

    assert np.median(pictures["kyphoplasty-needle"][needle]) < gray / 2
    assert np.median(pictures["kyphoplasty-cement-done"][cement]) < gray / 2


def test_about_four_vertebrae_are_visible() -> None:
    view = make_view("lateral", SIZE)
    spine = STAGES_BY_SLUG["kyphoplasty-healthy"].spine
    whole = [body_distance_map(view, spine, level) < 0 for level in ("T11", "T12", "L1", "L2", "L3")]

    assert sum(bool(mask.any()) for mask in whole) == 5
    assert 0.12 < 2 * HALF_HEIGHT / (2 * view.half_width) < 0.25


@pytest.mark.slow
def test_same_seed_yields_the_same_pixels() -> None:
    stage = STAGES_BY_SLUG["kyphoplasty-needle"]

    first, second = (StageRenderer(80).render(stage) for _ in range(2))

    assert np.array_equal(first, second)


@pytest.mark.slow
@pytest.mark.xdist_group("simulated pictures")
def test_image_is_dark_outside_the_field(pictures: dict[str, Array]) -> None:
    for picture in pictures.values():
        assert max(picture[0, 0], picture[-1, -1], picture[0, -1]) < 0.05
