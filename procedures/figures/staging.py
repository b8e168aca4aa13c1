"""Staging of uploads: keeps an image, DICOM frames to choose from, or a bundle in a private folder until it is saved.

A staged image may still show patient data, so it is readable by its uploader only and deleted after an hour. A bundle
can hold unpublished drafts, and its new pictures may show patient data too; it is deleted after the import, or after a
day.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy
from PIL import Image

from portal.storage.local_storage import atomic_write
from procedures.enums import FigureKind
from procedures.figures.decoding import (
    MAX_IMAGE_BYTES,
    DecodedImage,
    InvalidImageError,
    decode_image,
    decode_stored_image,
)
from procedures.figures.dicom.frames import METADATA_FILE as FRAMES_FILE
from procedures.figures.dicom.frames import FrameSet
from procedures.figures.dicom.grayscale import KIND_BY_MODALITY
from procedures.figures.dicom.reader import DICOM_PREAMBLE_BYTES, extract_16bit_png, extract_frames, is_dicom
from procedures.figures.renditions import encode_png
from procedures.figures.text_detection import Detection, detect_text, unavailable_status

MAX_STAGED_PER_USER = 40
TOO_MANY_STAGED_MESSAGE = gettext_lazy(
    "You have %(count)s pictures open that are not saved. Save or cancel some of them, then try again."
)
TOKEN_RE = re.compile(r"[0-9a-f]{32}\Z")
SHA256_RE = re.compile(r"[0-9a-f]{64}\Z")
IMAGE_FILE, METADATA_FILE = "picture.png", "about.json"
# The hash of the image last shown to the user, and the text detection result with the hash of its image.
SHOWN_HASH_FILE, TEXT_DETECTION_FILE = "shown", "text.json"
INVERTED_KINDS = {FigureKind.FLUOROSCOPY: FigureKind.RADIOGRAPH, FigureKind.RADIOGRAPH: FigureKind.FLUOROSCOPY}
# A drawing is mostly flat: at least this fraction of its pixels has one of its few most common colors.
MIN_FLAT_FRACTION, COMMON_COLOR_COUNT, SAMPLE_SIDE = 0.7, 4, 128
# Mean difference between color channels, 0 to 255, above which an image counts as color.
MIN_COLOR_DIFFERENCE = 8


@dataclass(frozen=True, slots=True)
class StagingArea:
    """A folder in the data directory, readable by the portal's user only. Each entry is a folder.

    An entry expires ``max_age`` seconds after its last change.
    """

    name: str
    max_age: int

    @property
    def folder(self) -> Path:
        """The path, which exists."""
        folder: Path = settings.DATA_DIR / self.name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def is_expired(self, entry: Path) -> bool:
        """Return whether an entry must not be used any longer, or does not exist."""
        return _last_used_at(entry) < time.time() - self.max_age

    def delete_expired(self) -> int:
        """Delete expired entries; return how many. Safe to run at any time, in any process."""
        expired = [entry for entry in self.folder.iterdir() if self.is_expired(entry)]
        for entry in expired:
            shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)
        return len(expired)


IMAGE_EXPIRED_MESSAGE = gettext_lazy(
    "The picture was deleted because it was not saved within an hour. Choose it again."
)
# Keep this folder name, so that uploads staged before an update are still deleted after an hour.
UPLOADS = StagingArea("waiting", max_age=60 * 60)
BUNDLES = StagingArea("bundles", max_age=24 * 60 * 60)


@dataclass(frozen=True, slots=True)
class StagedImage:
    """An upload in staging: an image, or frames from which the user chooses one.

    ``figure_id``: the figure whose image it replaces. ``is_own``: the pixels are the figure's current ones and are
    being cropped or redacted. ``from_editor``: uploaded from the text editor, which inserts it after saving.
    ``base_hash``: the ``figure_hash`` of that figure when the upload started, or "".
    ``file_kind``: the FigureKind suggested by the file, or "". ``is_inverted``: the user swapped black and white.
    ``moves_markers``: a crop moves the figure's markers; False after someone else replaced the picture meanwhile.
    ``saved_figure_id``: the figure it was saved as.
    """

    token: str
    folder: Path
    figure_id: int | None
    is_own: bool = False
    from_editor: bool = False
    base_hash: str = ""
    file_kind: str = ""
    is_inverted: bool = False
    moves_markers: bool = True
    saved_figure_id: int | None = None

    @property
    def suggested_kind(self) -> str:
        """The probable kind, for the user to confirm or correct."""
        return invert_kind(self.file_kind) if self.is_inverted else self.file_kind

    @property
    def has_image(self) -> bool:
        """False until the user has chosen a frame."""
        return (self.folder / IMAGE_FILE).exists()

    @property
    def has_frames(self) -> bool:
        """Whether it has more gray levels than a screen can show, so that the user must choose a window."""
        return (self.folder / FRAMES_FILE).exists()

    def load_image(self) -> DecodedImage:
        """Load the image. Raise InvalidImageError if it has been deleted in the meantime."""
        return decode_stored_image(self.read_png())

    def read_png(self) -> bytes:
        """Read the image as PNG. Raise InvalidImageError if it has been deleted in the meantime."""
        try:
            return (self.folder / IMAGE_FILE).read_bytes()
        except FileNotFoundError:
            raise InvalidImageError(str(IMAGE_EXPIRED_MESSAGE)) from None

    def set_image(self, decoded: DecodedImage) -> None:
        """Store the image, in place of any earlier one."""
        (self.folder / SHOWN_HASH_FILE).unlink(missing_ok=True)
        self._write(IMAGE_FILE, encode_png(decoded))

    def _write(self, name: str, data: bytes) -> None:
        temporary = self.folder / f".{secrets.token_hex(4)}"
        temporary.touch(mode=0o600)
        temporary.write_bytes(data)
        temporary.replace(self.folder / name)

    def record_shown(self, decoded: DecodedImage) -> None:
        """Record that the user was shown exactly these pixels. Only the last call counts."""
        self._write(SHOWN_HASH_FILE, decoded.sha256.encode())

    def was_shown(self, decoded: DecodedImage) -> bool:
        """Return whether these pixels are the last ones that the user was shown."""
        try:
            return (self.folder / SHOWN_HASH_FILE).read_bytes() == decoded.sha256.encode()
        except FileNotFoundError:
            return False

    def update_metadata(self, **values: Any) -> None:
        """Add values to the metadata file."""
        metadata = json.loads((self.folder / METADATA_FILE).read_text())
        self._write(METADATA_FILE, json.dumps({**metadata, **values}).encode())

    def change(self, **values: Any) -> "StagedImage":
        """Change the metadata; return the upload with it."""
        self.update_metadata(**values)
        return replace(self, **values)

    def save_text_detection(self, detection: Detection, png_data: bytes) -> None:
        """Save the text detection result for ``png_data``, which may no longer be the staged image.

        Raise InvalidImageError if the staged image has been deleted.
        """
        self.read_png()
        record = {"sha256": _sha256(png_data), "detection": detection.to_json()}
        self._write(TEXT_DETECTION_FILE, json.dumps(record).encode())

    def load_text_detection(self) -> Detection | None:
        """Return the text detection result for the current image, or None if there is none yet."""
        try:
            record = json.loads((self.folder / TEXT_DETECTION_FILE).read_text())
        except FileNotFoundError:
            return None
        is_current = record["sha256"] == _sha256(self.read_png())
        return Detection.from_json(record["detection"]) if is_current else None

    def mark_saved(self, figure_id: int) -> None:
        """Delete the pixels after saving. For an upload from the editor, keep the figure's id for inserting it."""
        if not self.from_editor:
            self.discard()
            return
        self.update_metadata(saved_figure_id=figure_id)
        for file in self.folder.iterdir():
            if file.name != METADATA_FILE:
                file.unlink(missing_ok=True)

    def load_frames(self) -> FrameSet:
        """Load the staged frames. Raise FileNotFoundError if there are none."""
        return FrameSet.load(self.folder)

    def discard(self) -> None:
        """Delete the upload."""
        shutil.rmtree(self.folder, ignore_errors=True)


