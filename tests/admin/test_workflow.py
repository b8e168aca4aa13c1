"""From draft to public and back, with the buttons of the form."""

from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import User
from procedures.enums import Decision, EventKind
from procedures.models import Approval, Page, ReleaseEvent
from procedures.publishing.review import annotate_status, describe_state, submit_for_review
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, SignIn, change_url, page_form
from tests.factories import approve, make_page, make_public


def state(page: Page) -> str:
    return describe_state(annotate_status(Page.objects.filter(pk=page.pk)).get())


def decide(client: Client, page: Page, decision: Decision, comment: str = "", revision: Any = None) -> Any:
    shown = revision or page.revisions.latest("number").pk
    values = {"revision": shown, "decision": decision.value, "comment": comment}
    return client.post(f"{PAGES}{page.pk}/review/", values)


def get_message(answer: Any) -> str:
    """Return the messages after the redirect."""
    client = answer.client
    return " ".join(str(message) for message in client.get(answer["Location"]).context["messages"])


def test_a_page_goes_from_draft_to_public(
    page: Page, editor: User, reviewer: User, manager: User, sign_in: SignIn
) -> None:
    written = sign_in(editor).post(change_url(page), page_form(page, _submit="1", note="Please look."))
    assert get_message(written) == "Saved and sent for review."
    assert state(page) == "Waiting for review"

    approved = decide(sign_in(reviewer), page, Decision.APPROVED, "Good.")
    assert get_message(approved) == "Approved. A manager can publish it now."
    assert state(page) == "Approved, not published yet"

    page.refresh_from_db()
    published = sign_in(manager).post(change_url(page), page_form(page, _publish="1", what_changed="New page."))
    assert get_message(published) == "Published. Patients can now read this text."
    assert state(page) == "Public"

    page.refresh_from_db()
    live = page.live_release
    assert live is not None
    assert (live.author_name, live.reviewer_name, live.published_by) == ("Nina", "Rosa", manager)
    assert live.what_changed == "New page."
    assert Client().get("/small-cut/").status_code == 200
    assert [event.kind for event in page.events.order_by("pk")] == [
        EventKind.SUBMITTED,
        EventKind.APPROVED,
        EventKind.PUBLISHED,
    ]


def test_publishing_an_unapproved_text_fails_and_keeps_the_draft(page: Page, manager: User, sign_in: SignIn) -> None:
    values = page_form(page, title="Unseen", what_changed="The number to call is new.", _publish="1")
    answer = sign_in(manager).post(change_url(page), values)

    page.refresh_from_db()
    assert answer.status_code == 409
    assert answer.context["adminform"].form["what_changed"].value() == "The number to call is new."
    assert "A reviewer has not approved this text yet. Send it for review first." in answer.content.decode()
    assert (page.title, page.live_release) == ("Unseen", None)
    assert page.revisions.get().content["title"] == "Unseen"


def test_a_failed_publication_lists_issues_with_line_numbers(
    page: Page, editor: User, manager: User, sign_in: SignIn
) -> None:
    page.body += "\n::: figure nowhere\n"
    page.save()
    line = page.body.split("\n").index("::: figure nowhere") + 1
    approve(save_revision(page, author=editor))

    answer = sign_in(manager).post(change_url(page), page_form(page, _publish="1"))

    html = answer.content.decode()
    assert answer.status_code == 409
    assert f"Line {line}: There is no picture “nowhere”." in html
    assert not ReleaseEvent.objects.filter(page=page, kind=EventKind.PUBLISHED).exists()


def test_every_role_sees_the_publishing_issues(
    page: Page, editor: User, reviewer: User, manager: User, sign_in: SignIn
) -> None:
    problem = "Fix 1 problem before publishing:"
    body = page.body + "\n\n[walks](page:nowhere)\n"

    written = sign_in(editor).post(change_url(page), page_form(page, body=body, _submit="1"), follow=True)
    shown = sign_in(reviewer).get(f"{PAGES}{page.pk}/review/")
    decide(sign_in(reviewer), page, Decision.APPROVED, "Good.")
    waiting = sign_in(editor).get(change_url(page))
    assert [problem in answer.content.decode() for answer in (written, shown, waiting)] == [True] * 3

    screen = sign_in(manager).get(f"{PAGES}{page.pk}/publish/").content.decode()
    assert "Fix before publishing:" in screen
    assert "There is no page on “nowhere” in this language." in screen
    assert f'href="{change_url(page)}"' in screen


