"""Marker checks. Sizes are CSS pixels in an image 230 px wide."""

from dataclasses import replace
from typing import Any

import pytest

from procedures.figures.markers import (
    MIN_LABEL_DISTANCE_PX,
    RECOMMENDED_LABEL_DISTANCE_PX,
    STROKE_LUMINANCES,
    WHITE_LUMINANCE,
    MarkerData,
    MarkerTextData,
    check_markers,
    describe_changes,
    distance_px,
)

TOUCH = "On a phone, this number overlaps number 1. Move one of them."
CLOSE = "On a phone, this number is close to number 1. Leave more space, so that people with unsteady hands can tap it."


def make_marker(shape: str = "point", **values: float) -> MarkerData:
    return MarkerData("tip", shape, **{"x": 0.2, "y": 0.2, "target_x": 0.5, "target_y": 0.5, **values})


def list_issues(*marks: MarkerData, aspect: float = 1.0) -> list[tuple[int, str, bool]]:
    return [
        (note.index, note.message, note.is_blocking) for note in check_markers(marks, aspect=aspect, backgrounds=[])
    ]


def test_limits_meet_the_specification() -> None:
    assert MIN_LABEL_DISTANCE_PX >= 24
    assert RECOMMENDED_LABEL_DISTANCE_PX - MIN_LABEL_DISTANCE_PX / 2 >= 28


@pytest.mark.parametrize(
    ("px", "wanted"), [(30.0, [(1, TOUCH, True)]), (30.8, [(1, CLOSE, False)]), (43.0, [(1, CLOSE, False)]), (43.4, [])]
)
def test_labels_keep_their_distance(px: float, wanted: list[Any]) -> None:
    assert list_issues(make_marker(), make_marker(x=0.2 + px / 230, target_x=0.9)) == wanted


def test_distances_account_for_the_aspect_ratio() -> None:
    assert distance_px((0, 0), (0.1, 0.1), 1.0) == pytest.approx(23 * 2**0.5)
    assert list_issues(make_marker(), make_marker(y=0.33, target_x=0.9), aspect=1.0) == [(1, TOUCH, True)]
    assert list_issues(make_marker(), make_marker(y=0.33, target_x=0.9), aspect=2.0) == []


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"target_x": 0.22, "target_y": 0.2}, "On a phone, this number covers what it points to. Move the number."),
        ({"x": 0.05}, "On a phone, the edge of the picture cuts off this number. Move it inward."),
        ({"y": 0.97}, "On a phone, the edge of the picture cuts off this number. Move it inward."),
    ],
)
def test_recommendations_do_not_block_saving(values: dict[str, float], sentence: str) -> None:
    assert list_issues(make_marker(**values)) == [(0, sentence, False)]


def test_label_covering_another_target_is_reported() -> None:
    assert list_issues(make_marker(), make_marker(x=0.5, y=0.5, target_x=0.8)) == [
        (1, "On a phone, this number covers what marker 1 points to. Move the number.", False)
    ]


def test_label_may_be_inside_its_own_circle() -> None:
    assert list_issues(make_marker("circle", x=0.5, y=0.5, size_x=0.2, size_y=0.2)) == []


@pytest.mark.parametrize(
    ("shape", "size", "sentence"),
    [
        ("circle", (0.01, 0.2), "The shape is too small to be seen. Make it wider and taller."),
        ("circle", (0.51, 0.2), "The shape extends past the edge of the picture. Make it smaller or move it inward."),
        ("region", (0.2, 1.02), "The shape extends past the edge of the picture. Make it smaller or move it inward."),
    ],
)
def test_shape_must_be_visible_and_inside_the_image(shape: str, size: tuple[float, float], sentence: str) -> None:
    assert list_issues(make_marker(shape, size_x=size[0], size_y=size[1])) == [(0, sentence, True)]


def test_shape_may_fill_the_image() -> None:
    assert list_issues(make_marker("region", size_x=1, size_y=1)) == []


def test_low_contrast_blocks_saving(monkeypatch: pytest.MonkeyPatch) -> None:
    # Simulate a stylesheet that draws only white lines.
    for part in STROKE_LUMINANCES:
        monkeypatch.setitem(STROKE_LUMINANCES, part, (WHITE_LUMINANCE,))  # type: ignore[arg-type]

    (first, *_) = check_markers([make_marker()], aspect=1, backgrounds=[lambda spot: [1.0]])

    assert first.message == "Its ring is hard to see here: the contrast is 1.0, and at least 3 is needed."
    assert first.is_blocking


def test_changes_are_described_marker_by_marker() -> None:
    shapes = {"tip": "point", "arrow": "arrow", "ring": "circle", "box": "region"}
    tip, arrow, ring, box = (
        replace(make_marker(shape), key=key, texts={"en": MarkerTextData(key.capitalize())})
        for key, shape in shapes.items()
    )
    changed = [
        replace(arrow, shape="point"),
        replace(tip, texts={"en": MarkerTextData("Point")}),
        replace(box, x=0.3, target_y=0.6),
    ]

    assert describe_changes([tip, arrow, ring, box], changed) == [
        "Ring: deleted",
        "Arrow: now line to a point",
        "Point: text changed (en)",
        "Box: number moved, pointer moved",
        "The order of the numbers changed",
    ]
    assert describe_changes([tip], [tip, ring]) == ["Ring: new"]
    assert describe_changes([tip], [replace(tip, x=tip.x + 1e-8)]) == []
