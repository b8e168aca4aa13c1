"""Scheduling a publication: clinic time zone, clock changes, listing, canceling, and lost approvals."""

import datetime

import pytest
from django.utils import timezone

from portal.accounts.models import User
from procedures.enums import Decision
from procedures.models import Page
from procedures.publishing.review import record_decision as decide_on
from procedures.publishing.schedule import publish_scheduled
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, SignIn
from tests.admin.workflow_helpers import publish_url, schedule_page, task_lists
from tests.factories import approve


@pytest.fixture
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Freeze the time at noon UTC on October 1, 2026, before both clock changes used in the tests."""
    noon = datetime.datetime(2026, 10, 1, 12, tzinfo=datetime.UTC)
    monkeypatch.setattr(timezone, "now", lambda: noon)


@pytest.mark.usefixtures("_at_noon")
def test_scheduling_uses_the_clinic_time_zone(denver: Page, editor: User, manager: User, sign_in: SignIn) -> None:
    approve(save_revision(denver, author=editor))
    client = sign_in(manager)

    shown = client.get(publish_url(denver)).content.decode()
    answer = schedule_page(client, denver, "2026-10-05", "07:30", what_changed="New times.")

    denver.refresh_from_db()
    assert "America/Denver" in shown and "Oct. 1, 2026, 6:00 AM (MDT)" in shown
    assert answer.status_code == 302
    assert denver.publish_at == datetime.datetime(2026, 10, 5, 13, 30, tzinfo=datetime.UTC)
    assert "Oct. 5, 2026, 7:30 AM" in client.get(publish_url(denver)).content.decode()
    (release,), _ = publish_scheduled(denver.publish_at)
    assert release.what_changed == "New times."


@pytest.mark.usefixtures("_at_noon")
def test_ambiguous_and_missing_local_times_are_reported_and_the_input_kept(
    denver: Page, editor: User, manager: User, sign_in: SignIn
) -> None:
    approve(save_revision(denver, author=editor))
    client = sign_in(manager)

    gap = schedule_page(client, denver, "2027-03-14", "02:30", what_changed="Kept words.")
    twice = schedule_page(client, denver, "2026-11-01", "01:30")
    meant = schedule_page(client, denver, "2026-11-01", "01:30", occurrence="1")

    denver.refresh_from_db()
    assert gap.status_code == 400
    assert "There is no 2:30 AM on March 14, 2027" in gap.content.decode()
    assert "Kept words." in gap.content.decode() and 'value="02:30"' in gap.content.decode()
    assert twice.status_code == 400
    assert "1:30 AM occurs twice on Nov. 1, 2026" in twice.content.decode()
    assert "The second time, one hour later" in twice.content.decode()
    assert meant.status_code == 302
    assert denver.publish_at == datetime.datetime(2026, 11, 1, 8, 30, tzinfo=datetime.UTC)


@pytest.mark.usefixtures("_at_noon")
@pytest.mark.parametrize(
    ("day", "time", "sentence"),
    [
        ("2026-09-30", "09:00", "That time has passed."),
        ("2029-01-01", "09:00", "more than a year ahead"),
        ("", "", "This field is required."),
        ("soon", "noon", "Enter a valid date."),
        ("9999-12-31", "23:59", "Choose a date from 2000 to 2100. Check the year."),
        ("0001-01-01", "00:00", "Choose a date from 2000 to 2100. Check the year."),
    ],
)
def test_an_invalid_time_is_rejected(
    denver: Page, editor: User, manager: User, sign_in: SignIn, day: str, time: str, sentence: str
) -> None:
    approve(save_revision(denver, author=editor))

    answer = schedule_page(sign_in(manager), denver, day, time)

    denver.refresh_from_db()
    assert answer.status_code in {400, 409}
    assert sentence in answer.content.decode()
    assert denver.publish_at is None


def test_a_scheduled_page_is_listed_and_can_be_canceled(
    page: Page, editor: User, manager: User, sign_in: SignIn
) -> None:
    approve(save_revision(page, author=editor))
    client = sign_in(manager)
    schedule_page(client, page, f"{timezone.localdate() + datetime.timedelta(days=3)}", "10:00")

    listed = client.get(f"{PAGES}planned/").content.decode()
    assert "Small cut" in listed and "Small cut" in client.get(f"{PAGES}?state=planned").content.decode()
    answer = client.post(publish_url(page), {"cancel": "1"})

    page.refresh_from_db()
    assert answer.status_code == 302
    assert (page.publish_at, page.scheduled_revision) == (None, None)
    assert "Nothing is scheduled." in client.get(f"{PAGES}planned/").content.decode()
    assert page.events.first().actor == manager


def test_a_scheduled_page_that_lost_its_approval_is_reported(
    page: Page, editor: User, reviewer: User, manager: User, sign_in: SignIn
) -> None:
    revision = save_revision(page, author=editor)
    approve(revision, reviewer)
    client = sign_in(manager)
    schedule_page(client, page, f"{timezone.localdate() + datetime.timedelta(days=3)}", "10:00")
    decide_on(revision, reviewer=reviewer, decision=Decision.SENT_BACK, comment="Wrong number.")

    before = task_lists(client)["not_published"]
    publish_scheduled(timezone.now() + datetime.timedelta(days=4))
    after = task_lists(client)["not_published"]

    page.refresh_from_db()
    assert before == ["Small cut: This page will not be published: a reviewer sent it back after it was scheduled."]
    assert after == [
        (
            "Small cut: Was not published at the scheduled time. The approval of this text no longer applies: the text was sent "
            "back, a newer one was published, or the page was withdrawn. Send it for review again."
        )
    ]
    assert page.live_release is None
