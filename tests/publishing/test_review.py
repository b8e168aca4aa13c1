"""Drafts, review, and approval of exactly one text by another person."""

import pytest

from procedures.enums import Decision, EventKind
from procedures.models import Approval, Page, ReleaseEvent, Revision
from procedures.publishing.publish import PublishError, publish, publish_starter, withdraw
from procedures.publishing.review import (
    ReviewError,
    current_approval,
    explain_own_text,
    latest_approved_revision,
    locate_quote,
    record_decision,
    submit_for_review,
)
from procedures.publishing.tasks import approval_tasks
from procedures.revisions.drafts import EditConflictError, check_and_bump_version, restore_revision, save_revision
from tests.factories import approve, make_user
from tests.publishing.test_publish import approved, fresh


def test_every_save_is_a_revision_with_its_author(page: Page) -> None:
    first = save_revision(page, author=make_user("ed"), note="First words")
    page.title = "Other title"

    second = save_revision(page, author=make_user("eva"))

    assert [(r.number, r.author.username, r.content["title"]) for r in (first, second)] == [
        (1, "ed", "Small cut"),
        (2, "eva", "Other title"),
    ]
    assert first.note == "First words"


def test_saving_the_same_text_twice_creates_one_revision(page: Page) -> None:
    first = save_revision(page, author=make_user("ed"))

    assert save_revision(page, author=make_user("eva")) == first
    assert page.revisions.count() == 1


def test_going_back_to_an_older_text_is_a_new_revision(page: Page) -> None:
    first = save_revision(page, author=make_user())
    save_revision(changed(page, title="Other"), author=make_user())

    third = save_revision(changed(page, title="Small cut"), author=make_user())

    assert third.number == 3
    assert third.content_hash == first.content_hash


def test_the_second_of_two_concurrent_saves_conflicts(page: Page) -> None:
    opened = page.draft_version
    check_and_bump_version(page, expected_version=opened)

    with pytest.raises(EditConflictError) as raised:
        check_and_bump_version(Page.objects.get(pk=page.pk), expected_version=opened)

    assert Page.objects.get(pk=page.pk).draft_version == opened + 1
    assert raised.value.page_id == page.pk


def test_submitting_for_review_writes_an_event(page: Page) -> None:
    revision = save_revision(page, author=make_user("ed"))

    submit_for_review(revision, actor=make_user("ed"), note="Please look at the numbers.")

    event = ReleaseEvent.objects.get(page=page)
    assert (event.kind, event.revision, event.actor.username, event.reason) == (
        EventKind.SUBMITTED,
        revision,
        "ed",
        "Please look at the numbers.",
    )


def test_an_approval_applies_to_exactly_one_text(page: Page) -> None:
    revision = save_revision(page, author=make_user("ed"))
    assert current_approval(revision) is None

    approval = approve(revision)

    assert current_approval(revision) == approval
    assert approval.content_hash == revision.content_hash


@pytest.mark.parametrize("field", ["body", "title", "key_message", "description", "slug", "next_label"])
def test_any_later_change_voids_the_approval(page: Page, field: str) -> None:
    approve(save_revision(page, author=make_user("ed")))

    later = save_revision(changed(page, **{field: f"{getattr(page, field)}-x"}), author=make_user("ed"))

    assert current_approval(later) is None
    with pytest.raises(PublishError, match="A reviewer has not approved this text yet"):
        publish(later, actor=make_user("max"))


def test_a_changed_lead_picture_or_next_step_voids_the_approval(page: Page) -> None:
    approve(save_revision(page, author=make_user("ed")))

    later = save_revision(changed(page, next_page=None), author=make_user("ed"))

    assert current_approval(later) is None


def test_an_unchanged_text_keeps_its_approval(page: Page) -> None:
    approval = approve(save_revision(page, author=make_user("ed")))
    save_revision(changed(page, title="Other"), author=make_user("ed"))

    again = save_revision(changed(page, title="Small cut"), author=make_user("ed"))

    assert current_approval(again) == approval


def test_an_approval_of_the_same_text_on_another_page_does_not_count(page: Page) -> None:
    approve(save_revision(page, author=make_user("ed")))
    twin = Page.objects.create(subject="twin", kind="procedure", code="TWIN22", slug="twin", title="Twin")

    revision = Revision.objects.create(page=twin, number=1, content=page.draft_content(), author=make_user("ed"))

    assert revision.content_hash == page.revisions.get().content_hash
    assert current_approval(revision) is None
    assert latest_approved_revision(twin) is None


