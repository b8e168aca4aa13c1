"""Queries whose SQL is compiled once: for frequent ones, compiling takes ten times as long as running."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from django.db import connections
from django.db.models import QuerySet
from django.db.models.query import ModelIterable


class PreparedQuery:
    """A queryset compiled once, from ``build_queryset(*placeholders)``, and run with other values.

    Placeholders are distinct values of the right type that no row has; on each run, the values passed to a fetch
    method replace them in the parameters. ``build_queryset`` must not depend on its arguments in any other way.
    """

    def __init__(self, build_queryset: Callable[..., QuerySet[Any, Any]], *placeholders: str | int) -> None:
        self._build_queryset, self._placeholders = build_queryset, placeholders

    @cached_property
    def statement(self) -> "CompiledStatement":
        """The compiled statement, built on first use, when the database connection is configured."""
        return CompiledStatement(self._build_queryset(*self._placeholders), self._placeholders)

    def fetch_instances(self, *values: object) -> list[Any]:
        """Run the query with ``values`` in place of the placeholders and return model instances."""
        adapter: Any = _ModelIterableAdapter(self.statement, values)
        return list(ModelIterable(adapter))

    def fetch_tuples(self, *values: object) -> list[tuple[Any, ...]]:
        """Run a ``values_list`` query with ``values`` in place of the placeholders and return its tuples."""
        statement = self.statement
        return list(statement.compiler.results_iter(statement.fetch(values), tuple_expected=True))


def prepared_query(*placeholders: str | int) -> Callable[[Callable[..., QuerySet[Any, Any]]], PreparedQuery]:
    """Decorate a function that returns a queryset and takes one argument per placeholder."""
    return lambda build_queryset: PreparedQuery(build_queryset, *placeholders)


class CompiledStatement:
    """SQL with its parameters and the positions of the placeholders among them."""

    def __init__(self, queryset: QuerySet[Any, Any], placeholders: Sequence[object]) -> None:
        self.db = queryset.db
        self.compiler = queryset.query.get_compiler(self.db)
        self._sql, params = self.compiler.as_sql()
        self._params = list(params)
        self._placeholder_positions = [
            [index for index, param in enumerate(params) if param == placeholder] for placeholder in placeholders
        ]
        # Django looks up the converters (database value to Python value) on each run; they never change.
        converters = self.compiler.get_converters([column for column, *_ in self.compiler.select])
        self.compiler.get_converters = lambda expressions: converters

    def fetch(self, values: Sequence[object]) -> list[list[tuple[Any, ...]]]:
        """Run the statement and return all rows in one chunk, as SQLCompiler.execute_sql does."""
        params = list(self._params)
        for positions, value in zip(self._placeholder_positions, values, strict=True):
            for index in positions:
                params[index] = value
        with connections[self.db].cursor() as cursor:
            cursor.execute(self._sql, params)
            return [cursor.fetchall()]


class _ModelIterableAdapter:
    """One run of a statement, in the role of the queryset, query and compiler that ModelIterable expects."""

    def __init__(self, statement: CompiledStatement, values: Sequence[object]) -> None:
        self._statement, self._values = statement, values
        self.query, self.db = self, statement.db
        self._known_related_objects: dict[Any, Any] = {}

    def get_compiler(self, using: str) -> "_ModelIterableAdapter":
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._statement.compiler, name)

    def execute_sql(self, **_: Any) -> list[list[tuple[Any, ...]]]:
        return self._statement.fetch(self._values)
