"""Some pages with everything they show, as one file for another portal: a zip of content files and a manifest."""

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from portal.staff.models import User
from procedures.content.kinds import Kind
from procedures.content.pages import PageContentKind
from procedures.content.pictures import FigureKind, SeriesKind
from procedures.content.reference import SourceKind, WarningSignKind
from procedures.figures.approval import Pictures, unapproved
from procedures.markdown import Library, render_page
from procedures.models import Figure, Page, WarningSign

FORMAT, VERSION = "plainspine-bundle", 1
MANIFEST = "manifest.json"
# Pictures are packed already; this is for the words.
PACKING = zipfile.ZIP_DEFLATED
OLDEST = (1980, 1, 1, 0, 0, 0)


def carried(actor: User | None = None) -> list[Kind[Any]]:
    """The kinds that a bundle holds, each after those it refers to. Clinic, answers and words stay at home.

    ``actor``: who brings a bundle in, and so cannot approve its pictures.
    """
    return [SourceKind(), WarningSignKind(), FigureKind(uploaded_by=actor), SeriesKind(), PageContentKind()]


class UnapprovedPicturesError(Exception):
    """A page shows a picture that no reviewer has seen, so it does not leave this portal. The message says which."""


class _Chosen:
    """Mixin of a Kind: only the rows with these keys."""

    chosen: frozenset[str] = frozenset()

    def all(self) -> Iterable[tuple[str, Any]]:
        """As the Kind has them, fewer."""
        return ((key, row) for key, row in super().all() if key in self.chosen)  # type: ignore[misc]


class _Sources(_Chosen, SourceKind):
    pass


class _Signs(_Chosen, WarningSignKind):
    pass


class _Figures(_Chosen, FigureKind):
    pass


class _Series(_Chosen, SeriesKind):
    pass


class _Pages(_Chosen, PageContentKind):
    pass


PARTS: tuple[type[_Chosen], ...] = (_Sources, _Signs, _Figures, _Series, _Pages)


def needed(pages: Iterable[Page]) -> dict[type[_Chosen], set[str]]:
    """Keys of all that these pages show, by kind: found by rendering their drafts. Raises UnapprovedPicturesError."""
    keys: dict[type[_Chosen], set[str]] = {part: set() for part in PARTS}
    libraries: dict[str, Library] = {}
    prints_signs = False
    for page in pages:
        library = libraries.setdefault(page.language, Library(page.language, Pictures.CURRENT))
        rendered = render_page(page.draft(), kind=page.kind, library=library)
        keys[_Pages].add(f"{page.language} {page.subject}")
        for used in rendered.inputs:
            if used.kind == "source":
                keys[_Sources].add(used.key)
            elif used.kind == "figure":
                keys[_Figures].add(used.key)
            elif used.kind == "signs":
                prints_signs = True
            elif used.kind == "series":
                keys[_Series].add(f"{page.language} {used.key}")
    # The list is one whole: a part of it would be another list.
    for sign in WarningSign.objects.all() if prints_signs else ():
        keys[_Signs].add(sign.key)
        keys[_Sources].update(sign.sources)
    if new := unapproved(list(Figure.objects.filter(slug__in=keys[_Figures]))):
        slugs = ", ".join(f"“{figure.slug}”" for figure in new)
        raise UnapprovedPicturesError(
            f"A reviewer has not approved these pictures yet: {slugs}. Have the pages with them reviewed first."
        )
    return keys


def write_bundle(pages: Iterable[Page], target: io.BufferedIOBase | Any) -> int:
    """Write the bundle of these pages' newest texts into an open binary file; the number of files in it.

    The same rows give the same bytes. Raises UnapprovedPicturesError; then nothing is written.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, keys in needed(pages).items():
            kind: Any = part()
            kind.chosen = frozenset(keys)
            if keys:
                kind.write(folder)
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        return _zip(folder, files, target)


def _zip(folder: Path, files: list[Path], target: Any) -> int:
    listed = []
    with zipfile.ZipFile(target, "w", PACKING) as bundle:
        for file in files:
            data, name = file.read_bytes(), file.relative_to(folder).as_posix()
            listed.append({"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()})
            _put(bundle, name, data)
        manifest = {"format": FORMAT, "version": VERSION, "files": listed}
        _put(bundle, MANIFEST, json.dumps(manifest, indent=1).encode())
    return len(listed)


def _put(bundle: zipfile.ZipFile, name: str, data: bytes) -> None:
    bundle.writestr(zipfile.ZipInfo(name, OLDEST), data, PACKING)
