"""One version of the code back: its database can be taken back too, and without that the old code touches nothing.

The refusal itself is tested with the start (tests/portal/test_serve_refusals.py).
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


def test_a_database_goes_one_version_back_and_forth_again(tmp_path: Path) -> None:
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
    newest = schema(tmp_path / "portal.sqlite3")
    for app in OURS:
        if len(names[app]) > 1:
            migrate(app, names[app][-2])
    before = schema(tmp_path / "portal.sqlite3")
    migrate()

    assert before != newest or all(len(found) == 1 for found in names.values())
    assert {name for name, _ in schema(tmp_path / "portal.sqlite3")} == {name for name, _ in newest}
