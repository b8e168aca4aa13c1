"""Autosave: unsaved text is stored per form, editors see each other, and no draft is created."""

import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from procedures.models import Autosave, Page, Revision
from tests.admin.conftest import PAGES, SignIn, change_url, page_form

AUTOSAVE, DISCARD, COMPARE = (f"{PAGES}{name}/" for name in ("autosave", "autosave/discard", "compare"))


def autosave(client: Client, page: Page, client_id: str = "one", **changes: Any) -> Any:
    """Post the form the way the script does."""
    return client.post(AUTOSAVE, page_form(page, client_id=client_id, typed="1", **changes)).json()


def test_autosave_keeps_the_text_and_creates_no_draft(page: Page, editor: User, sign_in: SignIn) -> None:
    autosave(sign_in(editor), page, body="Half a sen")

    slot = Autosave.objects.get()
    page.refresh_from_db()
    assert (slot.user, slot.page, slot.fields["body"], slot.version) == (editor, page, "Half a sen", page.draft_version)
    assert "Half a sen" not in page.body
    assert not Revision.objects.filter(page=page).exists()


def test_nul_characters_are_not_stored(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)

    autosave(client, page, client_id="o\0ne", body="Half a\0 sen")

    assert [(slot.client_id, slot.fields["body"]) for slot in Autosave.objects.all()] == [("one", "Half a sen")]
    assert client.get("/admin/procedures/figure/1/texts/e%00/").status_code == 404
    assert client.get("/admin/procedures/figure/intake/?figure=a%00b").status_code == 404


def test_each_client_id_has_one_autosave(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)

    autosave(client, page, body="One")
    autosave(client, page, body="One two")
    autosave(client, page, client_id="other", body="Elsewhere")

    assert sorted(slot.fields["body"] for slot in Autosave.objects.all()) == ["Elsewhere", "One two"]


def test_unsaved_text_is_offered_only_to_its_author(page: Page, editor: User, manager: User, sign_in: SignIn) -> None:
    autosave(sign_in(editor), page, client_id="yesterday", body="Nina's words")
    autosave(sign_in(manager), page, client_id="his", body="Max's words")

    answer = sign_in(editor).post(AUTOSAVE, page_form(page, client_id="today", first="1")).json()

    assert [(offer["slot"], offer["fields"]["body"]) for offer in answer["unsaved"]] == [("yesterday", "Nina's words")]


