"""The preview next to the text: dark mode, large type, print, scrolling, outline, and suggestions."""

from typing import Any

import pytest
from playwright.sync_api import expect

from procedures.models import Page
from tests.admin.conftest import change_url
from tests.browser.public_helpers import wait_until
from tests.browser.staff_helpers import StaffTab, make_draft_with_references, show_panel

INK, PAPER = "rgb(32, 27, 20)", "rgb(246, 238, 223)"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def row(transactional_db: None) -> Page:
    """A draft with terms and answers that rendering has to look up."""
    return make_draft_with_references()


def inside(tab: StaffTab, script: str) -> Any:
    return tab.page.evaluate(
        f"(() => {{ const doc = document.querySelector('[data-stage] iframe').contentDocument; return {script}; }})()"
    )


COLOR = "getComputedStyle(doc.body).color"
FONT_SIZE = "parseFloat(getComputedStyle(doc.querySelector('.page__body p')).fontSize)"
HEADER_DISPLAY = "getComputedStyle(doc.querySelector('header')).display"


def test_the_preview_shows_dark_mode_and_large_type(tab: StaffTab) -> None:
    wait_until(tab.page, "document.querySelector('[data-stage] iframe').contentDocument.readyState === 'complete'")
    tab.page.wait_for_timeout(300)
    default_color, default_size = inside(tab, f"[{COLOR}, {FONT_SIZE}]")
    dark_button = tab.page.get_by_role("button", name="Dark", exact=True)

    dark_button.click()
    tab.page.wait_for_timeout(300)
    dark_color = inside(tab, COLOR)
    dark_button.click()
    tab.page.wait_for_timeout(300)
    light_color = inside(tab, COLOR)
    tab.page.get_by_role("button", name="Large type").click()

    assert (default_color, dark_color, light_color) == (INK, PAPER, INK)
    assert inside(tab, FONT_SIZE) > default_size * 1.2
    assert tab.complaints == []


def test_the_preview_shows_light_mode_on_a_computer_in_dark_mode(tab: StaffTab, row: Page) -> None:
    tab.page.emulate_media(color_scheme="dark")
    tab.edit(change_url(row))
    dark_button = tab.page.get_by_role("button", name="Dark", exact=True)
    expect(dark_button).to_have_attribute("aria-pressed", "true")
    tab.page.wait_for_timeout(300)
    first = inside(tab, COLOR)

    dark_button.click()
    tab.page.wait_for_timeout(300)

    assert (first, inside(tab, COLOR)) == (PAPER, INK)


def test_print_opens_the_print_preview_of_only_the_page(tab: StaffTab) -> None:
    tab.page.get_by_role("button", name="Dark", exact=True).click()
    tab.page.evaluate(
        """window.printed = []; document.querySelector("[data-stage] iframe").contentWindow.addEventListener(
             "beforeprint", (event) => window.printed.push(event.target.document.querySelector("h1").textContent))"""
    )

    tab.page.get_by_role("button", name="Print…").click()
    wait_until(tab.page, "window.printed.length === 1")
    tab.page.emulate_media(media="print")

    assert tab.page.evaluate("window.printed") == ["Small cut"]
    assert inside(tab, f"[{COLOR}, {HEADER_DISPLAY}]") == ["rgb(0, 0, 0)", "none"]


def test_long_sentences_are_highlighted_in_the_preview(tab: StaffTab) -> None:
    long = "We look at the bone and at the skin and at the legs and at the arms and then we talk with you again."
    tab.page.locator("#id_body").fill(f"Short one.\n\n{long} And short.\n")
    expect(tab.page.frame_locator("[data-stage] iframe").locator("article")).to_contain_text("And short.")

    tab.page.get_by_role("button", name="Long sentences").click()

    marked = inside(tab, "[...doc.defaultView.CSS.highlights.get('long')].map((range) => range.toString())")
    assert marked == [long]


