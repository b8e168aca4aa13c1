"""The limits that prevent publishing are the limits that the command fails at."""

import pytest

from procedures.figures.approval import FigureVersion
from procedures.publishing.checks import check_draft
from procedures.readability import scores
from procedures.readability.measures import measure_page
from procedures.readability.suggestions import find_failures
from procedures.rendering import ReferenceResolver, render_page
from tests.factories import BODY, make_page

pytestmark = pytest.mark.django_db

LONG = "We look at the bone and at the skin and at the legs and at the arms and at the back then we talk with you."
POLYSYLLABIC = "A hospital. An injury. A family. An area. An emergency. An ambulance. Exercise. Medicine. " * 6


def refused(text: str) -> list[str]:
    """Return the issues on the readability of ``text``, as an editor reads them."""
    page = make_page("small-cut", kind="about", body=f"{BODY}\n{text}\n")
    library = ReferenceResolver("en", FigureVersion.CURRENT)
    rendered = render_page(page.draft_content(), kind=page.kind, resolver=library)
    fails = list(find_failures(measure_page(rendered.article, kind=page.kind, resolver=library)))
    assert bool(fails) == bool(text)
    return [str(problem) for problem in check_draft(page, page.draft_content(), rendered, library)]


def test_a_text_within_the_limits_can_be_published() -> None:
    assert refused("") == []


def test_a_sentence_that_is_too_long_is_shown_to_the_editor() -> None:
    assert refused(LONG) == [f"line 16: A sentence has 26 words; the limit is 25. Split it in two: “{LONG}”"]


def test_too_many_long_words_are_rejected_by_their_smog_grade() -> None:
    problems = refused(POLYSYLLABIC)

    assert "the limit is 8.0. Use fewer words of three syllables or more." in problems[-1]
    assert problems[-1].startswith("The text's SMOG grade is ")


def test_smog_can_be_a_suggestion_instead_of_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "SMOG_BLOCKS_PUBLISHING", False)

    assert list(scores.describe_exceeded_limits(6.0, 8.1, "en")) == []
    assert list(scores.describe_missed_targets(6.0, 8.1, "en")) == [
        "The text's SMOG grade is 8.1; the limit is 8.0. Use fewer words of three syllables or more."
    ]
    assert list(scores.describe_missed_targets(6.0, 8.0, "en")) == []


def test_a_text_below_the_floor_gets_a_suggestion_if_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(scores.describe_missed_targets(3.9, 0, "en")) == []
    monkeypatch.setattr(scores, "SUGGEST_ABOVE_FLOOR", True)

    (sentence,) = scores.describe_missed_targets(3.9, 0, "en")
    assert sentence.startswith("The text reads at grade 3.9, below 4.0.")
    assert list(scores.describe_missed_targets(4.0, 0, "en")) == []
    assert list(scores.describe_missed_targets(None, 0, "en")) == []
    assert list(scores.describe_missed_targets(100.0, 0, "es")) == []  # no floor
