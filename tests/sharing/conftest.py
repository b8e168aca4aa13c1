"""Fixtures for the tests of addresses."""

import pytest

from procedures.models import Page
from tests.factories import make_clinic, make_figure, make_page, make_public, make_translation
from tests.replay import built_once


@pytest.fixture
@built_once
def pages(db: None) -> Page:
    """``/lumbar-mri/`` with a large picture, ``/es/resonancia/``, and ``/contact/``. Return the first."""
    make_clinic()
    make_figure(size=(48, 48))
    page = make_page("lumbar-mri")
    make_public(page)
    make_public(make_translation(page, slug="resonancia"))
    return page
