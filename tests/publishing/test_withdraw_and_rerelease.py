"""Withdrawing, republishing, and rereleasing pages, while drafts stay private."""

import datetime
import json
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from procedures.enums import EventKind
from procedures.models import Clinic, FigureText, Page, ReleaseEvent, Source
from procedures.publishing.publish import PublishError, publish, publish_starter, rerelease_page, withdraw
from procedures.publishing.rerelease import find_stale_pages
from procedures.publishing.review import record_translator_check
from procedures.publishing.schedule import schedule_revision
from procedures.revisions.drafts import save_revision
from tests.database import history_unprotected
from tests.factories import BODY, approve, make_page, make_public, make_source, make_translation, make_user
from tests.publishing.test_publish import approved, everything, fresh


def test_a_withdrawn_page_returns_410_with_reason_and_replacement(page: Page, client: Client) -> None:
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
    event = ReleaseEvent.objects.filter(page=page).first()
    assert (event.kind, event.actor, event.release.title) == (EventKind.WITHDRAWN, make_user("max"), "Small cut")
    assert (event.revision, event.reason.strip()) == (event.release.revision, "We do it in a new way.")


def test_a_withdrawn_page_shows_the_title_that_was_public_not_the_drafts(page: Page, client: Client) -> None:
    publish(approved(page), actor=make_user("max"))
    withdraw(fresh(page), actor=make_user("max"), reason="Old.")
    Page.objects.filter(pk=page.pk).update(title="SECRET")

    html = client.get("/small-cut/").content.decode()

    assert "SECRET" not in html
    assert "<strong>Small cut</strong>" in html


@pytest.mark.parametrize("replacement", ["itself", "a draft"])
def test_only_another_public_page_can_be_the_replacement(page: Page, replacement: str) -> None:
    publish(approved(page), actor=make_user("max"))
    other = fresh(page) if replacement == "itself" else make_page("other")
    before = everything(page)

    with pytest.raises(PublishError, match="must be a different, public page"):
        withdraw(fresh(page), actor=make_user("max"), reason="Old.", replaced_by=other)

    assert everything(page) == before


def test_withdrawing_requires_a_reason_and_a_public_page(page: Page) -> None:
    with pytest.raises(PublishError, match="This page is not public."):
        withdraw(page, actor=make_user("max"), reason="Old.")
    publish(approved(page), actor=make_user("max"))

    with pytest.raises(PublishError, match="Enter a reason"):
        withdraw(fresh(page), actor=make_user("max"), reason="  ")

    assert fresh(page).live_release is not None


def test_a_withdrawn_page_that_is_approved_again_can_be_published_at_its_path(page: Page, client: Client) -> None:
    revision = approved(page)
    publish(revision, actor=make_user("max"))
    withdraw(fresh(page), actor=make_user("max"), reason="Old.")
    approve(revision)

    release = publish(revision, actor=make_user("max"))

    assert release.number == 2
    assert client.get("/small-cut/").status_code == 200
    assert (fresh(page).withdrawn_reason, fresh(page).replaced_by) == ("", None)


def test_a_rerelease_keeps_the_review_date_after_the_time_zone_changes(page: Page) -> None:
    first = publish(approved(page), actor=make_user("max"))
    before = first.reviewed_on
    # Kiritimati is 14 hours ahead of UTC, and Niue 11 behind, so the date differs in one of them.
    for zone in ("Pacific/Kiritimati", "Pacific/Niue"):
        Clinic.objects.update(time_zone=zone)
        Source.objects.filter(key="nice").update(title=f"A guide {zone}")
        assert rerelease_page(fresh(page), actor=make_user("max")).reviewed_on == before


def test_a_rerelease_prints_current_values_and_keeps_approval_and_review_date(page: Page) -> None:
    first = publish(approved(page), actor=make_user("max"), what_changed="New.")
    Source.objects.filter(key="nice").update(title="A newer guide")
    FigureText.objects.update(caption="A new caption.")

    second = rerelease_page(fresh(page), actor=make_user("max"))

    assert "A newer guide" in second.html
    assert "A new caption." in second.html
    assert "A newer guide" not in first.html
    assert (second.number, second.approval, second.revision) == (2, first.approval, first.revision)
    assert (second.reviewed_on, second.next_review_on) == (first.reviewed_on, first.next_review_on)
    assert (second.what_changed, second.reviewer_name) == ("New.", "rita")
    assert fresh(page).live_release == second
    assert ReleaseEvent.objects.first().kind == EventKind.RERELEASED


def test_rereleasing_an_up_to_date_page_does_nothing(page: Page) -> None:
    publish(approved(page), actor=make_user("max"))
    before = everything(page)

    assert rerelease_page(fresh(page), actor=make_user("max")) is None

    assert everything(page) == before


