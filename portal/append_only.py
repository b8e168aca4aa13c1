"""Tables whose rows cannot be changed or deleted, so that history can serve as evidence.

The models refuse with a clear error; database triggers reject everything else, such as raw SQL. A migration that
changes rows of such a table drops the triggers first and ends with ``RefuseChanges``. A migration that only
alters the table must end with it too, because on SQLite Django rebuilds the table and drops all of its triggers.
"""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Generic, NoReturn, Self, TypeVar

from django.apps import apps
from django.db import connection, models
from django.db.migrations.operations.base import Operation, OperationCategory

from portal.text import without_nul

T = TypeVar("T", bound=models.Model)


class AppendOnlyError(RuntimeError):
    """An attempt to change or delete a row of an append-only table."""

    @classmethod
    def for_change(cls, model: type[models.Model]) -> Self:
        return cls(f"{model.__name__} rows are never changed. Add a new one.")

    @classmethod
    def for_deletion(cls, model: type[models.Model]) -> Self:
        return cls(f"{model.__name__} rows are never deleted.")


class AppendOnlyQuerySet(models.QuerySet[T], Generic[T]):
    """Queryset that allows inserts only; every bulk update or delete raises AppendOnlyError."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError.for_change(self.model)

    def delete(self) -> NoReturn:
        raise AppendOnlyError.for_deletion(self.model)

    def bulk_update(self, objs: Iterable[T], fields: Iterable[str], batch_size: int | None = None) -> NoReturn:
        raise AppendOnlyError.for_change(self.model)

    def bulk_create(self, objs: Iterable[T], *args: Any, **kwargs: Any) -> list[T]:
        """Insert new rows. Raise AppendOnlyError for an upsert (``update_conflicts``) and for NUL characters."""
        if kwargs.get("update_conflicts") or (len(args) > 2 and args[2]):
            raise AppendOnlyError.for_change(self.model)
        rows = list(objs)
        for row in rows:
            _reject_nul(row)
        return super().bulk_create(rows, *args, **kwargs)

    # Called by cascading deletes.
    def _raw_delete(self, using: str | None) -> NoReturn:
        raise AppendOnlyError.for_deletion(self.model)


AppendOnlyManager = models.Manager.from_queryset(AppendOnlyQuerySet)


class AppendOnly(models.Model):
    """Abstract base of models with append-only rows."""

    # Fields that may change. Models that have the triggers but do not inherit from AppendOnly define this, too.
    mutable_fields: ClassVar[tuple[str, ...]] = ()
    # Fields that may be set to NULL when the row they refer to is deleted.
    clearable_fields: ClassVar[tuple[str, ...]] = ()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert a new row. Raise AppendOnlyError for a row that is already stored, or that has NUL characters."""
        if not self._state.adding:
            raise AppendOnlyError.for_change(type(self))
        _reject_nul(self)
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError.for_deletion(type(self))


def _reject_nul(row: models.Model) -> None:
    """Raise AppendOnlyError for NUL characters: the row could never be moved to PostgreSQL."""
    for model_field in row._meta.concrete_fields:  # noqa: SLF001 -- documented by Django
        value = row.__dict__.get(model_field.attname)
        if value != without_nul(value):
            raise AppendOnlyError(f"{type(row).__name__}.{model_field.name} must not contain NUL characters.")


class RefuseChanges(Operation):
    """Migration operation that makes the database reject updates and deletes on a model's table.

    ``mutable_fields`` and ``clearable_fields`` are the exceptions, as in ``AppendOnly``.
    """

    category = OperationCategory.SQL
    reduces_to_sql = True
    reversible = True

    def __init__(
        self, model_name: str, mutable_fields: tuple[str, ...] = (), clearable_fields: tuple[str, ...] = ()
    ) -> None:
        self.model_name, self.mutable_fields, self.clearable_fields = model_name, mutable_fields, clearable_fields

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Do nothing: triggers are not part of the model state."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        vendor = schema_editor.connection.vendor
        for statement in create_triggers_sql(vendor, model, self.mutable_fields, self.clearable_fields):
            schema_editor.execute(statement, params=None)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        for statement in drop_triggers_sql(schema_editor.connection.vendor, model):
            schema_editor.execute(statement, params=None)

    def describe(self) -> str:
        return f"Make {self.model_name} rows append-only"


POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def create_triggers_sql(
    vendor: str, model: type[models.Model], mutable_fields: Iterable[str], clearable_fields: Iterable[str]
) -> list[str]:
    """Return the SQL statements that create or replace a table's triggers."""
    table = model._meta.db_table  # noqa: SLF001 -- documented by Django
    columns = {field.name: f'"{field.column}"' for field in model._meta.concrete_fields}  # noqa: SLF001 -- as above
    excepted = {*mutable_fields, *clearable_fields}
    update = "UPDATE"
    if excepted:
        update += " OF " + ", ".join(column for name, column in columns.items() if name not in excepted)
    clearable = [columns[name] for name in clearable_fields]
    assign = f"UPDATE OF {', '.join(clearable)}"
    is_assigned = " OR ".join(f"NEW.{column} IS NOT NULL" for column in clearable)
    if vendor == "postgresql":
        refuse = "EXECUTE FUNCTION refuse_change()"
        create = [
            POSTGRESQL_FUNCTION,
            f'CREATE TRIGGER refuse_change BEFORE {update} OR DELETE ON "{table}" FOR EACH ROW {refuse}',
            f'CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON "{table}" {refuse}',
        ]
        conditional = (
            f'CREATE TRIGGER refuse_assign BEFORE {assign} ON "{table}" FOR EACH ROW WHEN ({is_assigned}) {refuse}'
        )
    else:
        refuse = f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed or deleted'); END"
        create = [
            f'CREATE TRIGGER "{table}_refuse_update" BEFORE {update} ON "{table}" {refuse}',
            f'CREATE TRIGGER "{table}_refuse_delete" BEFORE DELETE ON "{table}" {refuse}',
        ]
        conditional = f'CREATE TRIGGER "{table}_refuse_assign" BEFORE {assign} ON "{table}" WHEN {is_assigned} {refuse}'
    return [*drop_triggers_sql(vendor, model), *create, *([conditional] if clearable else [])]


def drop_triggers_sql(vendor: str, model: type[models.Model]) -> list[str]:
    """Return the statements that drop the triggers of a table, if it has any."""
    table = model._meta.db_table  # noqa: SLF001 -- documented by Django
    if vendor == "postgresql":
        names = ("refuse_change", "refuse_truncate", "refuse_assign")
        return [f'DROP TRIGGER IF EXISTS {name} ON "{table}"' for name in names]
    return [f'DROP TRIGGER IF EXISTS "{table}_refuse_{event}"' for event in ("update", "delete", "assign")]


def _create_triggers(cursor: Any, model: type[models.Model]) -> None:
    excepted = (getattr(model, name, ()) for name in ("mutable_fields", "clearable_fields"))
    for statement in create_triggers_sql(connection.vendor, model, *excepted):
        cursor.execute(statement)


@contextlib.contextmanager
def triggers_disabled(model: type[models.Model]) -> Iterator[None]:
    """Drop a table's triggers for the duration of the block. Requires a transaction; only data retention may use this.

    No other connection can exploit the gap: DDL is transactional in both databases, and the table stays locked until
    the commit.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("triggers_disabled needs a transaction")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # PostgreSQL cannot alter a table that has pending deferred constraint checks.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in drop_triggers_sql(connection.vendor, model):
            cursor.execute(statement)
        yield
        _create_triggers(cursor, model)


def protected_models() -> list[type[models.Model]]:
    """Return the models whose tables have triggers."""
    return [model for model in apps.get_models() if hasattr(model, "mutable_fields")]


def create_triggers() -> None:
    """Create or replace the triggers of all protected tables."""
    with connection.cursor() as cursor:
        for model in protected_models():
            _create_triggers(cursor, model)


def drop_triggers() -> None:
    """Drop the triggers of all protected tables that exist. Only a restore may call this; it re-creates them."""
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        for model in protected_models():
            if model._meta.db_table in tables:  # noqa: SLF001 -- documented by Django
                for statement in drop_triggers_sql(connection.vendor, model):
                    cursor.execute(statement)
