"""To the public and back: every transition, and every refusal that leaves things as they were."""

import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from procedures.enums import EventKind
from procedures.models import CareInstruction, Clinic, FigureText, Page, Path, Release, ReleaseEvent, Source
from procedures.publishing.drafts import save_revision
from procedures.publishing.publish import (
    PublishRefusedError,
    add_months,
    publish,
    publish_starter,
    release_hash,
    renew,
    withdraw,
)
from tests.factories import BODY, approve, make_page, make_public, make_translation, make_user


def fresh(page: Page) -> Page:
    """The page as the database has it."""
    return Page.objects.get(pk=page.pk)


def everything(page: Page) -> dict[str, Any]:
    """All that publishing may write."""
    return {
        "releases": list(Release.objects.order_by("pk").values()),
        "paths": list(Path.objects.order_by("pk").values()),
        "events": list(ReleaseEvent.objects.order_by("pk").values()),
        "page": Page.objects.filter(pk=page.pk).values().get(),
    }


def approved(page: Page, **values: Any) -> Any:
    """An approved revision of the page with these values."""
    for name, value in values.items():
        setattr(page, name, value)
    page.save()
    revision = save_revision(page, author=make_user("ed"))
    approve(revision)
    return revision


def test_a_release_is_whole(page: Page) -> None:
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
    assert {(used.kind, used.key) for used in release.inputs.all()} >= {("source", "nice"), ("figure", "needle")}


def test_the_hash_of_a_release_covers_all_that_patients_read(page: Page) -> None:
    release = publish(approved(page), actor=make_user("max"))

    stored = {name: getattr(release, name) for name in ("path", "title", "key_message", "description", "html")}
    assert release.sha256 == release_hash(**stored)
    for name, value in stored.items():
        assert release_hash(**{**stored, name: value + "x"}) != release.sha256
    assert release_hash(**{**stored, "title": "a\0", "key_message": "b"}) == release_hash(
        **{**stored, "title": "a", "key_message": "\0b"}
    ), "fields cannot hold the separator: validate_plain_text refuses it"


def test_publishing_is_in_the_log_and_clears_the_schedule(page: Page) -> None:
    release = publish(approved(page), actor=make_user("max"))

    event = ReleaseEvent.objects.filter(page=page, kind=EventKind.PUBLISHED).get()
    assert (event.actor.username, event.release) == ("max", release)


def test_a_draft_that_goes_on_does_not_change_what_is_public(page: Page, client: Client) -> None:
    publish(approved(page), actor=make_user("max"))

    page.title, page.body = "SECRET", "## SECRET"
    page.save()
    save_revision(page, author=make_user("ed"))

    assert b"SECRET" not in client.get("/small-cut/").content
    assert b"A small cut." in client.get("/small-cut/").content


def test_an_older_approved_revision_can_be_published_while_the_draft_goes_on(page: Page) -> None:
    revision = approved(page)
    page.title = "Later"
    page.save()
    save_revision(page, author=make_user("ed"))

    release = publish(revision, actor=make_user("max"))

    assert release.title == "Small cut"
    assert fresh(page).title == "Later"


def test_a_new_slug_moves_the_page_and_keeps_the_old_address(page: Page, client: Client) -> None:
    publish(approved(page), actor=make_user("max"))

    publish(approved(fresh(page), slug="tiny-cut"), actor=make_user("max"))

    assert [(path.path, path.is_canonical) for path in page.paths.all()] == [("/small-cut/", False), ("/tiny-cut/", True)]
    answer = client.get("/small-cut/")
    assert (answer.status_code, answer["Location"]) == (301, "/tiny-cut/")


def test_going_back_to_an_old_slug_uses_the_same_row(page: Page) -> None:
    for slug in ("small-cut", "tiny-cut", "small-cut"):
        publish(approved(fresh(page), slug=slug), actor=make_user("max"))

    assert [(path.path, path.is_canonical) for path in page.paths.all()] == [("/small-cut/", True), ("/tiny-cut/", False)]