def test_a_value_that_changed_without_changing_the_html_is_rereleased_too(page: Page) -> None:
    publish(approved(page), actor=make_user("max"))
    with history_unprotected():
        connection.cursor().execute("UPDATE procedures_releasedependency SET fingerprint = 'old' WHERE kind = 'source'")
    stale = [row.page for row in find_stale_pages()]

    assert page in stale
    assert rerelease_page(fresh(page), actor=make_user("max"))
    assert page not in [row.page for row in find_stale_pages()]


def test_rereleasing_a_page_that_is_not_public_does_nothing(page: Page) -> None:
    assert rerelease_page(page, actor=make_user("max")) is None
    assert not ReleaseEvent.objects.filter(page=page).exists()


def test_a_rerelease_never_restores_a_page_withdrawn_in_the_meantime(page: Page) -> None:
    publish(approved(page), actor=make_user("max"))
    fetched = Page.objects.select_related("live_release").get(pk=page.pk)
    Source.objects.filter(key="nice").update(title="A newer guide")
    withdraw(fresh(page), actor=make_user("max"), reason="We no longer do this.")

    assert rerelease_page(fetched, actor=make_user("max")) is None
    assert fresh(page).live_release is None


def test_a_rerelease_never_uses_the_draft(page: Page) -> None:
    publish(approved(page), actor=make_user("max"))
    Page.objects.filter(pk=page.pk).update(body="## SECRET", title="SECRET")
    Source.objects.update(title="A newer guide")

    release = rerelease_page(fresh(page), actor=make_user("max"))

    assert "SECRET" not in release.html + release.title
    assert "A newer guide" in release.html


def test_a_rerelease_is_rejected_if_a_reference_is_missing(page: Page) -> None:
    source = make_source("who")
    publish(approved(page, body=f"{BODY}\nIt is safe. [@who]"), actor=make_user("max"))
    source.delete()
    before = everything(page)

    with pytest.raises(PublishError, match="There is no source “who”"):
        rerelease_page(fresh(page), actor=make_user("max"))

    assert everything(page) == before


def test_a_translators_check_is_public_with_the_next_release_of_the_same_text(page: Page) -> None:
    make_public(page)
    translation = make_translation(page)
    first = make_public(translation)
    record_translator_check(first.revision, actor=make_user("max"), translator="Ana Ruiz, certified")

    second = rerelease_page(fresh(translation), actor=make_user("max"))

    assert (first.translation_checked, second.translation_checked) == (False, True)
    assert (second.html, second.what_changed) == (first.html, first.what_changed)
    assert rerelease_page(fresh(translation), actor=make_user("max")) is None


