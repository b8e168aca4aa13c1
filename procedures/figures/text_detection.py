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

from procedures.figures import sandbox, text_finder
from procedures.figures.edit import Box, Edits

logger = logging.getLogger(__name__)

PROGRAM = Path(text_finder.__file__)
MEMORY_BYTES = 2 * 1024**3
TIMEOUT_SECONDS = 60
# To wait while another picture on this machine is searched.
WAIT_SECONDS = 20
LOCK_NAME = f"plainspine-text-detection-{os.getuid()}.lock"
# A place counts as covered when black boxes hide this part of it: its outline is a little wider than the letters.
COVERED = 0.98
INSTALL = "pip install 'plainspine[ocr]'"


class Status(StrEnum):
    """How a search for text ended."""

    MARKED = "marked"
    NOTHING_MARKED = "nothing_marked"
    NOT_INSTALLED = "not_installed"
    SWITCHED_OFF = "switched_off"
    TIMED_OUT = "timed_out"
    BUSY = "busy"
    FAILED = "failed"


SENTENCES = {
    Status.MARKED: "The text finder marked places that may be text. It can miss text. Look at the whole picture.",
    Status.NOTHING_MARKED: "The text finder did not mark anything. It can miss text. Look at the whole picture.",
    Status.NOT_INSTALLED: (
        "Text detection is not set up on this portal, so nothing was marked. Look at the whole picture. "
        f"To set it up, IT runs {INSTALL} and restarts the portal."
    ),
    Status.SWITCHED_OFF: (
        "Text detection is turned off on this portal, so nothing was marked. Look at the whole picture. "
        "IT can turn it on with PORTAL_TEXT_DETECTION=true."
    ),
    Status.TIMED_OUT: (
        f"The text finder was stopped after {TIMEOUT_SECONDS} seconds, so nothing was marked. "
        "Look at the whole picture."
    ),
    Status.BUSY: (
        "The text finder was busy with other pictures, so nothing was marked. Look at the whole picture, or try again."
    ),
    Status.FAILED: (
        "The text finder did not work on this picture, so nothing was marked. Look at the whole picture. "
        "The reason is in the log."
    ),
}


class Answer(StrEnum):
    """What the person said about marked places that stay visible."""

    NOT_TEXT = "not_text"
    HARMLESS = "harmless"


