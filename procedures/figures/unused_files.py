"""Media files that no row or release references: those of replaced images and of failed uploads."""

import datetime
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from portal.storage.local_storage import MEDIA_NAME_PATTERN
from procedures.figures.renditions import written_files
from procedures.models import Figure, FigureApproval, Release, ReleaseDependency, Rendition

FIGURES_FOLDER = "figures"
# Only files that the portal wrote: finished ones, and temporary ones left behind by a crash.
OWN_FILE_RE = re.compile(rf"(?:{MEDIA_NAME_PATTERN.pattern}|{FIGURES_FOLDER}/\.new-[a-z0-9_]+\Z)")
FILE_IN_TEXT_RE = re.compile(MEDIA_NAME_PATTERN.pattern.removesuffix(r"\Z"))
# An upload writes its files before its rows.
MIN_AGE = datetime.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class UnusedFile:
    """A stored file that no row or release references; ``size`` in bytes."""

    name: str
    size: int


def find_unused_files(*, older_than: datetime.timedelta = MIN_AGE) -> list[UnusedFile]:
    """List unused files by name, except those younger than ``older_than`` and those not written by the portal."""
    latest = timezone.now() - older_than
    # List files before references: a file that is stored in between is then in neither list.
    old = [name for name in _stored_files() if (modified := _modified_at(name)) is not None and modified <= latest]
    referenced = set(_referenced_files()) if old else set()
    return [UnusedFile(name, default_storage.size(name)) for name in old if name not in referenced]


def delete_unused_files(candidates: list[UnusedFile]) -> list[UnusedFile]:
    """Delete the candidates that are still unused, and return them."""
    referenced = set(_referenced_files())
    unused = [file for file in candidates if file.name not in referenced and OWN_FILE_RE.fullmatch(file.name)]
    for file in unused:
        default_storage.delete(file.name)
    return unused


@contextmanager
def rollback_files() -> Iterator[None]:
    """Delete files stored inside the block if it fails. Wrap it around the transaction, not inside it."""
    names: list[str] = []
    token = written_files.set(names)
    try:
        yield
    except BaseException:
        delete_unused_files([UnusedFile(name, 0) for name in names])
        raise
    finally:
        written_files.reset(token)


def delete_on_commit(names: list[str]) -> None:
    """Delete the files after the transaction commits if they are unused by then.

    Not left to the next cleanup, because a replaced image may show the very thing it was replaced for. A file that was
    stored again in the meantime is left to the cleanup.
    """
    started_at = timezone.now()

    def delete() -> None:
        old = [name for name in names if (modified := _modified_at(name)) is not None and modified < started_at]
        delete_unused_files([UnusedFile(name, 0) for name in old])

    transaction.on_commit(delete)


def _stored_files() -> list[str]:
    try:
        _folders, files = default_storage.listdir(FIGURES_FOLDER)
    except FileNotFoundError:
        return []
    names = (f"{FIGURES_FOLDER}/{file}" for file in sorted(files))
    return [name for name in names if OWN_FILE_RE.fullmatch(name)]


def _modified_at(name: str) -> datetime.datetime | None:
    try:
        return default_storage.get_modified_time(name)
    except FileNotFoundError:
        return None  # deleted by another process


def _referenced_files() -> Iterator[str]:
    for names in Figure.objects.values_list("image", "drawing", "drawing_dark"):
        yield from names
    yield from Rendition.objects.values_list("file", flat=True)
    # Pages may be rebuilt with these while a newer image awaits approval.
    in_release = ReleaseDependency.objects.filter(figure_approval=OuterRef("pk"))
    rebuildable = FigureApproval.objects.filter(Exists(in_release) | Q(approval=None))
    for files in rebuildable.values_list("files", flat=True):
        yield from files
    # A release keeps showing the files it was built with, even if the figure has a newer image. Old releases count too,
    # because staff can look up what patients could read on a given day.
    for html, thumbnail in Release.objects.values_list("html", "thumbnail").iterator():
        for match in FILE_IN_TEXT_RE.finditer(f"{html} {thumbnail or ''}"):
            yield match[0]
