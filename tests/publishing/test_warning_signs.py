"""The list of warning signs: proposed, approved by another person, published on all pages at once."""

from typing import Any
from unittest.mock import patch

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from portal.accounts.models import User
from procedures.models import Page, Release, ReleaseDependency, WarningSign, WarningSignRevision
from procedures.publishing import warning_signs
from procedures.publishing.checks import find_deletion_blockers
from procedures.publishing.publish import PublishError, publish, rerelease_page
from procedures.publishing.rerelease import find_stale_pages, find_stale_pages_by_rendering
from procedures.publishing.review import ReviewError
from procedures.publishing.tasks import get_task_lists
from tests.factories import (
    BODY,
    approve,
    make_clinic,
    make_page,
    make_public,
    make_sign,
    make_source,
    make_user,
    save_revision,
    sign_content,
)
from tests.replay import built_once

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
@built_once
def site() -> None:
    """A starter list with two signs, and two public pages that print it."""
    make_clinic()
    make_sign("weak-leg", "emergency")
    make_sign("fever", "now")
    warning_signs.record_starter_list()
    for subject in ("small-cut", "big-cut"):
        make_public(make_page(subject, body=f"{BODY}\n::: warning-signs both\n"))


def changed(**values: Any) -> warning_signs.SignListContent:
    """Return the list with fever as an emergency."""
    return [sign_content("weak-leg"), sign_content("fever", "emergency", **values)]


def proposed(**values: Any) -> WarningSignRevision:
    newest = warning_signs.latest_revision()
    return warning_signs.propose_list(
        changed(**values), author=make_user("ed"), expected_number=newest.number if newest else 0
    )


def live() -> dict[str, str]:
    """Return the public HTML of both pages."""
    pages = Page.objects.published().exclude(kind="about").select_related("live_release")
    return {page.subject: page.live_release.html for page in pages if page.live_release}


def level_of_fever(html: str) -> str:
    """Return the title of the card that contains the sign."""
    return (
        html[: html.index("<li>You have fever.")].rpartition('<h3 class="care-card__title">')[2].partition("</h3>")[0]
    )


def test_publishing_a_list_updates_every_page_immediately() -> None:
    revision = proposed()
    warning_signs.record_list_decision(revision, reviewer=make_user("rita"), approved=True)
    before = live()

    released = warning_signs.publish_list(revision, actor=make_user("max"))

    assert {level_of_fever(html) for html in before.values()} == {"Call us now, day or night"}
    assert {level_of_fever(html) for html in live().values()} == {"Call 911 now. Do not drive."}
    assert {release.page.subject for release in released} == {"small-cut", "big-cut"}
    assert warning_signs.get_live_list() == revision.content


def test_patients_read_the_old_list_until_the_new_one_is_published() -> None:
    before = live()

    warning_signs.record_list_decision(proposed(), reviewer=make_user("rita"), approved=True)

    assert live() == before


def test_users_cannot_approve_their_own_list(settings: Any) -> None:
    revision = proposed()

    with pytest.raises(ReviewError, match="This is your own list"):
        warning_signs.record_list_decision(revision, reviewer=make_user("ed"), approved=True)

    settings.REQUIRE_PEER_REVIEW = False
    assert warning_signs.record_list_decision(revision, reviewer=make_user("ed"), approved=True).pk


