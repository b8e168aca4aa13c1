"""A reviewer's half-typed comments: there again after a reload, and kept in the browser while the site is away."""

import pytest
from playwright.sync_api import expect

from procedures.models import Autosave
from procedures.models import Page as PageRow
from procedures.publishing.drafts import save_revision
from tests.admin.conftest import person
from tests.browser.admin import Desk

pytestmark = [pytest.mark.browser, pytest.mark.writes, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def screen(at: Desk, row: PageRow) -> str:
    """The review screen of a draft, open for a reviewer."""
    save_revision(row, author=None)
    at.context.clear_cookies()
    at.sign_in(person("Rosa", "Reviewer"))
    path = f"/admin/procedures/page/{row.pk}/review/"
    at.open(path)
    return path


def type_both(at: Desk) -> None:
    at.page.locator("#review-comment").fill("Half a tho")
    at.page.locator(".diff__say summary").first.click()
    at.page.locator(".diff__say textarea").first.fill("Who is we")


def expect_both(at: Desk) -> None:
    expect(at.page.locator("#review-comment")).to_have_value("Half a tho")
    expect(at.page.locator(".diff__say textarea").first).to_have_value("Who is we")
    expect(at.page.locator(".diff__say textarea").first).to_be_visible()


def test_comments_are_there_after_a_reload_and_gone_after_the_decision(at: Desk, screen: str) -> None:
    type_both(at)
    expect(at.page.locator("[data-review] [data-kept]")).to_contain_text("Your comments are kept.")

    at.page.reload()
    expect_both(at)
    at.page.get_by_role("button", name="Send back").click()
    expect(at.page.locator(".messagelist")).to_contain_text("Sent back with your comments.")
    at.open(screen)

    expect(at.page.locator("#review-comment")).to_have_value("")
    assert not Autosave.objects.exists()
    assert at.complaints == []


def test_comments_stay_in_the_browser_while_the_site_cannot_be_reached(at: Desk, screen: str) -> None:
    at.page.route("**/review/keep/", lambda route: route.abort())
    type_both(at)
    expect(at.page.locator("[data-review] [data-kept]")).to_contain_text("kept in this browser only")

    at.page.reload()

    expect_both(at)
    at.page.unroute("**/review/keep/")
    at.page.locator("#review-comment").press("End")
    at.page.locator("#review-comment").press_sequentially("ught")
    expect(at.page.locator("[data-review] [data-kept]")).to_contain_text("They are not sent yet.")
    assert Autosave.objects.get().fields["comment"] == "Half a thought"
