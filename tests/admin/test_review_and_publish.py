"""The review and publishing screens."""

import pytest
from django.test import Client

from portal.accounts.models import User
from procedures.enums import EventKind
from procedures.models import Approval, FigureText, Page, ReviewComment
from procedures.publishing.review import submit_for_review
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, SignIn, change_url, page_form
from tests.admin.workflow_helpers import publish_url
from tests.factories import approve, make_public


def test_a_paragraph_comment_is_shown_to_the_editor_with_its_line(
    page: Page, editor: User, reviewer: User, sign_in: SignIn
) -> None:
    revision = save_revision(page, author=editor)
    submit_for_review(revision, actor=editor, note="Please look.")
    client, address = sign_in(reviewer), f"{PAGES}{page.pk}/review/"
    shown = client.get(address).content.decode()

    answer = client.post(
        address,
        {
            "revision": revision.pk,
            "decision": "sent_back",
            "comment": "",
            "quote-7": "It is\0 safe to read.",
            "at-7\0": "Is\0 it?",
        },
    )

    form = sign_in(editor).get(change_url(page)).content.decode()
    assert "Please look." in shown and 'value="It is safe to read."' in shown
    assert answer.status_code == 302
    assert ReviewComment.objects.values_list("quote", "text").get() == ("It is safe to read.", "Is it?")
    assert 'data-remark-line="3"' in form
    assert "Is it?" in form and "See the comments on the text." in form


def test_a_rejected_decision_keeps_every_comment(page: Page, sign_in: SignIn, admin_user: User) -> None:
    revision = save_revision(page, author=admin_user)

    answer = sign_in(admin_user).post(
        f"{PAGES}{page.pk}/review/",
        {"revision": revision.pk, "decision": "approved", "quote-7": "It is safe to read.", "at-7": "Mine is fine."},
    )

    assert answer.status_code == 403
    assert "Mine is fine." in answer.content.decode()
    assert not Approval.objects.exists() or not ReviewComment.objects.exists()


def test_the_reviewer_sees_what_changes_for_patients(page: Page, editor: User, reviewer: User, sign_in: SignIn) -> None:
    make_public(page)
    page.body = page.body.replace("A small cut.", "A very small cut.")
    page.save()
    submit_for_review(save_revision(page, author=editor), actor=editor)

    html = sign_in(reviewer).get(f"{PAGES}{page.pk}/review/").content.decode()

    assert "1 change from what patients read now (version 1)." in html
    assert "<ins> very</ins>" in html


def test_the_approved_text_can_be_published_while_the_draft_changes(
    page: Page, editor: User, manager: User, sign_in: SignIn
) -> None:
    good = save_revision(page, author=editor)
    approve(good)
    page.title = "Not ready"
    page.save()
    save_revision(page, author=editor)
    client = sign_in(manager)

    shown = client.get(publish_url(page)).content.decode()
    answer = client.post(publish_url(page), {"revision": good.pk, "now": "1", "what_changed": "New page."})

    page.refresh_from_db()
    assert "There is a newer draft (revision 2) that is not approved." in shown
    assert answer.status_code == 302
    assert page.live_release and page.live_release.revision == good


def test_a_text_that_the_manager_did_not_see_is_not_published(
    page: Page, editor: User, manager: User, sign_in: SignIn
) -> None:
    seen = save_revision(page, author=editor)
    approve(seen)
    page.title = "Newer"
    page.save()
    approve(save_revision(page, author=editor))

    answer = sign_in(manager).post(publish_url(page), {"revision": seen.pk, "now": "1"})

    page.refresh_from_db()
    assert answer.status_code == 409
    assert "That text is no longer the approved one." in answer.content.decode()
    # There is nothing to fix in it.
    assert "An editor fixes it" not in answer.content.decode()
    assert page.live_release is None


def test_a_withdrawn_page_can_be_published_again_once_it_is_approved_again(
    page: Page, editor: User, reviewer: User, manager: User, sign_in: SignIn
) -> None:
    release = make_public(page)
    client = sign_in(manager)
    client.post(f"{PAGES}{page.pk}/withdraw/", {"reason": "A mistake."})
    assert Client().get("/small-cut/").status_code == 410
    publish_screen = client.get(publish_url(page)).content.decode()
    assert "Nothing to publish" in publish_screen and "This page was withdrawn: “A mistake.”" in publish_screen
    assert 'name="_publish"' not in client.get(change_url(page)).content.decode()
    approve(release.revision, reviewer)
    assert "This page was withdrawn: “A mistake.” Publishing makes it" in client.get(publish_url(page)).content.decode()

    answer = client.post(publish_url(page), {"revision": release.revision_id, "now": "1"})

    assert answer.status_code == 302
    assert Client().get("/small-cut/").status_code == 200
    kinds = list(page.events.order_by("pk").values_list("kind", flat=True))
    assert kinds[-3:] == [EventKind.WITHDRAWN, EventKind.APPROVED, EventKind.PUBLISHED]


def test_a_publishable_text_has_no_issues(page: Page, editor: User, manager: User, sign_in: SignIn) -> None:
    approve(save_revision(page, author=editor))

    assert "Fix this before publishing" not in sign_in(manager).get(publish_url(page)).content.decode()


