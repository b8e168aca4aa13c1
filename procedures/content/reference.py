"""Clinic, locations, sources, codes, glossary and care instructions: rows of plain YAML."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from procedures.content.files import Entry, Field, entries, entry, read_yaml
from procedures.content.kinds import Kind, checked_texts, save_checked, sync_texts
from procedures.content.yaml import dump_yaml
from procedures.enums import Language
from procedures.models import CareInstruction, Clinic, ClinicalCode, Location, Source, Term, WarningSign
from procedures.publishing import warning_signs

TEXT = Field(str, "", required=False)
NAME = Field(str, required=True)


class ClinicKind(Kind[Clinic]):
    """``clinic.yaml``."""

    name = "clinic"
    fields = {
        "name": NAME,
        "phone": NAME,
        "after_hours_phone": TEXT,
        "emergency_number": Field(str, "911"),
        "time_zone": Field(str, "UTC"),
        "text": Field(dict, required=True),
    }
    text_fields = {"hours": NAME, "about": TEXT}

    def files(self, folder: Path) -> Iterator[Path]:
        yield folder / "clinic.yaml"

    def parse(self, file: Path) -> Iterable[Entry]:
        yield entry(file, read_yaml(file), key="clinic")

    def read(self, entry: Entry) -> dict[str, Any]:
        data = super().read(entry)
        return {**data, "text": checked_texts(entry, data, self.text_fields)}

    def find(self, key: str) -> Clinic | None:
        return Clinic.objects.first()

    def all(self) -> Iterable[tuple[str, Clinic]]:
        return (("clinic", clinic) for clinic in Clinic.objects.all())

    def dump(self, row: Clinic) -> dict[str, Any]:
        data: dict[str, Any] = {name: getattr(row, name) for name in self.fields if name != "text"}
        texts = row.texts.order_by("language")
        return {
            **data,
            "text": {t.language: {name: getattr(t, name) for name in self.text_fields} for t in texts},
        }

    def apply(self, key: str, data: dict[str, Any], row: Clinic | None, *, store: bool) -> None:
        clinic = row or Clinic(pk=1)
        for name in self.fields.keys() - {"text"}:
            setattr(clinic, name, data[name])
        save_checked(clinic)
        sync_texts(clinic, "texts", data["text"])

    def write(self, folder: Path) -> None:
        for _, clinic in self.all():
            (folder / "clinic.yaml").write_text(dump_yaml(self.dump(clinic)), encoding="utf-8")


class ListKind(Kind[Any]):
    """Rows in one YAML list: sources, codes, locations."""

    file_name: str
    model: Any
    key_fields: tuple[str, ...] = ("key",)

    def files(self, folder: Path) -> Iterator[Path]:
        yield folder / self.file_name

    def parse(self, file: Path) -> Iterable[Entry]:
        for row in entries(file, self.key_fields[0]):
            row.key = " ".join(str(row.data.get(name, "")) for name in self.key_fields)
            yield row

    def find(self, key: str) -> Any:
        parts = key.split(" ", len(self.key_fields) - 1)
        return self.model.objects.filter(**dict(zip(self.key_fields, parts, strict=True))).first()

    def all(self) -> Iterable[tuple[str, Any]]:
        for row in self.model.objects.all():
            yield " ".join(str(getattr(row, name)) for name in self.key_fields), row

    def dump(self, row: Any) -> dict[str, Any]:
        return {name: getattr(row, name) for name in self.fields}

    def apply(self, key: str, data: dict[str, Any], row: Any, *, store: bool) -> None:
        instance = row or self.model()
        for name, value in data.items():
            setattr(instance, name, value)
        save_checked(instance)

    def write(self, folder: Path) -> None:
        rows = [{name: value for name, value in self.dump(row).items() if name in self.fields} for _, row in self.all()]
        (folder / self.file_name).write_text(dump_yaml(rows), encoding="utf-8")


class _Ordered(Kind[Any]):
    """Mixin for rows whose place in the list is their order; files do not name it."""

    def parse(self, file: Path) -> Iterable[Entry]:
        for order, row in enumerate(super().parse(file)):  # type: ignore[safe-super]
            row.data["order"] = order
            yield row

    def read(self, entry: Entry) -> dict[str, Any]:
        order = entry.data.pop("order")
        return {**super().read(entry), "order": order}


class SourceKind(ListKind):
    """``sources.yaml``."""

    name, file_name, model = "source", "sources.yaml", Source
    fields = {
        "key": NAME,
        "organisation": NAME,
        "title": NAME,
        "year": Field(int),
        "url": TEXT,
        "identifier": TEXT,
        "used_for": TEXT,
    }


class CodeKind(ListKind):
    """``codes.yaml``."""

    name, file_name, model = "code", "codes.yaml", ClinicalCode
    key_fields = ("system", "code", "subject")
    fields = {"system": NAME, "code": NAME, "subject": NAME, "rank": Field(int, 1)}


class LocationKind(_Ordered, ListKind):
    """``locations.yaml``."""

    name, file_name, model = "location", "locations.yaml", Location
    fields = {"key": NAME, "phone": NAME, "address": NAME, "text": Field(dict, required=True)}
    text_fields = {"name": NAME, "hours": TEXT, "directions": TEXT}

    def read(self, entry: Entry) -> dict[str, Any]:
        data = super().read(entry)
        return {**data, "text": checked_texts(entry, data, self.text_fields)}

    def dump(self, row: Location) -> dict[str, Any]:
        texts = row.texts.order_by("language")
        return {
            "key": row.key,
            "phone": row.phone,
            "address": row.address,
            "text": {t.language: {name: getattr(t, name) for name in self.text_fields} for t in texts},
            "order": row.order,
        }

    def apply(self, key: str, data: dict[str, Any], row: Location | None, *, store: bool) -> None:
        location = row or Location(key=key)
        location.phone, location.address, location.order = data["phone"], data["address"], data["order"]
        save_checked(location)
        sync_texts(location, "texts", data["text"])


class WarningSignKind(_Ordered, ListKind):
    """``warning_signs.yaml``; the place in the list is the order. An approved list is never changed from a folder."""

    name, file_name, model = "warning_sign", "warning_signs.yaml", WarningSign
    fields = {
        "key": NAME,
        "level": NAME,
        "when": Field(str, "both"),
        "sources": Field(list, []),
        "text": Field(dict, required=True),
    }
    text_fields = {"text": NAME, "short": TEXT}

    def files(self, folder: Path) -> Iterator[Path]:
        if (folder / self.file_name).exists():
            yield folder / self.file_name

    def read(self, entry: Entry) -> dict[str, Any]:
        data = super().read(entry)
        data["text"] = checked_texts(entry, data, self.text_fields)
        for problem in [] if entry.errors else warning_signs.row_problems(data):
            field = problem.partition(":")[0]
            entry.errors.append(entry.error(problem, field if field in self.fields else "text"))
        return data

    def dump(self, row: WarningSign) -> dict[str, Any]:
        return warning_signs.row_content(row)

    def apply(self, key: str, data: dict[str, Any], row: WarningSign | None, *, store: bool) -> None:
        known = set(Source.objects.filter(key__in=data["sources"]).values_list("key", flat=True))
        for source in data["sources"]:
            if source not in known:
                raise LookupError(f"There is no source “{source}”.", "sources")
        warning_signs.write_row(row or WarningSign(key=key), data)

    def kept_by_staff(self) -> str:
        """Why no row of this kind is written from a folder, or an empty text."""
        return "the approved list stays; propose the change under Warning signs" if warning_signs.is_approved() else ""

    def write(self, folder: Path) -> None:
        if WarningSign.objects.exists():
            super().write(folder)


class LanguageListKind(Kind[Any]):
    """Rows in one YAML list per language: glossary, care instructions."""

    folder_name: str
    model: Any

    def files(self, folder: Path) -> Iterator[Path]:
        yield from sorted((folder / self.folder_name).glob("*.yaml"))

    def parse(self, file: Path) -> Iterable[Entry]:
        if file.stem not in Language.values:
            raise Entry(file.stem, {}, file, 1).error(f"“{file.stem}” is not one of our languages.")
        return entries(file, "key", prefix=f"{file.stem} ")

    def find(self, key: str) -> Any:
        language, own = key.split(" ", 1)
        return self.model.objects.filter(language=language, key=own).first()

    def all(self) -> Iterable[tuple[str, Any]]:
        for row in self.model.objects.order_by("language", *self.order):
            yield f"{row.language} {row.key}", row

    order: tuple[str, ...] = ("key",)

    def dump(self, row: Any) -> dict[str, Any]:
        return {name: getattr(row, name) for name in self.fields}

    def apply(self, key: str, data: dict[str, Any], row: Any, *, store: bool) -> None:
        instance = row or self.model(language=key.split(" ", 1)[0])
        for name, value in data.items():
            setattr(instance, name, value)
        save_checked(instance)

    def write(self, folder: Path) -> None:
        by_language: dict[str, list[dict[str, Any]]] = {}
        for _, row in self.all():
            data = {name: value for name, value in self.dump(row).items() if name in self.fields}
            by_language.setdefault(row.language, []).append(data)
        target = folder / self.folder_name
        target.mkdir(exist_ok=True)
        for language, rows in by_language.items():
            (target / f"{language}.yaml").write_text(dump_yaml(rows), encoding="utf-8")


class TermKind(LanguageListKind):
    """``glossary/<lang>.yaml``."""

    name, folder_name, model = "term", "glossary", Term
    fields = {"key": NAME, "term": NAME, "aliases": Field(list, []), "say": TEXT, "definition": NAME}


class CareKind(_Ordered, LanguageListKind):
    """``care/<lang>.yaml``; the place in the list is the order."""

    name, folder_name, model = "care", "care", CareInstruction
    order = ("order", "key")
    fields = {"key": NAME, "question": NAME, "answer": NAME}

    def dump(self, row: CareInstruction) -> dict[str, Any]:
        return {**super().dump(row), "order": row.order}
