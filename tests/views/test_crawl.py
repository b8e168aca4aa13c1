"""Every public page, found by following links from the home page."""

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

from procedures.enums import Language
from tests.views.crawl import Document, Site, element_text, find_problems, is_internal

HEADING = re.compile(r"h([1-6])\Z")
CONDITIONS = re.compile(r"fractur|plasty|osteopor|cement|nerve|vertebra|cancer|compression|x-ray", re.IGNORECASE)
ID_LISTS = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "aria-details", "list", "form")
URL_REFERENCE = re.compile(r"url\(#([^)]+)\)")
STARTER = {
    "en": "First version, not yet reviewed.",
    "es": "Primera versión, aún sin revisar.",
}


def test_crawl_reaches_topics_guides_pictures_and_forms(site: Site) -> None:
    expected = {"/", "/visits/", "/kyphoplasty/", "/vertebroplasty/", "/recovery/", "/visits/kyphoplasty-consult/"}
    expected |= {"/spine-compression-fractures/", "/complications-and-risks/", "/pictures/", "/glossary/", "/contact/"}
    expected |= {"/about/", "/search/", "/p/"}

    assert expected - site.pages.keys() == set()
    assert len(site.articles) >= 15
    assert {answer.kind for answer in site.others.values()} >= {"image/avif", "image/webp", "image/jpeg", "text/css"}


def test_every_link_picture_and_file_returns_200(site: Site) -> None:
    broken = {path: answer.status for path, answer in site.others.items() if answer.status != 200}
    sources = {path: sorted({source for source, target, _ in site.links if target == path})[:3] for path in broken}

    assert {path: (broken[path], sources[path]) for path in broken} == {}


def test_every_linked_anchor_exists(site: Site) -> None:
    followed = [(source, target, anchor) for source, target, anchor in site.links if anchor]

    missing = sorted({f"{s} → {t}#{a}" for s, t, a in followed if t in site.pages and a not in site.pages[t].ids})

    assert missing == []
    assert len(followed) > 100


def test_every_page_has_exactly_one_h1(site: Site) -> None:
    counted = {page.path: len(list(page.elements("h1"))) for page in site.pages.values()}

    assert counted == dict.fromkeys(site.pages, 1)


def test_headings_start_at_one_and_never_skip_a_level(site: Site) -> None:
    def steps(page: Document) -> Iterator[str]:
        last = 0
        for element in page.elements():
            if match := HEADING.match(element.tag):
                level = int(match[1])
                if level > last + 1:
                    yield f"h{level} “{element_text(element)}” after h{last}"
                last = level

    assert find_problems(site, steps) == []


def test_headings_are_not_empty(site: Site) -> None:
    def empty(page: Document) -> Iterator[str]:
        return (f"empty {e.tag}" for e in page.elements() if HEADING.match(e.tag) and not element_text(e))

    assert find_problems(site, empty) == []


def test_titles_are_unique_within_a_language_and_include_the_clinic(site: Site) -> None:
    titles = Counter((page.language, page.title) for page in site.pages.values())

    assert [title for title, count in titles.items() if count > 1] == []
    assert [page.path for page in site.pages.values() if not page.title.endswith(" – Example Spine Clinic")] == []


def test_page_language_matches_its_url(site: Site) -> None:
    for page in site.pages.values():
        language = Language.SPANISH if page.path.startswith("/es/") else Language.ENGLISH
        assert (page.path, page.language, page.answer.header("content-language")) == (page.path, language, language)


def test_every_picture_has_alt_text_and_size(site: Site) -> None:
    def lacking(page: Document) -> Iterator[str]:
        for image in page.elements("img"):
            if "alt" not in image.attrib:
                yield f"{image.get('src')} has no alt"
            if len(image.get("alt", "")) > 125:
                yield f"{image.get('src')} has an alt of {len(image.attrib['alt'])} letters"
            if not (image.get("width", "").isdigit() and image.get("height", "").isdigit()):
                yield f"{image.get('src')} has no size"

    assert find_problems(site, lacking) == []
    assert sum(len(list(page.elements("img"))) for page in site.pages.values()) > 50


