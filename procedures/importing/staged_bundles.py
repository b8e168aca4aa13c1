"""Uploaded bundles and their new pictures, kept in a private folder until they are imported, or for a day.

A bundle can hold unpublished drafts, and its pictures may show patient data.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.core.files.uploadedfile import UploadedFile

from portal.storage.local_storage import atomic_write
from procedures.figures.decoding import DecodedImage
from procedures.figures.renditions import encode_png
from procedures.figures.staging import StagingArea, is_sha256
from procedures.figures.text_detection import Detection, detect_text, unavailable_status

AREA = StagingArea("bundles", max_age=24 * 60 * 60)


@dataclass(frozen=True, slots=True)
class StagedBundle:
    """A bundle in staging. Its token is its SHA-256 (hex), and a picture is named by that of its pixels."""

    token: str
    folder: Path

    @property
    def file(self) -> Path:
        """The uploaded file."""
        return self.folder / "bundle.zip"

    def discard(self) -> None:
        """Delete the bundle and its pictures."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def stage_images(self, images: Iterable[DecodedImage]) -> None:
        """Store the new pictures of the bundle for staff to check before the import."""
        for image in images:
            file = self.folder / f"{image.sha256}.png"
            if not file.exists():
                atomic_write(file, [encode_png(image)])

    def read_image(self, sha256: str) -> bytes | None:
        """Return a stored picture as PNG."""
        file = self.folder / f"{sha256}.png"
        return file.read_bytes() if is_sha256(sha256) and file.is_file() else None

    def record_shown(self, sha256: str, user_id: int) -> None:
        """Record that this user was served these pixels."""
        (self.folder / f"{sha256}.{user_id}").touch(mode=0o600)

    def was_shown(self, sha256: str, user_id: int) -> bool:
        """Return whether this user was served these pixels."""
        return (self.folder / f"{sha256}.{user_id}").is_file()

    def detect_text(self, sha256: str) -> Detection:
        """Search a picture for text, and store the result."""
        detection = detect_text(self.read_image(sha256) or b"")
        if unavailable_status() is None:
            atomic_write(self.folder / f"{sha256}.json", [json.dumps(detection.to_json()).encode()])
        return detection

    def load_detection(self, sha256: str) -> Detection | None:
        """Return the stored result of text detection, if there is one."""
        file = self.folder / f"{sha256}.json"
        return Detection.from_json(json.loads(file.read_text())) if file.is_file() else None


def stage_bundle(upload: UploadedFile) -> StagedBundle:
    """Store an uploaded bundle, and delete expired ones."""
    AREA.delete_expired()
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    token = digest.hexdigest()
    staged = StagedBundle(token, AREA.folder / token)
    staged.folder.mkdir(mode=0o700, exist_ok=True)
    try:
        atomic_write(staged.file, upload.chunks())
    except BaseException:
        staged.discard()
        raise
    return staged


def find_bundle(token: str) -> StagedBundle | None:
    """Return the bundle with this token, or None if it has expired."""
    staged = StagedBundle(token, AREA.folder / token)
    is_available = is_sha256(token) and not AREA.is_expired(staged.folder) and staged.file.is_file()
    return staged if is_available else None
