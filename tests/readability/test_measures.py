"""Measures of one page."""

import pytest

from procedures.figures.approval import FigureVersion
from procedures.readability.measures import measure_page
from procedures.readability.suggestions import find_failures, find_notes
from procedures.rendering import ReferenceResolver, render_page
from tests.factories import EMPTY_CONTENT, make_figure, make_page, make_term
from tests.readability.helpers import measure_body

pytestmark = pytest.mark.django_db

ACTION = "\n\n::: call\n- You have a question.\n:::\n"
LONG = "We look at the bone and at the skin and at the legs and at the arms and at the back then we talk with you."


def failing(body: str, **values: object) -> list[str]:
    """Return the failures of a page that requires no figure and no source."""
    return list(find_failures(measure_body(body + ACTION, **{"kind": "about", **values})))


def test_an_easy_page_exceeds_no_limit() -> None:
    assert failing("## What it is\n\nA small cut. We look after you.") == []


def test_a_long_heading_fails_as_publishing_refuses_it() -> None:
    (found,) = failing(f"## {LONG.rstrip('.')}\n\nA small cut. We look after you.")

    assert found.startswith("A sentence has 26 words; the limit is 25.")


def test_a_hard_page_fails_both_english_levels() -> None:
    found = failing(
        "Percutaneous polymethylmethacrylate augmentation ameliorates osteoporotic vertebral deformity. " * 9
    )

    assert [" ".join(sentence.split()[:5]) for sentence in found] == [
        "The text reads at grade",
        "The text's SMOG grade is",
    ]


def test_a_hard_spanish_page_fails_its_level() -> None:
    hard = "La inmovilización prolongada deteriora considerablemente la musculatura paravertebral. " * 9

    assert failing(hard, language="es") == [
        "The text has a Fernández-Huerta score of 0.0; the minimum is 70.0. Use shorter sentences and words."
    ]
    assert failing("## Qué es\n\nEs un corte. Le cuidamos.", language="es") == []


def test_a_sentence_of_26_words_fails_and_is_shown_with_its_section() -> None:
    assert failing(f"## Before\n\n{LONG}") == [
        f"A sentence has 26 words; the limit is 25. Split it in two: “{LONG}” (section “Before”)"
    ]
    assert failing(f"## Before\n\n{LONG.replace(' then', '')}") == []


def test_sentences_over_the_target_are_only_counted() -> None:
    page = measure_body(LONG.replace(" then", ""))

    assert (len(page.sentences_over_target), page.longest_sentence, page.long_sentences) == (1, 25, [])
    assert "Sentences of more than 20 words: 1." in list(find_notes(page))


def test_a_list_of_eight_fails_and_seven_do_not() -> None:
    assert failing("## Signs\n\n" + "- A sign.\n" * 8) == [
        "A list has 8 entries; the limit is 7. Group or shorten it. (section “Signs”)"
    ]
    assert failing("## Signs\n\n" + "- A sign.\n" * 7) == []


def test_nested_lists_are_counted_separately() -> None:
    assert measure_body("- One\n  - a\n  - b\n  - c\n- Two").longest_list == 3


def test_the_list_of_sources_is_not_counted() -> None:
    assert measure_body("Cut. [@nice]").longest_list == 0


def test_a_paragraph_of_four_sentences_is_noted_but_does_not_fail() -> None:
    page = measure_body("## Day\n\nWe come. We look. We talk. We go." + ACTION, kind="about")

    assert [(found.section, found.count) for found in page.long_paragraphs] == [("Day", 4)]
    assert list(find_failures(page)) == []


def test_each_paragraph_has_its_own_level() -> None:
    easy, hard = measure_body("You lie down.\n\nImmobilization deteriorates paravertebral musculature.").paragraphs

    assert easy.text == "You lie down."
    assert easy.count < 6 < hard.count


def test_the_passive_share_counts_all_sentences() -> None:
    page = measure_body("The cement is mixed. We mix it. You rest.\n\n- You sleep.")

    assert page.passive_share == 0.25


def test_hard_words_exclude_terms_explained_everyday_words_and_names() -> None:
    make_term("kyphoplasty", term="kyphoplasty", aliases=["balloon kyphoplasty"])
    text = (
        "Kyphoplasty in the hospital mends weak bone (osteoporosis) in Colorado. Say ky-FOH-plas-tee. Immobilization."
    )

    assert measure_body(text).hard_words == ["immobilization"]


def test_an_abbreviation_is_hard_until_it_is_explained() -> None:
    assert measure_body("You have an MRI.").hard_words == ["mri"]
    assert measure_body("You have an MRI (a picture of soft parts).").hard_words == []
    assert measure_body("You have a picture of soft parts (MRI).").hard_words == []
    make_term("mri", term="MRI")
    assert measure_body("You have an MRI.").hard_words == []


def test_spanish_hard_words_have_five_syllables() -> None:
    assert measure_body("La inmovilización cansa. La medicina ayuda.", language="es").hard_words == ["inmovilización"]


def test_a_condition_page_requires_picture_source_and_action() -> None:
    assert list(find_failures(measure_body("## What\n\nA cut."))) == [
        "Choose the main picture.",
        "Add a source for the facts.",
        "Give readers something to do: add a card, steps, a checklist, or a next page.",
    ]


def test_a_picture_further_down_is_not_a_lead_picture() -> None:
    make_figure()

    assert not measure_body("::: figure needle").has_lead_figure
    assert measure_body("Text.", lead_figure="needle").has_lead_figure


@pytest.mark.parametrize(
    "block",
    ["::: call\n- Ask.\n:::", "::: steps\n1. Go.\n:::", "::: checklist\n- Go.\n:::", "::: do\n- Go.\n:::"],
)
def test_cards_steps_checklists_and_do_lists_are_actions(block: str) -> None:
    assert measure_body(block).has_action


def test_the_next_step_is_an_action_too() -> None:
    make_page("home")

    assert measure_body("Text.", next_page="home").has_action
    assert not measure_body("Text.").has_action


def test_a_link_to_a_missing_anchor_on_the_same_page_fails() -> None:
    assert failing("## Here {#here}\n\n[Up](#here) or [down](#there).") == [
        "A link points to #there, which is not on this page. Fix the link or the section address."
    ]


def test_a_picture_with_too_long_a_text_fails() -> None:
    make_figure()
    library = ReferenceResolver("en", FigureVersion.CURRENT)
    rendered = render_page({**EMPTY_CONTENT, "body": "::: figure needle" + ACTION}, kind="about", resolver=library)
    # The database column limits the alt text, so it is lengthened in the rendered page.
    rendered.article.images[0].alt = "a" * 126
    page = measure_page(rendered.article, kind="about", resolver=library)

    assert [(found.count, found.text) for found in page.invalid_alt_texts] == [(126, "a" * 126)]
    (sentence,) = find_failures(page)
    assert sentence.endswith("has 126 characters; the limit is 125. Shorten it.")


def test_generated_text_is_not_measured() -> None:
    make_term("vertebra", definition="A bone of the very extraordinarily complicated spinal column.")
    page = measure_body("A vertebra. [@nice]")

    assert page.hard_words == []
    assert page.word_count == 4