def test_figure_pictures_have_descriptive_alt_texts(site: Site) -> None:
    def silent(page: Document) -> Iterator[str]:
        for figure in page.elements("figure"):
            for image in figure.iter("img"):
                if len(image.get("alt", "")) < 10:
                    yield f"{figure.get('id')}: alt “{image.get('alt')}”"

    assert find_problems(site, silent) == []


def test_ids_are_unique(site: Site) -> None:
    def doubles(page: Document) -> Iterator[str]:
        return (f"#{name} × {count}" for name, count in Counter(page.ids).items() if count > 1)

    assert find_problems(site, doubles) == []


def test_every_reference_to_an_id_resolves(site: Site) -> None:
    def dangling(page: Document) -> Iterator[str]:
        ids = set(page.ids)
        for element in page.elements():
            named = {name for attribute in ID_LISTS for name in element.get(attribute, "").split()}
            named |= {match[1] for value in element.attrib.values() for match in URL_REFERENCE.finditer(value)}
            yield from (f"{element.tag} names #{name}" for name in sorted(named - ids))

    assert find_problems(site, dangling) == []


def test_html_parses_without_an_error(site: Site) -> None:
    assert find_problems(site, lambda page: page.parse_errors) == []


def test_pages_have_no_inline_scripts_or_styles(site: Site) -> None:
    def inline(page: Document) -> Iterator[str]:
        for element in page.elements():
            tag = element.tag.rpartition("}")[2]
            if tag == "style" or (tag == "script" and ("src" not in element.attrib or element_text(element))):
                yield f"<{tag}>"
            names = {name for name in element.attrib if name.startswith("on") or name in {"style", "srcdoc"}}
            yield from (f"{name}= on {tag}" for name in sorted(names))
            for name, value in element.attrib.items():
                if re.match(r"\s*(javascript|data|vbscript):", value, re.IGNORECASE):
                    yield f"{name}={value[:30]} on {tag}"

    assert find_problems(site, inline) == []


def test_nothing_is_loaded_from_or_sent_to_another_host(site: Site) -> None:
    def foreign(page: Document) -> Iterator[str]:
        sent = [("form", form.get("action", "")) for form in page.elements("form")]
        for tag, address in [*page.fetched(), *sent]:
            if not is_internal(site.url, urljoin(site.address(page.path), address)):
                yield f"{tag} {address}"

    assert find_problems(site, foreign) == []
    assert sum(len(list(page.fetched())) for page in site.pages.values()) > 200


def test_external_links_use_https_and_open_in_the_same_window(site: Site) -> None:
    leaving = [a for page in site.pages.values() for a in page.elements("a") if "//" in a.get("href", "")]

    assert [a.get("href") for a in leaving if not a.attrib["href"].startswith("https://") or a.get("target")] == []
    assert len(leaving) > 20


def test_every_phone_link_is_dialable(site: Site) -> None:
    numbers = [link.attrib["href"] for page in site.pages.values() for link in page.elements("a") if is_tel(link)]

    assert [number for number in numbers if not re.fullmatch(r"tel:\+?[0-9]{3,15}", number)] == []
    assert {"tel:3035550100", "tel:911"} <= set(numbers)


def is_tel(link: Element) -> bool:
    return link.get("href", "").startswith("tel:")


def test_every_page_shows_the_clinic_phone_before_its_text(site: Site) -> None:
    for page in site.pages.values():
        header = next(page.elements("header"))
        assert [a.get("href") for a in header.iter("a") if is_tel(a)] == ["tel:3035550100"], page.path


def test_indexable_pages_are_their_own_canonical_url(site: Site) -> None:
    named = {page.path: page.one("link", rel="canonical").get("href") for page in site.listed}

    assert named == {page.path: site.address(page.path) for page in site.listed}


def test_hreflang_links_of_translations_are_complete(site: Site) -> None:
    versions = {page.path: alternates(page) for page in site.listed}

    for path, named in versions.items():
        if not named:
            continue
        own = {language: address for language, address in named.items() if address == site.address(path)}
        assert list(own) == [site.pages[path].language], path
        for address in named.values():
            assert versions[address.removeprefix(site.url)] == named, f"{path} → {address}"