def test_sending_back_ends_an_approval(page: Page) -> None:
    revision = save_revision(page, author=make_user("ed"))
    approve(revision)

    record_decision(revision, reviewer=make_user("rita"), decision=Decision.SENT_BACK, comment="Name the risk.")

    assert current_approval(revision) is None


def test_a_translators_check_neither_approves_nor_voids_an_approval(page: Page) -> None:
    revision = save_revision(page, author=make_user("ed"))
    record_decision(revision, reviewer=make_user("tom"), decision=Decision.TRANSLATION_CHECKED)
    assert current_approval(revision) is None

    approval = approve(revision)
    record_decision(revision, reviewer=make_user("tom"), decision=Decision.TRANSLATION_CHECKED)

    assert current_approval(revision) == approval


def test_users_cannot_approve_their_own_text(page: Page) -> None:
    revision = save_revision(page, author=make_user("ed"))

    with pytest.raises(ReviewError, match="This is your own text. Another person must approve it."):
        record_decision(revision, reviewer=make_user("ed"), decision=Decision.APPROVED)

    assert not Approval.objects.filter(revision=revision).exists()
    assert not ReleaseEvent.objects.filter(page=page).exists()


def test_authors_can_send_their_own_text_back(page: Page) -> None:
    revision = save_revision(page, author=make_user("ed"))

    record_decision(revision, reviewer=make_user("ed"), decision=Decision.SENT_BACK, comment="Not finished.")

    assert Approval.objects.get(revision=revision).decision == Decision.SENT_BACK


def test_peer_review_can_be_switched_off(page: Page, settings: object) -> None:
    settings.REQUIRE_PEER_REVIEW = False
    revision = save_revision(page, author=make_user("ed"))

    approval = record_decision(revision, reviewer=make_user("ed"), decision=Decision.APPROVED)

    assert current_approval(revision) == approval


@pytest.mark.parametrize("comment", ["", "  \n"])
def test_sending_back_requires_a_comment(page: Page, comment: str) -> None:
    revision = save_revision(page, author=make_user("ed"))

    with pytest.raises(ReviewError, match="Say what to change"):
        record_decision(revision, reviewer=make_user("rita"), decision=Decision.SENT_BACK, comment=comment)

    assert not Approval.objects.filter(revision=revision).exists()


@pytest.mark.parametrize("decision", list(Decision))
def test_every_decision_is_logged(page: Page, decision: Decision) -> None:
    revision = save_revision(page, author=make_user("ed"))

    record_decision(revision, reviewer=make_user("rita"), decision=decision, comment="Why.")

    event = ReleaseEvent.objects.get(page=page)
    assert (event.kind, event.actor.username, event.reason) == (decision.value, "rita", "Why.")


def changed(page: Page, **values: object) -> Page:
    """Save other values of the page, and return it."""
    for name, value in values.items():
        setattr(page, name, value)
    page.save()
    return page


@pytest.mark.parametrize(
    ("quote", "line"),
    [
        ("It is safe to read.", 3),
        ("A small cut. We look after you. [1]", 8),
        ("When to call", 10),
        ("Nothing of the kind stands here at all", 0),
    ],
)
def test_a_comment_finds_its_paragraph(page: Page, quote: str, line: int) -> None:
    assert locate_quote(quote, page.body) == line


def test_a_comment_follows_its_paragraph_until_it_is_removed(page: Page) -> None:
    moved = "## New\n\nWords.\n\n" + page.body

    assert locate_quote("It is safe to read.", moved) == 7
    assert locate_quote("It is safe to read.", moved.replace("It is safe to read.", "Ask us.")) == 0


def test_the_text_to_publish_is_the_newest_approved_one(page: Page) -> None:
    first = approved(page)
    assert latest_approved_revision(fresh(page)) == first
    publish(first, actor=make_user("max"))
    assert latest_approved_revision(fresh(page)) is None
    second = approved(fresh(page), title="Second")
    Page.objects.filter(pk=page.pk).update(title="Third")
    save_revision(fresh(page), author=make_user("ed"))

    assert latest_approved_revision(fresh(page)) == second
    record_decision(second, reviewer=make_user("rita"), decision=Decision.SENT_BACK, comment="No.")
    assert latest_approved_revision(fresh(page)) is None


def test_comments_on_the_text_are_enough_to_send_it_back(page: Page) -> None:
    revision = save_revision(page, author=make_user("ed"))

    sent_back = record_decision(
        revision, reviewer=make_user("rita"), decision=Decision.SENT_BACK, comments=[("It is safe.", "Is it?")]
    )

    assert sent_back.comment == "See the comments on the text."
    assert [(row.quote, row.text) for row in sent_back.comments.all()] == [("It is safe.", "Is it?")]
    assert ReleaseEvent.objects.get(page=page).reason == "See the comments on the text."


