"""Snapshots of a process that knows what the public reads."""

import pytest

from portal.serving.snapshots import Snapshots


@pytest.fixture
def snapshots() -> Snapshots:
    """Empty, and ready to keep."""
    made = Snapshots()
    made.next_generation()
    return made
