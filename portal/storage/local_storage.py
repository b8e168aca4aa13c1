"""Files on the local disk: atomic writes, media storage, and the upload handler.

After a crash, a file is either complete or absent, and an upload leaves nothing behind.
"""

import errno
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.core.management.base import CommandError

from portal.security import MAX_STAFF_BODY

# Names of stored media files. They contain a hash of the content, so a file of a given name never changes.
MEDIA_NAME_PATTERN = re.compile(r"figures/[0-9a-f]{16,64}(?:-[0-9]{1,5})?\.(avif|webp|jpeg|png|svg)\Z")

WRITE_ERROR_ADVICE = {
    errno.ENOSPC: "The disk is full. Free some space or choose another disk.",
    errno.EDQUOT: "The disk quota is used up. Free some space or choose another disk.",
    errno.EACCES: "You are not allowed to write there. Choose another folder or change its permissions.",
    errno.EPERM: "You are not allowed to write there. Choose another folder or change its permissions.",
    errno.EROFS: "The disk is read-only. Choose another one.",
    errno.ENOENT: "The folder does not exist. Create it first.",
    errno.ENOTDIR: "Part of the path is a file, not a folder. Choose another path.",
    errno.EISDIR: "This is a folder. Add a file name.",
    errno.ENAMETOOLONG: "The name is too long. Choose a shorter one.",
}
# Prefix of temporary files.
TEMP_PREFIX = ".new-"


class StorageUnavailableError(OSError):
    """Media files cannot be read or written right now. No file is half written; a retry may succeed.

    ``reason`` says why, for an operator, without file names; it is empty if nothing more is known.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class AtomicFileSystemStorage(FileSystemStorage):
    """FileSystemStorage that writes a temporary file and renames it, so that a crash leaves no incomplete file."""

    def _save(self, name: str, content: Any) -> str:
        try:
            return self._write(name, content)
        except OSError as error:
            raise StorageUnavailableError(f"The media folder cannot be written: {error.strerror}.") from error

    def describe_problem(self) -> str:
        """Return what is wrong with the folder, for ``/readyz``, or an empty string.

        Checks one stored file as a sample.
        """
        root = Path(self.location)
        if not root.exists():
            return ""
        folders = [root, *(path for path in root.iterdir() if path.is_dir())] if os.access(root, os.R_OK) else [root]
        files = next(os.walk(folders[-1]), ("", [], []))[2][:1]
        usable = all(os.access(folder, os.R_OK | os.W_OK | os.X_OK) for folder in folders)
        if usable and all(os.access(folders[-1] / name, os.R_OK) for name in files):
            return ""
        return "the media folder cannot be used: check the owner and modes of media/ in the data directory"

    def is_empty(self) -> bool:
        """Return whether the folder is missing or has no files."""
        return not any(files for _folder, _folders, files in os.walk(self.location))

    def _write(self, name: str, content: Any) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(target, content.chunks(), mode=0o640)
        return name


class AnonymousTempFileUploadHandler(FileUploadHandler):
    """Writes each upload to an unnamed file in the data directory, because an image may show a patient's name.

    The kernel frees the file when the request or the process ends. Django's own handlers write to the system's
    temporary directory, which may not be writable for a service, and leave files there when killed.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.file = tempfile.TemporaryFile(dir=settings.DATA_DIR)  # noqa: SIM115 -- closed with the request

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write a chunk. Raise RequestDataTooBig (400) beyond MAX_STAFF_BODY, while the file is being received."""
        if start + len(raw_data) > MAX_STAFF_BODY:
            self.file.close()
            raise RequestDataTooBig("The file is larger than any form accepts.")
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        self.file.seek(0)
        return UploadedFile(
            file=self.file,
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )

    def upload_interrupted(self) -> None:
        if hasattr(self, "file"):
            self.file.close()


def atomic_write(target: Path, chunks: Iterable[bytes], mode: int = 0o600) -> None:
    """Write a temporary file in the same directory, sync it, and rename it over ``target``.

    The directory must exist. On an error, such as OSError for a full disk, ``target`` is unchanged and the temporary
    file is deleted.
    """
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=TEMP_PREFIX)
    temp_file = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for chunk in chunks:
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        temp_file.chmod(mode)
        temp_file.replace(target)
    except BaseException:
        temp_file.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_create(target: Path) -> Iterator[BinaryIO]:
    """Open a new file, with mode 0600, that appears as ``target`` only when the block ends without an error.

    Raise FileExistsError if ``target`` exists at the start or at the end, and OSError if it cannot be written. On any
    error, no file is left behind.
    """
    if target.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    temp_file = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.link(temp_file, target)  # unlike a rename, never replaces a file
        fsync_directory(target.parent)
    finally:
        temp_file.unlink(missing_ok=True)


@contextmanager
def create_output_file(target: Path) -> Iterator[BinaryIO]:
    """Open the file that a command creates, as ``atomic_create`` does. Raise CommandError if that fails."""
    try:
        with atomic_create(target) as stream:
            yield stream
    except FileExistsError as error:
        raise CommandError(f"{target} already exists. Choose a new file name.") from error
    except OSError as error:
        raise CommandError(describe_write_error(error, target)) from error


@contextmanager
def create_output_folder(target: Path) -> Iterator[None]:
    """Create the folder that a command fills, unless it exists and is empty. On any error, remove what is in it.

    Raise CommandError if it is not empty or cannot be written.
    """
    is_new = not target.exists()
    try:
        target.mkdir(parents=True, exist_ok=True)
        if any(target.iterdir()):
            raise CommandError(f"{target} is not empty. Choose an empty or new folder.")
        try:
            yield
        except BaseException:
            for child in target.iterdir():
                shutil.rmtree(child) if child.is_dir() else child.unlink()
            if is_new:
                target.rmdir()
            raise
    except OSError as error:
        raise CommandError(describe_write_error(error, target)) from error


@contextmanager
def try_lock(file: Path) -> Iterator[bool]:
    """Lock a file, which is created if necessary, for the duration of the block. Yield whether that was possible."""
    with file.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def fsync_directory(folder: Path) -> None:
    """Sync a directory, so that renames and links in it survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def describe_write_error(error: OSError, target: Path) -> str:
    """Return sentences for the terminal: what could not be written, and what to do."""
    advice = WRITE_ERROR_ADVICE.get(error.errno or 0, f"{error.strerror or error}.")
    return f"{target} could not be written. {advice}"
