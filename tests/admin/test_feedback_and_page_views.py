"""Feedback and page views: unread feedback first, complete deletion, and view counts with their caveat."""

import datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from procedures.models import Feedback, Page
from procedures.page_views import record_page_views
from tests.admin.conftest import PAGES, SignIn
from tests.factories import make_public
from tests.views.client import Response
from tests.views.crawl import Document, element_text

FEEDBACK_URL = "/admin/procedures/feedback/"
PAGE_VIEWS_URL = f"{PAGES}reads/"


@pytest.fixture
def public(page: Page) -> Page:
    make_public(page)
    return page


def answer(page: Page, comment: str, *, days_ago: int = 0, **values: object) -> Feedback:
    day = timezone.localdate() - datetime.timedelta(days=days_ago)
    return Feedback.objects.create(page=page, was_clear=False, comment=comment, received_on=day, **values)


def rows(client: Client, address: str = FEEDBACK_URL) -> list[str]:
    screen = Document.read(address, Response(200, (), client.get(address).content))
    table = (
        screen.one("table", id="result_list") if address == FEEDBACK_URL else screen.of_class("page-views__table")[0]
    )
    body = next(iter(table.iter("tbody")))
    return [" ".join(filter(None, (element_text(cell) for cell in row))) for row in body.iter("tr")]


def do(client: Client, action: str, *answers: Feedback, **more: str) -> None:
    values = {"action": action, "_selected_action": [a.pk for a in answers], **more}
    assert client.post(FEEDBACK_URL, values).status_code == 302


def test_unread_feedback_comes_first_then_the_newest(editor: User, sign_in: SignIn, public: Page) -> None:
    answer(public, "Read already.", is_read=True)
    answer(public, "Older.", days_ago=3)
    answer(public, "Newest.", section="when-to-call")
    first, second, third = rows(sign_in(editor))

    assert first.startswith("Newest. No Small cut (en) When to call")
    assert second.startswith("Older.")
    assert third.startswith("Read already.")


def test_feedback_can_be_marked_and_deleted_in_bulk(editor: User, sign_in: SignIn, public: Page) -> None:
    client = sign_in(editor)
    secret, other = answer(public, "My secret words."), answer(public, "Other words.")

    do(client, "mark_read", secret, other)
    assert list(Feedback.objects.values_list("is_read", flat=True)) == [True, True]
    do(client, "mark_unread", other)
    assert Feedback.objects.get(pk=other.pk).is_read is False
    do(client, "delete_selected", secret, other, post="yes")

    assert not Feedback.objects.exists()


def test_deleted_feedback_leaves_no_text_in_the_log(editor: User, sign_in: SignIn, public: Page) -> None:
    client = sign_in(editor)
    one, two = answer(public, "My secret words."), answer(public, "My secret words.")

    client.post(f"{FEEDBACK_URL}{one.pk}/delete/", {"post": "yes"})
    do(client, "delete_selected", two, post="yes")

    assert not Feedback.objects.exists()
    log = [(entry.object_repr, entry.change_message) for entry in LogEntry.objects.all()]
    assert len(log) == 2
    assert "secret" not in str(log)


def test_staff_cannot_add_or_change_feedback(manager: User, sign_in: SignIn, public: Page) -> None:
    client, one = sign_in(manager), answer(public, "Words.")

    assert client.get(f"{FEEDBACK_URL}add/").status_code == 403
    assert client.post(f"{FEEDBACK_URL}{one.pk}/change/", {"comment": "Other."}).status_code == 403
    assert Feedback.objects.get().comment == "Words."


def test_each_role_sees_the_feedback_it_needs(
    editor: User, reviewer: User, manager: User, visitor: User, sign_in: SignIn, public: Page
) -> None:
    one = answer(public, "Words.")
    seen = {
        u.first_name: (sign_in(u).get(FEEDBACK_URL).status_code, sign_in(u).get(PAGE_VIEWS_URL).status_code)
        for u in (editor, reviewer, manager, visitor)
    }
    may_delete = {
        u.first_name: sign_in(u).get(f"{FEEDBACK_URL}{one.pk}/delete/").status_code for u in (editor, reviewer, manager)
    }

    assert seen == {"Nina": (200, 200), "Rosa": (200, 200), "Max": (200, 200), "Ines": (403, 403)}
    assert may_delete == {"Nina": 200, "Rosa": 403, "Max": 200}


def test_the_feedback_list_needs_a_fixed_number_of_queries(
    editor: User, sign_in: SignIn, public: Page, django_assert_max_num_queries: object
) -> None:
    client = sign_in(editor)
    for number in range(20):
        answer(public, f"Words {number}.")

    with django_assert_max_num_queries(9):  # type: ignore[operator]
        client.get(FEEDBACK_URL)


def test_pages_are_listed_with_their_view_counts(editor: User, sign_in: SignIn, public: Page) -> None:
    record_page_views({"/small-cut/": 12, "/contact/": 3, "/": 40})
    client = sign_in(editor)

    assert rows(client, PAGE_VIEWS_URL) == ["Small cut en Procedure 12", "Contact en About 3"]
    assert "An estimate" in client.get(PAGE_VIEWS_URL).text
    assert '<rect width="25%"' in client.get(PAGE_VIEWS_URL).text
    assert PAGE_VIEWS_URL in client.get("/admin/procedures/releaseevent/").text


def test_the_period_can_be_chosen_and_defaults_to_thirty_days(editor: User, sign_in: SignIn, public: Page) -> None:
    client = sign_in(editor)

    assert "in the last 7 days" in client.get(PAGE_VIEWS_URL, {"days": "7"}).text
    for odd in ("", "31", "x", "-1", "9" * 50):
        assert "in the last 30 days" in client.get(PAGE_VIEWS_URL, {"days": odd}).text


def test_disabled_counting_is_reported(editor: User, sign_in: SignIn, public: Page, settings: object) -> None:
    settings.COUNT_PAGE_VIEWS = False  # type: ignore[attr-defined]

    assert "Page views are not being counted" in sign_in(editor).get(PAGE_VIEWS_URL).text


def test_only_staff_who_can_change_feedback_can_mark_it(reviewer: User, sign_in: SignIn, public: Page) -> None:
    one = answer(public, "Words.")
    client = sign_in(reviewer)

    client.post(FEEDBACK_URL, {"action": "mark_read", "_selected_action": [one.pk]})

    one.refresh_from_db()
    assert not one.is_read
    assert "mark_read" not in client.get(FEEDBACK_URL).text
