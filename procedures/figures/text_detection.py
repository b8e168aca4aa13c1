"""Detection of text burned into an image (extra ``ocr``): an aid for the human check, never a replacement.

The OCR engine runs in a sandboxed process, one at a time per machine. Only regions and scores come back: recognized
text could be a patient's name, so it never leaves that process. Every outcome, including failure, is a ``Detection``
with a message for the user; "nothing marked" does not mean "no text".
"""

import fcntl
import json
import logging
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy

from procedures.figures import ocr, sandbox
from procedures.figures.redaction import Box, Redactions

logger = logging.getLogger(__name__)

OCR_PROGRAM = Path(ocr.__file__)
MAX_MEMORY_BYTES = 2 * 1024**3
TIMEOUT_SECONDS = 60
# How long to wait for another search on this machine.
LOCK_WAIT_SECONDS = 20
LOCK_NAME = f"plainspine-text-detection-{os.getuid()}.lock"
# A region counts as covered when black boxes hide this fraction of it: it is slightly larger than the letters.
MIN_COVERED_FRACTION = 0.98

Rectangle = tuple[float, float, float, float]


class DetectionStatus(StrEnum):
    """How a search for text ended."""

    MARKED = "marked"
    NOTHING_MARKED = "nothing_marked"
    NOT_INSTALLED = "not_installed"
    SWITCHED_OFF = "switched_off"
    TIMED_OUT = "timed_out"
    BUSY = "busy"
    FAILED = "failed"


STATUS_MESSAGES = {
    DetectionStatus.MARKED: gettext_lazy(
        "Text detection found areas that may contain text. It can miss text, so check the whole picture."
    ),
    DetectionStatus.NOTHING_MARKED: gettext_lazy(
        "Text detection found nothing. It can miss text. Check the whole picture."
    ),
    DetectionStatus.NOT_INSTALLED: gettext_lazy(
        "Text detection is not set up. Check the whole picture, and ask your IT team to set it up."
    ),
    DetectionStatus.SWITCHED_OFF: gettext_lazy(
        "Text detection is turned off. Check the whole picture. Your IT team can turn it on."
    ),
    DetectionStatus.TIMED_OUT: gettext_lazy("Text detection took too long and was stopped. Check the whole picture."),
    DetectionStatus.BUSY: gettext_lazy(
        "Text detection is busy with other pictures. Check the whole picture, or try again."
    ),
    DetectionStatus.FAILED: gettext_lazy(
        "Text detection did not work on this picture. Check the whole picture. The reason is in the log."
    ),
}


class UploaderAnswer(StrEnum):
    """The uploader's answer about marked regions that remain visible."""

    NOT_TEXT = "not_text"
    HARMLESS = "harmless"


UPLOADER_ANSWER_LABELS = {
    UploaderAnswer.NOT_TEXT: gettext_lazy("No, none of these areas contains text."),
    UploaderAnswer.HARMLESS: gettext_lazy("Yes, but it is not a name, a date, or a number that belongs to a person."),
}


@dataclass(frozen=True, slots=True)
class TextRegion:
    """A region that may contain text, in fractions of the image. Field names are stored JSON keys."""

    left: float
    top: float
    width: float
    height: float
    score: float

    def is_covered(self, redactions: Redactions) -> bool:
        """Return whether the crop and the black boxes leave nothing of the region visible."""
        parts = [(self.left, self.top, self.left + self.width, self.top + self.height)]
        if redactions.crop_box:
            crop = redactions.crop_box
            parts = _intersect(parts, (crop.x, crop.y, crop.x + crop.width, crop.y + crop.height))
        for box in redactions.boxes:
            parts = [rest for part in parts for rest in _subtract(part, box)]
        visible = sum((right - left) * (bottom - top) for left, top, right, bottom in parts)
        return visible <= (1 - MIN_COVERED_FRACTION) * self.width * self.height

    def transform(self, redactions: Redactions) -> "TextRegion":
        """Return the region in coordinates of the edited image, clipped to it."""
        if redactions.crop_box is None:
            return self
        crop = redactions.crop_box
        left, top = redactions.transform_point(self.left, self.top)
        right, bottom = left + self.width / crop.width, top + self.height / crop.height
        left, top, right, bottom = (min(1.0, max(0.0, side)) for side in (left, top, right, bottom))
        return TextRegion(left, top, right - left, bottom - top, self.score)


def _intersect(parts: list[Rectangle], other: Rectangle) -> list[Rectangle]:
    common = [
        (max(part[0], other[0]), max(part[1], other[1]), min(part[2], other[2]), min(part[3], other[3]))
        for part in parts
    ]
    return [part for part in common if part[0] < part[2] and part[1] < part[3]]


