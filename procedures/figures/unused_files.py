"""Files that nothing names any more: of replaced pictures, and of uploads that broke off."""

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
# Only what this portal wrote: finished files, and drafts of files that a crash left behind.
OWN_FILE_RE = re.compile(rf"(?:{MEDIA_NAME_PATTERN.pattern}|{FIGURES_FOLDER}/\.new-[a-z0-9_]+\Z)")
FILE_IN_TEXT_RE = re.compile(MEDIA_NAME_PATTERN.pattern.removesuffix(r"\Z"))
# A picture that comes in has files first and rows later.
MIN_AGE = datetime.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class UnusedFile:
    """A stored file that no row and no release names; ``size`` in bytes."""

    name: str
    size: int


def find_unused_files(*, older_than: datetime.timedelta = MIN_AGE) -> list[UnusedFile]:
    """Our files that nothing names, by name. Files of others and files younger than ``older_than`` never count."""
    latest = timezone.now() - older_than
    # Files before names: what comes in between is on neither list.
    old = [name for name in _stored_files() if (age := _modified_at(name)) is not None and age <= latest]
    named = set(_referenced_files()) if old else set()
    return [UnusedFile(name, default_storage.size(name)) for name in old if name not in named]


def delete_unused_files(candidates: list[UnusedFile]) -> list[UnusedFile]:
    """Delete those of ``found`` that are orphans still, and return them."""
    named = set(_referenced_files())
    gone = [orphan for orphan in candidates if orphan.name not in named and OWN_FILE_RE.fullmatch(orphan.name)]
    for orphan in gone:
        default_storage.delete(orphan.name)
    return gone


@contextmanager
def rollback_files() -> Iterator[None]:
    """What intake writes inside goes away again when the block fails. Put it around the transaction, not within."""
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
    """Delete files once the transaction is through, as far as nothing names them then: no wait for the next sweep.

    A replaced picture may show what it was replaced for. A file that came in again meanwhile is left to the sweep.
    """
    begun = timezone.now()

    def delete() -> None:
        old = [name for name in names if (age := _modified_at(name)) is not None and age < begun]
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
        return None  # another sweep was faster


def _referenced_files() -> Iterator[str]:
    for names in Figure.objects.values_list("image", "drawing", "drawing_dark"):
        yield from names
    yield from Rendition.objects.values_list("file", flat=True)
    # Pages may be rebuilt with these while a newer picture waits for approval.
    used = ReleaseDependency.objects.filter(figure_approval=OuterRef("pk"))
    kept = FigureApproval.objects.filter(Exists(used) | Q(approval=None))
    for files in kept.values_list("files", flat=True):
        yield from files
    # A release shows the files it was made with, also when its figure has another picture by now; and what a patient
    # read on some day can be shown again.
    for html, thumbnail in Release.objects.values_list("html", "thumbnail").iterator():
        for match in FILE_IN_TEXT_RE.finditer(f"{html} {thumbnail or ''}"):
            yield match[0]
