"""Publishing, and every rejection that leaves the data unchanged."""

import datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, models
from django.test import Client
from django.utils import timezone

from procedures.enums import EventKind
from procedures.models import (
    ApprovalFingerprint,
    Clinic,
    ClinicAnswer,
    FigureText,
    GlossaryTerm,
    MarkerText,
    Page,
    Path,
    Release,
    ReleaseEvent,
    Series,
    SeriesItem,
    Source,
    WarningSign,
)
from procedures.publishing import warning_signs
from procedures.publishing.publish import (
    PublishError,
    add_months,
    check_reader_line,
    hash_release,
    publish,
    publish_starter,
    withdraw,
)
from procedures.publishing.schedule import schedule_revision
from procedures.revisions.drafts import save_revision
from procedures.timezones import get_clinic_timezone
from tests.database import history_unprotected, rolled_back
from tests.factories import BODY, approve, make_page, make_source, make_term, make_user, sign_content


def fresh(page: Page) -> Page:
    """Return the page as stored."""
    return Page.objects.get(pk=page.pk)


def everything(page: Page) -> dict[str, Any]:
    """Return everything that publishing can write."""
    return {
        "releases": list(Release.objects.order_by("pk").values()),
        "paths": list(Path.objects.order_by("pk").values()),
        "events": list(ReleaseEvent.objects.order_by("pk").values()),
        "page": Page.objects.filter(pk=page.pk).values().get(),
    }


def approved(page: Page, **values: Any) -> Any:
    """Return an approved revision of the page with these values."""
    for name, value in values.items():
        setattr(page, name, value)
    page.save()
    revision = save_revision(page, author=make_user("ed"))
    approve(revision)
    return revision


def test_a_release_is_complete(page: Page) -> None:
    revision = approved(page)
    start = timezone.now()

    release = publish(revision, actor=make_user("max"), what_changed="New.")

    assert fresh(page).live_release == release
    assert (release.number, release.path, release.title) == (1, "/small-cut/", "Small cut")
    assert (release.author_name, release.reviewer_name, release.published_by.username) == ("ed", "rita", "max")
    assert release.approval.revision == release.revision == revision
    assert not release.is_starter
    assert release.what_changed == "New."
    assert start <= release.published_at <= timezone.now()
    assert release.next_review_on == add_months(timezone.localdate(release.published_at), 12)
    assert "A small cut." in release.html
    assert [section["anchor"] for section in release.sections] == ["", "page-points", "what-it-is", "when-to-call"]
    assert release.thumbnail["alt"] == "A needle in a bone."
    assert {(dependency.kind, dependency.key) for dependency in release.dependencies.all()} >= {
        ("source", "nice"),
        ("figure", "needle"),
    }