def test_nobody_approves_a_list_that_they_changed_since_the_last_published_one() -> None:
    part = (
        "You wrote part of this list. A reviewer who wrote none of the changes since the last published list must "
        "approve it."
    )
    bo, ed, rita = (make_user(name, is_superuser=True) for name in ("bo", "eddy", "rita-s"))

    def propose(author: User, **values: str) -> WarningSignRevision:
        newest = warning_signs.latest_revision()
        return warning_signs.propose_list(
            [sign_content("weak-leg", **values)], author=author, expected_number=newest.number if newest else 0
        )

    def who_may_approve(revision: WarningSignRevision) -> list[str]:
        users = (bo, ed, rita)
        listed = [user for user in users if "signs_to_approve" in {tasks.key for tasks in get_task_lists(user)}]
        assert listed == [user for user in users if not warning_signs.explain_own_list(user, revision)]
        return [user.username for user in listed]

    propose(bo, en="A very mild thing.")
    newest = propose(ed, en="A very mild thing.", es="Algo leve.")
    assert who_may_approve(newest) == ["rita-s"]
    for user, message in ((bo, part), (ed, "This is your own list. Another person must approve it.")):
        with pytest.raises(ReviewError, match=message):
            warning_signs.record_list_decision(newest, reviewer=user, approved=True)

    warning_signs.record_list_decision(newest, reviewer=rita, approved=True)
    warning_signs.publish_list(newest, actor=make_user("max"))
    later = propose(ed, en="You cannot move your leg.")
    assert who_may_approve(later) == ["bo", "rita-s"]

    propose(ed, en="A very mild thing.")
    edited = propose(ed, en="A very mild thing!")
    assert who_may_approve(edited) == ["rita-s"]


@pytest.mark.parametrize("last", ["nothing", "sent back", "approved before a newer list"])
def test_a_list_without_a_current_approval_is_not_published(last: str) -> None:
    revision = proposed()
    if last == "sent back":
        warning_signs.record_list_decision(revision, reviewer=make_user("rita"), approved=True)
        warning_signs.record_list_decision(revision, reviewer=make_user("rita"), approved=False, comment="No.")
    if last == "approved before a newer list":
        warning_signs.record_list_decision(revision, reviewer=make_user("rita"), approved=True)
        proposed(en="You have a high fever.")
    before = live(), warning_signs.get_live_list()

    with pytest.raises(PublishError):
        warning_signs.publish_list(revision, actor=make_user("max"))

    assert (live(), warning_signs.get_live_list()) == before


def test_a_list_is_not_published_twice() -> None:
    revision = proposed()
    warning_signs.record_list_decision(revision, reviewer=make_user("rita"), approved=True)
    warning_signs.publish_list(revision, actor=make_user("max"))
    count = Release.objects.count()

    with pytest.raises(PublishError):
        warning_signs.publish_list(revision, actor=make_user("max"))

    assert Release.objects.count() == count


def test_saving_the_same_list_twice_creates_one_revision() -> None:
    seen = WarningSignRevision.objects.count()

    first, second = [
        warning_signs.propose_list(changed(), author=make_user("ed"), expected_number=seen) for _ in range(2)
    ]

    assert first == second
    assert first.events.count() == 1


