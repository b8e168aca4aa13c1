"""A response store of a process that has a content version."""

import pytest

from portal.published import builder
from portal.published.store import ResponseStore
from tests.published.site_of_pages import File, Quiet


@pytest.fixture
def store() -> ResponseStore:
    """Return an empty store that accepts responses."""
    made = ResponseStore()
    made.increment_version()
    return made


@pytest.fixture
def _quick_builder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make site builders poll continuously, without a database file."""
    monkeypatch.setattr(builder, "ChangeListener", Quiet)
    monkeypatch.setattr(builder, "DatabaseFileMonitor", File)
    monkeypatch.setattr(builder, "close_old_connections", lambda: None)
    monkeypatch.setattr(builder, "COMPRESS_INTERVAL", 0.02)
    monkeypatch.setattr(builder, "MIN_AGE_TICKS", 1)
    monkeypatch.setattr(builder, "DEBOUNCE", 0.02)
    monkeypatch.setattr(builder, "WRITE_DELAY_FACTOR", 0)
