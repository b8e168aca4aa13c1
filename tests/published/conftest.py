"""Fixtures for published files and for site builders without delays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.published import builder
from portal.published import wsgi as reader
from portal.published.files import PublishedFiles
from tests.published.fake_site import FakeChangeListener, FakeDatabaseFileMonitor


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PublishedFiles]:
    """Return write-locked PublishedFiles in an empty data directory, marked as current.

    Readers check for changes on every read.
    """
    monkeypatch.setattr(reader, "CHECK_SECONDS", 0.0)
    made = PublishedFiles(tmp_path / "data")
    with made.try_lock_for_writing() as is_locked:
        assert is_locked
        made.confirm()
        yield made


@pytest.fixture
def _quick_builder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make site builders poll continuously, without a database file, and readers check for changes on every request."""
    monkeypatch.setattr(builder, "ChangeListener", FakeChangeListener)
    monkeypatch.setattr(builder, "DatabaseFileMonitor", FakeDatabaseFileMonitor)
    monkeypatch.setattr(builder, "close_old_connections", lambda: None)
    monkeypatch.setattr(builder, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(builder, "DEBOUNCE_SECONDS", 0.02)
    monkeypatch.setattr(builder, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(reader, "CHECK_SECONDS", 0.0)
