"""The warning about the WAL-reset bug of old SQLite versions."""

import pytest

from portal import backup


@pytest.mark.parametrize(
    ("version", "told"), [((3, 40, 1), True), ((3, 51, 2), True), ((3, 51, 3), False), ((4, 0, 0), False)]
)
def test_the_warning_is_given_for_affected_versions_only(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], told: bool
) -> None:
    monkeypatch.setattr(backup, "get_vendor", lambda: backup.SQLITE)
    monkeypatch.setattr(backup.sqlite3, "sqlite_version_info", version)

    assert ("WAL-reset" in backup.sqlite_wal_warning()) is told


def test_there_is_no_warning_on_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "get_vendor", lambda: backup.POSTGRESQL)

    assert backup.sqlite_wal_warning() == ""