def test_unsaved_text_of_a_new_page_is_offered_too(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    new = page_form(page, page="", version="", title="Brand new", body="From nothing")
    client.post(AUTOSAVE, {**new, "client_id": "first", "typed": "1"})

    offers = client.post(AUTOSAVE, page_form(page, page="", client_id="second", first="1")).json()["unsaved"]
    other_form = client.post(AUTOSAVE, {**new, "items-TOTAL_FORMS": 0, "client_id": "third", "first": "1"}).json()[
        "unsaved"
    ]

    assert [offer["fields"]["title"] for offer in offers] == ["Brand new"]
    assert other_form == []


def test_saving_discards_only_the_autosave_of_that_form(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    autosave(client, page, client_id="mine", body="Saved now")
    autosave(client, page, client_id="older", body="Not saved")

    client.post(change_url(page), page_form(page, body="Saved now", client_id="mine"))

    assert [slot.fields["body"] for slot in Autosave.objects.all()] == ["Not saved"]


def test_an_autosave_that_arrives_after_the_save_is_discarded(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    client.post(change_url(page), page_form(page, body="Saved now", client_id="mine"))
    autosave(client, page, client_id="mine", body="Saved now")

    answer = client.post(AUTOSAVE, page_form(page, client_id="next", first="1", saved="mine")).json()

    assert answer["unsaved"] == []
    assert not Autosave.objects.filter(client_id="mine").exists()


def test_a_failed_save_keeps_the_autosave(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    autosave(client, page, client_id="mine", title="")

    client.post(change_url(page), page_form(page, title="", client_id="mine"))

    assert Autosave.objects.count() == 1


def test_users_can_discard_only_their_own_autosaves(page: Page, editor: User, manager: User, sign_in: SignIn) -> None:
    autosave(sign_in(editor), page, client_id="hers", body="Keep me")

    refused = sign_in(manager).post(DISCARD, {"slot": "hers"}).json()
    done = sign_in(editor).post(DISCARD, {"slot": "hers"}).json()

    assert (refused, done) == ({"discarded": 0}, {"discarded": 1})


def test_editors_of_the_same_page_see_each_other(page: Page, editor: User, manager: User, sign_in: SignIn) -> None:
    autosave(sign_in(manager), page, body="Typing")

    here = sign_in(editor).post(AUTOSAVE, page_form(page, client_id="hers")).json()["others"]
    there = sign_in(manager).post(AUTOSAVE, page_form(page, client_id="one", typed="1", body="Typing")).json()["others"]

    assert [(other["name"], other["typed"] is not None) for other in here] == [("Max", True)]
    assert [(other["name"], other["typed"]) for other in there] == [("Nina", None)]


def test_an_editor_who_closed_the_page_is_no_longer_active(
    page: Page, editor: User, manager: User, sign_in: SignIn
) -> None:
    autosave(sign_in(manager), page, body="Typing")
    Autosave.objects.update(last_seen_at=timezone.now() - datetime.timedelta(seconds=91))

    answer = sign_in(editor).post(AUTOSAVE, page_form(page, client_id="hers")).json()

    assert answer["others"] == []
    assert Autosave.objects.filter(user=manager).count() == 1


def test_an_autosave_without_changes_does_not_count_as_editing(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    autosave(client, page, body="Same words")
    Autosave.objects.update(edited_at=timezone.now() - datetime.timedelta(minutes=5))

    autosave(client, page, body="Same words")

    slot = Autosave.objects.get()
    assert slot.edited_at is not None
    assert slot.last_seen_at - slot.edited_at > datetime.timedelta(minutes=4)


def test_a_save_by_someone_else_is_reported_to_the_editor(
    page: Page, editor: User, manager: User, sign_in: SignIn
) -> None:
    opened = page_form(page)
    sign_in(manager).post(change_url(page), {**opened, "title": "Max's title"})

    answer = sign_in(editor).post(AUTOSAVE, {**opened, "client_id": "hers"}).json()

    assert (answer["version"], answer["saved_by"]) == (page.draft_version + 1, "Max")


def test_empty_autosaves_are_deleted(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    client.post(AUTOSAVE, page_form(page, client_id="old"))
    autosave(client, page, client_id="text", body="Old words")
    Autosave.objects.update(last_seen_at=timezone.now() - datetime.timedelta(days=300))

    client.post(AUTOSAVE, page_form(page, client_id="new"))

    assert sorted(Autosave.objects.values_list("client_id", flat=True)) == ["new", "text"]


def test_a_comparison_shows_the_differing_words(page: Page, editor: User, sign_in: SignIn) -> None:
    changed = page.body.replace("It is short.", "It is very short.")

    rows = sign_in(editor).post(COMPARE, page_form(page, body=changed)).json()["fields"]

    assert [row["name"] for row in rows] == ["body"]
    assert ["+", "very "] in rows[0]["changes"]
    assert not any(sign == "-" for sign, _ in rows[0]["changes"])


@pytest.mark.parametrize("address", [AUTOSAVE, DISCARD, COMPARE])
def test_autosave_requires_permission(page: Page, reviewer: User, visitor: User, sign_in: SignIn, address: str) -> None:
    data = page_form(page, client_id="x", typed="1")

    answers = [client.post(address, data) for client in (Client(), sign_in(reviewer), sign_in(visitor))]

    assert [answer.status_code for answer in answers] == [401, 403, 403]
    assert not Autosave.objects.exists()


@pytest.mark.parametrize("odd", [{"client_id": ""}, {"client_id": "x" * 37}])
def test_autosave_requires_a_client_id(page: Page, editor: User, sign_in: SignIn, odd: dict[str, str]) -> None:
    answer = sign_in(editor).post(AUTOSAVE, page_form(page, typed="1", **odd))

    assert answer.status_code == 400
    assert not Autosave.objects.exists()


def test_autosave_needs_few_queries(
    page: Page, editor: User, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    client = sign_in(editor)
    autosave(client, page, body="One")

    with django_assert_max_num_queries(18):
        autosave(client, page, body="Two")


def test_all_unsaved_texts_of_new_pages_are_listed_and_offered(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    titles = [f"Page {number}" for number in range(8)]
    for title in titles:
        client.post(AUTOSAVE, page_form(page, page="", client_id=title, typed="1", title=title))

    offers = client.post(AUTOSAVE, page_form(page, page="", client_id="now", first="1")).json()["unsaved"]

    assert sorted(offer["fields"]["title"] for offer in offers) == titles
    assert [sorted(line.label for line in client.get(path).context["unsaved"]) for path in ("/admin/", PAGES)] == [
        titles,
        titles,
    ]
