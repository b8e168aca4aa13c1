"""Exporting and importing markers in the marker editor."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from portal.accounts.models import User
from procedures.figures.markers.data import load_markers, save_markers
from procedures.models import Figure, Marker
from tests.admin.conftest import SignIn
from tests.admin.marks_ground import address, bilingual, mark, version

pytestmark = pytest.mark.django_db


def download(client: Any, figure: Figure) -> Any:
    return client.get(address(figure, "file/"))


def bring_in(client: Any, figure: Figure, data: bytes | None) -> Any:
    files = {} if data is None else {"file": SimpleUploadedFile("marks.jsonld", data)}
    return client.post(address(figure, "bring-in/"), files)


def form_of(answer: Any) -> dict[str, str]:
    """What the browser would send when somebody presses Save on the page that came back."""
    rows = answer.context["formset"]
    values = {
        bound.html_name: "" if bound.value() in {None, False} else str(bound.value())
        for row in [*rows.forms, rows.empty_form]
        for bound in row
    }
    return {**values, "marks-total": str(rows.total), "version": answer.context["version"]}


@pytest.fixture
def figure() -> Figure:
    """A picture with a mark of each shape."""
    made = bilingual()
    marks = [
        mark("tip", x=0.123456),
        mark("arrow", shape="arrow", y=0.8),
        mark("ring", shape="circle", x=0.8, size_x=0.1, size_y=0.15),
        mark("box", shape="region", x=0.8, y=0.8, size_x=0.3, size_y=0.1),
    ]
    save_markers(made, marks, expected_version=version(made))
    return made


def test_the_download_is_a_json_ld_file(figure: Figure, editor: User, sign_in: SignIn) -> None:
    answer = download(sign_in(editor), figure)

    assert answer["Content-Type"] == 'application/ld+json; profile="http://www.w3.org/ns/anno.jsonld"'
    assert answer["Content-Disposition"] == 'attachment; filename="needle-marks.jsonld"'
    assert len(answer.json()["items"]) == 4


def test_an_import_restores_deleted_markers_exactly(figure: Figure, editor: User, sign_in: SignIn) -> None:
    client, before = sign_in(editor), load_markers(figure)
    file = download(client, figure).content
    save_markers(figure, [mark("other")], expected_version=version(figure))

    shown = bring_in(client, figure, file)
    kept_so_far = [found.key for found in load_markers(figure)]
    saved = client.post(address(figure), form_of(shown))

    assert shown.status_code == 200
    assert shown.context["errors"] == []
    assert shown.context["imported"]["changes"] == ["Tip: new", "Arrow: new", "Ring: new", "Box: new", "Other: deleted"]
    assert "From the file: nothing is saved yet" in shown.content.decode()
    assert kept_so_far == ["other"]
    assert saved.status_code == 302
    assert load_markers(figure) == before


def test_the_import_preview_lists_changes_by_marker(figure: Figure, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    page = download(client, figure).json()
    page["items"] = [page["items"][1], page["items"][0]]
    page["items"][1]["body"][0]["value"] = "Point"
    page["items"][0]["target"]["styleClass"] = "point"

    answer = bring_in(client, figure, json.dumps(page).encode())

    assert answer.context["imported"]["changes"] == [
        "Ring: deleted",
        "Box: deleted",
        "Arrow: now line to a point",
        "Point: text changed (en)",
        "The order of the numbers changed",
    ]
    assert "&lt;strong&gt;Point.&lt;/strong" in answer.content.decode()


def test_importing_the_exported_file_changes_nothing(figure: Figure, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)

    answer = bring_in(client, figure, download(client, figure).content)

    assert answer.context["imported"]["changes"] == []
    assert "The file holds the markers that are already saved." in answer.content.decode()


def test_texts_missing_from_a_file_can_be_added_before_saving(figure: Figure, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    page = download(client, figure).json()
    page["items"] = page["items"][:1]
    page["items"][0]["body"] = page["items"][0]["body"][:1]

    shown = bring_in(client, figure, json.dumps(page).encode())
    saved = client.post(address(figure), form_of(shown) | {"marks-0-label_es": "Punta"})

    assert shown.context["errors"] == ["Marker 1: Write what this marker shows, in Español."]
    assert saved.status_code == 302
    assert Marker.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "status", "sentence"),
    [
        (None, 400, "Choose a markers file first."),
        (b"<html>", 400, "The file is not JSON. Choose a markers file, such as one downloaded here."),
        (b" " * (1024 * 1024 + 1), 413, "The file is larger than 1 MB. A markers file is much smaller; choose another one."),
    ],
)  # fmt: skip
def test_an_invalid_file_is_reported_and_changes_nothing(
    figure: Figure, editor: User, sign_in: SignIn, data: bytes | None, status: int, sentence: str
) -> None:
    before = load_markers(figure)

    answer = bring_in(sign_in(editor), figure, data)

    assert (answer.status_code, answer.context["errors"]) == (status, [sentence])
    assert sentence in answer.content.decode()
    assert load_markers(figure) == before


def test_markers_of_another_picture_are_rejected(figure: Figure, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    file = download(client, figure).content.replace(figure.sha256.encode(), b"0" * 64)

    answer = bring_in(client, figure, file)

    assert answer.context["errors"] == [
        "The markers in the file belong to another picture, or to an older version of this one."
    ]


def test_texts_in_a_file_are_escaped(figure: Figure, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    page = download(client, figure).json()
    page["items"][0]["body"][0]["value"] = "</textarea><script>alert(1)</script>"

    html = bring_in(client, figure, json.dumps(page).encode()).content.decode()

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_reviewer_cannot_import_markers(figure: Figure, reviewer: User, sign_in: SignIn) -> None:
    assert bring_in(sign_in(reviewer), figure, b"{}").status_code == 403
