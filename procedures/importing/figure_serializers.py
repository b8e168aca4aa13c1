"""Figures with their files, texts and markers; series."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage

from portal.accounts.models import User
from procedures import enums
from procedures.enums import Language, MarkerShape
from procedures.figures.decoding import DecodedImage, InvalidImageError, decode_image, read_svg
from procedures.figures.renditions import replace_renditions, store_file, store_image
from procedures.importing.content_files import ContentEntry, ContentError, Field, build_entry, clean_fields, read_yaml
from procedures.importing.serializers import (
    OPTIONAL_TEXT,
    REQUIRED_TEXT,
    Serializer,
    clean_texts,
    full_clean_and_save,
    sync_texts,
)
from procedures.models import Figure, Marker, Series, SeriesItem
from procedures.yaml_dumper import dump_yaml

POSITION_DIGITS = 4
# Of the hash in a file's name: enough that no two drawings meet, short for the page.
FILE_HASH_LENGTH = 20


class FigureSerializer(Serializer[Figure]):
    """``figures/<slug>.yaml`` and the picture files beside it. Files are compared by what they show."""

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
    }
    text_fields = {"title": REQUIRED_TEXT, "alt": REQUIRED_TEXT, "caption": REQUIRED_TEXT, "description": OPTIONAL_TEXT}
    marker_fields = {
        "key": REQUIRED_TEXT,
        "shape": Field(str, MarkerShape.POINT.value),
        "at": Field(list, required=True),
        "target": Field(list, required=True),
        "size": Field(list, [0.0, 0.0]),
        "text": Field(dict, required=True),
    }
    label_fields = {"label": REQUIRED_TEXT, "text": OPTIONAL_TEXT}

    def __init__(self, *, uploaded_by: User | None = None) -> None:
        self._uploaded_by = uploaded_by
        self._pictures: dict[str, DecodedImage] = {}
        self._drawings: dict[str, bytes] = {}

    def iter_files(self, folder: Path) -> Iterator[Path]:
        yield from sorted((folder / "figures").glob("*.yaml"))

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        yield build_entry(file, read_yaml(file), key=file.stem)

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        data = super().clean(entry)
        # Older portals called every upload an X-ray. That is not known, so nothing is said about it.
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
            raise owner.make_error("A marker is a list of fields.", "markers")
        inner = owner.sub_entry(values, "markers")
        data = clean_fields(inner, self.marker_fields)
        for name in ("at", "target", "size"):
            pair = data[name]
            if inner.errors:
                break
            if len(pair) != 2 or not all(isinstance(part, int | float) for part in pair):
                raise owner.make_error(f"The marker's “{name}” must be two numbers, such as [0.31, 0.62].", "markers")
            data[name] = [round(float(part), POSITION_DIGITS) for part in pair]
        data["text"] = clean_texts(inner, data, self.label_fields)
        return data

    def _read_file(self, entry: ContentEntry, name: str, file_name: str) -> str:
        """Content hash of a file beside the YAML; its checked content is kept for ``apply``."""
        if Path(file_name).name != file_name:
            raise entry.make_error("Name a file in the same folder.", name)
        try:
            data = (entry.file.parent / file_name).read_bytes()
            if name == "image":
                picture = decode_image(data)
                self._pictures[picture.sha256] = picture
                return picture.sha256
            drawing, sha256 = read_svg(data)
            sha256 = sha256[:FILE_HASH_LENGTH]
            self._drawings[sha256] = drawing
        except OSError as error:
            raise entry.make_error(f"The file {file_name} cannot be read: {error.strerror}.", name) from error
        except InvalidImageError as error:
            raise entry.make_error(f"{file_name}: {error}", name) from error
        return sha256

    def decoded_image(self, data: dict[str, Any]) -> DecodedImage | None:
        """The pixels of a figure that was read, or None for a drawing."""
        return self._pictures.get(data["image"])

    def find_row(self, key: str) -> Figure | None:
        return Figure.objects.filter(slug=key).first()

    def all_rows(self) -> Iterable[tuple[str, Figure]]:
        return ((figure.slug, figure) for figure in Figure.objects.prefetch_related("texts", "markers__texts"))

    def serialize(self, row: Figure) -> dict[str, Any]:
        texts = row.texts.order_by("language")
        return {
            "kind": row.kind,
            "image": row.sha256 if row.image else "",
            "drawing": _hash_from_name(row.drawing),
            "drawing_dark": _hash_from_name(row.drawing_dark),
            "provenance": row.provenance,
            "provenance_note": row.provenance_note,
            "text": {t.language: {name: getattr(t, name) for name in self.text_fields} for t in texts},
            "markers": [_serialize_marker(marker) for marker in row.markers.all()],
        }

    def save_row(self, key: str, data: dict[str, Any], row: Figure | None, *, store_files: bool) -> None:
        figure = row or Figure(slug=key)
        for name in ("kind", "provenance", "provenance_note"):
            setattr(figure, name, data[name])
        figure.deidentified = True
        renditions, before, kind = [], _image_identity(figure), row.kind if row else data["kind"]
        if data["image"] and data["image"] != figure.sha256:
            if store_files:
                renditions = store_image(figure, self._pictures[data["image"]])
            else:
                figure.image, figure.sha256 = "checked", data["image"]
        for name in ("drawing", "drawing_dark"):
            stem = data[name]
            file = f"figures/{stem}.svg" if stem else ""
            setattr(figure, name, store_file(file, self._drawings[stem]) if file and store_files else file)
        if _image_identity(figure) != before:
            figure.uploaded_by = self._uploaded_by
        if figure.kind != kind:
            figure.kind_changed_by = self._uploaded_by
        full_clean_and_save(figure)
        if renditions:
            replace_renditions(figure, renditions)
        sync_texts(figure, "texts", data["text"])
        self._sync_markers(figure, data["markers"])

    def _sync_markers(self, figure: Figure, markers: list[dict[str, Any]]) -> None:
        have = {marker.key: marker for marker in figure.markers.all()}
        for order, values in enumerate(markers):
            marker = have.pop(values["key"], None) or Marker(figure=figure, key=values["key"])
            marker.order, marker.shape = order, values["shape"]
            (marker.x, marker.y), (marker.target_x, marker.target_y) = values["at"], values["target"]
            marker.size_x, marker.size_y = values["size"]
            full_clean_and_save(marker)
            sync_texts(marker, "texts", values["text"])
        for left in have.values():
            left.delete()

    def matches_figure(self, row: Figure, data: dict[str, Any]) -> bool:
        """Whether a row still shows the picture of the content folder, and says that it is of the same kind."""
        here = (
            row.sha256 if row.image else "",
            _hash_from_name(row.drawing),
            _hash_from_name(row.drawing_dark),
            row.kind,
        )
        return here == (data["image"], data["drawing"], data["drawing_dark"], data["kind"])

    def write_files(self, folder: Path) -> None:
        target = folder / "figures"
        target.mkdir(exist_ok=True)
        for slug, figure in self.all_rows():
            data = self.serialize(figure)
            for name, suffix in (("image", ".png"), ("drawing", ".svg"), ("drawing_dark", "-dark.svg")):
                stored = getattr(figure, name)
                if stored:
                    data[name] = f"{slug}{suffix}"
                    with default_storage.open(stored) as stream:
                        (target / data[name]).write_bytes(stream.read())
            (target / f"{slug}.yaml").write_text(dump_yaml(data), encoding="utf-8")


def _image_identity(figure: Figure) -> tuple[str, str, str]:
    return figure.sha256, figure.drawing, figure.drawing_dark


def _hash_from_name(name: str) -> str:
    """The content hash that a stored drawing's name holds."""
    return Path(name).stem