def test_changing_an_approved_text_reports_that_it_needs_another_review(
    page: Page, editor: User, reviewer: User, sign_in: SignIn
) -> None:
    approve(save_revision(page, author=editor), reviewer)
    client = sign_in(editor)
    first = get_message(client.post(change_url(page), page_form(page, title="Another title", _save="1")))
    page.refresh_from_db()
    second = get_message(client.post(change_url(page), page_form(page, title="A third title", _save="1")))

    assert first.endswith("The previous text was approved, but this one must be reviewed again.")
    assert second == "Draft saved. What patients read has not changed."


def test_saving_a_draft_of_a_published_text_does_not_mention_an_approval(
    page: Page, editor: User, sign_in: SignIn
) -> None:
    make_public(page)
    page.refresh_from_db()
    saved = sign_in(editor).post(change_url(page), page_form(page, title="Another title", _save="1"))

    assert get_message(saved) == "Draft saved. What patients read has not changed."


def test_an_empty_title_is_reported(page: Page, editor: User, sign_in: SignIn) -> None:
    answer = sign_in(editor).post(change_url(page), page_form(page, title="", _save="1"))

    assert '<li><a href="#id_title">Title</a>: Add a title.</li>' in answer.content.decode()


def test_a_form_after_a_failed_publication_saves_to_the_same_page(page: Page, manager: User, sign_in: SignIn) -> None:
    values = page_form(page, subject="fresh", slug="fresh", title="Fresh", page="", version="", _publish="1")

    answer = sign_in(manager).post(f"{PAGES}add/", values)

    made = Page.objects.get(subject="fresh")
    assert answer.status_code == 409
    assert f'action="{change_url(made)}"' in answer.content.decode()


def test_a_later_change_voids_the_approval(
    page: Page, editor: User, reviewer: User, manager: User, sign_in: SignIn
) -> None:
    approve(save_revision(page, author=editor), reviewer)

    answer = sign_in(manager).post(change_url(page), page_form(page, title="Changed after all", _publish="1"))

    assert answer.status_code == 409
    assert "A reviewer has not approved this text yet." in answer.content.decode()


def test_sending_back_requires_a_comment(page: Page, editor: User, reviewer: User, sign_in: SignIn) -> None:
    submit_for_review(save_revision(page, author=editor), actor=editor)
    client = sign_in(reviewer)

    silent = decide(client, page, Decision.SENT_BACK)
    spoken = decide(client, page, Decision.SENT_BACK, "Say who it is for.")

    assert silent.status_code == 400
    assert "Say what to change, so that the editor knows what to do." in silent.content.decode()
    assert spoken.status_code == 302
    assert state(page) == "Sent back"
    assert "Say who it is for." in sign_in(editor).get(change_url(page)).content.decode()


def test_nobody_approves_their_own_text(page: Page, sign_in: SignIn, admin_user: User) -> None:
    save_revision(page, author=admin_user)

    answer = decide(sign_in(admin_user), page, Decision.APPROVED, "Mine is fine.")

    assert answer.status_code == 403
    assert "This is your own text. Another person must approve it." in answer.content.decode()
    assert "Mine is fine." in answer.content.decode()
    assert not Approval.objects.filter(revision__page=page).exists()


def test_self_approval_is_allowed_without_peer_review(
    page: Page, sign_in: SignIn, admin_user: User, settings: Any
) -> None:
    settings.REQUIRE_PEER_REVIEW = False
    save_revision(page, author=admin_user)

    assert decide(sign_in(admin_user), page, Decision.APPROVED).status_code == 302


def test_a_decision_applies_to_the_text_that_was_shown(
    page: Page, editor: User, reviewer: User, sign_in: SignIn
) -> None:
    shown = save_revision(page, author=editor)
    page.title = "Newer"
    page.save()
    save_revision(page, author=editor)

    answer = decide(sign_in(reviewer), page, Decision.APPROVED, "Yes.", revision=shown.pk)

    assert answer.status_code == 409
    assert "The text changed while you were reading it." in answer.content.decode()
    assert not Approval.objects.filter(revision__page=page).exists()


@pytest.mark.parametrize("decision", ["", "translation_checked", "publish"])
def test_only_the_two_decisions_are_accepted(page: Page, reviewer: User, sign_in: SignIn, decision: str) -> None:
    revision = save_revision(page, author=None)

    answer = sign_in(reviewer).post(
        f"{PAGES}{page.pk}/review/", {"revision": revision.pk, "decision": decision, "comment": ""}
    )

    assert answer.status_code == 400
    assert not Approval.objects.filter(revision__page=page).exists()


