"""A bounded folder of pictures that are kept elsewhere. Their names fix their content, so a copy never grows stale."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile, File
from storages.backends.s3 import S3Storage
from urllib3.exceptions import HTTPError

from portal.storage.atomic_file import atomic_write
from portal.storage.local_storage import MEDIA_NAME_PATTERN, StorageUnavailableError

# Evicting frees more than one picture needs, so that it does not happen with every one.
EVICTION_TARGET_RATIO = 0.9
# What a crash left behind is older than any write that is under way.
ABANDONED_AFTER_SECONDS = 3600

log = logging.getLogger(__name__)


class PictureCache:
    """Several processes share the folder: files appear by renaming, and whoever notices removes what is too much.

    A file's time of change says when it was last known to be in the storage; the oldest go first.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder, self.max_bytes = folder, max_bytes

    def open(self, name: str) -> IO[bytes] | None:
        """The copy of a picture, or None."""
        try:
            return self._path(name).open("rb")
        except OSError:
            return None

    def age(self, name: str) -> float:
        """Seconds since the picture was last confirmed; infinite where there is no copy."""
        try:
            return time.time() - self._path(name).stat().st_mtime
        except OSError:
            return float("inf")

    def touch(self, name: str) -> None:
        """It is in the storage still."""
        with contextlib.suppress(OSError):
            os.utime(self._path(name))

    def delete(self, name: str) -> None:
        """Take the copy away."""
        with contextlib.suppress(OSError):
            self._path(name).unlink(missing_ok=True)

    def put(self, name: str, data: bytes) -> None:
        """Keep a copy. A full disk costs the copy only, and is logged."""
        target = self._path(name)
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            atomic_write(target, [data])
            self._evict()
        except OSError as error:
            log.warning("a picture could not be kept in the cache: %s", error.strerror)

    def _path(self, name: str) -> Path:
        return self.folder / name

    def _evict(self) -> None:
        """Bring the folder below its bound."""
        found, total = [], 0
        for path in self.folder.rglob("*"):
            with contextlib.suppress(OSError):  # another process was faster
                stat = path.lstat()
                if path.name.startswith(".") and time.time() - stat.st_mtime > ABANDONED_AFTER_SECONDS:
                    path.unlink(missing_ok=True)
                elif path.is_file() and not path.name.startswith("."):
                    found.append((stat.st_mtime, stat.st_size, path))
                    total += stat.st_size
        if total <= self.max_bytes:
            return
        for _, size, path in sorted(found):
            if total <= self.max_bytes * EVICTION_TARGET_RATIO:
                break
            path.unlink(missing_ok=True)
            total -= size


CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS, MAX_ATTEMPTS = 1, 3, 2
# A body that trickles in stops here, however steadily it trickles.
BODY_TIMEOUT_SECONDS = 20
# After a failure, readers are not made to wait for the next one.
FAILURE_PAUSE_SECONDS = 5
# Pictures that one process may fetch at a time: the other threads stay free for pages.
MAX_CONCURRENT_FETCHES, FETCH_SLOT_WAIT_SECONDS = 8, 0.25
# A copy older than this is served only after asking whether the storage still has the picture.
REVALIDATE_AFTER_SECONDS = 24 * 3600
CHUNK_BYTES = 256 * 1024
NOT_FOUND_CODES = {"404", "NoSuchKey", "NotFound"}


class S3MediaStorage(S3Storage):  # type: ignore[misc]
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
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            retries={"total_max_attempts": MAX_ATTEMPTS, "mode": "standard"},
            **(own_ways if foreign else {}),
        )
        super().__init__(client_config=config, transfer_config=TransferConfig(use_threads=False), **options)
        self.cache = PictureCache(cache_folder, cache_bytes)
        self._fetch_slots = threading.BoundedSemaphore(MAX_CONCURRENT_FETCHES)
        self._paused_until = 0.0

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        """The whole picture, from the cache where it is there."""
        if mode != "rb":
            raise ValueError("Stored pictures are written by save() only.")
        kept = MEDIA_NAME_PATTERN.match(name)
        if kept and self._can_serve_cached(name) and (stream := self.cache.open(name)):
            return File(stream, name)
        data = self._fetch(name)
        if kept:
            self.cache.put(name, data)
        return ContentFile(data, name)

    def _can_serve_cached(self, name: str) -> bool:
        """Whether there is a copy that may be shown. What was deleted elsewhere disappears here within a day."""
        age = self.cache.age(name)
        if age < REVALIDATE_AFTER_SECONDS or self._is_paused():
            return age != float("inf")
        if age == float("inf"):
            return False
        try:
            there = self.exists(name)
        except StorageUnavailableError:
            return True
        if there:
            self.cache.touch(name)
        else:
            self.cache.delete(name)
        return there

    def _fetch(self, name: str) -> bytes:
        if self._is_paused() or not self._fetch_slots.acquire(timeout=FETCH_SLOT_WAIT_SECONDS):
            raise StorageUnavailableError("The picture storage does not answer.")
        try:
            with self._translate_errors():
                body = self.bucket.Object(name).get()["Body"]
                deadline = time.monotonic() + BODY_TIMEOUT_SECONDS
                chunks = []
                while chunk := body.read(CHUNK_BYTES):
                    chunks.append(chunk)
                    if time.monotonic() > deadline:
                        body.close()
                        raise TimeoutError
                return b"".join(chunks)
        finally:
            self._fetch_slots.release()

    def _save(self, name: str, content: Any) -> str:
        with self._translate_errors():
            stored = str(super()._save(name, content))
        if MEDIA_NAME_PATTERN.match(stored):
            content.seek(0)
            self.cache.put(stored, content.read())
        return stored

    def delete(self, name: str) -> None:
        """From the bucket, then from the cache."""
        with self._translate_errors():
            super().delete(name)
        self.cache.delete(name)

    def exists(self, name: str) -> bool:
        """Asks the bucket."""
        return bool(self._call(super().exists, name))

    def size(self, name: str) -> int:
        """In bytes."""
        return int(self._call(super().size, name))

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        """Folders and files."""
        folders, files = self._call(super().listdir, name)
        return folders, files

    def get_modified_time(self, name: str) -> datetime:
        """When it was stored last."""
        found: datetime = self._call(super().get_modified_time, name)
        return found

    def configuration_error(self) -> str:
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

    def _call(self, method: Callable[[str], Any], name: str) -> Any:
        with self._translate_errors():
            return method(name)

    def _is_paused(self) -> bool:
        return time.monotonic() < self._paused_until

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Turn what boto raises into OSErrors, and remember that the storage failed."""
        try:
            yield
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in NOT_FOUND_CODES:
                raise FileNotFoundError("no such picture") from error
            self._raise_unavailable(error)
        except (BotoCoreError, Boto3Error, HTTPError, TimeoutError, ConnectionError) as error:
            self._raise_unavailable(error)

    def _raise_unavailable(self, error: Exception) -> None:
        self._paused_until = time.monotonic() + FAILURE_PAUSE_SECONDS
        raise StorageUnavailableError("The picture storage does not answer.") from error
