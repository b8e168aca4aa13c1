"""A reviewer's unfinished comments survive a reload, even if the site was unreachable in between."""

import pytest
from playwright.sync_api import expect

from procedures.models import Autosave
from procedures.models import Page as PageRow
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import make_staff
from tests.browser.staff_helpers import StaffTab

pytestmark = [pytest.mark.browser, pytest.mark.writes, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def screen(tab: StaffTab, row: PageRow) -> str:
    """The review screen of a draft, open for a reviewer."""
    save_revision(row, author=None)
    tab.context.clear_cookies()
    tab.sign_in(make_staff("Rosa", "Reviewer"))
    path = f"/admin/procedures/page/{row.pk}/review/"
    tab.open(path)
    return path


def type_both(tab: StaffTab) -> None:
    tab.page.locator("#review-comment").fill("Half a tho")
    tab.page.locator(".diff__comment summary").first.click()
    tab.page.locator(".diff__comment textarea").first.fill("Who is we")


def expect_both(tab: StaffTab) -> None:
    expect(tab.page.locator("#review-comment")).to_have_value("Half a tho")
    expect(tab.page.locator(".diff__comment textarea").first).to_have_value("Who is we")
    expect(tab.page.locator(".diff__comment textarea").first).to_be_visible()


def test_comments_survive_a_reload_and_are_deleted_by_the_decision(tab: StaffTab, screen: str) -> None:
    type_both(tab)
    expect(tab.page.locator("[data-review] [data-save-status]")).to_contain_text("Your comments are saved.")

    tab.page.reload()
    expect_both(tab)
    tab.page.get_by_role("button", name="Send back").click()
    expect(tab.page.locator(".messagelist")).to_contain_text("Sent back with your comments.")
    tab.open(screen)

    expect(tab.page.locator("#review-comment")).to_have_value("")
    assert not Autosave.objects.exists()
    assert tab.complaints == []


def test_comments_stay_in_the_browser_while_offline(tab: StaffTab, screen: str) -> None:
    tab.page.route("**/review/keep/", lambda route: route.abort())
    type_both(tab)
    expect(tab.page.locator("[data-review] [data-save-status]")).to_contain_text("saved only in this browser")

    tab.page.reload()

    expect_both(tab)
    tab.page.unroute("**/review/keep/")
    tab.page.locator("#review-comment").press("End")
    tab.page.locator("#review-comment").press_sequentially("ught")
    expect(tab.page.locator("[data-review] [data-save-status]")).to_contain_text("They are not sent yet.")
    assert Autosave.objects.get().fields["comment"] == "Half a thought"


def typed_offline(tab: StaffTab) -> None:
    """Type a comment that the site saves, then continue typing while the site is unreachable."""
    tab.page.locator("#review-comment").fill("Half a tho")
    expect(tab.page.locator("[data-review] [data-save-status]")).to_contain_text("Your comments are saved.")
    tab.page.route("**/review/keep/", lambda route: route.abort())
    tab.page.locator("#review-comment").fill("Half a thought, and more")
    expect(tab.page.locator("[data-review] [data-save-status]")).to_contain_text("saved only in this browser")


def test_newer_comment_in_the_browser_wins_over_the_older_saved_one(tab: StaffTab, screen: str) -> None:
    typed_offline(tab)

    tab.page.reload()

    expect(tab.page.locator("#review-comment")).to_have_value("Half a thought, and more")
    tab.page.unroute("**/review/keep/")
    tab.page.locator("#review-comment").press("End")
    tab.page.locator("#review-comment").press_sequentially(".")
    expect(tab.page.locator("[data-review] [data-save-status]")).to_contain_text("They are not sent yet.")
    assert Autosave.objects.get().fields["comment"] == "Half a thought, and more."


def test_discarded_comments_are_not_restored_from_the_browser(tab: StaffTab, screen: str) -> None:
    typed_offline(tab)
    tab.page.reload()

    tab.page.get_by_role("button", name="Discard it").click()
    expect(tab.page.get_by_role("button", name="Discard it")).to_have_count(0)
    tab.open(screen)

    expect(tab.page.locator("#review-comment")).to_have_value("")


def test_comments_of_a_second_window_join_those_of_the_first(tab: StaffTab, screen: str) -> None:
    status = "[data-review] [data-save-status]"
    other = tab.context.new_page()
    other.goto(tab.url + screen)
    type_both(tab)
    expect(tab.page.locator(status)).to_contain_text("Your comments are saved.")

    other.locator("#review-comment").fill("From the other window")
    expect(other.locator(status)).to_contain_text("Your comments are saved.")
    tab.page.reload()

    expect(tab.page.locator("#review-comment")).to_have_value("Half a tho\nFrom the other window")
    expect(tab.page.locator(".diff__comment textarea").first).to_have_value("Who is we")
    assert Autosave.objects.count() == 2
