"""What texts that pages print as typed must not contain."""

import pytest
from django.core.exceptions import ValidationError
from django.db import models

from procedures.models import (
    ClinicAnswer,
    ClinicText,
    FigureText,
    GlossaryTerm,
    Guide,
    GuideItem,
    LocationText,
    MarkerText,
    Series,
    SeriesItem,
)

PHONE = "Our desk has the number 303-555-0177."
SIGN = "If your chest hurts, call 911."


def rows(text: str) -> list[tuple[models.Model, set[str]]]:
    """A row of each model, every printed field holding the text, and the names of these fields."""
    guide, series = Guide(language="en", kind="guide"), Series(language="en")
    return [
        (ClinicText(language="en", hours=text, about=text), {"hours", "about"}),
        (LocationText(language="en", name=text, hours=text, directions=text), {"name", "hours", "directions"}),
        (
            FigureText(language="en", title=text, alt=text, caption=text, description=text),
            {"title", "alt", "caption", "description"},
        ),
        (MarkerText(language="en", label=text, text=text), {"label", "text"}),
        (Series(language="en", title=text), {"title"}),
        (SeriesItem(series=series, heading=text, text=text), {"heading", "text"}),
        (
            GlossaryTerm(language="en", term=text, pronunciation=text, definition=text),
            {"term", "pronunciation", "definition"},
        ),
        (ClinicAnswer(language="en", question=text, answer=text), {"question", "answer"}),
        (GuideItem(guide=guide, note=text), {"note"}),
    ]


@pytest.mark.parametrize("text", [PHONE, SIGN])
def test_no_printed_text_has_a_phone_number_or_says_what_to_do_about_a_sign(text: str) -> None:
    for row, names in rows(text):
        with pytest.raises(ValidationError) as caught:
            row.clean()

        assert caught.value.message_dict.keys() == names, row


def test_a_text_with_both_names_both() -> None:
    with pytest.raises(ValidationError) as caught:
        Series(language="en", title=f"{PHONE} {SIGN}").clean()

    assert len(caught.value.message_dict["title"]) == 2
