"""A reviewer's half-typed comments survive a reload, also when the site could not be reached meanwhile."""

import pytest
from playwright.sync_api import expect

from procedures.models import Autosave
from procedures.models import Page as PageRow
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import person
from tests.browser.staff_helpers import Desk

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
    at.page.locator(".diff__comment summary").first.click()
    at.page.locator(".diff__comment textarea").first.fill("Who is we")


def expect_both(at: Desk) -> None:
    expect(at.page.locator("#review-comment")).to_have_value("Half a tho")
    expect(at.page.locator(".diff__comment textarea").first).to_have_value("Who is we")
    expect(at.page.locator(".diff__comment textarea").first).to_be_visible()


@pytest.mark.smoke
def test_comments_are_there_after_a_reload_and_gone_after_the_decision(at: Desk, screen: str) -> None:
    type_both(at)
    expect(at.page.locator("[data-review] [data-kept]")).to_contain_text("Your comments are saved.")

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
    expect(at.page.locator("[data-review] [data-kept]")).to_contain_text("saved only in this browser")

    at.page.reload()

    expect_both(at)
    at.page.unroute("**/review/keep/")
    at.page.locator("#review-comment").press("End")
    at.page.locator("#review-comment").press_sequentially("ught")
    expect(at.page.locator("[data-review] [data-kept]")).to_contain_text("They are not sent yet.")
    assert Autosave.objects.get().fields["comment"] == "Half a thought"


def typed_offline(at: Desk) -> None:
    """The site has saved one comment; the rest of it is typed while the site cannot be reached."""
    at.page.locator("#review-comment").fill("Half a tho")
    expect(at.page.locator("[data-review] [data-kept]")).to_contain_text("Your comments are saved.")
    at.page.route("**/review/keep/", lambda route: route.abort())
    at.page.locator("#review-comment").fill("Half a thought, and more")
    expect(at.page.locator("[data-review] [data-kept]")).to_contain_text("saved only in this browser")


def test_the_newer_comment_in_the_browser_is_not_lost_to_the_older_one_on_the_site(at: Desk, screen: str) -> None:
    typed_offline(at)

    at.page.reload()

    expect(at.page.locator("#review-comment")).to_have_value("Half a thought, and more")
    at.page.unroute("**/review/keep/")
    at.page.locator("#review-comment").press("End")
    at.page.locator("#review-comment").press_sequentially(".")
    expect(at.page.locator("[data-review] [data-kept]")).to_contain_text("They are not sent yet.")
    assert Autosave.objects.get().fields["comment"] == "Half a thought, and more."


def test_discarded_comments_do_not_come_back_from_the_browser(at: Desk, screen: str) -> None:
    typed_offline(at)
    at.page.reload()

    at.page.get_by_role("button", name="Discard it").click()
    expect(at.page.get_by_role("button", name="Discard it")).to_have_count(0)
    at.open(screen)

    expect(at.page.locator("#review-comment")).to_have_value("")
