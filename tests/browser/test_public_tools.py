"""Readers' tools: listen, words in place, before and after, large type, a whole guide as one booklet."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.public import DESK, NARROW, PHONE, tab, visit
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser

BOOKLET = "/visits/kyphoplasty-consult/booklet/"
# A voice that never sounds. ``spoken`` is what it was given; ``finish()`` ends the sentence that it is at.
VOICE = """
(voices) => {
  window.spoken = [];
  let at = null;
  window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
  const voice = {
    getVoices: () => voices,
    speak: (words) => { at = words; spoken.push([words.text, words.lang, words.voice.name]); },
    cancel: () => { at = null; },
    addEventListener: () => {},
  };
  Object.defineProperty(window, "speechSynthesis", { value: voice });
  window.finish = () => at.onend();
  window.isSilent = () => at === null;
}"""
HERE_ENGLISH = {"name": "Ann", "lang": "en-US", "localService": True, "default": True}
HERE_SPANISH = {"name": "Eva", "lang": "es_MX", "localService": True, "default": False}
FAR_ENGLISH = {"name": "Far", "lang": "en-GB", "localService": False, "default": False}
HIGHLIGHTED = "() => [...CSS.highlights.get('spoken')].map((range) => range.toString().trim())"


def with_voices(page: Page, *voices: dict[str, Any]) -> None:
    """Give the browser exactly these voices."""
    page.add_init_script(f"({VOICE})({list(voices)!r})".replace("True", "true").replace("False", "false"))


def open_tools(page: Page) -> None:
    """Unfold the readers' tools."""
    page.locator(".tools > summary").click()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A phone that holds still; what it complains about fails the test."""
    with tab(browser, PHONE, reduced_motion="reduce") as page:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        assert complaints == []


@pytest.mark.parametrize("voices", [[], [HERE_SPANISH], [FAR_ENGLISH]], ids=["none", "other language", "far away"])
def test_listen_is_not_offered_without_a_voice_of_the_device_in_the_language(
    phone: Page, served_site: ServedSite, voices: list[dict[str, Any]]
) -> None:
    with_voices(phone, *voices)
    visit(phone, served_site, "/kyphoplasty/")
    open_tools(phone)

    expect(phone.locator("[data-print]")).to_be_visible()
    expect(phone.locator("[data-listen-start]")).to_be_hidden()
    expect(phone.locator(".tools > summary")).to_have_text("Print or enlarge", use_inner_text=True)


def test_listen_reads_sentence_by_sentence_and_shows_where_it_is(phone: Page, served_site: ServedSite) -> None:
    with_voices(phone, FAR_ENGLISH, HERE_ENGLISH, HERE_SPANISH)
    visit(phone, served_site, "/kyphoplasty/")
    expect(phone.locator(".tools > summary")).to_have_text("Print or enlarge, listen")
    assert phone.locator("[data-listen][hidden]").count() == 0
    assert phone.evaluate("spoken") == []

    open_tools(phone)
    phone.locator("[data-listen-start]").click()
    assert phone.evaluate("spoken") == [["Kyphoplasty", "en", "Ann"]]
    assert phone.evaluate(HIGHLIGHTED) == ["Kyphoplasty"]

    phone.evaluate("finish()")
    message = phone.locator(".page__message").inner_text()
    assert phone.evaluate("spoken.at(-1)[0]") == message
    assert phone.evaluate(HIGHLIGHTED) == [message]


def test_listen_pauses_goes_on_with_the_same_sentence_and_stops(phone: Page, served_site: ServedSite) -> None:
    with_voices(phone, HERE_ENGLISH)
    visit(phone, served_site, "/recovery/")
    open_tools(phone)
    phone.locator("[data-listen-start]").click()
    bar = phone.locator("[data-listen-bar]")
    pause, stop = bar.get_by_role("button").all()
    expect(pause).to_be_focused()
    phone.evaluate("finish()")
    before = phone.evaluate("spoken.at(-1)[0]")

    pause.press("Enter")
    expect(pause).to_have_text("Go on")
    assert phone.evaluate("isSilent()")
    pause.press("Enter")
    expect(pause).to_have_text("Pause")
    assert phone.evaluate("[spoken.length, spoken.at(-1)[0]]") == [3, before]

    stop.press("Enter")
    expect(bar).to_be_hidden()
    assert phone.evaluate("isSilent()")
    assert phone.evaluate(HIGHLIGHTED) == []
    expect(phone.locator(".tools > summary")).to_be_focused()


def test_listen_leaves_out_numbers_of_sources_and_what_is_folded_away(phone: Page, served_site: ServedSite) -> None:
    with_voices(phone, HERE_ENGLISH)
    visit(phone, served_site, "/kyphoplasty/")
    folded = phone.locator(".xray__more p").first.text_content()
    open_tools(phone)
    phone.locator("[data-listen-start]").click()
    phone.evaluate("() => { while (!isSilent() && spoken.length < 600) finish(); }")
    read = [sentence for sentence, _, _ in phone.evaluate("spoken")]

    assert len(read) > 60
    assert folded not in read
    assert [sentence for sentence in read if not re.search("[A-Za-z]", sentence) or sentence == "Sources"] == []
    expect(phone.locator("[data-listen-bar]")).to_be_hidden()


def test_listen_takes_the_voice_of_the_language_of_the_page(phone: Page, served_site: ServedSite) -> None:
    with_voices(phone, HERE_ENGLISH, HERE_SPANISH)
    visit(phone, served_site, "/es/cifoplastia/")
    open_tools(phone)
    phone.locator("[data-listen-start]").click()

    assert phone.evaluate("spoken") == [["Cifoplastia", "es", "Eva"]]


def test_a_hard_word_is_explained_in_place_and_escape_leads_back(phone: Page, served_site: ServedSite) -> None:
    visit(phone, served_site, "/kyphoplasty/")
    word = phone.locator("a.term").nth(2)
    entry = phone.locator(word.get_attribute("href") or "")
    card = phone.get_by_role("dialog")
    address = phone.url

    word.focus()
    phone.keyboard.press("Enter")
    expect(card).to_be_visible()
    expect(card).to_be_focused()
    expect(card.locator(".terms__meaning")).to_have_text(entry.locator("dd").inner_text())
    box = card.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    assert phone.url == address

    phone.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(word).to_be_focused()


def test_the_card_of_a_word_closes_by_its_button_and_fits_at_320_px(browser: Browser, served_site: ServedSite) -> None:
    with tab(browser, NARROW) as page:
        visit(page, served_site, "/es/cifoplastia/")
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


def test_a_hard_word_leads_to_the_list_without_javascript(browser: Browser, served_site: ServedSite) -> None:
    with tab(browser, PHONE, java_script_enabled=False) as page:
        visit(page, served_site, "/kyphoplasty/")
        word = page.locator("a.term").first
        word.click()

        assert page.url.endswith(word.get_attribute("href") or "?")
        expect(page.locator(".terms__entry:target")).to_be_in_viewport()


def test_before_and_after_lie_one_over_the_other_and_a_slider_wipes_by_keyboard(
    phone: Page, served_site: ServedSite
) -> None:
    visit(phone, served_site, "/kyphoplasty/")
    compare = phone.locator(".compare")
    slider = compare.get_by_role("slider")
    before, after = (side.locator("img:visible") for side in compare.locator(".compare__side").all())
    assert before.bounding_box() == after.bounding_box()

    slider.focus()
    expect(slider).to_have_accessible_name("Slide from before to after")
    for _ in range(10):
        phone.keyboard.press("ArrowRight")
    assert slider.input_value() == "60"
    expect(slider).to_have_attribute("aria-valuetext", "60 percent before, 40 percent after")
    assert (
        compare.locator(".compare__after .xray__stage--film").evaluate("(e) => getComputedStyle(e).clipPath")
        == "inset(0px 0px 0px 60%)"
    )
    phone.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "0 percent before, 100 percent after")


def test_before_and_after_change_to_drawings_together_and_part_again(phone: Page, served_site: ServedSite) -> None:
    visit(phone, served_site, "/kyphoplasty/")
    compare = phone.locator(".compare")
    compare.locator(".xray__pick--drawing").first.check()
    assert compare.locator(".xray__stage--twin:visible").count() == 2

    button = compare.get_by_role("button")
    button.click()
    expect(button).to_have_text("Show one over the other")
    expect(compare.get_by_role("slider")).to_be_hidden()
    before, after = (side.locator("img:visible").bounding_box() for side in compare.locator(".compare__side").all())
    assert before is not None
    assert after is not None
    assert before["y"] + before["height"] <= after["y"]


def test_before_and_after_stand_side_by_side_without_javascript_and_on_paper(
    browser: Browser, served_site: ServedSite
) -> None:
    for scripted in (False, True):
        with tab(browser, DESK, java_script_enabled=scripted) as page:
            if scripted:
                page.emulate_media(media="print")
            visit(page, served_site, "/kyphoplasty/")
            compare = page.locator(".compare")
            before, after = (side.bounding_box() for side in compare.locator(".compare__side").all())
            assert before is not None
            assert after is not None
            assert before["x"] + before["width"] <= after["x"]
            assert before["y"] == after["y"]
            assert not compare.get_by_role("slider").is_visible()


def test_series_goes_by_its_buttons_says_where_it_is_and_stops_at_the_end(phone: Page, served_site: ServedSite) -> None:
    visit(phone, served_site, "/the-procedure-in-x-ray-pictures/")
    series = phone.locator("[data-series]").first
    back, on = series.locator("[data-series-step]").all()
    count = series.locator("li.series__item").count()
    place = series.get_by_role("status")
    expect(place).to_have_text(f"Picture 1 of {count}")
    expect(back).to_have_attribute("aria-disabled", "true")

    for number in range(2, count + 1):
        on.click()
        expect(place).to_have_text(f"Picture {number} of {count}")
        expect(series.locator("li.series__item").nth(number - 1)).to_be_in_viewport()
    expect(on).to_have_attribute("aria-disabled", "true")
    expect(back).to_have_attribute("aria-disabled", "false")


def test_large_type_is_a_tick_that_needs_no_javascript_and_reaches_paper(
    browser: Browser, served_site: ServedSite
) -> None:
    with tab(browser, PHONE, java_script_enabled=False) as page:
        visit(page, served_site, "/kyphoplasty/")
        text = page.locator(".page__body > p").first

        def size() -> float:
            return float(text.evaluate("(e) => parseFloat(getComputedStyle(e).fontSize)"))

        usual = size()
        open_tools(page)
        page.locator("#large-type").check()
        assert size() >= 1.25 * usual
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]

        page.emulate_media(media="print")
        assert size() >= 18 * 96 / 72
        visit(page, served_site, "/recovery/")
        assert not page.locator("#large-type").is_checked()


def test_every_article_leads_to_its_plain_words_and_a_guide_to_its_booklet(
    phone: Page, served_site: ServedSite
) -> None:
    visit(phone, served_site, "/visits/kyphoplasty-consult/")
    open_tools(phone)
    links = [phone.evaluate("(e) => e.href", link.element_handle()) for link in phone.locator(".tools__link").all()]

    assert links == [f"{served_site.url}{BOOKLET}", f"{served_site.url}/visits/kyphoplasty-consult/plain.txt"]
    assert [phone.request.get(link).status for link in links] == [200, 200]


def test_a_booklet_has_one_title_a_list_of_its_parts_and_a_sheet_for_each(
    browser: Browser, served_site: ServedSite
) -> None:
    with tab(browser, DESK) as page:
        page.emulate_media(media="print")
        visit(page, served_site, BOOKLET)
        parts = page.locator(".booklet__part")
        named = page.locator(".booklet__link").evaluate_all("(all) => all.map((a) => [a.hash.slice(1), a.innerText])")

        assert page.locator("h1").count() == 1
        assert parts.count() >= 3
        assert named == parts.evaluate_all("(all) => all.map((e) => [e.id, e.querySelector('h2').innerText])")
        assert set(parts.evaluate_all("(all) => all.map((e) => getComputedStyle(e).breakBefore)")) == {"page"}
        assert page.locator(".contents:visible, .reading:visible, .next:visible, .button:visible").count() == 0
        dangling = page.evaluate(
            """() => [...document.querySelectorAll("[fill^=url], [mask], [marker-end]")]
              .flatMap((e) => ["fill", "mask", "marker-end"].map((name) => e.getAttribute(name)))
              .filter((value) => value?.startsWith("url(#") && !document.getElementById(value.slice(5, -1)))"""
        )
        assert dangling == []
        page.emulate_media(media="screen")
        page.locator(".booklet__part").nth(1).locator("a.term").first.click()
        expect(page.get_by_role("dialog")).to_have_count(1)


def test_pages_for_a_code_are_shown_as_reading_for_the_visit(phone: Page, served_site: ServedSite) -> None:
    query = "mainSearchCriteria.v.cs=2.16.840.1.113883.6.90&mainSearchCriteria.v.c=M80.08XA"
    visit(phone, served_site, f"/connect/application?{query}")

    expect(phone.locator("h1")).to_have_text("Reading for your visit")
    assert phone.locator(".results__link").count() >= 1
    assert "result" not in phone.locator("main").inner_text().casefold()
