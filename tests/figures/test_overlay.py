"""A figure as its template shows it: marks in per cent, sources, drawing, thumbnail."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from procedures.figures.overlay import FigureView, figure_view, per_cent
from procedures.models import Figure, FigureText, Marker, MarkerText
from tests.factories import make_figure

pytestmark = pytest.mark.django_db


def view(figure: Figure, language: str = "en") -> FigureView:
    """The figure as the renderer loads it."""
    found = Figure.objects.prefetch_related("texts", "markers__texts", "renditions").get(pk=figure.pk)
    return figure_view(found, language)


@pytest.mark.parametrize(
    ("part", "text"), [(0.0, "0%"), (1.0, "100%"), (0.3721, "37.2%"), (0.5, "50%"), (1 / 3, "33.3%"), (0.00001, "0%")]
)
def test_a_position_is_a_short_per_cent_text(part: float, text: str) -> None:
    assert per_cent(part) == text


def test_marks_keep_their_order_and_are_numbered_from_one() -> None:
    figure = make_figure(size=(48, 48))
    first = Marker.objects.create(figure=figure, key="first", order=0, x=0, y=0, target_x=1, target_y=1)
    figure.markers.filter(key="tip").update(order=1)
    MarkerText.objects.create(marker=first, language="en", label="First")

    assert [(mark.number, mark.label) for mark in view(figure).marks] == [(1, "First"), (2, "Tip")]


@pytest.mark.parametrize(
    ("shape", "size", "wanted"),
    [
        ("circle", (0.1, 0.2), ("10%", "20%")),
        ("circle", (0.1, 0.0), ("10%", "10%")),
        ("region", (0.1, 0.2), ("5%", "10%")),
        ("point", (0.0, 0.0), ("0%", "0%")),
    ],
)
def test_shapes_reach_from_their_centre_to_their_edge(
    shape: str, size: tuple[float, float], wanted: tuple[str, str]
) -> None:
    figure = make_figure(size=(48, 48))
    figure.markers.update(shape=shape, size_x=size[0], size_y=size[1])

    (mark,) = view(figure).marks

    assert (mark.rx, mark.ry) == wanted
    assert (mark.x, mark.y, mark.target_x, mark.target_y) == ("20%", "20%", "50%", "50%")


def test_a_picture_has_sources_by_format_and_a_plain_file_for_old_browsers() -> None:
    found = view(make_figure(size=(900, 450)))

    assert [source["type"] for source in found.sources][:2] == ["image/avif", "image/webp"]
    for source in found.sources:
        sizes = [int(part.rsplit(" ", 1)[1].removesuffix("w")) for part in source["srcset"].split(", ")]
        assert sizes == sorted(sizes)
        assert sizes[-1] == 800
    assert found.src.endswith("-800.jpeg")
    assert (found.width, found.height) == (800, 400)
    assert found.large_href.endswith(".jpeg")
    assert found.thumbnail["width"] < 800


def test_a_picture_without_words_in_a_language_says_so_and_keeps_its_marks() -> None:
    found = view(make_figure(size=(48, 48)), "es")

    assert not found.has_texts
    assert (found.alt, found.caption, found.marks[0].label) == ("", "", "")


@pytest.mark.parametrize(
    ("kind", "provenance", "simulated", "polarity"),
    [
        ("xray", "simulated", True, True),
        ("xray", "licensed", False, True),
        ("drawing", "simulated", False, False),
    ],
)
def test_only_a_simulated_x_ray_says_that_it_is_simulated(
    kind: str, provenance: str, simulated: bool, polarity: bool
) -> None:
    found = view(make_figure(size=(48, 48), kind=kind, provenance=provenance))

    assert (found.simulated, found.polarity_note) == (simulated, polarity)


def test_a_pure_drawing_needs_no_pixels() -> None:
    figure = Figure.objects.create(
        slug="lines",
        kind="drawing",
        drawing="figures/0123456789abcdef.svg",
        provenance="simulated",
        nothing_visible=True,
    )
    FigureText.objects.create(figure=figure, language="en", title="Lines", alt="Lines.", caption="Lines.")

    found = view(figure)

    assert found.drawing["light"] == found.drawing["dark"] == "/media/figures/0123456789abcdef.svg"
    assert found.sources == []
    assert found.thumbnail["src"] == found.large_href == found.drawing["light"]


def test_paragraphs_of_the_longer_description_are_split_at_empty_lines() -> None:
    figure = make_figure(size=(48, 48))
    figure.texts.update(description="One.\n\nTwo\nlines.\n\n \n\nThree.")

    assert view(figure).paragraphs == ["One.", "Two\nlines.", "Three."]


def test_a_loaded_figure_asks_the_database_nothing_more() -> None:
    figure = Figure.objects.prefetch_related("texts", "markers__texts", "renditions").get(
        pk=make_figure(size=(48, 48)).pk
    )

    with CaptureQueriesContext(connection) as queries:
        figure_view(figure, "en")

    assert len(queries) == 0


@pytest.mark.parametrize("change", ["alt", "position", "nothing"])
def test_the_fingerprint_tells_whether_a_reader_would_see_a_change(change: str) -> None:
    figure = make_figure(size=(48, 48))
    before = view(figure).fingerprint_data()

    if change == "alt":
        figure.texts.update(alt="Other.")
    elif change == "position":
        figure.markers.update(x=0.21)

    assert (view(figure).fingerprint_data() == before) is (change == "nothing")
