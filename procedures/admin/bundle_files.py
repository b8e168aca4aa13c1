"""Bundles between the look at them and the import: in the data folder, for a day at most, named by their hash."""

import hashlib
import os
import secrets
import time
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

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
            old.unlink(missing_ok=True)
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
