"""Unsent work is not lost: drafts on the dashboard, and a reviewer's comments on the review screen."""

import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from procedures.enums import Decision
from procedures.models import Autosave, Page
from procedures.publishing.publish import publish_starter
from procedures.publishing.review import record_decision, submit_for_review
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, SignIn, change_url, make_staff, page_form
from tests.admin.workflow_helpers import task_lists
from tests.factories import approve, make_page, make_public


def save_draft(client: Client, page: Page, title: str) -> None:
    page.refresh_from_db()
    assert client.post(change_url(page), page_form(page, title=title)).status_code == 302


def test_a_saved_draft_is_listed_for_its_author_until_submitted(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    save_draft(client, page, "A new title")

    listed = task_lists(client)["own_drafts"]
    html = client.get("/admin/").content.decode()
    submit_for_review(page.revisions.latest("number"), actor=editor)

    assert [line.split(": ")[0] for line in listed] == ["A new title"]
    assert "Your drafts" in html
    assert "Nothing is waiting for you." not in html
    assert "own_drafts" not in task_lists(client)


def test_a_newer_draft_of_a_public_page_is_listed_with_who_saved_it(page: Page, editor: User, sign_in: SignIn) -> None:
    make_public(page)
    save_draft(sign_in(editor), page, "A newer title")
    other = sign_in(make_staff("Nora", "Editor"))

    seen = task_lists(other)

    assert "own_drafts" not in seen
    assert [line.split(" on ")[0] for line in seen["other_drafts"]] == ["A newer title: Saved by Nina"]
    listed = other.get(f"{PAGES}?state=unsent").content.decode()
    assert "A newer title" in listed


@pytest.mark.parametrize("state", ["submitted", "sent back", "approved", "public", "starter"])
def test_only_unsubmitted_texts_are_listed_as_drafts(page: Page, editor: User, sign_in: SignIn, state: str) -> None:
    revision = save_revision(page, author=editor)
    if state in {"submitted", "sent back"}:
        submit_for_review(revision, actor=editor)
    if state == "sent back":
        record_decision(
            revision, reviewer=make_staff("Rita", "Reviewer"), decision=Decision.SENT_BACK, comment="Shorter."
        )
    if state == "approved":
        approve(revision)
    if state == "public":
        make_public(page)
    if state == "starter":
        publish_starter(revision)

    assert "own_drafts" not in task_lists(sign_in(editor))


def test_the_dashboard_without_tasks_says_so(editor: User, sign_in: SignIn) -> None:
    assert "Nothing is waiting for you." in sign_in(editor).get("/admin/").content.decode()


def hint_of(client: Client, key: str) -> str:
    return next(card.task_list.hint for card in client.get("/admin/").context["cards"] if card.task_list.key == key)


def test_an_approved_starter_text_is_already_public(page: Page, manager: User, sign_in: SignIn) -> None:
    starter = save_revision(page, author=None)
    publish_starter(starter)
    approve(starter)
    client = sign_in(manager)

    one = hint_of(client, "approved")
    approve(save_revision(make_page("other", next_page=page), author=None))
    both, rows = hint_of(client, "approved"), task_lists(client)["approved"]

    assert (
        one
        == "Patients can already read these starter texts. Publishing them shows that your clinic has reviewed them."
    )
    assert both == "Publish these texts so that patients read them."
    said = {line.split(": ")[0]: "Patients read it already" in line for line in rows}
    assert said == {"Small cut": True, "Other": False}


def test_an_approved_new_text_is_not_public_yet(page: Page, manager: User, sign_in: SignIn) -> None:
    approve(save_revision(page, author=None))

    client = sign_in(manager)

    assert hint_of(client, "approved") == "Patients do not read these pages yet."
    assert task_lists(client)["approved"][0].endswith(". Not public.")


def test_an_approved_change_of_a_public_page_says_that_patients_read_the_older_version(
    page: Page, manager: User, sign_in: SignIn
) -> None:
    make_public(page)
    page.key_message = "Another message."
    page.save()
    approve(save_revision(page, author=None))
    client = sign_in(manager)
    one = hint_of(client, "approved")
    approve(save_revision(make_page("other", next_page=page), author=None))

    assert one == "Patients do not read the approved versions yet."
    assert hint_of(client, "approved") == one
    said = {line.split(": ")[0]: line.rpartition(". ")[2] for line in task_lists(client)["approved"]}
    assert said == {"Small cut": "Patients read an older version.", "Other": "Not public."}


KEEP = f"{PAGES}review/keep/"
REVIEW = {"comment": "Too long.", "quote-3": "A small cut. We look after you.", "at-3": "Who is “we”?"}


@pytest.fixture
def rosa(page: Page, reviewer: User, sign_in: SignIn) -> Client:
    save_revision(page, author=None)
    return sign_in(reviewer)


def screen_of(client: Client, page: Page) -> Any:
    return client.get(f"{PAGES}{page.pk}/review/")


def test_unsent_comments_are_restored(page: Page, rosa: Client) -> None:
    quote = next(
        row.new.text for part in screen_of(rosa, page).context["diff"]["sections"] for _, row in part.rows if row.new
    )

    kept = rosa.post(KEEP, {"page": page.pk, "comment": "Too lo", "quote-1": quote, "at-1": "Who is"})
    html = screen_of(rosa, page).content.decode()

    assert kept.status_code == 200
    assert "Too lo</textarea>" in html
    assert "Who is</textarea>" in html
    assert "but didn’t send it." in html


def test_comments_on_changed_paragraphs_are_shown_and_sent(page: Page, rosa: Client) -> None:
    rosa.post(KEEP, {"page": page.pk, "quote-1": "Words of yesterday.", "at-1": "Why?"})
    page.body = page.body.replace("It is short.", "It is quick.")
    page.save()
    newest = save_revision(page, author=None)

    html = screen_of(rosa, page).content.decode()
    refused = rosa.post(
        f"{PAGES}{page.pk}/review/",
        {"revision": newest.pk, "quote-1": "Words of yesterday.", "at-1": "Why?", "decision": "never"},
    )

    assert "Your comments on words that have changed since then" in html
    assert '<input type="hidden" name="quote-100000" value="Words of yesterday.">' in html
    assert "Why?</textarea>" in html
    # Also when a decision is rejected.
    assert refused.status_code == 400
    assert "Why?</textarea>" in refused.content.decode()


@pytest.mark.parametrize("end", [{"decision": "sent_back", "comment": "No."}, {"discard": "1"}])
def test_saved_comments_are_deleted_by_a_decision_or_discarding(page: Page, rosa: Client, end: dict[str, str]) -> None:
    rosa.post(KEEP, {"page": page.pk, **REVIEW})

    rosa.post(f"{PAGES}{page.pk}/review/", {"revision": page.revisions.get().pk, **end})

    assert not Autosave.objects.exists()
    assert "but didn’t send it." not in screen_of(rosa, page).content.decode()


def test_comments_of_two_windows_are_merged_and_each_window_deletes_only_its_own(page: Page, rosa: Client) -> None:
    desk, phone = {"page": page.pk, "window": "desk"}, {"page": page.pk, "window": "phone"}
    rosa.post(KEEP, {**phone, "comment": "In all", "quote-3": "Three.", "at-3": "From the phone"})
    rosa.post(KEEP, {**desk, "quote-5": "Five.", "at-5": "From the desk", "quote-6": "Three.", "at-6": "Also"})
    rosa.post(KEEP, {**desk, "quote-5": "Five.", "at-5": "From the desk", "quote-3": "Three.", "at-3": "And why?"})

    both = screen_of(rosa, page).context
    rosa.post(KEEP, {**phone, "comment": "In all, fine"})
    third = {"page": page.pk, "window": "third", "seen": both["seen_autosaves"]}
    rosa.post(KEEP, {**third, "comment": "In all", "quote-1": "Five.", "at-1": "From the third"})
    after = screen_of(rosa, page).context
    rosa.post(f"{PAGES}{page.pk}/review/", {**third, "discard": "1"})
    left = screen_of(rosa, page).context

    assert both["comment"] == "In all"
    assert both["paragraph_comments"] == {"Three.": "From the phone\nAnd why?", "Five.": "From the desk"}
    # The third window showed what the desk had; the phone went on typing after that.
    assert (after["comment"], after["paragraph_comments"]) == ("In all, fine", {"Five.": "From the third"})
    assert (left["comment"], left["paragraph_comments"]) == ("In all, fine", {})


def test_an_empty_window_deletes_nothing(page: Page, rosa: Client) -> None:
    rosa.post(KEEP, {"page": page.pk, "window": "phone", **REVIEW})
    rosa.post(KEEP, {"page": page.pk, "window": "desk", "comment": ""})

    assert "Too long.</textarea>" in screen_of(rosa, page).content.decode()


def test_a_rejected_decision_keeps_saved_comments(page: Page, rosa: Client) -> None:
    rosa.post(KEEP, {"page": page.pk, **REVIEW})

    answer = rosa.post(f"{PAGES}{page.pk}/review/", {"revision": 99, "decision": "approved", **REVIEW})

    assert answer.status_code == 409
    assert "Too long.</textarea>" in screen_of(rosa, page).content.decode()


def test_saved_comments_are_private_to_the_reviewer(
    page: Page, rosa: Client, editor: User, nina: Client, sign_in: SignIn
) -> None:
    rosa.post(KEEP, {"page": page.pk, **REVIEW})
    other = sign_in(make_staff("Rita", "Reviewer"))

    seen = screen_of(other, page).content.decode()
    autosave = nina.post(f"{PAGES}autosave/", {"client_id": "w1", "page": page.pk, "first": "1"}).json()

    assert "Too long." not in seen
    assert autosave["others"] == []
    assert autosave["unsaved"] == []
    assert nina.post(KEEP, {"page": page.pk, **REVIEW}).status_code == 403


def test_removed_comments_are_not_saved(page: Page, rosa: Client) -> None:
    rosa.post(KEEP, {"page": page.pk, **REVIEW})
    rosa.post(KEEP, {"page": page.pk, "comment": "  "})

    assert "but didn’t send it." not in screen_of(rosa, page).content.decode()


def test_all_unsaved_text_is_listed_and_its_links_open_it(page: Page, editor: User, sign_in: SignIn) -> None:
    client, now = sign_in(editor), timezone.now()
    closed, open_now = now - datetime.timedelta(minutes=5), now
    rows: list[tuple[str, Page | None, str, dict[str, str], datetime.datetime]] = [
        ("a", None, "page", {"title": "Ice at home"}, closed),
        ("b", None, "guide", {"title": " "}, closed),
        ("c", page, "page", {"title": "Small cut", "body": "Rest."}, closed),
        ("d", None, "page", {"title": "Still open"}, open_now),
        ("e", page, "review", {"comment": "Shorter."}, closed),
    ]
    for client_id, about, form, fields, seen in rows:
        Autosave.objects.create(
            user=editor,
            page=about,
            form=form,
            client_id=client_id,
            fields=fields,
            opened_at=closed,
            edited_at=seen,
            last_seen_at=seen,
        )
    html = client.get("/admin/").content.decode()
    others = sign_in(make_staff("Nora", "Editor")).get("/admin/").context["unsaved"]

    listed = {(line.label, line.url) for line in client.get("/admin/").context["unsaved"]}
    assert listed == {
        ("Ice at home", f"{PAGES}add/?unsaved=a"),
        ("New page without a title", "/admin/procedures/guide/add/?unsaved=b"),
        ("Small cut", f"{change_url(page)}?unsaved=c"),
        # Its window may be closed already.
        ("Still open", f"{PAGES}add/?unsaved=d"),
    }
    assert '<span class="badge">4</span>' in html
    assert [
        [line.label for line in client.get(f"/admin/procedures/{kind}/").context["unsaved"]]
        for kind in ("page", "guide")
    ] == [["Still open", "Ice at home"], ["New page without a title"]]
    assert "Ice at home" in client.get(PAGES).content.decode()
    assert "Unsaved text" in html
    assert "Nothing is waiting for you." not in html
    assert others == []
