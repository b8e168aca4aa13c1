"""The warning signs screen: permissions, comparison, and keeping the input."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from procedures.models import Page, WarningSign, WarningSignRevision
from procedures.publishing import warning_signs
from procedures.revisions.drafts import save_revision
from tests.factories import BODY, approve, make_clinic, make_page, make_public, make_sign, make_user
from tests.replay import built_once

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/procedures/warningsign/"


@pytest.fixture(autouse=True)
@built_once
def site() -> None:
    """A starter list on one public page."""
    make_clinic()
    make_sign("weak-leg", "emergency")
    make_sign("fever", "now")
    warning_signs.record_starter_list()
    make_public(make_page(body=f"{BODY}\n::: warning-signs both\n"))


def as_role(role: str) -> Client:
    """Return a client signed in as a staff member with one role."""
    user = make_user(role.lower())
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def typed(client: Client, **changes: str) -> dict[str, str]:
    """Return the current form data with some fields changed."""
    context = client.get(ADDRESS).context
    rows = context["formset"]
    data = {"action": "propose", "expected": str(context["expected"]), "note": "Fever is worse."}
    for form in [rows.management_form, *rows.forms]:
        for field in form:
            value = field.value()
            if field.name != "DELETE":
                data[field.html_name] = "" if value is None else str(getattr(value, "value", value))
    return {**data, **changes}


def test_warning_signs_are_in_the_navigation() -> None:
    client = as_role("Editor")

    assert reverse("admin:procedures_warningsign_changelist") == ADDRESS
    assert f'href="{ADDRESS}"' in client.get(reverse("admin:procedures_clinic_changelist")).content.decode()


def test_a_changed_list_goes_from_proposal_to_every_page() -> None:
    editor, reviewer, manager = as_role("Editor"), as_role("Reviewer"), as_role("Manager")

    saved = editor.post(
        ADDRESS,
        typed(editor, **{"form-1-level": "emergency", "form-1-en_short": "A fever", "form-1-es_short": "Fiebre"}),
    )
    newest = warning_signs.latest_revision()
    assert saved.status_code == 302 and newest is not None and newest.author is not None
    shown = reviewer.get(ADDRESS).content.decode()
    assert "2 changes" not in shown and "from what patients read now" in shown
    assert "<ins>" in shown and "<del>" in shown
    approved = reviewer.post(ADDRESS, {"action": "approve", "revision": newest.pk})
    assert approved.status_code == 302
    assert "Publish on 1 page" in manager.get(ADDRESS).content.decode()
    published = manager.post(ADDRESS, {"action": "publish", "revision": newest.pk}, follow=True)
    again = manager.post(ADDRESS, {"action": "publish", "revision": newest.pk})

    assert again.status_code == 302, "a double click"
    assert "Published. 1 page now shows the new list." in published.content.decode()
    assert WarningSign.objects.get(key="fever").level == "emergency"
    page = Page.objects.select_related("live_release").get(subject="small-cut")
    assert page.live_release is not None
    assert "<li>A fever</li>" in page.live_release.html


@pytest.mark.parametrize(
    ("role", "action"),
    [
        ("Editor", "approve"),
        ("Editor", "send_back"),
        ("Editor", "publish"),
        ("Reviewer", "propose"),
        ("Reviewer", "publish"),
        ("Manager", "approve"),
    ],
)
def test_each_role_can_take_only_its_own_step(role: str, action: str) -> None:
    newest = warning_signs.latest_revision()
    assert newest is not None

    assert as_role(role).post(ADDRESS, {"action": action, "revision": newest.pk}).status_code == 403
    assert WarningSignRevision.objects.count() == 1
    assert newest.events.count() == 1


def test_a_user_without_a_role_sees_nothing() -> None:
    client = Client()
    client.force_login(make_user("guest"))

    assert client.get(ADDRESS).status_code == 403


def test_an_invalid_list_is_shown_with_its_errors_and_the_input() -> None:
    editor = as_role("Editor")

    answer = editor.post(
        ADDRESS, typed(editor, **{"form-1-en_text": "word " * 26, "form-1-es_text": "Tiene fiebre alta."})
    )

    html = answer.content.decode()
    assert answer.status_code == 400
    assert "A warning sign has at most 25 words; this one has 26." in html
    assert "Tiene fiebre alta." in html
    assert "Fever is worse." in html
    assert WarningSignRevision.objects.count() == 1


NEW_SIGN = {
    "key": "cough",
    "level": "now",
    "when": "both",
    "en_text": "You cough.",
    "es_text": "Tose.",
    "position": "1",
}
ADDED = {f"form-2-{name}": value for name, value in NEW_SIGN.items()}


@pytest.mark.parametrize("other", [{"form-0-en_text": "A leg is weak."}, ADDED], ids=["a word", "a new sign"])
def test_a_list_saved_by_someone_else_is_not_overwritten(other: dict[str, str]) -> None:
    editor = as_role("Editor")
    late = typed(editor, **{"form-1-en_text": "You have a high fever."})
    editor.post(ADDRESS, typed(editor, **other))

    answer = editor.post(ADDRESS, late)

    assert answer.status_code == 409
    assert "You have a high fever." in answer.content.decode()
    assert WarningSignRevision.objects.count() == 2


def test_a_sign_can_be_added_and_removed() -> None:
    editor = as_role("Editor")

    answer = editor.post(ADDRESS, typed(editor, **{"form-1-DELETE": "on", **ADDED}))

    newest = warning_signs.latest_revision()
    assert answer.status_code == 302 and newest is not None
    assert [row["key"] for row in newest.content] == ["weak-leg", "cough"]


def test_sending_a_list_back_requires_a_comment() -> None:
    reviewer = as_role("Reviewer")
    newest = warning_signs.latest_revision()
    assert newest is not None

    silent = reviewer.post(ADDRESS, {"action": "send_back", "revision": newest.pk, "comment": " "})
    said = reviewer.post(ADDRESS, {"action": "send_back", "revision": newest.pk, "comment": "Fever is not there."})

    assert silent.status_code == 400 and "Say what to change" in silent.content.decode()
    assert said.status_code == 302
    assert "Fever is not there." in as_role("Editor").get(ADDRESS).content.decode()


def test_a_decision_on_an_older_list_is_rejected() -> None:
    reviewer, editor = as_role("Reviewer"), as_role("Editor")
    seen = warning_signs.latest_revision()
    assert seen is not None
    editor.post(ADDRESS, typed(editor, **{"form-0-en_text": "A leg is weak."}))

    answer = reviewer.post(ADDRESS, {"action": "approve", "revision": seen.pk})

    assert answer.status_code == 409
    assert "A newer list was saved." in answer.content.decode()


def test_each_step_posted_twice_is_done_once() -> None:
    editor, reviewer, manager = as_role("Editor"), as_role("Reviewer"), as_role("Manager")
    form = typed(editor, **{"form-1-en_text": "You have a high fever."})

    saved = [editor.post(ADDRESS, form).status_code for _ in range(2)]
    newest = warning_signs.latest_revision()
    assert newest is not None
    steps: list[tuple[Client, dict[str, Any]]] = [
        (reviewer, {"action": "send_back", "comment": "Say how high."}),
        (reviewer, {"action": "approve"}),
        (manager, {"action": "publish"}),
    ]
    for client, step in steps:
        saved += [client.post(ADDRESS, {"revision": newest.pk, **step}).status_code for _ in range(2)]

    assert set(saved) == {302}
    assert WarningSignRevision.objects.count() == 2
    kinds = list(newest.events.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["submitted", "sent_back", "approved", "published"]
    assert "This list is already published." in manager.get("/admin/").content.decode()
    unchanged = editor.post(ADDRESS, typed(editor), follow=True)
    assert "No changes to save. Patients already read this list." in unchanged.content.decode()


def test_signs_can_only_be_changed_through_the_list() -> None:
    manager = as_role("Manager")
    row: Any = WarningSign.objects.first()

    for address in (f"{ADDRESS}add/", f"{ADDRESS}{row.pk}/change/", f"{ADDRESS}{row.pk}/delete/"):
        assert manager.post(address, {"level": "hours"}).status_code == 404, address
    assert WarningSign.objects.get(pk=row.pk).level == row.level


def test_publishing_screens_say_that_the_printed_list_is_unreviewed() -> None:
    words = "This page prints the starter list of warning signs."
    manager, reviewer, page = as_role("Manager"), make_user("rita"), Page.objects.get(title="Small cut")
    page.title = "Another title"
    page.save()
    approve(save_revision(page, author=None), reviewer)
    screens = [reverse(f"admin:procedures_page_{name}", args=[page.pk]) for name in ("change", "publish")]

    before = [manager.get(url).content.decode().count(words) for url in screens]
    starter = warning_signs.latest_revision()
    assert starter is not None
    warning_signs.record_list_decision(starter, reviewer=reviewer, approved=True)
    warning_signs.publish_list(starter, actor=reviewer)
    after = [manager.get(url).content.decode().count(words) for url in screens]

    assert before == [2, 1]
    assert after == [0, 0]
