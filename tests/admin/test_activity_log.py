"""The activity log: filters and a safe CSV export; and the weekly digest."""

import csv
import datetime
import io
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from portal.accounts.models import User
from portal.env import DUMMY_EMAIL_BACKEND
from portal.text import escape_formula
from procedures.enums import EventKind
from procedures.models import Clinic, DigestDelivery, Page, ReleaseEvent
from procedures.publishing.review import submit_for_review
from procedures.publishing.tasks import send_digests
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import SignIn
from tests.factories import make_page

LOG = "/admin/procedures/releaseevent/"


def rows(answer: Any) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_a_csv_cell_that_a_spreadsheet_would_execute_is_escaped(subtests: pytest.Subtests) -> None:
    for typed in [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "\n=1",
        " =1",
        "\u00a0=1",
        "＝1",
        '=HYPERLINK("http://x")',
    ]:
        with subtests.test(typed=typed):
            assert escape_formula(typed) == f"'{typed}"


def test_other_csv_cells_are_unchanged(subtests: pytest.Subtests) -> None:
    for typed in ["", "Plain words", "3 - 2", "a=b", "Número", "'quoted"]:
        with subtests.test(typed=typed):
            assert escape_formula(typed) == typed


def test_the_csv_export_contains_every_event_without_formulas(
    page: Page, editor: User, manager: User, sign_in: SignIn
) -> None:
    Clinic.objects.update(time_zone="America/Denver")
    submit_for_review(save_revision(page, author=editor), actor=editor, note='=cmd|"/c calc"!A1, "and", more\nlines')

    answer = sign_in(manager).get(f"{LOG}table.csv")

    found = rows(answer)
    assert answer.streaming
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="plainspine-log-')
    assert len(found) == ReleaseEvent.objects.count()
    assert found[-1]["why"] == '\'=cmd|"/c calc"!A1, "and", more\nlines'
    assert (found[-1]["what"], found[-1]["subject"], found[-1]["account"]) == (
        "Sent for review",
        "small-cut",
        "nina.clinic",
    )
    assert found[-1]["when"][-6:] in {"-06:00", "-07:00"}


def test_only_managers_can_export_csv(page: Page, editor: User, reviewer: User, sign_in: SignIn) -> None:
    assert [sign_in(user).get(f"{LOG}table.csv").status_code for user in (editor, reviewer)] == [403, 403]
    assert "Download as a table" not in sign_in(editor).get(LOG).content.decode()


def test_the_log_is_filtered_by_day_page_and_person(page: Page, editor: User, manager: User, sign_in: SignIn) -> None:
    other = make_page("other", next_page=page.next_page)
    submit_for_review(save_revision(page, author=editor), actor=editor)
    submit_for_review(save_revision(other, author=editor), actor=manager)
    client, today = sign_in(manager), timezone.localdate()
    tomorrow = today + datetime.timedelta(days=1)

    def found(**asked: Any) -> list[str]:
        listed = client.get(LOG, asked).context["cl"].result_list
        table = rows(client.get(f"{LOG}table.csv", asked))
        assert sorted(row.page.subject for row in listed) == sorted(row["subject"] for row in table)
        return sorted(row.page.subject for row in listed if row.kind == EventKind.SUBMITTED)

    assert found() == ["other", "small-cut"]
    assert found(page=page.pk) == ["small-cut"]
    assert found(person=manager.pk) == ["other"]
    assert found(kind="withdrawn") == []
    assert found(first=today, last=today) == ["other", "small-cut"]
    assert found(first=tomorrow) == found(last="2020-01-01") == []


def test_an_invalid_filter_is_reported_and_filters_nothing(page: Page, manager: User, sign_in: SignIn) -> None:
    answer = sign_in(manager).get(LOG, {"first": "yesterday-ish"})

    assert answer.status_code == 200
    assert "Enter a valid date." in answer.content.decode()


def test_the_csv_export_needs_a_fixed_number_of_queries(
    page: Page, editor: User, manager: User, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        submit_for_review(save_revision(page, author=editor), actor=editor, note=str(number))
    client = sign_in(manager)

    with django_assert_max_num_queries(12):
        assert len(rows(client.get(f"{LOG}table.csv"))) >= 20


MONDAY = datetime.datetime(2026, 11, 23, 14, 30, tzinfo=datetime.UTC)  # 7:30 a.m. in Denver


@pytest.fixture
def waiting(page: Page, editor: User, reviewer: User, settings: Any) -> Page:
    """A text in review, and a configured mail server."""
    Clinic.objects.update(time_zone="America/Denver")
    User.objects.filter(pk=reviewer.pk).update(email="rosa@clinic.example")
    User.objects.filter(pk=editor.pk).update(email="nina@clinic.example")
    submit_for_review(save_revision(page, author=editor), actor=editor, note="About Mrs. Example")
    return page


def test_the_weekly_digest_lists_tasks_and_nothing_else(waiting: Page, reviewer: User) -> None:
    assert send_digests(MONDAY) == [reviewer]

    (sent,) = mail.outbox
    assert sent.to == ["rosa@clinic.example"]
    assert sent.subject == "Plainspine: your open tasks"
    assert "Waiting for your review: 1\n  - Small cut (English)" in sent.body
    assert "/admin/" in sent.body
    assert "Mrs. Example" not in sent.body


def test_nobody_gets_two_digests_in_a_week(waiting: Page, reviewer: User) -> None:
    week = datetime.timedelta(days=7)

    sent = [
        len(send_digests(at)) for at in (MONDAY, MONDAY, MONDAY + week - datetime.timedelta(hours=2), MONDAY + week)
    ]

    assert sent == [1, 0, 0, 1]
    assert DigestDelivery.objects.filter(user=reviewer).count() == 2


def test_the_digest_is_sent_on_monday_at_seven_clinic_time(waiting: Page) -> None:
    assert send_digests(MONDAY - datetime.timedelta(hours=1)) == []


def test_without_email_no_digest_is_sent_or_recorded(waiting: Page, settings: Any) -> None:
    settings.EMAIL_BACKEND = DUMMY_EMAIL_BACKEND

    assert send_digests(MONDAY) == []
    assert (mail.outbox, DigestDelivery.objects.count()) == ([], 0)


def test_a_failing_mail_server_does_not_stop_other_digests(waiting: Page, manager: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 9, 1

    assert send_digests(MONDAY) == []
    assert DigestDelivery.objects.count() == 2
