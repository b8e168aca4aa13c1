"""One Kind per sort of row: how it is found, written as plain data, and applied from plain data.

``dump`` and ``read`` are inverse: what one writes, the other reads to the same data. That is what makes
dump → load → dump byte-identical, and what tells rows that staff changed from rows as they were loaded.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import models

from procedures.enums import Language
from procedures.importing.content_files import (
    ContentEntry,
    ContentError,
    ContentErrors,
    Field,
    build_entry,
    clean_fields,
    read_entries,
    read_yaml,
)
from procedures.models import Clinic, ClinicalCode, ClinicAnswer, GlossaryTerm, Location, Source, WarningSign
from procedures.publishing import warning_signs
from procedures.yaml_dumper import dump_yaml

M = TypeVar("M", bound=models.Model)


class Serializer(ABC, Generic[M]):
    """A sort of row of the content folder."""

    name: str
    fields: dict[str, Field]

    @abstractmethod
    def iter_files(self, folder: Path) -> Iterator[Path]:
        """The files that hold rows of this kind, in a fixed order."""

    @abstractmethod
    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        """The rows of one file."""

    @abstractmethod
    def find_row(self, key: str) -> M | None:
        """The row in the database."""

    @abstractmethod
    def all_rows(self) -> Iterable[tuple[str, M]]:
        """Every row in the database with its key, in the order of the dump."""

    @abstractmethod
    def serialize(self, row: M) -> dict[str, Any]:
        """The row as plain data: the same form as ``read`` gives."""

    @abstractmethod
    def save_row(self, key: str, data: dict[str, Any], row: M | None, *, store_files: bool) -> None:
        """Create or change the row. ``store=False``: leave files alone (a check)."""

    @abstractmethod
    def write_files(self, folder: Path) -> None:
        """Write all rows of the database below ``folder``."""

    def skip_reason(self) -> str:
        """Why a load writes no row of this kind at all, or an empty text."""
        return ""

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        """The checked data of an entry, with its defaults."""
        return clean_fields(entry, self.fields)


def read_clean_entries(
    kind: Serializer[Any], file: Path, errors: list[ContentError]
) -> Iterator[tuple[ContentEntry, dict[str, Any]]]:
    """The usable rows of a file with their data; what is wrong with the others goes to ``errors``."""
    found: list[ContentEntry] = []
    try:
        found.extend(kind.parse_file(file))
    except ContentError as error:
        errors.append(error)
    except ContentErrors as several:
        errors += several.errors
    for row in found:
        try:
            data = kind.clean(row)
        except ContentError as error:
            row.errors.append(error)
            data = {}
        if row.errors:
            errors += row.errors
        else:
            yield row, data


def full_clean_and_save(instance: models.Model, columns: Mapping[str, str] | None = None) -> None:
    """Validate (field validators and named constraints), then save.

    ``columns`` maps keys of the file to model fields. Errors name the keys of the file.
    """
    try:
        instance.full_clean()
    except ValidationError as error:
        keys = {field: key for key, field in (columns or {}).items()}
        raise ValidationError({keys.get(name, name): found for name, found in error.error_dict.items()}) from error
    instance.save()


def sync_texts(owner: models.Model, related: str, texts: dict[str, dict[str, Any]]) -> None:
    """Make the rows per language of ``owner`` those of ``texts``."""
    manager = getattr(owner, related)
    have = {text.language: text for text in manager.all()}
    for language, values in texts.items():
        text = have.pop(language, None) or manager.model(**{manager.field.name: owner, "language": language})
        for name, value in values.items():
            setattr(text, name, value)
        full_clean_and_save(text)
    for left in have.values():
        left.delete()


def clean_texts(entry: ContentEntry, data: dict[str, Any], fields: dict[str, Field]) -> dict[str, dict[str, Any]]:
    """The ``text:`` field of an entry: fields per language."""
    texts = {}
    for language, values in sorted(data["text"].items()):
        if not isinstance(values, dict):
            entry.errors.append(entry.make_error(f"Below text: {language}: fields are expected.", "text"))
            continue
        texts[language] = clean_fields(entry.sub_entry(values, "text"), fields)
    return texts


def to_content_errors(error: ValidationError, entry: ContentEntry) -> list[ContentError]:
    """A model's refusal as errors that name file and line."""
    if hasattr(error, "error_dict"):
        return [
            entry.make_error(f"{name}: {' '.join(messages)}" if name != "__all__" else " ".join(messages), name)
            for name, messages in error.message_dict.items()
        ]
    return [entry.make_error(" ".join(error.messages))]


OPTIONAL_TEXT = Field(str, "", required=False)
REQUIRED_TEXT = Field(str, required=True)