def test_only_revisions_since_the_live_one_can_be_published_next(page: Page) -> None:
    older = save_revision(page, author=make_user("ed"))
    approve(older)
    live = save_revision(changed(page, title="Live"), author=make_user("ed"))
    approve(live)
    assert latest_approved_revision(page) == live

    publish(live, actor=make_user("max"))

    page.refresh_from_db()
    assert latest_approved_revision(page) is None
    withdraw(page, actor=make_user("max"), reason="Old.")
    assert latest_approved_revision(page) is None


def test_a_text_that_a_newer_one_replaced_needs_a_new_approval(page: Page) -> None:
    old = approved(page, title="Take 10 pills")
    publish(old, actor=make_user("max"))
    publish(approved(page, title="Take 1 pill"), actor=make_user("max"))
    restored = restore_revision(old, actor=make_user("ed"), expected_version=fresh(page).draft_version)[0]

    assert current_approval(restored) is None
    assert latest_approved_revision(fresh(page)) is None
    with pytest.raises(PublishError, match="The approval of this text no longer applies"):
        publish(restored, actor=make_user("max"))
    approval = approve(restored)
    assert publish(restored, actor=make_user("max")).approval == approval


def test_publishing_an_older_text_keeps_the_approval_of_a_newer_one(page: Page) -> None:
    older, newer = approved(page), approved(page, title="Newer")

    publish(older, actor=make_user("max"))

    assert latest_approved_revision(fresh(page)) == newer
    publish(newer, actor=make_user("max"))
    assert current_approval(older) is None
    assert current_approval(newer) == fresh(page).live_release.approval


def test_a_withdrawal_ends_the_approvals_of_all_texts_of_the_page(page: Page) -> None:
    live = approved(page)
    publish(live, actor=make_user("max"))
    newer = approved(page, title="Newer")
    withdraw(fresh(page), actor=make_user("max"), reason="Wrong dose.")

    assert (current_approval(live), current_approval(newer)) == (None, None)
    assert latest_approved_revision(fresh(page)) is None
    approve(newer)
    assert latest_approved_revision(fresh(page)) == newer


def test_an_approved_starter_text_can_be_published_although_it_is_live(page: Page) -> None:
    revision = save_revision(page, author=None)
    publish_starter(revision)
    page.refresh_from_db()
    assert latest_approved_revision(page) is None

    approval = approve(revision)

    assert latest_approved_revision(page) == revision
    release = publish(revision, actor=make_user("max"))
    assert (release.approval, release.is_starter, release.reviewer_name) == (approval, False, "rita")
    page.refresh_from_db()
    assert latest_approved_revision(page) is None


OWN = "This is your own text. Another person must approve it."
PART = "You wrote part of this text. A reviewer who wrote none of the changes since the last approved text must approve it."


def refusals(revision: Revision, *names: str) -> dict[str, str]:
    """Return for each person why they must not approve; also check that approving says the same."""
    found = {name: explain_own_text(make_user(name), revision) for name in names}
    for name, message in found.items():
        user = make_user(name)
        listed = revision.page in [task.page for task in approval_tasks(user).tasks]
        assert listed is not bool(message), name
        if message:
            with pytest.raises(ReviewError, match=message):
                record_decision(revision, reviewer=user, decision=Decision.APPROVED)
    return found


def test_nobody_approves_a_text_that_they_wrote_part_of(page: Page) -> None:
    save_revision(changed(page, body=f"{page.body}\n\nStop all your pills.\n"), author=make_user("bo"))
    newest = save_revision(changed(page, description="What a small cut is!"), author=make_user("ed"))
    submit_for_review(newest, actor=make_user("ed"))

    assert refusals(newest, "bo", "ed", "rita") == {"bo": PART, "ed": OWN, "rita": ""}


def test_the_last_approved_or_public_text_no_longer_counts(page: Page) -> None:
    first = approve(save_revision(page, author=make_user("bo"))).revision
    second = save_revision(changed(page, title="Second"), author=make_user("ed"))
    submit_for_review(second, actor=make_user("ed"))
    assert refusals(second, "bo", "ed") == {"bo": "", "ed": OWN}

    publish(first, actor=make_user("max"))
    record_decision(second, reviewer=make_user("rita"), decision=Decision.SENT_BACK, comment="No.")
    third = save_revision(changed(page, title="Third"), author=make_user("cy"))
    submit_for_review(third, actor=make_user("cy"))
    assert refusals(third, "bo", "ed", "cy") == {"bo": "", "ed": PART, "cy": OWN}


