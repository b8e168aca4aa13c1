"""Double-clicks: a form that is posted twice is handled once."""

import datetime

import pytest
from django.utils import timezone

from portal.accounts.models import User
from procedures.enums import EventKind
from procedures.models import Guide, Page, Release, ReleaseEvent, Revision
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, SignIn, change_url, page_form
from tests.factories import approve, make_public, make_user


def messages_of(answer: object) -> str:
    return " ".join(str(message) for message in answer.context["messages"])  # type: ignore[attr-defined]


@pytest.mark.parametrize("actors", [(0, 0), (0, 1)], ids=["a double click", "two managers"])
def test_publishing_twice_creates_one_release(
    page: Page, manager: User, admin_user: User, sign_in: SignIn, actors: tuple[int, int]
) -> None:
    revision = save_revision(page, author=make_user("ed"))
    approve(revision)
    clients = [sign_in(manager), sign_in(admin_user)]
    values = {"revision": revision.pk, "what_changed": "", "now": "1"}

    first, second = [clients[actor].post(f"{PAGES}{page.pk}/publish/", values, follow=True) for actor in actors]

    assert "Published. Patients can now read this text." in messages_of(first)
    assert "This text is already published. Patients can read it now." in messages_of(second)
    assert second.status_code == 200
    assert Release.objects.filter(page=page).count() == 1
    assert ReleaseEvent.objects.filter(page=page, kind=EventKind.PUBLISHED).count() == 1


def test_publishing_from_the_form_twice_is_not_a_conflict(page: Page, manager: User, sign_in: SignIn) -> None:
    approve(save_revision(page, author=make_user("ed")))
    client, values = sign_in(manager), page_form(page, _publish="1")

    answers = [client.post(change_url(page), values) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert Release.objects.filter(page=page).count() == 1
    assert Revision.objects.filter(page=page).count() == 1


@pytest.mark.parametrize("button", ["_submit", "_save"])
def test_a_form_sent_twice_is_saved_and_submitted_once(page: Page, editor: User, sign_in: SignIn, button: str) -> None:
    client, values = sign_in(editor), page_form(page, title="A new title", **{button: "1"})

    answers = [client.post(change_url(page), values) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert Revision.objects.filter(page=page).count() == 1
    assert ReleaseEvent.objects.filter(page=page, kind=EventKind.SUBMITTED).count() == (button == "_submit")


def test_a_form_with_blank_lines_and_decomposed_accents_sent_twice_is_not_a_conflict(
    page: Page, editor: User, sign_in: SignIn
) -> None:
    client = sign_in(editor)
    values = page_form(
        page, title=" Cafe\u0301 ", key_message="Two\r\nlines.", body=page.body.replace("\n", "\r\n") + "\r\n\r\n"
    )

    answers = [client.post(change_url(page), values) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert Revision.objects.filter(page=page).count() == 1


def test_another_text_after_the_first_save_is_a_conflict(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    client.post(change_url(page), page_form(page, title="A new title"))

    assert client.post(change_url(page), page_form(page, title="Another title")).status_code == 409


def test_scheduling_twice_and_canceling_twice_each_happen_once(page: Page, manager: User, sign_in: SignIn) -> None:
    revision = save_revision(page, author=make_user("ed"))
    approve(revision)
    client, day = sign_in(manager), (timezone.now() + datetime.timedelta(days=3)).date()
    values = {"revision": revision.pk, "what_changed": "", "later": "1", "day": day.isoformat(), "time": "12:00"}

    answers = [client.post(f"{PAGES}{page.pk}/publish/", values).status_code for _ in range(2)]
    answers += [client.post(f"{PAGES}{page.pk}/publish/", {"cancel": "1"}).status_code for _ in range(2)]

    assert answers == [302, 302, 302, 302]
    kinds = list(ReleaseEvent.objects.filter(page=page).order_by("pk").values_list("kind", flat=True))
    assert kinds == [EventKind.APPROVED, EventKind.SCHEDULED, EventKind.UNSCHEDULED]


def test_withdrawing_twice_reports_success(page: Page, manager: User, sign_in: SignIn) -> None:
    make_public(page)
    client, values = sign_in(manager), {"reason": "We do it in a new way.", "replaced_by": ""}

    answers = [client.post(f"{PAGES}{page.pk}/withdraw/", values).status_code for _ in range(2)]
    other = client.post(f"{PAGES}{page.pk}/withdraw/", {**values, "reason": "Another reason."})

    assert answers == [302, 302]
    assert other.status_code == 409
    assert ReleaseEvent.objects.filter(page=page, kind=EventKind.WITHDRAWN).count() == 1


def test_a_review_posted_twice_is_one_decision(page: Page, reviewer: User, sign_in: SignIn) -> None:
    revision = save_revision(page, author=make_user("ed"))
    client = sign_in(reviewer)
    values = {"revision": revision.pk, "decision": "sent_back", "comment": "Shorter.", "quote-1": "A", "at-1": "Why?"}

    answers = [client.post(f"{PAGES}{page.pk}/review/", values).status_code for _ in range(2)]

    assert answers == [302, 302]
    assert ReleaseEvent.objects.filter(page=page, kind=EventKind.SENT_BACK).count() == 1


def test_a_guide_with_a_new_item_posted_twice_gets_it_once(page: Page, manager: User, sign_in: SignIn) -> None:
    make_public(page)
    guide = Guide.objects.create(
        subject="visit", language="en", kind="guide", code="ABC234", slug="visit", title="Visit"
    )
    values = page_form(guide, **{"items-TOTAL_FORMS": 1, "items-INITIAL_FORMS": 0, "items-0-order": 0})
    values |= {"items-0-page": page.pk, "items-0-section": "", "items-0-minutes": 5, "items-0-note": ""}
    client = sign_in(manager)

    for _ in range(2):
        client.post(f"/admin/procedures/guide/{guide.pk}/change/", values)

    assert guide.items.count() == 1
