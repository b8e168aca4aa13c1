"""Export of pages, with everything they show, as a bundle for another portal: a zip of content files and a manifest."""

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from portal.accounts.models import User
from procedures.figures.approval import FigureVersion, unapproved_figures
from procedures.importing.figure_serializers import FigureSerializer, SeriesSerializer
from procedures.importing.page_serializer import PageSerializer
from procedures.importing.serializers import Serializer, SourceSerializer, WarningSignSerializer
from procedures.models import Figure, Page, WarningSign
from procedures.rendering import ReferenceResolver, render_page

BUNDLE_FORMAT, BUNDLE_VERSION = "plainspine-bundle", 1
MANIFEST_NAME = "manifest.json"
COMPRESSION = zipfile.ZIP_DEFLATED
# A fixed date, the earliest that a zip can hold: the same rows give the same bytes.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def bundle_serializers(uploaded_by: User | None = None) -> list[Serializer[Any]]:
    """Return the serializers of a bundle, each after those that it refers to.

    Clinic, locations, clinic answers, glossary terms, and codes are not exchanged. ``uploaded_by`` is the person who
    imports a bundle: nobody can approve pictures that they have uploaded themselves.
    """
    return [
        SourceSerializer(),
        WarningSignSerializer(),
        FigureSerializer(uploaded_by=uploaded_by),
        SeriesSerializer(),
        PageSerializer(),
    ]


class UnapprovedPicturesError(Exception):
    """A page to export shows pictures that no reviewer has approved. The message, for staff, names them."""


class _SelectionMixin:
    """Serializer mixin that limits ``all_rows`` to ``selected_keys``."""

    selected_keys: frozenset[str] = frozenset()

    def all_rows(self) -> Iterable[tuple[str, Any]]:
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
    """Render the pages' drafts and return the keys of everything that they show, by bundle part.

    Raise UnapprovedPicturesError.
    """
    keys: dict[type[_SelectionMixin], set[str]] = {part: set() for part in BUNDLE_PARTS}
    resolvers: dict[str, ReferenceResolver] = {}
    has_warning_signs = False
    for page in pages:
        resolver = resolvers.setdefault(page.language, ReferenceResolver(page.language, FigureVersion.CURRENT))
        rendered = render_page(page.draft_content(), kind=page.kind, resolver=resolver)
        keys[_SelectedPages].add(f"{page.language} {page.subject}")
        for dependency in rendered.dependencies:
            if dependency.kind == "source":
                keys[_SelectedSources].add(dependency.key)
            elif dependency.kind == "figure":
                keys[_SelectedFigures].add(dependency.key)
            elif dependency.kind == "signs":
                has_warning_signs = True
            elif dependency.kind == "series":
                keys[_SelectedSeries].add(f"{page.language} {dependency.key}")
    # The list is approved as a whole, so it is always exported as a whole.
    for sign in WarningSign.objects.all() if has_warning_signs else ():
        keys[_SelectedWarningSigns].add(sign.key)
        keys[_SelectedSources].update(sign.sources)
    if unapproved := unapproved_figures(list(Figure.objects.filter(slug__in=keys[_SelectedFigures]))):
        slugs = ", ".join(f"“{figure.slug}”" for figure in unapproved)
        message = _("A reviewer has not approved these pictures yet: %(slugs)s. Send their pages to review first.")
        raise UnapprovedPicturesError(message % {"slugs": slugs})
    return keys


def write_bundle(pages: Iterable[Page], target: io.BufferedIOBase | Any) -> int:
    """Write a bundle of the pages' drafts to an open binary file and return the number of its content files.

    The same rows give the same bytes. Raise UnapprovedPicturesError before anything is written.
    """
    with tempfile.TemporaryDirectory() as temp_dir:
        folder = Path(temp_dir)
        for part, keys in collect_dependencies(pages).items():
            serializer: Any = part()
            serializer.selected_keys = frozenset(keys)
            if keys:
                serializer.write_files(folder)
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        return _write_zip(folder, files, target)


def _write_zip(folder: Path, files: list[Path], target: Any) -> int:
    manifest_files = []
    with zipfile.ZipFile(target, "w", COMPRESSION) as bundle:
        for file in files:
            data, name = file.read_bytes(), file.relative_to(folder).as_posix()
            manifest_files.append({"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()})
            _add_member(bundle, name, data)
        manifest = {"format": BUNDLE_FORMAT, "version": BUNDLE_VERSION, "files": manifest_files}
        _add_member(bundle, MANIFEST_NAME, json.dumps(manifest, indent=1).encode())
    return len(manifest_files)


def _add_member(bundle: zipfile.ZipFile, name: str, data: bytes) -> None:
    bundle.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), data, COMPRESSION)
