"""Text is stored in one form, whether it comes from a screen, the content folder or a bundle."""

from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from django.db import models

from portal.text import normalize


def normalize_value(value: Any) -> Any:
    """A value with every text in it normalized, also in lists and mappings."""
    if isinstance(value, str):
        return normalize(value)
    if isinstance(value, list):
        return [normalize_value(item) for item in value]
    if isinstance(value, dict):
        return {key: normalize_value(item) for key, item in value.items()}
    return value


class NormalizedModel(models.Model):
    """Composes accents and drops invisible characters before a row is validated."""

    class Meta:
        abstract = True

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Normalize, then validate what will be stored."""
        for model_field in self._meta.concrete_fields:
            value = self.__dict__.get(model_field.attname)
            if isinstance(value, str | list):
                setattr(self, model_field.attname, normalize_value(value))
        super().clean_fields(exclude)


T = TypeVar("T", bound=models.Model)
_write_context: Callable[[], AbstractContextManager[Any]] = nullcontext


def register_write_context(context_factory: Callable[[], AbstractContextManager[Any]]) -> None:
    """Run every write of a ClinicValue inside ``updating()``; called once at startup."""
    global _write_context
    _write_context = context_factory


class ClinicValueQuerySet(models.QuerySet[T]):
    """Writes in bulk update pages, too. ``bulk_update`` of Django calls ``update``."""

    def update(self, **values: Any) -> int:
        """Change rows, then the pages that print them."""
        with _write_context():
            return super().update(**values)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete rows, then update the pages that print them."""
        with _write_context():
            return super().delete()

    # As in Django: a manager does not offer to delete all rows without ``all()``.
    delete.queryset_only = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[T], *args: Any, **kwargs: Any) -> list[T]:
        """Add rows, then update the pages that list them."""
        with _write_context():
            return super().bulk_create(objs, *args, **kwargs)


ClinicValueManager = models.Manager.from_queryset(ClinicValueQuerySet)


class ClinicValue(NormalizedModel):
    """Base of the clinic's own values. A page never shows an old one beside a new one.

    ``objects`` of each model is a ClinicValueManager.
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
