"""Rows that many tests start from: the code builds them once in each process, and SQL inserts them afterwards.

To build a public page takes a tenth of a second, most of it for pictures and for three renderings of its text; to insert
its rows takes a few milliseconds.
"""

import functools
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.test.utils import override_settings
from django.utils import timezone

# Replayed rows have higher numbers, so that rows made before them, such as a test's own users, do not get in the way.
FIRST_ID = 100
OWN = "procedures_"
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Recording:
    """The rows by table, the media files by name, and which row the test is given."""

    rows: dict[str, list[Row]]
    files: dict[str, bytes]
    model: type[Model] | None
    pk: object


P = ParamSpec("P")
T = TypeVar("T", bound=Model | None)


def built_once(build: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function that makes rows from nothing and returns one of them or None, such as a fixture.

    The function must depend on nothing but settings. It runs again where a replay could differ: in a test that commits,
    with another clock, and where the test has made rows of its own in the same tables.
    """
    recordings: dict[bool, Recording] = {}

    @functools.wraps(build)
    def built(*args: P.args, **kwargs: P.kwargs) -> T:
        if not _may_replay():
            return build(*args, **kwargs)
        recording = recordings.get(settings.TEXT_DETECTION)
        if recording is None:
            result, recording = _record(functools.partial(build, *args, **kwargs))
            if recording is not None:
                recordings[settings.TEXT_DETECTION] = recording
            return result
        if _have_rows([table for table in recording.rows if table.startswith(OWN)]):
            return build(*args, **kwargs)
        try:
            with transaction.atomic():
                _insert(recording.rows)
        except IntegrityError:  # a user of the same name
            return build(*args, **kwargs)
        _write_files(recording.files)
        return cast("T", recording.model._base_manager.get(pk=recording.pk) if recording.model else None)

    return built


def _may_replay() -> bool:
    is_now = abs(timezone.now().timestamp() - time.time()) < 1
    return is_now and connection.in_atomic_block


def _dump() -> dict[str, list[Row]]:
    names = [name for name in connection.introspection.table_names() if not name.startswith("django_")]
    with connection.cursor() as cursor:
        dump = {}
        for name in names:
            cursor.execute(f'SELECT * FROM "{name}"')  # noqa: S608
            dump[name] = cursor.fetchall()
        return dump


def _have_rows(tables: list[str]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + " OR ".join(f'EXISTS (SELECT 1 FROM "{table}")' for table in tables))  # noqa: S608
        return bool(cursor.fetchall()[0][0])


def _reserve_ids(tables: Iterable[str]) -> None:
    """Let new rows have primary keys above FIRST_ID. PostgreSQL never gives a number again, even after a rollback."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute("UPDATE sqlite_sequence SET seq = max(seq, %s) WHERE name = %s", [FIRST_ID, table])
            if cursor.rowcount == 0:
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, FIRST_ID])


def _record(build: Callable[[], T]) -> tuple[T, Recording | None]:
    """Build once; there is no recording if the test had rows before that the build may have used."""
    before = _dump()
    _reserve_ids(before)
    with tempfile.TemporaryDirectory() as name, override_settings(MEDIA_ROOT=Path(name)):
        result = build()
        folder = Path(name)
        files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    _write_files(files)
    after = _dump()
    rows = {table: [row for row in after[table] if row not in before[table]] for table in after}
    changed = [table for table in after if len(before[table]) + len(rows[table]) != len(after[table])]
    assert changed == [], f"what is replayed must only insert rows: {changed}"
    rows = {table: new for table, new in rows.items() if new}
    if any(before[table] for table in rows if table.startswith(OWN)) or not _is_whole(rows):
        return result, None
    model, pk = (type(result), result.pk) if result is not None else (None, None)
    return result, Recording(rows, files, model, pk)


def _is_whole(rows: dict[str, list[Row]]) -> bool:
    """Return whether the rows refer only to each other, and to what the migrations made."""
    with connection.cursor() as cursor:
        columns = {
            table: [column.name for column in connection.introspection.get_table_description(cursor, table)]
            for table in rows
        }
        for table, new in rows.items():
            for column, (target, other, *_) in connection.introspection.get_relations(cursor, table).items():
                if other.startswith(("django_", "auth_")):
                    continue
                named = {row[columns[table].index(column)] for row in new} - {None}
                if named and not named <= {row[columns[other].index(target)] for row in rows.get(other, [])}:
                    return False
    return True


def _insert(rows: dict[str, list[Row]]) -> None:
    with connection.cursor() as cursor:
        for table, new in rows.items():
            places = ", ".join(["%s"] * len(new[0]))
            cursor.executemany(f'INSERT INTO "{table}" VALUES ({places})', new)  # noqa: S608


def _write_files(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = Path(default_storage.path(name))
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
