"""The first step of an upload: permissions, rejected files, and staging."""

import os
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from portal.accounts.models import User
from portal.security import TokenBucket
from procedures.figures import staging
from procedures.models import Figure
from tests.admin.conftest import SignIn
from tests.admin.upload_helpers import (
    CHOOSE,
    JSON,
    make_photo,
    save_upload,
    staged_files,
    start_upload,
    stored_files,
    uploaded_file,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_folder")]


# Choosing


def test_an_uploaded_picture_is_staged_for_its_uploader(nina: Client) -> None:
    address = start_upload(nina)

    page = nina.get(address)
    shown = nina.get(f"{address}picture.png")
    assert page.status_code == 200
    assert page.context["original_size"] == (200, 100)
    assert shown["Content-Type"] == "image/png"
    assert shown["Cache-Control"].startswith("no-store, private")
    assert not Figure.objects.exists()


def test_staged_pictures_are_visible_only_to_their_uploader(nina: Client, manager: User, sign_in: SignIn) -> None:
    address = start_upload(nina)
    other, stranger = sign_in(manager), Client()

    for path in (address, f"{address}picture.png", f"{address}result.png", f"{address}frames/", f"{address}frame.png"):
        assert other.get(path).status_code == 404
        assert stranger.get(path).status_code == 302
    other.post(f"{address}cancel/")
    assert nina.get(address).status_code == 200


def test_uploading_requires_permission(reviewer: User, visitor: User, sign_in: SignIn) -> None:
    for user in (reviewer, visitor):
        client = sign_in(user)
        assert client.get(CHOOSE).status_code == 403
        assert client.post(CHOOSE, {"picture": uploaded_file(make_photo())}).status_code == 403
    assert staged_files() == []


def test_staged_files_are_private_and_outside_the_media_folder(nina: Client) -> None:
    address = start_upload(nina)

    folder = Path(settings.DATA_DIR) / "waiting"
    assert [file.stat().st_mode & 0o077 for file in (folder, *folder.iterdir())] == [0, 0]
    assert not (Path(settings.DATA_DIR) / "media").exists()
    assert Client().get(f"/media/waiting/{address.split('/')[-2]}/picture.png").status_code == 404


def test_a_script_gets_the_url_of_the_next_step(nina: Client) -> None:
    answer = nina.post(CHOOSE, {"picture": uploaded_file(make_photo())}, headers=JSON)

    assert answer.status_code == 201
    assert nina.get(answer.json()["next"]).status_code == 200


def test_an_invalid_file_leaves_nothing_and_is_reported(nina: Client) -> None:
    plain = nina.post(CHOOSE, {"picture": uploaded_file(b"<svg onload='x'/>")})
    script = nina.post(CHOOSE, {"picture": uploaded_file(b"<svg onload='x'/>")}, headers=JSON)
    nothing = nina.post(CHOOSE, {})

    assert [plain.status_code, script.status_code, nothing.status_code] == [400, 400, 400]
    assert "This is not a JPEG, PNG, or WebP picture." in plain.content.decode()
    assert script.json()["error"].startswith("This is not a JPEG, PNG, or WebP picture.")
    assert "Choose a picture." in nothing.content.decode()
    assert stored_files() == {}


def test_an_oversized_upload_is_rejected_before_it_is_read(nina: Client) -> None:
    answer = nina.post(CHOOSE, {"picture": uploaded_file(make_photo())}, headers={"Content-Length": str(2**30)})

    assert answer.status_code == 413
    assert "larger than 250 MB" in answer.content.decode()


def test_a_cross_site_upload_is_rejected(editor: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)

    assert client.post(CHOOSE, {"picture": uploaded_file(make_photo())}).status_code == 403
    assert staged_files() == []


def test_uploads_are_rate_limited(nina: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("procedures.admin.image_upload.UPLOAD_RATE_LIMIT", TokenBucket(burst=1, per_second=0))
    start_upload(nina)

    assert nina.post(CHOOSE, {"picture": uploaded_file(make_photo())}).status_code == 429


def test_adding_a_figure_starts_with_the_upload(nina: Client) -> None:
    assert nina.get("/admin/procedures/figure/add/")["Location"] == CHOOSE


# Staging


def test_staged_pictures_expire_after_an_hour(nina: Client) -> None:
    address = start_upload(nina)
    (folder,) = (Path(settings.DATA_DIR) / "waiting").iterdir()
    os.utime(folder, (time.time() - 3500,) * 2)
    assert nina.get(address).status_code == 200, "looking keeps it"
    assert time.time() - folder.stat().st_mtime < 60
    os.utime(folder, (time.time() - 3700,) * 2)

    answer = nina.get(address)
    call_command("delete_unused_media", staged=True)

    assert answer.status_code == 404
    assert "An upload is available for one hour" in answer.content.decode()
    assert staged_files() == []


def test_no_staged_picture_is_deleted_at_the_limit(nina: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "MAX_STAGED_PER_USER", 7)
    addresses = [start_upload(nina) for _ in range(7)]

    refused = nina.post(CHOOSE, {"picture": uploaded_file(make_photo())})
    first = save_upload(nina, addresses[0])
    one_more = start_upload(nina)

    assert refused.status_code == 400
    assert "You have 7 pictures open that are not saved. Save or cancel some of them" in refused.content.decode()
    assert first.status_code == 302
    assert [nina.get(address).status_code for address in (*addresses[1:], one_more)] == [200] * 7


def test_canceling_and_saving_leave_no_staged_files(nina: Client) -> None:
    first = start_upload(nina)
    nina.post(f"{first}cancel/")
    assert staged_files() == []

    assert save_upload(nina, start_upload(nina)).status_code == 302
    assert staged_files() == []


@pytest.mark.parametrize("token", ["../../etc", "0" * 32, "x", "0" * 31 + "/"])
def test_unknown_tokens_are_not_found(nina: Client, token: str) -> None:
    assert nina.get(f"{CHOOSE}{token}/").status_code in {302, 404}


def test_a_user_who_lost_the_permission_cannot_open_a_staged_picture(nina: Client, editor: User) -> None:
    address = start_upload(nina)
    assert nina.get(address).status_code == 200

    editor.groups.clear()

    assert nina.get(address).status_code == 403
    assert nina.post(address, {}).status_code == 403
    assert not Figure.objects.exists()
