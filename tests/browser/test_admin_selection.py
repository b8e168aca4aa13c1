"""The toolbar at selected words, and the handle that drags a block."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, ViewportSize, expect

from portal.accounts.models import User
from procedures.models import Page
from tests.admin.conftest import change_url
from tests.browser.public_helpers import AXE, DESKTOP
from tests.browser.staff_helpers import (
    AXE_FINDINGS,
    COLOR_SCHEMES,
    StaffTab,
    make_draft_with_references,
    open_staff_tab,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LAPTOP: ViewportSize = {"width": 1366, "height": 768}
# Markdown that is written in other ways than the editor would write it.
TEXT = "First   line\nof one.\n\n::: figure balloon\n\n* one\n* two\n\nLast *words* here.\n"
# Returns the rectangles of the selected words.
SELECTED = """() => {
  const root = document.querySelector("[data-visual-text]").shadowRoot;
  return [...root.getSelection().getRangeAt(0).getClientRects()].map(({ x, y, width, height }) => ({ x, y, width, height }));
}"""


@pytest.fixture
def row(transactional_db: None) -> Page:
    row = make_draft_with_references()
    Page.objects.filter(pk=row.pk).update(body=TEXT)
    return row


@pytest.fixture
def tab(row: Page, browser: Browser, live_server: Any, editor: User) -> Iterator[StaffTab]:
    """The form of the draft on a laptop."""
    with open_staff_tab(browser, live_server.url, LAPTOP) as made:
        made.sign_in(editor, mode="visual")
        made.edit(change_url(row))
        expect(text(made).locator("figure img")).to_be_visible()
        yield made
        assert made.complaints == []


def text(tab: StaffTab) -> Locator:
    return tab.page.locator("[data-visual-text] .ProseMirror")


def bar(tab: StaffTab) -> Locator:
    return tab.page.get_by_role("toolbar", name="Selected words")


def line(tab: StaffTab) -> Locator:
    return tab.page.locator("[data-visual-text] .drop-line")


def handle(tab: StaffTab) -> Locator:
    return tab.page.locator("[data-visual-text] .drag-handle")


def select_words(tab: StaffTab, words: str) -> None:
    """Put the caret after the words, and extend it back over them with the keyboard."""
    tab.page.evaluate(
        """(words) => {
          const { visualEditor } = document.querySelector("[data-editor]");
          const [found] = visualEditor.find(words);
          visualEditor.select({ from: found.to, to: found.to });
        }""",
        words,
    )
    for _ in words:
        tab.page.keyboard.press("Shift+ArrowLeft")


def box_of(part: Locator) -> FloatRect:
    box = part.bounding_box()
    assert box
    return box


def last(tab: StaffTab) -> Locator:
    return text(tab).locator("> p").filter(has_text="Last")


def grab(tab: StaffTab, block: Locator) -> None:
    """Point at a block, and press the mouse button on its handle."""
    block.hover(position={"x": 40, "y": 10})
    box = box_of(handle(tab))
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.page.mouse.down()


def drag_to(tab: StaffTab, block: Locator, *, above: bool) -> None:
    box = box_of(block)
    tab.page.mouse.move(box["x"] + 60, box["y"] + (4 if above else box["height"] - 4), steps=6)


# ── Selected words ──


def test_selected_words_get_a_toolbar_that_leaves_the_focus_in_the_text(tab: StaffTab) -> None:
    select_words(tab, "words")
    expect(bar(tab)).to_be_visible()
    expect(text(tab)).to_be_focused()
    expect(bar(tab).get_by_role("button", name="Italic")).to_have_attribute("aria-pressed", "true")
    bar(tab).get_by_role("button", name="Bold").click()
    expect(text(tab)).to_be_focused()
    expect(bar(tab).get_by_role("button", name="Bold")).to_have_attribute("aria-pressed", "true")
    bold = tab.text
    bar(tab).get_by_role("button", name="Heading").click()
    heading = tab.text
    bar(tab).get_by_role("button", name="Heading").click()
    tab.page.keyboard.press("ArrowRight")

    assert bold == TEXT.replace("*words*", "***words***")
    assert heading == bold.replace("Last ", "## Last ")
    assert tab.text == bold
    expect(bar(tab)).to_be_hidden()


def test_the_toolbar_is_reached_and_left_from_the_keyboard(tab: StaffTab) -> None:
    select_words(tab, "here")
    tab.page.keyboard.press("Alt+F10")
    expect(bar(tab).get_by_role("button", name="Bold")).to_be_focused()
    tab.page.keyboard.press("ArrowRight")
    expect(bar(tab).get_by_role("button", name="Italic")).to_be_focused()
    tab.page.keyboard.press("Enter")
    assert tab.text == TEXT.replace("*words* here", "*words* *here*")
    expect(text(tab)).to_be_focused()

    tab.page.keyboard.press("Tab")
    expect(bar(tab).get_by_role("button", name="Italic")).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(bar(tab)).to_be_hidden()
    expect(text(tab)).to_be_focused()
    tab.page.keyboard.press("Alt+F10")
    expect(tab.page.locator("[data-visual-bar] :focus")).to_have_count(1)

    select_words(tab, "Last")
    expect(bar(tab)).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(bar(tab)).to_be_hidden()
    expect(text(tab)).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(text(tab)).to_be_focused()
    tab.page.keyboard.press("F6")
    expect(text(tab)).not_to_be_focused()


def test_the_link_button_opens_the_dialog_for_the_selected_words(tab: StaffTab) -> None:
    select_words(tab, "here")
    bar(tab).get_by_role("button", name="Link").click()
    dialog = tab.page.get_by_role("dialog", name="Link to a page")
    dialog.get_by_label("Search our pages").fill("https://example.com/")
    dialog.get_by_role("button", name="Insert").click()

    assert tab.text == TEXT.replace("here", "[here](https://example.com/)")


@pytest.mark.parametrize("width", [320, 390, 1366, 1920])
def test_the_toolbar_never_covers_the_selected_words_and_fits(tab: StaffTab, width: int) -> None:
    tab.page.set_viewport_size({"width": width, "height": 768})
    found = {}
    for words in ("First", "line of one", "two", "here"):
        select_words(tab, words)
        expect(bar(tab)).to_be_visible()
        box = box_of(bar(tab))
        rows = tab.page.evaluate(SELECTED)
        is_over = any(
            box["x"] < one["x"] + one["width"]
            and one["x"] < box["x"] + box["width"]
            and box["y"] < one["y"] + one["height"]
            and one["y"] < box["y"] + box["height"]
            for one in rows
        )
        is_outside = box["x"] < 0 or box["x"] + box["width"] > width
        targets = [box_of(one) for one in bar(tab).get_by_role("button").all()]
        is_small = any(min(one["width"], one["height"]) < 44 for one in targets)
        if not rows or is_over or is_outside or is_small:
            found[words] = box, rows

    assert found == {}
    assert tab.page.evaluate("document.documentElement.scrollWidth") == width


def test_the_toolbar_is_not_shown_where_it_would_be_in_the_way(tab: StaffTab) -> None:
    select_words(tab, "here")
    expect(bar(tab)).to_be_visible()
    # A caret.
    tab.page.keyboard.press("ArrowRight")
    expect(bar(tab)).to_be_hidden()
    # Another field.
    select_words(tab, "here")
    tab.page.locator("#id_title").focus()
    expect(bar(tab)).to_be_hidden()
    # A block.
    text(tab).locator("figure").click()
    expect(tab.page.locator("[data-visual-context]")).to_contain_text("Picture")
    expect(bar(tab)).to_be_hidden()
    # While the mouse selects.
    last(tab).scroll_into_view_if_needed()
    box = box_of(last(tab))
    tab.page.mouse.move(box["x"] + 5, box["y"] + 10)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + 90, box["y"] + 10, steps=4)
    expect(bar(tab)).to_be_hidden()
    tab.page.mouse.up()
    expect(bar(tab)).to_be_visible()


def test_words_selected_by_touch_have_the_menu_of_the_system_only(
    browser: Browser, live_server: Any, row: Page, editor: User
) -> None:
    with open_staff_tab(browser, live_server.url, {"width": 390, "height": 844}, has_touch=True, is_mobile=True) as tab:
        tab.sign_in(editor, mode="visual")
        tab.edit(change_url(row))
        last(tab).tap()
        tab.page.evaluate(
            """() => {
              const { visualEditor } = document.querySelector("[data-editor]");
              visualEditor.select(visualEditor.find("here")[0]);
            }"""
        )
        tab.page.wait_for_timeout(300)
        expect(bar(tab)).to_be_hidden()
        tab.page.keyboard.press("Shift+ArrowLeft")
        expect(bar(tab)).to_be_visible()


def test_axe_finds_nothing_in_the_toolbar(browser: Browser, live_server: Any, row: Page, editor: User) -> None:
    found = {}
    with open_staff_tab(browser, live_server.url, DESKTOP, bypass_csp=True) as tab:
        tab.sign_in(editor, mode="visual")
        tab.edit(change_url(row))
        tab.page.evaluate(AXE)
        select_words(tab, "words")
        expect(bar(tab)).to_be_visible()
        for scheme in COLOR_SCHEMES:
            tab.page.emulate_media(color_scheme=scheme)
            found[scheme] = tab.page.evaluate(AXE_FINDINGS)

    assert found == {"light": [], "dark": []}


# ── Dragging a block ──


def test_a_dragged_block_moves_to_the_line_and_every_block_keeps_its_markdown(tab: StaffTab) -> None:
    first = text(tab).locator("> p").first
    grab(tab, text(tab).locator(".card"))
    expect(line(tab)).to_be_hidden()
    drag_to(tab, first, above=True)
    expect(line(tab)).to_be_visible()
    assert box_of(line(tab))["y"] < box_of(first)["y"] + 4
    tab.page.mouse.up()
    expect(line(tab)).to_be_hidden()
    top = tab.text
    grab(tab, text(tab).locator("> ul"))
    drag_to(tab, last(tab), above=False)
    tab.page.mouse.up()
    end = tab.text
    tab.page.keyboard.press("Control+z")
    tab.page.keyboard.press("Control+z")

    assert top == "::: figure balloon\n\nFirst   line\nof one.\n\n* one\n* two\n\nLast *words* here.\n"
    assert end == "::: figure balloon\n\nFirst   line\nof one.\n\nLast *words* here.\n\n* one\n* two\n"
    assert tab.text == TEXT


def test_escape_or_the_same_place_leaves_the_text_as_it_is(tab: StaffTab) -> None:
    grab(tab, text(tab).locator("> ul"))
    drag_to(tab, last(tab), above=False)
    expect(line(tab)).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(line(tab)).to_be_hidden()
    tab.page.mouse.up()
    assert tab.text == TEXT

    grab(tab, text(tab).locator("> ul"))
    drag_to(tab, last(tab), above=True)
    expect(line(tab)).to_be_hidden()
    tab.page.mouse.up()
    assert tab.text == TEXT


def test_a_click_on_the_handle_selects_the_block_whose_buttons_and_keys_move_it(tab: StaffTab) -> None:
    grab(tab, last(tab))
    tab.page.mouse.up()
    context = tab.page.locator("[data-visual-context]")
    expect(context).to_contain_text("Paragraph")
    context.get_by_role("button", name="Move up").click()
    button = tab.text
    tab.page.keyboard.press("Alt+Shift+ArrowUp")

    assert button == "First   line\nof one.\n\n::: figure balloon\n\nLast *words* here.\n\n* one\n* two\n"
    assert tab.text == "First   line\nof one.\n\nLast *words* here.\n\n::: figure balloon\n\n* one\n* two\n"


def test_dragging_near_the_edge_scrolls_the_text(tab: StaffTab, row: Page) -> None:
    tab.page.evaluate(
        """(text) => {
          const field = document.querySelector("#id_body");
          field.value = text;
          field.dispatchEvent(new Event("input", {bubbles: true}));
        }""",
        "".join(f"Paragraph {number}.\n\n" for number in range(60)) + "The end.\n",
    )
    scroller = tab.page.locator("[data-visual-text]")
    grab(tab, text(tab).get_by_text("Paragraph 0."))
    frame = box_of(scroller)
    tab.page.mouse.move(frame["x"] + 200, frame["y"] + frame["height"] - 10, steps=6)
    tab.page.wait_for_function(
        "() => { const one = document.querySelector('[data-visual-text]'); return one.scrollTop + one.clientHeight > one.scrollHeight - 4; }"
    )
    tab.page.mouse.up()

    assert tab.text.startswith("Paragraph 1.")
    assert tab.text.endswith("The end.\n\nParagraph 0.\n")


def test_a_narrow_column_has_no_handle(tab: StaffTab) -> None:
    text(tab).locator("> ul").hover()
    expect(handle(tab)).to_be_visible()
    tab.page.set_viewport_size({"width": 390, "height": 768})
    text(tab).locator("> ul").hover()
    expect(handle(tab)).to_be_hidden()
