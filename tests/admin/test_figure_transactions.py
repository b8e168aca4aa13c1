"""Files of a picture are written before the transaction, and a failure leaves neither files nor rows."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings

from portal.accounts.models import User
from procedures.figures import renditions
from procedures.models import Figure
from tests.admin.conftest import SignIn, make_picture_file
from tests.admin.upload_helpers import make_photo, save_upload, start_upload
from tests.factories import make_figure

pytestmark = pytest.mark.django_db
UPLOAD = "/admin/procedures/figure/upload/"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path) -> Iterator[None]:
    with override_settings(DATA_DIR=tmp_path, MEDIA_ROOT=tmp_path / "media"):
        yield


@pytest.fixture
def nina(editor: User, sign_in: SignIn) -> Client:
    return sign_in(editor)


def upload_from_screen(client: Client) -> Any:
    return save_upload(client, start_upload(client))


def upload(client: Client) -> Any:
    return save_upload(client, client.post(UPLOAD, {"picture": make_picture_file()}).json()["next"])


def replace(client: Client) -> Any:
    return save_upload(client, start_upload(client, make_photo((300, 200)), figure="needle"))


def files() -> set[str]:
    folder = Path(settings.MEDIA_ROOT) / "figures"
    return {file.name for file in folder.iterdir()} if folder.exists() else set()


WAYS = [upload_from_screen, upload, replace]


@pytest.mark.parametrize("way", WAYS)
def test_files_are_written_before_the_transaction(nina: Client, monkeypatch: pytest.MonkeyPatch, way: Any) -> None:
    make_figure()
    depths: list[int] = []
    put, outside = renditions.store_file, len(connection.savepoint_ids)

    def watched(name: str, data: bytes) -> str:
        depths.append(len(connection.savepoint_ids))
        return put(name, data)

    monkeypatch.setattr(renditions, "store_file", watched)
    answer = way(nina)

    assert answer.status_code in {201, 302}
    assert len(depths) > 3
    assert set(depths) == {outside}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("broken", ["replace_renditions", "delete_on_commit"])
def test_a_failed_transaction_leaves_files_and_rows_unchanged(
    nina: Client, monkeypatch: pytest.MonkeyPatch, way: Any, broken: str
) -> None:
    make_figure()
    before = files(), list(Figure.objects.values_list("slug", "sha256", "image"))

    def fails(*_: Any, **__: Any) -> None:
        raise OSError("no room on the disk")

    monkeypatch.setattr(f"procedures.admin.figure_forms.{broken}", fails)
    with pytest.raises(OSError, match="no room"):
        way(nina)

    assert (files(), list(Figure.objects.values_list("slug", "sha256", "image"))) == before


def test_a_failed_write_leaves_no_files(nina: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    put = renditions.store_file

    def full(name: str, data: bytes) -> str:
        if name.endswith(".jpeg"):
            raise OSError("no room on the disk")
        return put(name, data)

    monkeypatch.setattr(renditions, "store_file", full)
    with pytest.raises(OSError, match="no room"):
        upload_from_screen(nina)

    assert files() == set()
    assert not Figure.objects.exists()


def test_replacing_a_picture_deletes_the_old_files(nina: Client, django_capture_on_commit_callbacks: Any) -> None:
    make_figure()
    old = files()

    with django_capture_on_commit_callbacks(execute=True):
        replace(nina)

    figure = Figure.objects.get()
    assert {Path(row.file).name for row in figure.renditions.all()} | {Path(figure.image).name} == files()
    assert not old & files()


def test_help_texts_are_linked_with_aria_describedby(nina: Client) -> None:
    html = nina.get(start_upload(nina)).content.decode()

    described = set(re.findall(r'(?:input|textarea)[^>]* name="([^"]+)"[^>]* aria-describedby="id_\1_helptext"', html))
    helped = set(re.findall(r'<p class="help" id="id_([^"]+)_helptext">', html))
    assert {"provenance_note", "alt_en", "caption_es"} <= helped
    assert helped <= described