def test_an_unchanged_list_that_was_sent_back_is_submitted_again() -> None:
    revision = proposed()
    warning_signs.record_list_decision(revision, reviewer=make_user("rita"), approved=False, comment="Is it right?")

    again = [proposed() for _ in range(2)]

    assert again == [revision] * 2
    kinds = list(revision.events.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["submitted", "sent_back", "submitted"]


def test_a_repeated_decision_on_a_list_is_recorded_once() -> None:
    revision = proposed()
    for approved in (False, True):
        events = [
            warning_signs.record_list_decision(revision, reviewer=make_user("rita"), approved=approved, comment="So.")
            for _ in range(2)
        ]
        assert events[0] == events[1]

    assert revision.events.count() == 3


def test_a_published_list_cannot_be_reviewed_again() -> None:
    revision = proposed()
    warning_signs.record_list_decision(revision, reviewer=make_user("rita"), approved=True)
    warning_signs.publish_list(revision, actor=make_user("max"))
    count = revision.events.count()

    for approved in (True, False):
        with pytest.raises(ReviewError, match="already published"):
            warning_signs.record_list_decision(revision, reviewer=make_user("rita"), approved=approved, comment="No.")

    assert revision.events.count() == count


def test_a_page_that_cannot_be_released_blocks_the_whole_list() -> None:
    page = Page.objects.get(subject="big-cut")
    Page.objects.filter(subject="contact").update(subject="elsewhere")
    revision = proposed()
    warning_signs.record_list_decision(revision, reviewer=make_user("rita"), approved=True)
    before = live(), warning_signs.get_live_list()

    with pytest.raises(PublishError, match=page.title):
        warning_signs.publish_list(revision, actor=make_user("max"))

    assert (live(), warning_signs.get_live_list()) == before
    assert warning_signs.pending_revision() == revision


def test_two_people_who_change_the_list_do_not_overwrite_each_other() -> None:
    seen = WarningSignRevision.objects.count()
    proposed()

    with pytest.raises(warning_signs.SignListConflictError):
        warning_signs.propose_list(changed(), author=make_user("eva"), expected_number=seen)


def test_a_list_that_could_mislead_is_not_saved(subtests: pytest.Subtests) -> None:
    for content, sentence in [
        ([sign_content("fever", "now")], "The list has no emergency sign for “After a procedure”."),
        ([sign_content(), sign_content("fever", "now", en="You have weak-leg.")], "Two signs have the same text"),
        ([sign_content(), sign_content()], "Two signs have the same key"),
        ([sign_content(es="")], "has no text in Español"),
        ([sign_content(en_short="")], "has no short form in English"),
        ([sign_content(en="word " * 26)], "A warning sign has at most 25 words; this one has 26."),
        ([sign_content(sources=["nowhere"])], "There is no source “nowhere”."),
        ([sign_content(level="soon")], "level: Value 'soon' is not a valid choice."),
    ]:
        with subtests.test(content=content, sentence=sentence):
            before = WarningSignRevision.objects.count()

            with pytest.raises(ValidationError) as refused, transaction.atomic():
                warning_signs.propose_list(content, author=None, expected_number=before)

            assert any(sentence in message for message in refused.value.messages), refused.value.messages
            assert WarningSignRevision.objects.count() == before


def test_the_starter_notice_disappears_when_the_list_is_approved() -> None:
    notice = "First version of this list, not yet reviewed by a doctor or nurse."
    assert all(notice in html for html in live().values())
    starter = warning_signs.latest_revision()
    assert starter is not None

    warning_signs.record_list_decision(starter, reviewer=make_user("rita"), approved=True)
    warning_signs.publish_list(starter, actor=make_user("max"))

    assert not any(notice in html for html in live().values())


def test_a_release_records_the_signs_and_becomes_stale_with_them() -> None:
    assert ReleaseDependency.objects.filter(kind="signs", key="both", release__live_on__isnull=False).count() == 2
    WarningSign.objects.filter(key="fever").update(level="hours")

    assert [row.changed for row in find_stale_pages()] == [[("signs", "both")]] * 2
    assert len(find_stale_pages_by_rendering()) == 2


def test_a_text_with_its_own_list_is_not_published() -> None:
    page = make_page("old-page", kind="about", body="## Help\n\n::: emergency\n- Anything.\n:::\n")
    revision = save_revision(page, author=make_user("ed"))
    approve(revision)

    with pytest.raises(PublishError, match="line 3: ::: emergency is no longer used"):
        publish(revision, actor=make_user("max"))


def test_a_text_public_before_this_rule_still_gets_new_values() -> None:
    page = make_page("old-page", kind="about", body="## Help\n\nHelp.\n")
    release = make_public(page)
    page.body = "## Help\n\n::: emergency\n- Call {clinic.phone}.\n:::\n"
    old = save_revision(page, author=make_user("ed"))
    values = {
        field.name: getattr(release, field.name)
        for field in Release._meta.concrete_fields
        if field.name not in {"id", "number", "revision"}
    }
    Page.objects.filter(pk=page.pk).update(live_release=Release.objects.create(number=2, revision=old, **values))

    release = rerelease_page(page, actor=make_user("max"))

    assert release is not None
    assert "care-card--emergency" in release.html


def test_a_source_of_a_sign_cannot_be_deleted() -> None:
    source = make_source("cdc")
    make_sign("cough", "now", sources=["cdc"])

    assert find_deletion_blockers(source) == ["The warning signs cite it as a source."]


@pytest.mark.parametrize(
    ("step", "person", "title"),
    [
        ("proposed", "rita", "Warning signs to approve"),
        ("sent back", "ed", "Warning signs sent back to you"),
        ("approved", "max", "Warning signs approved, not published yet"),
    ],
)
def test_the_list_is_a_task_for_the_role_with_the_next_step(step: str, person: str, title: str) -> None:
    from django.contrib.auth.models import Group

    groups = {"ed": "Editor", "rita": "Reviewer", "max": "Manager"}
    people: dict[str, User] = {name: make_user(name) for name in groups}
    for name, group in groups.items():
        people[name].groups.add(Group.objects.get(name=group))
    revision = proposed()
    if step != "proposed":
        warning_signs.record_list_decision(
            revision, reviewer=people["rita"], approved=step == "approved", comment="Why."
        )

    titles = {
        name: [one.title for one in get_task_lists(user) if "arning" in one.title] for name, user in people.items()
    }

    assert titles[person] == [title]
    assert sum(map(len, titles.values())) == (2 if step == "sent back" else 1)


def test_a_decision_needs_the_newest_list_and_a_comment_to_send_it_back() -> None:
    older = proposed()
    newest = proposed(en="You have a high fever.")

    for approved in (True, False):
        with pytest.raises(ReviewError, match="A newer list was saved. Please review that one."):
            warning_signs.record_list_decision(older, reviewer=make_user("rita"), approved=approved, comment="So.")
    with pytest.raises(ReviewError, match="Say what to change"):
        warning_signs.record_list_decision(newest, reviewer=make_user("rita"), approved=False, comment=" \n")
    event = warning_signs.record_list_decision(newest, reviewer=make_user("rita"), approved=False, comment=" No. ")

    assert (older.events.count(), newest.events.count()) == (1, 2)
    assert (event.kind, event.actor.username, event.comment) == ("sent_back", "rita", "No.")


@pytest.mark.parametrize(("when", "missing"), [("before", "After a procedure"), ("after", "Before a procedure, or")])
def test_a_list_has_emergency_signs_for_before_and_after_a_procedure(when: str, missing: str) -> None:
    content = [sign_content("weak-leg", when=when), sign_content("fever", "now")]

    (error,) = warning_signs.check_list(content)

    assert error.startswith(f"The list has no emergency sign for “{missing}")
    assert warning_signs.check_list([*content, sign_content("stroke", when="both")]) == []


def test_a_topic_is_never_released_without_emergency_signs_at_its_top() -> None:
    page = make_page("home-care", kind="recovery", body=f"{BODY}\n::: warning-signs after\n")
    release = make_public(page)
    WarningSign.objects.filter(key="weak-leg").update(when="before")
    message = "The top of this page must show emergency signs, but the list has none in English"

    with pytest.raises(PublishError, match=message):
        rerelease_page(Page.objects.get(pk=page.pk), actor=None)
    with pytest.raises(PublishError, match=message):
        make_public(make_page("other", kind="recovery", body=f"{BODY}\n::: warning-signs after\n"))

    page.refresh_from_db()
    assert page.live_release == release


def test_the_first_list_is_added_to_pages_that_were_public_before_it() -> None:
    _publish_without_list()
    page = Page.objects.get(subject="small-cut")
    revision = warning_signs.propose_list([sign_content("stroke")], author=make_user("ed"), expected_number=1)
    warning_signs.record_list_decision(revision, reviewer=make_user("rita"), approved=True)

    released = warning_signs.publish_list(revision, actor=make_user("max"))

    assert page in [release.page for release in released]
    assert all("stroke now" in html for html in live().values())


def test_an_imported_first_list_is_added_to_pages_that_were_public_before_it() -> None:
    _publish_without_list()

    warning_signs.create_starter_list([sign_content("stroke")])

    assert all("stroke now" in html for html in live().values())


def _publish_without_list() -> None:
    """Make the pages public as earlier versions did, which allowed it without a list."""
    WarningSign.objects.all().delete()
    with patch("procedures.publishing.checks._check_emergency_signs", return_value=()):
        for page in Page.objects.published().exclude(kind="about"):
            page.body = BODY
            page.save()
            make_public(page)
    assert not any("weak-leg" in html for html in live().values())
