"""Where a picture waits while a person crops it, covers letters and looks.

It waits in ``<data folder>/waiting/``, beside the folder of pictures and never in it: no address of the site leads
there, and only the person who brought it gets it back, through a signed-in view that forbids keeping a copy. What
waits are bare pixels, never the file that was sent. It is gone after saving, after cancelling, and an hour after it
was last looked at; ``serve`` sweeps each minute. Nobody holds more than MOST at a time: the oldest goes.

Sending it again with each step instead would need JavaScript, would carry 250 MB for each turn of a DICOM window, and
would leave the choice of what is checked and what is saved to the browser. Several machines behind one address need
a data folder that they share, or visitors that stay on one of them.
"""

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

from procedures.figures import kind_guess
from procedures.figures.dicom import PREAMBLE, Frames, is_dicom, unpack, unpack_sixteen_bits
from procedures.figures.intake import MAX_BYTES, BadPictureError, Picture, read_picture, reread
from procedures.figures.renditions import png
from procedures.figures.text_detection import Detection

HOUR = 3600
MOST = 5
TOKEN = re.compile(r"[0-9a-f]{32}\Z")
PICTURE, ABOUT = "picture.png", "about.json"
# What was served to the person, and what the text finder marked: each with the hash of its picture.
SHOWN, TEXT = "shown", "text.json"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A picture that waits, or frames of which one will.

    ``figure``: key of the figure whose picture it replaces. ``own``: the pixels are that figure's own, to be cut or
    covered. ``editor``: it was sent from within a text, where it is inserted after saving. ``file_kind``: what the file
    or its pixels suggest, a FigureKind or empty. ``inverted``: black and white were switched by hand. ``saved``: key of
    the figure that it became.
    """

    token: str
    folder: Path
    figure: int | None
    own: bool = False
    editor: bool = False
    file_kind: str = ""
    inverted: bool = False
    saved: int | None = None

    @property
    def kind(self) -> str:
        """What kind of picture it probably is: a suggestion, never a choice."""
        return kind_guess.inverted(self.file_kind) if self.inverted else self.file_kind

    @property
    def has_picture(self) -> bool:
        """False while no frame is chosen."""
        return (self.folder / PICTURE).exists()

    @property
    def has_frames(self) -> bool:
        """Whether it has more shades than a screen can show, so that a window must be chosen."""
        return (self.folder / "frames.json").exists()

    def picture(self) -> Picture:
        """Raises BadPictureError when it went away meanwhile."""
        return reread(self.picture_bytes())

    def picture_bytes(self) -> bytes:
        """The same as PNG."""
        try:
            return (self.folder / PICTURE).read_bytes()
        except FileNotFoundError:
            raise BadPictureError("The picture was not saved in time and was deleted. Choose it again.") from None

    def put(self, picture: Picture) -> None:
        """The picture that waits from now on."""
        (self.folder / SHOWN).unlink(missing_ok=True)
        self._write(PICTURE, png(picture))

    def _write(self, name: str, data: bytes) -> None:
        draft = self.folder / f".{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_bytes(data)
        draft.replace(self.folder / name)

    def note_shown(self, picture: Picture) -> None:
        """Record that the pixels of this result went to the person's screen. Only the last result counts."""
        self._write(SHOWN, picture.sha256.encode())

    def was_shown(self, picture: Picture) -> bool:
        """Whether exactly this result was the last one that went to the person's screen."""
        try:
            return (self.folder / SHOWN).read_bytes() == picture.sha256.encode()
        except FileNotFoundError:
            return False

    def note(self, **values: Any) -> None:
        """Save facts about it."""
        about = json.loads((self.folder / ABOUT).read_text())
        self._write(ABOUT, json.dumps({**about, **values}).encode())

    def note_text(self, detection: Detection, searched: bytes) -> None:
        """Save what the text finder said about ``searched``, a PNG: by now, another picture may be here.

        Raises BadPictureError when there is none any more.
        """
        self.picture_bytes()
        record = {"sha256": _sha256(searched), "detection": detection.to_json()}
        self._write(TEXT, json.dumps(record).encode())

    def text(self) -> Detection | None:
        """What the text finder said about the picture that waits, or None before it looked."""
        try:
            record = json.loads((self.folder / TEXT).read_text())
        except FileNotFoundError:
            return None
        same = record["sha256"] == _sha256(self.picture_bytes())
        return Detection.from_json(record["detection"]) if same else None

    def note_saved(self, figure: int) -> None:
        """The picture is a figure now. For a text that waits for it the figure's key stays; the pixels go."""
        if not self.editor:
            self.drop()
            return
        self.note(saved=figure)
        for file in self.folder.iterdir():
            if file.name != ABOUT:
                file.unlink(missing_ok=True)

    def frames(self) -> Frames:
        """Raises FileNotFoundError where there are none."""
        return Frames.load(self.folder)

    def drop(self) -> None:
        """Nothing waits any longer."""
        shutil.rmtree(self.folder, ignore_errors=True)


def room() -> Path:
    """The folder; nobody but the portal may look into it."""
    folder: Path = settings.DATA_DIR / "waiting"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def begin(*, user_id: int, figure: int | None = None, own: bool = False, editor: bool = False) -> Waiting:
    """An empty place. The caller fills it, or drops it."""
    sweep()
    others = sorted(room().glob(f"{user_id}-*"), key=_last_use)
    for oldest in others[: max(0, len(others) - MOST + 1)]:
        shutil.rmtree(oldest, ignore_errors=True)
    token = secrets.token_hex(16)
    folder = room() / f"{user_id}-{token}"
    folder.mkdir(mode=0o700)
    about = {"figure": figure, "own": own, "editor": editor}
    (folder / ABOUT).write_text(json.dumps(about))
    return Waiting(token, folder, figure, own, editor)


def bring(stream: BinaryIO, *, user_id: int, figure: int | None = None, editor: bool = False) -> Waiting:
    """The pixels of a file that somebody sends wait from now on; its content decides what it is.

    Raises BadPictureError; nothing waits then.
    """
    waiting = begin(user_id=user_id, figure=figure, editor=editor)
    try:
        dicom = is_dicom(stream.read(PREAMBLE))
        stream.seek(0)
        if dicom:
            frames = unpack(stream, waiting.folder)
            waiting.note(file_kind=kind_guess.of_frames(frames))
            if frames.colour and frames.count == 1:
                waiting.put(frames.picture())
        else:
            # One byte more than allowed is enough for intake to see that it is too much.
            data = stream.read(MAX_BYTES + 1)
            found = read_picture(data)
            waiting.note(file_kind=kind_guess.of_pixels(found.image))
            if not unpack_sixteen_bits(data, waiting.folder):
                waiting.put(found)
    except BaseException:
        waiting.drop()
        raise
    return waiting


def find(token: str, *, user_id: int, touch: bool = True) -> Waiting | None:
    """What waits for this person under this name. ``touch``: looking at it keeps it for another hour."""
    folder = room() / f"{user_id}-{token}"
    if not TOKEN.match(token) or _last_use(folder) < time.time() - HOUR:
        return None
    try:
        if touch:
            os.utime(folder)
        about = json.loads((folder / ABOUT).read_text())
    except FileNotFoundError:
        return None  # swept between the two lines
    return Waiting(token, folder, **about)


def sweep() -> int:
    """Delete what nobody has looked at for an hour; how many. Safe at any moment, from any process."""
    old = [folder for folder in room().iterdir() if _last_use(folder) < time.time() - HOUR]
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return len(old)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _last_use(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0
