"""Files that are being sent: on disk without a name, so that nothing is left of them, not even after a crash."""

import tempfile
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

# No form takes more; each says so itself before it reads. This is for those who do not ask first.
MAX_UPLOAD_BYTES = 256 * 1024 * 1024


class AnonymousTempFileUploadHandler(FileUploadHandler):
    """Keeps every file in an unnamed file in the data folder: a picture may show a name before somebody has looked.

    The kernel frees it when the request ends, or the process. Django's own handlers write to the system's temporary
    folder, which a service may not be allowed to do, and leave files there when they are killed.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Called once for each file."""
        super().new_file(*args, **kwargs)
        self.file = tempfile.TemporaryFile(dir=settings.DATA_DIR)  # noqa: SIM115 -- closed with the request

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Raises RequestDataTooBig, an answer of 400, for what no form takes."""
        if start + len(raw_data) > MAX_UPLOAD_BYTES:
            self.file.close()
            raise RequestDataTooBig("A file is larger than any form takes.")
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        """The whole file, from its start."""
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
        """The sender went away."""
        if hasattr(self, "file"):
            self.file.close()
