"""Search: misspelled, empty, hostile, and without a result."""

from urllib.parse import quote

import pytest

from tests.views.client import fetch
from tests.views.crawl import Document, Site, element_text

HOSTILE = [
    "<script>alert(1)</script>",
    '" autofocus onfocus="alert(1)',
    "'; DROP TABLE procedures_page; --",
    "{{ settings.SECRET_KEY }}{% debug %}",
    "title:* AND (NOT",
    '"unbalanced ~2 ^9 [a TO z]',
    "../../etc/passwd",
    "‮⁦ right to left",
    "a" * 100,
    "кифопластика 背骨 🦴",
]


def search(site: Site, query: str) -> Document:
    answer = fetch(site.url, f"/search/?q={quote(query)}")
    assert answer.status == 200
    return Document.read("/search/", answer)


def hrefs(page: Document) -> list[str]:
    return [link.attrib["href"] for link in page.of_class("results__link")]


def test_word_finds_the_pages_about_it(site: Site) -> None:
    page = search(site, "kyphoplasty")

    assert hrefs(page)[0].startswith("/kyphoplasty/")
    assert page.one("input", id="search").get("value") == "kyphoplasty"


def test_result_shows_the_matching_passage(site: Site) -> None:
    page = search(site, "needle")

    assert {element_text(mark).casefold() for mark in page.elements("mark")} == {"needle"}


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        ("kyfoplasty", "/kyphoplasty/"),
        ("kyphoplasti", "/kyphoplasty/"),
        ("KYPHOPLASTY", "/kyphoplasty/"),
        ("vertebroplasy", "/vertebroplasty/"),
        ("osteoporosys", "/keeping-bones-strong/"),
    ],
)
def test_misspelled_word_finds_the_intended_page(site: Site, typed: str, path: str) -> None:
    found = hrefs(search(site, typed))

    assert path in {href.partition("#")[0] for href in found}


def test_misspelled_word_suggests_the_correct_one(site: Site) -> None:
    page = search(site, "kyfoplasty")

    offers = [element_text(a) for a in page.elements("a") if a.get("href", "").startswith("/search/?q=")]
    assert offers == ["kyphoplasty"]


def test_inflected_forms_find_the_same_pages(site: Site) -> None:
    assert {h.partition("#")[0] for h in hrefs(search(site, "fractures"))} == {
        h.partition("#")[0] for h in hrefs(search(site, "fracture"))
    }


@pytest.mark.parametrize("query", ["", "   ", "%00"])
def test_an_empty_search_shows_all_topics(site: Site, query: str) -> None:
    page = Document.read("/search/", fetch(site.url, f"/search/?q={query.replace(' ', '+')}"))

    topics = {a.get("href") for a in page.elements("a")}
    assert {"/kyphoplasty/", "/recovery/"} <= topics
    assert [element_text(h) for h in page.elements("h2")] == ["All topics"]


def test_search_without_results_offers_topics_and_the_phone(site: Site) -> None:
    page = search(site, "xyzzyqwertz")

    main = page.one("main")
    assert "No results for “xyzzyqwertz”" in element_text(main)
    assert hrefs(page) == []
    assert {"tel:3035550100", "/kyphoplasty/"} <= {a.get("href") for a in main.iter("a")}


def test_hostile_query_is_shown_as_text(site: Site, subtests: pytest.Subtests) -> None:
    for query in HOSTILE:
        with subtests.test(query=query):
            page = search(site, query)

            assert page.one("input", id="search").get("value") == " ".join(query.split())
            assert {script.get("src", "")[:8] for script in page.elements("script")} == {"/static/"}
            assert [
                name for e in page.elements() for name in e.attrib if name.startswith("on") or name == "autofocus"
            ] == []
            assert page.parse_errors == ()


def test_malformed_query_returns_a_page(site: Site, subtests: pytest.Subtests) -> None:
    for raw in ["q=%ff%fe", "q=%ed%a0%80", "q=a&q=b", "q=" + "a" * 5000, "%00=%00", "q", "&&&=", "q=%"]:
        with subtests.test(raw=raw):
            answer = fetch(site.url, f"/search/?{raw}")

            assert answer.status == 200
            assert Document.read("/search/", answer).one("h1") is not None


def test_search_pages_are_not_indexable(site: Site) -> None:
    assert not search(site, "cement").is_for_search_engines


def test_headings_and_ids_of_results_are_unique(site: Site) -> None:
    page = search(site, "cement")

    assert len(page.ids) == len(set(page.ids))
    assert len(hrefs(page)) == len(set(hrefs(page))) > 1


def test_every_result_link_resolves(site: Site) -> None:
    for query in ("cement", "pain", "walk", "bone", "needle"):
        found = hrefs(search(site, query))
        assert found, query
        for href in found:
            path, _, anchor = href.partition("#")
            assert path in site.pages, href
            assert not anchor or anchor in site.pages[path].ids, href
