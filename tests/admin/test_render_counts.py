"""Staff screens render each text once and load it once."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts.models import User
from procedures.models import Autosave, Page
from procedures.publishing.review import submit_for_review
from procedures.publishing.schedule import schedule_revision
from procedures.publishing.tasks import approval_tasks, approved_tasks, scheduled_tasks
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, SignIn, change_url
from tests.factories import approve, make_public, make_translation

pytestmark = pytest.mark.django_db


def renderings(asked: CaptureQueriesContext) -> int:
    """Count renders: each render queries the glossary once."""
    return sum('FROM "procedures_glossaryterm"' in query["sql"] for query in asked)


@pytest.fixture
def submitted(page: Page, editor: User) -> Page:
    """A public page with a newer text in review."""
    make_public(page)
    page.title = "A newer title"
    page.save()
    submit_for_review(save_revision(page, author=editor), actor=editor)
    return page


def test_the_review_screen_renders_the_text_once(submitted: Page, reviewer: User, sign_in: SignIn) -> None:
    client = sign_in(reviewer)

    with CaptureQueriesContext(connection) as asked:
        answer = client.get(f"{PAGES}{submitted.pk}/review/")

    assert renderings(asked) == 1
    assert answer.context["edit_page"].revision.content["title"] == "A newer title"
    assert answer.context["diff"]["count"] == 1


def test_a_decision_renders_the_text_once(submitted: Page, reviewer: User, sign_in: SignIn) -> None:
    client = sign_in(reviewer)
    values = {"revision": submitted.revisions.latest("number").pk, "decision": "approved", "comment": ""}

    with CaptureQueriesContext(connection) as asked:
        answer = client.post(f"{PAGES}{submitted.pk}/review/", values)

    assert answer["Location"] == change_url(submitted)
    assert renderings(asked) == 1


def whole_texts(asked: CaptureQueriesContext) -> list[str]:
    """Return the queries that load an article or the full text of a revision."""
    names = ('"procedures_release"."html"', '"procedures_revision"."content"')
    return [query["sql"] for query in asked if any(name in query["sql"] for name in names)]


def test_the_page_list_does_not_load_texts(submitted: Page, manager: User, sign_in: SignIn) -> None:
    client = sign_in(manager)

    with CaptureQueriesContext(connection) as asked:
        html = client.get(PAGES).content.decode()

    assert "Public, with a newer draft: waiting for review" in html
    assert whole_texts(asked) == []


def test_insert_options_do_not_load_article_html(submitted: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)

    with CaptureQueriesContext(connection) as asked:
        offered = client.get(f"{PAGES}choices/").json()

    assert {page["key"]: bool(page["sections"]) for page in offered["pages"]}["small-cut"]
    assert whole_texts(asked) == []


def test_tasks_are_listed_in_few_queries_without_texts(submitted: Page, reviewer: User, manager: User) -> None:
    with CaptureQueriesContext(connection) as asked:
        waiting = approval_tasks(reviewer)
    assert [(item.page.title, item.reason[:4]) for item in waiting.tasks] == [("A newer title", "Nina")]
    # One for the pages, and five for who wrote or changed what.
    assert (len(asked), whole_texts(asked)) == (6, [])
    newest = submitted.revisions.latest("number")
    approve(newest, reviewer)

    with CaptureQueriesContext(connection) as asked:
        waiting = approved_tasks()
    assert [item.page.title for item in waiting.tasks] == ["A newer title"]
    assert (len(asked), whole_texts(asked)) == (1, [])
    schedule_revision(newest, actor=manager, at=timezone.now() + datetime.timedelta(days=1))

    with CaptureQueriesContext(connection) as asked:
        waiting = scheduled_tasks()
    assert [item.page.title for item in waiting.tasks] == ["A newer title"]
    assert (len(asked), whole_texts(asked)) == (2, [])


def test_scheduled_pages_are_listed_without_texts(submitted: Page, manager: User, sign_in: SignIn) -> None:
    newest = submitted.revisions.latest("number")
    approve(newest)
    schedule_revision(newest, actor=manager, at=timezone.now() + datetime.timedelta(days=1))
    client = sign_in(manager)

    with CaptureQueriesContext(connection) as asked:
        html = client.get(f"{PAGES}planned/").content.decode()

    assert f"revision {newest.number} by Nina" in html
    assert whole_texts(asked) == []


def about_pages(asked: CaptureQueriesContext) -> int:
    """Return the queries that load a page by primary key."""
    return sum(
        query["sql"].startswith("SELECT")
        and 'FROM "procedures_page"' in query["sql"]
        and '"procedures_page"."id" = ' in query["sql"]
        for query in asked
    )


def test_an_idle_editor_queries_the_page_once(submitted: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    here, nowhere = {"page": submitted.pk, "client_id": "w1"}, {"page": 10**8, "client_id": "w2"}

    with CaptureQueriesContext(connection) as asked:
        kept = client.post(f"{PAGES}autosave/", here)
    times = about_pages(asked)
    lost = client.post(f"{PAGES}autosave/", nowhere)

    assert times == 1
    assert (kept.json()["saved_by"], lost.json()["saved_by"]) == ("You (in another tab)", "")
    assert set(Autosave.objects.values_list("client_id", "page")) == {("w1", submitted.pk), ("w2", None)}


def test_a_calendar_event_queries_the_page_once(submitted: Page, reviewer: User, sign_in: SignIn) -> None:
    client = sign_in(reviewer)
    at = f"{timezone.localdate() + datetime.timedelta(days=2)}T10:00"

    with CaptureQueriesContext(connection) as asked:
        answer = client.get(f"{PAGES}{submitted.pk}/links/reminder.ics", {"at": at})

    assert answer["Content-Type"].startswith("text/calendar")
    assert about_pages(asked) == 1


def test_a_synced_translation_renders_its_source_once(submitted: Page, reviewer: User, sign_in: SignIn) -> None:
    live = submitted.live_release
    assert live is not None
    spanish = make_translation(submitted, translated_from=live.revision)
    save_revision(spanish, author=None)
    client = sign_in(reviewer)

    with CaptureQueriesContext(connection) as asked:
        answer = client.get(f"{PAGES}{spanish.pk}/translation/")

    assert answer.context["count"] == 0
    assert renderings(asked) == 2, "one for each language"


def test_a_revision_number_comes_from_the_previous_one(page: Page) -> None:
    first = save_revision(page, author=None)
    page.title = "Another"

    with CaptureQueriesContext(connection) as asked:
        second = save_revision(page, author=None)

    assert (first.number, second.number) == (1, 2)
    assert sum(query["sql"].startswith("SELECT") and "procedures_revision" in query["sql"] for query in asked) == 1
