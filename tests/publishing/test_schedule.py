"""Scheduled publishing, with a fixed clock."""

import datetime
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.utils import timezone

from procedures.enums import Decision, EventKind
from procedures.models import FigureText, Page, Release, ReleaseEvent, Revision
from procedures.publishing import schedule
from procedures.publishing.publish import PublishError, publish, withdraw
from procedures.publishing.review import record_decision
from procedures.publishing.schedule import cancel_schedule, publish_scheduled, schedule_revision
from procedures.publishing.tasks import failed_schedule_tasks
from procedures.revisions.drafts import save_revision
from tests.factories import approve, make_page, make_publisher, make_user
from tests.publishing.test_publish import approved, fresh

LAPSED = (
    "The approval of this text no longer applies: the text was sent back, a newer one was published, or the page was "
    "withdrawn. Send it for review again."
)
HOUR = datetime.timedelta(hours=1)


def test_the_live_text_stays_until_the_scheduled_time(page: Page) -> None:
    publish(approved(page), actor=make_user("max"))
    at = timezone.now() + HOUR
    revision = approved(fresh(page), title="New title")
    schedule_revision(revision, actor=make_publisher(), at=at, what_changed="The title is new.")

    assert publish_scheduled(at - datetime.timedelta(seconds=1)) == ([], [])
    assert fresh(page).live_release.title == "Small cut"

    released, refused = publish_scheduled(at)

    assert [(release.title, release.what_changed) for release in released] == [("New title", "The title is new.")]
    assert refused == []
    assert fresh(page).live_release == released[0]
    assert released[0].published_by.username == "max"
    assert (fresh(page).publish_at, fresh(page).scheduled_revision) == (None, None)


def test_a_page_that_is_no_longer_due_is_left_alone(page: Page) -> None:
    at, results = timezone.now() + HOUR, ([], [])
    schedule_revision(approved(page), actor=make_publisher(), at=at)

    schedule._publish_scheduled_page(page.pk, at - HOUR, *results)

    assert results == ([], [])
    assert (fresh(page).live_release, fresh(page).publish_at) == (None, at)


def test_an_error_while_scheduling_or_canceling_changes_nothing(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_values: object) -> None:
        raise OSError("disk")

    revision, at = approved(page), timezone.now() + HOUR
    with monkeypatch.context() as patch, pytest.raises(OSError, match="disk"):
        patch.setattr(ReleaseEvent.objects, "create", fail)
        schedule_revision(revision, actor=make_publisher(), at=at)
    assert fresh(page).publish_at is None

    schedule_revision(revision, actor=make_publisher(), at=at)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="disk"):
        patch.setattr(ReleaseEvent.objects, "create", fail)
        cancel_schedule(fresh(page), actor=make_publisher())
    assert fresh(page).publish_at == at


def test_a_schedule_that_nobody_made_is_refused(page: Page) -> None:
    at, revision = timezone.now() + HOUR, approved(page)
    Page.objects.filter(pk=page.pk).update(scheduled_revision=revision, publish_at=at)
    reason = "The person who scheduled this is no longer on staff. Schedule it again."

    assert schedule.find_schedules_without_publisher() == [(page, reason)]
    assert publish_scheduled(at) == ([], [(page, reason)])
    assert fresh(page).live_release is None


def test_a_due_page_is_published_once(page: Page) -> None:
    at = timezone.now() + HOUR
    schedule_revision(approved(page), actor=make_publisher(), at=at)

    assert len(publish_scheduled(at)[0]) == 1
    assert publish_scheduled(at + HOUR) == ([], [])


def test_the_scheduled_text_goes_live_despite_a_newer_draft(page: Page) -> None:
    at = timezone.now() + HOUR
    schedule_revision(approved(page), actor=make_publisher(), at=at)
    Page.objects.filter(pk=page.pk).update(title="SECRET")
    save_revision(fresh(page), author=make_user("ed"))

    (release,), _ = publish_scheduled(at)

    assert release.title == "Small cut"


