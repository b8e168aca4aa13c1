"""The picture chooser in a real browser: few clicks, keyboard use, reasons, and every width; and the space for the text."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, ViewportSize, expect

from portal.accounts.models import User
from procedures.models import FigureText, Page
from tests.admin.conftest import change_url
from tests.browser.public_helpers import AXE, DESKTOP, PHONE
from tests.browser.staff_helpers import AXE_FINDINGS, StaffTab, make_draft_with_references, open_staff_tab
from tests.factories import make_figure

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CLICKS = "() => { window.clicks = 0; addEventListener('click', (event) => { if (event.detail) window.clicks += 1; }, true); }"


@pytest.fixture
def row(transactional_db: None) -> Page:
    """A draft, three pictures that it can show, and one without English texts."""
    row = make_draft_with_references()
    make_figure("house", size=(400, 400), kind="photo")
    make_figure("mano", size=(400, 400))
    for slug, title in (("balloon", "A balloon"), ("house", "A safer home")):
        FigureText.objects.filter(figure__slug=slug).update(title=title)
    FigureText.objects.filter(figure__slug="mano").update(title="Una mano", language="es")
    return row


@pytest.fixture
def tab(row: Page, browser: Browser, live_server: Any, editor: User) -> Iterator[StaffTab]:
    """The form of the draft, with the cursor at the end of its only line."""
    with open_staff_tab(browser, live_server.url, DESKTOP) as made:
        made.sign_in(editor, mode="visual")
        made.edit(change_url(row))
        begin(made)
        yield made
        assert made.complaints == []


def begin(tab: StaffTab) -> None:
    expect(tab.page.get_by_role("textbox", name="Text", exact=True)).to_be_visible()
    tab.page.evaluate(
        """() => {
          const field = document.querySelector("#id_body");
          field.value = "Start.\\n";
          field.dispatchEvent(new Event("input", {bubbles: true}));
          const { visualEditor } = document.querySelector("[data-editor]");
          visualEditor.select(visualEditor.find("Start.")[0]);
        }"""
    )
    tab.page.keyboard.press("ArrowRight")


def open_chooser(tab: StaffTab) -> Locator:
    tab.page.get_by_role("button", name="Picture", exact=True).click()
    window = tab.page.get_by_role("dialog", name="Insert a picture")
    expect(window).to_be_visible()
    return window


def test_two_clicks_insert_a_picture_and_a_double_click_does_not_reach_the_text(tab: StaffTab) -> None:
    tab.page.evaluate(CLICKS)
    open_chooser(tab).get_by_text("A balloon").click()

    expect(tab.page.locator("#id_body")).to_have_value("Start.\n\n::: figure balloon\n")
    assert tab.page.evaluate("window.clicks") == 2
    open_chooser(tab).get_by_text("A safer home").dblclick()
    expect(tab.page.locator("#id_body")).to_have_value("Start.\n\n::: figure balloon\n\n::: figure house\n")
    tab.page.keyboard.type("On.")
    assert tab.text == "Start.\n\n::: figure balloon\n\n::: figure house\n\nOn.\n"


def test_picture_can_be_found_and_inserted_by_keyboard_and_escape_returns_to_the_text(tab: StaffTab) -> None:
    button = tab.page.get_by_role("button", name="Picture", exact=True)
    button.focus()
    tab.page.keyboard.press("Enter")
    window = tab.page.get_by_role("dialog", name="Insert a picture")
    expect(window.get_by_label("Search pictures")).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(window).to_be_hidden()
    expect(tab.page.get_by_role("textbox", name="Text", exact=True)).to_be_focused()
    assert tab.text == "Start.\n"

    button.focus()
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.type("safer")
    expect(window.locator("[data-count]")).to_have_text("1 result. Press Enter to choose “A safer home”.")
    expect(window.get_by_role("radio", name="A safer home")).to_be_checked()
    tab.page.keyboard.press("Enter")

    expect(tab.page.locator("#id_body")).to_have_value("Start.\n\n::: figure house\n")
    tab.page.keyboard.type("On.")
    assert tab.text == "Start.\n\n::: figure house\n\nOn.\n"


def test_pictures_have_names_descriptions_and_kinds_and_arrow_keys_select_them(tab: StaffTab) -> None:
    window = open_chooser(tab)
    radio = window.get_by_role("radio", name="A balloon", exact=True)

    expect(radio).to_have_accessible_description("Other or unknown Used on Contact · Small cut A needle in a bone.")
    window.get_by_label("Kind of picture").select_option(label="Photo")
    assert window.get_by_role("radio").count() == 1
    expect(window.locator("[data-count]")).to_have_text("1 result")
    window.get_by_label("Kind of picture").select_option(label="All kinds")
    window.get_by_role("radio", name="A balloon").focus()
    tab.page.keyboard.press("ArrowDown")
    expect(window.get_by_role("radio", name="A safer home")).to_be_checked()


def test_picture_without_texts_in_the_language_is_shown_with_the_reason(tab: StaffTab) -> None:
    window = open_chooser(tab)

    expect(window.get_by_role("heading", name="Not available on this page")).to_be_visible()
    item = window.get_by_role("listitem").filter(has_text="Una mano")
    expect(item).to_contain_text("It has no title and description in English yet.")
    expect(item.get_by_role("link", name="Add them (opens in a new tab)")).to_have_accessible_description("Una mano")
    assert [radio.get_attribute("value") for radio in window.get_by_role("radio").all()] == [
        "balloon",
        "house",
        "needle",
    ]
    window.get_by_label("Search pictures").fill("safer")
    expect(window.get_by_role("heading", name="Not available on this page")).to_be_hidden()


def test_compare_block_asks_for_both_pictures_and_reports_the_missing_one(tab: StaffTab) -> None:
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.type("/before and after")
    tab.page.keyboard.press("Enter")
    form = tab.page.locator("dialog[open]").filter(has=tab.page.get_by_role("group", name="Before"))
    choose = tab.page.locator("dialog[data-dialog=choose-picture]")

    def pick(field: str, title: str) -> None:
        form.get_by_role("group", name=field).get_by_role("button").click()
        expect(choose.get_by_role("heading", name=f"Choose a picture: {field}")).to_be_visible()
        choose.get_by_role("radio", name=title).click()
        expect(choose).to_be_hidden()
        expect(form.get_by_role("button", name=f"{field}: {title}. Change")).to_be_focused()

    pick("Before", "Needle")
    form.get_by_role("button", name="Insert").click()
    expect(form.get_by_role("alert")).to_have_text("Choose a picture.")
    expect(form.get_by_role("button", name="After: Choose…")).to_be_focused()
    pick("After", "A balloon")
    form.get_by_role("button", name="Insert").click()

    expect(tab.page.locator("#id_body")).to_have_value("Start.\n\n::: compare needle balloon\n")


def test_new_picture_is_offered_and_an_empty_list_says_so(tab: StaffTab) -> None:
    open_chooser(tab).get_by_role("button", name="Upload a new picture").click()
    expect(tab.page.get_by_role("dialog", name="Upload a new picture")).to_be_visible()
    tab.page.keyboard.press("Escape")
    tab.page.route("**/choices/*", lambda route: route.fulfill(status=200, body="{}", content_type="application/json"))
    expect(open_chooser(tab)).to_contain_text("None yet.")


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_axe_finds_no_problem_and_the_dialog_fits(
    browser: Browser, live_server: Any, row: Page, editor: User, size: ViewportSize, scheme: Any
) -> None:
    with open_staff_tab(browser, live_server.url, size, bypass_csp=True, color_scheme=scheme) as tab:
        tab.sign_in(editor, mode="visual")
        tab.edit(change_url(row))
        begin(tab)
        tab.page.evaluate(AXE)
        window = open_chooser(tab)
        found = tab.page.evaluate(AXE_FINDINGS)
        box, put = window.bounding_box(), window.get_by_role("button", name="Insert", exact=True).bounding_box()
        overflow = window.evaluate("(one) => [one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight]")

    assert found == []
    assert overflow == [0, 0]
    assert box
    assert put
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= size["width"]
    assert put["y"] + put["height"] <= size["height"]


# ── Space for the text ──


def test_toolbar_is_one_scrolling_row_on_a_phone_and_shows_it(
    browser: Browser, live_server: Any, row: Page, editor: User
) -> None:
    with open_staff_tab(browser, live_server.url, {"width": 390, "height": 844}) as tab:
        tab.sign_in(editor, mode="visual")
        tab.edit(change_url(row))
        bars, hint = tab.page.locator(".editor__bars"), tab.page.locator(".editor-bar__hint--end")
        expect(hint).to_be_visible()
        height = bars.evaluate("(bars) => bars.offsetHeight")
        tops = {
            tab.page.get_by_role("button", name=name, exact=True).evaluate("(one) => one.getBoundingClientRect().top")
            for name in ("Undo", "Source")
        }
        for _ in range(8):
            if hint.is_visible():
                hint.click()
                tab.page.wait_for_timeout(400)
        expect(hint).to_be_hidden()
        expect(tab.page.locator(".editor-bar__hint--start")).to_be_visible()
        insert = tab.page.get_by_role("button", name="Insert", exact=True)
        insert.click()
        expect(tab.page.locator(".palette")).to_be_visible()
        tab.page.keyboard.press("Escape")
        tab.page.locator("[data-outline] summary").click()
        outline = tab.page.locator("[data-outline] ol").bounding_box()

        assert height < 50
        assert len(tops) == 1
        assert outline
        assert outline["x"] >= 0
        assert outline["x"] + outline["width"] <= 390
        assert tab.page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("supported", [True, False])
def test_the_key_message_is_as_tall_as_its_text(
    browser: Browser, live_server: Any, row: Page, editor: User, supported: bool
) -> None:
    for size in (PHONE, DESKTOP):
        with open_staff_tab(browser, live_server.url, size, bypass_csp=True) as tab:
            if not supported:
                tab.page.add_init_script(
                    "const has = CSS.supports; CSS.supports = (...given) => given[0] !== 'field-sizing' && has.apply(CSS, given);"
                )
            tab.sign_in(editor, mode="visual")
            tab.edit(change_url(row))
            if not supported:
                tab.page.add_style_tag(content=".writing textarea { field-sizing: fixed !important; }")
            field = tab.page.locator("#id_key_message")
            field.fill("One sentence that says what matters most on this page. " * 4)
            long = field.evaluate("(one) => [one.scrollHeight - one.clientHeight, one.offsetHeight]")
            field.fill("Short.")
            short = field.evaluate("(one) => [one.scrollHeight - one.clientHeight, one.offsetHeight]")

            assert long[0] <= 0, size
            assert short[0] <= 0, size
            assert long[1] > short[1], size


def test_the_toolbar_is_one_tab_stop_from_the_start(tab: StaffTab) -> None:
    tab.page.get_by_role("button", name="Source", exact=True).focus()
    tab.page.keyboard.press("Shift+Tab")

    expect(tab.page.get_by_role("combobox", name="Paragraph style")).to_be_focused()
    tab.page.keyboard.press("Shift+Tab")
    expect(tab.page.locator(".editor__bars :focus")).to_have_count(0)


# ── Many pictures ──


def test_enter_chooses_the_best_match_and_titles_that_begin_with_a_word_come_first(tab: StaffTab) -> None:
    for slug, title in (("balloon", "Cement in, needle out"), ("house", "Needle in place")):
        FigureText.objects.filter(figure__slug=slug).update(title=title)
    FigureText.objects.filter(figure__slug="needle").update(title="The house")
    window = open_chooser(tab)
    search, rows = window.get_by_label("Search pictures"), window.locator("[data-list] label:not([hidden]) strong")
    search.fill("needle")
    expect(window.locator("[data-count]")).to_have_text("3 results. Press Enter to choose “Needle in place”.")
    expect(rows).to_have_text(["Needle in place", "The house", "Cement in, needle out"])
    expect(window.get_by_role("radio", name="Needle in place")).to_be_checked()
    search.fill("bone needle")
    expect(rows.first).to_have_text("Needle in place")
    search.fill("needle")
    search.press("Enter")

    expect(tab.page.locator("#id_body")).to_have_value("Start.\n\n::: figure house\n")


def test_pictures_are_large_and_their_uses_have_one_line(tab: StaffTab) -> None:
    window = open_chooser(tab)
    expect(window.get_by_role("radio")).to_have_count(3)
    widths = window.locator("[data-list] img").evaluate_all("(all) => all.map((one) => one.offsetWidth)")
    lines = window.locator("[data-list] small:not(.visually-hidden)").evaluate_all(
        "(all) => all.map((one) => one.offsetHeight / parseFloat(getComputedStyle(one).lineHeight))"
    )

    assert min(widths) >= 160
    assert [round(count) for count in lines] == [1] * len(lines)


def test_an_inserted_picture_is_selected_and_in_view_and_typing_goes_on_below_it(tab: StaffTab) -> None:
    tab.page.evaluate(
        """() => {
          const field = document.querySelector("#id_body");
          field.value = `${"Above.\\n\\n".repeat(40)}Start.\\n\\n${"Below.\\n\\n".repeat(40)}`;
          field.dispatchEvent(new Event("input", {bubbles: true}));
          const { visualEditor } = document.querySelector("[data-editor]");
          visualEditor.select(visualEditor.find("Start.")[0]);
        }"""
    )
    open_chooser(tab).get_by_text("A balloon").click()
    card = tab.page.locator("[data-visual-text] .card")
    expect(card.locator("img").first).to_be_visible()
    expect(card).to_have_class(re.compile("is-selected"))
    frame, box = tab.page.locator("[data-visual-text]").bounding_box(), card.bounding_box()
    assert frame
    assert box
    assert box["y"] >= frame["y"]
    assert box["y"] + min(box["height"], frame["height"] - 128) <= frame["y"] + frame["height"]
    tab.page.keyboard.type("Next.")

    assert "Start.\n\n::: figure balloon\n\nNext.\n\nBelow." in tab.text