OPERATIONS: dict[str, Callable[[Page], object]] = {
    "publish": lambda page: publish(approved(page, slug="tiny-cut"), actor=make_user("max")),
    "publish starter text": lambda page: publish_starter(save_revision(page, author=None)),
    "rerelease": lambda page: rerelease_page(page, actor=make_user("max")),
    "withdraw": lambda page: withdraw(page, actor=make_user("max"), reason="Old."),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_error_in_the_last_step_undoes_all_earlier_ones(
    page: Page, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(approved(page), actor=make_user("max"))
    approved(page, slug="tiny-cut")
    Source.objects.update(title="A newer guide")
    before = everything(page)

    def fail(*, kind: EventKind, **_values: object) -> None:
        if kind in {EventKind.PUBLISHED, EventKind.RERELEASED, EventKind.WITHDRAWN}:
            raise OSError("disk")

    monkeypatch.setattr(ReleaseEvent.objects, "create", fail)
    with pytest.raises(OSError, match="disk"):
        OPERATIONS[operation](fresh(page))

    after = everything(page)
    assert (after["releases"], after["paths"], after["page"]) == (before["releases"], before["paths"], before["page"])


def test_drafts_never_appear_at_any_public_url(page: Page, client: Client) -> None:
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
    addresses = [
        "/",
        "/es/",
        "/visits/",
        "/search/",
        "/search/?q=cut",
        "/search/?q=SECRET",
        "/sitemap.xml",
        "/robots.txt",
    ]
    addresses += [
        "/small-cut/",
        "/es/small-cut-es/",
        "/old-cut/",
        "/small-/",
        "/secret-page/",
        "/secret-/",
        "/contact/",
    ]
    addresses += [f"/p/{code}" for code in codes]

    for address in addresses:
        answer = client.get(address)
        shown = answer.content.decode().replace("“SECRET”", "").replace('value="SECRET"', "")
        assert "SECRET" not in shown, address
        assert "SECRET" not in str(answer.headers), address


def test_a_chain_of_replacements_leads_to_the_last_one(page: Page, client: Client) -> None:
    second, third = make_page("second"), make_page("third")
    for other in (page, second, third):
        make_public(other)
    withdraw(fresh(page), actor=make_user("max"), reason="Old.", replaced_by=fresh(second))

    withdraw(fresh(second), actor=make_user("max"), reason="Old too.", replaced_by=fresh(third))

    assert fresh(page).replaced_by == third
    assert '<a href="/third/"' in client.get("/small-cut/").content.decode().replace(' class="button"', "")


def test_a_new_title_makes_pages_that_print_it_stale(page: Page) -> None:
    guide = make_page("first-visit", kind="guide")
    guide.items.create(page=page, minutes=4)
    make_public(page)
    make_public(guide)
    assert find_stale_pages() == []

    page = fresh(page)
    page.title = "A very small cut"
    page.save()
    make_public(page)

    assert [(row.page.subject, row.changed) for row in find_stale_pages()] == [
        ("first-visit", [("title", "small-cut#")])
    ]
    call_command("check_releases", stdout=StringIO())


def test_lines_for_patients_cannot_contain_a_phone_number(page: Page) -> None:
    revision, max_ = approved(page), make_user("max")
    soon = timezone.now() + datetime.timedelta(days=1)

    for line in ("Call 303-555-0100.", "New desk: (720) 555 0177"):
        with pytest.raises(PublishError, match="about what changed contains the phone number"):
            publish(revision, actor=max_, what_changed=line)
        with pytest.raises(PublishError, match="about what changed contains the phone number"):
            schedule_revision(revision, actor=max_, at=soon, what_changed=line)
    publish(revision, actor=max_, what_changed="New: call 1-800-222-1222 for poison.")
    with pytest.raises(PublishError, match="The reason contains the phone number"):
        withdraw(fresh(page), actor=max_, reason="Call 303-555-0100 instead.")
    assert fresh(page).live_release


@pytest.mark.parametrize("number", ["1-800-555-0100", "1-888-555-0199"])
def test_lines_for_patients_cannot_contain_a_toll_free_number_of_the_clinic(page: Page, number: str) -> None:
    Clinic.objects.update(phone="1-800-555-0100", after_hours_phone="1-888-555-0199")

    with pytest.raises(PublishError, match=f"contains the phone number “{number}”"):
        publish(approved(page), actor=make_user("max"), what_changed=f"New: {number}.")


def test_lines_for_patients_cannot_say_what_to_do_about_warning_signs(page: Page) -> None:
    revision, max_ = approved(page), make_user("max")
    soon, line = timezone.now() + datetime.timedelta(days=1), "If you faint, you can now call us in office hours."

    with pytest.raises(PublishError, match="what to do about warning signs \\(fainting"):
        publish(revision, actor=max_, what_changed=line)
    with pytest.raises(PublishError, match="what to do about warning signs \\(fainting"):
        schedule_revision(revision, actor=max_, at=soon, what_changed=line)
    publish(revision, actor=max_, what_changed="The list of warning signs is new.")
    with pytest.raises(PublishError, match="what to do about warning signs \\(fainting"):
        withdraw(fresh(page), actor=max_, reason=line)
    assert fresh(page).live_release


def test_a_public_page_with_a_typed_number_can_be_rereleased_but_not_published(page: Page) -> None:
    release = publish(approved(page), actor=make_user("max"))
    content = {**release.revision.content, "body": f"{BODY}\nOr call 720-555-0177.\n"}
    stored = "UPDATE procedures_revision SET content = %s WHERE id = %s"
    with history_unprotected():
        connection.cursor().execute(stored, [json.dumps(content), release.revision_id])

    Clinic.objects.update(phone="+1 303-555-0199")

    live = fresh(page).live_release
    assert live and live.number == release.number + 1
    assert "303-555-0199" in live.html
    assert "720-555-0177" in live.html
    page.body = content["body"] + "\nMore.\n"
    page.save()
    with pytest.raises(PublishError, match="typed phone number"):
        publish(approved(page), actor=make_user("max"))


def test_pages_that_link_to_a_withdrawn_page_never_print_its_draft(page: Page) -> None:
    page.body = BODY.replace("## What it is", "## What it is {#what-it-is}")
    publish(approved(page), actor=make_user("max"))
    linker = make_page("linker", next_page=page, body=f"{BODY}\nSee [the cut](page:small-cut#what-it-is).\n")
    guide = make_page("visit", kind="guide", next_page=page.next_page)
    guide.items.create(page=page, section="what-it-is", minutes=3)
    for public in (linker, guide):
        make_public(public)
    before = [fresh(public).live_release.html for public in (linker, guide)]
    withdraw(fresh(page), actor=make_user("max"), reason="Wrong dose.")
    draft = fresh(page)
    draft.title, draft.slug = "Take 10 pills", "secret"
    draft.body = BODY.replace("## What it is", "## Double the dose {#what-it-is}")
    draft.save()
    save_revision(draft, author=make_user("ed"))

    assert [row.page for row in find_stale_pages()] == []
    for public in (linker, guide):
        assert rerelease_page(fresh(public), actor=make_user("max")) is None
    assert [fresh(public).live_release.html for public in (linker, guide)] == before

    approve(draft.revisions.first())
    publish(draft.revisions.first(), actor=make_user("max"))
    assert {row.page for row in find_stale_pages()} == {linker, guide}
    for public in (linker, guide):
        rerelease_page(fresh(public), actor=make_user("max"))
    assert all("/secret/" in fresh(public).live_release.html for public in (linker, guide))
    assert "Double the dose" in fresh(guide).live_release.html