def _serialize_marker(marker: Marker) -> dict[str, Any]:
    def pair(x: float, y: float) -> list[float]:
        return [round(x, POSITION_DIGITS), round(y, POSITION_DIGITS)]

    return {
        "key": marker.key,
        "shape": marker.shape,
        "at": pair(marker.x, marker.y),
        "target": pair(marker.target_x, marker.target_y),
        "size": pair(marker.size_x, marker.size_y),
        "text": {t.language: {"label": t.label, "text": t.text} for t in marker.texts.order_by("language")},
    }


class SeriesSerializer(Serializer[Series]):
    """``series/<lang>/<slug>.yaml``."""

    name = "series"
    fields = {"title": REQUIRED_TEXT, "items": Field(list, required=True)}
    item_fields = {"figure": REQUIRED_TEXT, "heading": REQUIRED_TEXT, "text": REQUIRED_TEXT}

    def iter_files(self, folder: Path) -> Iterator[Path]:
        yield from sorted((folder / "series").glob("*/*.yaml"))

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        row = build_entry(file, read_yaml(file), key=f"{file.parent.name} {file.stem}")
        if " " in file.stem:
            raise row.make_error(f"“{file.name}” is no name for a file here. Use small letters, digits and hyphens.")
        if file.parent.name not in Language.values:
            raise row.make_error(f"“{file.parent.name}” is not one of our languages.")
        yield row

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
        items = [{"figure": i.figure.slug, "heading": i.heading, "text": i.text} for i in row.items.all()]
        return {"title": row.title, "items": items}

    def save_row(self, key: str, data: dict[str, Any], row: Series | None, *, store_files: bool) -> None:
        language, slug = key.split(" ")
        series = row or Series(language=language, slug=slug)
        series.title = data["title"]
        full_clean_and_save(series)
        series.items.all().delete()
        figures = {f.slug: f for f in Figure.objects.filter(slug__in=[i["figure"] for i in data["items"]])}
        for order, item in enumerate(data["items"]):
            if item["figure"] not in figures:
                raise LookupError(f"There is no picture “{item['figure']}”.", "items")
            full_clean_and_save(
                SeriesItem(
                    series=series,
                    order=order,
                    figure=figures[item["figure"]],
                    heading=item["heading"],
                    text=item["text"],
                )
            )

    def write_files(self, folder: Path) -> None:
        for key, series in self.all_rows():
            language, slug = key.split(" ")
            target = folder / "series" / language
            target.mkdir(parents=True, exist_ok=True)
            (target / f"{slug}.yaml").write_text(dump_yaml(self.serialize(series)), encoding="utf-8")
