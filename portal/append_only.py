"""Models whose rows cannot be changed or deleted, so that history can serve as evidence."""

from collections.abc import Iterable
from typing import Any, Generic, NoReturn, TypeVar

from django.db import models

T = TypeVar("T", bound=models.Model)


class AppendOnlyError(RuntimeError):
    """An attempt to change or delete a row of an append-only table."""


class AppendOnlyQuerySet(models.QuerySet[T], Generic[T]):
    """Queryset that allows inserts only; every bulk update or delete raises AppendOnlyError."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows are never changed. Add a new one.")

    def delete(self) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows are never deleted.")

    def bulk_update(self, objs: Iterable[T], fields: Iterable[str], batch_size: int | None = None) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows are never changed. Add a new one.")

    def bulk_create(self, objs: Iterable[T], *args: Any, **kwargs: Any) -> list[T]:
        """Insert new rows. Raise AppendOnlyError for an upsert (``update_conflicts``)."""
        if kwargs.get("update_conflicts") or (len(args) > 2 and args[2]):
            raise AppendOnlyError(f"{self.model.__name__} rows are never changed. Add a new one.")
        return super().bulk_create(objs, *args, **kwargs)

    # Called by cascading deletes.
    def _raw_delete(self, using: str | None) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows are never deleted.")


AppendOnlyManager = models.Manager.from_queryset(AppendOnlyQuerySet)


class AppendOnly(models.Model):
    """Abstract base of models with append-only rows."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert a new row. Raise AppendOnlyError for a row that is already stored."""
        if not self._state.adding:
            raise AppendOnlyError(f"{type(self).__name__} rows are never changed. Add a new one.")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError(f"{type(self).__name__} rows are never deleted.")