def test_text_and_preview_scroll_together(tab: StaffTab) -> None:
    sections = "\n\n".join(f"## Part {number}\n" + "Some words that fill the line. " * 30 for number in range(12))
    tab.page.locator("#id_body").fill(sections)
    expect(tab.page.frame_locator("[data-stage] iframe").locator("article")).to_contain_text("Part 11")
    first_shown = (
        "[...doc.querySelectorAll('h2')].filter((h) => h.getBoundingClientRect().top < 150).at(-1)?.textContent"
    )

    tab.page.locator("#id_body").hover()
    tab.page.mouse.wheel(0, 1800)
    tab.page.wait_for_timeout(300)
    shown = inside(tab, first_shown)
    line = tab.page.evaluate(
        "(() => { const f = document.querySelector('#id_body'); const share = f.scrollTop / f.scrollHeight;"
        " return Math.floor(share * 12); })()"
    )
    tab.page.evaluate("document.querySelector('#id_body').dispatchEvent(new WheelEvent('wheel'))")
    tab.page.evaluate("document.querySelector('#id_body').scrollTop = 1e6")
    tab.page.wait_for_timeout(300)
    rest = inside(
        tab, "doc.scrollingElement.scrollHeight - doc.scrollingElement.clientHeight - doc.scrollingElement.scrollTop"
    )

    assert abs(int(shown.removeprefix("Part ")) - line) <= 1
    assert rest < 2


def test_width_can_be_changed_by_keyboard_and_is_remembered(tab: StaffTab, row: Page) -> None:
    line = tab.page.get_by_role("separator")
    before = tab.page.locator("#id_body").bounding_box()

    line.focus()
    for _ in range(5):
        tab.page.keyboard.press("ArrowRight")
    after = tab.page.locator("#id_body").bounding_box()
    tab.edit(change_url(row))

    assert before and after and after["width"] > before["width"] + 80
    assert tab.page.get_by_role("separator").get_attribute("aria-valuenow") == "70"


def test_outline_jumps_to_a_heading(tab: StaffTab) -> None:
    tab.page.locator("[data-outline] summary").click()

    tab.page.locator("[data-outline]").get_by_role("button", name="When to call").click()

    chosen = tab.page.evaluate(
        "(() => { const f = document.activeElement; return f.value.slice(f.selectionStart, f.selectionEnd); })()"
    )
    assert chosen == "## When to call {#when-to-call}"


def test_outline_shows_headings_without_their_attributes(tab: StaffTab) -> None:
    tab.page.locator("#id_body").fill("## One {#one}\n\n## Two {#two .folded}\n\n### Three\n")
    tab.page.locator("[data-outline] summary").click()

    expect(tab.page.locator("[data-outline]").get_by_role("button")).to_have_text(["One", "Two", "Three"])


def test_suggestions_jump_to_their_line_or_field(tab: StaffTab) -> None:
    show_panel(tab, "problems")
    tab.page.locator("#id_title").fill("")
    tab.page.locator("#id_body").fill(f"{tab.text}\nAbout 30 of them feel better.\n")
    better = tab.page.locator("[data-suggestions]")
    expect(better).to_be_visible()
    better.locator("summary").click()

    tab.page.locator("[data-problems] li", has_text="Add a title.").get_by_role("button").click()
    focused = tab.page.evaluate("document.activeElement.id")

    assert focused == "id_title"
    assert "Add a source for the number “30" in better.inner_text()
    assert "This page has no Español translation yet." in better.inner_text()


def test_typing_in_a_long_page_never_blocks(tab: StaffTab) -> None:
    words = "\n\n".join(
        f"## Part {n}\n\n" + "We look after you and after your back bone here. " * 15 for n in range(10)
    )
    tab.page.locator("#id_body").fill(words)
    expect(tab.page.frame_locator("[data-stage] iframe").locator("article")).to_contain_text("Part 9")
    tab.page.evaluate(
        """window.slow = []; document.querySelector("#id_body").addEventListener("keydown", () => {
             const begun = performance.now(); setTimeout(() => window.slow.push(performance.now() - begun)); })"""
    )
    tab.page.locator("#id_body").press("Control+Home")

    tab.page.keyboard.type("These words come in one after the other while the preview follows. " * 2, delay=25)
    tab.page.wait_for_timeout(1200)

    delays = sorted(tab.page.evaluate("window.slow"))
    # Half of the keys are fast even if many tests share two cores. tests/bench/bench_typing.py measures all of them.
    assert delays[len(delays) // 2] < 50
