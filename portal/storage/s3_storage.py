"""Media storage in an S3 bucket, with a bounded cache on the local disk."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
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

from portal.logging import RepeatLimit
from portal.storage.local_storage import MEDIA_NAME_PATTERN, StorageUnavailableError, atomic_write

CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS, MAX_ATTEMPTS = 1, 3, 2
# The limit for a whole download; READ_TIMEOUT_SECONDS applies to each chunk only.
BODY_TIMEOUT_SECONDS = 20
# After a failure, requests fail immediately for this long instead of waiting for another timeout.
FAILURE_PAUSE_SECONDS = 5
# Concurrent downloads per process; the other threads stay free for pages.
MAX_CONCURRENT_FETCHES, FETCH_SLOT_WAIT_SECONDS = 8, 0.25
# An older cached copy is served only after checking that the bucket still has the file.
REVALIDATE_AFTER_SECONDS = 24 * 3600
CHUNK_BYTES = 256 * 1024
PICTURE_FOLDER = "figures/"
NOT_FOUND_CODES = {"404", "NoSuchKey", "NotFound"}
UNAVAILABLE_MESSAGE = "The media storage does not respond."
# What a bucket's error codes mean; a HEAD response carries only the status.
REASONS = {
    "RequestTimeTooSkewed": "the bucket rejects requests because this machine's clock is wrong: set up NTP, for "
    "example systemd-timesyncd",
    **dict.fromkeys(
        ("403", "401", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
        "access to the bucket was denied: check the access keys and their policy (docs/operations.md), and this "
        "machine's clock",
    ),
    "NoSuchBucket": "the bucket does not exist: check PORTAL_S3_BUCKET",
}
# Eviction frees more space than one file needs, so that it does not run for every file.
EVICTION_TARGET_RATIO = 0.9
# Older temporary files are left over from a crash.
ABANDONED_AFTER_SECONDS = 3600

log = logging.getLogger(__name__)


class PictureCache:
    """A cache folder of at most ``max_bytes`` that several processes share.

    File names contain a hash of the content, so a copy never becomes stale. The modification time of a copy says when
    the bucket was last known to have the file; the oldest copies are evicted first.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        self._log_limit = RepeatLimit(seconds=60.0)

    def open(self, name: str) -> IO[bytes] | None:
        """Open the cached copy of a file. Return None if there is none."""
        try:
            return self._path(name).open("rb")
        except OSError:
            return None

    def age(self, name: str) -> float:
        """Return the seconds since the bucket was last known to have the file; infinity if there is no copy."""
        try:
            return time.time() - self._path(name).stat().st_mtime
        except OSError:
            return float("inf")

    def size(self, name: str) -> int:
        """Return the size of the cached copy in bytes, or 0 if there is none."""
        try:
            return self._path(name).stat().st_size
        except OSError:
            return 0

    def touch(self, name: str) -> None:
        """Record that the bucket still has the file."""
        with contextlib.suppress(OSError):
            os.utime(self._path(name))

    def delete(self, name: str) -> None:
        with contextlib.suppress(OSError):
            self._path(name).unlink(missing_ok=True)

    def put(self, name: str, data: bytes) -> None:
        """Store a copy, and evict others if necessary. A failure, such as a full disk, is only logged."""
        target = self._path(name)
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            atomic_write(target, [data])
            self._evict()
        except OSError as error:
            if self._log_limit.allows(reason := error.strerror or str(error)):
                log.warning("Could not cache a picture: %s", reason)

    def _path(self, name: str) -> Path:
        return self.folder / name

    def _evict(self) -> None:
        """Delete the oldest copies if the folder exceeds its limit, and leftover temporary files."""
        copies, total = [], 0
        for path in self.folder.rglob("*"):
            with contextlib.suppress(OSError):  # deleted by another process
                stat = path.lstat()
                if path.name.startswith(".") and time.time() - stat.st_mtime > ABANDONED_AFTER_SECONDS:
                    path.unlink(missing_ok=True)
                elif path.is_file() and not path.name.startswith("."):
                    copies.append((stat.st_mtime, stat.st_size, path))
                    total += stat.st_size
        if total <= self.max_bytes:
            return
        for _, size, path in sorted(copies):
            if total <= self.max_bytes * EVICTION_TARGET_RATIO:
                break
            path.unlink(missing_ok=True)
            total -= size


