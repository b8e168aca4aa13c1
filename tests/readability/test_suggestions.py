"""Suggestions for drafts, with their lines; none of them prevents publishing."""

from typing import Any

import pytest

from procedures.models import Page
from procedures.models.reference import WarningSignText
from procedures.readability.measures import measure_page
from procedures.readability.suggestions import build_suggestions
from procedures.rendering import ReferenceResolver, render_page
from procedures.revisions.drafts import save_revision
from tests.factories import make_draft, make_page, make_public, make_sign, make_term

pytestmark = pytest.mark.django_db


@pytest.fixture
def page() -> Page:
    return make_draft()


def said(page: Page, body: str, **values: Any) -> list[tuple[int, str]]:
    library, content = ReferenceResolver(page.language), {**page.draft_content(), "body": body, **values}
    rendered = render_page(content, kind=page.kind, resolver=library)
    measures = measure_page(rendered.article, kind=page.kind, resolver=library)
    return [(problem.line, problem.message) for problem in build_suggestions(page, rendered, measures)]


def test_a_good_text_only_needs_a_translation(page: Page) -> None:
    assert said(page, page.body) == [(0, "This page has no Español translation yet.")]


def test_a_number_without_a_source_is_reported_with_its_line(page: Page) -> None:
    found = said(page, page.body + "\nAbout 30 of them feel better.\n")

    assert (16, "Add a source for the number “30 of”.") in found


def test_a_long_sentence_is_reported_before_it_blocks_publishing(page: Page) -> None:
    long = "We look at it and we ask you and we tell you what we see and what it may well mean to you."

    found = said(page, f"{page.body}\n{long}\n")

    assert (
        16,
        "23 words. Aim for 20 or fewer: “We look at it and we ask you and we tell you what we see and what it …”",
    ) in found


def test_a_hard_paragraph_is_reported_with_its_grade(page: Page) -> None:
    hard = "Percutaneous vertebral augmentation procedures necessitate multidisciplinary preprocedural evaluation. " * 2

    found = said(page, f"{page.body}\n{hard}\n")

    assert [line for line, sentence in found if "This paragraph reads at grade" in sentence] == [16]


def test_a_long_paragraph_should_be_split(page: Page) -> None:
    found = said(page, f"{page.body}\nWe look. We ask. We help. We call.\n")

    assert (16, "This paragraph has 4 sentences. Aim for 3 or fewer: split it.") in found


def test_a_text_without_an_action_is_reported(page: Page) -> None:
    found = said(page, "## Only\n\nWords.\n", next_page="")

    assert any(sentence.startswith("Give readers something to do: add a card") for _, sentence in found)
    assert not any(sentence.startswith("Give readers something to do") for _, sentence in said(page, page.body))


def test_an_outdated_translation_is_reported(page: Page) -> None:
    source = save_revision(page, author=None)
    spanish = make_page(language="es", slug="corte", translated_from=source)
    before = said(spanish, spanish.body)
    page.title = "A newer title"
    page.save()
    save_revision(page, author=None)

    after = said(spanish, spanish.body)

    news = (0, "The English text has changed since this translation was made. Compare the two.")
    assert news not in before
    assert after == [*before, news]


def test_a_translation_follows_what_patients_read_not_the_next_draft(page: Page) -> None:
    first = make_public(page)
    spanish = make_page(language="es", slug="corte", translated_from=first.revision)
    page.title = "A newer title"
    page.save()
    save_revision(page, author=None)
    with_a_draft = said(spanish, spanish.body)
    make_public(page)

    once_public = said(spanish, spanish.body)

    news = (0, "The English text has changed since this translation was made. Compare the two.")
    assert once_public == [*with_a_draft, news]
    assert news not in with_a_draft


def test_suggestions_include_the_counts_of_the_site_report(page: Page) -> None:
    found = said(page, f"{page.body}\nIt is a catastrophe.\n\n" + "- It is so.\n" * 8)

    assert (16, "Explain this long word, or use an everyday one: “catastrophe”.") in found
    assert any(sentence.startswith("A list has 8 entries; the limit is 7.") for _, sentence in found)


FAULTS = """## Only

We look. We ask. We help. About 30 of them call.

We look. We ask. We help. About 30 of them call.

We look at it and we ask you and we tell you what we see and what it may well mean to you.

It is a catastrophe. See [below](#nowhere).

"""


