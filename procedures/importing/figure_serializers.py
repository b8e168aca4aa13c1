"""Serializers of figures (image files, texts, markers) and of figure series."""

from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.utils.translation import gettext as _

from portal.accounts.models import User
from procedures import enums
from procedures.enums import MarkerShape
from procedures.figures.approval import FigureVersion, approved_figures
from procedures.figures.decoding import DecodedImage, InvalidImageError, decode_image, read_svg
from procedures.figures.markers import COORDINATE_DIGITS
from procedures.figures.renditions import FIGURES_FOLDER, HASH_LENGTH, replace_renditions, store_file, store_image
from procedures.importing.content_files import (
    EXPECTED_FIELDS_MESSAGE,
    OPTIONAL_TEXT,
    REQUIRED_TEXT,
    ContentEntry,
    ContentError,
    Field,
    Serializer,
    build_entry,
    check_language,
    clean_fields,
    clean_texts,
    dump_yaml,
    full_clean_and_save,
    read_yaml,
    serialize_texts,
    sync_texts,
)
from procedures.models import Figure, Marker, Series, SeriesItem
from procedures.validators import validate_outline

# The ends of the names of drawings in a content folder, by whether they are for dark mode.
DRAWING_SUFFIXES = {False: ".svg", True: "-dark.svg"}


