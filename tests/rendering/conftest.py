"""Fixtures: a small clinic whose rows the renderer uses."""

import pytest

from procedures.models import ClinicAnswer, Figure, Location, LocationText, Series, SeriesItem
from tests.factories import make_clinic, make_figure, make_page, make_source
from tests.replay import built_once


@pytest.fixture
@built_once
def clinic_content(db: None) -> Figure:
    """A clinic, two sources, two figures, a series, two answers, a location, and a page to link to."""
    make_clinic()
    make_source("nice")
    make_source("josr", organisation="JOSR", title="Leaks", year=2021, url="https://example.org/leaks?a=1&b=2")
    needle = make_figure("needle", size=(48, 48))
    make_figure("cement", size=(48, 40))
    series = Series.objects.create(slug="stages", language="en", title="In two pictures")
    SeriesItem.objects.create(series=series, order=0, figure=needle, heading="The needle", text="It goes in.")
    ClinicAnswer.objects.create(key="driving", language="en", question="When can I drive?", answer="After a day.")
    ClinicAnswer.objects.create(key="lifting", language="en", question="When can I lift?", answer="After a week.")
    location = Location.objects.create(key="main", phone="+1 303-555-0100", address="1 Street\nDenver")
    LocationText.objects.create(location=location, language="en", name="Main clinic")
    make_page("recovery", slug="getting-well", lead_figure=needle)
    return needle
