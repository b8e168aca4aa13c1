"""Template context of figures: markers in percent, sources, drawing, thumbnail."""

import re

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from procedures.enums import FigureKind
from procedures.figures.presenters import FigureContext, build_figure_context, css_percent
from procedures.models import Figure, FigureText, Marker, MarkerText
from procedures.rendering.blocks.figure import get_figure_notes
from procedures.rendering.inline import no_break
from tests.factories import make_figure

pytestmark = pytest.mark.django_db


def view(figure: Figure, language: str = "en") -> FigureContext:
    """Return the context of the figure, loaded as by the renderer."""
    found = Figure.objects.prefetch_related("texts", "markers__texts", "renditions").get(pk=figure.pk)
    return build_figure_context(found, language)


def render_figure(figure: Figure, language: str = "en") -> str:
    """Return the component of the figure, with the lines that it adds in the active language."""
    shown = view(figure, language)
    values = {name: getattr(shown, name) for name in FigureContext.__slots__}
    return render_to_string("components/figure.html", {"figure": values | get_figure_notes(shown)})


def test_positions_are_short_percentages(subtests: pytest.Subtests) -> None:
    for part, text in [(0.0, "0%"), (1.0, "100%"), (0.3721, "37.2%"), (0.5, "50%"), (1 / 3, "33.3%"), (0.00001, "0%")]:
        with subtests.test(part=part, text=text):
            assert css_percent(part) == text


def test_markers_are_numbered_from_one_in_order() -> None:
    figure = make_figure(size=(48, 48))
    first = Marker.objects.create(figure=figure, key="first", order=0, x=0, y=0, target_x=1, target_y=1)
    figure.markers.filter(key="tip").update(order=1)
    MarkerText.objects.create(marker=first, language="en", label="First")

    assert [(mark.number, mark.label) for mark in view(figure).markers] == [(1, "First"), (2, "Tip")]


@pytest.mark.parametrize(
    ("shape", "size", "wanted"),
    [
        ("circle", (0.1, 0.2), ("10%", "20%")),
        ("circle", (0.1, 0.0), ("10%", "10%")),
        ("region", (0.1, 0.2), ("5%", "10%")),
        ("point", (0.0, 0.0), ("0%", "0%")),
    ],
)
def test_radii_reach_from_center_to_edge(shape: str, size: tuple[float, float], wanted: tuple[str, str]) -> None:
    figure = make_figure(size=(48, 48))
    figure.markers.update(shape=shape, size_x=size[0], size_y=size[1])

    (mark,) = view(figure).markers

    assert (mark.rx, mark.ry) == wanted
    assert (mark.x, mark.y, mark.target_x, mark.target_y) == ("20%", "20%", "50%", "50%")


def test_figure_has_sources_by_format_and_a_jpeg_fallback() -> None:
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


def test_figure_without_texts_in_a_language_keeps_its_markers() -> None:
    found = view(make_figure(size=(48, 48)), "es")

    assert not found.has_texts
    assert (found.alt, found.caption, found.markers[0].label) == ("", "", "")


def test_a_text_without_a_caption_counts_as_none() -> None:
    figure = make_figure(size=(48, 48))
    figure.texts.update(caption="")

    assert not view(figure).has_texts


DARK = "bone, metal, and cement look dark"
OSCUROS = "el hueso, el metal y el cemento se ven oscuros"
# The notice for each kind of figure in English and Spanish; other kinds have none.
SAID = {
    "fluoroscopy": (f"On this kind of X-ray, {DARK}.", f"En este tipo de imagen, {OSCUROS}."),
    "radiograph": (
        "On this kind of X-ray, bone, metal, and cement look white.",
        "En este tipo de imagen, el hueso, el metal y el cemento se ven blancos.",
    ),
    "ct": ("This is a CT scan.", "Esta es una imagen de tomografía (CT)."),
    "mri": ("This is an MRI scan.", "Esta es una imagen de resonancia magnética."),
    "photo": ("", ""),
    "drawing": ("", ""),
    "other": ("", ""),
}


