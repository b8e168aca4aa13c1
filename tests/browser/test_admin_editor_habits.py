"""Habits from Word in the visual editor: undo, double clicks, keys that leave the text, paging, and clicks on pictures."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from portal.accounts.models import User
from procedures.models import Page
from tests.admin.conftest import change_url
from tests.browser.public_helpers import DESKTOP
from tests.browser.staff_helpers import StaffTab, make_draft_with_references, open_visual_tab
from tests.browser.test_admin_visual_editor import api, body, put_cursor_after, select, write
from tests.factories import make_source

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# The DOM selection in the shadow tree of the text: the name of the block with it, and whether it is empty.
SELECTION = """() => {
  const { anchorNode, isCollapsed } = document.querySelector("[data-visual-text]").shadowRoot.getSelection();
  const block = anchorNode.nodeType === 1 ? anchorNode : anchorNode.parentElement;
  return [block.closest("p, .card, .ProseMirror")?.nodeName, isCollapsed];
}"""
PASTE = """(html) => {
  const data = new DataTransfer();
  data.setData("text/html", html);
  data.setData("text/plain", "words");
  const text = document.querySelector("[data-visual-text]").shadowRoot.querySelector(".ProseMirror");
  text.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def row(transactional_db: None) -> Page:
    return make_draft_with_references()


@pytest.fixture
def tab(row: Page, browser: Browser, live_server: Any, editor: User) -> Iterator[StaffTab]:
    """The form of the draft in the visual editor."""
    with open_visual_tab(browser, live_server.url, DESKTOP, editor) as made:
        made.edit(change_url(row))
        expect(body(made)).to_be_visible()
        yield made


def double_click(tab: StaffTab, name: str, *, pause: int) -> None:
    """Click twice in the same place, with a pause in milliseconds, whatever is there at the second click."""
    box = tab.page.locator("[data-visual-context]").get_by_role("button", name=name, exact=True).bounding_box()
    assert box
    place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.page.mouse.click(*place)
    tab.page.wait_for_timeout(pause)
    tab.page.mouse.click(*place)


def test_undo_outside_a_text_field_undoes_in_the_text_and_never_in_the_title(tab: StaffTab) -> None:
    title = tab.page.locator("#id_title")
    title.click()
    tab.page.keyboard.press("End")
    tab.page.keyboard.type(" new")
    named = title.input_value()
    write(tab, "Start.\n")
    put_cursor_after(tab, "Start.")
    tab.page.evaluate(PASTE, '<p><span style="color: red">words</span> <b>bold</b></p>')
    assert "**bold**" in tab.text
    tab.page.locator("[data-pasted] summary").click()
    tab.page.keyboard.press("Control+z")
    assert "bold" not in tab.text
    tab.page.keyboard.press("Control+y")
    assert "**bold**" in tab.text
    body(tab).click()
    for _ in range(6):
        tab.page.keyboard.press("Control+z")
    assert title.input_value() == named


@pytest.mark.parametrize("pause", [0, 180])
def test_a_double_click_on_table_inserts_one_whole_table(tab: StaffTab, pause: int) -> None:
    write(tab, "Start.\n")
    put_cursor_after(tab, "Start.")
    double_click(tab, "Table", pause=pause)
    tab.page.wait_for_timeout(100)
    expect(body(tab).locator("table")).to_have_count(1)
    expect(body(tab).locator("table th")).to_have_count(3)
    # The buttons that took its place work afterward.
    tab.page.wait_for_timeout(600)
    tab.page.get_by_role("button", name="Delete column").click()
    expect(body(tab).locator("table th")).to_have_count(2)


def test_escape_stays_in_the_text_and_f6_leaves_it(tab: StaffTab) -> None:
    write(tab, "Hello\n")
    put_cursor_after(tab, "Hello")
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.type(" and more")
    assert tab.text == "Hello and more\n"
    tab.page.keyboard.press("F6")
    expect(body(tab)).not_to_be_focused()
    expect(tab.page.locator("[data-visual-context] button:focus")).to_have_count(1)


def test_page_down_and_page_up_skip_no_line(tab: StaffTab) -> None:
    write(tab, "".join(f"Paragraph {number} is here.\n\n" for number in range(80)))
    host = tab.page.locator("[data-visual-text]")
    put_cursor_after(tab, "Paragraph 20")
    tops = [host.evaluate("(host) => host.scrollTop")]
    for key in ("PageDown", "PageDown", "PageUp"):
        tab.page.keyboard.press(key)
        tab.page.wait_for_timeout(100)
        tops.append(host.evaluate("(host) => host.scrollTop"))
    seen = host.evaluate("(host) => host.clientHeight")
    steps = [after - before for before, after in pairwise(tops)]
    assert all(seen / 2 < abs(step) < seen - 20 for step in steps), (steps, seen)
    assert steps[0] == pytest.approx(steps[1], abs=2) == pytest.approx(-steps[2], abs=2)
    tab.page.keyboard.type("Here ")
    lines = tab.text.split("\n\n")
    assert 21 < next(at for at, line in enumerate(lines) if "Here " in line) < 60
    for _ in range(12):
        tab.page.keyboard.press("PageDown")
    tab.page.keyboard.type("End")
    assert tab.text.rstrip().endswith("End")


def test_the_caret_is_in_the_line_below_a_picture_after_enter_or_a_click(tab: StaffTab) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for way in ("Enter", "click"):
        write(tab, "Start.\n")
        put_cursor_after(tab, "Start.")
        tab.page.get_by_role("button", name="Picture", exact=True).click()
        tab.page.get_by_role("dialog").locator("label.choice-list__row").first.click()
        card = body(tab).locator(".card")
        expect(card).to_contain_class("is-selected")
        if way == "Enter":
            tab.page.keyboard.press("Enter")
        else:
            tab.page.wait_for_timeout(700)
            body(tab).locator("> p").last.click()
        expect(card).not_to_contain_class("is-selected")
        tab.page.wait_for_timeout(200)
        assert tab.page.evaluate(SELECTION) == ["P", True]
        tab.page.evaluate("navigator.clipboard.writeText('before')")
        tab.page.keyboard.press("Control+c")
        assert tab.page.evaluate("navigator.clipboard.readText()") == "before"
        tab.page.keyboard.type("On.")
        assert tab.text.startswith("Start.\n\n::: figure ")
        assert tab.text.endswith("\n\nOn.\n")


def test_undo_takes_back_a_sentence_at_a_time(tab: StaffTab) -> None:
    write(tab, "Start.\n")
    put_cursor_after(tab, "Start.")
    tab.page.keyboard.type(" One is here. Two is there.")
    tab.page.keyboard.press("Control+z")
    assert tab.text.rstrip() == "Start. One is here."
    tab.page.keyboard.press("Control+z")
    assert tab.text == "Start.\n"
    tab.page.keyboard.type(" word" * 45)
    tab.page.keyboard.press("Control+z")
    assert 15 < tab.text.count("word") < 45


def test_bold_on_a_partly_bold_selection_makes_all_of_it_bold_first(tab: StaffTab) -> None:
    write(tab, "One **two** three.\n")
    select(tab, "One two three.")
    bold = tab.page.locator("[data-visual-bar]").get_by_role("button", name="Bold")
    expect(bold).to_have_attribute("aria-pressed", "false")
    tab.page.keyboard.press("Control+b")
    assert tab.text == "**One two three.**\n"
    expect(bold).to_have_attribute("aria-pressed", "true")
    tab.page.keyboard.press("Control+b")
    assert tab.text == "One two three.\n"


def test_the_style_menu_works_on_all_of_the_text_and_headings_keep_their_anchors(tab: StaffTab) -> None:
    write(tab, "One.\n\n### Two {#two}\n")
    body(tab).click()
    tab.page.keyboard.press("Control+a")
    style = tab.page.get_by_label("Paragraph style")
    expect(style).to_be_enabled()
    style.select_option(label="Heading")
    assert tab.text == "## One.\n\n## Two {#two}\n"


def test_the_list_button_makes_all_of_the_text_a_list_without_an_empty_item(tab: StaffTab) -> None:
    write(tab, "One.\n\nTwo.\n")
    put_cursor_after(tab, "Two.")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.press("Control+a")
    tab.page.keyboard.press("Control+Shift+8")
    assert tab.text == "- One.\n- Two.\n"


def test_no_search_opens_over_a_dialog_and_escape_closes_it(tab: StaffTab) -> None:
    write(tab, "Start.\n")
    put_cursor_after(tab, "Start.")
    tab.page.keyboard.press("Control+k")
    window = tab.page.get_by_role("dialog", name="Link to a page")
    expect(window).to_be_visible()
    tab.page.keyboard.type("bone")
    tab.page.keyboard.press("Control+k")
    expect(tab.page.locator("dialog[open]")).to_have_count(1)
    tab.page.keyboard.press("Escape")
    expect(window).to_be_hidden()
    expect(body(tab)).to_be_focused()


@pytest.mark.parametrize("address", ["www.cdc.gov/bone test", "https://exa mple.org"])
def test_an_address_with_a_space_is_refused(tab: StaffTab, address: str) -> None:
    write(tab, "Start.\n")
    put_cursor_after(tab, "Start.")
    tab.page.keyboard.press("Control+k")
    tab.page.keyboard.type(address)
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator("dialog[open] [data-count]")).to_contain_text("cannot contain a space")
    assert tab.text == "Start.\n"


