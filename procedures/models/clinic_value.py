"""Rows that hold the clinic's own values, such as its phone. A change of one updates the pages that print it.

Every write goes through a context manager that publishing registers, whatever made it: a form, a command, the shell.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from django.db import models

from procedures.models.normalized import NormalizedModel

T = TypeVar("T", bound=models.Model)
_updating: Callable[[], AbstractContextManager[Any]] = nullcontext


def register_update(updating: Callable[[], AbstractContextManager[Any]]) -> None:
    """Run every write of a ClinicValue inside ``updating()``; called once at startup."""
    global _updating
    _updating = updating


class ClinicValueQuerySet(models.QuerySet[T]):
    """Writes in bulk update pages, too. ``bulk_update`` of Django calls ``update``."""

    def update(self, **values: Any) -> int:
        """Change rows, then the pages that print them."""
        with _updating():
            return super().update(**values)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete rows, then update the pages that print them."""
        with _updating():
            return super().delete()

    # As in Django: a manager does not offer to delete all rows without ``all()``.
    delete.queryset_only = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[T], *args: Any, **kwargs: Any) -> list[T]:
        """Add rows, then update the pages that list them."""
        with _updating():
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
        with _updating():
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete, then update the pages that print the row."""
        with _updating():
            return super().delete(*args, **kwargs)
