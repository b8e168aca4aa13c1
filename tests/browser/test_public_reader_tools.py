"""Reader tools: terms explained in place, large type, plain text, booklets, and pages for a clinical code."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.public_helpers import DESKTOP, NARROW, PHONE, open_sections, open_tab, open_tools, visit
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser
BOOKLET = "/visits/kyphoplasty-consult/booklet/"


@pytest.mark.smoke
def test_glossary_term_is_explained_in_place_and_escape_returns_the_focus(phone: Page, served_site: ServedSite) -> None:
    visit(phone, served_site, "/kyphoplasty/")
    word = phone.locator("a.term").nth(2)
    entry = phone.locator(word.get_attribute("href") or "")
    card = phone.get_by_role("dialog")
    address = phone.url

    word.focus()
    phone.keyboard.press("Enter")
    expect(card).to_be_visible()
    expect(card).to_be_focused()
    expect(card.locator(".word-list__definition")).to_have_text(entry.locator("dd").text_content() or "?")
    box = card.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    assert phone.url == address

    phone.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(word).to_be_focused()


def test_term_card_closes_with_its_button_and_fits_at_320_px(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, NARROW) as page:
        visit(page, served_site, "/es/cifoplastia/")
        open_sections(page)
        card = page.get_by_role("dialog")
        for word in page.locator("a.term").all():
            word.click()
            box = card.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= NARROW["width"]
            card.get_by_role("button").click()
            expect(card).to_be_hidden()
            expect(word).to_be_focused()


def test_glossary_term_links_to_the_glossary_without_javascript(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE, java_script_enabled=False) as page:
        visit(page, served_site, "/kyphoplasty/")
        word = page.locator("a.term").first
        word.click()

        assert page.url.endswith(word.get_attribute("href") or "?")
        expect(page.locator(".word-list__entry:target")).to_be_in_viewport()


def test_larger_type_works_without_javascript_and_in_print(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE, java_script_enabled=False) as page:
        visit(page, served_site, "/kyphoplasty/")
        text = page.locator(".page__body > p").first

        def size() -> float:
            return float(text.evaluate("(e) => parseFloat(getComputedStyle(e).fontSize)"))

        usual = size()
        open_tools(page)
        page.locator("#large-type").check()
        assert size() == pytest.approx(1.25 * usual)
        page.locator("#largest-type").check()
        assert size() == pytest.approx(1.5 * usual)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]

        page.emulate_media(media="print")
        assert size() >= 18 * 96 / 72


@pytest.mark.smoke
def test_browser_stores_only_the_text_size_for_all_pages(phone: Page, served_site: ServedSite) -> None:
    stored = "JSON.stringify(localStorage)"
    size = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
    visit(phone, served_site, "/kyphoplasty/")
    usual = phone.evaluate(size)
    open_tools(phone)
    phone.locator("#largest-type").check()
    assert (phone.evaluate(stored), phone.evaluate(size)) == ('{"text-size":"largest"}', 1.5 * usual)

    visit(phone, served_site, "/")
    assert phone.evaluate(size) == 1.5 * usual
    visit(phone, served_site, "/recovery/")
    open_tools(phone)
    expect(phone.locator("#largest-type")).to_be_checked()

    phone.locator("[name='text-size'][value='']").check()
    assert (phone.evaluate(stored), phone.evaluate(size)) == ("{}", usual)
    assert phone.context.cookies() == []


def test_page_is_shared_by_its_neutral_url(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE) as page:
        page.add_init_script("window.shared = []; navigator.share = async (what) => { window.shared.push(what); };")
        visit(page, served_site, "/kyphoplasty/")
        link = page.get_by_text("Share this page")
        href = link.get_attribute("href") or ""
        link.click()
        shared = page.evaluate("window.shared")

    assert [one["title"] for one in shared] == ["Reading for your visit"]
    assert re.fullmatch(r"http://[^/]+/p/[A-Z0-9]{6}", shared[0]["url"])
    # Without a share sheet, the page is shared by email, which does not mention a condition either.
    assert href.startswith("mailto:?subject=Reading%20for%20your%20visit&body=http%3A%2F%2F")
    assert "kyphoplasty" not in href


def test_articles_link_to_their_plain_text_and_guides_to_their_booklet(phone: Page, served_site: ServedSite) -> None:
    visit(phone, served_site, "/visits/kyphoplasty-consult/")
    open_tools(phone)
    links = [
        phone.evaluate("(e) => e.href", link.element_handle()) for link in phone.locator(".reader-tools__link").all()
    ]

    assert links == [f"{served_site.url}{BOOKLET}", f"{served_site.url}/visits/kyphoplasty-consult/plain.txt"]
    assert [phone.request.get(link).status for link in links] == [200, 200]


def test_booklet_has_one_title_a_table_of_contents_and_a_sheet_per_part(
    browser: Browser, served_site: ServedSite
) -> None:
    with open_tab(browser, DESKTOP) as page:
        page.emulate_media(media="print")
        visit(page, served_site, BOOKLET)
        parts = page.locator(".booklet__part")
        named = page.locator(".booklet__link").evaluate_all("(all) => all.map((a) => [a.hash.slice(1), a.innerText])")

        assert page.locator("h1").count() == 1
        # The guide itself, and its reading list.
        assert parts.count() >= 2
        assert named == parts.evaluate_all("(all) => all.map((e) => [e.id, e.querySelector('h2').innerText])")
        assert set(parts.evaluate_all("(all) => all.map((e) => getComputedStyle(e).breakBefore)")) == {"page"}
        assert (
            page.locator(".contents:visible, .reading-list:visible, .next-step:visible, .button:visible").count() == 0
        )
        dangling = page.evaluate(
            """() => [...document.querySelectorAll("[fill^=url], [mask], [marker-end]")]
              .flatMap((e) => ["fill", "mask", "marker-end"].map((name) => e.getAttribute(name)))
              .filter((value) => value?.startsWith("url(#") && !document.getElementById(value.slice(5, -1)))"""
        )
        assert dangling == []
        page.emulate_media(media="screen")
        page.locator(".booklet__part").nth(1).locator("a.term").first.click()
        expect(page.get_by_role("dialog")).to_have_count(1)


@pytest.mark.smoke
def test_pages_for_a_clinical_code_are_shown_as_reading_for_the_visit(phone: Page, served_site: ServedSite) -> None:
    query = "mainSearchCriteria.v.cs=2.16.840.1.113883.6.90&mainSearchCriteria.v.c=M80.08XA"
    visit(phone, served_site, f"/connect/application?{query}")

    expect(phone.locator("h1")).to_have_text("Reading for your visit")
    assert phone.locator(".results__link").count() >= 1
    assert "result" not in phone.locator("main").inner_text().casefold()
