"""The dashboard: task lists by role, in a fixed number of queries."""

import datetime
from typing import Any

import pytest
from django.utils import timezone

from portal.accounts.models import User
from procedures.enums import Decision
from procedures.models import FigureText, Marker, Page
from procedures.publishing.review import record_decision, submit_for_review
from procedures.publishing.schedule import schedule_revision
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import SignIn, change_url, publish_copy
from tests.admin.workflow_helpers import publish_url, task_lists
from tests.factories import approve, make_public


def test_the_dashboard_depends_on_the_role(
    page: Page, editor: User, reviewer: User, manager: User, sign_in: SignIn
) -> None:
    make_public(page)
    Page.objects.filter(pk=page.pk).update(title="Changed")
    submit_for_review(save_revision(Page.objects.get(pk=page.pk), author=editor), actor=editor)
    mark = Marker.objects.get()
    mark.x = 0.9
    mark.save()

    seen = {user.first_name: sorted(task_lists(sign_in(user))) for user in (editor, reviewer, manager)}

    assert seen == {"Nina": ["outdated"], "Rosa": ["outdated", "to_approve"], "Max": ["outdated"]}
    quick = {
        user.first_name: [words for words, _ in sign_in(user).get("/admin/").context["quick_actions"]]
        for user in (editor, reviewer)
    }
    assert "New page" in quick["Nina"] and "New page" not in quick["Rosa"]


def test_authors_do_not_see_their_own_text_to_approve(
    page: Page, sign_in: SignIn, admin_user: User, settings: Any
) -> None:
    submit_for_review(save_revision(page, author=admin_user), actor=admin_user)

    assert "to_approve" not in task_lists(sign_in(admin_user))
    settings.REQUIRE_PEER_REVIEW = False
    assert len(task_lists(sign_in(admin_user))["to_approve"]) == 1


@pytest.mark.parametrize("count", [1, 4])
def test_the_dashboard_needs_a_fixed_number_of_queries(
    page: Page, manager: User, editor: User, sign_in: SignIn, count: int, django_assert_max_num_queries: Any
) -> None:
    make_public(page)
    page.refresh_from_db()
    for number in range(count):
        publish_copy(page, number)
        page.title = f"Newer {number}"
        page.save()
        revision = save_revision(page, author=editor)
        submit_for_review(revision, actor=editor)
        approve(revision)
    FigureText.objects.update(caption="Other words.")
    client = sign_in(manager)

    with django_assert_max_num_queries(45):
        assert {"approved", "outdated"} <= set(task_lists(client))


def test_reviews_are_listed_a_month_before_they_are_due(
    page: Page, editor: User, sign_in: SignIn, monkeypatch: Any
) -> None:
    make_public(page)
    later = timezone.now() + datetime.timedelta(days=340)
    client = sign_in(editor)
    assert "reviews" not in task_lists(client)
    monkeypatch.setattr(timezone, "now", lambda: later)
    client = sign_in(editor)

    assert any(line.startswith("Small cut: Due on") for line in task_lists(client)["reviews"])


def test_a_public_text_that_was_approved_again_can_be_published_with_the_new_dates(
    page: Page, reviewer: User, manager: User, sign_in: SignIn, monkeypatch: Any
) -> None:
    first = make_public(page)
    later = timezone.now() + datetime.timedelta(days=340)
    monkeypatch.setattr(timezone, "now", lambda: later)
    client = sign_in(manager)
    assert "approved" not in task_lists(client)

    approve(first.revision, reviewer)

    assert [line.partition(". Patients ")[2] for line in task_lists(client)["approved"]] == [
        "read it already, with the date of the earlier review."
    ]
    assert 'name="_publish"' in client.get(change_url(page)).content.decode()
    assert "Publish now" in client.get(publish_url(page)).content.decode()
    for _ in range(2):
        answer = client.post(publish_url(page), {"revision": first.revision_id, "now": "1"})
        assert answer.status_code == 302
    page.refresh_from_db()
    assert page.live_release is not None
    assert (page.live_release.number, page.live_release.reviewer_name) == (2, "Rosa")
    lists = task_lists(client)
    assert "approved" not in lists
    assert [line.partition(":")[0] for line in lists["reviews"]] == ["Contact"]


def test_a_public_text_that_is_sent_back_is_on_the_list_of_editors(
    page: Page, editor: User, reviewer: User, sign_in: SignIn
) -> None:
    revision = make_public(page).revision
    submit_for_review(revision, actor=editor, note="Is it still right?")
    assert len(task_lists(sign_in(reviewer))["to_approve"]) == 1

    record_decision(revision, reviewer=reviewer, decision=Decision.SENT_BACK, comment="The dose is wrong.")

    assert "to_approve" not in task_lists(sign_in(reviewer))
    assert [line.rpartition(": ")[2] for line in task_lists(sign_in(editor))["sent_back"]] == ["The dose is wrong."]
    assert "The dose is wrong." in sign_in(editor).get(change_url(page)).content.decode()


def test_an_approved_text_is_listed_although_an_older_one_is_scheduled(
    page: Page, editor: User, manager: User, sign_in: SignIn
) -> None:
    older = save_revision(page, author=editor)
    approve(older)
    schedule_revision(older, actor=manager, at=timezone.now() + datetime.timedelta(days=1))
    client = sign_in(manager)
    assert "approved" not in task_lists(client)
    page.title = "Newer"
    page.save()

    approve(save_revision(page, author=editor))

    lists = task_lists(client)
    assert [line.partition(" Not ")[2] for line in lists["approved"]] == [
        "public. An older text is scheduled: publish or schedule this one instead."
    ]
    assert [line.endswith(". A newer text has been approved.") for line in lists["planned"]] == [True]
