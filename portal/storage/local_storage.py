"""Media storage on the local disk."""

import re
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage

from portal.storage.atomic_file import atomic_write

# Names of stored media files. They contain a hash of the content, so a file of a given name never changes.
MEDIA_NAME_PATTERN = re.compile(r"figures/[0-9a-f]{16,64}(?:-[0-9]{1,5})?\.(avif|webp|jpeg|png|svg)\Z")


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
