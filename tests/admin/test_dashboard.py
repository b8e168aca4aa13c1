"""The dashboard: task lists by role, in a fixed number of queries."""

import datetime
from typing import Any

import pytest
from django.utils import timezone

from portal.accounts.models import User
from procedures.models import FigureText, Marker, Page
from procedures.publishing.review import submit_for_review
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import SignIn, publish_copy
from tests.admin.workflow_helpers import task_lists
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