class FigureSerializer(Serializer[Figure]):
    """Figures: ``figures/<slug>.yaml`` and image files in the same folder.

    In serialized data, an image or drawing is its content hash. ``clean`` decodes the files and holds their content
    until ``save_row`` stores it, so both must be called on the same instance.
    """

    name = "figure"
    fields = {
        "kind": Field(str, enums.FigureKind.OTHER.value),
        "image": OPTIONAL_TEXT,
        "drawing": OPTIONAL_TEXT,
        "drawing_dark": OPTIONAL_TEXT,
        "provenance": REQUIRED_TEXT,
        "provenance_note": OPTIONAL_TEXT,
        "text": Field(dict, required=True),
        "markers": Field(list, []),
        # Written to a file only if false: no reviewer has approved the picture.
        "approved": Field(bool, True),
    }
    text_fields = {"title": REQUIRED_TEXT, "alt": REQUIRED_TEXT, "caption": REQUIRED_TEXT, "description": OPTIONAL_TEXT}
    marker_fields = {
        "key": REQUIRED_TEXT,
        "shape": Field(str, MarkerShape.POINT.value),
        "at": Field(list, required=True),
        "target": Field(list, required=True),
        "size": Field(list, [0.0, 0.0]),
        "outline": Field(list, []),
        "text": Field(dict, required=True),
    }
    label_fields = {"label": REQUIRED_TEXT, "text": OPTIONAL_TEXT}

    def __init__(self, *, uploaded_by: User | None = None) -> None:
        self._uploaded_by = uploaded_by
        self._images: dict[str, DecodedImage] = {}
        self._drawings: dict[str, bytes] = {}

    def iter_files(self, folder: Path) -> Iterator[Path]:
        yield from sorted((folder / "figures").glob("*.yaml"))

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        yield build_entry(file, read_yaml(file), key=file.stem)

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        data = super().clean(entry)
        # Not part of the data: it says nothing about what the picture shows.
        del data["approved"]
        # Files from older versions label every upload an X-ray, regardless of what it shows.
        data["kind"] = enums.FigureKind.OTHER.value if data["kind"] == "xray" else data["kind"]
        data["text"] = clean_texts(entry, data, self.text_fields)
        data["markers"] = [self._clean_marker(entry, marker) for marker in data["markers"]]
        for name in ("image", "drawing", "drawing_dark"):
            try:
                data[name] = self._read_file(entry, name, data[name]) if data[name] else ""
            except ContentError as error:
                entry.errors.append(error)
        return data

    def _clean_marker(self, owner: ContentEntry, values: Any) -> dict[str, Any]:
        if not isinstance(values, dict):
            raise owner.make_error(str(EXPECTED_FIELDS_MESSAGE), "markers")
        marker_entry = owner.sub_entry(values, "markers")
        data = clean_fields(marker_entry, self.marker_fields)
        for name in ("at", "target", "size"):
            pair = data[name]
            if marker_entry.errors:
                break
            if len(pair) != 2 or not all(isinstance(number, int | float) for number in pair):
                message = _("The marker's “%(field)s” must be two numbers, such as [0.31, 0.62].") % {"field": name}
                raise owner.make_error(message, "markers")
            data[name] = [round(float(number), COORDINATE_DIGITS) for number in pair]
        try:
            validate_outline(data["outline"])
        except ValidationError as error:
            raise owner.make_error(error.messages[0], "markers") from None
        outline = data.pop("outline")
        if outline:  # most markers have none, and files without it stay as they are
            data["outline"] = [[round(float(value), COORDINATE_DIGITS) for value in corner] for corner in outline]
        data["text"] = clean_texts(marker_entry, data, self.label_fields)
        return data

    def _read_file(self, entry: ContentEntry, name: str, file_name: str) -> str:
        """Decode a file next to the YAML file, keep its content for ``save_row``, and return its content hash."""
        if Path(file_name).name != file_name:
            raise entry.make_error(_("Enter the name of a file in the same folder."), name)
        try:
            data = (entry.file.parent / file_name).read_bytes()
            if name == "image":
                image = decode_image(data)
                self._images[image.sha256] = image
                return image.sha256
            drawing, sha256 = read_svg(data)
            sha256 = sha256[:HASH_LENGTH]
            self._drawings[sha256] = drawing
        except OSError as error:
            message = _("The file %(file)s cannot be read: %(reason)s.")
            raise entry.make_error(message % {"file": file_name, "reason": error.strerror}, name) from error
        except InvalidImageError as error:
            raise entry.make_error(f"{file_name}: {error}", name) from error
        return sha256

    def decoded_image(self, data: dict[str, Any]) -> DecodedImage | None:
        """Return the decoded image of a cleaned entry, or None if the figure is a drawing."""
        return self._images.get(data["image"])

    def is_approved(self, entry: ContentEntry) -> bool:
        """Return whether the file of a cleaned entry supplies the picture for patients to see."""
        return entry.data.get("approved", True) is True

    def find_row(self, key: str) -> Figure | None:
        return Figure.objects.filter(slug=key).first()

    def all_rows(self) -> Iterable[tuple[str, Figure]]:
        return ((figure.slug, figure) for figure in Figure.objects.with_texts())

    def serialize(self, row: Figure) -> dict[str, Any]:
        return {
            **_serialize_image(row),
            "provenance": row.provenance,
            "provenance_note": row.provenance_note,
            "text": serialize_texts(row, self.text_fields),
            "markers": [_serialize_marker(marker, self.label_fields) for marker in row.markers.all()],
        }

    def save_row(self, key: str, data: dict[str, Any], row: Figure | None, *, store_files: bool) -> None:
        figure = row or Figure(slug=key)
        changed = {name for name in ("kind", "provenance") if row and getattr(row, name) != data[name]}
        for name in ("kind", "provenance", "provenance_note"):
            setattr(figure, name, data[name])
        figure.deidentified = True
        renditions, old_identity = [], _image_identity(figure)
        if data["image"] and data["image"] != figure.sha256:
            if store_files:
                renditions = store_image(figure, self._images[data["image"]])
            else:
                # A placeholder name: a dry run is rolled back, and validation needs a value.
                figure.image, figure.sha256 = "checked", data["image"]
        for name in ("drawing", "drawing_dark"):
            file_hash = data[name]
            path = f"{FIGURES_FOLDER}/{file_hash}.svg" if file_hash else ""
            setattr(figure, name, store_file(path, self._drawings[file_hash]) if path and store_files else path)
        if _image_identity(figure) != old_identity:
            figure.uploaded_by = self._uploaded_by
        if "kind" in changed:
            figure.kind_changed_by = self._uploaded_by
        if "provenance" in changed:
            figure.provenance_changed_by = self._uploaded_by
        full_clean_and_save(figure)
        if renditions:
            replace_renditions(figure, renditions)
        sync_texts(figure, data["text"])
        self._sync_markers(figure, data["markers"])

    def _sync_markers(self, figure: Figure, markers: list[dict[str, Any]]) -> None:
        existing = {marker.key: marker for marker in figure.markers.all()}
        for order, values in enumerate(markers):
            marker = existing.pop(values["key"], None) or Marker(figure=figure, key=values["key"])
            marker.order, marker.shape = order, values["shape"]
            (marker.x, marker.y), (marker.target_x, marker.target_y) = values["at"], values["target"]
            marker.size_x, marker.size_y = values["size"]
            marker.outline = values.get("outline", [])
            full_clean_and_save(marker)
            sync_texts(marker, values["text"])
        for marker in existing.values():
            marker.delete()

    def write_files(self, folder: Path, keys: Container[str] | None = None) -> None:
        target = folder / "figures"
        target.mkdir(exist_ok=True)
        rows = dict(self.select_rows(keys))
        approved = approved_figures(rows.values(), FigureVersion.PUBLIC)
        for slug, row in rows.items():
            # While a newer picture awaits approval, write the one that patients see: loading a file approves it.
            figure = approved[slug].figure if slug in approved else row
            data = self.serialize(figure)
            if slug not in approved:
                data["approved"] = False
            for name, suffix in (
                ("image", ".png"),
                ("drawing", DRAWING_SUFFIXES[False]),
                ("drawing_dark", DRAWING_SUFFIXES[True]),
            ):
                stored = getattr(figure, name)
                if stored:
                    data[name] = f"{slug}{suffix}"
                    with default_storage.open(stored) as stream:
                        (target / data[name]).write_bytes(stream.read())
            (target / f"{slug}.yaml").write_text(dump_yaml(data), encoding="utf-8")

    def describe_omissions(self) -> Iterator[str]:
        rows = dict(self.all_rows())
        approved = approved_figures(rows.values(), FigureVersion.PUBLIC)
        for slug in rows:
            if slug not in approved:
                yield f"figure {slug}: no reviewer has approved it, and loading this folder does not approve it"
            elif not approved[slug].is_current:
                yield f"figure {slug}: the new, unapproved picture is left out; a backup contains it"