BROKEN = {
    "no title": ({"title": " "}, "The title is empty. Write one."),
    "no message": ({"key_message": ""}, "The key message is empty."),
    "no description": ({"description": ""}, "The description is empty."),
    "no text": ({"body": " "}, "The text is empty."),
    "no figure": ({"lead_figure": None}, "Choose the picture that carries the message."),
    "no key points": ({"body": "## A\n\nText. [@nice]"}, "Put key points before the first heading"),
    "no source": ({"body": BODY.replace("[@nice]", "")}, "No source is cited."),
    "no next step": ({"next_page": None}, "Choose the next step"),
    "unknown source": ({"body": f"{BODY}\n[@none]"}, "line 16: There is no source “none”."),
    "unknown block": ({"body": f"{BODY}\n::: shout"}, "line 16: There is no block “shout”."),
    "hard words": (
        {"body": BODY + "\nPercutaneous vertebral augmentation necessitates intraoperative fluoroscopic visualisation "
         "notwithstanding considerable cardiopulmonary comorbidities and contraindications. " * 12},
        "is the most. Use shorter sentences and words.",
    ),
    "draft linked": ({"body": f"{BODY}\n[x](page:other)"}, "line 16: The link leads to “other”, which is not public yet."),
    "no such section": ({"body": f"{BODY}\n[x](page:contact#none)"}, "line 16: The page “contact” has no section #none."),
    "no section here": ({"body": f"{BODY}\n[x](page:small-cut#none)"}, "The page “small-cut” has no section #none."),
    "address taken": ({"slug": "contact"}, "The address /contact/ belongs to “Contact” for ever."),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_ready_is_refused_and_nothing_changes(page: Page, name: str) -> None:
    values, sentence = BROKEN[name]
    publish(approved(page), actor=make_user("max"))
    make_page("other")
    revision = approved(fresh(page), **values)
    before = everything(page)

    with pytest.raises(PublishRefusedError) as refused:
        publish(revision, actor=make_user("max"))

    assert sentence in str(refused.value)
    assert everything(page) == before
    assert page.revisions.filter(pk=revision.pk).exists(), "the draft survives"


def test_what_was_never_approved_is_refused_and_nothing_changes(page: Page) -> None:
    revision = save_revision(page, author=make_user("ed"))
    before = everything(page)

    with pytest.raises(PublishRefusedError, match="This text is not approved. Send it for review first."):
        publish(revision, actor=make_user("max"))

    assert everything(page) == before


def test_a_section_of_a_public_page_can_be_linked(page: Page) -> None:
    body = f"{BODY}\n[x](page:contact#when-to-call) and [y](page:small-cut#what-it-is)"

    assert publish(approved(page, body=body), actor=make_user("max")).number == 1


def test_the_address_of_a_withdrawn_page_is_given_to_no_other(page: Page) -> None:
    publish(approved(page), actor=make_user("max"))
    withdraw(fresh(page), actor=make_user("max"), reason="Old.")
    other = make_page("other", slug="small-cut", next_page=page.next_page)

    with pytest.raises(PublishRefusedError, match="belongs to “Small cut” for ever"):
        publish(approved(other), actor=make_user("max"))


def test_a_starter_text_needs_no_approval_and_says_so(page: Page) -> None:
    release = publish_starter(save_revision(page, author=None))

    assert release.is_starter
    assert release.approval is None
    assert (release.author_name, release.reviewer_name) == ("", "")


def test_withdrawing_answers_410_with_reason_and_replacement(page: Page, client: Client) -> None:
    publish(approved(page), actor=make_user("max"))
    new = make_page("new-way", next_page=page.next_page)
    make_public(new)

    withdraw(fresh(page), actor=make_user("max"), reason=" We do it in a new way. ", replaced_by=fresh(new))

    answer = client.get("/small-cut/")
    html = answer.content.decode()
    assert answer.status_code == 410
    assert "<strong>Small cut</strong>" in html
    assert "We do it in a new way." in html
    assert '<a href="/new-way/">New way</a>' in html
    assert "+1 303-555-0100" in html
    assert client.get("/Small_cut/.").status_code == 410
    assert fresh(page).withdrawn_reason == "We do it in a new way."
    assert ReleaseEvent.objects.first().kind == EventKind.WITHDRAWN


def test_a_withdrawn_page_shows_the_title_that_was_public_not_the_drafts(page: Page, client: Client) -> None:
    publish(approved(page), actor=make_user("max"))
    withdraw(fresh(page), actor=make_user("max"), reason="Old.")
    Page.objects.filter(pk=page.pk).update(title="SECRET")

    html = client.get("/small-cut/").content.decode()

    assert "SECRET" not in html
    assert "<strong>Small cut</strong>" in html


@pytest.mark.parametrize("replacement", ["itself", "a draft"])
def test_a_page_is_replaced_by_another_public_one_only(page: Page, replacement: str) -> None:
    publish(approved(page), actor=make_user("max"))
    other = fresh(page) if replacement == "itself" else make_page("other")
    before = everything(page)

    with pytest.raises(PublishRefusedError, match="must be another one, and public"):
        withdraw(fresh(page), actor=make_user("max"), reason="Old.", replaced_by=other)

    assert everything(page) == before


def test_withdrawing_says_why_and_only_what_is_public_is_withdrawn(page: Page) -> None:
    with pytest.raises(PublishRefusedError, match="This page is not public."):
        withdraw(page, actor=make_user("max"), reason="Old.")
    publish(approved(page), actor=make_user("max"))

    with pytest.raises(PublishRefusedError, match="Say why"):
        withdraw(fresh(page), actor=make_user("max"), reason="  ")

    assert fresh(page).live_release is not None


def test_a_withdrawn_page_can_come_back_under_its_address(page: Page, client: Client) -> None:
    revision = approved(page)
    publish(revision, actor=make_user("max"))
    withdraw(fresh(page), actor=make_user("max"), reason="Old.")

    release = publish(revision, actor=make_user("max"))

    assert release.number == 2
    assert client.get("/small-cut/").status_code == 200
    assert (fresh(page).withdrawn_reason, fresh(page).replaced_by) == ("", None)


def test_renewing_prints_todays_values_and_keeps_approval_and_review_date(page: Page) -> None:
    first = publish(approved(page), actor=make_user("max"))
    Source.objects.filter(key="nice").update(title="A newer guide")
    FigureText.objects.update(caption="A new caption.")

    second = renew(fresh(page), actor=make_user("max"))

    assert "A newer guide" in second.html
    assert "A new caption." in second.html
    assert "A newer guide" not in first.html
    assert (second.number, second.approval, second.revision) == (2, first.approval, first.revision)
    assert second.next_review_on == first.next_review_on
    assert fresh(page).live_release == second
    assert ReleaseEvent.objects.first().kind == EventKind.RENEWED


def test_renewing_what_is_up_to_date_does_nothing(page: Page) -> None:
    publish(approved(page), actor=make_user("max"))
    before = everything(page)

    assert renew(fresh(page), actor=make_user("max")) is None

    assert everything(page) == before


def test_renewing_a_page_that_is_not_public_does_nothing(page: Page) -> None:
    assert renew(page, actor=make_user("max")) is None
    assert not ReleaseEvent.objects.filter(page=page).exists()


def test_renewing_never_takes_words_of_the_draft(page: Page) -> None:
    publish(approved(page), actor=make_user("max"))
    Page.objects.filter(pk=page.pk).update(body="## SECRET", title="SECRET")
    Clinic.objects.update(phone="+1 303-555-0199")

    release = renew(fresh(page), actor=make_user("max"))

    assert "SECRET" not in release.html + release.title
    assert "303-555-0199" in release.html


def test_renewing_is_refused_when_something_it_prints_is_gone(page: Page) -> None:
    CareInstruction.objects.create(key="driving", language="en", question="When?", answer="Later.")
    publish(approved(page, body=f"{BODY}\n::: care driving"), actor=make_user("max"))
    CareInstruction.objects.all().delete()
    before = everything(page)

    with pytest.raises(PublishRefusedError, match="The clinic has no answer “driving”"):
        renew(fresh(page), actor=make_user("max"))

    assert everything(page) == before


@pytest.mark.parametrize(
    ("day", "months", "wanted"),
    [("2026-01-31", 1, "2026-02-28"), ("2028-01-31", 1, "2028-02-29"), ("2026-12-15", 12, "2027-12-15"),
     ("2026-11-30", 3, "2027-02-28"), ("2026-05-01", 36, "2029-05-01")],
)  # fmt: skip
def test_a_review_falls_due_on_the_same_day_or_the_months_last(day: str, months: int, wanted: str) -> None:
    assert add_months(datetime.date.fromisoformat(day), months) == datetime.date.fromisoformat(wanted)


def test_drafts_never_show_on_any_public_address(page: Page, client: Client) -> None:
    publish(approved(page), actor=make_user("max"))
    make_public(make_translation(page))
    hidden = make_page("secret-page", title="SECRET", key_message="SECRET", description="SECRET", body="## SECRET")
    withdrawn = make_page("old-cut", next_page=page.next_page)
    make_public(withdrawn)
    withdraw(fresh(withdrawn), actor=make_user("max"), reason="Old.")
    Page.objects.exclude(pk=hidden.pk).update(
        title="SECRET", key_message="SECRET", description="SECRET", body="## SECRET", next_label="SECRET"
    )
    codes = list(Page.objects.values_list("code", flat=True))
    addresses = ["/", "/es/", "/visits/", "/search/", "/search/?q=cut", "/search/?q=SECRET", "/sitemap.xml", "/robots.txt"]
    addresses += ["/small-cut/", "/es/small-cut-es/", "/old-cut/", "/small-/", "/secret-page/", "/secret-/", "/contact/"]
    addresses += [f"/p/{code}" for code in codes]

    for address in addresses:
        answer = client.get(address)
        shown = answer.content.decode().replace("“SECRET”", "").replace('value="SECRET"', "")
        assert "SECRET" not in shown, address
        assert "SECRET" not in str(answer.headers), address
