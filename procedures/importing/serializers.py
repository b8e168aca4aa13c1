"""Serializers between content files and database rows: one class per type of row.

``serialize`` returns a row in the same form as ``clean`` returns its file entry. This makes dump → load → dump
byte-identical, and tells rows that staff have changed from rows that are still as they were loaded.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.enums import Language
from procedures.importing.content_files import (
    EXPECTED_FIELDS_MESSAGE,
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

OPTIONAL_TEXT = Field(str, "", required=False)
REQUIRED_TEXT = Field(str, required=True)
UNSUPPORTED_LANGUAGE_MESSAGE = gettext_lazy("“%(language)s” is not a supported language.")


class Serializer(ABC, Generic[M]):
    """Interface of all serializers.

    ``name`` is stored as ``ImportedRecord.kind`` and printed in reports. ``fields`` is the schema of an entry.
    """

    name: str
    fields: dict[str, Field]

    @abstractmethod
    def iter_files(self, folder: Path) -> Iterator[Path]:
        """Yield the files that hold rows of this type, in a fixed order."""

    @abstractmethod
    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        """Return the entries of one file. Raise ContentError or ContentErrors for what cannot be parsed."""

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        """Return the validated data of an entry with defaults filled in.

        Errors are appended to ``entry.errors`` or raised as ContentError.
        """
        return clean_fields(entry, self.fields)

    @abstractmethod
    def find_row(self, key: str) -> M | None:
        """Return the database row with this key."""

    @abstractmethod
    def all_rows(self) -> Iterable[tuple[str, M]]:
        """Return every database row with its key, in the order in which rows are written to files."""

    @abstractmethod
    def serialize(self, row: M) -> dict[str, Any]:
        """Return a row as plain data, in the form of ``clean``."""

    @abstractmethod
    def save_row(self, key: str, data: dict[str, Any], row: M | None, *, store_files: bool) -> None:
        """Create the row, or update it if there is one.

        With ``store_files=False`` (a dry run), media are left alone. Raise ValidationError, or LookupError with a
        message and the name of a field for a reference to a row that does not exist.
        """

    @abstractmethod
    def write_files(self, folder: Path) -> None:
        """Write all database rows to files in ``folder``."""

    def skip_reason(self) -> str:
        """Return why a load must not write rows of this type, or an empty string."""
        return ""


# An entry with its serializer and its cleaned data.
ParsedRow = tuple[Serializer[Any], ContentEntry, dict[str, Any]]


def read_clean_entries(
    serializer: Serializer[Any], file: Path, errors: list[ContentError]
) -> Iterator[tuple[ContentEntry, dict[str, Any]]]:
    """Yield the valid entries of a file with their data; append the errors of the others to ``errors``."""
    entries: list[ContentEntry] = []
    try:
        entries.extend(serializer.parse_file(file))
    except ContentError as error:
        errors.append(error)
    except ContentErrors as error:
        errors += error.errors
    for entry in entries:
        try:
            data = serializer.clean(entry)
        except ContentError as error:
            entry.errors.append(error)
            data = {}
        if entry.errors:
            errors += entry.errors
        else:
            yield entry, data


def clean_texts(entry: ContentEntry, data: dict[str, Any], fields: dict[str, Field]) -> dict[str, dict[str, Any]]:
    """Return the validated ``text`` field of an entry: fields by language code."""
    texts = {}
    for language, values in sorted(data["text"].items()):
        if not isinstance(values, dict):
            entry.errors.append(entry.make_error(f"text: {language}: {EXPECTED_FIELDS_MESSAGE}", "text"))
            continue
        texts[language] = clean_fields(entry.sub_entry(values, "text"), fields)
    return texts


def full_clean_and_save(instance: models.Model, columns: Mapping[str, str] | None = None) -> None:
    """Validate (field validators and named constraints), then save.

    ``columns`` maps file keys to model fields where they differ; errors name the file keys.
    """
    try:
        instance.full_clean()
    except ValidationError as error:
        file_keys = {field: key for key, field in (columns or {}).items()}
        raise ValidationError(
            {file_keys.get(field, field): errors for field, errors in error.error_dict.items()}
        ) from error
    instance.save()


def serialize_texts(owner: Any, fields: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the per-language texts of a row (its ``texts``): fields by language code."""
    texts = owner.texts.order_by("language")
    return {text.language: {name: getattr(text, name) for name in fields} for text in texts}


