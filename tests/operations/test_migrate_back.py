"""Downgrades: a database can be migrated back to the previous version.

That older code refuses a newer database is tested in tests/portal/test_serve_startup_errors.py.
"""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.db.migrations.loader import MigrationLoader

from tests.served_data import ROOT

pytestmark = pytest.mark.served

OURS = ("procedures", "staff")


@pytest.mark.parametrize("app", OURS)
def test_every_migration_but_the_first_can_be_undone(app: str) -> None:
    migrations = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    final = [
        f"{name}: {operation.describe()}"
        for (label, name), migration in sorted(migrations.items())
        for operation in migration.operations
        if label == app and not name.startswith("0001_") and not operation.reversible
    ]

    assert final == []


def schema(database: Path) -> set[tuple[str, str]]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as opened:
        return set(opened.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))


def applied(database: Path) -> set[tuple[str, str]]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as opened:
        return set(opened.execute("SELECT app, name FROM django_migrations"))


def test_a_database_can_be_migrated_one_version_back_and_forward_again(tmp_path: Path) -> None:
    names = {
        app: sorted(n for a, n in MigrationLoader(None, ignore_no_migrations=True).disk_migrations if a == app)
        for app in OURS
    }
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_URL"))}
    environ = {**own, "PORTAL_DATA_DIR": str(tmp_path)}

    def migrate(*arguments: str) -> None:
        command = [sys.executable, str(ROOT / "manage.py"), "migrate", "-v", "0", *arguments]
        done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    migrate()
    database = tmp_path / "portal.sqlite3"
    newest, all_migrations = schema(database), applied(database)
    last = {(app, found[-1]) for app, found in names.items() if len(found) > 1}
    for app, _ in last:
        migrate(app, names[app][-2])
    assert applied(database) == all_migrations - last
    migrate()

    assert applied(database) == all_migrations
    assert {name for name, _ in schema(database)} == {name for name, _ in newest}