ANSWERS = {
    Answer.NOT_TEXT: "No, none of the marked places are text.",
    Answer.HARMLESS: "Yes, but it is not a name, a date or a number that belongs to a person.",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where text may be, in parts of the picture."""

    left: float
    top: float
    width: float
    height: float
    score: float

    def is_covered(self, edits: Edits) -> bool:
        """Whether cut and black boxes leave nothing of it."""
        parts = [(self.left, self.top, self.left + self.width, self.top + self.height)]
        if edits.cut:
            cut = edits.cut
            parts = _common(parts, (cut.x, cut.y, cut.x + cut.width, cut.y + cut.height))
        for box in edits.boxes:
            parts = [left for part in parts for left in _without(part, box)]
        visible = sum((right - left) * (bottom - top) for left, top, right, bottom in parts)
        return visible <= (1 - COVERED) * self.width * self.height

    def within(self, edits: Edits) -> "Place":
        """The same place in the picture that the edits leave."""
        if edits.cut is None:
            return self
        cut = edits.cut
        left, top = edits.place(self.left, self.top)
        right, bottom = left + self.width / cut.width, top + self.height / cut.height
        left, top, right, bottom = (min(1.0, max(0.0, side)) for side in (left, top, right, bottom))
        return Place(left, top, right - left, bottom - top, self.score)


Part = tuple[float, float, float, float]


def _common(parts: list[Part], other: Part) -> list[Part]:
    common = [
        (max(part[0], other[0]), max(part[1], other[1]), min(part[2], other[2]), min(part[3], other[3]))
        for part in parts
    ]
    return [part for part in common if part[0] < part[2] and part[1] < part[3]]


def _without(part: Part, box: Box) -> list[Part]:
    """What a box leaves of a rectangle: up to four rectangles."""
    hidden = _common([part], (box.x, box.y, box.x + box.width, box.y + box.height))
    if not hidden:
        return [part]
    left, top, right, bottom = part
    x0, y0, x1, y1 = hidden[0]
    around = [(left, top, right, y0), (left, y1, right, bottom), (left, y0, x0, y1), (x1, y0, right, y1)]
    return [rest for rest in around if rest[0] < rest[2] and rest[1] < rest[3]]


@dataclass(frozen=True, slots=True)
class Detection:
    """How one search ended. ``found``: how many places were marked before anything was covered."""

    status: Status
    engine: str = ""
    date: str = ""
    places: tuple[Place, ...] = ()
    found: int = 0
    answer: str = ""

    @property
    def sentence(self) -> str:
        """The outcome for the person who checks the picture."""
        return SENTENCES[self.status]

    def visible(self, edits: Edits) -> tuple[Place, ...]:
        """Marked places that cut and boxes leave in the picture."""
        return tuple(place for place in self.places if not place.is_covered(edits))

    def kept(self, edits: Edits, answer: str) -> Self:
        """The record for the picture that the edits leave."""
        visible = tuple(place.within(edits) for place in self.visible(edits))
        return replace(self, places=visible, answer=answer if visible else "")

    def to_json(self) -> dict[str, Any]:
        """Plain data without a word of text."""
        return {**asdict(self), "status": self.status.value}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse."""
        places = tuple(Place(**place) for place in data["places"])
        return cls(**{**data, "status": Status(data["status"]), "places": places})


def unavailable() -> Status | None:
    """Why this portal has no text detection, or None where it has."""
    if not settings.TEXT_DETECTION:
        return Status.SWITCHED_OFF
    return None if find_spec("rapidocr_onnxruntime") else Status.NOT_INSTALLED


@dataclass(frozen=True, slots=True)
class Limits:
    """What one search may use."""

    memory: int = MEMORY_BYTES
    seconds: int = TIMEOUT_SECONDS
    wait: float = WAIT_SECONDS
    program: Path = field(default=PROGRAM)


def detect(png: bytes, limits: Limits | None = None) -> Detection:
    """Search one picture. Never raises: a failure is an outcome that is shown."""
    limits = limits or Limits()
    date = timezone.now().isoformat(timespec="seconds")
    if status := unavailable():
        return Detection(status, date=date)
    try:
        with _turn(limits.wait) as has_turn:
            return replace(_run(png, limits) if has_turn else Detection(Status.BUSY), date=date)
    except OSError:
        logger.exception("the text finder could not be started")
        return Detection(Status.FAILED, date=date)


def _run(png: bytes, limits: Limits) -> Detection:
    try:
        ended = sandbox.run(
            limits.program,
            png,
            memory=limits.memory,
            cpu_seconds=limits.seconds * text_finder.THREADS,
            seconds=limits.seconds,
            output=subprocess.PIPE,
        )
    except subprocess.TimeoutExpired:
        logger.warning("the text finder was stopped after %s seconds", limits.seconds)
        return Detection(Status.TIMED_OUT)
    try:
        if ended.returncode:
            raise ValueError(f"exit status {ended.returncode}")
        answer = json.loads(ended.stdout)
        places = tuple(Place(*map(float, box)) for box in answer["boxes"])
    except (ValueError, TypeError, KeyError) as error:
        logger.warning("the text finder failed: %s: %s", error, _last_line(ended.stderr))
        return Detection(Status.FAILED)
    status = Status.MARKED if places else Status.NOTHING_MARKED
    return Detection(status, engine=str(answer["engine"]), places=places, found=len(places))


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else ""


@contextmanager
def _turn(wait: float) -> Iterator[bool]:
    """One search at a time on a machine, for all workers; False when there was no turn within ``wait`` seconds."""
    path = Path(tempfile.gettempdir()) / LOCK_NAME
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield _locked(lock, wait)
    finally:
        os.close(lock)


def _locked(lock: int, wait: float) -> bool:
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