def sync_texts(owner: models.Model, related: str, texts: dict[str, dict[str, Any]]) -> None:
    """Create, update, and delete the per-language rows of ``owner`` until they equal ``texts``."""
    manager = getattr(owner, related)
    existing = {text.language: text for text in manager.all()}
    for language, values in texts.items():
        text = existing.pop(language, None) or manager.model(**{manager.field.name: owner, "language": language})
        for name, value in values.items():
            setattr(text, name, value)
        full_clean_and_save(text)
    for text in existing.values():
        text.delete()


@contextmanager
def collect_errors(entry: ContentEntry, errors: list[ContentError]) -> Iterator[None]:
    """Run a block in a savepoint; append its validation errors, located in the file, to ``errors``.

    The caller goes on after an error so that it can report all of them.
    """
    try:
        with transaction.atomic():
            yield
    except ValidationError as error:
        errors += to_content_errors(error, entry)
    except LookupError as error:
        message, *field_name = (str(arg) for arg in error.args)
        errors.append(entry.make_error(message, *field_name))


def to_content_errors(error: ValidationError, entry: ContentEntry) -> list[ContentError]:
    """Convert a ValidationError into errors that name file and line."""
    if hasattr(error, "error_dict"):
        return [
            entry.make_error(f"{name}: {' '.join(messages)}" if name != "__all__" else " ".join(messages), name)
            for name, messages in error.message_dict.items()
        ]
    return [entry.make_error(" ".join(error.messages))]


class ClinicSerializer(Serializer[Clinic]):
    """The clinic: ``clinic.yaml``."""

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
        return {**data, "text": serialize_texts(row, self.text_fields)}

    def save_row(self, key: str, data: dict[str, Any], row: Clinic | None, *, store_files: bool) -> None:
        clinic = row or Clinic(pk=1)
        for name in self.fields.keys() - {"text"}:
            setattr(clinic, name, data[name])
        full_clean_and_save(clinic)
        sync_texts(clinic, "texts", data["text"])

    def write_files(self, folder: Path) -> None:
        for _key, clinic in self.all_rows():
            (folder / "clinic.yaml").write_text(dump_yaml(self.serialize(clinic)), encoding="utf-8")


class ListSerializer(Serializer[Any]):
    """Base class of types that are stored as one YAML list.

    The key of a row is the values of its ``key_fields``, joined with spaces.
    """

    file_name: str
    model: Any
    key_fields: tuple[str, ...] = ("key",)

    def iter_files(self, folder: Path) -> Iterator[Path]:
        yield folder / self.file_name

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        for entry in read_entries(file, self.key_fields[0]):
            entry.key = " ".join(str(entry.data.get(name, "")) for name in self.key_fields)
            yield entry

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
    """Mixin for rows whose ``order`` is their position in the list and not a key of the file."""

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        for order, entry in enumerate(super().parse_file(file)):  # type: ignore[safe-super]
            entry.data["order"] = order
            yield entry

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        order = entry.data.pop("order")
        return {**super().clean(entry), "order": order}


class SourceSerializer(ListSerializer):
    """Sources: ``sources.yaml``."""

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
    """Clinical codes: ``codes.yaml``."""

    name, file_name, model = "code", "codes.yaml", ClinicalCode
    key_fields = ("system", "code", "subject")
    fields = {"system": REQUIRED_TEXT, "code": REQUIRED_TEXT, "subject": REQUIRED_TEXT, "rank": Field(int, 1)}


