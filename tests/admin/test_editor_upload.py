"""Uploads from the editor: the file is staged for the check screen, and only a picture that was shown is saved."""

import io
import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from portal.accounts.models import User
from portal.security import TokenBucket
from procedures.admin import image_upload
from procedures.models import Figure
from tests.admin.conftest import SignIn, make_picture_file
from tests.admin.upload_helpers import save_upload, staged_files
from tests.figures.dicom_files import dicom, ramp

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_folder")]
UPLOAD = "/admin/procedures/figure/upload/"


def sent(**changes: Any) -> dict[str, Any]:
    """Return the data that the editor's upload dialog posts."""
    return {name: value for name, value in {"picture": make_picture_file(), **changes}.items() if value is not None}


def test_an_editor_upload_is_staged_and_opens_the_check_screen(nina: Client) -> None:
    answer = nina.post(UPLOAD, sent(title="Needle", alt="A needle.", caption="A needle.", provenance="simulated",
                                    kind="photo", deidentified="on", seen_sha256="0" * 64, do="save"))  # fmt: skip

    told = answer.json()
    assert answer.status_code == 201
    assert not Figure.objects.exists()
    assert nina.get(told["next"]).context["original_size"] == (60, 40)
    assert nina.get(told["saved"]).json() == {}


def test_the_editor_gets_the_snippet_of_the_saved_picture(nina: Client) -> None:
    told = nina.post(UPLOAD, sent()).json()

    answer = save_upload(nina, told["next"])

    figure = Figure.objects.get()
    assert answer["Location"] == f"/admin/procedures/figure/{figure.pk}/change/"
    assert nina.get(told["saved"]).json() == {"slug": "bone", "snippet": "::: figure bone"}
    assert "go back to your page" in nina.get(answer["Location"]).content.decode()
    assert [name.rsplit("/", 1)[1] for name in staged_files()] == ["about.json"], "no pixel waits any longer"
    assert nina.get(told["next"], follow=True).status_code == 404


def test_a_dicom_file_from_the_editor_opens_the_frame_choice(nina: Client) -> None:
    run = SimpleUploadedFile("run.dcm", dicom(ramp() * 3, NumberOfFrames=3, WindowCenter=32, WindowWidth=64))

    told = nina.post(UPLOAD, sent(picture=run)).json()

    assert told["next"].endswith("/frames/")
    assert nina.get(told["next"]).status_code == 200


def test_a_canceled_upload_is_reported(nina: Client, manager: User, sign_in: SignIn) -> None:
    told = nina.post(UPLOAD, sent()).json()
    assert "expired" in sign_in(manager).get(told["saved"]).json(), "others learn nothing of it"
    nina.post(f"{told['next']}cancel/")

    answer = nina.get(told["saved"])

    assert answer.json() == {
        "expired": "The upload was canceled or not saved within an hour. Choose the picture again."
    }


def test_polling_does_not_extend_the_staging_time(nina: Client) -> None:
    told = nina.post(UPLOAD, sent()).json()
    (folder,) = (Path(settings.DATA_DIR) / "waiting").iterdir()
    os.utime(folder, (time.time() - 3500,) * 2)

    nina.get(told["saved"])

    assert time.time() - folder.stat().st_mtime > 3400


EVIL = b"<html><script>alert(1)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


def gif() -> bytes:
    stream = io.BytesIO()
    Image.new("P", (4, 4)).save(stream, "GIF")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "content_type"),
    [
        # markdownx stores an HTML page that claims to be a GIF, accepts three kinds of SVG, and returns 500 for the
        # last file.
        ("evil.html", EVIL, "image/gif"),
        ("evil.svg", SVG, "image/svg+xml"),
        ("evil.jpg", SVG, "image/jpeg"),
        ("moving.gif", gif(), "image/gif"),
        ("broken.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, "image/png"),
        ("cut.jpg", b"\xff\xd8\xff\xe0" + b"\x00" * 10, "image/jpeg"),
        ("empty.png", b"", "image/png"),
    ],
)
def test_a_file_that_is_not_a_picture_is_reported(nina: Client, name: str, data: bytes, content_type: str) -> None:
    answer = nina.post(UPLOAD, sent(picture=SimpleUploadedFile(name, data, content_type)))

    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")
    assert staged_files() == []


def test_an_upload_without_a_file_is_reported(nina: Client) -> None:
    answer = nina.post(UPLOAD, {})

    assert (answer.status_code, answer.json()["error"]) == (400, "Choose a picture.")


def test_an_upload_without_login_returns_json_and_stores_nothing(
    reviewer: User, visitor: User, sign_in: SignIn
) -> None:
    answers = [client.post(UPLOAD, sent()) for client in (Client(), sign_in(reviewer), sign_in(visitor))]

    assert [answer.status_code for answer in answers] == [401, 403, 403]
    assert {answer["Content-Type"] for answer in answers} == {"application/json"}
    assert staged_files() == []


def test_a_cross_site_upload_is_rejected(editor: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)

    answer = client.post(UPLOAD, sent())

    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    assert not Figure.objects.exists()


def test_an_oversized_file_is_rejected_before_it_is_read(editor: User, sign_in: SignIn) -> None:
    answer = sign_in(editor).post(UPLOAD, sent(), headers={"Content-Length": str(251 * 1024 * 1024)})

    assert answer.status_code == 413
    assert answer.json() == {"error": "That is more than 250 MB."}


def test_upload_requires_post(editor: User, sign_in: SignIn) -> None:
    assert sign_in(editor).get(UPLOAD).status_code == 405


def test_uploads_are_rate_limited_per_user(
    editor: User, manager: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_upload, "EDITOR_UPLOAD_RATE_LIMIT", TokenBucket(burst=2, per_second=0))
    client = sign_in(editor)

    statuses = [
        client.post(UPLOAD, sent(picture=make_picture_file(size=(60, side)))).status_code for side in (40, 41, 42)
    ]

    assert statuses == [201, 201, 429]
    assert sign_in(manager).post(UPLOAD, sent(picture=make_picture_file(size=(60, 43)))).status_code == 201
