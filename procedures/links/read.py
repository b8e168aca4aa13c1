"""Reading by address, with a statement that is compiled once: building it takes ten times as long as running it."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connections
from django.db.models import QuerySet
from django.db.models.query import ModelIterable

from procedures.models import Path

# One address as it came, and what it may have been before a mail program had it (resolve.py).
MOST_NAMES = 6


def read(names: Sequence[str], language: str) -> list[Path]:
    """``Path.objects.for_reading`` for at most ``MOST_NAMES`` addresses: all that a page costs the database."""
    return _reading(language).rows(names[:MOST_NAMES])


@cache
def _reading(language: str) -> "Compiled":
    # Names that no address has; they never reach a database.
    places = [f"\0{number}" for number in range(MOST_NAMES)]
    return Compiled(Path.objects.for_reading(language).filter(path__in=places), places)


class Compiled:
    """The statement of a queryset that holds ``places`` as values; others take their place when it runs."""

    def __init__(self, queryset: QuerySet[Any], places: Sequence[str]) -> None:
        self.db = queryset.db
        self.compiler = queryset.query.get_compiler(self.db)
        self.sql, self._values = self.compiler.as_sql()
        self._at = [self._values.index(place) for place in places]
        # What turns a row's values into Python's is the same each time too; Django asks for it with each run.
        converters = self.compiler.get_converters([column for column, *_ in self.compiler.select])
        self.compiler.get_converters = lambda expressions: converters

    def rows(self, values: Sequence[str]) -> list[Any]:
        """Run it. Fewer values than places are allowed, none is not."""
        filled = [*values, *[values[-1]] * (len(self._at) - len(values))]
        params = list(self._values)
        for at, value in zip(self._at, filled, strict=True):
            params[at] = value
        run: Any = _Run(self, params)
        return list(ModelIterable(run))


class _Run:
    """One run. To Django's ModelIterable, which makes models of rows, it is queryset, query and compiler in one."""

    def __init__(self, compiled: Compiled, params: list[Any]) -> None:
        self._compiled, self._params = compiled, params
        self.query, self.db = self, compiled.db
        self._known_related_objects: dict[Any, Any] = {}

    def get_compiler(self, using: str) -> "_Run":
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._compiled.compiler, name)

    def execute_sql(self, **_: Any) -> list[list[tuple[Any, ...]]]:
        with connections[self.db].cursor() as cursor:
            cursor.execute(self._compiled.sql, self._params)
            return [cursor.fetchall()]
