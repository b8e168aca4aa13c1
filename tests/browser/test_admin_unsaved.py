"""Unsaved text: signed out, offline, leaving the page, and double-clicking Save."""

import time

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Dialog, Route, expect

from portal.accounts.models import User
from procedures.models import Page as PageRow
from tests.admin.conftest import change_url
from tests.browser.staff_helpers import StaffTab, type_text

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.writes
def test_text_survives_the_end_of_the_session_without_a_login_page(tab: StaffTab, editor: User) -> None:
    Session.objects.all().delete()

    type_text(tab, "Words that must not be lost.")
    notice = tab.page.locator("[data-notice]")
    expect(notice).to_contain_text("You are signed out. Your text is still here.")
    link = notice.get_by_role("link", name="Sign in again in a new window, then come back here.")

    assert tab.text == "Words that must not be lost."
    assert "Small cut" in tab.article()
    assert "Password" not in tab.article()
    assert (link.get_attribute("href"), link.get_attribute("target")) == ("/admin/login/", "_blank")


@pytest.mark.writes
def test_saving_while_signed_out_keeps_the_text_until_the_next_sign_in(
    tab: StaffTab, row: PageRow, editor: User
) -> None:
    signed_out = {"error": "You are signed out. Your text is still here."}
    tab.page.route("**/autosave/", lambda route: route.fulfill(status=401, json=signed_out))
    Session.objects.all().delete()
    type_text(tab, "Words that must not be lost.")

    tab.page.get_by_role("button", name="Save draft").click()
    expect(tab.page.locator("[data-notice]")).to_contain_text("You are signed out.")
    kept = tab.text
    tab.context.clear_cookies()
    tab.sign_in(editor)
    tab.page.unroute("**/autosave/")
    tab.page.get_by_role("button", name="Try again").click()
    expect(tab.page.locator("[data-notice]")).to_be_hidden()
    tab.page.get_by_role("button", name="Save draft").click()
    expect(tab.page.locator(".messagelist")).to_contain_text("Draft saved.")

    row.refresh_from_db()
    assert kept == "Words that must not be lost."
    assert row.body == "Words that must not be lost.\n"


def test_text_is_kept_while_the_site_is_unreachable(tab: StaffTab) -> None:
    tab.page.route("**/preview/", lambda route: route.abort())

    type_text(tab, "Words on a train.")

    expect(tab.page.locator("[data-notice]")).to_contain_text("We cannot reach the site. Your text is still here.")
    tab.page.unroute("**/preview/")
    tab.page.get_by_role("button", name="Try again").click()
    expect(tab.page.locator("[data-notice]")).to_be_hidden()
    until = time.monotonic() + 20
    while "Words on a train." not in tab.article() and time.monotonic() < until:
        tab.page.wait_for_timeout(100)
    assert "Words on a train." in tab.article()


def test_what_is_not_saved_is_said_in_full(tab: StaffTab) -> None:
    tab.page.set_viewport_size({"width": 1366, "height": 768})
    tab.page.route("**/autosave/", lambda route: route.abort())
    type_text(tab, "Words on a train.")
    status = tab.page.locator("[data-save-status='no']")
    expect(status).to_contain_text("saved in this browser only, on this computer")

    overflow = tab.page.locator(".writing-bar__name").evaluate("(name) => name.scrollWidth - name.clientWidth")

    assert overflow <= 0
    expect(status).to_be_in_viewport(ratio=1)


def leave(tab: StaffTab) -> list[str]:
    """Try to open the list, and choose to stay if the browser asks. Return the types of the browser dialogs."""
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    tab.page.on("dialog", stay)
    tab.page.evaluate("location.href = '/admin/'")
    until = time.monotonic() + 10
    # Either the dialog or the list appears.
    while not asked and not tab.page.url.endswith("/admin/") and time.monotonic() < until:
        tab.page.wait_for_timeout(50)
    return asked


@pytest.mark.smoke
def test_leaving_with_unsaved_text_asks_first(tab: StaffTab) -> None:
    tab.page.locator("#id_body").click()
    tab.page.keyboard.type("New. ")

    assert leave(tab) == ["beforeunload"]
    assert tab.text.count("New. ") == 1


