"""Some pages with everything they show, as one file for another portal: a zip of content files and a manifest."""

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from portal.accounts.models import User
from procedures.figures.approval import FigureVersion, unapproved_figures
from procedures.importing.figure_serializers import FigureSerializer, SeriesSerializer
from procedures.importing.page_serializer import PageSerializer
from procedures.importing.serializers import Serializer, SourceSerializer, WarningSignSerializer
from procedures.models import Figure, Page, WarningSign
from procedures.rendering import ReferenceResolver, render_page

BUNDLE_FORMAT, BUNDLE_VERSION = "plainspine-bundle", 1
MANIFEST_NAME = "manifest.json"
# Pictures are packed already; this is for the words.
COMPRESSION = zipfile.ZIP_DEFLATED
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def bundle_serializers(uploaded_by: User | None = None) -> list[Serializer[Any]]:
    """The kinds that a bundle holds, each after those it refers to. Clinic, answers and words stay at home.

    ``actor``: who brings a bundle in, and so cannot approve its pictures.
    """
    return [
        SourceSerializer(),
        WarningSignSerializer(),
        FigureSerializer(uploaded_by=uploaded_by),
        SeriesSerializer(),
        PageSerializer(),
    ]


class UnapprovedPicturesError(Exception):
    """A page shows a picture that no reviewer has seen, so it does not leave this portal. The message says which."""


class _SelectionMixin:
    """Mixin of a Kind: only the rows with these keys."""

    selected_keys: frozenset[str] = frozenset()

    def all_rows(self) -> Iterable[tuple[str, Any]]:
        """As the Kind has them, fewer."""
        return ((key, row) for key, row in super().all_rows() if key in self.selected_keys)  # type: ignore[misc]


class _SelectedSources(_SelectionMixin, SourceSerializer):
    pass


class _SelectedWarningSigns(_SelectionMixin, WarningSignSerializer):
    pass


class _SelectedFigures(_SelectionMixin, FigureSerializer):
    pass


class _SelectedSeries(_SelectionMixin, SeriesSerializer):
    pass


class _SelectedPages(_SelectionMixin, PageSerializer):
    pass


BUNDLE_PARTS: tuple[type[_SelectionMixin], ...] = (
    _SelectedSources,
    _SelectedWarningSigns,
    _SelectedFigures,
    _SelectedSeries,
    _SelectedPages,
)


def collect_dependencies(pages: Iterable[Page]) -> dict[type[_SelectionMixin], set[str]]:
    """Keys of all that these pages show, by kind: found by rendering their drafts. Raises UnapprovedPicturesError."""
    keys: dict[type[_SelectionMixin], set[str]] = {part: set() for part in BUNDLE_PARTS}
    libraries: dict[str, ReferenceResolver] = {}
    prints_signs = False
    for page in pages:
        library = libraries.setdefault(page.language, ReferenceResolver(page.language, FigureVersion.CURRENT))
        rendered = render_page(page.draft_content(), kind=page.kind, resolver=library)
        keys[_SelectedPages].add(f"{page.language} {page.subject}")
        for used in rendered.dependencies:
            if used.kind == "source":
                keys[_SelectedSources].add(used.key)
            elif used.kind == "figure":
                keys[_SelectedFigures].add(used.key)
            elif used.kind == "signs":
                prints_signs = True
            elif used.kind == "series":
                keys[_SelectedSeries].add(f"{page.language} {used.key}")
    # The list is one whole: a part of it would be another list.
    for sign in WarningSign.objects.all() if prints_signs else ():
        keys[_SelectedWarningSigns].add(sign.key)
        keys[_SelectedSources].update(sign.sources)
    if new := unapproved_figures(list(Figure.objects.filter(slug__in=keys[_SelectedFigures]))):
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
        for part, keys in collect_dependencies(pages).items():
            kind: Any = part()
            kind.selected_keys = frozenset(keys)
            if keys:
                kind.write_files(folder)
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        return _write_zip(folder, files, target)


def _write_zip(folder: Path, files: list[Path], target: Any) -> int:
    listed = []
    with zipfile.ZipFile(target, "w", COMPRESSION) as bundle:
        for file in files:
            data, name = file.read_bytes(), file.relative_to(folder).as_posix()
            listed.append({"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()})
            _add_member(bundle, name, data)
        manifest = {"format": BUNDLE_FORMAT, "version": BUNDLE_VERSION, "files": listed}
        _add_member(bundle, MANIFEST_NAME, json.dumps(manifest, indent=1).encode())
    return len(listed)


def _add_member(bundle: zipfile.ZipFile, name: str, data: bytes) -> None:
    bundle.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), data, COMPRESSION)
