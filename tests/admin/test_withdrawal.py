"""Withdrawing a page lists its incoming links and translation before, after, and until they are fixed."""

import pytest
from django.test import Client

from portal.accounts.models import User
from procedures.models import ClinicalCode, Page
from procedures.publishing.publish import withdraw
from tests.admin.conftest import PAGES, SignIn
from tests.admin.workflow_helpers import task_lists
from tests.factories import BODY, make_page, make_public, make_translation, make_user


@pytest.fixture
def linked(page: Page) -> Page:
    """A public page with a translation and three pages that link to it in different ways."""
    make_public(page)
    make_public(make_translation(page))
    make_public(make_page("in-the-text", body=f"{BODY}\nSee [the cut](page:small-cut).\n", next_page=page.next_page))
    make_public(make_page("as-the-next-step", next_page=page))
    guide = make_page("first-visit", kind="guide", next_page=page.next_page)
    guide.items.create(page=page, minutes=4)
    make_public(guide)
    make_page("a-draft", next_page=page)
    page.refresh_from_db()
    return page


@pytest.fixture
def max_(manager: User, sign_in: SignIn) -> Client:
    return sign_in(manager)


def test_the_withdrawal_screen_lists_incoming_links_and_translations(linked: Page, max_: Client) -> None:
    ClinicalCode.objects.create(system="icd-10-cm", code="S32.0", subject="small-cut")

    answer = max_.get(f"{PAGES}{linked.pk}/withdraw/")

    text = " ".join(answer.content.decode().split())
    ways = {link.page.subject: link.link_types for link, _ in answer.context["impact"].incoming_links}
    assert ways == {
        "in-the-text": ["link in the text"],
        "as-the-next-step": ["next step"],
        "first-visit": ["reading list"],
    }
    assert "3 public pages link to it" in text
    assert "The translation stays public" in text
    assert "Un corte chico" in text
    assert f"<strong>{linked.code}</strong>" in text
    assert "ICD-10-CM S32.0" in text


def test_the_message_after_a_withdrawal_links_to_the_impact(linked: Page, max_: Client) -> None:
    address = f"{PAGES}{linked.pk}/withdraw/"

    answer = max_.post(address, {"reason": "Old.", "replaced_by": ""}, follow=True)
    again = " ".join(max_.get(address).content.decode().split())

    said = " ".join(str(message) for message in answer.context["messages"])
    assert "3 public pages still link to it." in said
    assert "Its translation “Un corte chico” (Español) is still public." in said
    assert f'<a href="{address}">See them</a>' in said
    assert "3 public pages link to it" in again
    assert "The translation is still public" in again
    assert "Withdraw this page" not in again


def test_the_dashboard_lists_links_to_a_withdrawn_page(linked: Page, max_: Client) -> None:
    assert "withdrawn" not in task_lists(max_)
    withdraw(linked, actor=make_user("max"), reason="Old.")

    listed = task_lists(max_)["withdrawn"]

    assert sorted(line.split(": ")[0] for line in listed) == [
        "As the next step",
        "First visit",
        "In the text",
        "Un corte chico",
    ]
    assert "Un corte chico: Its translation “Small cut” is withdrawn." in listed
    assert "First visit: Links to “Small cut”, which is withdrawn." in listed
    for page in Page.objects.published().exclude(subject="contact"):
        withdraw(page, actor=make_user("max"), reason="Old, too.")
    assert "withdrawn" not in task_lists(max_)


def test_a_page_without_incoming_links_is_withdrawn_without_a_warning(page: Page, max_: Client) -> None:
    make_public(page)

    answer = max_.post(f"{PAGES}{page.pk}/withdraw/", {"reason": "Old.", "replaced_by": ""}, follow=True)

    assert [message.level_tag for message in answer.context["messages"]] == ["success"]


def test_a_reason_with_a_warning_sign_is_rejected_and_kept(linked: Page, max_: Client) -> None:
    typed = "A weak leg can wait until your visit, so we took this page away."

    answer = max_.post(f"{PAGES}{linked.pk}/withdraw/", {"reason": typed, "replaced_by": ""})

    linked.refresh_from_db()
    html = answer.content.decode()
    assert answer.status_code == 400
    assert linked.live_release is not None
    assert typed in html
    assert "says what to do about warning signs (weak legs). Warning signs come from one list: remove them here" in html
