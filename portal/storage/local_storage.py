"""Media storage on the local disk, and the upload handler, which leaves no file behind, not even after a crash."""

import re
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from portal.storage.atomic_file import atomic_write

# Names of stored media files. They contain a hash of the content, so a file of a given name never changes.
MEDIA_NAME_PATTERN = re.compile(r"figures/[0-9a-f]{16,64}(?:-[0-9]{1,5})?\.(avif|webp|jpeg|png|svg)\Z")
# Above the limit of every form. Forms check their own limit; this one stops the upload while it is being received.
MAX_UPLOAD_BYTES = 256 * 1024 * 1024


class StorageUnavailableError(OSError):
    """Media files cannot be read or written right now. No file is half written; a retry may succeed."""


class AtomicFileSystemStorage(FileSystemStorage):
    """FileSystemStorage that writes a temporary file and renames it, so that a crash leaves no incomplete file."""

    def _save(self, name: str, content: Any) -> str:
        try:
            return self._write(name, content)
        except OSError as error:
            raise StorageUnavailableError(f"The media folder cannot be written: {error.strerror}.") from error

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
        """Write a chunk. Raise RequestDataTooBig (400) beyond MAX_UPLOAD_BYTES."""
        if start + len(raw_data) > MAX_UPLOAD_BYTES:
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