def test_only_an_approved_text_can_be_scheduled_and_only_in_the_future(page: Page) -> None:
    revision = save_revision(page, author=make_user("ed"))
    with pytest.raises(PublishError, match="A reviewer has not approved this text yet"):
        schedule_revision(revision, actor=make_publisher(), at=timezone.now() + HOUR)
    approve(revision)

    with pytest.raises(PublishError, match="That time has passed. Choose a time in the future."):
        schedule_revision(revision, actor=make_publisher(), at=timezone.now() - HOUR)

    assert fresh(page).publish_at is None
    assert not ReleaseEvent.objects.filter(page=page, kind=EventKind.SCHEDULED).exists()


def test_a_schedule_can_be_canceled(page: Page) -> None:
    at = timezone.now() + HOUR
    schedule_revision(approved(page), actor=make_publisher(), at=at)

    cancel_schedule(fresh(page), actor=make_user("max"), reason="Not yet.")

    assert publish_scheduled(at) == ([], [])
    assert [event.kind for event in ReleaseEvent.objects.filter(page=page)][:2] == [
        EventKind.UNSCHEDULED,
        EventKind.SCHEDULED,
    ]
    cancel_schedule(fresh(page), actor=make_user("max"))
    event = ReleaseEvent.objects.get(page=page, kind=EventKind.UNSCHEDULED)
    assert (event.actor.username, event.revision, event.reason) == ("max", page.revisions.get(), "Not yet.")


def test_publishing_the_public_text_again_keeps_the_schedule_of_a_newer_one(page: Page) -> None:
    public, at = approved(page), timezone.now() + HOUR
    publish(public, actor=make_user("max"))
    newer = approved(fresh(page), title="New title")
    schedule_revision(newer, actor=make_publisher(), at=at, what_changed="New.")

    publish(Revision.objects.get(pk=public.pk), actor=make_user("max"))

    stored = fresh(page)
    assert (stored.scheduled_revision, stored.publish_at, stored.scheduled_change) == (newer, at, "New.")
    cancel_schedule(stored, actor=make_user("max"))
    stored = fresh(page)
    assert (stored.scheduled_revision, stored.publish_at, stored.scheduled_change) == (None, None, "")


def test_a_text_that_lost_its_approval_is_unscheduled_with_the_reason(page: Page) -> None:
    at = timezone.now() + HOUR
    revision = approved(page)
    schedule_revision(revision, actor=make_publisher(), at=at)
    record_decision(revision, reviewer=make_user("rita"), decision=Decision.SENT_BACK, comment="Wrong number.")

    released, refused = publish_scheduled(at)

    assert released == []
    assert [(found.pk, reason) for found, reason in refused] == [(page.pk, LAPSED)]
    assert fresh(page).publish_at is None
    assert fresh(page).live_release is None
    assert ReleaseEvent.objects.filter(page=page).first().reason == refused[0][1]


def test_a_page_that_fails_does_not_block_the_others(page: Page) -> None:
    at = timezone.now() + HOUR
    other = make_page("other", next_page=page.next_page)
    broken, good = approved(page), approved(other)
    for revision in (broken, good):
        schedule_revision(revision, actor=make_publisher(), at=at)
    record_decision(broken, reviewer=make_user("rita"), decision=Decision.SENT_BACK, comment="Wrong.")

    released, refused = publish_scheduled(at)

    assert [release.page.subject for release in released] == ["other"]
    assert [found.subject for found, _ in refused] == ["small-cut"]


def test_withdrawing_cancels_the_schedule(page: Page) -> None:
    publish(approved(page), actor=make_user("max"))
    at = timezone.now() + HOUR
    schedule_revision(approved(fresh(page), title="New"), actor=make_publisher(), at=at)

    withdraw(fresh(page), actor=make_user("max"), reason="Old.")

    assert publish_scheduled(at) == ([], [])
    assert fresh(page).live_release is None


