"""Contrast of markers: on all grays, on the committed figures, and in the stylesheet."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from procedures.branding import MIN_CONTRAST, contrast_ratio, relative_luminance
from procedures.figures.markers import (
    BLACK_LUMINANCE,
    STROKE_LUMINANCES,
    WHITE_LUMINANCE,
    Background,
    MarkerData,
    check_markers,
    load_backgrounds,
    measure_contrast,
    sample_image,
    sample_svg_colors,
)
from tests.factories import make_figure

ROOT = Path(__file__).resolve().parents[2]
FIGURES = sorted((ROOT / "content" / "figures").glob("*.yaml"))
SHAPES = {"point": (0.0, 0.0), "arrow": (0.0, 0.0), "circle": (0.1, 0.15), "region": (0.2, 0.3)}
ONLY_WHITE = dict.fromkeys(STROKE_LUMINANCES, (WHITE_LUMINANCE,))


def make_marker(shape: str = "point", **values: float) -> MarkerData:
    places = {"x": 0.2, "y": 0.2, "target_x": 0.6, "target_y": 0.6, **values}
    return MarkerData("tip", shape, **{**places, "size_x": SHAPES[shape][0], "size_y": SHAPES[shape][1]})


def gray(level: int) -> Background:
    return sample_image(Image.new("L", (120, 120), level))


def lowest(given: MarkerData, backdrop: Background, **options: Any) -> dict[str, float]:
    return {found.part: round(found.contrast, 2) for found in measure_contrast(given, [backdrop], **options)}


@pytest.mark.parametrize(
    ("color", "value"),
    [((255, 255, 255), 1.0), ((0, 0, 0), 0.0), ((119, 119, 119), 0.1845), ((255, 0, 0), 0.2126), ((0, 0, 255), 0.0722)],
)
def test_relative_luminance_follows_wcag(color: tuple[int, int, int], value: float) -> None:
    assert relative_luminance(*color) == pytest.approx(value, abs=1e-4)


def test_contrast_ratio_ranges_from_1_to_21() -> None:
    assert (
        contrast_ratio(WHITE_LUMINANCE, BLACK_LUMINANCE)
        == contrast_ratio(BLACK_LUMINANCE, WHITE_LUMINANCE)
        == pytest.approx(21)
    )
    assert contrast_ratio(0.3, 0.3) == 1


@pytest.mark.parametrize("shape", SHAPES)
def test_every_marker_part_is_visible_on_every_gray(shape: str) -> None:
    parts = {"ring", "disc", "leader", "outline" if shape in {"circle", "region"} else "tip"}
    for level in range(256):
        found = lowest(make_marker(shape), gray(level))
        assert found.keys() == parts
        # The better of black and white never falls below the square root of 21.
        assert min(found.values()) >= 4.58


def test_white_stroke_alone_is_invisible_on_light_grays(subtests: pytest.Subtests) -> None:
    for level, shows in [(0, True), (130, True), (148, True), (150, False), (200, False), (255, False)]:
        with subtests.test(level=level, shows=shows):
            found = lowest(make_marker("arrow"), gray(level), strokes=ONLY_WHITE)

            assert all((contrast >= MIN_CONTRAST) is shows for contrast in found.values())


def test_contrast_is_measured_under_each_part() -> None:
    image = Image.new("L", (200, 200), 0)
    image.paste(255, (90, 0, 110, 200))

    found = lowest(make_marker(y=0.5, target_y=0.5), sample_image(image), strokes=ONLY_WHITE)

    # A white stripe across the leader, away from label and tip.
    assert found == {"ring": 21, "disc": 21, "leader": 1, "tip": 21}


def test_thin_bright_line_next_to_a_leader_is_detected() -> None:
    image = Image.new("L", (230, 230), 0)
    image.paste(255, (0, 117, 230, 119))

    found = lowest(make_marker(y=0.5, target_y=0.5), sample_image(image), strokes=ONLY_WHITE)

    assert found["leader"] == 1


def test_positions_outside_the_image_are_not_measured() -> None:
    assert lowest(make_marker(x=0.0, y=0.0), gray(255))["ring"] == 21


def test_drawing_is_measured_with_all_its_colors() -> None:
    drawing = sample_svg_colors(b'<svg><path fill="#fff" stroke="#767676"/><path fill="#000000"/></svg>')

    assert drawing((0.5, 0.5)) == pytest.approx([0.0, 0.1812, 1.0], abs=1e-3)
    assert lowest(make_marker(), drawing, strokes=ONLY_WHITE)["leader"] == 1


@pytest.mark.django_db
def test_stored_image_is_measured_by_its_pixels() -> None:
    figure = make_figure(size=(300, 300))
    ((backdrop,), lost) = load_backgrounds(figure)

    # The gradient runs from black at the top to white at the bottom.
    assert backdrop((0.5, 0.0))[0] < 0.01 < 0.9 < backdrop((0.5, 1.0))[0]
    assert lost == []


@pytest.mark.django_db
def test_missing_file_is_listed() -> None:
    figure = make_figure(size=(31, 31))
    figure.renditions.filter(format="jpeg").update(file="figures/lost-31.jpeg")

    assert load_backgrounds(figure) == ([], ["figures/lost-31.jpeg"])


# ── Committed figures ──


def committed(file: Path) -> tuple[list[MarkerData], list[Background]]:
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    marks = [MarkerData(one["key"], one["shape"], *one["at"], *one["target"], *one["size"]) for one in data["markers"]]
    backdrops = [
        sample_svg_colors((file.parent / data[name]).read_bytes())
        for name in ("drawing", "drawing_dark")
        if data.get(name)
    ]
    if data.get("image"):
        with Image.open(file.parent / data["image"]) as image:
            assert image.width == image.height
            # The width that phones load.
            backdrops.append(sample_image(image.resize((480, 480))))
    return marks, backdrops


@pytest.mark.slow
def test_every_marker_of_a_committed_figure_is_visible(subtests: pytest.Subtests) -> None:
    for file in FIGURES:
        with subtests.test(file=file):
            marks, backdrops = committed(file)

            measured = [found for one in marks for found in measure_contrast(one, backdrops)]

            assert len(measured) >= 4 * len(marks) > 0
            assert min(found.contrast for found in measured) >= MIN_CONTRAST


@pytest.mark.slow
def test_markers_of_committed_figures_have_no_issues(subtests: pytest.Subtests) -> None:
    for file in FIGURES:
        with subtests.test(file=file):
            marks, backdrops = committed(file)

            assert [note.message for note in check_markers(marks, aspect=1, backgrounds=backdrops)] == []


# ── Stylesheet ──


def rules() -> Iterator[tuple[str, dict[str, str]]]:
    css = (ROOT / "static" / "css" / "components" / "markers.css").read_text()
    for selectors, body in re.findall(r"([^{}/]+)\{([^}]*)\}", css):
        values = dict(part.split(":", 1) for part in re.sub(r"\s", "", body).split(";") if ":" in part)
        for selector in selectors.split(","):
            yield selector.strip(), values


def test_stylesheet_draws_each_part_with_a_light_and_a_dark_stroke() -> None:
    drawn: dict[str, dict[str, str]] = {}
    for selector, values in rules():
        drawn.setdefault(selector, {}).update(values)

    white, black = "var(--white)", "var(--black)"
    # On drawings, --leader is ink and --leader-edge the color of the card.
    leader, edge = f"var(--leader,{white})", f"var(--leader-edge,{black})"
    assert (drawn[".marker__case"]["stroke"], drawn[".marker__line"]["stroke"]) == (edge, leader)
    assert float(drawn[".marker__case"]["stroke-width"][:-2]) > 2 * float(drawn[".marker__line"]["stroke-width"][:-2])
    assert (drawn[".marker__rim"]["fill"], drawn[".marker__rim"]["stroke"], drawn[".marker__disc"]["fill"]) == (
        white,
        black,
        black,
    )
    assert (drawn[".marker__dot"]["fill"], drawn[".marker__dot"]["stroke"]) == (leader, edge)
    # The tip takes both colors from the end of the line: one fills it, the other is its edge.
    assert (drawn[".marker__end"]["fill"], drawn[".marker__end"]["stroke"]) == (edge, leader)
    assert (drawn[".marker__tip"]["fill"], drawn[".marker__tip"]["stroke"]) == ("context-stroke", "context-fill")