def test_a_pasted_address_with_a_space_is_reported(tab: StaffTab) -> None:
    write(tab, "Start.\n")
    put_cursor_after(tab, "Start.")
    tab.page.evaluate(PASTE, '<p>See <a href="https://exa mple.org">this page</a>.</p>')
    tab.page.locator("[data-pasted] summary").click()
    expect(tab.page.locator("[data-pasted] [data-kind=space]")).to_contain_text("this page (https://exa mple.org)")
    assert api(tab, "mode") == "visual"


def test_arrows_choose_from_the_search_field_and_a_second_click_inserts_a_link(tab: StaffTab) -> None:
    make_source("who", title="Another guide")
    write(tab, "Start.\n")
    put_cursor_after(tab, "Start.")
    tab.page.keyboard.press("Control+Alt+f")
    window = tab.page.locator("dialog[open]")
    expect(window.locator("label.choice-list__row")).to_have_count(2)
    tab.page.keyboard.press("ArrowDown")
    tab.page.keyboard.press("ArrowDown")
    last = window.locator("label.choice-list__row").last
    expect(last.get_by_role("radio")).to_be_checked()
    expect(window.get_by_label("Search")).to_be_focused()
    expect(window.locator("[data-count]")).to_contain_text("Press Enter to choose")
    key = last.get_by_role("radio").get_attribute("value")
    tab.page.keyboard.press("Enter")
    assert tab.text == f"Start. [@{key}]\n"

    tab.page.keyboard.press("Control+k")
    page = window.locator("label.choice-list__row").first
    page.click()
    expect(window).to_be_visible()
    page.click()
    expect(window).to_be_hidden()
    assert "(page:" in tab.text


