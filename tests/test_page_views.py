"""Page view totals in the database: added up by several processes, for known paths only, by clinic day."""

import datetime
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from pathlib import Path as File
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from procedures import page_views, timezones
from procedures.models import Clinic, Page, PageView
from procedures.page_views import most_viewed_pages, record_page_views
from procedures.publishing.publish import publish, withdraw
from procedures.revisions.drafts import save_revision
from procedures.timezones import clinic_today
from tests.factories import approve, make_clinic, make_page, make_public, make_public_page, make_translation, make_user
from tests.published.test_page_views import HUMAN_REQUEST
from tests.served_data import ROOT, serve


@pytest.fixture
def page(db: None) -> Page:
    return make_public_page()


def totals() -> dict[tuple[str, str], int]:
    return {(row.path, row.language): row.views for row in PageView.objects.all()}


def test_totals_of_a_day_add_up(page: Page) -> None:
    make_public(make_translation(page))

    record_page_views({"/small-cut/": 2, "/": 1})
    record_page_views({"/small-cut/": 3, "/es/small-cut-es/": 1})

    assert totals() == {("/small-cut/", "en"): 5, ("/", "en"): 1, ("/es/small-cut-es/", "es"): 1}


def test_only_addresses_that_are_ours_are_kept(page: Page) -> None:
    record_page_views(
        {"/small-cut/booklet/": 1, "/robots.txt": 4, "/p/": 1, "/small-cut/plain.txt": 1, "/clear/222222/": 1}
    )

    assert totals() == {("/small-cut/booklet/", "en"): 1}


def test_a_batch_is_one_statement_to_write(page: Page) -> None:
    pages = {f"/es{'/visits' * (n % 2)}/": n + 1 for n in range(2)} | {"/": 1, "/small-cut/": 9}

    with CaptureQueriesContext(connection) as captured:
        record_page_views(pages)

    assert sum(query["sql"].startswith("INSERT") for query in captured.captured_queries) == 1
    assert sum(totals().values()) == 13


def test_a_large_batch_is_kept_whole(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_views, "MAX_ROWS_PER_INSERT", 2)

    record_page_views({"/": 1, "/es/": 2, "/visits/": 3, "/es/visits/": 4, "/small-cut/": 5})

    assert sum(totals().values()) == 15


def test_a_row_holds_a_day_an_address_a_language_and_a_number() -> None:
    assert {field.name for field in PageView._meta.fields} == {"id", "day", "path", "language", "views"}


def test_the_day_is_the_clinics(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezones.timezone, "now", lambda: datetime.datetime(2026, 11, 21, 5, tzinfo=datetime.UTC))
    days = {}
    for zone in ("America/Denver", "Pacific/Auckland", "Mars/Olympus"):
        Clinic.objects.update(time_zone=zone)
        days[zone] = clinic_today().day

    assert days == {"America/Denver": 20, "Pacific/Auckland": 21, "Mars/Olympus": 21}


def test_a_page_is_counted_under_all_its_addresses_and_its_booklet(page: Page) -> None:
    record_page_views({"/small-cut/": 2, "/small-cut/booklet/": 1})
    page = Page.objects.get(pk=page.pk)
    page.slug = "tiny-cut"
    page.save()
    revision = save_revision(page, author=make_user("ed"))
    approve(revision)
    publish(revision, actor=make_user("max"))
    record_page_views({"/tiny-cut/": 4})

    assert Counter({row.page.subject: row.views for row in most_viewed_pages(30)}) == {"small-cut": 7, "contact": 0}


def test_the_most_read_come_first_and_old_days_do_not_count(page: Page) -> None:
    record_page_views({"/contact/": 3, "/small-cut/": 1})
    PageView.objects.create(
        day=clinic_today() - datetime.timedelta(days=30), path="/small-cut/", language="en", views=9
    )
    PageView.objects.create(
        day=clinic_today() - datetime.timedelta(days=29), path="/small-cut/", language="en", views=1
    )

    assert [(row.page.subject, row.views) for row in most_viewed_pages(30)] == [("contact", 3), ("small-cut", 2)]
    assert [(row.page.subject, row.views) for row in most_viewed_pages(31)] == [("small-cut", 11), ("contact", 3)]


def test_a_withdrawn_page_is_no_longer_listed(page: Page) -> None:
    record_page_views({"/small-cut/": 1})
    withdraw(Page.objects.get(pk=page.pk), actor=make_user("max"), reason="Old.")

    assert [row.page.subject for row in most_viewed_pages(30)] == ["contact"]


def test_most_read_leaves_the_texts_of_the_pages_where_they_are(page: Page) -> None:
    (row,) = [row for row in most_viewed_pages(30) if row.page == page]

    assert row.page.live_release is not None
    assert row.page.live_release.get_deferred_fields() == {"html", "sections", "document"}


def test_most_read_costs_the_same_for_any_number_of_pages(page: Page, django_assert_num_queries: Any) -> None:
    for number in range(3):
        make_public(make_page(f"cut-{number}"))

    with django_assert_num_queries(4):
        most_viewed_pages(30)


@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="threads share one SQLite database in memory, which locks whole tables"
)
@pytest.mark.django_db(transaction=True)
def test_processes_that_write_at_once_add_up() -> None:
    make_clinic()
    failures: list[Exception] = []

    def write(addresses: list[str]) -> None:
        try:
            for _ in range(10):
                record_page_views(dict.fromkeys(addresses, 1))
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    orders = [["/", "/es/", "/visits/"], ["/visits/", "/es/", "/"]] * 2
    threads = [threading.Thread(target=write, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert set(totals().values()) == {40}


@pytest.mark.served
def test_stopping_a_server_saves_all_page_views(own_site_environ: dict[str, str], tmp_path: File) -> None:
    """Stop a server with two processes by SIGTERM, long before its next flush."""
    headers = {name[5:].replace("_", "-"): value for name, value in HUMAN_REQUEST.items() if name.startswith("HTTP_")}
    with serve(own_site_environ, tmp_path / "log") as url:
        for _ in range(20):
            urllib.request.urlopen(
                urllib.request.Request(f"{url}/es/vertebroplastia/", headers=headers), timeout=10
            ).close()

    assert count_views(own_site_environ) == 20


def count_views(environ: dict[str, str]) -> int:
    """Return the saved views of /es/vertebroplastia/ in the database of a served site."""
    code = "from procedures.models import PageView as R; print(sum(r.views for r in R.objects.filter(path='/es/vertebroplastia/')))"
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c", code]
    return int(subprocess.run(command, capture_output=True, env=environ, cwd=ROOT, check=True).stdout)