@pytest.mark.parametrize("kind", ["procedure", "guide", "about"])
def test_every_suggestion_appears_once_with_its_line_if_any(page: Page, kind: str) -> None:
    page.kind = kind

    found = said(page, FAULTS + "- It is so.\n" * 8, next_page="", key_message="Of all, 40 % feel better.")

    assert found == [
        (3, "This paragraph has 4 sentences. Aim for 3 or fewer: split it."),
        (3, "Add a source for the number “30 of”."),
        (5, "This paragraph has 4 sentences. Aim for 3 or fewer: split it."),
        (5, "Add a source for the number “30 of”."),
        (5, "This repeats what is above it."),
        (
            7,
            "23 words. Aim for 20 or fewer: “We look at it and we ask you and we tell you what we see and what it …”",
        ),
        (9, "Explain this long word, or use an everyday one: “catastrophe”."),
        (11, "A list has 8 entries; the limit is 7. Group or shorten it."),
        (
            0,
            "Add a source for the number “40 % feel”: “Of all, 40 % feel better.”",
        ),
        (0, "A link points to #nowhere, which is not on this page. Fix the link or the section address."),
        (0, "Give readers something to do: add a card, steps, a checklist, or a next page."),
        (0, "This page has no Español translation yet."),
    ]


def test_a_link_reported_as_an_issue_is_not_suggested_again(page: Page) -> None:
    body = page.body + "\nSee [one](page:nothing), [two](page:nothing#here), and [three](http://example.org).\n"

    assert not [sentence for _, sentence in said(page, body) if "A link points to" in sentence]


def test_a_long_comparison_cell_is_reported(page: Page) -> None:
    def compare(cell: str) -> str:
        return f"{page.body}\n::: choices\n### Rest\n#### Soon\n{cell}\n### Cement\n#### Soon\nIt helps.\n:::\n"

    twelve = "You may feel less pain in a day or two, or not."

    assert not [sentence for _, sentence in said(page, compare(twelve)) if "cell of the comparison" in sentence]
    found = said(page, compare(twelve[:-1] + " yet."))
    assert [
        (line, "This one has 13 words; the target is 12 or fewer." in text)
        for line, text in found
        if "cell of the" in text
    ] == [(19, True)]
    folded = said(page, compare(f"{twelve}\n\n{twelve} But we see you again each week and ask."))
    assert not [sentence for _, sentence in folded if "cell of the comparison" in sentence]


def test_every_suggestion_about_the_text_can_be_reached(page: Page) -> None:
    content = {**page.draft_content(), "body": FAULTS + "- It is so.\n" * 8, "next_page": ""}
    content["key_message"] = (
        "Of all of them, 40 % feel better, and we ask you and we tell you what we see and what it may mean."
    )
    library = ReferenceResolver(page.language)
    rendered = render_page(content, kind=page.kind, resolver=library)
    found = build_suggestions(page, rendered, measure_page(rendered.article, kind=page.kind, resolver=library))

    assert [issue.message for issue in found if not issue.line and not issue.field] == [
        "This page has no Español translation yet."
    ]
    assert {issue.field for issue in found if "40 %" in issue.message} == {"key_message"}


def test_texts_that_the_page_does_not_own_get_no_suggestions(page: Page) -> None:
    long = "Call us if you have a catastrophe and it is so bad that you do not know what to do and 30 of them do not either"
    sign = make_sign("fever", "now")
    WarningSignText.objects.filter(sign=sign).update(text=f"{long}.")
    make_term("canal", definition=f"{long}.")

    found = said(page, f"{page.body}\nThe canal is open.\n\n::: warning-signs both\n")

    assert found == [(0, "This page has no Español translation yet.")]


def test_the_number_of_a_day_or_step_needs_no_source(page: Page) -> None:
    texts = [
        "Day 1: rest.",
        "On day 3, walk.",
        "Step 2: wash.",
        "Week 6 is the last one.",
        "| Day 1 | Rest |\n|---|---|\n| Day 2 | Walk |",
    ]

    assert {
        text: found
        for text in texts
        if (found := [row for row in said(page, f"{page.body}\n{text}\n") if "source" in row[1]])
    } == {}
