"""Listening to a page: sentence by sentence, with a local voice and highlighting."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.public_helpers import open_tools, visit
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser

# A silent voice. ``spoken`` lists what it received; ``finish()`` ends the current sentence.
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
    """Make exactly these voices available in the browser."""
    page.add_init_script(f"({VOICE})({list(voices)!r})".replace("True", "true").replace("False", "false"))


@pytest.mark.parametrize("voices", [[], [HERE_SPANISH], [FAR_ENGLISH]], ids=["none", "other language", "far away"])
def test_listen_is_offered_only_with_a_local_voice_in_the_language(
    phone: Page, served_site: ServedSite, voices: list[dict[str, Any]]
) -> None:
    with_voices(phone, *voices)
    visit(phone, served_site, "/kyphoplasty/")
    open_tools(phone)

    expect(phone.locator("[data-print]")).to_be_visible()
    expect(phone.locator("[data-listen-start]")).to_be_hidden()
    expect(phone.locator(".reader-tools > summary")).to_have_text("Text options")


@pytest.mark.smoke
def test_listen_reads_and_highlights_sentence_by_sentence(phone: Page, served_site: ServedSite) -> None:
    with_voices(phone, FAR_ENGLISH, HERE_ENGLISH, HERE_SPANISH)
    visit(phone, served_site, "/kyphoplasty/")
    expect(phone.locator(".reader-tools > summary")).to_have_text("Text options")
    assert phone.locator("[data-listen][hidden]").count() == 0
    assert phone.evaluate("spoken") == []

    open_tools(phone)
    phone.locator("[data-listen-start]").click()
    assert phone.evaluate("spoken") == [["Kyphoplasty", "en", "Ann"]]
    assert phone.evaluate(HIGHLIGHTED) == ["Kyphoplasty"]

    phone.evaluate("finish()")
    message = phone.locator(".page__message").inner_text()
    first = message.partition(". ")[0].removesuffix(".") + "."
    assert phone.evaluate("spoken.at(-1)[0]") == first
    assert phone.evaluate(HIGHLIGHTED) == [first]


def test_listen_pauses_resumes_at_the_same_sentence_and_stops(phone: Page, served_site: ServedSite) -> None:
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
    expect(pause).to_have_text("Resume")
    assert phone.evaluate("isSilent()")
    pause.press("Enter")
    expect(pause).to_have_text("Pause")
    assert phone.evaluate("[spoken.length, spoken.at(-1)[0]]") == [3, before]

    stop.press("Enter")
    expect(bar).to_be_hidden()
    assert phone.evaluate("isSilent()")
    assert phone.evaluate(HIGHLIGHTED) == []
    expect(phone.locator(".reader-tools > summary")).to_be_focused()


def test_listen_skips_source_numbers_and_collapsed_content(phone: Page, served_site: ServedSite) -> None:
    with_voices(phone, HERE_ENGLISH)
    visit(phone, served_site, "/kyphoplasty/")
    folded = phone.locator(".figure__description p").first.text_content()
    open_tools(phone)
    phone.locator("[data-listen-start]").click()
    phone.evaluate("() => { while (!isSilent() && spoken.length < 600) finish(); }")
    read = [sentence for sentence, _, _ in phone.evaluate("spoken")]

    assert len(read) > 60
    assert folded not in read
    assert [sentence for sentence in read if not re.search("[A-Za-z]", sentence) or sentence == "Sources"] == []
    expect(phone.locator("[data-listen-bar]")).to_be_hidden()


def test_listen_uses_a_voice_in_the_page_language(phone: Page, served_site: ServedSite) -> None:
    with_voices(phone, HERE_ENGLISH, HERE_SPANISH)
    visit(phone, served_site, "/es/cifoplastia/")
    open_tools(phone)
    phone.locator("[data-listen-start]").click()

    assert phone.evaluate("spoken") == [["Cifoplastia", "es", "Eva"]]