def test_notices_match_the_kind_of_figure() -> None:
    assert set(SAID) == set(FigureKind.values)
    figure = make_figure(size=(48, 48))
    sentences = {sentence for pair in SAID.values() for sentence in pair if sentence}
    for kind, pair in SAID.items():
        Figure.objects.update(kind=kind)
        for language, said in zip(("en", "es"), pair, strict=True):
            with translation.override(language):
                html = render_figure(figure, language)
            printed = [sentence for sentence in sentences if no_break(sentence) in html]
            assert printed == [said] * bool(said), (kind, language)


def test_drawing_toggle_names_the_kind_of_figure() -> None:
    figure = make_figure(size=(48, 48), drawing="figures/0123456789abcdef.svg")
    names = {
        "fluoroscopy": "X-ray",
        "radiograph": "X-ray",
        "ct": "CT",
        "mri": "MRI",
        "photo": "Photo",
        "other": "Picture",
    }
    for kind, name in names.items():
        Figure.objects.update(kind=kind)
        html = render_figure(figure)
        assert re.search(rf'value="xray" checked>\s+{name}</label>', html), kind


def test_raster_drawing_is_shown_as_an_image() -> None:
    html = render_figure(make_figure(size=(48, 48), kind="drawing"))

    assert '<img class="figure__image" src="/media/figures/' in html
    assert "figure--drawing" in html


@pytest.mark.parametrize(
    ("kind", "provenance", "simulated"),
    [
        ("fluoroscopy", "simulated", True),
        ("ct", "simulated", True),
        ("fluoroscopy", "licensed", False),
        ("drawing", "simulated", False),
    ],
)
def test_simulated_images_are_labeled_and_drawings_are_not(kind: str, provenance: str, simulated: bool) -> None:
    found = view(make_figure(size=(48, 48), kind=kind, provenance=provenance))

    assert found.simulated is simulated


def test_vector_drawing_needs_no_pixels() -> None:
    figure = Figure.objects.create(
        slug="lines",
        kind="drawing",
        drawing="figures/0123456789abcdef.svg",
        provenance="simulated",
        deidentified=True,
    )
    FigureText.objects.create(figure=figure, language="en", title="Lines", alt="Lines.", caption="Lines.")

    found = view(figure)

    assert found.drawing["light"] == found.drawing["dark"] == "/media/figures/0123456789abcdef.svg"
    assert found.sources == []
    assert found.thumbnail["src"] == found.large_href == found.drawing["light"]


def test_description_is_split_into_paragraphs() -> None:
    figure = make_figure(size=(48, 48))
    figure.texts.update(description="One.\n\nTwo\nlines.\n\n \n\nThree.")

    assert view(figure).paragraphs == ["One.", "Two\nlines.", "Three."]


def test_prefetched_figure_runs_no_queries() -> None:
    figure = Figure.objects.prefetch_related("texts", "markers__texts", "renditions").get(
        pk=make_figure(size=(48, 48)).pk
    )

    with CaptureQueriesContext(connection) as queries:
        build_figure_context(figure, "en")

    assert len(queries) == 0


@pytest.mark.parametrize("change", ["alt", "position", "nothing"])
def test_fingerprint_changes_with_visible_content_only(change: str) -> None:
    figure = make_figure(size=(48, 48))
    before = view(figure).fingerprint_data()

    if change == "alt":
        figure.texts.update(alt="Other.")
    elif change == "position":
        figure.markers.update(x=0.21)

    assert (view(figure).fingerprint_data() == before) is (change == "nothing")


def test_a_legend_with_a_long_word_has_wide_columns() -> None:
    figure = make_figure(size=(48, 48))
    narrow = render_figure(figure)
    MarkerText.objects.filter(marker__figure=figure).update(label="Vertebroplasty")
    wide = render_figure(figure)

    assert 'class="figure__legend"' in narrow
    assert 'class="figure__legend figure__legend--wide"' in wide