@pytest.mark.writes
def test_leaving_with_everything_saved_does_not_ask(tab: StaffTab) -> None:
    tab.page.locator("#id_body").click()
    tab.page.keyboard.type("New. ")
    tab.page.get_by_role("button", name="Save draft").click()
    expect(tab.page.locator(".messagelist")).to_contain_text("Draft saved.")
    tab.page.locator("#id_body").click()

    assert leave(tab) == []


@pytest.mark.writes
def test_leaving_after_a_failed_save_still_asks(tab: StaffTab) -> None:
    tab.page.locator("#id_title").fill("")
    tab.page.get_by_role("button", name="Save draft").click()
    expect(tab.page.locator(".errornote").first).to_be_visible()
    # Rendered by the script that also asks.
    expect(tab.page.frame_locator("[data-stage] iframe").locator("article")).to_be_visible()
    tab.page.locator("#id_body").click()

    assert leave(tab) == ["beforeunload"]


@pytest.mark.writes
def test_two_clicks_save_once(tab: StaffTab, row: PageRow) -> None:
    type_text(tab, "Twice.")

    tab.page.get_by_role("button", name="Save draft").dblclick()
    expect(tab.page.locator(".messagelist")).to_contain_text("Draft saved.")

    assert row.revisions.count() == 1


@pytest.mark.smoke
@pytest.mark.writes
def test_a_second_click_before_the_response_sends_nothing(tab: StaffTab, row: PageRow) -> None:
    held: list[Route] = []
    tab.page.route("**/change/", lambda route: held.append(route))
    type_text(tab, "Twice.")
    save = tab.page.get_by_role("button", name="Save draft")

    save.click()
    expect(tab.page.locator("[data-save-status]")).to_have_text("saving…")
    save.click()
    until = time.monotonic() + 20
    while not held and time.monotonic() < until:
        tab.page.wait_for_timeout(50)
    held[0].continue_()
    expect(tab.page.locator(".messagelist")).to_contain_text("Draft saved.")
    tab.page.wait_for_timeout(500)

    assert len(held) == 1
    assert row.revisions.count() == 1


STORED = "JSON.stringify([{...sessionStorage}, {...localStorage}])"


def sign_out(tab: StaffTab) -> None:
    tab.page.get_by_role("button", name="Account menu").click()
    tab.page.get_by_role("button", name="Sign out", exact=True).click()


@pytest.mark.parametrize("end", ["sign out", "session ends", "another user signs in"])
def test_next_person_at_this_computer_does_not_find_the_steps_of_undo(
    tab: StaffTab, row: PageRow, superuser: User, end: str
) -> None:
    tab.page.locator("[data-source]").click()
    tab.page.locator("[data-visual-text] .ProseMirror").click()
    tab.page.keyboard.type("Words of Nina.")
    tab.page.route(
        f"**{change_url(row)}", lambda route: route.fulfill(content_type="text/html", body="<h1>Back soon</h1>")
    )
    # Sending leaves the screen.
    tab.page.keyboard.press("Control+Shift+Enter")
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_role("heading", name="Back soon")).to_be_visible()
    tab.page.unroute(f"**{change_url(row)}")
    tab.open("/admin/")
    stored_for_nina = tab.page.evaluate(STORED)

    if end == "sign out":
        sign_out(tab)
    else:
        tab.context.clear_cookies()
        if end == "another user signs in":
            tab.sign_in(superuser)
        tab.open("/admin/")
    expect(tab.page.locator("h1")).to_contain_text("Hello" if end == "another user signs in" else "Sign in")

    assert "Words of Nina." in stored_for_nina
    # A script removes them once the page is parsed.
    tab.page.wait_for_function(f"!{STORED}.includes('Words of Nina.')")


@pytest.mark.parametrize(("choice", "is_left"), [("Remove it and sign out", False), ("Keep it and sign out", True)])
def test_signing_out_on_any_screen_asks_about_text_stored_in_this_browser(
    tab: StaffTab, choice: str, is_left: bool
) -> None:
    tab.page.route("**/autosave/", lambda route: route.abort())
    type_text(tab, "Words on a train.")
    expect(tab.page.locator("[data-save-status]")).to_have_text("saved in this browser only, on this computer")
    tab.page.on("dialog", lambda dialog: dialog.accept())
    tab.open("/admin/")

    sign_out(tab)
    tab.page.get_by_role("button", name=choice).click()
    expect(tab.page.locator("h1")).to_contain_text("Sign in")

    assert ("Words on a train." in tab.page.evaluate(STORED)) is is_left
