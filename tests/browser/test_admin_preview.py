"""The preview next to the text: it follows the input, never navigates away, and lists the problems."""

import re

import pytest
from playwright.sync_api import Route, expect

from procedures.models import Page as PageRow
from tests.admin.conftest import change_url
from tests.browser.staff_helpers import StaffTab, show_panel, type_text

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.smoke
def test_preview_follows_the_input_at_both_widths(tab: StaffTab) -> None:
    tab.page.locator("#id_title").fill("A very new title")
    type_text(tab, "Only these words.")
    expect(tab.page.frame_locator("[data-stage] iframe").locator("h1")).to_have_text("A very new title")
    expect(tab.page.frame_locator("[data-stage] iframe").locator("article")).to_contain_text("Only these words.")
    widths = [tab.page.evaluate("document.querySelector('[data-stage] iframe').contentWindow.innerWidth")]

    tab.page.get_by_role("button", name="Desktop").click()
    widths.append(tab.page.evaluate("document.querySelector('[data-stage] iframe').contentWindow.innerWidth"))

    assert widths == [360, 1280]


def test_preview_uses_the_public_stylesheet(tab: StaffTab) -> None:
    # Chromium's own margin is 21 pixels, and its own font size is 32; the site's size follows the width of the frame.
    title = tab.page.frame_locator("[data-stage] iframe").locator("h1")
    expect(title).not_to_have_css("font-size", "32px")
    expect(title).to_have_css("margin-top", "0px")


def test_an_old_preview_never_overwrites_a_newer_one(tab: StaffTab) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        if "Old words." in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    tab.page.route("**/preview/", hold)
    type_text(tab, "Old words.")
    tab.page.wait_for_timeout(700)
    type_text(tab, "New words.")
    expect(tab.page.frame_locator("[data-stage] iframe").locator("article")).to_contain_text("New words.")
    assert len(held) == 1
    held[0].fulfill(json={"html": "<article>Old words.</article>", "problems": [], "minutes": 1})
    tab.page.wait_for_timeout(300)

    assert "New words." in tab.article()


def test_links_in_the_preview_do_not_leave_the_page(tab: StaffTab, row: PageRow) -> None:
    frame = tab.page.frame_locator("[data-stage] iframe")
    before = tab.page.url

    frame.locator(".contents__button > summary").click()
    frame.get_by_role("link", name="When to call").first.click()
    expect(frame.locator("#when-to-call")).to_be_in_viewport()
    with tab.context.expect_page() as opened:
        frame.locator("a.site-header__name").click()

    assert tab.page.url == before
    assert opened.value.url.endswith("/")
    assert "Small cut" in tab.article()


def test_problems_are_listed_and_link_to_their_lines(tab: StaffTab) -> None:
    show_panel(tab, "problems")
    type_text(tab, "One.\n\nTwo.\n\n::: figure nowhere\n")

    tab.page.locator("[data-problems] li", has_text="Line 5: ").get_by_role("button", name="Go to").click()

    chosen = tab.page.evaluate(
        "(() => { const f = document.activeElement; return f.value.slice(f.selectionStart, f.selectionEnd); })()"
    )
    assert "There is no picture “nowhere”." in tab.page.locator("[data-problems]").inner_text()
    assert chosen == "nowhere"


def test_preview_is_announced_only_when_it_changes(tab: StaffTab) -> None:
    live = tab.page.locator("[data-live]")
    expect(live).to_have_text("Preview ready. No problems found.")
    tab.page.evaluate(
        "window.said = 0; new MutationObserver(() => window.said++).observe("
        "document.querySelector('[data-live]'), {childList: true, characterData: true, subtree: true})"
    )

    type_text(tab, tab.text + "\nMore.\n")
    tab.page.wait_for_timeout(900)
    type_text(tab, "No key points.")
    expect(live).to_have_text("Preview ready. 2 problems found.")

    assert tab.page.evaluate("window.said") == 1


def test_scripts_take_their_strings_from_the_catalog(tab: StaffTab, row: PageRow) -> None:
    catalog = """window.gettext = (text) => `«${text}»`;
        window.ngettext = (one, many, count) => `«${count === 1 ? one : many}»`;"""
    tab.page.route("**/admin/jsi18n/", lambda route: route.fulfill(content_type="text/javascript", body=catalog))

    tab.edit(change_url(row))

    expect(tab.page.locator("[data-state]")).to_have_text(re.compile(r"^«1 min to read» · .*«no problems»$"))
    expect(tab.page.locator("[data-live]")).to_have_text("«Preview ready. No problems found.»")
