"""Database helpers: a database that is migrated once, and blocks for tests that try many cases."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from django.core import management
from django.db import connection, transaction

from portal.append_only import create_triggers, drop_triggers_sql, protected_models
from tests.served_data import fingerprint


@contextmanager
def migrated_once(cache: Path) -> Iterator[None]:
    """Within the block, fill a new SQLite test database from a file in ``cache`` instead of migrating it.

    The file is made by the first process that needs it, for each state of the code and its packages.
    """
    create, call_command = connection.creation.create_test_db, management.call_command

    def migrate_or_copy(command: str, *arguments: Any, **options: Any) -> Any:
        if command != "migrate":
            return call_command(command, *arguments, **options)
        connection.ensure_connection()
        file = cache / f"{fingerprint(('portal', 'procedures'), suffix='.py')}.sqlite3"
        with (cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not file.exists():
                call_command(command, *arguments, **options)
                for old in cache.glob("*.sqlite3"):
                    old.unlink()
                with closing(sqlite3.connect(cache / "new")) as new:
                    connection.connection.backup(new)
                (cache / "new").rename(file)
                return None
            with closing(sqlite3.connect(file)) as made:
                made.backup(connection.connection)
        return None

    def create_test_db(*arguments: Any, **options: Any) -> str:
        with mock.patch.object(management, "call_command", migrate_or_copy):
            return create(*arguments, **options)

    with mock.patch.object(connection.creation, "create_test_db", create_test_db):
        yield


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back every database change of the block, so that the next case starts from the same rows."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def history_unprotected() -> Iterator[None]:
    """Drop the triggers that refuse changes to history for the block: a damaged row, or a test's own cleaning up."""
    with connection.cursor() as cursor:
        # PostgreSQL drops no trigger of a table whose foreign keys it has yet to check.
        connection.check_constraints()
        for model in protected_models():
            for statement in drop_triggers_sql(connection.vendor, model):
                cursor.execute(statement)
        yield
        connection.check_constraints()
    create_triggers()
