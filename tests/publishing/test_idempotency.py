"""Repeated and concurrent requests take effect once."""

import datetime

import pytest
from django.utils import timezone

from procedures.enums import Decision, EventKind
from procedures.models import Approval, Page, Release, ReleaseEvent, Revision, Source
from procedures.publishing.publish import PublishError, publish, rerelease_page, withdraw
from procedures.publishing.review import (
    ReviewError,
    mark_synced,
    record_decision,
    record_translator_check,
    submit_for_review,
)
from procedures.publishing.schedule import publish_scheduled, schedule_revision
from procedures.revisions.drafts import save_revision
from tests.factories import approve, make_public, make_publisher, make_translation, make_user
from tests.publishing.test_publish import approved, everything, fresh


def test_publishing_twice_creates_one_release_and_one_event(page: Page) -> None:
    revision = approved(page)
    first = publish(revision, actor=make_user("max"))
    before = everything(page)

    second = publish(revision, actor=make_user("mia"))

    assert second == first
    assert everything(page) == before


def test_a_text_approved_again_can_be_published_again(page: Page) -> None:
    revision = approved(page)
    first = publish(revision, actor=make_user("max"))
    approve(revision)

    second = publish(revision, actor=make_user("max"))

    assert (first.number, second.number) == (1, 2)
    assert second.approval != first.approval


def test_a_text_published_early_is_not_published_again_on_schedule(page: Page) -> None:
    revision = approved(page)
    at = timezone.now() + datetime.timedelta(hours=1)
    schedule_revision(revision, actor=make_publisher(), at=at)
    publish(revision, actor=make_user("max"))
    # A schedule that another transaction wrote at the same moment.
    Page.objects.filter(pk=page.pk).update(scheduled_revision=revision, publish_at=at)

    released, refused = publish_scheduled(at)

    assert refused == []
    assert [release.number for release in released] == [1]
    assert Release.objects.filter(page=page).count() == 1
    assert fresh(page).publish_at is None


def test_a_public_text_cannot_be_scheduled(page: Page) -> None:
    revision = approved(page)
    publish(revision, actor=make_user("max"))

    with pytest.raises(PublishError, match="already published"):
        schedule_revision(revision, actor=make_publisher(), at=timezone.now() + datetime.timedelta(hours=1))


def test_scheduling_twice_creates_one_event(page: Page) -> None:
    revision, at = approved(page), timezone.now() + datetime.timedelta(hours=1)

    for _ in range(2):
        schedule_revision(revision, actor=make_publisher(), at=at, what_changed="New.")

    assert ReleaseEvent.objects.filter(page=page, kind=EventKind.SCHEDULED).count() == 1
    schedule_revision(revision, actor=make_publisher(), at=at + datetime.timedelta(hours=1))
    assert ReleaseEvent.objects.filter(page=page, kind=EventKind.SCHEDULED).count() == 2


def test_submitting_twice_creates_one_event_until_a_decision(page: Page) -> None:
    revision, nina, rosa = save_revision(page, author=make_user("nina")), make_user("nina"), make_user("rosa")

    events = [submit_for_review(revision, actor=nina, note="Please.") for _ in range(2)]
    record_decision(revision, reviewer=rosa, decision=Decision.SENT_BACK, comment="Shorter.")
    again = submit_for_review(revision, actor=nina, note="Please.")

    assert events[0] == events[1] != again
    assert ReleaseEvent.objects.filter(page=page, kind=EventKind.SUBMITTED).count() == 2


def test_a_repeated_decision_is_recorded_once_with_its_comments(page: Page) -> None:
    revision, rosa = save_revision(page, author=make_user("nina")), make_user("rosa")
    remarks = [("A small cut.", "Say where."), ("It is safe.", "Is it?")]

    first, second = [
        record_decision(revision, reviewer=rosa, decision=Decision.SENT_BACK, comment="See below.", comments=remarks)
        for _ in range(2)
    ]
    other = record_decision(
        revision, reviewer=rosa, decision=Decision.SENT_BACK, comment="See below.", comments=remarks[:1]
    )
    yes = [record_decision(revision, reviewer=rosa, decision=Decision.APPROVED) for _ in range(2)]

    assert first == second != other
    assert yes[0] == yes[1]
    assert Approval.objects.filter(revision=revision).count() == 3
    assert ReleaseEvent.objects.filter(page=page).count() == 3


