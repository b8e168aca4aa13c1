"""The layout of the staff screens in a browser: keyboard search, the phone menu, and lists."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from portal.accounts.models import User
from procedures.models import Page as PageRow
from tests.admin.conftest import PAGES, change_url
from tests.browser.public_helpers import PHONE
from tests.browser.staff_helpers import StaffTab, open_staff_tab
from tests.factories import make_public

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_search_opens_with_a_key_and_opens_the_chosen_row(editor_tab: StaffTab, row: PageRow) -> None:
    page = editor_tab.page
    editor_tab.open("/admin/")

    page.keyboard.press("Control+k")
    page.keyboard.type("small")
    options = page.get_by_role("option")
    expect(options.first).to_have_attribute("aria-selected", "true")
    field = page.get_by_role("combobox")
    expect(field).to_have_attribute("aria-activedescendant", str(options.first.get_attribute("id")))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")

    page.wait_for_url(f"**{change_url(row)}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Small cut")


def test_search_reports_no_results_and_closes_with_escape(editor_tab: StaffTab, row: PageRow) -> None:
    page = editor_tab.page
    editor_tab.open(PAGES)
    button = page.locator("[data-search-open]")

    button.click()
    page.keyboard.type("zebra")
    expect(page.locator("[data-search-status]")).to_have_text("No results.")
    page.keyboard.press("Escape")

    expect(page.get_by_role("combobox")).not_to_be_visible()
    expect(button).to_be_focused()


def test_search_is_a_page_without_javascript(browser: Browser, live_server: Any, editor: User, row: PageRow) -> None:
    with open_staff_tab(browser, live_server.url, PHONE, java_script_enabled=False) as tab:
        tab.sign_in(editor)
        tab.open("/admin/")
        tab.page.locator("[data-search-open]").click()
        tab.page.locator("#search-page").fill("small cut")
        tab.page.keyboard.press("Enter")

        expect(tab.page.get_by_role("link", name="Small cut")).to_be_visible()


def test_navigation_is_in_a_menu_on_a_phone(browser: Browser, live_server: Any, editor: User, row: PageRow) -> None:
    make_public(row)
    with open_staff_tab(browser, live_server.url, PHONE) as tab:
        tab.sign_in(editor)
        tab.open("/admin/")
        menu = tab.page.get_by_role("navigation", name="Main")
        expect(menu).not_to_be_visible()

        tab.page.get_by_role("button", name="Menu", exact=True).click()
        menu.get_by_role("link", name="Pages").click()

        tab.page.wait_for_url(f"**{PAGES}")
        cell = tab.page.locator("#result_list .field-workflow_state").first
        expect(cell).to_contain_text("Public")
        # Some versions of Chromium concatenate the two strings.
        name = cell.evaluate("(cell) => getComputedStyle(cell, '::before').content").replace('" "', "")
        assert name == '"State: "'
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert tab.complaints == []


def test_bulk_actions_appear_with_the_first_selection(
    browser: Browser, live_server: Any, superuser: User, row: PageRow
) -> None:
    with open_staff_tab(browser, live_server.url, {"width": 1366, "height": 768}) as tab:
        tab.sign_in(superuser)
        tab.open("/admin/procedures/glossaryterm/add/")
        tab.page.get_by_label("Term").fill("bone")
        tab.page.get_by_label("Language").select_option("en")
        tab.page.get_by_label("Definition").fill("A hard part of the body.")
        tab.page.get_by_role("button", name="Save", exact=True).click()
        apply = tab.page.get_by_role("button", name="Apply")
        expect(apply).not_to_be_visible()

        tab.page.get_by_label("Select “bone”").check()

        expect(apply).to_be_visible()
        expect(tab.page.locator(".action-counter")).to_have_text("1 of 1 selected")