def test_a_search_without_results_offers_a_new_source_to_those_who_may_add_one(tab: StaffTab) -> None:
    body(tab).click()
    tab.page.keyboard.press("Control+Alt+f")
    window = tab.page.locator("dialog[open]")
    tab.page.keyboard.type("zzzz")
    expect(window.locator("[data-count]")).to_have_text("No results. Try fewer or other words.")
    link = window.get_by_role("link", name="Add one (opens in a new tab)")
    expect(link).to_have_attribute("href", "/admin/procedures/source/add/")
    window.get_by_label("Search").fill("guide")
    expect(link).to_have_count(0)


def test_a_click_on_an_underlined_problem_shows_its_message_and_its_fix(tab: StaffTab) -> None:
    write(tab, "One.\n\nREST WELL AT HOME TODAY.\n")
    mark = body(tab).locator(".suggestion, .problem")
    expect(mark).to_have_text("REST WELL AT HOME TODAY")
    mark.click()
    line = tab.page.locator("[data-visual-context]")
    expect(line).to_contain_text("Words in capitals are hard to read")
    tab.page.keyboard.press("Control+Home")
    expect(line).not_to_contain_text("Words in capitals")
    tab.page.wait_for_timeout(600)  # not a double click
    mark.click()
    line.get_by_role("button", name="Use small letters").click()
    expect(tab.page.locator("#id_body")).to_have_value("One.\n\nRest well at home today.\n")
    expect(line).not_to_contain_text("Words in capitals")


def test_a_double_click_on_save_draft_opens_no_menu(tab: StaffTab) -> None:
    write(tab, "Start again.\n")
    box = tab.page.locator("[data-save]").bounding_box()
    assert box
    place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.page.mouse.click(*place)
    tab.page.wait_for_timeout(250)
    tab.page.mouse.click(*place)
    expect(tab.page.locator("[data-save]")).to_be_hidden()
    expect(tab.page.locator("[data-menu][open], dialog[open]")).to_have_count(0)


def palette(tab: StaffTab) -> Locator:
    return tab.page.get_by_role("combobox", name="Search blocks")