class ClinicSerializer(Serializer[Clinic]):
    """``clinic.yaml``."""

    name = "clinic"
    fields = {
        "name": REQUIRED_TEXT,
        "phone": REQUIRED_TEXT,
        "after_hours_phone": OPTIONAL_TEXT,
        "emergency_number": Field(str, "911"),
        "time_zone": Field(str, "UTC"),
        "text": Field(dict, required=True),
    }
    text_fields = {"hours": REQUIRED_TEXT, "about": OPTIONAL_TEXT}

    def iter_files(self, folder: Path) -> Iterator[Path]:
        yield folder / "clinic.yaml"

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        yield build_entry(file, read_yaml(file), key="clinic")

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        data = super().clean(entry)
        return {**data, "text": clean_texts(entry, data, self.text_fields)}

    def find_row(self, key: str) -> Clinic | None:
        return Clinic.objects.first()

    def all_rows(self) -> Iterable[tuple[str, Clinic]]:
        return (("clinic", clinic) for clinic in Clinic.objects.all())

    def serialize(self, row: Clinic) -> dict[str, Any]:
        data: dict[str, Any] = {name: getattr(row, name) for name in self.fields if name != "text"}
        texts = row.texts.order_by("language")
        return {
            **data,
            "text": {t.language: {name: getattr(t, name) for name in self.text_fields} for t in texts},
        }

    def save_row(self, key: str, data: dict[str, Any], row: Clinic | None, *, store_files: bool) -> None:
        clinic = row or Clinic(pk=1)
        for name in self.fields.keys() - {"text"}:
            setattr(clinic, name, data[name])
        full_clean_and_save(clinic)
        sync_texts(clinic, "texts", data["text"])

    def write_files(self, folder: Path) -> None:
        for _, clinic in self.all_rows():
            (folder / "clinic.yaml").write_text(dump_yaml(self.serialize(clinic)), encoding="utf-8")


class ListSerializer(Serializer[Any]):
    """Rows in one YAML list: sources, codes, locations."""

    file_name: str
    model: Any
    key_fields: tuple[str, ...] = ("key",)

    def iter_files(self, folder: Path) -> Iterator[Path]:
        yield folder / self.file_name

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        for row in read_entries(file, self.key_fields[0]):
            row.key = " ".join(str(row.data.get(name, "")) for name in self.key_fields)
            yield row

    def find_row(self, key: str) -> Any:
        parts = key.split(" ", len(self.key_fields) - 1)
        return self.model.objects.filter(**dict(zip(self.key_fields, parts, strict=True))).first()

    def all_rows(self) -> Iterable[tuple[str, Any]]:
        for row in self.model.objects.all():
            yield " ".join(str(getattr(row, name)) for name in self.key_fields), row

    def serialize(self, row: Any) -> dict[str, Any]:
        return {name: getattr(row, name) for name in self.fields}

    def save_row(self, key: str, data: dict[str, Any], row: Any, *, store_files: bool) -> None:
        instance = row or self.model()
        for name, value in data.items():
            setattr(instance, name, value)
        full_clean_and_save(instance)

    def write_files(self, folder: Path) -> None:
        rows = [
            {name: value for name, value in self.serialize(row).items() if name in self.fields}
            for _, row in self.all_rows()
        ]
        (folder / self.file_name).write_text(dump_yaml(rows), encoding="utf-8")


class _OrderedMixin(Serializer[Any]):
    """Mixin for rows whose place in the list is their order; files do not name it."""

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        for order, row in enumerate(super().parse_file(file)):  # type: ignore[safe-super]
            row.data["order"] = order
            yield row

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        order = entry.data.pop("order")
        return {**super().clean(entry), "order": order}


class SourceSerializer(ListSerializer):
    """``sources.yaml``."""

    name, file_name, model = "source", "sources.yaml", Source
    fields = {
        "key": REQUIRED_TEXT,
        "organisation": REQUIRED_TEXT,
        "title": REQUIRED_TEXT,
        "year": Field(int),
        "url": OPTIONAL_TEXT,
        "identifier": OPTIONAL_TEXT,
        "used_for": OPTIONAL_TEXT,
    }


class ClinicalCodeSerializer(ListSerializer):
    """``codes.yaml``."""

    name, file_name, model = "code", "codes.yaml", ClinicalCode
    key_fields = ("system", "code", "subject")
    fields = {"system": REQUIRED_TEXT, "code": REQUIRED_TEXT, "subject": REQUIRED_TEXT, "rank": Field(int, 1)}


class LocationSerializer(_OrderedMixin, ListSerializer):
    """``locations.yaml``."""

    name, file_name, model = "location", "locations.yaml", Location
    fields = {
        "key": REQUIRED_TEXT,
        "phone": REQUIRED_TEXT,
        "address": REQUIRED_TEXT,
        "text": Field(dict, required=True),
    }
    text_fields = {"name": REQUIRED_TEXT, "hours": OPTIONAL_TEXT, "directions": OPTIONAL_TEXT}

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        data = super().clean(entry)
        return {**data, "text": clean_texts(entry, data, self.text_fields)}

    def serialize(self, row: Location) -> dict[str, Any]:
        texts = row.texts.order_by("language")
        return {
            "key": row.key,
            "phone": row.phone,
            "address": row.address,
            "text": {t.language: {name: getattr(t, name) for name in self.text_fields} for t in texts},
            "order": row.order,
        }

    def save_row(self, key: str, data: dict[str, Any], row: Location | None, *, store_files: bool) -> None:
        location = row or Location(key=key)
        location.phone, location.address, location.order = data["phone"], data["address"], data["order"]
        full_clean_and_save(location)
        sync_texts(location, "texts", data["text"])