def test_restoring_the_public_text_is_no_change(page: Page) -> None:
    publish(approve(save_revision(page, author=make_user("bo"))).revision, actor=make_user("max"))
    save_revision(changed(page, title="Second"), author=make_user("ed"))
    restored = save_revision(changed(page, title="Small cut"), author=make_user("ed"))

    # The public text may be confirmed by anyone but the person who wrote it.
    assert explain_own_text(make_user("ed"), restored) == ""
    assert explain_own_text(make_user("bo"), restored) == PART
    newest = save_revision(changed(page, title="Fourth"), author=make_user("cy"))
    assert explain_own_text(make_user("bo"), newest) == ""


def test_only_changes_after_the_last_approved_text_and_up_to_this_one_count(page: Page) -> None:
    save_revision(page, author=make_user("bo"))
    approve(save_revision(changed(page, title="Second"), author=make_user("ed")))
    third = save_revision(changed(page, title="Third"), author=make_user("cy"))
    save_revision(changed(page, title="Fourth"), author=make_user("di"))

    found = {name: explain_own_text(make_user(name), third) for name in ("bo", "ed", "cy", "di")}
    assert found == {"bo": "", "ed": "", "cy": OWN, "di": ""}


def test_only_the_last_decision_on_an_earlier_text_counts(page: Page) -> None:
    first = save_revision(page, author=make_user("bo"))
    approve(first)
    record_decision(first, reviewer=make_user("rita"), decision=Decision.SENT_BACK, comment="No.")
    second = save_revision(changed(page, title="Second"), author=make_user("ed"))
    assert explain_own_text(make_user("bo"), second) == PART

    approve(first)
    assert explain_own_text(make_user("bo"), second) == ""


def test_a_later_approved_text_does_not_end_the_count(page: Page) -> None:
    save_revision(page, author=make_user("bo"))
    second = save_revision(changed(page, title="Second"), author=make_user("ed"))
    approve(save_revision(changed(page, title="Third"), author=make_user("cy")))

    assert explain_own_text(make_user("bo"), second) == PART


def test_an_error_in_the_last_step_records_no_decision(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    revision = save_revision(page, author=make_user("ed"))

    def fail(**_values: object) -> None:
        raise OSError("disk")

    monkeypatch.setattr(ReleaseEvent.objects, "create", fail)
    with pytest.raises(OSError, match="disk"):
        record_decision(revision, reviewer=make_user("rita"), decision=Decision.APPROVED)

    assert not Approval.objects.filter(revision=revision).exists()


def test_the_public_text_can_be_confirmed_by_everyone_but_the_person_who_wrote_it_last(page: Page) -> None:
    save_revision(page, author=make_user("bo"))
    public = approve(save_revision(changed(page, title="Second"), author=make_user("ed"))).revision
    publish(public, actor=make_user("max"))
    save_revision(changed(page, title="Third"), author=make_user("cy"))
    save_revision(changed(page, title="Second"), author=make_user("di"))
    newest = save_revision(changed(page, title="Fourth"), author=make_user("flo"))

    assert [explain_own_text(make_user(name), public) for name in ("bo", "ed")] == ["", OWN]
    # Whoever restored the public text has changed nothing.
    assert explain_own_text(make_user("di"), newest) == ""
    assert explain_own_text(make_user("cy"), newest) == PART


def test_restoring_the_text_of_someone_else_does_not_let_them_approve_it(page: Page) -> None:
    save_revision(page, author=make_user("bo"))
    approve(save_revision(changed(page, title="Second"), author=make_user("ed")))
    restored = save_revision(changed(page, title="Small cut"), author=make_user("cy"))

    assert explain_own_text(make_user("bo"), restored) == PART
    assert explain_own_text(make_user("cy"), restored) == OWN
    edited = save_revision(changed(page, title="Small cut!"), author=make_user("di"))
    assert [explain_own_text(make_user(name), edited) for name in ("bo", "ed", "cy", "di")] == [PART, "", PART, OWN]


def test_starter_text_has_no_author(page: Page) -> None:
    save_revision(changed(page, title="Before"), author=make_user("cy"))
    publish_starter(save_revision(changed(page, title="First"), author=None))
    save_revision(changed(page, title="Second"), author=make_user("bo"))
    newest = save_revision(changed(page, title="Third"), author=None)
    submit_for_review(newest, actor=make_user("ed"))

    assert refusals(newest, "bo", "ed", "cy") == {"bo": PART, "ed": "", "cy": ""}
