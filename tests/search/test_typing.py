"""Search input: accents in two Unicode forms, apostrophes, compounds, typos, and unknown words."""

from collections.abc import Callable

import pytest

from procedures import search as search_index
from procedures.models import Page
from procedures.search import SearchIndex, SearchResults
from tests.factories import BODY, make_clinic, make_figure, make_page, make_public, make_term, make_translation
from tests.replay import built_once
from tests.search.test_search import result_hrefs

ENGLISH = {
    "kyphoplasty": "## Cement {#cement}\n\nThe cement holds the bone. It comes in a line. A T-score shows it.",
    "sleep": "## If you can't sleep {#sleep}\n\nYou can’t sleep? The doctor’s nurse helps. Take a vitamin D pill.",
    "after": "## A follow-up visit {#visit}\n\nA visit after kyphoplasty. We follow you up the stairs.",
    "glossary": "## T {#tee}\n\nTamp.\n\n## N {#enn}\n\nNeedle. A bone is hard.",
}
SPANISH = {
    "kyphoplasty": "## La operación {#operacion}\n\nLa operación dura una hora. Le cuidan un año. El ano. Vaya con calma.",
    "sleep": "## El ano {#ano}\n\nAvise si no siente el ano. Duerma de lado.",
    "glossary": "## N {#ene}\n\nNervio.",
}


@built_once
def make_site() -> None:
    make_clinic()
    make_figure(size=(48, 48))
    make_term("bone-cement", term="bone cement", aliases=["cement"])
    make_term("kyphoplasty", aliases=["balloon treatment"])
    for subject, text in ENGLISH.items():
        make_public(make_page(subject, body=f"{BODY}\n{text}\n"))
    for subject, text in SPANISH.items():
        page = make_translation(Page.objects.get(subject=subject, language="en"), body=f"{text}\n")
        page.title = {"kyphoplasty": "Cifoplastia"}.get(subject, subject.capitalize())
        page.save()
        make_public(page)


@pytest.fixture
def search(db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SearchResults]:
    """Search over some pages in both languages, in indexes used only by this test."""
    indexes = {language: SearchIndex(language) for language in ("en", "es")}
    monkeypatch.setattr(search_index, "_indexes", indexes)
    make_site()
    return lambda text, language="en": search_index.get_index(language, 1).search(text)


def test_every_form_of_accents_and_case_is_found(search: Callable[..., SearchResults]) -> None:
    for typed in ("operación", "operacio\u0301n", "OPERACIÓN", "operacion", "opera\u00adción", "opera\u200bción"):
        assert result_hrefs(search(typed, "es")) == ["/es/kyphoplasty-es/#operacion"], typed


def test_a_typed_enye_does_not_match_n(search: Callable[..., SearchResults]) -> None:
    assert result_hrefs(search("año", "es")) == ["/es/kyphoplasty-es/#operacion"]
    snippet = search("año", "es").results[0].snippet
    assert "<mark>año</mark>" in snippet
    assert "<mark>ano</mark>" not in snippet
    assert set(result_hrefs(search("ano", "es"))) >= {"/es/sleep-es/#ano"}


def test_an_apostrophe_is_part_of_its_word(search: Callable[..., SearchResults]) -> None:
    for typed in ("can't sleep", "can’t sleep", "CAN'T SLEEP", "can`t sleep", "sleep, can't"):
        assert result_hrefs(search(typed)) == ["/sleep/#sleep"], typed
    for typed in ("doctor", "doctors", "doctor's", "doctor’s"):
        assert result_hrefs(search(typed)) == ["/sleep/#sleep"], typed


def test_single_letters_only_count_with_other_words(search: Callable[..., SearchResults]) -> None:
    assert result_hrefs(search("vitamin D")) == ["/sleep/#sleep"]
    assert result_hrefs(search("t"))[0] == "/glossary/#tee"
    assert result_hrefs(search("zebra t")) == []


def test_a_compound_is_found_in_every_spelling(search: Callable[..., SearchResults]) -> None:
    for typed in ("t-score", "tscore", "t score", "T‐SCORE", "t–score"):
        assert result_hrefs(search(typed)) == ["/kyphoplasty/#cement"], typed
    for typed in ("follow-up", "followup", "follow up"):
        assert result_hrefs(search(typed)) == ["/after/#visit"], typed


def test_an_unindexed_dictionary_word_is_not_corrected(search: Callable[..., SearchResults]) -> None:
    for typed in ("wine", "bend", "steep", "needles wine"):
        assert search(typed).suggestion == "", typed
    for typed in ("wine", "lime", "steep", "wine with dinner", "can I drink wine?", "beside"):
        assert result_hrefs(search(typed)) == [], typed
    assert result_hrefs(search("vino", "es")) == []


def test_a_typo_in_a_long_word_is_corrected_and_suggested(search: Callable[..., SearchResults]) -> None:
    for typed, meant in (("kyphoplsty", "kyphoplasty"), ("kypohplasty", "kyphoplasty"), ("vitamni", "vitamin")):
        assert search(typed).suggestion == meant
    assert search("cifoplatia", "es").suggestion == "cifoplastia"


def test_only_typed_words_are_highlighted(search: Callable[..., SearchResults]) -> None:
    snippet = search("cement").results[0].snippet

    assert "<mark>cement</mark>" in snippet
    assert "<mark>bone</mark>" not in snippet


def test_a_page_whose_title_is_the_query_comes_first(search: Callable[..., SearchResults]) -> None:
    many = "A good sleep helps. " * 8
    make_public(make_page("other", title="About sleep and rest", body=f"{BODY}\n## All\n\n{many.strip()}\n"))
    search_index._indexes["en"] = SearchIndex("en")

    for typed in ("sleep", "Sleep", "SLEEP?"):
        found = result_hrefs(search(typed))
        assert found[0] == "/sleep/", (typed, found)
        assert any(place.startswith("/other/") for place in found)
    for typed in ("kyphoplasty", "balloon treatment", "kyfoplasty"):
        assert result_hrefs(search(typed))[0].startswith("/kyphoplasty/"), typed


def test_unusual_queries_find_nothing(search: Callable[..., SearchResults]) -> None:
    for typed in (
        "",
        "🦴",
        "\u200b",
        "\u00ad",
        "'",
        "’s",
        "-",
        "x" * 5000,
        "a " * 5000,
        "ﬁ",
        "½",
        "M80.08",
        "\x00",
        "_",
    ):
        assert isinstance(search(typed), SearchResults), typed
    assert search("title:kyphoplasty^9 AND").results == search("title kyphoplasty 9 and").results
