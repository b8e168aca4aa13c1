"""Text inside a line: where lines must not break."""

import pytest

from procedures.rendering.inline import no_break


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("An X-ray", "An X\u2011ray"),
        ("unos rayos X", "unos rayos\u00a0X"),
        ("from 8 am to 5 pm", "from 8\u00a0am to 5\u00a0pm"),
        ("de 8 a. m. a 5 p. m.", "de 8\u00a0a.\u00a0m. a 5\u00a0p.\u00a0m."),
        ("de 8 a.m. a 5 p.m.", "de 8\u00a0a.m. a 5\u00a0p.m."),
        ("up to 3,000 mg a day", "up to 3,000\u00a0mg a day"),
        ("a fever of 100.4 °F (38 °C)", "a fever of 100.4\u00a0°F (38\u00a0°C)"),
        ("800 to 1,000 IU", "800 to 1,000\u00a0IU"),
        ("I am 8 amateurs", "I am 8 amateurs"),
        ("a follow-up", "a follow-up"),
        ("303-555-0100", "303-555-0100"),
    ],
)
def test_lines_do_not_break_inside_names_times_and_doses(typed: str, shown: str) -> None:
    assert no_break(typed) == shown