def test_the_next_review_counts_from_the_approval(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    revision = approved(page)
    later = timezone.now() + datetime.timedelta(days=300)
    monkeypatch.setattr(timezone, "now", lambda: later)

    release = publish(revision, actor=make_user("max"))

    assert release.reviewed_on == release.approval.created_at.astimezone(get_clinic_timezone()).date()
    assert release.next_review_on == add_months(release.reviewed_on, 12)


def test_the_dates_of_the_review_are_dates_at_the_clinic(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    Clinic.objects.update(time_zone="America/Denver")
    revision, night = approved(page), datetime.datetime(2026, 3, 1, 3, tzinfo=datetime.UTC)
    with history_unprotected():
        connection.cursor().execute("UPDATE procedures_approval SET created_at = %s", [night])
    monkeypatch.setattr(timezone, "now", lambda: night)

    release = publish(revision, actor=make_user("max"))

    assert release.published_at == night
    assert release.reviewed_on == datetime.date(2026, 2, 28)
    assert release.next_review_on == datetime.date(2027, 2, 28)


def test_the_hash_of_a_release_covers_all_that_patients_read(page: Page) -> None:
    release = publish(approved(page), actor=make_user("max"))

    stored = {name: getattr(release, name) for name in ("path", "title", "key_message", "description", "html")}
    assert release.sha256 == hash_release(release)
    for name, value in stored.items():
        assert hash_release(Release(**{**stored, name: value + "x"})) != release.sha256
    assert hash_release(Release(**{**stored, "title": "a\0", "key_message": "b"})) == hash_release(
        Release(**{**stored, "title": "a", "key_message": "\0b"})
    ), "fields cannot hold the separator: validate_plain_text refuses it"


def test_publishing_is_logged(page: Page) -> None:
    release = publish(approved(page), actor=make_user("max"))

    event = ReleaseEvent.objects.filter(page=page, kind=EventKind.PUBLISHED).get()
    assert (event.actor.username, event.release) == ("max", release)


def test_editing_the_draft_does_not_change_the_public_page(page: Page, client: Client) -> None:
    publish(approved(page), actor=make_user("max"))

    page.title, page.body = "SECRET", "## SECRET"
    page.save()
    save_revision(page, author=make_user("ed"))

    assert b"SECRET" not in client.get("/small-cut/").content
    assert b"A small cut." in client.get("/small-cut/").content


def test_an_older_approved_revision_can_be_published_despite_a_newer_draft(page: Page) -> None:
    revision = approved(page)
    page.title = "Later"
    page.save()
    save_revision(page, author=make_user("ed"))

    release = publish(revision, actor=make_user("max"))

    assert release.title == "Small cut"
    assert fresh(page).title == "Later"


def test_a_new_slug_moves_the_page_and_redirects_the_old_path(page: Page, client: Client) -> None:
    publish(approved(page), actor=make_user("max"))

    publish(approved(fresh(page), slug="tiny-cut"), actor=make_user("max"))

    assert [(path.path, path.is_canonical) for path in page.paths.all()] == [
        ("/small-cut/", False),
        ("/tiny-cut/", True),
    ]
    answer = client.get("/small-cut/")
    assert (answer.status_code, answer["Location"]) == (301, "/tiny-cut/")


def test_going_back_to_an_old_slug_uses_the_same_row(page: Page) -> None:
    for slug in ("small-cut", "tiny-cut", "small-cut"):
        publish(approved(fresh(page), slug=slug), actor=make_user("max"))

    assert [(path.path, path.is_canonical) for path in page.paths.all()] == [
        ("/small-cut/", True),
        ("/tiny-cut/", False),
    ]


BROKEN = {
    "no title": ({"title": " "}, "Add a title."),
    "no message": ({"key_message": ""}, "Add the key message."),
    "no description": ({"description": ""}, "Add the description."),
    "no text": ({"body": " "}, "Write the text."),
    "no figure": ({"lead_figure": None}, "Choose the main picture."),
    "no key points": ({"body": "## A\n\nText. [@nice]"}, "Add key points before the first heading"),
    "no source": ({"body": BODY.replace("[@nice]", "")}, "Add a source"),
    "no next step": ({"next_page": None}, "Choose the next page"),
    "unknown source": ({"body": f"{BODY}\n[@none]"}, "line 16: There is no source “none”."),
    "unknown block": ({"body": f"{BODY}\n::: shout"}, "line 16: There is no block “shout”."),
    "hard words": (
        {"body": BODY + "\nPercutaneous vertebral augmentation necessitates intraoperative fluoroscopic visualisation "
         "notwithstanding considerable cardiopulmonary comorbidities and contraindications. " * 12},
        "the limit is 6.0. Use shorter sentences and words.",
    ),
    "draft linked": ({"body": f"{BODY}\n[x](page:other)"}, "line 16: The link points to “other”, which is not public yet."),
    "no such section": ({"body": f"{BODY}\n[x](page:contact#none)"}, "line 16: The page “contact” has no section #none."),
    "no section here": ({"body": f"{BODY}\n[x](page:small-cut#none)"}, "The page “small-cut” has no section #none."),
    "address taken": ({"slug": "contact"}, "The web address /contact/ belongs to “Contact”."),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_an_incomplete_draft_is_rejected_and_nothing_changes(page: Page, name: str) -> None:
    values, sentence = BROKEN[name]
    publish(approved(page), actor=make_user("max"))
    make_page("other")
    revision = approved(fresh(page), **values)
    before = everything(page)

    with pytest.raises(PublishError) as raised:
        publish(revision, actor=make_user("max"))

    assert sentence in str(raised.value)
    assert everything(page) == before
    assert page.revisions.filter(pk=revision.pk).exists(), "the draft survives"


def test_an_unapproved_text_is_rejected_and_nothing_changes(page: Page) -> None:
    revision = save_revision(page, author=make_user("ed"))
    before = everything(page)

    with pytest.raises(PublishError) as raised:
        publish(revision, actor=make_user("max"))

    assert str(raised.value) == "A reviewer has not approved this text yet. Send it for review first."
    assert everything(page) == before


def test_scheduling_publishing_and_withdrawing_keep_a_draft_saved_in_the_meantime(page: Page) -> None:
    revision = approved(page)
    Page.objects.filter(pk=page.pk).update(title="Later")

    schedule_revision(revision, actor=make_user("max"), at=timezone.now() + datetime.timedelta(hours=1))
    assert fresh(page).title == "Later"
    publish(revision, actor=make_user("max"))
    assert fresh(page).title == "Later"
    withdraw(page, actor=make_user("max"), reason="Old.")
    assert (fresh(page).title, fresh(page).live_release) == ("Later", None)


def test_a_restored_text_is_published_as_its_own_revision(page: Page) -> None:
    first = publish(approved(page), actor=make_user("max"))
    for title in ("Second", "Small cut"):
        page.title = title
        page.save()
        restored = save_revision(page, author=make_user("ed"))

    second = publish(restored, actor=make_user("max"))

    assert (second.number, second.revision, second.approval) == (2, restored, first.approval)


def test_a_line_for_patients_is_checked_before_there_is_a_clinic(db: None) -> None:
    check_reader_line("en", "The line", "The list is new.")
    with pytest.raises(PublishError, match="The line contains the phone number"):
        check_reader_line("en", "The line", "Call 303-555-0100.")


def test_a_section_of_a_public_page_can_be_linked(page: Page) -> None:
    body = f"{BODY}\n[x](page:contact#when-to-call) and [y](page:small-cut#what-it-is)"

    assert publish(approved(page, body=body), actor=make_user("max")).number == 1


def test_the_path_of_a_withdrawn_page_is_never_reused(page: Page) -> None:
    publish(approved(page), actor=make_user("max"))
    withdraw(fresh(page), actor=make_user("max"), reason="Old.")
    other = make_page("other", slug="small-cut", next_page=page.next_page)

    with pytest.raises(PublishError, match="belongs to “Small cut”"):
        publish(approved(other), actor=make_user("max"))


def test_starter_text_needs_no_approval_and_is_marked(page: Page) -> None:
    release = publish_starter(save_revision(page, author=None))

    assert release.is_starter
    assert release.approval is None
    assert (release.author_name, release.reviewer_name, release.what_changed) == ("", "", "")
    assert release.reviewed_on is None


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [("2026-01-31", 1, "2026-02-28"), ("2028-01-31", 1, "2028-02-29"), ("2026-12-15", 12, "2027-12-15"),
     ("2026-11-30", 3, "2027-02-28"), ("2026-05-01", 36, "2029-05-01")],
)  # fmt: skip
def test_a_review_is_due_on_the_same_day_or_the_last_of_the_month(day: str, months: int, expected: str) -> None:
    assert add_months(datetime.date.fromisoformat(day), months) == datetime.date.fromisoformat(expected)


def test_starter_text_can_link_to_a_page_that_is_not_public_yet(page: Page) -> None:
    make_page("other")
    page.body = f"{BODY}\n[x](page:other)"
    page.save()
    revision = save_revision(page, author=None)

    release = publish_starter(revision)

    assert fresh(page).live_release == release
    approve(revision)
    with pytest.raises(PublishError, match="The link points to “other”, which is not public yet."):
        publish(revision, actor=make_user("max"))


# Each changes one text that the page prints from elsewhere; the message names it.
CHANGES_ELSEWHERE: dict[str, Any] = {
    "answer driving": lambda: ClinicAnswer.objects.update(answer="In three weeks."),
    "series stages": lambda: SeriesItem.objects.update(text="It goes out."),
    "glossary term cut": lambda: GlossaryTerm.objects.update(definition="A wound."),
    "glossary term short": lambda: make_term("short", term="short", definition="Not long."),
    "source nice": lambda: Source.objects.update(title="Another guide"),
    "picture needle": lambda: FigureText.objects.update(caption="A nail."),
    "picture needle ": lambda: FigureText.objects.update(alt="A nail in a bone."),
    "picture needle  ": lambda: FigureText.objects.update(description="It is long."),
    "picture needle   ": lambda: MarkerText.objects.update(label="End"),
}


def make_quoting_revision(page: Page) -> Any:
    """Return an approved revision that prints an answer, a series, a glossary term, a source, and a picture."""
    ClinicAnswer.objects.create(key="driving", language="en", question="When can I drive?", answer="Tomorrow.")
    series = Series.objects.create(slug="stages", language="en", title="In pictures")
    SeriesItem.objects.create(series=series, figure=page.lead_figure, heading="The needle", text="It goes in.")
    make_term("cut", term="cut", definition="An opening.")
    return approved(page, body=f"{BODY}\n::: care driving\n\n::: series stages\n\n::: warning-signs both\n")


def test_texts_that_changed_elsewhere_need_a_new_approval(page: Page) -> None:
    revision = make_quoting_revision(page)
    before = everything(page)

    for name, change in CHANGES_ELSEWHERE.items():
        with rolled_back():
            change()
            with pytest.raises(PublishError) as raised:
                publish(revision, actor=make_user("max"))
            assert str(raised.value) == (
                f"Since this text was approved, something that it shows has changed: {name.strip()}. Ask for approval "
                "again: send the text for review."
            ), name
            assert everything(page) == before, name
            approve(revision)
            assert publish(revision, actor=make_user("max")).revision == revision, name


def test_clinic_values_and_warning_signs_need_no_new_approval(page: Page) -> None:
    revision = make_quoting_revision(page)
    make_source("cdc")
    Clinic.objects.update(phone="+1 303-555-0177")
    warning_signs.save_sign(WarningSign.objects.get(), sign_content("blood", sources=["cdc"], en="You bleed."))

    release = publish(revision, actor=make_user("max"))

    assert "You bleed." in release.html
    assert release.dependencies.filter(kind="source").count() == 2


def test_an_earlier_approval_covers_the_texts_as_they_are_at_the_next_load(page: Page) -> None:
    revision = make_quoting_revision(page)
    with history_unprotected():
        models.QuerySet(ApprovalFingerprint).delete()
    with pytest.raises(PublishError, match="Ask for approval again"):
        publish(revision, actor=make_user("max"))
    ClinicAnswer.objects.update(answer="In two weeks.")

    call_command("load_content", if_empty=True)

    with rolled_back():
        assert "In two weeks." in publish(revision, actor=make_user("max")).html
    ClinicAnswer.objects.update(answer="In three weeks.")
    call_command("load_content", if_empty=True)
    with pytest.raises(PublishError, match="answer driving"):
        publish(revision, actor=make_user("max"))
