"""Writing a new page: its title leads to an address, and a template keeps it. Unsaved versions: test_admin_recovery.py."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from portal.accounts.models import User
from procedures.models import Page
from tests.admin.conftest import PAGES, change_url
from tests.browser.public_helpers import DESKTOP
from tests.browser.staff_helpers import StaffTab, make_draft_with_references, open_visual_tab

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.writes]

ADD = f"{PAGES}add/"


@pytest.fixture
def row(transactional_db: None) -> Page:
    return make_draft_with_references()


@pytest.fixture
def nina(row: Page, browser: Browser, live_server: Any, editor: User) -> Iterator[StaffTab]:
    """Nina's tab, in visual mode. Console errors fail the test."""
    with open_visual_tab(browser, live_server.url, DESKTOP, editor) as made:
        yield made


def text(tab: StaffTab) -> Locator:
    return tab.page.locator("[data-visual-text] .ProseMirror")


def start(tab: StaffTab, title: str, body: str = "") -> None:
    """Begin a new page and wait until it is autosaved."""
    tab.edit(ADD)
    tab.page.locator("#id_title").fill(title)
    if body:
        text(tab).click()
        tab.page.keyboard.type(body)
    autosaved(tab)


def autosaved(tab: StaffTab) -> None:
    expect(tab.page.locator("[data-save-status]")).to_contain_text("autosaved")


def test_a_title_that_exists_is_no_dead_end(nina: StaffTab, row: Page) -> None:
    start(nina, "Small cut", "Ten minutes.")
    title, slug = nina.page.locator("#id_title"), nina.page.locator("#id_slug")
    note = nina.page.get_by_text("A page with the title “Small cut” already exists.")
    expect(note).to_be_visible()
    box = note.bounding_box()
    assert box and box["width"] > 200 and box["height"] > 16
    assert note.evaluate("(note) => getComputedStyle(note).clipPath") == "none"
    link = note.get_by_role("link", name="Open it in a new tab")
    assert link.get_attribute("href") == change_url(row)
    expect(slug).to_have_attribute("placeholder", "small-cut-2")
    title.fill("Small cuts")
    expect(note).to_be_hidden()
    expect(slug).to_have_attribute("placeholder", "small-cuts")
    title.fill("")
    nina.page.keyboard.press("Control+s")
    expect(nina.page.locator(".errorlist")).to_have_text(["Add a title."])
    expect(title).to_be_focused()
    nina.page.keyboard.type("Small cut")
    nina.page.keyboard.press("Control+s")
    expect(nina.page.locator(".messagelist")).to_contain_text("Draft saved.")
    expect(slug).to_have_value("small-cut-2")
    nina.page.wait_for_timeout(1000)
    expect(note).to_be_visible()
    title.fill("Small cut at home")
    expect(nina.page.locator(".messagelist")).to_have_count(0)
    nina.page.keyboard.press("Control+s")
    expect(nina.page.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")

    made = Page.objects.get(title="Small cut at home")
    assert (made.slug, made.subject) == ("small-cut-2", "small-cut-2")


def test_a_template_keeps_the_title_and_the_key_message(nina: StaffTab) -> None:
    nina.edit(ADD)
    nina.page.locator("#id_title").fill("Knee scan")
    nina.page.locator("#id_key_message").fill("It does not hurt.")
    nina.page.get_by_role("link", name="About a test: English").click()
    expect(text(nina)).to_contain_text("What")
    expect(nina.page.locator("#id_title")).to_have_value("Knee scan")
    expect(nina.page.locator("#id_key_message")).to_have_value("It does not hurt.")
    expect(nina.page.locator("[data-page-name]")).to_have_text("Knee scan")
    nina.page.keyboard.press("Control+s")
    expect(nina.page.locator(".messagelist")).to_contain_text("Draft saved.")

    made = Page.objects.get(title="Knee scan")
    assert (made.key_message, made.kind, made.slug) == ("It does not hurt.", "procedure", "knee-scan")
    assert "## " in made.body
