"""Database helpers: a database that is migrated once, and blocks for tests that try many cases."""

import fcntl
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from django.core import management
from django.db import connection, transaction

from portal.append_only import create_triggers, drop_triggers_sql, protected_models
from tests.served_data import ROOT, fingerprint


def migrated_file(cache: Path) -> Path:
    """Return a migrated SQLite database, which is made once in ``cache`` for each state of the code and its packages.

    The cache folder can be shared by any number of processes: one migrates, the others wait for it.
    """
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = cache / f"{fingerprint(('portal', 'procedures'), suffix='.py')}.sqlite3"
        if not file.exists():
            for old in cache.glob("*.sqlite3"):
                old.unlink()
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                own = {
                    name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_"))
                }
                command = [sys.executable, str(ROOT / "manage.py"), "migrate", "-v0"]
                subprocess.run(command, env={**own, "PORTAL_DATA_DIR": folder}, cwd=ROOT, check=True)
                with closing(sqlite3.connect(Path(folder) / "portal.sqlite3")) as made:
                    made.execute("PRAGMA journal_mode = DELETE")  # in one file
                (Path(folder) / "portal.sqlite3").rename(file)
    return file


@contextmanager
def migrated_once(cache: Path) -> Iterator[None]:
    """Within the block, fill a new SQLite test database from the one in ``cache`` instead of migrating it."""
    create, call_command = connection.creation.create_test_db, management.call_command

    def migrate_or_copy(command: str, *arguments: Any, **options: Any) -> Any:
        if command != "migrate":
            return call_command(command, *arguments, **options)
        connection.ensure_connection()
        with closing(sqlite3.connect(migrated_file(cache))) as made:
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
