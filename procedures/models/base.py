"""Base classes and fields: language codes, normalized text, and clinic values whose changes rerelease pages."""

from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models

from portal.text import map_strings, normalize
from procedures.enums import Language

if TYPE_CHECKING:
    StringField = models.CharField[str, str]
else:
    StringField = models.CharField


class LanguageField(StringField):
    """Code of a language of the registry. Choices are left out of migrations, so a new language needs none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": 2, "choices": Language.choices, **kwargs})

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """A plain CharField."""
        name, _, args, kwargs = super().deconstruct()
        kwargs.pop("choices", None)
        return name, "django.db.models.CharField", list(args), kwargs


def normalize_value(value: Any) -> Any:
    """Normalize every string in ``value``, including those nested in lists and dicts."""
    return map_strings(value, normalize)


def normalize_newlines(text: str) -> str:
    r"""Convert CRLF and CR, which browsers send, to the LF that drafts, hashes, and paragraphs use."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class NormalizedModel(models.Model):
    """Base class that normalizes text before validation, wherever it comes from: form, content folder, or bundle."""

    class Meta:
        abstract = True

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Normalize all text (composed accents, no invisible characters), then validate what will be stored."""
        for model_field in self._meta.concrete_fields:
            value = self.__dict__.get(model_field.attname)
            if isinstance(value, str | list):
                setattr(self, model_field.attname, normalize_value(value))
        super().clean_fields(exclude)


T = TypeVar("T", bound=models.Model)
_write_context: Callable[[], AbstractContextManager[Any]] = nullcontext


def register_write_context(context_factory: Callable[[], AbstractContextManager[Any]]) -> None:
    """Run every write to a ``ClinicValue`` inside ``context_factory()``. Called once, at startup.

    Models cannot import publishing, so publishing registers ``update_clinic_values`` here.
    """
    global _write_context
    _write_context = context_factory


class ClinicValueQuerySet(models.QuerySet[T]):
    """Queryset whose bulk writes update pages as well. Django's ``bulk_update`` calls ``update``."""

    def update(self, **values: Any) -> int:
        """Update rows, then the pages that print them."""
        with _write_context():
            return super().update(**values)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete rows, then update the pages that print them."""
        with _write_context():
            return super().delete()

    # As in Django: not copied to the manager, so deleting every row requires an explicit all().
    delete.queryset_only = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[T], *args: Any, **kwargs: Any) -> list[T]:
        """Insert rows, then update the pages that list them."""
        with _write_context():
            return super().bulk_create(objs, *args, **kwargs)


ClinicValueManager = models.Manager.from_queryset(ClinicValueQuerySet)


class ClinicValue(NormalizedModel):
    """Base class of the clinic's own values. Every write also rereleases the pages that print them.

    This way, no page shows an old value while another page shows the new one. Each subclass sets ``objects`` to a
    ``ClinicValueManager``.
    """

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, then update the pages that print the row."""
        with _write_context():
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete, then update the pages that print the row."""
        with _write_context():
            return super().delete(*args, **kwargs)