def test_the_reviewer_sees_a_preview_of_the_page(page: Page, editor: User, reviewer: User, sign_in: SignIn) -> None:
    submit_for_review(save_revision(page, author=editor), actor=editor)

    html = sign_in(reviewer).get(f"{PAGES}{page.pk}/review/").content.decode()

    assert 'srcdoc="&lt;!doctype html&gt;' in html
    assert "&lt;h1 class=&quot;page__title&quot;&gt;Small cut&lt;/h1&gt;" in html


def test_a_withdrawn_page_shows_the_reason_and_replacement(page: Page, manager: User, sign_in: SignIn) -> None:
    make_public(page)
    other = make_page("big-cut")
    make_public(other)
    client = sign_in(manager)
    asked = client.get(f"{PAGES}{page.pk}/withdraw/")

    answer = client.post(
        f"{PAGES}{page.pk}/withdraw/", {"reason": "We do not do this any more.", "replaced_by": other.pk}
    )

    page.refresh_from_db()
    gone = Client().get("/small-cut/")
    assert asked.status_code == 200
    assert get_message(answer) == "“Small cut” is no longer public. Its old links now show the reason."
    assert state(page) == "Withdrawn"
    assert gone.status_code == 410
    assert "We do not do this any more." in gone.content.decode()
    assert "Big cut" in gone.content.decode()


def test_a_withdrawal_without_a_reason_or_of_a_draft_is_rejected(page: Page, manager: User, sign_in: SignIn) -> None:
    client, address = sign_in(manager), f"{PAGES}{page.pk}/withdraw/"

    draft = client.post(address, {"reason": "Old."})
    make_public(page)
    silent = client.post(address, {"reason": "  "})

    page.refresh_from_db()
    assert draft.status_code == 409
    assert "This page is not public." in draft.content.decode()
    assert silent.status_code == 400
    assert page.live_release is not None


def test_the_form_lists_the_issues_before_publishing(page: Page, editor: User, sign_in: SignIn) -> None:
    page.lead_figure = None
    page.save()
    save_revision(page, author=editor)

    html = sign_in(editor).get(change_url(page)).content.decode()

    assert "Choose the main picture." in html


def test_the_form_links_to_the_public_page_and_its_versions(page: Page, editor: User, sign_in: SignIn) -> None:
    make_public(page)

    html = sign_in(editor).get(change_url(page)).content.decode()

    assert 'href="/small-cut/">View on site</a>' in html
    assert f'href="{PAGES}{page.pk}/versions/"' in html
    assert f'href="{PAGES}{page.pk}/compare/"' in html
    assert "the old address keeps working" in html


def test_buttons_are_shown_by_permission(
    page: Page, editor: User, reviewer: User, manager: User, sign_in: SignIn
) -> None:
    make_public(page)
    labels = ("Save draft", "Save and send for review", "Review this text", "Publish now</button>", "Withdraw…")

    shown = {
        user.first_name: [label for label in labels if label in sign_in(user).get(change_url(page)).content.decode()]
        for user in (editor, reviewer, manager)
    }

    assert shown == {
        "Nina": ["Save draft", "Save and send for review"],
        "Rosa": ["Review this text"],
        "Max": ["Save draft", "Save and send for review", "Withdraw…"],
    }


def test_saving_a_text_that_waits_for_review_says_so_before_and_after(
    page: Page, editor: User, sign_in: SignIn
) -> None:
    client = sign_in(editor)
    submit_for_review(save_revision(page, author=editor), actor=editor)
    form = client.get(change_url(page)).content.decode()
    unchanged = get_message(client.post(change_url(page), page_form(page, _save="1")))
    page.refresh_from_db()
    changed = get_message(client.post(change_url(page), page_form(page, title="Another title", _save="1")))
    page.refresh_from_db()
    again = get_message(client.post(change_url(page), page_form(page, title="A third title", _save="1")))

    assert form.count("Save draft (takes it out of review)") == 2
    assert unchanged == "Draft saved. What patients read has not changed."
    assert changed == (
        "Draft saved. It is no longer waiting for review, and reviewers do not see it. Send it again when you are done."
    )
    assert again == "Draft saved. What patients read has not changed."
    assert "takes it out of review" not in client.get(change_url(page)).content.decode()
