"""Words that are not saved yet: signed out, without the site, on the way to another page, saved by two clicks."""

import time

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Dialog, expect

from portal.accounts.models import User
from procedures.models import Page as PageRow
from tests.browser.staff_helpers import Desk, write

pytestmark = [pytest.mark.browser, pytest.mark.writes, pytest.mark.django_db(transaction=True)]


def test_a_session_that_ends_keeps_the_text_and_shows_no_login_page(at: Desk, editor: User) -> None:
    Session.objects.all().delete()

    write(at, "Words that must not be lost.")
    notice = at.page.locator("[data-notice]")
    expect(notice).to_contain_text("You are signed out. Your text is still here.")
    link = notice.get_by_role("link", name="Sign in in a new window")

    assert at.text == "Words that must not be lost."
    assert "Small cut" in at.article()
    assert "Password" not in at.article()
    assert (link.get_attribute("href"), link.get_attribute("target")) == ("/admin/login/", "_blank")


def test_saving_while_signed_out_keeps_the_text_until_one_is_back(at: Desk, row: PageRow, editor: User) -> None:
    signed_out = {"error": "You are signed out. Your text is still here."}
    at.page.route("**/autosave/", lambda route: route.fulfill(status=401, json=signed_out))
    Session.objects.all().delete()
    write(at, "Words that must not be lost.")

    at.page.get_by_role("button", name="Save draft").click()
    expect(at.page.locator("[data-notice]")).to_contain_text("You are signed out.")
    kept = at.text
    at.context.clear_cookies()
    at.sign_in(editor)
    at.page.unroute("**/autosave/")
    at.page.get_by_role("button", name="Try again").click()
    expect(at.page.locator("[data-notice]")).to_be_hidden()
    at.page.get_by_role("button", name="Save draft").click()
    expect(at.page.locator(".messagelist")).to_contain_text("Draft saved.")

    row.refresh_from_db()
    assert kept == "Words that must not be lost."
    assert row.body == "Words that must not be lost.\n"


def test_a_site_that_cannot_be_reached_keeps_the_text(at: Desk) -> None:
    at.page.route("**/preview/", lambda route: route.abort())

    write(at, "Words on a train.")

    expect(at.page.locator("[data-notice]")).to_contain_text("We cannot reach the site. Your text is still here.")
    at.page.unroute("**/preview/")
    at.page.get_by_role("button", name="Try again").click()
    expect(at.page.locator("[data-notice]")).to_be_hidden()
    assert "Words on a train." in at.article()


def leave(at: Desk) -> list[str]:
    """Try to go to the list; the questions that the browser asks are answered with stay."""
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    at.page.on("dialog", stay)
    at.page.evaluate("location.href = '/admin/'")
    until = time.monotonic() + 10
    # Either the question comes, or the list does.
    while not asked and not at.page.url.endswith("/admin/") and time.monotonic() < until:
        at.page.wait_for_timeout(50)
    return asked


@pytest.mark.smoke
def test_leaving_with_unsaved_words_asks_first(at: Desk) -> None:
    at.page.locator("#id_body").click()
    at.page.keyboard.type("New. ")

    assert leave(at) == ["beforeunload"]
    assert at.text.count("New. ") == 1


def test_leaving_with_nothing_unsaved_asks_nothing(at: Desk) -> None:
    at.page.locator("#id_body").click()
    at.page.keyboard.type("New. ")
    at.page.get_by_role("button", name="Save draft").click()
    expect(at.page.locator(".messagelist")).to_contain_text("Draft saved.")
    at.page.locator("#id_body").click()

    assert leave(at) == []


def test_a_form_that_was_not_saved_still_asks(at: Desk) -> None:
    at.page.locator("#id_title").fill("")
    at.page.get_by_role("button", name="Save draft").click()
    expect(at.page.locator(".errornote").first).to_be_visible()
    # Drawn by the script that also asks.
    expect(at.page.frame_locator("[data-stage] iframe").locator("article")).to_be_visible()
    at.page.locator("#id_body").click()

    assert leave(at) == ["beforeunload"]


@pytest.mark.smoke
def test_two_clicks_save_once(at: Desk, row: PageRow) -> None:
    write(at, "Twice.")

    at.page.get_by_role("button", name="Save draft").dblclick()
    expect(at.page.locator(".messagelist")).to_contain_text("Draft saved.")

    assert row.revisions.count() == 1
