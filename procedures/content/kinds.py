"""One Kind per sort of row: how it is found, written as plain data, and applied from plain data.

``dump`` and ``read`` are inverse: what one writes, the other reads to the same data. That is what makes
dump → load → dump byte-identical, and what tells rows that staff changed from rows as they were loaded.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import models

from procedures.content.files import ContentError, ContentErrors, Entry, Field, checked

M = TypeVar("M", bound=models.Model)


class Kind(ABC, Generic[M]):
    """A sort of row of the content folder."""

    name: str
    fields: dict[str, Field]

    @abstractmethod
    def files(self, folder: Path) -> Iterator[Path]:
        """The files that hold rows of this kind, in a fixed order."""

    @abstractmethod
    def parse(self, file: Path) -> Iterable[Entry]:
        """The rows of one file."""

    @abstractmethod
    def find(self, key: str) -> M | None:
        """The row in the database."""

    @abstractmethod
    def all(self) -> Iterable[tuple[str, M]]:
        """Every row in the database with its key, in the order of the dump."""

    @abstractmethod
    def dump(self, row: M) -> dict[str, Any]:
        """The row as plain data: the same form as ``read`` gives."""

    @abstractmethod
    def apply(self, key: str, data: dict[str, Any], row: M | None, *, store: bool) -> None:
        """Create or change the row. ``store=False``: leave files alone (a check)."""

    @abstractmethod
    def write(self, folder: Path) -> None:
        """Write all rows of the database below ``folder``."""

    def kept_by_staff(self) -> str:
        """Why a load writes no row of this kind at all, or an empty text."""
        return ""

    def read(self, entry: Entry) -> dict[str, Any]:
        """The checked data of an entry, with its defaults."""
        return checked(entry, self.fields)


def all_entries(kind: Kind[Any], file: Path, errors: list[ContentError]) -> Iterator[tuple[Entry, dict[str, Any]]]:
    """The usable rows of a file with their data; what is wrong with the others goes to ``errors``."""
    found: list[Entry] = []
    try:
        found.extend(kind.parse(file))
    except ContentError as error:
        errors.append(error)
    except ContentErrors as several:
        errors += several.errors
    for row in found:
        try:
            data = kind.read(row)
        except ContentError as error:
            row.errors.append(error)
            data = {}
        if row.errors:
            errors += row.errors
        else:
            yield row, data


def save_checked(instance: models.Model) -> None:
    """Validate (field validators and named constraints), then save."""
    instance.full_clean()
    instance.save()


def sync_texts(owner: models.Model, related: str, texts: dict[str, dict[str, Any]]) -> None:
    """Make the rows per language of ``owner`` those of ``texts``."""
    manager = getattr(owner, related)
    have = {text.language: text for text in manager.all()}
    for language, values in texts.items():
        text = have.pop(language, None) or manager.model(**{manager.field.name: owner, "language": language})
        for name, value in values.items():
            setattr(text, name, value)
        save_checked(text)
    for left in have.values():
        left.delete()


def checked_texts(entry: Entry, data: dict[str, Any], fields: dict[str, Field]) -> dict[str, dict[str, Any]]:
    """The ``text:`` field of an entry: fields per language."""
    texts = {}
    for language, values in sorted(data["text"].items()):
        if not isinstance(values, dict):
            entry.errors.append(entry.error(f"Below text: {language}: fields are expected.", "text"))
            continue
        texts[language] = checked(entry.part(values, "text"), fields)
    return texts


def explain(error: ValidationError, entry: Entry) -> list[ContentError]:
    """A model's refusal as errors that name file and line."""
    if hasattr(error, "error_dict"):
        return [
            entry.error(f"{name}: {' '.join(messages)}" if name != "__all__" else " ".join(messages), name)
            for name, messages in error.message_dict.items()
        ]
    return [entry.error(" ".join(error.messages))]
