"""A new picture from within the editor: only with its words, its consent and the tick, and only through intake."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from portal.staff.models import User
from procedures.admin import upload
from procedures.models import Figure
from tests.admin.conftest import SignIn, picture_file

UPLOAD = "/admin/procedures/figure/upload/"


def sent(**changes: Any) -> dict[str, Any]:
    """A complete upload."""
    values = {
        "picture": picture_file(),
        "language": "en",
        "title": "Needle in place",
        "alt": "A needle in a bone of the spine.",
        "caption": "The needle is in the bone.",
        "provenance": "simulated",
        "provenance_note": "",
        "nothing_visible": "on",
    }
    return {name: value for name, value in {**values, **changes}.items() if value is not None}


def test_a_picture_comes_in_with_its_words_and_gives_its_snippet(editor: User, sign_in: SignIn) -> None:
    answer = sign_in(editor).post(UPLOAD, sent())

    figure = Figure.objects.get()
    text = figure.texts.get()
    assert (answer.status_code, answer.json()) == (
        201,
        {"slug": "needle-in-place", "snippet": "::: figure needle-in-place"},
    )
    assert (text.language, text.alt) == ("en", "A needle in a bone of the spine.")
    assert (figure.uploaded_by, figure.nothing_visible, figure.provenance) == (editor, True, "simulated")
    assert {rendition.format for rendition in figure.renditions.all()} == {"avif", "webp", "jpeg"}
    assert all(default_storage.exists(rendition.file) for rendition in figure.renditions.all())


def test_a_second_picture_of_the_same_title_gets_a_number(editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)

    titles = ("Bone", "Bone", "Bone", "!!!")
    files = (picture_file(size=(60 + number, 40)) for number, _ in enumerate(titles))
    slugs = [client.post(UPLOAD, sent(title=title, picture=next(files))).json()["slug"] for title in titles]

    assert slugs == ["bone", "bone-2", "bone-3", "picture"]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("alt", "", "This field is required."),
        ("caption", "", "This field is required."),
        ("title", "", "This field is required."),
        ("alt", "x" * 126, "Ensure this value has at most 125 characters (it has 126)."),
        ("provenance", "", "This field is required."),
        ("provenance", "clinic", "Write where the patient’s written consent is filed. No name."),
        (
            "nothing_visible",
            None,
            "Look closely at the picture. Tick this when no name, date or number is visible in it.",
        ),
        ("picture", None, "Choose a picture."),
        ("language", "xx", "Select a valid choice. xx is not one of the available choices."),
    ],
)
def test_an_incomplete_upload_says_what_is_missing(
    editor: User, sign_in: SignIn, field: str, value: Any, sentence: str
) -> None:
    answer = sign_in(editor).post(UPLOAD, sent(**{field: value}))

    errors = {name: [row["message"] for row in rows] for name, rows in answer.json()["errors"].items()}
    named = "provenance_note" if value == "clinic" else field
    assert answer.status_code == 400
    assert errors == {named: [sentence.replace("’", "'")]}
    assert not Figure.objects.exists()


EVIL = b"<html><script>alert(1)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


def gif() -> bytes:
    stream = io.BytesIO()
    Image.new("P", (4, 4)).save(stream, "GIF")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "content_type"),
    [
        # markdownx keeps a page that calls itself a GIF, lets three kinds of SVG through and answers 500 to the last.
        ("evil.html", EVIL, "image/gif"),
        ("evil.svg", SVG, "image/svg+xml"),
        ("evil.jpg", SVG, "image/jpeg"),
        ("moving.gif", gif(), "image/gif"),
        ("broken.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, "image/png"),
        ("cut.jpg", b"\xff\xd8\xff\xe0" + b"\x00" * 10, "image/jpeg"),
        ("empty.png", b"", "image/png"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_sentence(
    editor: User, sign_in: SignIn, name: str, data: bytes, content_type: str
) -> None:
    answer = sign_in(editor).post(UPLOAD, sent(picture=SimpleUploadedFile(name, data, content_type)))

    assert answer.status_code == 400
    assert answer.json()["errors"]["picture"][0]["message"].endswith(".")
    assert not Figure.objects.exists()


def test_a_picture_keeps_its_size_and_loses_its_secrets(editor: User, sign_in: SignIn) -> None:
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "Name of a patient"
    Image.new("RGB", (1500, 700), "grey").save(stream, "JPEG", exif=exif, comment=b"Room 4")

    sign_in(editor).post(UPLOAD, sent(picture=SimpleUploadedFile("Jane Doe.jpg", stream.getvalue(), "image/jpeg")))

    figure = Figure.objects.get()
    files = [figure.image, *(rendition.file for rendition in figure.renditions.all())]
    kept = b"".join(Path(default_storage.path(name)).read_bytes() for name in files)
    # markdownx shrinks every picture to 500 pixels.
    assert (figure.width, figure.height) == (1500, 700)
    assert b"patient" not in kept
    assert b"Room 4" not in kept
    assert not any("Jane" in name for name in files)


def test_strangers_get_json_and_leave_nothing(reviewer: User, visitor: User, sign_in: SignIn) -> None:
    answers = [client.post(UPLOAD, sent()) for client in (Client(), sign_in(reviewer), sign_in(visitor))]

    assert [answer.status_code for answer in answers] == [401, 403, 403]
    assert {answer["Content-Type"] for answer in answers} == {"application/json"}
    assert not Figure.objects.exists()


def test_an_upload_from_another_site_is_refused(editor: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)

    answer = client.post(UPLOAD, sent())

    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    assert not Figure.objects.exists()


def test_a_file_that_is_too_large_is_refused_before_it_is_read(editor: User, sign_in: SignIn) -> None:
    answer = sign_in(editor).post(UPLOAD, sent(), headers={"Content-Length": str(21 * 1024 * 1024)})

    assert answer.status_code == 413
    assert answer.json() == {"error": "That is more than 20 MB."}


def test_only_post_uploads(editor: User, sign_in: SignIn) -> None:
    assert sign_in(editor).get(UPLOAD).status_code == 405


def test_uploads_are_counted_for_each_person(
    editor: User, manager: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "MOST_UPLOADS", 2)
    client = sign_in(editor)

    statuses = [client.post(UPLOAD, sent(picture=picture_file(size=(60, side)))).status_code for side in (40, 41, 42)]

    assert statuses == [201, 201, 429]
    assert sign_in(manager).post(UPLOAD, sent(picture=picture_file(size=(60, 43)))).status_code == 201


def test_a_picture_that_is_here_already_is_named(editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    client.post(UPLOAD, sent())

    answer = client.post(UPLOAD, sent(title="Another title"))

    assert answer.status_code == 400
    assert answer.json()["errors"]["picture"][0]["message"] == (
        "This picture is here already. Put it in with: ::: figure needle-in-place"
    )
