"""Snapshots of a process that knows what the public reads."""

import pytest

from portal.serving import keeper
from portal.serving.snapshots import Snapshots
from tests.serving.site_of_pages import File, Quiet


@pytest.fixture
def snapshots() -> Snapshots:
    """Empty, and ready to keep."""
    made = Snapshots()
    made.next_generation()
    return made


@pytest.fixture
def _quick_keeper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keepers that look all the time, and whose database is no file."""
    monkeypatch.setattr(keeper, "Changes", Quiet)
    monkeypatch.setattr(keeper, "DatabaseFile", File)
    monkeypatch.setattr(keeper, "close_old_connections", lambda: None)
    monkeypatch.setattr(keeper, "ROUND", 0.02)
    monkeypatch.setattr(keeper, "LOOKS", 1)
    monkeypatch.setattr(keeper, "QUIET", 0.02)
    monkeypatch.setattr(keeper, "WRITE_SHARE", 0)