def create_staged(
    *, user_id: int, figure_id: int | None, base_hash: str = "", is_own: bool = False, from_editor: bool = False
) -> StagedImage:
    """Create an empty staged upload, which the caller fills or discards.

    Raise InvalidImageError if the user has too many: one that was used within the hour is never deleted.
    """
    UPLOADS.delete_expired()
    # One that was saved from the editor has only its metadata left.
    unsaved = [entry for entry in UPLOADS.folder.glob(f"{user_id}-*") if len(list(entry.glob("*"))) > 1]
    if len(unsaved) >= MAX_STAGED_PER_USER:
        raise InvalidImageError(str(TOO_MANY_STAGED_MESSAGE) % {"count": MAX_STAGED_PER_USER})
    token = secrets.token_hex(16)
    folder = UPLOADS.folder / f"{user_id}-{token}"
    folder.mkdir(mode=0o700)
    metadata = {"figure_id": figure_id, "base_hash": base_hash, "is_own": is_own, "from_editor": from_editor}
    (folder / METADATA_FILE).write_text(json.dumps(metadata))
    return StagedImage(token, folder, **metadata)  # type: ignore[arg-type]


def stage(
    stream: BinaryIO, *, user_id: int, figure_id: int | None = None, base_hash: str = "", from_editor: bool = False
) -> StagedImage:
    """Stage an uploaded file; its content decides the format.

    Raise InvalidImageError, and leaves nothing behind, if the file is not a supported image.
    """
    staged = create_staged(user_id=user_id, figure_id=figure_id, base_hash=base_hash, from_editor=from_editor)
    try:
        has_dicom_header = is_dicom(stream.read(DICOM_PREAMBLE_BYTES))
        stream.seek(0)
        if has_dicom_header:
            frames = extract_frames(stream, staged.folder)
            staged.update_metadata(file_kind=suggest_kind_from_frames(frames))
            if frames.is_color and frames.count == 1:
                staged.set_image(frames.render())
        else:
            # One byte over the limit is enough for decode_image() to reject the file.
            data = stream.read(MAX_IMAGE_BYTES + 1)
            decoded = decode_image(data)
            staged.update_metadata(file_kind=suggest_kind_from_pixels(decoded.image))
            if not extract_16bit_png(data, staged.folder):
                staged.set_image(decoded)
    except BaseException:
        staged.discard()
        raise
    return staged