class WarningSignSerializer(_OrderedMixin, ListSerializer):
    """``warning_signs.yaml``; the place in the list is the order. An approved list is never changed from a folder."""

    name, file_name, model = "warning_sign", "warning_signs.yaml", WarningSign
    fields = {
        "key": REQUIRED_TEXT,
        "level": REQUIRED_TEXT,
        "when": Field(str, "both"),
        "sources": Field(list, []),
        "text": Field(dict, required=True),
    }
    text_fields = {"text": REQUIRED_TEXT, "short": OPTIONAL_TEXT}

    def iter_files(self, folder: Path) -> Iterator[Path]:
        if (folder / self.file_name).exists():
            yield folder / self.file_name

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        data = super().clean(entry)
        data["text"] = clean_texts(entry, data, self.text_fields)
        for problem in [] if entry.errors else warning_signs.check_sign(data):
            field = problem.partition(":")[0]
            entry.errors.append(entry.make_error(problem, field if field in self.fields else "text"))
        return data

    def serialize(self, row: WarningSign) -> dict[str, Any]:
        return warning_signs.serialize_sign(row)

    def save_row(self, key: str, data: dict[str, Any], row: WarningSign | None, *, store_files: bool) -> None:
        known = set(Source.objects.filter(key__in=data["sources"]).values_list("key", flat=True))
        for source in data["sources"]:
            if source not in known:
                raise LookupError(f"There is no source “{source}”.", "sources")
        warning_signs.save_sign(row or WarningSign(key=key), data)

    def skip_reason(self) -> str:
        """Why no row of this kind is written from a folder, or an empty text."""
        return (
            "the approved list stays; propose the change under Warning signs"
            if warning_signs.has_published_list()
            else ""
        )

    def write_files(self, folder: Path) -> None:
        if WarningSign.objects.exists():
            super().write_files(folder)


class LanguageListSerializer(Serializer[Any]):
    """Rows in one YAML list per language: glossary, care instructions."""

    folder_name: str
    model: Any

    def iter_files(self, folder: Path) -> Iterator[Path]:
        yield from sorted((folder / self.folder_name).glob("*.yaml"))

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        if file.stem not in Language.values:
            raise ContentEntry(file.stem, {}, file, 1).make_error(f"“{file.stem}” is not one of our languages.")
        return read_entries(file, "key", prefix=f"{file.stem} ")

    def find_row(self, key: str) -> Any:
        language, own = key.split(" ", 1)
        return self.model.objects.filter(language=language, key=own).first()

    def all_rows(self) -> Iterable[tuple[str, Any]]:
        for row in self.model.objects.order_by("language", *self.order):
            yield f"{row.language} {row.key}", row

    order: tuple[str, ...] = ("key",)
    # Keys of the file that differ from the names of their model fields.
    columns: dict[str, str] = {}

    def serialize(self, row: Any) -> dict[str, Any]:
        return {name: getattr(row, self.columns.get(name, name)) for name in self.fields}

    def save_row(self, key: str, data: dict[str, Any], row: Any, *, store_files: bool) -> None:
        instance = row or self.model(language=key.split(" ", 1)[0])
        for name, value in data.items():
            setattr(instance, self.columns.get(name, name), value)
        full_clean_and_save(instance, self.columns)

    def write_files(self, folder: Path) -> None:
        by_language: dict[str, list[dict[str, Any]]] = {}
        for _, row in self.all_rows():
            data = {name: value for name, value in self.serialize(row).items() if name in self.fields}
            by_language.setdefault(row.language, []).append(data)
        target = folder / self.folder_name
        target.mkdir(exist_ok=True)
        for language, rows in by_language.items():
            (target / f"{language}.yaml").write_text(dump_yaml(rows), encoding="utf-8")


class GlossaryTermSerializer(LanguageListSerializer):
    """``glossary/<lang>.yaml``."""

    name, folder_name, model = "term", "glossary", GlossaryTerm
    fields = {
        "key": REQUIRED_TEXT,
        "term": REQUIRED_TEXT,
        "aliases": Field(list, []),
        "say": OPTIONAL_TEXT,
        "definition": REQUIRED_TEXT,
    }
    columns = {"say": "pronunciation"}


class ClinicAnswerSerializer(_OrderedMixin, LanguageListSerializer):
    """``care/<lang>.yaml``; the place in the list is the order."""

    name, folder_name, model = "care", "care", ClinicAnswer
    order = ("order", "key")
    fields = {"key": REQUIRED_TEXT, "question": REQUIRED_TEXT, "answer": REQUIRED_TEXT}

    def serialize(self, row: ClinicAnswer) -> dict[str, Any]:
        return {**super().serialize(row), "order": row.order}
