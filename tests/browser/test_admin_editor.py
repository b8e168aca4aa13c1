"""The editor in a real browser: writing with buttons and keys, in new rows, on a phone, and without JavaScript.

Half of these tests, and of those in test_admin_preview.py, test_admin_unsaved.py, and test_admin_paste.py, guard against
a bug in django-markdownx's own script.
"""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from portal.accounts.models import User
from procedures.models import Page as PageRow
from tests.admin.conftest import PAGES, change_url
from tests.browser.public_helpers import DESKTOP, PHONE
from tests.browser.staff_helpers import StaffTab, open_staff_tab, show_panel, type_text

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


# ── Writing ──


BUTTONS = {
    "Heading": ("Words", "## Words"),
    "Subheading": ("Words", "### Words"),
    "Bold": ("", "**important words**"),
    "List": ("One\nTwo", "One\n- Two"),
    "Numbered list": ("Words", "1. Words"),
}


def test_buttons_insert_their_snippets_and_native_undo_removes_them(tab: StaffTab) -> None:
    found = {}
    for button, (start, _wanted) in BUTTONS.items():
        type_text(tab, start)
        tab.page.locator("#id_body").press("Control+End")
        tab.page.get_by_role("button", name=button, exact=True).click()
        inserted = tab.text
        tab.page.keyboard.press("Control+z")
        found[button] = (tab.text, inserted)

    assert found == BUTTONS


def test_tab_and_escape_leave_the_field(tab: StaffTab) -> None:
    before, field = tab.text, tab.page.locator("#id_body")
    place = "document.activeElement.ariaLabel || document.activeElement.textContent || document.activeElement.id"

    field.focus()
    tab.page.keyboard.press("Tab")
    forward = tab.page.evaluate(place)
    field.focus()
    tab.page.keyboard.press("Shift+Tab")
    back = tab.page.evaluate(place)
    field.focus()
    tab.page.keyboard.press("Escape")
    expect(field).to_be_focused()
    tab.page.keyboard.press("F6")
    escaped = tab.page.evaluate(place)

    assert (forward, back, escaped) == ("Width of the text", "Outline", "Phone")
    assert tab.text == before


def test_keyboard_users_can_skip_the_preview(tab: StaffTab) -> None:
    # A wide screen, on which the panel does not cover the preview.
    tab.page.set_viewport_size({"width": 1920, "height": 1080})
    show_panel(tab, "problems")
    tab.page.get_by_role("button", name="Print…").focus()

    tab.page.keyboard.press("Tab")
    expect(tab.page.get_by_role("link", name="Skip the preview")).to_be_focused()
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.press("Tab")

    assert tab.page.evaluate("document.activeElement.closest('#panel') !== null")


def test_toolbar_is_one_tab_stop_with_arrow_key_navigation(tab: StaffTab) -> None:
    tab.page.get_by_role("button", name="Heading", exact=True).focus()

    words = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "Home"):
        tab.page.keyboard.press(key)
        words.append(tab.page.evaluate("document.activeElement.textContent"))

    assert words == ["Subheading", "Bold", "Subheading", "Table…", "Heading"]
    assert tab.page.locator("[data-tools] button[tabindex='0']").count() == 1


def test_text_field_does_not_intercept_keys(tab: StaffTab) -> None:
    tab.page.evaluate(
        "window.taken = []; document.addEventListener('keydown', (e) => e.defaultPrevented && window.taken.push(e.key))"
    )
    field = tab.page.locator("#id_body")

    for keys in ("Control+d", "AltGraph+[", "Control+b", "Control+k", "Control+v", "Enter"):
        field.press(keys)

    assert tab.page.evaluate("window.taken") == []


def test_drag_and_drop_is_left_to_the_browser(tab: StaffTab) -> None:
    taken = tab.page.evaluate(
        """(places) => places.flatMap((place) => ["dragenter", "dragover", "drop"].filter((type) =>
             !document.querySelector(place).dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true}))))""",
        ["#id_title", "body", "#id_body"],
    )

    assert taken == []


def test_page_can_be_written_and_submitted_with_the_keyboard_alone(tab: StaffTab, row: PageRow) -> None:
    keys = tab.page.keyboard
    tab.open(f"{PAGES}add/")
    tab.page.locator("#id_title").focus()
    keys.type("After care")
    keys.press("Tab")
    keys.type("Rest a little.")
    keys.press("Tab")
    for _ in range(11):
        keys.press("ArrowRight")
    assert tab.page.evaluate("document.activeElement.textContent") == "Key points…"
    keys.press("Enter")
    keys.type("Walk a little.\nRest when you are tired.")
    keys.press("Tab")
    keys.press("Enter")
    # The dialog inserts the block after it has closed, which is faster than anyone types.
    expect(tab.page.locator("#id_body")).not_to_have_value("")
    keys.press("Control+End")
    keys.type("\n## At home\n\nRest. [@nice]\n")
    tab.page.locator("[data-open-panel=settings]").focus()
    keys.press("Enter")
    tab.page.locator("#id_kind").focus()
    keys.type("Rec")
    tab.page.locator("summary", has_text="Send for review").focus()
    keys.press("Enter")
    keys.press("Enter")
    expect(tab.page.locator(".messagelist")).to_contain_text("Saved and sent for review.")

    made = PageRow.objects.get(title="After care")
    assert (made.subject, made.slug, made.kind) == ("after-care", "after-care", "recovery")
    assert made.body.startswith("::: key-points\n- Walk a little.\n- Rest when you are tired.\n:::")


# ── Inline rows, screen sizes, and no JavaScript ──


def test_new_row_gets_a_working_editor_and_the_empty_row_does_not(tab: StaffTab) -> None:
    started = tab.page.evaluate(
        """() => ["items-1-body", "items-__prefix__-body"].map((name) => {
             const row = document.createElement("div");
             const copy = document.querySelector("[data-editor]").cloneNode(true);
             delete copy.dataset.started;
             copy.querySelector("textarea").name = name;
             copy.querySelector("[data-tools]").hidden = true;
             row.append(copy);
             document.querySelector("form#page_form").append(row);
             row.dispatchEvent(new CustomEvent("formset:added", {bubbles: true}));
             const tools = copy.querySelector("[data-tools]");
             tools.querySelector("[data-around]").click();
             return [!tools.hidden, copy.querySelector("textarea").value.includes("**")];
           })"""
    )

    assert started == [[True, True], [False, False]]


def test_the_form_fits_a_phone(browser: Browser, live_server: Any, row: PageRow, editor: User) -> None:
    with open_staff_tab(browser, live_server.url, PHONE) as tab:
        tab.sign_in(editor)
        tab.edit(change_url(row))

        assert tab.page.evaluate("document.documentElement.scrollWidth") == 360
        assert tab.page.evaluate("document.querySelector('#id_body').clientHeight") > 300
        assert tab.complaints == []


@pytest.mark.smoke
def test_page_can_be_written_and_saved_without_javascript(
    browser: Browser, live_server: Any, row: PageRow, editor: User
) -> None:
    with open_staff_tab(browser, live_server.url, DESKTOP, java_script_enabled=False) as tab:
        tab.sign_in(editor)
        tab.open(change_url(row))
        tab.page.locator("#id_body").fill("Written by hand.")
        tab.page.get_by_role("button", name="Save draft").click()

        expect(tab.page.locator(".messagelist")).to_contain_text("Draft saved.")
        assert tab.page.get_by_role("button", name="Heading").count() == 0

    row.refresh_from_db()
    assert row.body == "Written by hand.\n"
