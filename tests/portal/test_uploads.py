"""Uploads have no name on disk and a maximum size."""

import io
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

from portal.security import MAX_STAFF_BODY
from portal.storage import local_storage
from procedures.admin.transfer import ImportForm

pytestmark = pytest.mark.usefixtures("own_folder")

CONTENT = b"nobody shall find this" * 200_000


def sent(content: bytes) -> object:
    file = io.BytesIO(content)
    file.name = "Jane Doe.dcm"
    return RequestFactory().post("/", {"picture": file})


def test_a_large_upload_is_complete_and_has_no_name_on_disk() -> None:
    request = sent(CONTENT)

    upload = request.FILES["picture"]  # type: ignore[attr-defined]

    assert settings.FILE_UPLOAD_HANDLERS == ["portal.storage.local_storage.AnonymousTempFileUploadHandler"]
    assert (upload.size, upload.read()) == (len(CONTENT), CONTENT)
    assert list(Path(settings.DATA_DIR).iterdir()) == []
    upload.close()


def test_every_upload_that_a_form_accepts_reaches_it() -> None:
    upload = SimpleUploadedFile("pages.zip", b"x")
    upload.size = MAX_STAFF_BODY + 1
    form = ImportForm(files={"bundle": upload})

    assert form.errors["bundle"] == ["The file is larger than 250 MB."], "the middleware would refuse it"


def test_an_upload_above_the_limit_is_rejected_while_it_is_received(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_storage, "MAX_STAFF_BODY", 1_000_000)

    with pytest.raises(RequestDataTooBig):
        sent(CONTENT).FILES  # type: ignore[attr-defined]  # noqa: B018 -- reading the body runs the upload handler

    assert list(Path(settings.DATA_DIR).iterdir()) == []
