"""Statements that are compiled once: for what is asked often, building one takes ten times as long as running it."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from django.db import connections
from django.db.models import QuerySet
from django.db.models.query import ModelIterable


class PreparedQuery:
    """The statement of the queryset that ``make(*places)`` returns.

    ``places`` are values that a row could have and none has, all different; when the statement runs, others take their
    place. Nothing else may differ between two runs, so ``make`` must not look at what it is given.
    """

    def __init__(self, build_queryset: Callable[..., QuerySet[Any, Any]], *placeholders: str | int) -> None:
        self._build_queryset, self._placeholders = build_queryset, placeholders

    @cached_property
    def statement(self) -> "CompiledStatement":
        """Made at the first use: then the database is known."""
        return CompiledStatement(self._build_queryset(*self._placeholders), self._placeholders)

    def fetch_instances(self, *values: object) -> list[Any]:
        """Run it, as the queryset would."""
        run: Any = _ModelIterableAdapter(self.statement, values)
        return list(ModelIterable(run))

    def fetch_tuples(self, *values: object) -> list[tuple[Any, ...]]:
        """Run it where the queryset is one of ``values_list``."""
        statement = self.statement
        return list(statement.compiler.results_iter(statement.fetch(values), tuple_expected=True))


def prepared_query(*placeholders: str | int) -> Callable[[Callable[..., QuerySet[Any, Any]]], PreparedQuery]:
    """Decorator for a function that makes a queryset of as many values as there are places."""
    return lambda make: PreparedQuery(make, *placeholders)


class CompiledStatement:
    """SQL, and where in its values the places are."""

    def __init__(self, queryset: QuerySet[Any, Any], placeholders: Sequence[object]) -> None:
        self.db = queryset.db
        self.compiler = queryset.query.get_compiler(self.db)
        self._sql, values = self.compiler.as_sql()
        self._params = list(values)
        self._placeholder_positions = [
            [at for at, value in enumerate(values) if value == place] for place in placeholders
        ]
        # What turns a row's values into Python's is the same each time too; Django asks for it with each run.
        converters = self.compiler.get_converters([column for column, *_ in self.compiler.select])
        self.compiler.get_converters = lambda expressions: converters

    def fetch(self, values: Sequence[object]) -> list[list[tuple[Any, ...]]]:
        """All rows, in one chunk."""
        filled = list(self._params)
        for places, value in zip(self._placeholder_positions, values, strict=True):
            for at in places:
                filled[at] = value
        with connections[self.db].cursor() as cursor:
            cursor.execute(self._sql, filled)
            return [cursor.fetchall()]


class _ModelIterableAdapter:
    """One run. To Django's ModelIterable, which makes models of rows, it is queryset, query and compiler in one."""

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
