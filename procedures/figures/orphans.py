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

from portal.serving.media import NAME
from procedures.figures.renditions import written
from procedures.models import Figure, FigureApproval, Release, ReleaseInput, Rendition

FOLDER = "figures"
# Only what this portal wrote: finished files, and drafts of files that a crash left behind.
OURS = re.compile(rf"(?:{NAME.pattern}|{FOLDER}/\.new-[a-z0-9_]+\Z)")
IN_TEXT = re.compile(NAME.pattern.removesuffix(r"\Z"))
# A picture that comes in has files first and rows later.
YOUNG = datetime.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A stored file that no row and no release names; ``size`` in bytes."""

    name: str
    size: int


def orphans(*, older_than: datetime.timedelta = YOUNG) -> list[Orphan]:
    """Our files that nothing names, by name. Files of others and files younger than ``older_than`` never count."""
    latest = timezone.now() - older_than
    # Files before names: what comes in between is on neither list.
    old = [name for name in _stored() if (age := _modified(name)) is not None and age <= latest]
    named = set(_named()) if old else set()
    return [Orphan(name, default_storage.size(name)) for name in old if name not in named]


def sweep(found: list[Orphan]) -> list[Orphan]:
    """Delete those of ``found`` that are orphans still, and return them."""
    named = set(_named())
    gone = [orphan for orphan in found if orphan.name not in named and OURS.fullmatch(orphan.name)]
    for orphan in gone:
        default_storage.delete(orphan.name)
    return gone


@contextmanager
def undone_on_failure() -> Iterator[None]:
    """What intake writes inside goes away again when the block fails. Put it around the transaction, not within."""
    names: list[str] = []
    token = written.set(names)
    try:
        yield
    except BaseException:
        sweep([Orphan(name, 0) for name in names])
        raise
    finally:
        written.reset(token)


def forget(names: list[str]) -> None:
    """Delete files once the transaction is through, as far as nothing names them then: no wait for the next sweep.

    A replaced picture may show what it was replaced for. A file that came in again meanwhile is left to the sweep.
    """
    begun = timezone.now()

    def delete() -> None:
        old = [name for name in names if (age := _modified(name)) is not None and age < begun]
        sweep([Orphan(name, 0) for name in old])

    transaction.on_commit(delete)


def _stored() -> list[str]:
    try:
        _folders, files = default_storage.listdir(FOLDER)
    except FileNotFoundError:
        return []
    names = (f"{FOLDER}/{file}" for file in sorted(files))
    return [name for name in names if OURS.fullmatch(name)]


def _modified(name: str) -> datetime.datetime | None:
    try:
        return default_storage.get_modified_time(name)
    except FileNotFoundError:
        return None  # another sweep was faster


def _named() -> Iterator[str]:
    for names in Figure.objects.values_list("image", "drawing", "drawing_dark"):
        yield from names
    yield from Rendition.objects.values_list("file", flat=True)
    # Pages may be rebuilt with these while a newer picture waits for approval.
    used = ReleaseInput.objects.filter(figure_approval=OuterRef("pk"))
    kept = FigureApproval.objects.filter(Exists(used) | Q(approval=None))
    for files in kept.values_list("files", flat=True):
        yield from files
    # A release shows the files it was made with, also when its figure has another picture by now; and what a patient
    # read on some day can be shown again.
    for html, thumbnail in Release.objects.values_list("html", "thumbnail").iterator():
        for match in IN_TEXT.finditer(f"{html} {thumbnail or ''}"):
            yield match[0]