@pytest.mark.parametrize("typed", ["Walk / rest more.", "Walk / now", "/ rest", "Tea / table for two"])
def test_words_after_a_slash_are_in_the_text_at_every_key(tab: StaffTab, typed: str) -> None:
    write(tab, "Start.\n")
    put_cursor_after(tab, "Start.")
    tab.page.keyboard.press("Enter")
    for at, key in enumerate(typed, 1):
        tab.page.keyboard.type(key)
        assert tab.text.rstrip() == f"Start.\n\n{typed[:at]}".rstrip()
    tab.page.keyboard.press("Enter")
    expect(palette(tab)).to_be_hidden()
    tab.page.keyboard.type("On.")
    assert tab.text == f"Start.\n\n{typed}\n\nOn.\n"
    for _ in range(12):
        if tab.text == "Start.\n":
            break
        tab.page.keyboard.press("Control+z")
        assert f"Start.\n\n{typed}\n\nOn.\n".startswith(tab.text.rstrip())
    assert tab.text == "Start.\n"


def test_a_slash_in_a_sentence_inserts_a_block_only_if_it_is_chosen(tab: StaffTab) -> None:
    write(tab, "Drink tea\n")
    put_cursor_after(tab, "tea")
    tab.page.keyboard.type(" / table")
    expect(palette(tab)).to_be_focused()
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.type("Rest")
    assert tab.text == "Drink tea / table\n\nRest\n"
    tab.page.keyboard.type(" /table")
    tab.page.keyboard.press("ArrowDown")
    tab.page.keyboard.press("Enter")
    expect(body(tab).locator("table")).to_have_count(1)
    assert tab.text.startswith("Drink tea / table\n\nRest\n\n|")
    tab.page.keyboard.press("Control+z")
    assert tab.text.rstrip() == "Drink tea / table\n\nRest"


def test_a_save_with_the_insert_list_open_keeps_the_words(tab: StaffTab, row: Page) -> None:
    write(tab, "Start.\n")
    put_cursor_after(tab, "Start.")
    tab.page.keyboard.type(" Walk / li")
    expect(palette(tab)).to_be_focused()
    tab.page.keyboard.press("Control+s")
    expect(tab.page.locator("[data-save-status=saved]")).to_be_attached()
    row.refresh_from_db()
    assert row.body == "Start. Walk / li\n"
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.type("ft.")
    assert tab.text == "Start. Walk / lift.\n"


def test_backspace_takes_the_slash_away(tab: StaffTab) -> None:
    write(tab, "Start.\n")
    put_cursor_after(tab, "Start.")
    tab.page.keyboard.type(" /x")
    tab.page.keyboard.press("Backspace")
    tab.page.keyboard.type("/l")
    for _ in range(2):
        tab.page.keyboard.press("Backspace")
    expect(palette(tab)).to_be_hidden()
    tab.page.keyboard.type("End.")
    assert tab.text == "Start. /End.\n"


def test_ctrl_k_with_the_cursor_in_a_word_links_the_word(tab: StaffTab) -> None:
    write(tab, "The brown fox.\n")
    put_cursor_after(tab, "bro")
    window = tab.page.locator("dialog[open]")
    for choose in (False, True):
        tab.page.keyboard.press("Control+k")
        expect(window.get_by_label("Link text")).to_have_value("brown")
        if choose:
            break
        tab.page.keyboard.press("Escape")
        expect(window).to_have_count(0)
        assert tab.text == "The brown fox.\n"
    window.get_by_role("radio").first.click()
    window.get_by_role("button", name="Insert").click()
    expect(window).to_have_count(0)
    tab.page.keyboard.type("ie")
    assert re.fullmatch(r"The \[brown\]\(page:[a-z-]+\)ie fox\.\n", tab.text)


def test_the_cursor_is_in_the_text_after_a_discard_is_undone(tab: StaffTab) -> None:
    put_cursor_after(tab, "It is short.")
    tab.page.keyboard.type(" Mine.")
    typed = tab.text
    tab.page.locator("[data-discard-changes]").evaluate("(button) => button.click()")
    assert "Mine." not in tab.text
    tab.page.locator("[data-notices]").get_by_role("button", name="Undo").click()
    assert tab.text == typed
    expect(body(tab)).to_be_focused()
    tab.page.keyboard.type("x")
    assert len(tab.text) > len(typed)


def test_a_chance_drops_its_own_numbers_at_the_start_of_the_sentence(tab: StaffTab) -> None:
    write(tab, "Text.\n\n::: chance 3 in 100\n:::\n")
    body(tab).locator("[data-placeholder='What happens to them?']").click()
    tab.page.keyboard.type("3 in 100 people get a rash.")
    assert "::: chance 3 in 100\npeople get a rash.\n:::" in tab.text
    write(tab, "Text.\n\n::: chance 3 in 100\n:::\n")
    body(tab).locator("[data-placeholder='What happens to them?']").click()
    tab.page.keyboard.type("5 in 100 people.")
    assert "\n5 in 100 people." in tab.text