def _subtract(rectangle: Rectangle, box: Box) -> list[Rectangle]:
    """Return the parts of a rectangle outside a box, as up to four rectangles."""
    hidden = _intersect([rectangle], (box.x, box.y, box.x + box.width, box.y + box.height))
    if not hidden:
        return [rectangle]
    left, top, right, bottom = rectangle
    x0, y0, x1, y1 = hidden[0]
    around = [(left, top, right, y0), (left, y1, right, bottom), (left, y0, x0, y1), (x1, y0, right, y1)]
    return [rest for rest in around if rest[0] < rest[2] and rest[1] < rest[3]]


@dataclass(frozen=True, slots=True)
class Detection:
    """The result of one search. ``found``: how many regions were marked before any redaction.

    Field names are keys of the JSON in Figure.text_detection.
    """

    status: DetectionStatus
    engine: str = ""
    date: str = ""
    places: tuple[TextRegion, ...] = ()
    found: int = 0
    answer: str = ""

    @property
    def message(self) -> str:
        """The outcome as a message for the uploader."""
        return str(STATUS_MESSAGES[self.status])

    def visible_regions(self, redactions: Redactions) -> tuple[TextRegion, ...]:
        """Return the marked regions that remain visible after redaction."""
        return tuple(region for region in self.places if not region.is_covered(redactions))

    def after_redactions(self, redactions: Redactions, answer: str) -> Self:
        """Return the record for the edited image; ``answer`` counts only if marked regions remain visible."""
        visible = tuple(region.transform(redactions) for region in self.visible_regions(redactions))
        return replace(self, places=visible, answer=answer if visible else "")

    def to_json(self) -> dict[str, Any]:
        """Return JSON data, which never includes recognized text."""
        return {**asdict(self), "status": self.status.value}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Restore the result of ``to_json``."""
        places = tuple(TextRegion(**region) for region in data["places"])
        return cls(**{**data, "status": DetectionStatus(data["status"]), "places": places})


def unavailable_status() -> DetectionStatus | None:
    """Return why text detection is unavailable, or None if it is available."""
    if not settings.TEXT_DETECTION:
        return DetectionStatus.SWITCHED_OFF
    return None if find_spec("rapidocr_onnxruntime") else DetectionStatus.NOT_INSTALLED


@dataclass(frozen=True, slots=True)
class DetectionLimits:
    """Resource limits of one search, in bytes and seconds."""

    memory: int = MAX_MEMORY_BYTES
    seconds: int = TIMEOUT_SECONDS
    wait: float = LOCK_WAIT_SECONDS
    program: Path = field(default=OCR_PROGRAM)


def detect_text(png_data: bytes, limits: DetectionLimits | None = None) -> Detection:
    """Search one image for text. Never raises; a failure is reported as the status of the result."""
    limits = limits or DetectionLimits()
    date = timezone.now().isoformat(timespec="seconds")
    if status := unavailable_status():
        return Detection(status, date=date)
    try:
        with _machine_lock(limits.wait) as is_locked:
            return replace(_run_ocr(png_data, limits) if is_locked else Detection(DetectionStatus.BUSY), date=date)
    except OSError:
        logger.exception("Text detection could not be started")
        return Detection(DetectionStatus.FAILED, date=date)


def _run_ocr(png_data: bytes, limits: DetectionLimits) -> Detection:
    try:
        process = sandbox.run_sandboxed(
            limits.program,
            png_data,
            memory_bytes=limits.memory,
            cpu_seconds=limits.seconds * ocr.OCR_THREADS,
            timeout_seconds=limits.seconds,
            output=subprocess.PIPE,
        )
    except subprocess.TimeoutExpired:
        logger.warning("Text detection was stopped after %s seconds", limits.seconds)
        return Detection(DetectionStatus.TIMED_OUT)
    try:
        if process.returncode:
            raise ValueError(f"exit status {process.returncode}")
        output = json.loads(process.stdout)
        regions = tuple(TextRegion(*map(float, box)) for box in output["boxes"])
    except (ValueError, TypeError, KeyError) as error:
        logger.warning("Text detection failed: %s: %s", error, _last_line(process.stderr))
        return Detection(DetectionStatus.FAILED)
    status = DetectionStatus.MARKED if regions else DetectionStatus.NOTHING_MARKED
    return Detection(status, engine=str(output["engine"]), places=regions, found=len(regions))


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else ""


@contextmanager
def _machine_lock(wait: float) -> Iterator[bool]:
    """Hold the lock that allows one search per machine; yield False if it was not free within ``wait`` seconds."""
    path = Path(tempfile.gettempdir()) / LOCK_NAME
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield _try_lock(lock, wait)
    finally:
        os.close(lock)


def _try_lock(lock: int, wait: float) -> bool:
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.1)
        else:
            return True
