"""Old SQLite has a rare fault: who starts the portal on it is told, and what to do."""

import pytest

from portal.backup import databases


@pytest.mark.parametrize(
    ("version", "told"), [((3, 40, 1), True), ((3, 51, 2), True), ((3, 51, 3), False), ((4, 0, 0), False)]
)
def test_the_fault_is_named_for_the_versions_that_have_it(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], told: bool
) -> None:
    monkeypatch.setattr(databases, "get_vendor", lambda: databases.SQLITE)
    monkeypatch.setattr(databases.sqlite3, "sqlite_version_info", version)

    assert ("WAL-reset" in databases.sqlite_wal_warning()) is told


def test_postgresql_has_it_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "get_vendor", lambda: databases.POSTGRESQL)

    assert databases.sqlite_wal_warning() == ""
