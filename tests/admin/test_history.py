"""History: comparing and restoring versions, the text that was public on a day, and change notes."""

import datetime
from typing import Any

from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from procedures.models import Clinic, GlossaryTerm, Page, Release
from procedures.publishing.publish import publish, rerelease_page
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, SignIn
from tests.factories import approve, make_public, make_translation


def test_any_two_versions_can_be_compared_rendered_and_as_markdown(page: Page, editor: User, sign_in: SignIn) -> None:
    make_public(page)
    page.title = "Tiny cut"
    page.save()
    save_revision(page, author=editor)
    client, address = sign_in(editor), f"{PAGES}{page.pk}/compare/"

    read = client.get(address).content.decode()
    typed_ = client.get(address, {"old": "v1", "new": "r2", "as": "markdown"}).content.decode()
    missing = client.get(address, {"old": "v1", "new": "r9"})

    assert "<del>Small</del>" in read and "<ins>Tiny</ins>" in read
    assert "<ins>Tiny</ins>" in typed_
    assert missing.status_code == 404
    assert "There is no version “r9” of this page." in missing.content.decode()


def test_the_history_shows_who_when_and_why_and_can_restore(page: Page, editor: User, sign_in: SignIn) -> None:
    first = save_revision(page, author=editor, note="Shorter.")
    page.title = "Worse"
    page.save()
    save_revision(page, author=editor)
    client = sign_in(editor)

    html = client.get(f"{PAGES}{page.pk}/versions/").content.decode()
    answer = client.post(f"{PAGES}{page.pk}/restore/", {"revision": first.pk, "version": page.draft_version})
    late = client.post(f"{PAGES}{page.pk}/restore/", {"revision": first.pk, "version": page.draft_version})

    page.refresh_from_db()
    assert "Saved revision 1" in html and "Nina" in html and "Shorter." in html
    assert (answer.status_code, late.status_code) == (302, 409)
    assert page.title == "Small cut"
    assert page.revisions.count() == 3


def test_a_revision_of_another_page_cannot_be_restored(page: Page, editor: User, sign_in: SignIn) -> None:
    other = Page.objects.get(subject="contact").revisions.first()
    assert other is not None

    answer = sign_in(editor).post(f"{PAGES}{page.pk}/restore/", {"revision": other.pk, "version": 0})

    page.refresh_from_db()
    assert answer.status_code == 404
    assert page.title == "Small cut"


def test_the_text_that_was_public_on_a_day_is_shown(
    denver: Page, manager: User, sign_in: SignIn, monkeypatch: Any
) -> None:
    make_public(denver)
    translation = make_translation(denver)
    make_public(translation)
    denver.refresh_from_db()
    denver.title = "Second title"
    make_public(denver)
    first, second = Release.objects.filter(page=denver).order_by("number")
    client, address = sign_in(manager), f"{PAGES}{denver.pk}/reading/"

    def rows(at: datetime.datetime) -> list[tuple[str, Any]]:
        here = timezone.localtime(at, datetime.timezone(datetime.timedelta(0)))
        Clinic.objects.update(time_zone="UTC")
        answer = client.get(address, {"day": f"{here:%Y-%m-%d}", "time": f"{here:%H:%M:%S.%f}"})
        return [(one.language, release) for one, release, _, _ in answer.context["rows"]]

    just_after = first.events.get().created_at
    assert rows(just_after - datetime.timedelta(minutes=1)) == [("en", None), ("es", None)]
    assert rows(just_after) == [("en", first), ("es", None)]
    now = timezone.now() + datetime.timedelta(minutes=1)
    assert rows(now) == [("en", second), ("es", translation.releases.get())]
    client.post(f"{PAGES}{denver.pk}/withdraw/", {"reason": "Old."})
    html = client.get(address, {"day": "2036-03-03", "time": "12:00"}).content.decode()
    assert "Its address showed: “Old.”" in html


def test_the_text_of_an_earlier_day_is_not_shown_with_todays_phone_number(
    page: Page, manager: User, sign_in: SignIn
) -> None:
    release, client = make_public(page), sign_in(manager)
    at = timezone.localtime(release.events.get().created_at)
    Clinic.objects.update(phone="+1 303-555-0199")

    day = client.get(f"{PAGES}{page.pk}/reading/", {"day": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M:%S.%f}"})
    old = client.get(f"{PAGES}releases/{release.pk}/")

    for answer in (day, old):
        assert "555-0100" in answer.content.decode()
        assert "555-0199" not in answer.content.decode()
    assert "555-0199" in client.get(f"{PAGES}releases/{Page.objects.get(pk=page.pk).live_release_id}/").content.decode()


def test_the_change_note_is_at_the_end_in_the_language_of_the_page(page: Page, manager: User) -> None:
    spanish = make_translation(page)
    for one in (page, spanish):
        revision = save_revision(one, author=None)
        approve(revision)
        publish(revision, actor=manager, what_changed="<New> number.")
        one.refresh_from_db()
        GlossaryTerm.objects.create(key=f"cut{one.pk}", language=one.language, term="corte", definition="x")
        rerelease_page(one, actor=manager)

    english = Client().get("/small-cut/").content.decode()
    espanol = Client().get("/es/small-cut-es/").content.decode()
    assert "What changed: &lt;New&gt; number." in english
    assert "Qué cambió: &lt;New&gt; number." in espanol
    assert english.index("What changed") > english.index("Next review due")
