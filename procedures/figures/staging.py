"""What kind of picture a file may be: a suggestion that the person who uploads it confirms or corrects."""

import hashlib
import json
import os
import re
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from PIL import Image

from procedures.enums import FigureKind
from procedures.figures.decoding import (
    MAX_IMAGE_BYTES,
    DecodedImage,
    InvalidImageError,
    decode_image,
    decode_stored_image,
)
from procedures.figures.dicom.frames import FrameSet
from procedures.figures.dicom.reader import DICOM_PREAMBLE_BYTES, extract_16bit_png, extract_frames, is_dicom
from procedures.figures.renditions import encode_png
from procedures.figures.text_detection import Detection

# DICOM Modality (PS3.3 C.7.3.1.1.1).
KIND_BY_MODALITY = {
    "XA": FigureKind.FLUOROSCOPY, "RF": FigureKind.FLUOROSCOPY,
    "CR": FigureKind.RADIOGRAPH, "DX": FigureKind.RADIOGRAPH, "RG": FigureKind.RADIOGRAPH, "IO": FigureKind.RADIOGRAPH,
    "PX": FigureKind.RADIOGRAPH, "MG": FigureKind.RADIOGRAPH,
    "CT": FigureKind.CT, "MR": FigureKind.MRI,
    "XC": FigureKind.PHOTO, "GM": FigureKind.PHOTO, "DMS": FigureKind.PHOTO, "OP": FigureKind.PHOTO,
    "US": FigureKind.OTHER, "NM": FigureKind.OTHER, "PT": FigureKind.OTHER, "ES": FigureKind.PHOTO,
}  # fmt: skip
INVERTED_KINDS = {FigureKind.FLUOROSCOPY: FigureKind.RADIOGRAPH, FigureKind.RADIOGRAPH: FigureKind.FLUOROSCOPY}
# A drawing is mostly flat: this part of its pixels has one of the few commonest colors.
MIN_FLAT_FRACTION, COMMON_COLOR_COUNT, SAMPLE_SIDE = 0.7, 4, 128
# Mean difference of the color channels, 0 to 255, above which a picture is in color.
MIN_COLOR_DIFFERENCE = 8


def suggest_kind_from_frames(frames: FrameSet) -> str:
    """From what the DICOM header says: modality, and for a fluoroscope's image whether bone looks dark in it.

    Computed radiographs are stored either way and shown with white bone in both.
    """
    kind = KIND_BY_MODALITY.get(frames.modality)
    if kind == FigureKind.FLUOROSCOPY and frames.dark_bone is False:
        kind = FigureKind.RADIOGRAPH
    return kind.value if kind else ""


def invert_kind(kind: str) -> str:
    """The kind after black and white were switched by hand."""
    return str(INVERTED_KINDS.get(FigureKind(kind), kind)) if kind else ""


def suggest_kind_from_pixels(image: Image.Image) -> str:
    """Photo or drawing where the pixels show it; nothing for grey pictures, which may be any kind."""
    small = image.convert("RGB").resize((SAMPLE_SIDE, SAMPLE_SIDE), Image.Resampling.NEAREST)
    counts = sorted((count for count, _ in small.getcolors(SAMPLE_SIDE * SAMPLE_SIDE) or []), reverse=True)
    if (
        sum(counts[:COMMON_COLOR_COUNT]) >= MIN_FLAT_FRACTION * SAMPLE_SIDE * SAMPLE_SIDE
        and small.getextrema() != ((0, 0),) * 3
    ):
        return FigureKind.DRAWING.value
    channels = small.tobytes()
    spread = sum(max(channels[at : at + 3]) - min(channels[at : at + 3]) for at in range(0, len(channels), 3))
    return FigureKind.PHOTO.value if spread > MIN_COLOR_DIFFERENCE * SAMPLE_SIDE * SAMPLE_SIDE else ""


MAX_AGE_SECONDS = 3600
MAX_STAGED_PER_USER = 5
TOKEN_RE = re.compile(r"[0-9a-f]{32}\Z")
IMAGE_FILE, METADATA_FILE = "picture.png", "about.json"
# What was served to the person, and what the text finder marked: each with the hash of its picture.
SHOWN_HASH_FILE, TEXT_DETECTION_FILE = "shown", "text.json"


