"""Uploaded bundles that wait for their import: in the data folder, named by their hash, deleted after a day."""

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from portal.serving.whole import write_whole
from procedures.figures.intake import Picture
from procedures.figures.renditions import png
from procedures.figures.text_detection import Detection, detect, unavailable

DAY = 24 * 60 * 60  # seconds


def _folder() -> Path:
    folder = Path(settings.DATA_DIR) / "bundles"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def keep(file: UploadedFile) -> str:
    """Write the upload; its sha256 (hex), by which it is found again. Old ones go."""
    folder = _folder()
    for old in folder.iterdir():
        if time.time() - old.stat().st_mtime > DAY:
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
    draft, digest = folder / f".{secrets.token_hex(8)}", hashlib.sha256()
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
        for chunk in file.chunks():
            digest.update(chunk)
            stream.write(chunk)
    token = digest.hexdigest()
    draft.replace(folder / f"{token}.zip")
    return token


def kept(token: str) -> Path | None:
    """The file, or None when it is gone. ``token``: 64 letters and digits, checked by the caller."""
    file = _folder() / f"{token}.zip"
    return file if file.is_file() else None


def throw_away(token: str) -> None:
    """It is not needed any more."""
    (_folder() / f"{token}.zip").unlink(missing_ok=True)
    shutil.rmtree(_folder() / f"{token}.pictures", ignore_errors=True)


def keep_pictures(token: str, pictures: Iterable[Picture]) -> None:
    """Store the new pictures of a bundle, which staff look at before the import."""
    for picture in pictures:
        file = _picture_file(token, picture.sha256, "png")
        file.parent.mkdir(mode=0o700, exist_ok=True)
        if not file.exists():
            write_whole(file, [png(picture)])


def picture_of(token: str, sha256: str) -> bytes | None:
    """Return a stored picture as PNG. The caller checks that both names are 64 letters and digits."""
    file = _picture_file(token, sha256, "png")
    return file.read_bytes() if file.is_file() else None


def note_shown(token: str, sha256: str, user_id: int) -> None:
    """Record that this person was served these pixels."""
    _picture_file(token, sha256, str(user_id)).touch(mode=0o600)


def was_shown(token: str, sha256: str, user_id: int) -> bool:
    """Whether this person was served these pixels."""
    return _picture_file(token, sha256, str(user_id)).is_file()


def look_for_text(token: str, sha256: str) -> Detection:
    """Search a picture of a bundle for text, and store the result."""
    found = detect(picture_of(token, sha256) or b"")
    if unavailable() is None:
        write_whole(_picture_file(token, sha256, "json"), [json.dumps(found.to_json()).encode()])
    return found


def known_text(token: str, sha256: str) -> Detection | None:
    """Return the stored result of text detection, if there is one."""
    file = _picture_file(token, sha256, "json")
    return Detection.from_json(json.loads(file.read_text())) if file.is_file() else None


def _picture_file(token: str, sha256: str, extension: str) -> Path:
    return _folder() / f"{token}.pictures" / f"{sha256}.{extension}"