def _image_identity(figure: Figure) -> tuple[str, str, str]:
    return figure.sha256, figure.drawing, figure.drawing_dark


def _serialize_image(figure: Figure) -> dict[str, str]:
    return {
        "kind": figure.kind,
        "image": figure.sha256 if figure.image else "",
        "drawing": _hash_from_name(figure.drawing),
        "drawing_dark": _hash_from_name(figure.drawing_dark),
    }


def _hash_from_name(name: str) -> str:
    """Return the content hash in the name of a stored drawing."""
    return Path(name).stem


def _serialize_marker(marker: Marker, label_fields: Iterable[str]) -> dict[str, Any]:
    def pair(x: float, y: float) -> list[float]:
        return [round(x, COORDINATE_DIGITS), round(y, COORDINATE_DIGITS)]

    return {
        "key": marker.key,
        "shape": marker.shape,
        "at": pair(marker.x, marker.y),
        "target": pair(marker.target_x, marker.target_y),
        "size": pair(marker.size_x, marker.size_y),
        **({"outline": [pair(x, y) for x, y in marker.outline]} if marker.outline else {}),
        "text": serialize_texts(marker, label_fields),
    }


class SeriesSerializer(Serializer[Series]):
    """Figure series: ``series/<lang>/<slug>.yaml``."""

    name = "series"
    fields = {"title": REQUIRED_TEXT, "items": Field(list, required=True)}
    item_fields = {"figure": REQUIRED_TEXT, "heading": REQUIRED_TEXT, "text": REQUIRED_TEXT}

    def iter_files(self, folder: Path) -> Iterator[Path]:
        yield from sorted((folder / "series").glob("*/*.yaml"))

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        entry = build_entry(file, read_yaml(file), key=f"{file.parent.name} {file.stem}")
        if " " in file.stem:
            message = _("“%(name)s” is not a valid file name. Use lowercase letters, digits, and hyphens.")
            raise entry.make_error(message % {"name": file.name})
        check_language(file, file.parent.name)
        yield entry

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        data = super().clean(entry)
        data["items"] = [clean_fields(entry.sub_entry(item, "items"), self.item_fields) for item in data["items"]]
        return data

    def find_row(self, key: str) -> Series | None:
        language, slug = key.split(" ")
        return Series.objects.filter(language=language, slug=slug).first()

    def all_rows(self) -> Iterable[tuple[str, Series]]:
        rows = Series.objects.order_by("language", "slug").prefetch_related("items__figure")
        return ((f"{row.language} {row.slug}", row) for row in rows)

    def serialize(self, row: Series) -> dict[str, Any]:
        items = [{"figure": item.figure.slug, "heading": item.heading, "text": item.text} for item in row.items.all()]
        return {"title": row.title, "items": items}

    def save_row(self, key: str, data: dict[str, Any], row: Series | None, *, store_files: bool) -> None:
        language, slug = key.split(" ")
        series = row or Series(language=language, slug=slug)
        series.title = data["title"]
        full_clean_and_save(series)
        series.items.all().delete()
        slugs = [item["figure"] for item in data["items"]]
        figures = {figure.slug: figure for figure in Figure.objects.filter(slug__in=slugs)}
        for order, item in enumerate(data["items"]):
            if item["figure"] not in figures:
                raise LookupError(_("There is no picture “%(slug)s”.") % {"slug": item["figure"]}, "items")
            full_clean_and_save(
                SeriesItem(
                    series=series,
                    order=order,
                    figure=figures[item["figure"]],
                    heading=item["heading"],
                    text=item["text"],
                )
            )

    def write_files(self, folder: Path, keys: Container[str] | None = None) -> None:
        for key, series in self.select_rows(keys):
            language, slug = key.split(" ")
            target = folder / "series" / language
            target.mkdir(parents=True, exist_ok=True)
            (target / f"{slug}.yaml").write_text(dump_yaml(self.serialize(series)), encoding="utf-8")