@dataclass(frozen=True, slots=True)
class StagedImage:
    """A picture that waits, or frames of which one will.

    ``figure``: key of the figure whose picture it replaces. ``own``: the pixels are that figure's own, to be cut or
    covered. ``editor``: it was sent from within a text, where it is inserted after saving. ``file_kind``: what the file
    or its pixels suggest, a FigureKind or empty. ``inverted``: black and white were switched by hand. ``saved``: key of
    the figure that it became.
    """

    token: str
    folder: Path
    figure_id: int | None
    is_own: bool = False
    from_editor: bool = False
    file_kind: str = ""
    is_inverted: bool = False
    saved_figure_id: int | None = None

    @property
    def suggested_kind(self) -> str:
        """What kind of picture it probably is: a suggestion, never a choice."""
        return invert_kind(self.file_kind) if self.is_inverted else self.file_kind

    @property
    def has_image(self) -> bool:
        """False while no frame is chosen."""
        return (self.folder / IMAGE_FILE).exists()

    @property
    def has_frames(self) -> bool:
        """Whether it has more shades than a screen can show, so that a window must be chosen."""
        return (self.folder / "frames.json").exists()

    def load_image(self) -> DecodedImage:
        """Raises BadPictureError when it went away meanwhile."""
        return decode_stored_image(self.read_png())

    def read_png(self) -> bytes:
        """The same as PNG."""
        try:
            return (self.folder / IMAGE_FILE).read_bytes()
        except FileNotFoundError:
            raise InvalidImageError("The picture was not saved in time and was deleted. Choose it again.") from None

    def set_image(self, decoded: DecodedImage) -> None:
        """The picture that waits from now on."""
        (self.folder / SHOWN_HASH_FILE).unlink(missing_ok=True)
        self._write(IMAGE_FILE, encode_png(decoded))

    def _write(self, name: str, data: bytes) -> None:
        draft = self.folder / f".{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_bytes(data)
        draft.replace(self.folder / name)

    def record_shown(self, decoded: DecodedImage) -> None:
        """Record that the pixels of this result went to the person's screen. Only the last result counts."""
        self._write(SHOWN_HASH_FILE, decoded.sha256.encode())

    def was_shown(self, decoded: DecodedImage) -> bool:
        """Whether exactly this result was the last one that went to the person's screen."""
        try:
            return (self.folder / SHOWN_HASH_FILE).read_bytes() == decoded.sha256.encode()
        except FileNotFoundError:
            return False

    def update_metadata(self, **values: Any) -> None:
        """Save facts about it."""
        about = json.loads((self.folder / METADATA_FILE).read_text())
        self._write(METADATA_FILE, json.dumps({**about, **values}).encode())

    def save_text_detection(self, detection: Detection, png_data: bytes) -> None:
        """Save what the text finder said about ``searched``, a PNG: by now, another picture may be here.

        Raises BadPictureError when there is none any more.
        """
        self.read_png()
        record = {"sha256": _sha256(png_data), "detection": detection.to_json()}
        self._write(TEXT_DETECTION_FILE, json.dumps(record).encode())

    def load_text_detection(self) -> Detection | None:
        """What the text finder said about the picture that waits, or None before it looked."""
        try:
            record = json.loads((self.folder / TEXT_DETECTION_FILE).read_text())
        except FileNotFoundError:
            return None
        same = record["sha256"] == _sha256(self.read_png())
        return Detection.from_json(record["detection"]) if same else None

    def mark_saved(self, figure_id: int) -> None:
        """The picture is a figure now. For a text that waits for it the figure's key stays; the pixels go."""
        if not self.from_editor:
            self.discard()
            return
        self.update_metadata(saved_figure_id=figure_id)
        for file in self.folder.iterdir():
            if file.name != METADATA_FILE:
                file.unlink(missing_ok=True)

    def load_frames(self) -> FrameSet:
        """Raises FileNotFoundError where there are none."""
        return FrameSet.load(self.folder)

    def discard(self) -> None:
        """Nothing waits any longer."""
        shutil.rmtree(self.folder, ignore_errors=True)


def staging_dir() -> Path:
    """The folder; nobody but the portal may look into it."""
    folder: Path = settings.DATA_DIR / "waiting"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def open_staged(
    *, user_id: int, figure_id: int | None = None, is_own: bool = False, from_editor: bool = False
) -> StagedImage:
    """An empty place. The caller fills it, or drops it."""
    delete_expired()
    others = sorted(staging_dir().glob(f"{user_id}-*"), key=_last_used_at)
    for oldest in others[: max(0, len(others) - MAX_STAGED_PER_USER + 1)]:
        shutil.rmtree(oldest, ignore_errors=True)
    token = secrets.token_hex(16)
    folder = staging_dir() / f"{user_id}-{token}"
    folder.mkdir(mode=0o700)
    about = {"figure_id": figure_id, "is_own": is_own, "from_editor": from_editor}
    (folder / METADATA_FILE).write_text(json.dumps(about))
    return StagedImage(token, folder, figure_id, is_own, from_editor)


def stage(stream: BinaryIO, *, user_id: int, figure_id: int | None = None, from_editor: bool = False) -> StagedImage:
    """The pixels of a file that somebody sends wait from now on; its content decides what it is.

    Raises BadPictureError; nothing waits then.
    """
    waiting = open_staged(user_id=user_id, figure_id=figure_id, from_editor=from_editor)
    try:
        dicom = is_dicom(stream.read(DICOM_PREAMBLE_BYTES))
        stream.seek(0)
        if dicom:
            frames = extract_frames(stream, waiting.folder)
            waiting.update_metadata(file_kind=suggest_kind_from_frames(frames))
            if frames.is_color and frames.count == 1:
                waiting.set_image(frames.render())
        else:
            # One byte more than allowed is enough for intake to see that it is too much.
            data = stream.read(MAX_IMAGE_BYTES + 1)
            found = decode_image(data)
            waiting.update_metadata(file_kind=suggest_kind_from_pixels(found.image))
            if not extract_16bit_png(data, waiting.folder):
                waiting.set_image(found)
    except BaseException:
        waiting.discard()
        raise
    return waiting


def find_staged(token: str, *, user_id: int, touch: bool = True) -> StagedImage | None:
    """What waits for this person under this name. ``touch``: looking at it keeps it for another hour."""
    folder = staging_dir() / f"{user_id}-{token}"
    if not TOKEN_RE.match(token) or _last_used_at(folder) < time.time() - MAX_AGE_SECONDS:
        return None
    try:
        if touch:
            os.utime(folder)
        about = json.loads((folder / METADATA_FILE).read_text())
    except FileNotFoundError:
        return None  # swept between the two lines
    return StagedImage(token, folder, **about)


def delete_expired() -> int:
    """Delete what nobody has looked at for an hour; how many. Safe at any moment, from any process."""
    old = [folder for folder in staging_dir().iterdir() if _last_used_at(folder) < time.time() - MAX_AGE_SECONDS]
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return len(old)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _last_used_at(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0
