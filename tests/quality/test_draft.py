"""The editor reads the same measures of a draft as the command prints of public pages."""

import pytest

from procedures.markdown import Library, render_page
from procedures.models import Page
from procedures.publishing.drafts import save_revision
from procedures.quality.draft import advice
from tests.factories import BODY, make_page, make_public, make_translation

pytestmark = pytest.mark.django_db


def advice_on(page: Page) -> list[str]:
    library = Library(page.language)
    return advice(page, render_page(page.draft(), kind=page.kind, library=library), library)


def test_a_text_within_all_marks_and_targets_needs_no_advice() -> None:
    assert advice_on(make_page("small-cut", kind="about", body=BODY)) == []


def test_a_number_without_a_source_and_a_long_list_are_named_with_their_place() -> None:
    body = f"{BODY}\n## How many? {{#many}}\n\nOf 100 people, 7 felt it.\n\n" + "- It is so.\n" * 8

    told = advice_on(make_page("small-cut", kind="about", body=body))

    assert any("has no source; cite it [@key] or take it out, under “How many?”" in line for line in told)
    assert "A list of 8 entries, 7 is the most; group or shorten it, under “How many?”." in told


def test_a_long_word_that_nothing_explains_is_named() -> None:
    told = advice_on(make_page("small-cut", kind="about", body=f"{BODY}\nIt is a catastrophe.\n"))

    assert "Long word, neither explained nor everyday: catastrophe." in told


def test_a_translation_says_when_its_english_is_newer() -> None:
    english = make_page("small-cut", kind="about", body=BODY)
    spanish = make_translation(english)
    spanish.translated_from = make_public(english).revision
    spanish.save()
    make_public(spanish)
    assert not any("is newer" in line for line in advice_on(spanish))

    english.body += "\nWe are here.\n"
    english.save()
    save_revision(english, author=None, note="")
    make_public(english)
    assert any(line.startswith("The English text is newer") for line in advice_on(Page.objects.get(pk=spanish.pk)))