def alternates(page: Document) -> dict[str, str]:
    links = [link for link in page.elements("link") if link.get("rel") == "alternate"]
    return {link.attrib["hreflang"]: link.attrib["href"] for link in links}


def test_language_switch_matches_hreflang_links(site: Site) -> None:
    for page in site.pages.values():
        menus = page.of_class("page-top__languages")
        shown = {a.attrib["hreflang"]: site.address(a.attrib["href"]) for menu in menus for a in menu.iter("a")}
        told = {code: href for code, href in alternates(page).items() if code != page.language}
        assert (page.path, shown) == (page.path, told)


def test_every_indexable_page_has_a_unique_description(site: Site) -> None:
    descriptions = {page.path: description(page) for page in site.listed}
    counted = Counter((site.pages[path].language, words) for path, words in descriptions.items() if words)

    assert {path: words for path, words in descriptions.items() if not 40 <= len(words) <= 155} == {}
    assert [words for words, count in counted.items() if count > 1] == []


def description(page: Document) -> str:
    return next((m.get("content", "") for m in page.elements("meta") if m.get("name") == "description"), "")


def test_link_previews_do_not_mention_a_condition(site: Site) -> None:
    for page in site.pages.values():
        shown = {m.attrib["property"]: m.get("content", "") for m in page.elements("meta") if "property" in m.attrib}
        assert shown.keys() == {"og:title"}, page.path
        assert [value for value in shown.values() if CONDITIONS.search(value)] == [], page.path
        assert shown["og:title"] == "Reading for your visit" or page.language != "en", page.path


def test_every_article_starts_with_a_unique_key_message(site: Site) -> None:
    messages = {page.path: [element_text(e) for e in page.of_class("page__message")] for page in site.articles}

    assert [path for path, found in messages.items() if len(found) != 1 or len(found[0]) < 20] == []
    assert len({found[0] for found in messages.values()}) == len(messages)


def test_every_starter_text_is_labeled_as_not_reviewed(site: Site) -> None:
    for page in site.articles:
        (line,) = page.of_class("page-status")
        assert element_text(line) == STARTER[page.language], page.path


def test_every_article_says_how_long_it_takes_to_read(site: Site) -> None:
    for page in site.articles:
        (tools,) = page.of_class("reader-tools__box")
        assert re.search(r"\b\d+.(minute read|minutos? de lectura)\b", element_text(tools)), page.path


def test_citations_and_sources_match(site: Site) -> None:
    citing = 0
    for page in site.articles:
        notes = page.of_class("citation")
        cited = {f"#source-{number}" for note in notes for number in re.findall(r"\d+", element_text(note))}
        listed = [f"#{item.get('id')}" for item in page.of_class("sources__item")]
        citing += bool(notes)
        assert (page.path, sorted(cited)) == (page.path, sorted(listed))
        assert [note.attrib["href"] for note in notes if note.attrib["href"] not in listed] == []
        # The list numbers itself.
        assert listed == [f"#source-{number}" for number in range(1, len(listed) + 1)], page.path
    assert citing >= 8


def test_picture_numbers_match_the_list(site: Site) -> None:
    figures = 0
    for page in site.pages.values():
        compared = [figure for side in page.of_class("compare__after") for figure in side.iter("figure")]
        for figure in page.elements("figure"):
            legend = [e.get("data-mark") for e in figure.iter() if "figure__entry" in e.get("class", "").split()]
            overlays = [e for e in figure.iter() if "figure__markers" in e.get("class", "").split()]
            # The second of two compared figures continues the numbering of the first.
            expected = list(map(str, range(1, len(legend) + 1)))
            # Its large picture keeps those numbers.
            goes_on = figure in compared or "/picture/" in page.path
            assert legend == expected or (goes_on and sorted(legend, key=int) == legend), figure.get("id")
            for overlay in overlays:
                assert [g.get("data-mark") for g in overlay.iter() if g.get("data-mark")] == legend, figure.get("id")
                assert [element_text(t) for t in overlay.iter("{http://www.w3.org/2000/svg}text")] == legend, (
                    figure.get("id")
                )
            figures += bool(overlays)
    assert figures >= 11