def test_two_approvals_by_different_reviewers_are_both_recorded(page: Page) -> None:
    revision = save_revision(page, author=make_user("nina"))

    approve(revision, make_user("rosa"))
    approve(revision, make_user("rita"))

    assert Approval.objects.filter(revision=revision).count() == 2


def test_withdrawing_twice_creates_one_event(page: Page) -> None:
    publish(approved(page), actor=make_user("max"))
    withdraw(fresh(page), actor=make_user("max"), reason="Old.")

    with pytest.raises(PublishError, match="not public"):
        withdraw(fresh(page), actor=make_user("max"), reason="Old.")

    assert ReleaseEvent.objects.filter(page=page, kind=EventKind.WITHDRAWN).count() == 1


def test_syncing_or_checking_a_translation_twice_creates_one_event(page: Page) -> None:
    source, actor = make_public(page).revision, make_user("max")
    other = make_translation(page)
    revision = save_revision(other, author=make_user("ed"))

    mark_synced(fresh(other), source, actor=actor)
    event = ReleaseEvent.objects.get(page=other)
    assert (event.revision, event.actor, event.reason) == (
        revision,
        actor,
        "Now matches revision 1 of the source text.",
    )
    mark_synced(fresh(other), source, actor=actor)
    checks = [record_translator_check(revision, actor=actor, translator=" Ana Ruiz, certified ") for _ in range(2)]

    assert checks[0] == checks[1]
    assert (checks[0].comment, checks[0].reviewer) == ("Ana Ruiz, certified", actor)
    assert (fresh(other).translated_from, fresh(page).translated_from) == (source, None)
    kinds = list(ReleaseEvent.objects.filter(page=other).values_list("kind", flat=True))
    assert sorted(kinds) == [EventKind.TRANSLATION_CHECKED, EventKind.TRANSLATION_SYNCED]


def test_only_a_translation_can_be_checked_and_only_by_a_translator_with_a_name(page: Page) -> None:
    original, translation = (save_revision(one, author=make_user("ed")) for one in (page, make_translation(page)))

    with pytest.raises(ReviewError, match="Enter the translator's name and qualification"):
        record_translator_check(translation, actor=make_user("max"), translator=" ")
    with pytest.raises(ReviewError, match="This is the source text, not a translation"):
        record_translator_check(original, actor=make_user("max"), translator="Ana Ruiz, certified")

    assert not Approval.objects.filter(revision__in=[original, translation]).exists()


def test_an_event_of_another_page_does_not_hide_a_repeated_submission(page: Page) -> None:
    revision, ed = save_revision(page, author=make_user("ed")), make_user("ed")
    first = submit_for_review(revision, actor=ed)
    submit_for_review(save_revision(make_translation(page), author=ed), actor=ed)

    assert submit_for_review(revision, actor=ed) == first


def test_submitting_with_another_note_or_by_someone_else_creates_another_event(page: Page) -> None:
    revision, nina = save_revision(page, author=make_user("nina")), make_user("nina")

    first = submit_for_review(revision, actor=nina, note="Please.")
    others = [
        submit_for_review(revision, actor=nina, note="Now, please."),
        submit_for_review(revision, actor=make_user("eva"), note="Now, please."),
    ]

    assert len({first, *others}) == 3


def test_a_rerelease_between_two_equal_submissions_changes_nothing(page: Page) -> None:
    publish(approved(page), actor=make_user("max"))
    page.title = "Later"
    page.save()
    revision = save_revision(page, author=make_user("nina"))
    first = submit_for_review(revision, actor=make_user("nina"))
    Source.objects.update(title="A newer guide")
    assert rerelease_page(fresh(page), actor=make_user("max"))

    assert submit_for_review(revision, actor=make_user("nina")) == first


def test_publishing_and_withdrawing_use_the_stored_state(page: Page) -> None:
    revision = approved(page)
    old, outdated = fresh(page), Revision.objects.select_related("page").get(pk=revision.pk)
    first = publish(Revision.objects.get(pk=revision.pk), actor=make_user("max"))

    assert publish(outdated, actor=make_user("max")) == first
    withdraw(old, actor=make_user("max"), reason="Old.")
    assert fresh(page).live_release is None
