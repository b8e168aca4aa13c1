"""Snapshots of a process that knows what the public reads."""

import pytest

from portal.published import builder
from portal.published.store import ResponseStore
from tests.serving.site_of_pages import File, Quiet


@pytest.fixture
def snapshots() -> ResponseStore:
    """Empty, and ready to keep."""
    made = ResponseStore()
    made.increment_version()
    return made


@pytest.fixture
def _quick_keeper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keepers that look all the time, and whose database is no file."""
    monkeypatch.setattr(builder, "ChangeListener", Quiet)
    monkeypatch.setattr(builder, "DatabaseFileMonitor", File)
    monkeypatch.setattr(builder, "close_old_connections", lambda: None)
    monkeypatch.setattr(builder, "COMPRESS_INTERVAL", 0.02)
    monkeypatch.setattr(builder, "MIN_AGE_TICKS", 1)
    monkeypatch.setattr(builder, "DEBOUNCE", 0.02)
    monkeypatch.setattr(builder, "WRITE_DELAY_FACTOR", 0)
