"""Pictures on S3-compatible storage: short patience, clear failures, and a cache that outlives the storage."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile, File
from storages.backends.s3 import S3Storage
from urllib3.exceptions import HTTPError

from portal.serving.media import NAME, StorageUnavailableError
from portal.serving.picture_cache import PictureCache

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 1, 3, 2
# A body that trickles in stops here, however steadily it trickles.
BODY_SECONDS = 20
# After a failure, readers are not made to wait for the next one.
PAUSE_SECONDS = 5
# Pictures that one process may fetch at a time: the other threads stay free for pages.
AT_ONCE, WAIT_SECONDS = 8, 0.25
# A copy older than this is served only after asking whether the storage still has the picture.
CONFIRM_SECONDS = 24 * 3600
CHUNK = 256 * 1024
GONE = {"404", "NoSuchKey", "NotFound"}


class BucketStorage(S3Storage):  # type: ignore[misc]
    """django-storages' S3. Every failure is an OSError: FileNotFoundError, or StorageUnavailableError."""

    def __init__(self, *, cache_folder: Path, cache_bytes: int, **options: Any) -> None:
        foreign = bool(options.get("endpoint_url"))
        # Other makers' storage knows neither bucket names as host names nor Amazon's newest checksums.
        own_ways: dict[str, Any] = {
            "s3": {"addressing_style": "path"},
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        }
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            **(own_ways if foreign else {}),
        )
        super().__init__(client_config=config, transfer_config=TransferConfig(use_threads=False), **options)
        self.cache = PictureCache(cache_folder, cache_bytes)
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._paused_until = 0.0

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        """The whole picture, from the cache where it is there."""
        if mode != "rb":
            raise ValueError("Stored pictures are written by save() only.")
        kept = NAME.match(name)
        if kept and self._may_serve_copy(name) and (stream := self.cache.open(name)):
            return File(stream, name)
        data = self._fetch(name)
        if kept:
            self.cache.put(name, data)
        return ContentFile(data, name)

    def _may_serve_copy(self, name: str) -> bool:
        """Whether there is a copy that may be shown. What was deleted elsewhere disappears here within a day."""
        age = self.cache.age(name)
        if age < CONFIRM_SECONDS or self._is_paused():
            return age != float("inf")
        if age == float("inf"):
            return False
        try:
            there = self.exists(name)
        except StorageUnavailableError:
            return True
        if there:
            self.cache.confirm(name)
        else:
            self.cache.forget(name)
        return there

    def _fetch(self, name: str) -> bytes:
        if self._is_paused() or not self._places.acquire(timeout=WAIT_SECONDS):
            raise StorageUnavailableError("The picture storage does not answer.")
        try:
            with self._failures():
                body = self.bucket.Object(name).get()["Body"]
                deadline = time.monotonic() + BODY_SECONDS
                chunks = []
                while chunk := body.read(CHUNK):
                    chunks.append(chunk)
                    if time.monotonic() > deadline:
                        body.close()
                        raise TimeoutError
                return b"".join(chunks)
        finally:
            self._places.release()

    def _save(self, name: str, content: Any) -> str:
        with self._failures():
            stored = str(super()._save(name, content))
        if NAME.match(stored):
            content.seek(0)
            self.cache.put(stored, content.read())
        return stored

    def delete(self, name: str) -> None:
        """From the bucket, then from the cache."""
        with self._failures():
            super().delete(name)
        self.cache.forget(name)

    def exists(self, name: str) -> bool:
        """Asks the bucket."""
        return bool(self._ask(super().exists, name))

    def size(self, name: str) -> int:
        """In bytes."""
        return int(self._ask(super().size, name))

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        """Folders and files."""
        folders, files = self._ask(super().listdir, name)
        return folders, files

    def get_modified_time(self, name: str) -> datetime:
        """When it was stored last."""
        found: datetime = self._ask(super().get_modified_time, name)
        return found

    def trouble(self) -> str:
        """What is wrong with the settings of the bucket, in a sentence; empty where nothing is.

        Raises StorageUnavailableError when the storage does not answer, which says nothing about the settings.
        """
        try:
            self.connection.meta.client.head_bucket(Bucket=self.bucket_name)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == 404:
                return f"The storage has no bucket {self.bucket_name}. Make it, or mend PORTAL_S3_BUCKET."
            if status in {400, 401, 403}:
                return (
                    f"The storage refuses the bucket {self.bucket_name} (status {status}). "
                    "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and PORTAL_S3_REGION."
                )
            raise StorageUnavailableError("The picture storage does not answer.") from error
        except BotoCoreError as error:
            if type(error).__name__ in {"NoCredentialsError", "PartialCredentialsError"}:
                return "There are no keys for the bucket. Give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            raise StorageUnavailableError("The picture storage does not answer.") from error
        return ""

    def _ask(self, method: Callable[[str], Any], name: str) -> Any:
        with self._failures():
            return method(name)

    def _is_paused(self) -> bool:
        return time.monotonic() < self._paused_until

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what boto raises into OSErrors, and remember that the storage failed."""
        try:
            yield
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in GONE:
                raise FileNotFoundError("no such picture") from error
            self._fail(error)
        except (BotoCoreError, Boto3Error, HTTPError, TimeoutError, ConnectionError) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._paused_until = time.monotonic() + PAUSE_SECONDS
        raise StorageUnavailableError("The picture storage does not answer.") from error
