"""Rows that are written once. History that can be edited proves nothing."""

from collections.abc import Iterable
from typing import Any, Generic, NoReturn, TypeVar

from django.db import models

T = TypeVar("T", bound=models.Model)


class AppendOnlyError(RuntimeError):
    """Something tried to change or delete a row of an append-only table."""


class AppendOnlyQuerySet(models.QuerySet[T], Generic[T]):
    """Refuses every way to change or remove rows in bulk."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Always refused."""
        raise AppendOnlyError(f"{self.model.__name__} rows are never changed. Add a new one.")

    def delete(self) -> NoReturn:
        """Always refused."""
        raise AppendOnlyError(f"{self.model.__name__} rows are never deleted.")

    def bulk_update(self, objs: Iterable[T], fields: Iterable[str], batch_size: int | None = None) -> NoReturn:
        """Always refused."""
        raise AppendOnlyError(f"{self.model.__name__} rows are never changed. Add a new one.")

    def bulk_create(self, objs: Iterable[T], *args: Any, **kwargs: Any) -> list[T]:
        """Insert new rows; taking over rows that are there is refused."""
        if kwargs.get("update_conflicts") or (len(args) > 2 and args[2]):
            raise AppendOnlyError(f"{self.model.__name__} rows are never changed. Add a new one.")
        return super().bulk_create(objs, *args, **kwargs)

    # Django's raw delete is what cascades call.
    def _raw_delete(self, using: str | None) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows are never deleted.")


AppendOnlyManager = models.Manager.from_queryset(AppendOnlyQuerySet)


class AppendOnly(models.Model):
    """Base of Revision, Approval, Release, ReleaseInput, ReleaseEvent and of the staff's AuditEvent."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert a new row; an existing one is refused."""
        if not self._state.adding:
            raise AppendOnlyError(f"{type(self).__name__} rows are never changed. Add a new one.")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Always refused."""
        raise AppendOnlyError(f"{type(self).__name__} rows are never deleted.")