def test_the_command_reports_published_and_rejected_pages(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    at = timezone.now() + HOUR
    other = make_page("other", next_page=page.next_page)
    broken = approved(other)
    schedule_revision(approved(page), actor=make_publisher(), at=at)
    schedule_revision(broken, actor=make_publisher(), at=at)
    record_decision(broken, reviewer=make_user("rita"), decision=Decision.SENT_BACK, comment="Wrong.")
    monkeypatch.setattr(timezone, "now", lambda: at)
    out, err = StringIO(), StringIO()

    call_command("publish_scheduled", stdout=out, stderr=err)

    assert out.getvalue() == "published: /small-cut/\n"
    assert err.getvalue() == f"not published: Other (en): {LAPSED}\n"


@pytest.mark.parametrize("lost", ["is_active", "is_staff"])
def test_a_schedule_of_someone_who_left_is_rejected_with_the_reason(page: Page, lost: str) -> None:
    at, reason = timezone.now() + HOUR, "The person who scheduled this is no longer on staff. Schedule it again."
    revision, max_ = approved(page), make_publisher()
    schedule_revision(revision, actor=max_, at=at)
    setattr(max_, lost, False)
    max_.save()
    assert schedule.find_schedules_without_publisher() == [(page, reason)]

    released, refused = publish_scheduled(at)

    assert (released, [(found.pk, said) for found, said in refused]) == ([], [(page.pk, reason)])
    assert (fresh(page).live_release, fresh(page).publish_at) == (None, None)
    assert ReleaseEvent.objects.filter(page=page).values_list("kind", "actor", "reason").first() == (
        EventKind.UNSCHEDULED,
        None,
        reason,
    )
    schedule_revision(revision, actor=make_publisher("mia"), at=at)
    assert [release.published_by.username for release in publish_scheduled(at)[0]] == ["mia"]


def test_a_schedule_of_someone_who_may_no_longer_publish_is_rejected_and_listed(page: Page) -> None:
    at, reason = timezone.now() + HOUR, "max, who scheduled this, may no longer publish pages. Schedule it again."
    revision, max_ = approved(page), make_publisher()
    schedule_revision(revision, actor=max_, at=at)
    assert failed_schedule_tasks().tasks == []
    max_.user_permissions.clear()
    warned = [(task.page, task.reason) for task in failed_schedule_tasks().tasks]

    released, refused = publish_scheduled(at)

    assert warned == [(page, f"This page will not be published: {reason}")]
    assert (released, refused) == ([], [(page, reason)])
    assert fresh(page).live_release is None
    assert [(task.page, task.reason) for task in failed_schedule_tasks().tasks] == [
        (page, f"Was not published at the scheduled time. {reason}")
    ]
    schedule_revision(revision, actor=make_publisher("mia"), at=at)
    assert failed_schedule_tasks().tasks == []


def test_each_schedule_needs_its_own_publisher(page: Page) -> None:
    other, at = make_page("other", next_page=page.next_page), timezone.now() + HOUR
    max_, mia = make_publisher(), make_publisher("mia")
    schedule_revision(approved(page), actor=max_, at=at)
    schedule_revision(approved(other), actor=mia, at=at + HOUR)
    # A command that moves the clinic to another time zone acts for nobody.
    schedule.shift_schedules(ZoneInfo("UTC"), ZoneInfo("America/Denver"), actor=None)
    assert schedule.find_schedules_without_publisher() == []
    max_.user_permissions.clear()

    assert [found for found, _reason in schedule.find_schedules_without_publisher()] == [page]
    released, refused = publish_scheduled(at + datetime.timedelta(days=1))
    assert [(release.page, release.published_by) for release in released] == [(other, mia)]
    assert [found for found, _reason in refused] == [page]
    assert ReleaseEvent.objects.filter(page=page).first().revision == page.revisions.get()


def test_an_unexpected_error_blocks_no_other_page_and_is_retried(
    page: Page, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    at = timezone.now() + HOUR
    for one in (page, make_page("other", next_page=page.next_page)):
        schedule_revision(approved(one), actor=make_publisher(), at=at)

    def fail_for_first(revision: Revision, **values: object) -> Release:
        if revision.page_id == page.pk:
            raise OSError("disk")
        return publish(revision, **values)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(schedule, "publish", fail_for_first)
        released, refused = publish_scheduled(at)

    assert ([release.page.subject for release in released], refused) == (["other"], [])
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        f"Publishing page {page.pk} at its scheduled time failed; will retry."
    ]
    assert [release.page.subject for release in publish_scheduled(at)[0]] == ["small-cut"]


def test_the_present_moment_cannot_be_scheduled(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    revision, now = approved(page), timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)

    with pytest.raises(PublishError, match="That time has passed"):
        schedule_revision(revision, actor=make_publisher(), at=now)
    schedule_revision(revision, actor=make_publisher(), at=now + schedule.MAX_SCHEDULE_AHEAD)

    assert fresh(page).publish_at == now + datetime.timedelta(days=366)


def test_scheduling_and_canceling_use_the_stored_state(page: Page) -> None:
    at, old = timezone.now() + HOUR, fresh(page)
    revision = approved(page)
    schedule_revision(Revision.objects.get(pk=revision.pk), actor=make_publisher(), at=at)

    cancel_schedule(old, actor=make_user("max"))

    assert fresh(page).publish_at is None
    outdated = Revision.objects.select_related("page").get(pk=revision.pk)
    publish(Revision.objects.get(pk=revision.pk), actor=make_user("max"))
    with pytest.raises(PublishError, match="already published"):
        schedule_revision(outdated, actor=make_publisher(), at=at)


def test_schedules_move_to_the_same_local_time_in_a_new_time_zone(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    denver, tokyo = ZoneInfo("America/Denver"), ZoneInfo("Asia/Tokyo")
    at, at_in_tokyo = (datetime.datetime(2026, 6, 15, 9, tzinfo=zone) for zone in (denver, tokyo))
    monkeypatch.setattr(timezone, "now", lambda: datetime.datetime(2026, 3, 3, tzinfo=denver))
    schedule_revision(approved(page), actor=make_publisher(), at=at)

    assert schedule.shift_schedules(denver, denver, actor=make_user("mia")) == []
    (shift,) = schedule.find_schedule_shifts(denver, tokyo)
    moved = schedule.shift_schedules(denver, tokyo, actor=make_user("mia"))

    assert (shift.page, shift.scheduled_at, shift.shifted_at, shift.is_past) == (page, at, at_in_tokyo, False)
    assert (shift.old_label, shift.same_time_label, shift.same_moment_label) == (
        "June 15, 2026, 9:00 AM (MDT)",
        "June 15, 2026, 9:00 AM (JST)",
        "June 16, 2026, 12:00 AM (JST)",
    )
    assert (moved, fresh(page).publish_at) == ([page], at_in_tokyo)
    event = ReleaseEvent.objects.filter(page=page).first()
    assert (event.kind, event.revision, event.actor.username, event.reason) == (
        EventKind.RESCHEDULED,
        fresh(page).scheduled_revision,
        "mia",
        "June 15, 2026, 9:00 AM (JST). The clinic’s time zone changed; it was June 15, 2026, 9:00 AM (MDT).",
    )
    monkeypatch.setattr(timezone, "now", lambda: at_in_tokyo)
    assert shift.is_past
    # The person who scheduled it, not the one who changed the time zone.
    (release,), _ = publish_scheduled(at_in_tokyo)
    assert release.published_by == make_publisher()


def test_a_new_time_zone_does_not_replace_a_publisher_who_lost_the_role(page: Page) -> None:
    at, mia = timezone.now() + 20 * HOUR, make_publisher("mia")
    schedule_revision(approved(page), actor=make_publisher(), at=at)
    make_publisher().user_permissions.clear()
    schedule.shift_schedules(ZoneInfo("Asia/Tokyo"), ZoneInfo("America/Denver"), actor=mia)
    reason = "max, who scheduled this, may no longer publish pages. Schedule it again."

    assert schedule.find_schedules_without_publisher() == [(page, reason)]
    assert publish_scheduled(at + 24 * HOUR) == ([], [(page, reason)])


def test_a_scheduled_page_whose_texts_changed_elsewhere_is_unscheduled_with_the_reason(page: Page) -> None:
    at, revision = timezone.now() + HOUR, approved(page)
    schedule_revision(revision, actor=make_publisher(), at=at)
    FigureText.objects.update(caption="A nail.")
    reason = (
        "Since this text was approved, something that it shows has changed: picture needle. Ask for approval again: "
        "send the text for review."
    )

    assert publish_scheduled(at) == ([], [(page, reason)])
    assert (fresh(page).live_release, fresh(page).publish_at) == (None, None)
    assert page.events.filter(kind=EventKind.UNSCHEDULED).values_list("reason", flat=True).get() == reason
    with pytest.raises(PublishError, match="picture needle"):
        schedule_revision(revision, actor=make_publisher(), at=at)

    approve(revision)
    schedule_revision(revision, actor=make_publisher(), at=at)
    assert [release.revision for release in publish_scheduled(at)[0]] == [revision]