class S3MediaStorage(S3Storage):  # type: ignore[misc]
    """django-storages' S3 backend with a cache, short timeouts, and Python's exceptions.

    Every failure is an OSError: FileNotFoundError or StorageUnavailableError.
    """

    def __init__(self, *, cache_folder: Path, cache_bytes: int, **options: Any) -> None:
        # Other vendors' servers may not support bucket names as host names, or Amazon's latest checksums.
        compatibility: dict[str, Any] = {
            "s3": {"addressing_style": "path"},
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        }
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            retries={"total_max_attempts": MAX_ATTEMPTS, "mode": "standard"},
            **(compatibility if options.get("endpoint_url") else {}),
        )
        super().__init__(client_config=config, transfer_config=TransferConfig(use_threads=False), **options)
        self.cache = PictureCache(cache_folder, cache_bytes)
        self._fetch_slots = threading.BoundedSemaphore(MAX_CONCURRENT_FETCHES)
        self._paused_until = 0.0
        self._log_limit = RepeatLimit(seconds=60.0)

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        """Open a file from the cache, or download it completely."""
        if mode != "rb":
            raise ValueError("Media files can be written only with save().")
        is_cacheable = MEDIA_NAME_PATTERN.match(name)
        if is_cacheable and self._can_serve_cached(name) and (stream := self.cache.open(name)):
            return File(stream, name)
        data = self._fetch(name)
        if is_cacheable:
            self.cache.put(name, data)
        return ContentFile(data, name)

    def _can_serve_cached(self, name: str) -> bool:
        """Return whether there is a usable copy. A file deleted by another machine disappears here within a day."""
        age = self.cache.age(name)
        if age < REVALIDATE_AFTER_SECONDS or self._is_paused():
            return age != float("inf")
        if age == float("inf"):
            return False
        try:
            exists = self.exists(name)
        except StorageUnavailableError:
            return True
        if exists:
            self.cache.touch(name)
        else:
            self.cache.delete(name)
        return exists

    def _fetch(self, name: str) -> bytes:
        if self._is_paused() or not self._fetch_slots.acquire(timeout=FETCH_SLOT_WAIT_SECONDS):
            raise StorageUnavailableError(UNAVAILABLE_MESSAGE)
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
        with self._translate_errors():
            super().delete(name)
        self.cache.delete(name)

    def exists(self, name: str) -> bool:
        return bool(self._call(super().exists, name))

    def size(self, name: str) -> int:
        return int(self._call(super().size, name))

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        folders, files = self._call(super().listdir, name)
        return folders, files

    def get_modified_time(self, name: str) -> datetime:
        modified: datetime = self._call(super().get_modified_time, name)
        return modified

    def configuration_error(self) -> str:
        """Return a sentence about what is wrong with the bucket's settings, or an empty string.

        Raise StorageUnavailableError if the server does not respond, which says nothing about the settings.
        """
        try:
            self.connection.meta.client.head_bucket(Bucket=self.bucket_name)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == 404:
                return f"The bucket {self.bucket_name} does not exist. Create it, or correct PORTAL_S3_BUCKET."
            if status in {400, 401, 403}:
                return (
                    f"Access to the bucket {self.bucket_name} was denied (status {status}). "
                    "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and PORTAL_S3_REGION."
                )
            raise StorageUnavailableError(UNAVAILABLE_MESSAGE) from error
        except BotoCoreError as error:
            if type(error).__name__ in {"NoCredentialsError", "PartialCredentialsError"}:
                return "No credentials are set for the bucket. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            raise StorageUnavailableError(UNAVAILABLE_MESSAGE) from error
        return ""

    def describe_problem(self) -> str:
        """Return what is wrong with the bucket, for ``/readyz``, or an empty string.

        ``exists`` cannot distinguish a missing bucket from a missing file.
        """
        return REASONS["NoSuchBucket"] if "does not exist" in self.configuration_error() else ""

    def prefetch(self, names: Iterable[str]) -> None:
        """Prefetch the pictures of published pages into the cache, and keep them there.

        Copies of files that are still in the bucket are touched, so that others are evicted first and readers still get
        these pictures during a bucket outage. Raise StorageUnavailableError.
        """
        stored = {f"{PICTURE_FOLDER}{name}" for name in self.listdir(PICTURE_FOLDER)[1]}
        size, limit = 0, self.cache.max_bytes * EVICTION_TARGET_RATIO
        for name in sorted(names):
            if name not in stored:
                self.cache.delete(name)
                continue
            if self.cache.age(name) == float("inf"):
                self.cache.put(name, self._fetch(name))
            else:
                self.cache.touch(name)
            size += self.cache.size(name)
            if size > limit:
                log.warning("PORTAL_S3_CACHE_MB is too small for the pictures of all published pages")
                return

    def _call(self, method: Callable[[str], Any], name: str) -> Any:
        with self._translate_errors():
            return method(name)

    def _is_paused(self) -> bool:
        return time.monotonic() < self._paused_until

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Translate boto's exceptions to OSErrors. Pause requests after a server failure."""
        try:
            yield
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in NOT_FOUND_CODES:
                raise FileNotFoundError("no such file in the bucket") from error
            self._raise_unavailable(error)
        except (BotoCoreError, Boto3Error, HTTPError, TimeoutError, ConnectionError) as error:
            self._raise_unavailable(error)

    def _raise_unavailable(self, error: Exception) -> None:
        self._paused_until = time.monotonic() + FAILURE_PAUSE_SECONDS
        code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
        reason = REASONS.get(code, "")
        if self._log_limit.allows(message := reason or f"the media storage does not respond ({type(error).__name__})"):
            log.warning("%s", message)
        raise StorageUnavailableError(UNAVAILABLE_MESSAGE, reason) from error
