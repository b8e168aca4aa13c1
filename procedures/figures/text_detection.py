"""Look for text in the pixels of a picture (extra ``ocr``): a help for the person who checks it, never a proof.

The engine runs in a short-lived process with limits (``figures.sandbox``), one at a time on a machine. Only places and
scores come back: recognized text could be a patient's name, so it never leaves that process. Every outcome is a
Detection, which says in a sentence what happened; "nothing marked" is not "nothing there".
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

from procedures.figures import ocr, sandbox
from procedures.figures.redaction import Box, Redactions

logger = logging.getLogger(__name__)

OCR_PROGRAM = Path(ocr.__file__)
MAX_MEMORY_BYTES = 2 * 1024**3
TIMEOUT_SECONDS = 60
# To wait while another picture on this machine is searched.
LOCK_WAIT_SECONDS = 20
LOCK_NAME = f"plainspine-text-detection-{os.getuid()}.lock"
# A place counts as covered when black boxes hide this part of it: its outline is a little wider than the letters.
MIN_COVERED_FRACTION = 0.98
INSTALL_COMMAND = "pip install 'plainspine[ocr]'"


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
    DetectionStatus.MARKED: "The text finder marked places that may be text. It can miss text. Look at the whole picture.",
    DetectionStatus.NOTHING_MARKED: "The text finder did not mark anything. It can miss text. Look at the whole picture.",
    DetectionStatus.NOT_INSTALLED: (
        "Text detection is not set up on this portal, so nothing was marked. Look at the whole picture. "
        f"To set it up, IT runs {INSTALL_COMMAND} and restarts the portal."
    ),
    DetectionStatus.SWITCHED_OFF: (
        "Text detection is turned off on this portal, so nothing was marked. Look at the whole picture. "
        "IT can turn it on with PORTAL_TEXT_DETECTION=true."
    ),
    DetectionStatus.TIMED_OUT: (
        f"The text finder was stopped after {TIMEOUT_SECONDS} seconds, so nothing was marked. "
        "Look at the whole picture."
    ),
    DetectionStatus.BUSY: (
        "The text finder was busy with other pictures, so nothing was marked. Look at the whole picture, or try again."
    ),
    DetectionStatus.FAILED: (
        "The text finder did not work on this picture, so nothing was marked. Look at the whole picture. "
        "The reason is in the log."
    ),
}


class UploaderAnswer(StrEnum):
    """What the person said about marked places that stay visible."""

    NOT_TEXT = "not_text"
    HARMLESS = "harmless"


UPLOADER_ANSWER_LABELS = {
    UploaderAnswer.NOT_TEXT: "No, none of the marked places are text.",
    UploaderAnswer.HARMLESS: "Yes, but it is not a name, a date or a number that belongs to a person.",
}


@dataclass(frozen=True, slots=True)
class TextRegion:
    """Where text may be, in parts of the picture."""

    left: float
    top: float
    width: float
    height: float
    score: float

    def is_covered(self, redactions: Redactions) -> bool:
        """Whether cut and black boxes leave nothing of it."""
        parts = [(self.left, self.top, self.left + self.width, self.top + self.height)]
        if redactions.crop_box:
            cut = redactions.crop_box
            parts = _intersect(parts, (cut.x, cut.y, cut.x + cut.width, cut.y + cut.height))
        for box in redactions.boxes:
            parts = [left for part in parts for left in _subtract(part, box)]
        visible = sum((right - left) * (bottom - top) for left, top, right, bottom in parts)
        return visible <= (1 - MIN_COVERED_FRACTION) * self.width * self.height

    def transform(self, redactions: Redactions) -> "TextRegion":
        """The same place in the picture that the edits leave."""
        if redactions.crop_box is None:
            return self
        cut = redactions.crop_box
        left, top = redactions.transform_point(self.left, self.top)
        right, bottom = left + self.width / cut.width, top + self.height / cut.height
        left, top, right, bottom = (min(1.0, max(0.0, side)) for side in (left, top, right, bottom))
        return TextRegion(left, top, right - left, bottom - top, self.score)


Rectangle = tuple[float, float, float, float]


def _intersect(parts: list[Rectangle], other: Rectangle) -> list[Rectangle]:
    common = [
        (max(part[0], other[0]), max(part[1], other[1]), min(part[2], other[2]), min(part[3], other[3]))
        for part in parts
    ]
    return [part for part in common if part[0] < part[2] and part[1] < part[3]]


def _subtract(rectangle: Rectangle, box: Box) -> list[Rectangle]:
    """What a box leaves of a rectangle: up to four rectangles."""
    hidden = _intersect([rectangle], (box.x, box.y, box.x + box.width, box.y + box.height))
    if not hidden:
        return [rectangle]
    left, top, right, bottom = rectangle
    x0, y0, x1, y1 = hidden[0]
    around = [(left, top, right, y0), (left, y1, right, bottom), (left, y0, x0, y1), (x1, y0, right, y1)]
    return [rest for rest in around if rest[0] < rest[2] and rest[1] < rest[3]]


@dataclass(frozen=True, slots=True)
class Detection:
    """How one search ended. ``found``: how many places were marked before anything was covered."""

    status: DetectionStatus
    engine: str = ""
    date: str = ""
    places: tuple[TextRegion, ...] = ()
    found: int = 0
    answer: str = ""

    @property
    def message(self) -> str:
        """The outcome for the person who checks the picture."""
        return STATUS_MESSAGES[self.status]

    def visible_regions(self, redactions: Redactions) -> tuple[TextRegion, ...]:
        """Marked places that cut and boxes leave in the picture."""
        return tuple(place for place in self.places if not place.is_covered(redactions))

    def after_redactions(self, redactions: Redactions, answer: str) -> Self:
        """The record for the picture that the edits leave."""
        visible = tuple(place.transform(redactions) for place in self.visible_regions(redactions))
        return replace(self, places=visible, answer=answer if visible else "")

    def to_json(self) -> dict[str, Any]:
        """Plain data without a word of text."""
        return {**asdict(self), "status": self.status.value}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse."""
        places = tuple(TextRegion(**place) for place in data["places"])
        return cls(**{**data, "status": DetectionStatus(data["status"]), "places": places})


