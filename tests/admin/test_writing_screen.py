"""The bar of the writing screen: the next step of a page for each role, and a discarded draft that comes back."""

import datetime

import pytest
from django.utils import timezone

from portal.accounts.models import User
from procedures.models import Autosave, Page
from procedures.publishing.publish import publish_starter
from procedures.publishing.review import submit_for_review
from procedures.revisions.drafts import PRESENCE_TIMEOUT, save_revision
from tests.admin.conftest import PAGES, SignIn, change_url, page_form
from tests.factories import approve, make_public

AUTOSAVE = f"{PAGES}autosave/"


@pytest.mark.parametrize(
    ("state", "steps"),
    [
        ("never saved", ["", "", ""]),
        ("saved", ["submit", "", "submit"]),
        ("submitted", ["", "review", ""]),
        ("approved", ["", "", "publish"]),
        ("public", ["", "", ""]),
        ("starter", ["submit", "", "submit"]),
    ],
)
def test_the_next_step_depends_on_the_state_and_the_role(
    page: Page, editor: User, reviewer: User, manager: User, sign_in: SignIn, state: str, steps: list[str]
) -> None:
    revision = save_revision(page, author=editor) if state not in {"never saved", "public"} else None
    if revision and state == "submitted":
        submit_for_review(revision, actor=editor)
    if revision and state == "approved":
        approve(revision)
    if revision and state == "starter":
        publish_starter(revision)
    if state == "public":
        make_public(page)

    shown = [sign_in(user).get(change_url(page)).context["next_step"] for user in (editor, reviewer, manager)]

    assert shown == steps


def test_a_discarded_draft_returns_to_the_public_text_and_can_be_restored(
    page: Page, editor: User, sign_in: SignIn
) -> None:
    release = make_public(page)
    page.refresh_from_db()
    client = sign_in(editor)
    client.post(change_url(page), page_form(page, title="A newer title"))
    page.refresh_from_db()
    newer = page.revisions.latest("number")

    data = {"discard": release.revision_id, "version": page.draft_version}
    answer = client.post(f"{PAGES}{page.pk}/restore/", data)
    page.refresh_from_db()
    discarded = page.title
    form = client.get(answer["Location"])
    client.post(f"{PAGES}{page.pk}/restore/", {"revision": newer.pk, "version": page.draft_version})
    page.refresh_from_db()

    assert answer["Location"] == f"{change_url(page)}?discarded={newer.pk}"
    assert form.context["undo_restore"] == newer.pk
    assert (discarded, page.title) == ("Small cut", "A newer title")


def test_an_undo_is_offered_only_for_another_text_of_the_same_page(page: Page, editor: User, sign_in: SignIn) -> None:
    revision = save_revision(page, author=editor)
    client = sign_in(editor)

    assert [
        client.get(f"{change_url(page)}?discarded={value}").context["undo_restore"]
        for value in (revision.pk, 999_999, "x", "")
    ] == [0, 0, 0, 0]


def test_an_abandoned_new_page_leaves_one_entry(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    new = page_form(page, page="", version="", slug="", subject="")
    started = {"first": ("Bone scan", ""), "second": ("Bone scan", "Wait."), "third": ("Bone scan here", "Wait.\nGo.")}
    for client_id, (title, body) in started.items():
        client.post(AUTOSAVE, {**new, "title": title, "body": body, "client_id": client_id, "typed": "1"})
        Autosave.objects.update(last_seen_at=timezone.now() - PRESENCE_TIMEOUT - datetime.timedelta(seconds=1))

    assert [slot.client_id for slot in Autosave.objects.all()] == ["third"]


def test_another_new_page_and_an_open_window_keep_their_entries(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    new = page_form(page, page="", version="", slug="", subject="", body="")
    for client_id, title in {"other": "CT scan", "open": "Bone scan", "new": "Bone scan at our clinic"}.items():
        client.post(AUTOSAVE, {**new, "title": title, "client_id": client_id, "typed": "1"})

    assert sorted(slot.client_id for slot in Autosave.objects.all()) == ["new", "open", "other"]


def test_pictures_are_chosen_by_title(page: Page, editor: User, sign_in: SignIn) -> None:
    html = sign_in(editor).get(change_url(page)).content.decode()
    choices = html[html.index('id="id_lead_figure"') : html.index("</select>", html.index('id="id_lead_figure"'))]

    assert ">None chosen</option>" in choices
    assert ">Needle</option>" in choices
    assert ">needle</option>" not in choices
