"""Outlines: contour tracing, simplification, and SVG paths."""

import numpy as np
import pytest

from procedures.figures.simulation.drawings import (
    polygon_area,
    simplify,
    smooth_contours,
    smooth_svg_path,
    trace_contours,
)

AXIS = (np.arange(100) + 0.5) / 100 - 0.5
RADIUS = np.hypot(AXIS[:, None], AXIS[None, :])


def test_circle_is_traced_accurately() -> None:
    (outline,) = trace_contours((RADIUS - 0.3).astype(np.float32))

    assert np.abs(np.hypot(*(outline - 0.5).T) - 0.3).max() < 0.001
    assert polygon_area(outline) == pytest.approx(np.pi * 0.09, rel=0.01)


def test_ring_has_two_outlines() -> None:
    assert len(trace_contours((np.abs(RADIUS - 0.3) - 0.05).astype(np.float32))) == 2


def test_simplification_keeps_the_shape_with_few_points() -> None:
    (outline,) = trace_contours((RADIUS - 0.3).astype(np.float32))

    thinned = simplify(outline, 0.002)

    assert len(thinned) < len(outline) / 5
    assert polygon_area(thinned) == pytest.approx(polygon_area(outline), rel=0.02)


def test_clipped_shape_is_closed_outside_the_border() -> None:
    (outline,) = smooth_contours((RADIUS - 0.55).astype(np.float32))[:1]

    assert not ((outline > 0) & (outline < 0.002)).any()


def test_path_is_closed() -> None:
    square = np.array([[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]])

    data = smooth_svg_path(square)

    numbers = [float(n) for n in data.removeprefix("M100 100c").removesuffix("z").replace("-", " -").split()]
    assert sum(numbers[4::6]) == 0
    assert sum(numbers[5::6]) == 0
