"""Fixture: a clinic and a page that is ready to be published."""

import pytest

from procedures.models import Page
from tests.factories import make_draft


@pytest.fixture
def page(db: None) -> Page:
    """A draft that can be published as soon as it is approved."""
    return make_draft()
