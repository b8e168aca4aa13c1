"""Fixture: a clinic and a page that is ready to be published."""

import pytest

from procedures.models import Page
from tests.factories import make_clinic, make_figure, make_next, make_page


@pytest.fixture
def page(db: None) -> Page:
    """A draft that can be published as soon as it is approved."""
    make_clinic()
    make_figure("needle", size=(48, 48))
    return make_page(next_page=make_next())