@pytest.mark.parametrize(
    ("change", "told"),
    {
        "another address": ({"slug": "call-us"}, True),
        "another title": ({"title": "Call us"}, True),
        "the same, other words": ({"description": "Whom to call."}, False),
    }.values(),
)
def test_publishing_reports_pages_with_the_old_title_or_address(
    page: Page, editor: User, manager: User, sign_in: SignIn, change: dict[str, str], told: bool
) -> None:
    page.body += "\n[Contact](page:contact)\n"
    page.save()
    make_public(page)
    contact = Page.objects.get(subject="contact", language="en")
    for name, value in change.items():
        setattr(contact, name, value)
    contact.save()
    revision = save_revision(contact, author=editor)
    approve(revision)
    client = sign_in(manager)

    answer = client.post(publish_url(contact), {"revision": revision.pk, "now": "1"})
    messages = [str(message) for message in client.get(answer["Location"]).context["messages"]]

    assert messages[0] == "Published. Patients can now read this text."
    assert [message.startswith("1 public page shows its old title or address.") for message in messages[1:]] == (
        [True] if told else []
    )


def test_the_publish_link_is_shown_while_there_is_something_to_publish(
    page: Page, editor: User, manager: User, sign_in: SignIn
) -> None:
    client, way = sign_in(manager), "Publish now</button>"
    revision = save_revision(page, author=editor)
    draft = client.get(change_url(page)).content.decode()
    approve(revision)
    approved = client.get(change_url(page)).content.decode()
    client.post(publish_url(page), {"revision": revision.pk, "now": "1"})
    public = client.get(change_url(page)).content.decode()

    assert [way in html for html in (draft, approved, public)] == [False, True, False]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            "If you faint, you can now call us in office hours.",
            "says what to do about warning signs (fainting). Warning signs come from one list: remove them here",
        ),
        ("New number: 303-555-0177.", "The line about what changed contains the phone number “303-555-0177”."),
    ],
)
def test_a_change_note_that_must_not_be_typed_is_rejected_and_kept(
    page: Page, editor: User, manager: User, sign_in: SignIn, words: str, reason: str
) -> None:
    revision = save_revision(page, author=editor)
    approve(revision)
    client = sign_in(manager)

    there = client.post(publish_url(page), {"revision": revision.pk, "now": "1", "what_changed": words})
    here = client.post(change_url(page), page_form(page, _publish="1", what_changed=words))

    page.refresh_from_db()
    assert page.live_release is None
    assert there.status_code == 400
    for answer in (there, here):
        html = answer.content.decode()
        assert words in html
        assert reason in html


def test_a_text_that_changed_elsewhere_after_its_approval_is_sent_for_review_again(
    page: Page, editor: User, reviewer: User, manager: User, sign_in: SignIn
) -> None:
    revision = save_revision(page, author=editor)
    approve(revision, reviewer)
    FigureText.objects.update(caption="A nail.")
    client, reason = sign_in(manager), "something that it shows has changed: picture needle. Ask for approval again"

    form, shown = (client.get(address).content.decode() for address in (change_url(page), publish_url(page)))
    now = client.post(publish_url(page), {"revision": revision.pk, "now": "1"})
    here = client.post(change_url(page), page_form(page, _publish="1"))
    page.refresh_from_db()
    asked = client.post(publish_url(page), {"revision": revision.pk, "ask": "1"})

    assert reason in form and 'name="_publish"' not in form and ">Send for review<" in form
    assert reason in shown and "Ask for approval again</button>" in shown
    for answer in (now, here):
        assert answer.status_code == 409
        assert reason in answer.content.decode()
    assert page.live_release is None
    assert asked.status_code == 302
    screen = sign_in(reviewer).get(f"{PAGES}{page.pk}/review/")
    assert screen.context["edit_page"].review_status == EventKind.SUBMITTED
    values = {"revision": revision.pk, "decision": "approved", "texts": screen.context["edit_page"].seen_texts}
    assert sign_in(reviewer).post(f"{PAGES}{page.pk}/review/", values).status_code == 302
    assert sign_in(manager).post(publish_url(page), {"revision": revision.pk, "now": "1"}).status_code == 302


def test_a_reviewer_approves_only_texts_that_the_screen_showed(
    page: Page, editor: User, reviewer: User, sign_in: SignIn
) -> None:
    revision = save_revision(page, author=editor)
    client, address = sign_in(reviewer), f"{PAGES}{page.pk}/review/"
    seen = client.get(address).context["edit_page"].seen_texts
    FigureText.objects.update(caption="A nail.")

    answer = client.post(address, {"revision": revision.pk, "decision": "approved", "texts": seen, "comment": "Fine."})

    html = answer.content.decode()
    assert answer.status_code == 409
    assert "has changed since you opened it. Review it again." in html
    assert "Fine." in html and "A nail." in html
    assert not page.revisions.get().approvals.exists()
    values = {"revision": revision.pk, "decision": "approved", "texts": answer.context["edit_page"].seen_texts}
    assert f'name="texts" value="{values["texts"]}"' in html
    assert client.post(address, values).status_code == 302
