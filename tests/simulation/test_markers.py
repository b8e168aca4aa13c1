"""Simulated markers point at what they name."""

import itertools

import numpy as np
import pytest
import yaml

from procedures.figures.simulation.anatomy import STAGES, STAGES_BY_SLUG
from procedures.figures.simulation.drawings import DRAWING_SLUGS, arch_distance_map, body_distance_map
from procedures.figures.simulation.imaging import make_view
from procedures.figures.simulation.render import MARKER_PLANS, SimulatedMarker, compute_markers, update_marker_positions
from procedures.importing.content_files import dump_yaml
from tests.simulation.conftest import FIGURES, SIZE, at, device_mask

NEAREST = 0.188  # 28 px to the edge of the next label (30 px wide), in an image 230 px wide
DEVICE_MARKS = [
    (stage.slug, key) for stage in STAGES for key in ("needle", "balloon", "cement") if getattr(stage, key) is not None
]


def mark(slug: str, key: str) -> SimulatedMarker:
    return next(found for found in compute_markers(slug) if found.key == key)


def test_device_marker_points_at_the_device(subtests: pytest.Subtests) -> None:
    for slug, key in DEVICE_MARKS:
        with subtests.test(slug=slug, key=key):
            assert at(device_mask(slug, key), mark(slug, key).target)


@pytest.mark.parametrize("slug", ["kyphoplasty-needle", "vertebroplasty-needle", "kyphoplasty-needle-entering"])
def test_tip_marker_points_at_the_needle(slug: str) -> None:
    assert at(device_mask(slug, "needle"), mark(slug, "tip").target)


def test_bone_markers_point_at_bone_and_canal_markers_do_not(subtests: pytest.Subtests) -> None:
    for slug in [stage.slug for stage in STAGES if stage.view == "lateral"]:
        with subtests.test(slug=slug):
            stage = STAGES_BY_SLUG[slug]
            view = make_view("lateral", SIZE)
            bodies = (
                np.minimum(body_distance_map(view, stage.spine, "L1"), body_distance_map(view, stage.spine, "L2")) < 0
            )
            keys = {found.key: found.target for found in compute_markers(slug)}

            bone = [keys[key] for key in ("vertebra", "break", "front", "neighbour", "top") if key in keys]
            soft = [keys[key] for key in ("canal", "disc") if key in keys]

            assert all(at(bodies, spot) for spot in bone)
            assert not any(at(bodies, spot) for spot in soft)


def test_spinous_process_marker_points_at_the_arch() -> None:
    arch = arch_distance_map(make_view("lateral", SIZE), STAGES_BY_SLUG["kyphoplasty-healthy"].spine, "L2") < 0

    assert at(arch, mark("kyphoplasty-healthy", "spinous-process").target)


def test_simulated_labels_keep_their_distance(subtests: pytest.Subtests) -> None:
    for slug in DRAWING_SLUGS:
        with subtests.test(slug=slug):
            found = compute_markers(slug)

            assert 3 <= len(found) <= 6
            assert all(0.06 <= value <= 0.94 for one in found for value in one.position)
            assert all(0 <= value <= 1 for one in found for value in one.target)
            assert all(
                np.hypot(*np.subtract(a.position, b.position)) >= NEAREST for a, b in itertools.combinations(found, 2)
            )


def test_no_label_covers_a_target(subtests: pytest.Subtests) -> None:
    for slug in DRAWING_SLUGS:
        with subtests.test(slug=slug):
            found = compute_markers(slug)

            assert all(np.hypot(*np.subtract(a.position, b.target)) > 0.06 for a, b in itertools.product(found, found))


def side(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def test_leader_lines_do_not_cross(subtests: pytest.Subtests) -> None:
    for slug in DRAWING_SLUGS:
        with subtests.test(slug=slug):
            for a, b in itertools.combinations(compute_markers(slug), 2):
                apart_a = side(a.position, a.target, b.position) * side(a.position, a.target, b.target) > 0
                apart_b = side(b.position, b.target, a.position) * side(b.position, b.target, a.target) > 0
                assert apart_a or apart_b, f"{a.key} crosses {b.key}"


def test_every_image_has_a_marker_plan() -> None:
    assert set(MARKER_PLANS) == set(DRAWING_SLUGS)


def test_rendering_changes_positions_but_not_texts() -> None:
    figure = yaml.safe_load((FIGURES / "kyphoplasty-needle.yaml").read_text(encoding="utf-8"))
    moved = [{**one, "at": [0.5, 0.5], "text": {"en": "changed"}} for one in figure["markers"]]

    mended = update_marker_positions("kyphoplasty-needle", {**figure, "markers": moved})

    assert [one["at"] for one in mended["markers"]] == [one["at"] for one in figure["markers"]]
    assert [one["text"] for one in mended["markers"]] == [{"en": "changed"}] * len(moved)


def test_markers_added_by_staff_are_not_moved() -> None:
    added = {"key": "scar", "shape": "point", "at": [0.2, 0.8], "target": [0.3, 0.7], "size": [0.0, 0.0]}

    assert update_marker_positions("kyphoplasty-needle", {"markers": [added]}) == {"markers": [added]}


def test_yaml_file_is_in_canonical_form() -> None:
    for slug in DRAWING_SLUGS:
        text = (FIGURES / f"{slug}.yaml").read_text(encoding="utf-8")
        assert dump_yaml(yaml.safe_load(text)) == text
