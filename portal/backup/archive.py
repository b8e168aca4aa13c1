"""Backup archives, and the media files that they contain.

An archive is a TAR file whose last member is a manifest with the size and hash of every other member. Media files are
those of the default storage, local or S3.
"""

import contextlib
import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from portal.storage.atomic_file import atomic_create, describe_write_error

FORMAT_VERSION = 1
MANIFEST_NAME, DATABASE_MEMBER, SECRET_KEY_MEMBER, MEDIA_PREFIX = "manifest.json", "database", "secret-key", "media/"
MEMBER_PATTERN = re.compile(
    rf"(?:{DATABASE_MEMBER}|{SECRET_KEY_MEMBER}"
    rf"|{MEDIA_PREFIX}[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*)\Z"
)
CHUNK_BYTES = 1024 * 1024
MAX_MANIFEST_BYTES = 64 * CHUNK_BYTES


class BackupError(Exception):
    """A backup or restore that failed. The message is a complete sentence for the operator."""


@dataclass
class Manifest:
    """The table of contents of an archive. ``members`` maps a name to [size in bytes, SHA-256 in hex].

    Stored as JSON, so the field names are part of the file format.
    """

    made_at: str
    database: str
    migrations: list[str]
    public_url: str
    format: int = FORMAT_VERSION
    members: dict[str, list[Any]] = field(default_factory=dict)


class ArchiveWriter:
    """Adds members to an archive and records them in its manifest."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        self._tar, self.manifest = tar, manifest

    def add(self, name: str, stream: IO[bytes], size: int) -> None:
        """Add a member of exactly ``size`` bytes. Raise BackupError for a name that restore would reject."""
        if not MEMBER_PATTERN.match(name):
            raise BackupError(f"A file named {name!r} cannot be backed up. Rename or remove it.")
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        hashed = _HashingReader(stream)
        self._tar.addfile(info, hashed)
        self.manifest.members[name] = [size, hashed.digest.hexdigest()]


class _HashingReader(io.RawIOBase):
    """Reader that hashes the bytes it passes on."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self.digest = hashlib.sha256()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.digest.update(data)
        return data


@contextlib.contextmanager
def create_archive(target: Path, manifest: Manifest) -> Iterator[ArchiveWriter]:
    """Create an archive that appears as ``target`` only once it is complete, and never replaces a file.

    Raise BackupError if the file exists or cannot be written.
    """
    try:
        with atomic_create(target) as stream, tarfile.open(fileobj=stream, mode="w|") as tar:
            yield ArchiveWriter(tar, manifest)
            text = json.dumps(asdict(manifest), indent=1).encode()
            info = tarfile.TarInfo(MANIFEST_NAME)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    except FileExistsError as error:
        raise BackupError(f"{target} already exists. Choose another name; backups are never overwritten.") from error
    except OSError as error:
        raise BackupError(describe_write_error(error, target)) from error


def read_manifest(source: Path) -> Manifest:
    """Return the manifest of an archive. Raise BackupError for a file that is truncated or not a backup."""
    try:
        with tarfile.open(source, "r:") as tar:
            last = tar.getmembers()[-1]
            if last.name != MANIFEST_NAME or last.size > MAX_MANIFEST_BYTES:
                raise BackupError(f"{source} has no manifest. It is incomplete, or not a backup of this portal.")
            stream = tar.extractfile(last)
            manifest = Manifest(**json.loads(stream.read() if stream else b""))
    except FileNotFoundError as error:
        raise BackupError(f"The file {source} does not exist.") from error
    except (OSError, tarfile.TarError, ValueError, TypeError, IndexError) as error:
        raise BackupError(f"{source} cannot be read as a backup: {error}.") from error
    if manifest.format != FORMAT_VERSION:
        raise BackupError(f"{source} has format {manifest.format}, but this version reads only {FORMAT_VERSION}.")
    return manifest


def extract_archive(source: Path, manifest: Manifest, folder: Path) -> None:
    """Extract every member into ``folder`` and verify its size and hash. Raise BackupError on any difference."""
    missing = dict(manifest.members)
    try:
        with tarfile.open(source, "r:") as tar:
            for info in tar:
                if info.name == MANIFEST_NAME:
                    continue
                expected = missing.pop(info.name, None)
                stream = tar.extractfile(info) if info.isreg() and MEMBER_PATTERN.match(info.name) else None
                if expected is None or stream is None:
                    raise BackupError(f"{source} contains {info.name!r}, which is not in its manifest.")
                if _write_member(stream, folder / info.name) != tuple(expected):
                    raise BackupError(f"{source} is damaged: {info.name} does not match its checksum.")
    except (OSError, tarfile.TarError) as error:
        raise BackupError(f"{source} could not be extracted: {error}.") from error
    if missing:
        raise BackupError(f"{source} is damaged: {min(missing)} is missing.")


def _write_member(stream: IO[bytes], target: Path) -> tuple[int, str]:
    """Write and sync a member; return its size and SHA-256."""
    digest, size = hashlib.sha256(), 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            while chunk := stream.read(CHUNK_BYTES):
                out.write(chunk)
                digest.update(chunk)
                size += len(chunk)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise BackupError(describe_write_error(error, target)) from error
    return size, digest.hexdigest()


def iter_media(folder: str = "") -> Iterator[str]:
    """Yield the names of all media files below ``folder``, sorted. Skip dotfiles, which are unfinished uploads."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in sorted(files):
        if not name.startswith("."):
            yield f"{folder}{name}"
    for name in sorted(folders):
        if not name.startswith("."):
            yield from iter_media(f"{folder}{name}/")


def delete_all_media() -> None:
    """Delete every media file and the directories that are then empty."""
    for name in list(iter_media()):
        default_storage.delete(name)
    root = Path(settings.MEDIA_ROOT)
    for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
        with contextlib.suppress(OSError):
            folder.rmdir()
    with contextlib.suppress(OSError):
        root.rmdir()


def restore_media(source: Path) -> int:
    """Store every file below ``source`` under its relative path; return the number of files.

    Raise FileExistsError if the storage already has a file of that name.
    """
    count = 0
    for path in sorted(source.rglob("*")):
        if path.is_file():
            name = path.relative_to(source).as_posix()
            with path.open("rb") as stream:
                stored = default_storage.save(name, File(stream))
            if stored != name:
                default_storage.delete(stored)
                raise FileExistsError(f"{name} already exists")
            count += 1
    return count