def unavailable_status() -> DetectionStatus | None:
    """Why this portal has no text detection, or None where it has."""
    if not settings.TEXT_DETECTION:
        return DetectionStatus.SWITCHED_OFF
    return None if find_spec("rapidocr_onnxruntime") else DetectionStatus.NOT_INSTALLED


@dataclass(frozen=True, slots=True)
class DetectionLimits:
    """What one search may use."""

    memory: int = MAX_MEMORY_BYTES
    seconds: int = TIMEOUT_SECONDS
    wait: float = LOCK_WAIT_SECONDS
    program: Path = field(default=OCR_PROGRAM)


def detect_text(png_data: bytes, limits: DetectionLimits | None = None) -> Detection:
    """Search one picture. Never raises: a failure is an outcome that is shown."""
    limits = limits or DetectionLimits()
    date = timezone.now().isoformat(timespec="seconds")
    if status := unavailable_status():
        return Detection(status, date=date)
    try:
        with _machine_lock(limits.wait) as has_turn:
            return replace(_run_ocr(png_data, limits) if has_turn else Detection(DetectionStatus.BUSY), date=date)
    except OSError:
        logger.exception("the text finder could not be started")
        return Detection(DetectionStatus.FAILED, date=date)


def _run_ocr(png_data: bytes, limits: DetectionLimits) -> Detection:
    try:
        ended = sandbox.run_sandboxed(
            limits.program,
            png_data,
            memory_bytes=limits.memory,
            cpu_seconds=limits.seconds * ocr.OCR_THREADS,
            timeout_seconds=limits.seconds,
            output=subprocess.PIPE,
        )
    except subprocess.TimeoutExpired:
        logger.warning("the text finder was stopped after %s seconds", limits.seconds)
        return Detection(DetectionStatus.TIMED_OUT)
    try:
        if ended.returncode:
            raise ValueError(f"exit status {ended.returncode}")
        answer = json.loads(ended.stdout)
        places = tuple(TextRegion(*map(float, box)) for box in answer["boxes"])
    except (ValueError, TypeError, KeyError) as error:
        logger.warning("the text finder failed: %s: %s", error, _last_line(ended.stderr))
        return Detection(DetectionStatus.FAILED)
    status = DetectionStatus.MARKED if places else DetectionStatus.NOTHING_MARKED
    return Detection(status, engine=str(answer["engine"]), places=places, found=len(places))


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else ""


@contextmanager
def _machine_lock(wait: float) -> Iterator[bool]:
    """One search at a time on a machine, for all workers; False when there was no turn within ``wait`` seconds."""
    path = Path(tempfile.gettempdir()) / LOCK_NAME
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield _try_lock(lock, wait)
    finally:
        os.close(lock)


def _try_lock(lock: int, wait: float) -> bool:
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.1)
        else:
            return True
