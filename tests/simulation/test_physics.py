"""X-ray physics: path lengths, Beer–Lambert, and the diverging beam."""

import numpy as np
import pytest

from procedures.figures.simulation.geometry import (
    IDENTITY_PLACEMENT,
    Array,
    Solid,
    View,
    path_lengths,
    rotation_matrix,
    transmission,
)

VIEW = View(np.eye(3), np.zeros(3), 100)


def slab(x: Array, y: Array, z: Array) -> tuple[Array]:
    return (np.abs(z) - np.float32(10) + 0 * x,)


def shell(x: Array, y: Array, z: Array) -> tuple[Array, Array]:
    ball = np.sqrt(x * x + y * y + z * z) - np.float32(20)
    return ball, ball + np.float32(0.5)


def test_slab_transmission_follows_beer_lambert() -> None:
    thickness = path_lengths(VIEW, Solid(IDENTITY_PLACEMENT, (-70, -70, -12), (70, 70, 12), slab), step=1.7)[0]

    passed = transmission(thickness * 0.0227)

    assert passed[50, 50] == pytest.approx(np.exp(-20 * 0.0227), rel=1e-3)


def test_oblique_ray_has_a_longer_path_through_a_slab() -> None:
    thickness = path_lengths(VIEW, Solid(IDENTITY_PLACEMENT, (-90, -90, -12), (90, 90, 12), slab), step=1.7)[0]

    u = VIEW.grid()[5]
    assert thickness[50, 5] == pytest.approx(20 * np.sqrt(1 + (u**2 + VIEW.grid()[50] ** 2) / 680**2), rel=1e-3)


def test_path_through_the_center_of_a_sphere_is_its_diameter() -> None:
    outer, inner = path_lengths(VIEW, Solid(IDENTITY_PLACEMENT, (-22, -22, -22), (22, 22, 22), shell, 2), step=1.5)

    assert outer[50, 50] == pytest.approx(40, abs=0.2)
    assert outer[50, 50] - inner[50, 50] == pytest.approx(1.0, abs=0.05)


def test_thickness_of_a_thin_shell_is_independent_of_the_step() -> None:
    solid = Solid(IDENTITY_PLACEMENT, (-22, -22, -22), (22, 22, 22), shell, 2)

    coarse, fine = (path_lengths(VIEW, solid, step=step) for step in (1.5, 0.3))

    assert np.abs((coarse[0] - coarse[1]) - (fine[0] - fine[1])).mean() < 0.05


def test_objects_closer_to_the_source_are_magnified() -> None:
    near, far = VIEW.project(np.array([[30.0, 0.0, -100.0], [30.0, 0.0, 100.0]]))

    assert near[0] > far[0] > 0.5


def test_rotation_preserves_lengths() -> None:
    turn = rotation_matrix(12, 5, -8)

    assert np.allclose(turn @ turn.T, np.eye(3))
