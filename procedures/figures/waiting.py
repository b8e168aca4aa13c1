"""Where a picture waits while a person crops it, covers letters and looks.

It waits in ``<data folder>/waiting/``, beside the folder of pictures and never in it: no address of the site leads
there, and only the person who brought it gets it back, through a signed-in view that forbids keeping a copy. What
waits are bare pixels, never the file that was sent. It is gone after saving, after cancelling, and an hour after it
was last looked at; ``serve`` sweeps each minute. Nobody holds more than MOST at a time: the oldest goes.

Sending it again with each step instead would need JavaScript, would carry 250 MB for each turn of a DICOM window, and
would leave the choice of what is checked and what is saved to the browser. Several machines behind one address need
a data folder that they share, or visitors that stay on one of them.
"""

import json
import os
import re
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from procedures.figures.dicom import PREAMBLE, Frames, is_dicom, unpack, unpack_sixteen_bits
from procedures.figures.intake import MOST_BYTES, BadPictureError, Picture, read_picture, reread
from procedures.figures.renditions import png

HOUR = 3600
MOST = 5
TOKEN = re.compile(r"[0-9a-f]{32}\Z")
PICTURE, ABOUT = "picture.png", "about.json"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A picture that waits, or frames of which one will. ``figure``: key of the figure whose picture it replaces."""

    token: str
    folder: Path
    figure: int | None

    @property
    def has_picture(self) -> bool:
        """False while no frame is chosen."""
        return (self.folder / PICTURE).exists()

    @property
    def has_frames(self) -> bool:
        """Whether it came with more shades than a screen has, so that a window is chosen."""
        return (self.folder / "frames.json").exists()

    def picture(self) -> Picture:
        """Raises BadPictureError when it went away meanwhile."""
        return reread(self.picture_bytes())

    def picture_bytes(self) -> bytes:
        """The same as PNG."""
        try:
            return (self.folder / PICTURE).read_bytes()
        except FileNotFoundError:
            raise BadPictureError("The picture has waited too long and is gone. Choose it again.") from None

    def put(self, picture: Picture) -> None:
        """The picture that waits from now on."""
        draft = self.folder / f".{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_bytes(png(picture))
        draft.replace(self.folder / PICTURE)

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


def begin(*, user_id: int, figure: int | None = None) -> Waiting:
    """An empty place. The caller fills it, or drops it."""
    sweep()
    own = sorted(room().glob(f"{user_id}-*"), key=_last_use)
    for oldest in own[: max(0, len(own) - MOST + 1)]:
        shutil.rmtree(oldest, ignore_errors=True)
    token = secrets.token_hex(16)
    folder = room() / f"{user_id}-{token}"
    folder.mkdir(mode=0o700)
    (folder / ABOUT).write_text(json.dumps({"figure": figure}))
    return Waiting(token, folder, figure)


def bring(stream: BinaryIO, *, user_id: int, figure: int | None = None) -> Waiting:
    """The pixels of a file that somebody sends wait from now on; its content decides what it is.

    Raises BadPictureError; nothing waits then.
    """
    waiting = begin(user_id=user_id, figure=figure)
    try:
        dicom = is_dicom(stream.read(PREAMBLE))
        stream.seek(0)
        if dicom:
            frames = unpack(stream, waiting.folder)
            if frames.colour and frames.count == 1:
                waiting.put(frames.picture())
        else:
            # One byte more than allowed is enough for intake to see that it is too much.
            data = stream.read(MOST_BYTES + 1)
            found = read_picture(data)
            if not unpack_sixteen_bits(data, waiting.folder):
                waiting.put(found)
    except BaseException:
        waiting.drop()
        raise
    return waiting


def find(token: str, *, user_id: int) -> Waiting | None:
    """What waits for this person under this name; looking at it keeps it for another hour."""
    folder = room() / f"{user_id}-{token}"
    if not TOKEN.match(token) or _last_use(folder) < time.time() - HOUR:
        return None
    try:
        os.utime(folder)
        about = json.loads((folder / ABOUT).read_text())
    except FileNotFoundError:
        return None  # swept between the two lines
    return Waiting(token, folder, about["figure"])


def sweep() -> int:
    """Delete what nobody has looked at for an hour; how many. Safe at any moment, from any process."""
    old = [folder for folder in room().iterdir() if _last_use(folder) < time.time() - HOUR]
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return len(old)


def _last_use(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0
