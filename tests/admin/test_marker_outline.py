"""Free shapes: stored, checked, drawn, edited, and cropped; pictures without one are unchanged."""

from dataclasses import replace
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from procedures.admin.markers import render_figure_preview
from procedures.figures.markers import (
    MarkerData,
    check_markers,
    describe_changes,
    load_markers,
    save_markers,
    transform_markers,
)
from procedures.figures.presenters import build_figure_context
from procedures.figures.redaction import Box, Redactions
from procedures.models import Figure, Marker
from tests.admin.conftest import SignIn
from tests.admin.marker_helpers import make_bilingual_figure, marker_form, markers_url, saved_version
from tests.factories import make_page

TRIANGLE = ((0.4, 0.4), (0.8, 0.4), (0.6, 0.8))
SHAPE = MarkerData("tip", "polygon", 0.2, 0.2, 0.6, 0.5, outline=TRIANGLE)


def list_issues(marker: MarkerData, backgrounds: Any = ()) -> list[str]:
    return [issue.message for issue in check_markers([marker], aspect=1.0, backgrounds=list(backgrounds))]


def test_a_shape_that_is_too_small_is_an_issue() -> None:
    thin = replace(SHAPE, outline=((0.4, 0.4), (0.8, 0.4), (0.6, 0.41)))

    assert list_issues(SHAPE) == []
    assert list_issues(thin) == ["The shape is too small to be seen. Make it wider and taller."]
    assert list_issues(SHAPE, [lambda _position: [0.0, 1.0]]) == []


def test_moving_a_corner_counts_as_a_size_change() -> None:
    moved = replace(SHAPE, outline=(*TRIANGLE[:2], (0.6, 0.9)))

    assert describe_changes([SHAPE], [moved]) == ["tip: size changed"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("shape", "outline"),
    [
        ("polygon", []),
        ("polygon", [[0.1, 0.1], [0.2, 0.2]]),
        ("polygon", [[0.1, 0.1], [0.2, 0.2], [0.3, 1.2]]),
        ("polygon", [[0.1, 0.1], [0.2, 0.2], [0.3]]),
        ("polygon", [[0.1, 0.1], [0.2, 0.2], ["a", "b"]]),
        ("polygon", [[0.1, 0.1]] * 25),
        ("polygon", "0.1 0.2"),
        ("point", [[0.1, 0.1], [0.2, 0.2], [0.3, 0.1]]),
    ],
)
def test_an_invalid_outline_is_rejected(shape: str, outline: Any) -> None:
    figure = make_bilingual_figure()
    marker = Marker(figure=figure, key="free", shape=shape, x=0.2, y=0.2, target_x=0.5, target_y=0.5, outline=outline)

    with pytest.raises(ValidationError) as refused:
        marker.full_clean()
    assert list(refused.value.message_dict) == ["outline"]


@pytest.mark.django_db
def test_the_form_saves_a_shape_and_shows_it_again(editor: Any, sign_in: SignIn) -> None:
    figure, client = make_bilingual_figure(), sign_in(editor)
    corners = "40 40,0\r\n80 40\r\n\r\n60 80"

    saved = client.post(
        markers_url(figure),
        marker_form(figure, marks__0__shape="polygon", marks__0__outline=corners),
    )

    assert saved.status_code == 302
    (marker,) = load_markers(figure)
    assert (marker.shape, marker.outline) == ("polygon", TRIANGLE)
    assert "40 40\n80 40\n60 80</textarea>" in client.get(markers_url(figure)).text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("corners", "sentence"),
    [
        ("", "Marker 1: A free shape needs at least 3 corners."),
        ("40 40\n80 40", "Marker 1: A free shape needs at least 3 corners."),
        ("40 40\n80 40\nsixty", "Marker 1: Enter two numbers from 0 to 100 on each line, such as 30 42.5."),
        (
            "40 40\n80 40\n60 180",
            "Marker 1: Enter up to 24 corners, each as two numbers between 0 and 1, such as [0.3, 0.6].",
        ),
    ],
)
def test_the_form_reports_invalid_corners(editor: Any, sign_in: SignIn, corners: str, sentence: str) -> None:
    figure = make_bilingual_figure()
    form = marker_form(figure, marks__0__shape="polygon", marks__0__outline=corners)

    answer = sign_in(editor).post(markers_url(figure), form)

    assert answer.status_code == 400
    assert answer.context["errors"] == [sentence]


@pytest.mark.django_db
def test_patients_see_the_shape_and_other_pictures_are_unchanged() -> None:
    page = make_page()
    figure = Figure.objects.prefetch_related("texts", "markers__texts", "renditions").get(pk=page.lead_figure_id)
    before = build_figure_context(figure, "en").fingerprint_data()
    assert "outline" not in before["marks"][0]

    (marker,) = load_markers(figure)
    save_markers(figure, [replace(marker, shape="polygon", outline=TRIANGLE)], expected_version=saved_version(figure))

    figure = Figure.objects.prefetch_related("texts", "markers__texts", "renditions").get(pk=figure.pk)
    assert build_figure_context(figure, "en").fingerprint_data()["marks"][0]["outline"] == "40,40 80,40 60,80"
    html = render_figure_preview(figure, "en")
    assert html.count('points="40,40 80,40 60,80"') == 3, "the hole for the leader, the dark line, the light line"


@pytest.mark.django_db
def test_a_crop_moves_the_corners() -> None:
    figure = make_bilingual_figure()
    save_markers(figure, [SHAPE], expected_version=saved_version(figure))

    transform_markers(figure, Redactions(crop_box=Box(0.2, 0.2, 0.5, 0.5)))

    outline = [[round(value, 4) for value in corner] for corner in Marker.objects.get().outline]
    assert outline == [[0.4, 0.4], [1.0, 0.4], [0.8, 1.0]]
