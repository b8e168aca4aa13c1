"""Images in a bucket: served through our own URLs, from the cache while the storage fails."""

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import HttpResponse
from django.test import Client, override_settings

from portal.security import SECURITY_HEADERS
from portal.storage import media, s3_storage
from portal.storage.local_storage import StorageUnavailableError
from procedures.figures.renditions import store_file
from procedures.models import Figure
from tests.admin.conftest import SignIn
from tests.admin.test_editor_upload import UPLOAD, sent
from tests.admin.upload_helpers import save_upload
from tests.operations.s3 import KEYS, FaultyProxy

pytestmark = pytest.mark.django_db  # the 404 page queries the clinic's name
FAULTS = ["slow", "unavailable", "closed"]


class AllPublic:
    """Every file is public."""

    def __contains__(self, name: str) -> bool:
        return True


def picture(letter: str) -> str:
    return f"figures/{hashlib.sha256(letter.encode()).hexdigest()[:16]}-480.webp"


@pytest.fixture
def proxy(s3_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    """Store media in a bucket behind a proxy that can fail."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(s3_storage, "READ_TIMEOUT_SECONDS", 1.5)
    # The files stored here do not belong to a page.
    monkeypatch.setattr(media, "_get_names_function", lambda: AllPublic)
    made = FaultyProxy(s3_address)
    options = {
        "bucket_name": "pictures",
        "endpoint_url": made.url,
        "region_name": "us-east-1",
        "cache_folder": tmp_path / "cache",
        "cache_bytes": 50_000,
    }
    storages = {
        "default": {"BACKEND": "portal.storage.s3_storage.S3MediaStorage", "OPTIONS": options},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    with override_settings(STORAGES=storages):
        yield made
        made.fault = None
        for name in default_storage.listdir("figures")[1]:
            default_storage.delete(f"figures/{name}")
    made.close()


def clear_cache(tmp_path: Path) -> None:
    for path in (tmp_path / "cache").rglob("*.*"):
        path.unlink()


def fetch_picture(name: str) -> HttpResponse:
    """Return a response with its body."""
    sent_by = Client().get(f"/media/{name}")
    answer = HttpResponse(sent_by.getvalue(), status=sent_by.status_code)
    answer.headers = sent_by.headers
    return answer


def test_an_image_is_served_through_our_own_url(proxy: FaultyProxy) -> None:
    name = store_file(picture("a"), b"a picture")

    answer = fetch_picture(name)

    assert (answer.status_code, answer.content) == (200, b"a picture")
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, s-maxage=0, immutable"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert {n: answer.headers[n] for n in SECURITY_HEADERS if n != "Content-Security-Policy"} == {
        n: value for n, value in SECURITY_HEADERS.items() if n != "Content-Security-Policy"
    }


def test_the_second_request_is_served_from_the_cache(proxy: FaultyProxy, tmp_path: Path) -> None:
    name = store_file(picture("b"), b"twice")
    clear_cache(tmp_path)
    proxy.requests.clear()

    assert [fetch_picture(name).content for _ in range(3)] == [b"twice"] * 3

    assert proxy.requests == [f"GET /pictures/{name}"]


def test_an_unknown_image_is_not_found(proxy: FaultyProxy) -> None:
    assert fetch_picture(picture("never")).status_code == 404


@pytest.mark.parametrize("fault", FAULTS)
def test_when_the_storage_fails_cached_images_are_served_and_others_get_503(
    proxy: FaultyProxy, tmp_path: Path, fault: str
) -> None:
    known, unknown = store_file(picture("k"), b"known"), store_file(picture("u"), b"unknown")
    (tmp_path / "cache" / unknown).unlink()
    proxy.fault = fault
    begun = time.monotonic()

    first = fetch_picture(unknown)
    waited = time.monotonic() - begun
    begun = time.monotonic()
    rest = [fetch_picture(unknown), fetch_picture(known), fetch_picture(unknown)]
    at_once = time.monotonic() - begun

    assert (first.status_code, first.headers["Retry-After"]) == (503, "10")
    assert first.headers["Cache-Control"] == "no-store"
    assert [answer.status_code for answer in rest] == [503, 200, 503]
    assert rest[1].content == b"known"
    assert waited < 8
    assert at_once < 0.5, "requests fail fast after the first failure"


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
def test_an_upload_gets_a_message_and_leaves_nothing(
    proxy: FaultyProxy,
    fault: str,
    editor: Any,
    sign_in: SignIn,
) -> None:
    client = sign_in(editor)
    address = client.post(UPLOAD, sent()).json()["next"]
    proxy.fault = fault

    refused = save_upload(client, address)
    assert (refused.status_code, Figure.objects.count()) == (503, 0)
    assert "The image storage is unavailable right now, so nothing was saved." in refused.content.decode()

    proxy.fault = None
    assert save_upload(client, address).status_code == 302
    assert all(fetch_picture(row.file).status_code == 200 for row in Figure.objects.get().renditions.all())


def test_readiness_names_the_storage(proxy: FaultyProxy, db: None) -> None:
    assert Client().get("/readyz").status_code == 200
    proxy.fault = "closed"
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"the media storage does not respond\n")


def test_the_cache_is_bounded_and_keeps_the_newest(proxy: FaultyProxy, tmp_path: Path) -> None:
    names = [store_file(picture(str(number)), bytes(6000)) for number in range(12)]

    kept = list((tmp_path / "cache" / "figures").iterdir())

    assert sum(path.stat().st_size for path in kept) <= 50_000
    assert f"{tmp_path}/cache/{names[-1]}" in {str(path) for path in kept}
    assert [fetch_picture(name).status_code for name in names] == [200] * 12
    assert sum(path.stat().st_size for path in (tmp_path / "cache" / "figures").iterdir()) <= 50_000


def test_a_full_disk_only_prevents_caching(proxy: FaultyProxy, tmp_path: Path) -> None:
    name = store_file(picture("full"), b"shown all the same")
    clear_cache(tmp_path)
    (tmp_path / "cache" / "figures").rmdir()
    (tmp_path / "cache" / "figures").write_text("in the way of every copy")

    assert fetch_picture(name).content == b"shown all the same"


def test_an_image_deleted_by_another_machine_disappears_within_a_day(proxy: FaultyProxy, tmp_path: Path) -> None:
    name = store_file(picture("gone"), b"deleted elsewhere")
    copy = tmp_path / "cache" / name
    kept = copy.read_bytes()
    default_storage.delete(name)
    copy.write_bytes(kept)
    assert fetch_picture(name).status_code == 200

    yesterday = time.time() - s3_storage.REVALIDATE_AFTER_SECONDS - 60
    os.utime(copy, (yesterday, yesterday))
    assert fetch_picture(name).status_code == 404
    assert not copy.exists()


def test_an_old_copy_is_served_while_the_storage_does_not_respond(proxy: FaultyProxy, tmp_path: Path) -> None:
    name = store_file(picture("old"), b"still needed")
    yesterday = time.time() - s3_storage.REVALIDATE_AFTER_SECONDS - 60
    os.utime(tmp_path / "cache" / name, (yesterday, yesterday))
    proxy.fault = "closed"

    assert fetch_picture(name).content == b"still needed"


def test_an_image_deleted_here_disappears_at_once(proxy: FaultyProxy) -> None:
    name = store_file(picture("here"), b"x")
    default_storage.delete(name)

    assert fetch_picture(name).status_code == 404


def test_storing_the_same_file_again_updates_its_modification_time(proxy: FaultyProxy) -> None:
    name = store_file(picture("young"), b"x")
    first = default_storage.get_modified_time(name)
    time.sleep(1.1)

    store_file(name, b"x")

    assert default_storage.get_modified_time(name) > first


def test_a_missing_file_and_a_failing_storage_raise_different_errors(proxy: FaultyProxy) -> None:
    for ask in (default_storage.open, default_storage.size, default_storage.get_modified_time):
        with pytest.raises(FileNotFoundError):
            ask(picture("none"))
    proxy.fault = "unavailable"
    for ask in (default_storage.exists, default_storage.size, default_storage.delete, default_storage.listdir):
        with pytest.raises(StorageUnavailableError):
            ask(picture("none"))
    with pytest.raises(StorageUnavailableError):
        default_storage.save(picture("none"), ContentFile(b"x"))


def test_pictures_of_published_pages_are_prefetched(proxy: FaultyProxy, tmp_path: Path) -> None:
    public, other, deleted = (store_file(picture(letter), letter.encode() * 9000) for letter in "pod")
    clear_cache(tmp_path)
    default_storage.delete(deleted)
    (tmp_path / "cache" / deleted).write_bytes(b"deleted by another machine")

    default_storage.prefetch([public, deleted])
    proxy.fault = "closed"

    assert fetch_picture(public).content == b"p" * 9000
    assert fetch_picture(other).status_code == 503
    assert not (tmp_path / "cache" / deleted).exists()


def test_a_cache_that_is_too_small_for_the_public_pictures_is_reported(
    proxy: FaultyProxy, caplog: pytest.LogCaptureFixture
) -> None:
    names = [store_file(picture(f"n{number}"), bytes(9000)) for number in range(8)]

    default_storage.prefetch(names)

    assert "PORTAL_S3_CACHE_MB is too small for the pictures of all published pages" in caplog.messages


def test_readiness_names_a_missing_bucket(proxy: FaultyProxy) -> None:
    assert default_storage.describe_problem() == ""
    default_storage.bucket_name = "misspelt"
    found = default_storage.describe_problem()
    default_storage.bucket_name = "pictures"

    assert found == "the bucket does not exist: check PORTAL_S3_BUCKET"


def test_a_missing_bucket_is_reported(proxy: FaultyProxy) -> None:
    assert default_storage.configuration_error() == ""
    default_storage.bucket_name = "misspelt"
    assert (
        default_storage.configuration_error()
        == "The bucket misspelt does not exist. Create it, or correct PORTAL_S3_BUCKET."
    )
    default_storage.bucket_name = "pictures"
    proxy.fault = "closed"
    with pytest.raises(StorageUnavailableError):
        default_storage.configuration_error()


def test_an_upload_to_a_full_disk_gets_the_same_message(
    editor: Any,
    sign_in: SignIn,
    db: None,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    tmp_path: Path,
) -> None:
    # A separate folder: an existing image would not be written again.
    settings.MEDIA_ROOT = tmp_path

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    client = sign_in(editor)
    address = client.post(UPLOAD, sent()).json()["next"]
    monkeypatch.setattr("portal.storage.local_storage.os.fsync", full)

    refused = save_upload(client, address)

    assert (refused.status_code, Figure.objects.count()) == (503, 0)
    assert "so nothing was saved. Go back" in refused.content.decode()


def test_a_cache_that_cannot_be_written_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache = s3_storage.PictureCache(tmp_path / "cache", 50_000)

    for letter in "abc":
        cache.put(picture(letter), b"x")

    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("Could not cache a picture: ")


def test_why_the_bucket_fails_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    options = {"bucket_name": "pictures", "endpoint_url": "http://127.0.0.1:9", "region_name": "us-east-1"}
    storage = s3_storage.S3MediaStorage(cache_folder=tmp_path, cache_bytes=1, **options)

    for code in ("NoSuchBucket", "NoSuchBucket", "AccessDenied"):
        with pytest.raises(StorageUnavailableError), storage._translate_errors():
            raise s3_storage.ClientError({"Error": {"Code": code}}, "GetObject")

    assert caplog.messages == [s3_storage.REASONS["NoSuchBucket"], s3_storage.REASONS["AccessDenied"]]
