"""Search: forgiving about what readers type, safe in what it shows."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils.safestring import SafeString
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procedures import search as search_index
from procedures.models import Clinic, GlossaryTerm, Page, ReleaseEvent
from procedures.publishing.publish import withdraw
from procedures.search import SearchIndex, SearchResults
from procedures.views.layout import load_clinic
from tests.factories import (
    BODY,
    make_clinic,
    make_page,
    make_public,
    make_term,
    make_translation,
    make_user,
    store_early_submission,
    store_late_withdrawal,
)
from tests.replay import built_once

KYPHOPLASTY = f"{BODY}\n## How long it takes {{#how-long}}\n\nA kyphoplasty takes an hour. The fracture may heal."


@built_once
def make_site() -> None:
    make_clinic()
    make_term("kyphoplasty", aliases=["balloon treatment", "X-ray cement"])
    make_public(make_page("kyphoplasty", body=KYPHOPLASTY))
    make_public(make_page("rest", body=f"{BODY}\n## Sleep\n\nLie on your side. 5 < 6 & \\<b>bold\\</b>."))


@pytest.fixture
def search(db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SearchResults]:
    """Search over a page on kyphoplasty and one on rest, in an index used only by this test."""
    monkeypatch.setattr(search_index, "_indexes", {language: SearchIndex(language) for language in ("en", "es")})
    make_site()

    def find(text: str, language: str = "en") -> SearchResults:
        return search_index.get_index(language, load_clinic(language)[1]).search(text)

    return find


def result_hrefs(answer: SearchResults) -> list[str]:
    """Return the URLs of the results."""
    return [result.href for result in answer.results]


def test_a_word_finds_its_section(search: Callable[..., SearchResults]) -> None:
    answer = search("sleep side")

    assert result_hrefs(answer) == ["/rest/#sleep"]
    assert (answer.results[0].title, answer.results[0].section) == ("Rest", "Sleep")
    assert answer.suggestion == ""


@pytest.mark.parametrize("typed", ["kyfoplasty", "kyphoplsty", "kypohplasty", "kiphoplasty"])
def test_a_misspelled_word_is_corrected_and_suggested(search: Callable[..., SearchResults], typed: str) -> None:
    answer = search(typed)

    assert "/kyphoplasty/#how-long" in result_hrefs(answer)
    assert answer.suggestion == "kyphoplasty"


@pytest.mark.parametrize("typed", ["balloon treatment", "Balloon  Treatment", "x-ray cement", "X ray cement"])
def test_an_alias_finds_its_glossary_term(search: Callable[..., SearchResults], typed: str) -> None:
    assert "/kyphoplasty/#how-long" in result_hrefs(search(typed))


@pytest.mark.parametrize("typed", ["fractures", "fractured", "healing", "FRACTURE", "frácture"])
def test_stems_case_and_accents_are_ignored(search: Callable[..., SearchResults], typed: str) -> None:
    assert result_hrefs(search(typed)) == ["/kyphoplasty/#how-long"]


def test_snippets_highlight_matches_and_are_escaped(search: Callable[..., SearchResults]) -> None:
    snippet = search("bold").results[0].snippet

    assert isinstance(snippet, SafeString)
    assert snippet == "5 &lt; 6 &amp; &lt;b&gt;<mark>bold</mark>&lt;/b&gt;."


def test_the_snippet_of_a_title_match_is_escaped(search: Callable[..., SearchResults]) -> None:
    GlossaryTerm.objects.all().delete()
    make_public(
        make_page("odd", title="Zebrafish", body=BODY.replace("A small cut.", r"\<script>alert(1)\</script> cut."))
    )

    for result in search("zebrafish").results:
        assert "<script" not in result.snippet
        assert "<" not in result.snippet.replace("<mark>", "").replace("</mark>", "")


def test_a_title_match_ranks_above_a_text_match(search: Callable[..., SearchResults]) -> None:
    make_public(make_page("hour", title="The hour", body=BODY))

    assert result_hrefs(search("hour"))[0].startswith("/hour/")


@pytest.mark.parametrize("typed", ["", " ", "…", "()", '"', "*", "' OR 1=1 --"])
def test_empty_queries_find_nothing(search: Callable[..., SearchResults], typed: str) -> None:
    assert isinstance(search(typed), SearchResults)
    if not any(letter.isalnum() for letter in typed):
        assert search(typed) == SearchResults([])


def test_corrected_words_are_highlighted(search: Callable[..., SearchResults]) -> None:
    snippets = {result.href: result.snippet for result in search("kyfoplasty").results}

    assert "A <mark>kyphoplasty</mark> takes an hour." in snippets["/kyphoplasty/#how-long"]


def test_several_misspelled_words_give_no_suggestion(search: Callable[..., SearchResults]) -> None:
    answer = search("kyfoplasty fractur")

    assert result_hrefs(answer)[0] == "/kyphoplasty/#how-long"
    assert answer.suggestion == ""


@pytest.mark.parametrize("typed", ["hop", "xyz", "bed"])
def test_short_words_are_not_corrected(search: Callable[..., SearchResults], typed: str) -> None:
    assert search(typed) == SearchResults([])


def test_an_unknown_word_finds_nothing(search: Callable[..., SearchResults]) -> None:
    assert search("qqqqqqqqq") == SearchResults([])


@given(text=st.one_of(st.text(max_size=60), st.lists(st.sampled_from(
    ["AND", "OR", "NOT", "title:", "text:kypho", "*", "~2", "^4", "[a TO z]", "IN [a]", "(", ")", '"', "+", "-", ":", "kyphoplasty", "\\"]
), max_size=8).map(" ".join)))  # fmt: skip
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_query_can_be_searched(search: Callable[..., SearchResults], text: str) -> None:
    for result in search(text).results:
        assert "<" not in result.snippet.replace("<mark>", "").replace("</mark>", "")


def test_drafts_and_withdrawn_pages_are_not_found(search: Callable[..., SearchResults]) -> None:
    make_page("draft", title="Zebrafish", body="## Zebrafish")
    assert search("zebrafish").results == []
    assert "/rest/#sleep" in result_hrefs(search("sleep"))

    withdraw(Page.objects.get(subject="rest"), actor=make_user("max"), reason="Old.")

    assert result_hrefs(search("sleep")) == []


def test_a_withdrawal_that_becomes_visible_after_a_later_submission_is_not_missed(
    search: Callable[..., SearchResults],
) -> None:
    page = Page.objects.get(subject="rest")
    store_early_submission(page)
    assert result_hrefs(search("sleep")) == ["/rest/#sleep"]

    store_late_withdrawal(page)

    assert result_hrefs(search("sleep")) == []


def test_publishing_again_replaces_the_indexed_text(search: Callable[..., SearchResults]) -> None:
    assert result_hrefs(search("sleep"))
    page = Page.objects.get(subject="rest")
    page.body = f"{BODY}\n## Nap\n\nLie down."
    page.save()

    make_public(page)

    assert result_hrefs(search("sleep")) == []
    assert result_hrefs(search("nap")) == ["/rest/#nap"]


def test_a_withdrawn_page_leaves_no_compound_behind(search: Callable[..., SearchResults]) -> None:
    page = make_page("walker", body=f"{BODY}\n## Four-wheel walker")
    make_public(page)
    assert result_hrefs(search("fourwheel"))
    withdraw(page, actor=make_user("max"), reason="Old.")

    search("sleep")

    assert "fourwheel" not in search_index._indexes["en"]._compounds


def test_the_index_keeps_newer_events(search: Callable[..., SearchResults]) -> None:
    search("sleep")
    index = search_index._indexes["en"]
    newest = index.last_event

    index.refresh(newest - 1)

    assert index.last_event == newest


@pytest.mark.django_db
def test_without_a_clinic_the_search_still_follows_publications(client: Client) -> None:
    page = make_page("rest", body=f"{BODY}\n## Sleep")
    make_public(page)
    Clinic.objects.all().delete()

    assert load_clinic("en") == (None, ReleaseEvent.objects.latest("pk").pk)


def test_each_language_has_its_own_index(search: Callable[..., SearchResults]) -> None:
    make_public(make_translation(Page.objects.get(subject="rest"), slug="descanso"))

    assert result_hrefs(search("corte", "es"))[0].startswith("/es/descanso/")
    assert result_hrefs(search("kyphoplasty", "es")) == []


def test_one_page_has_at_most_two_results(search: Callable[..., SearchResults]) -> None:
    body = BODY + "".join(f"\n## Part {number}\n\nThe zebra looks.\n" for number in range(9))
    make_public(make_page("zebra", body=body))

    assert len(result_hrefs(search("zebra"))) == 2


def test_the_search_page_escapes_the_query_and_offers_topics(
    search: Callable[..., SearchResults], client: Client
) -> None:
    html = client.get("/search/?q=<script>qqqqqq</script>").content.decode()

    assert "<script>qqq" not in html
    assert "No results for “&lt;script&gt;qqqqqq&lt;/script&gt;”" in html
    assert '<a href="/kyphoplasty/">Kyphoplasty</a>' in html


def snippet_of(text: str, *words: str) -> str:
    return SearchIndex("en")._build_snippet(text, [[word.split()] for word in words], [])


def test_a_snippet_shows_complete_sentences_of_the_best_matching_line() -> None:
    text = (
        "Needle. It is thin\nThe cement sets. "
        + "A long way to go is here. " * 9
        + "Cement holds.\nA needle and cement."
    )

    assert snippet_of(text, "cement", "needle") == "A <mark>needle</mark> and <mark>cement</mark>."
    assert snippet_of(text, "sets").startswith("The cement <mark>sets</mark>. A long way")
    assert snippet_of(text, "sets").endswith("to go is here.")
    assert snippet_of(text, "holds") == "Cement <mark>holds</mark>."
    assert snippet_of(text, "absent") == "Needle. It is thin"


def test_a_sentence_longer_than_a_snippet_is_cut_between_words() -> None:
    snippet = snippet_of("word " * 60 + "cement " + "word " * 60, "cement")

    assert snippet.startswith("… word")
    assert "<mark>cement</mark>" in snippet
    assert snippet.endswith("word …")


def test_a_variant_is_highlighted_only_as_a_whole_word() -> None:
    snippet = SearchIndex("en")._build_snippet(
        "A bone heals. Then bone cement sets.", [[["glue"], ["bone", "cement"]]], []
    )

    assert snippet == "Then <mark>bone cement</mark> sets."
