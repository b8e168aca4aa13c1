"""Workflow states: the labels in lists and the filter agree."""

import pytest

from portal.accounts.models import User
from procedures.enums import Decision
from procedures.models import Page
from procedures.publishing.publish import publish_starter, withdraw
from procedures.publishing.review import (
    PageState,
    annotate_status,
    describe_state,
    filter_by_state,
    record_decision,
    submit_for_review,
)
from procedures.revisions.drafts import save_revision
from tests.factories import approve, make_public, make_user


def newer(page: Page) -> None:
    page.title = "Newer title"
    page.save()
    save_revision(page, author=None)


def label_and_filters(page: Page) -> tuple[str, set[str]]:
    """Return the state label of a page and the filters that match it."""
    rows = annotate_status(Page.objects.filter(pk=page.pk))
    return describe_state(rows.get()), {str(state) for state in PageState if filter_by_state(rows, state).exists()}


def test_a_page_is_a_draft_until_it_is_submitted(page: Page) -> None:
    save_revision(page, author=None)

    assert label_and_filters(page) == ("Draft", {"draft", "unsent"})


def test_a_page_without_a_revision_is_a_draft(page: Page) -> None:
    assert label_and_filters(page) == ("Draft", {"draft"})


def test_a_submitted_draft_is_in_review(page: Page, editor: User) -> None:
    submit_for_review(save_revision(page, author=editor), actor=editor)

    assert label_and_filters(page) == ("Waiting for review", {"waiting"})


def test_a_change_after_submitting_is_a_draft_again(page: Page, editor: User) -> None:
    submit_for_review(save_revision(page, author=editor), actor=editor)
    newer(page)

    assert label_and_filters(page) == ("Draft", {"draft", "unsent"})


def test_an_approved_draft_is_ready_to_publish(page: Page, editor: User) -> None:
    approve(save_revision(page, author=editor))

    assert label_and_filters(page) == ("Approved, not published yet", {"approved"})


def test_a_public_page_is_public(page: Page) -> None:
    make_public(page)

    assert label_and_filters(page) == ("Public", {"public"})


def test_a_public_page_with_a_newer_draft_has_its_own_state(page: Page) -> None:
    make_public(page)
    newer(page)

    assert label_and_filters(page) == ("Public, with a newer draft", {"public", "newer", "unsent"})


def test_a_newer_draft_can_be_in_review(page: Page, editor: User) -> None:
    make_public(page)
    newer(page)
    submit_for_review(page.revisions.latest("number"), actor=editor)

    assert label_and_filters(page) == ("Public, with a newer draft: waiting for review", {"public", "newer", "waiting"})


def test_a_starter_text_is_not_reviewed(page: Page) -> None:
    publish_starter(save_revision(page, author=None))

    assert label_and_filters(page) == ("Public (starter text)", {"public", "starter"})


def test_a_starter_text_can_be_in_review(page: Page, editor: User) -> None:
    publish_starter(save_revision(page, author=None))
    submit_for_review(page.revisions.get(), actor=editor)

    assert label_and_filters(page) == ("Public (starter text): waiting for review", {"public", "starter", "waiting"})


@pytest.mark.parametrize("changed", [False, True])
def test_a_withdrawn_page_is_withdrawn(page: Page, manager: User, changed: bool) -> None:
    make_public(page)
    page.refresh_from_db()
    withdraw(page, actor=manager, reason="Old.")
    if changed:
        newer(page)

    assert label_and_filters(page) == ("Withdrawn", {"withdrawn", "unsent"} if changed else {"withdrawn"})


@pytest.mark.parametrize(
    ("decision", "label", "state"),
    [
        (None, "Public: waiting for review", "waiting"),
        (Decision.SENT_BACK, "Public: sent back", "sent_back"),
        (Decision.APPROVED, "Public: approved, not published yet", "approved"),
    ],
)
def test_a_public_text_can_be_reviewed_again(
    page: Page, editor: User, decision: Decision | None, label: str, state: str
) -> None:
    revision = make_public(page).revision
    submit_for_review(revision, actor=editor)
    if decision:
        record_decision(revision, reviewer=make_user("rita"), decision=decision, comment="Still 10 pills?")

    assert label_and_filters(page) == (label, {"public", state})


def test_an_approval_that_no_longer_applies_leaves_a_draft_to_send(page: Page, manager: User) -> None:
    make_public(page)
    newer(page)
    approve(page.revisions.latest("number"))
    withdraw(Page.objects.get(pk=page.pk), actor=manager, reason="Old.")

    assert label_and_filters(page) == ("Withdrawn", {"withdrawn", "unsent"})


def test_a_withdrawn_page_can_be_in_review(page: Page, manager: User) -> None:
    make_public(page)
    page.refresh_from_db()
    withdraw(page, actor=manager, reason="Old.")
    newer(page)
    submit_for_review(page.revisions.latest("number"), actor=manager)

    assert label_and_filters(page) == ("Withdrawn: waiting for review", {"withdrawn", "waiting"})