class LocationSerializer(_OrderedMixin, ListSerializer):
    """Locations: ``locations.yaml``."""

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
        return {
            "key": row.key,
            "phone": row.phone,
            "address": row.address,
            "text": serialize_texts(row, self.text_fields),
            "order": row.order,
        }

    def save_row(self, key: str, data: dict[str, Any], row: Location | None, *, store_files: bool) -> None:
        location = row or Location(key=key)
        location.phone, location.address, location.order = data["phone"], data["address"], data["order"]
        full_clean_and_save(location)
        sync_texts(location, "texts", data["text"])


class WarningSignSerializer(_OrderedMixin, ListSerializer):
    """Warning signs: ``warning_signs.yaml``. Once a list is approved, loading a folder never changes it."""

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
        for message in [] if entry.errors else warning_signs.check_sign(data):
            field = message.partition(":")[0]
            entry.errors.append(entry.make_error(message, field if field in self.fields else "text"))
        return data

    def serialize(self, row: WarningSign) -> dict[str, Any]:
        return warning_signs.serialize_sign(row)

    def save_row(self, key: str, data: dict[str, Any], row: WarningSign | None, *, store_files: bool) -> None:
        known = set(Source.objects.filter(key__in=data["sources"]).values_list("key", flat=True))
        for source in data["sources"]:
            if source not in known:
                raise LookupError(_("There is no source “%(key)s”.") % {"key": source}, "sources")
        warning_signs.save_sign(row or WarningSign(key=key), data)

    def skip_reason(self) -> str:
        if warning_signs.has_published_list():
            return "the approved list is kept; propose the change under Warning signs"
        return ""

    def write_files(self, folder: Path) -> None:
        if WarningSign.objects.exists():
            super().write_files(folder)


class LanguageListSerializer(Serializer[Any]):
    """Base class of types that are stored as one YAML list per language: glossary terms, clinic answers.

    The key of a row is its language code and its own key, separated by a space.
    """

    folder_name: str
    model: Any
    # Model fields by which rows of one language are sorted.
    order: tuple[str, ...] = ("key",)
    # Model fields by file key, where the two differ.
    columns: dict[str, str] = {}

    def iter_files(self, folder: Path) -> Iterator[Path]:
        yield from sorted((folder / self.folder_name).glob("*.yaml"))

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        if file.stem not in Language.values:
            raise ContentError(file, 1, UNSUPPORTED_LANGUAGE_MESSAGE % {"language": file.stem})
        return read_entries(file, "key", prefix=f"{file.stem} ")

    def find_row(self, key: str) -> Any:
        language, own_key = key.split(" ", 1)
        return self.model.objects.filter(language=language, key=own_key).first()

    def all_rows(self) -> Iterable[tuple[str, Any]]:
        for row in self.model.objects.order_by("language", *self.order):
            yield f"{row.language} {row.key}", row

    def serialize(self, row: Any) -> dict[str, Any]:
        return {name: getattr(row, self.columns.get(name, name)) for name in self.fields}

    def save_row(self, key: str, data: dict[str, Any], row: Any, *, store_files: bool) -> None:
        instance = row or self.model(language=key.split(" ", 1)[0])
        for name, value in data.items():
            setattr(instance, self.columns.get(name, name), value)
        full_clean_and_save(instance, self.columns)

    def write_files(self, folder: Path) -> None:
        by_language: dict[str, list[dict[str, Any]]] = {}
        for _key, row in self.all_rows():
            data = {name: value for name, value in self.serialize(row).items() if name in self.fields}
            by_language.setdefault(row.language, []).append(data)
        target = folder / self.folder_name
        target.mkdir(exist_ok=True)
        for language, rows in by_language.items():
            (target / f"{language}.yaml").write_text(dump_yaml(rows), encoding="utf-8")


class GlossaryTermSerializer(LanguageListSerializer):
    """Glossary terms: ``glossary/<lang>.yaml``."""

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
    """Clinic answers: ``care/<lang>.yaml``."""

    name, folder_name, model = "care", "care", ClinicAnswer
    order = ("order", "key")
    fields = {"key": REQUIRED_TEXT, "question": REQUIRED_TEXT, "answer": REQUIRED_TEXT}

    def serialize(self, row: ClinicAnswer) -> dict[str, Any]:
        return {**super().serialize(row), "order": row.order}