def find_staged(token: str, *, user_id: int, touch: bool = True) -> StagedImage | None:
    """Return the user's upload with this token unless expired. ``touch`` extends its life by another hour."""
    folder = UPLOADS.folder / f"{user_id}-{token}"
    if not TOKEN_RE.match(token) or UPLOADS.is_expired(folder):
        return None
    try:
        if touch:
            os.utime(folder)
        metadata = json.loads((folder / METADATA_FILE).read_text())
    except FileNotFoundError:
        return None  # expired and deleted since the check above
    return StagedImage(token, folder, **metadata)


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
    BUNDLES.delete_expired()
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    token = digest.hexdigest()
    staged = StagedBundle(token, BUNDLES.folder / token)
    staged.folder.mkdir(mode=0o700, exist_ok=True)
    try:
        atomic_write(staged.file, upload.chunks())
    except BaseException:
        staged.discard()
        raise
    return staged


def find_bundle(token: str) -> StagedBundle | None:
    """Return the bundle with this token, or None if it has expired."""
    staged = StagedBundle(token, BUNDLES.folder / token)
    is_available = is_sha256(token) and not BUNDLES.is_expired(staged.folder) and staged.file.is_file()
    return staged if is_available else None


def is_sha256(text: str) -> bool:
    """Return whether ``text`` is a SHA-256 in hex, and so is safe as a file name."""
    return SHA256_RE.match(text) is not None


def suggest_kind_from_frames(frames: FrameSet) -> str:
    """Suggest a FigureKind from the DICOM modality, or "". Fluoroscopy with bright bone counts as a radiograph.

    Computed radiographs are stored in either polarity and shown with white bone in both.
    """
    kind = KIND_BY_MODALITY.get(frames.modality)
    if kind == FigureKind.FLUOROSCOPY and frames.dark_bone is False:
        kind = FigureKind.RADIOGRAPH
    return kind.value if kind else ""


def invert_kind(kind: str) -> str:
    """Return the kind of an image after a user inverted it."""
    return str(INVERTED_KINDS.get(FigureKind(kind), kind)) if kind else ""


def suggest_kind_from_pixels(image: Image.Image) -> str:
    """Suggest photo or drawing from the pixels, or "" for grayscale images, which may be of any kind."""
    small = image.convert("RGB").resize((SAMPLE_SIDE, SAMPLE_SIDE), Image.Resampling.NEAREST)
    counts = sorted((count for count, _color in small.getcolors(SAMPLE_SIDE * SAMPLE_SIDE) or []), reverse=True)
    if (
        sum(counts[:COMMON_COLOR_COUNT]) >= MIN_FLAT_FRACTION * SAMPLE_SIDE * SAMPLE_SIDE
        and small.getextrema() != ((0, 0),) * 3
    ):
        return FigureKind.DRAWING.value
    samples = small.tobytes()
    difference = sum(max(samples[at : at + 3]) - min(samples[at : at + 3]) for at in range(0, len(samples), 3))
    return FigureKind.PHOTO.value if difference > MIN_COLOR_DIFFERENCE * SAMPLE_SIDE * SAMPLE_SIDE else ""


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _last_used_at(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0
