"""Planning, comments, history, translations: what the screens of the workflow do when somebody uses them."""

import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.staff.models import User
from procedures.enums import Decision, EventKind
from procedures.models import Approval, Clinic, Figure, Marker, Page, Release, ReviewComment, Term
from procedures.publishing.drafts import save_revision
from procedures.publishing.publish import publish, renew
from procedures.publishing.review import decide as decide_on
from procedures.publishing.review import submit
from procedures.publishing.schedule import publish_due
from tests.admin.conftest import PAGES, SignIn, form_of, typed
from tests.factories import approve, make_public, make_translation


@pytest.fixture
def denver(page: Page) -> Page:
    """The page of a clinic in Denver."""
    Clinic.objects.update(time_zone="America/Denver")
    return page


def publish_address(page: Page) -> str:
    return f"{PAGES}{page.pk}/publish/"


def plan(client: Client, page: Page, day: str, time: str, **more: str) -> Any:
    shown = page.revisions.first()
    assert shown is not None
    return client.post(publish_address(page), {"revision": shown.pk, "later": "1", "day": day, "time": time, **more})


@pytest.fixture
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of October 2026, noon in London: before both jumps of the clock that the tests are about."""
    noon = datetime.datetime(2026, 10, 1, 12, tzinfo=datetime.UTC)
    monkeypatch.setattr(timezone, "now", lambda: noon)


@pytest.mark.usefixtures("_at_noon")
def test_a_plan_goes_by_the_clinics_clock(denver: Page, editor: User, manager: User, sign_in: SignIn) -> None:
    approve(save_revision(denver, author=editor))
    client = sign_in(manager)

    shown = client.get(publish_address(denver)).content.decode()
    answer = plan(client, denver, "2026-10-05", "07:30", what_changed="New times.")

    denver.refresh_from_db()
    assert "America/Denver" in shown and "1 October 2026, 06:00 (MDT)" in shown
    assert answer.status_code == 302
    assert denver.publish_at == datetime.datetime(2026, 10, 5, 13, 30, tzinfo=datetime.UTC)
    assert "Monday, 5 October 2026, 07:30" in client.get(publish_address(denver)).content.decode()
    (release,), _ = publish_due(denver.publish_at)
    assert release.what_changed == "New times."


@pytest.mark.usefixtures("_at_noon")
def test_the_nights_of_the_jumping_clock_are_told_and_nothing_typed_is_lost(
    denver: Page, editor: User, manager: User, sign_in: SignIn
) -> None:
    approve(save_revision(denver, author=editor))
    client = sign_in(manager)

    gap = plan(client, denver, "2027-03-14", "02:30", what_changed="Kept words.")
    twice = plan(client, denver, "2026-11-01", "01:30")
    meant = plan(client, denver, "2026-11-01", "01:30", which="1")

    denver.refresh_from_db()
    assert gap.status_code == 400
    assert "There is no 02:30 on 14 March 2027" in gap.content.decode()
    assert "Kept words." in gap.content.decode() and 'value="02:30"' in gap.content.decode()
    assert twice.status_code == 400
    assert "01:30 comes twice on 1 November 2026" in twice.content.decode()
    assert "The second time, one hour later" in twice.content.decode()
    assert meant.status_code == 302
    assert denver.publish_at == datetime.datetime(2026, 11, 1, 8, 30, tzinfo=datetime.UTC)


@pytest.mark.usefixtures("_at_noon")
@pytest.mark.parametrize(
    ("day", "time", "sentence"),
    [
        ("2026-09-30", "09:00", "That time is over."),
        ("2029-01-01", "09:00", "more than a year ahead"),
        ("", "", "This field is required."),
        ("soon", "noon", "Enter a valid date."),
        ("9999-12-31", "23:59", "Choose a day in this century."),
    ],
)
def test_an_odd_time_is_refused(
    denver: Page, editor: User, manager: User, sign_in: SignIn, day: str, time: str, sentence: str
) -> None:
    approve(save_revision(denver, author=editor))

    answer = plan(sign_in(manager), denver, day, time)

    denver.refresh_from_db()
    assert answer.status_code in {400, 409}
    assert sentence in answer.content.decode()
    assert denver.publish_at is None


def test_a_plan_is_listed_and_can_be_cancelled(page: Page, editor: User, manager: User, sign_in: SignIn) -> None:
    approve(save_revision(page, author=editor))
    client = sign_in(manager)
    plan(client, page, f"{timezone.localdate() + datetime.timedelta(days=3)}", "10:00")

    listed = client.get(f"{PAGES}planned/").content.decode()
    assert "Small cut" in listed and "Small cut" in client.get(f"{PAGES}?state=planned").content.decode()
    answer = client.post(publish_address(page), {"cancel": "1"})

    page.refresh_from_db()
    assert answer.status_code == 302
    assert (page.publish_at, page.scheduled_revision) == (None, None)
    assert "Nothing is planned." in client.get(f"{PAGES}planned/").content.decode()
    assert page.events.first().actor == manager


def test_the_approved_text_is_published_while_the_draft_goes_on(
    page: Page, editor: User, manager: User, sign_in: SignIn
) -> None:
    good = save_revision(page, author=editor)
    approve(good)
    page.title = "Not ready"
    page.save()
    save_revision(page, author=editor)
    client = sign_in(manager)

    shown = client.get(publish_address(page)).content.decode()
    answer = client.post(publish_address(page), {"revision": good.pk, "now": "1", "what_changed": "New page."})

    page.refresh_from_db()
    assert "There is a newer draft (revision 2) that nobody has approved." in shown
    assert answer.status_code == 302
    assert page.live_release and page.live_release.revision == good


def test_what_the_manager_did_not_see_is_not_published(
    page: Page, editor: User, manager: User, sign_in: SignIn
) -> None:
    seen = save_revision(page, author=editor)
    approve(seen)
    page.title = "Newer"
    page.save()
    approve(save_revision(page, author=editor))

    answer = sign_in(manager).post(publish_address(page), {"revision": seen.pk, "now": "1"})

    page.refresh_from_db()
    assert answer.status_code == 409
    assert "That text is not the approved one any more." in answer.content.decode()
    assert page.live_release is None


def home(client: Client) -> dict[str, list[str]]:
    cards = client.get("/admin/").context["cards"]
    return {card.waiting.key: [f"{page.title}: {words}" for page, _, words in card.rows] for card in cards}


def test_a_plan_that_lost_its_approval_is_told_before_and_after(
    page: Page, editor: User, reviewer: User, manager: User, sign_in: SignIn
) -> None:
    revision = save_revision(page, author=editor)
    approve(revision, reviewer)
    client = sign_in(manager)
    plan(client, page, f"{timezone.localdate() + datetime.timedelta(days=3)}", "10:00")
    decide_on(revision, reviewer=reviewer, decision=Decision.SENT_BACK, comment="Wrong number.")

    before = home(client)["not_published"]
    publish_due(timezone.now() + datetime.timedelta(days=4))
    after = home(client)["not_published"]

    page.refresh_from_db()
    assert before == ["Small cut: Will not be published: a reviewer sent this text back after it was planned."]
    assert after == ["Small cut: Was not published at its time. This text is not approved. Send it for review first."]
    assert page.live_release is None


def test_a_comment_at_a_paragraph_reaches_the_editor_beside_its_line(
    page: Page, editor: User, reviewer: User, sign_in: SignIn
) -> None:
    revision = save_revision(page, author=editor)
    submit(revision, actor=editor, note="Please look.")
    client, address = sign_in(reviewer), f"{PAGES}{page.pk}/review/"
    shown = client.get(address).content.decode()

    answer = client.post(
        address,
        {
            "revision": revision.pk,
            "decision": "sent_back",
            "comment": "",
            "quote-7": "It is safe to read.",
            "at-7": "Is it?",
        },
    )

    form = sign_in(editor).get(form_of(page)).content.decode()
    assert "Please look." in shown and 'value="It is safe to read."' in shown
    assert answer.status_code == 302
    assert ReviewComment.objects.get().text == "Is it?"
    assert 'data-remark-line="3"' in form
    assert "Is it?" in form and "See the comments at the text." in form


def test_a_refused_decision_keeps_every_comment(page: Page, sign_in: SignIn, admin_user: User) -> None:
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
    submit(save_revision(page, author=editor), actor=editor)

    html = sign_in(reviewer).get(f"{PAGES}{page.pk}/review/").content.decode()

    assert "1 change from what patients read now (version 1)." in html
    assert "<ins> very</ins>" in html


def test_any_two_versions_are_compared_in_both_ways(page: Page, editor: User, sign_in: SignIn) -> None:
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


def test_the_history_says_who_when_and_why_and_restores(page: Page, editor: User, sign_in: SignIn) -> None:
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


def test_a_text_of_another_page_is_not_restored_here(page: Page, editor: User, sign_in: SignIn) -> None:
    other = Page.objects.get(subject="contact").revisions.first()
    assert other is not None

    answer = sign_in(editor).post(f"{PAGES}{page.pk}/restore/", {"revision": other.pk, "version": 0})

    page.refresh_from_db()
    assert answer.status_code == 404
    assert page.title == "Small cut"


def test_what_the_patient_read_on_a_day(denver: Page, manager: User, sign_in: SignIn, monkeypatch: Any) -> None:
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
    assert "Its address said: “Old.”" in html


def test_the_line_about_what_changed_stands_at_the_end_in_the_pages_language(page: Page, manager: User) -> None:
    spanish = make_translation(page)
    for one in (page, spanish):
        revision = save_revision(one, author=None)
        approve(revision)
        publish(revision, actor=manager, what_changed="<New> number.")
        one.refresh_from_db()
        Term.objects.create(key=f"cut{one.pk}", language=one.language, term="corte", definition="x")
        renew(one, actor=manager)

    english = Client().get("/small-cut/").content.decode()
    espanol = Client().get("/es/small-cut-es/").content.decode()
    assert "What changed: &lt;New&gt; number." in english
    assert "Qué cambió: &lt;New&gt; number." in espanol
    assert english.index("What changed") > english.index("Next review due")


def test_a_translation_beside_its_source_shows_what_changed_there(page: Page, editor: User, sign_in: SignIn) -> None:
    made_from = make_public(page).revision
    spanish = make_translation(page, translated_from=made_from)
    make_public(spanish)
    page.refresh_from_db()
    page.body = page.body.replace("A small cut.", "A very small cut.")
    newest = make_public(page).revision
    client, address = sign_in(editor), f"{PAGES}{spanish.pk}/translation/"

    before = client.get(address).content.decode()
    told = home(client)["translations"]
    answer = client.post(address, {"follows": "1", "source": newest.pk})

    spanish.refresh_from_db()
    assert "The source has 1 change since" in before and "<ins> very</ins>" in before
    assert "Es un corte chico." in before
    assert told == ["Un corte chico: The source text has changed since."]
    assert answer.status_code == 302
    assert spanish.translated_from == newest
    assert "translations" not in home(client)


def test_a_translators_check_is_on_record_for_this_text_only(
    page: Page, editor: User, reviewer: User, manager: User, sign_in: SignIn
) -> None:
    make_public(page)
    spanish = make_translation(page)
    make_public(spanish)
    address = f"{PAGES}{spanish.pk}/translation/"
    shown = spanish.revisions.first()
    assert shown is not None
    values = {"check": "1", "revision": shown.pk, "translator": "Ana Ruiz, certified"}

    forbidden = sign_in(editor).post(address, values)
    silent = sign_in(manager).post(address, {**values, "translator": " "})
    done = sign_in(manager).post(address, values)

    line = "Un traductor calificado todavía no ha revisado esta traducción."
    assert (forbidden.status_code, silent.status_code, done.status_code) == (403, 400, 302)
    record = Approval.objects.get(decision=Decision.TRANSLATION_CHECKED)
    assert (record.reviewer, record.comment, record.content_hash) == (
        manager,
        "Ana Ruiz, certified",
        shown.content_hash,
    )
    assert line not in Client().get("/es/small-cut-es/").content.decode()
    assert "Ana Ruiz, certified" in sign_in(editor).get(form_of(spanish)).content.decode()

    spanish.refresh_from_db()
    sign_in(editor).post(form_of(spanish), typed(spanish, title="Otro corte"))
    assert "has not been checked" in sign_in(editor).get(form_of(spanish)).content.decode()


def test_home_differs_by_role(page: Page, editor: User, reviewer: User, manager: User, sign_in: SignIn) -> None:
    make_public(page)
    Page.objects.filter(pk=page.pk).update(title="Changed")
    submit(save_revision(Page.objects.get(pk=page.pk), author=editor), actor=editor)
    mark = Marker.objects.get()
    mark.x = 0.9
    mark.save()

    seen = {user.first_name: sorted(home(sign_in(user))) for user in (editor, reviewer, manager)}

    assert seen == {"Nina": ["outdated"], "Rosa": ["outdated", "to_approve"], "Max": ["outdated"]}
    quick = {
        user.first_name: [words for words, _ in sign_in(user).get("/admin/").context["quick"]]
        for user in (editor, reviewer)
    }
    assert "Write a new page" in quick["Nina"] and "Write a new page" not in quick["Rosa"]


def test_ones_own_text_waits_for_somebody_else(page: Page, sign_in: SignIn, admin_user: User, settings: Any) -> None:
    submit(save_revision(page, author=admin_user), actor=admin_user)

    assert "to_approve" not in home(sign_in(admin_user))
    settings.REQUIRE_SECOND_PERSON = False
    assert len(home(sign_in(admin_user))["to_approve"]) == 1


@pytest.mark.parametrize("count", [1, 4])
def test_home_costs_the_same_for_any_number(
    page: Page, manager: User, editor: User, sign_in: SignIn, count: int, django_assert_max_num_queries: Any
) -> None:
    make_public(page)
    page.refresh_from_db()
    for number in range(count):
        page.pk, page.subject, page.slug, page.code = None, f"page-{number}", f"page-{number}", f"C{number}"
        page._state.adding = True
        page.live_release = None
        page.save()
        make_public(page)
        page.title = f"Newer {number}"
        page.save()
        revision = save_revision(page, author=editor)
        submit(revision, actor=editor)
        approve(revision)
    Figure.objects.update(kind="drawing")
    client = sign_in(manager)

    with django_assert_max_num_queries(45):
        assert {"approved", "outdated"} <= set(home(client))


def test_reviews_come_up_a_month_before_they_are_due(
    page: Page, editor: User, sign_in: SignIn, monkeypatch: Any
) -> None:
    make_public(page)
    later = timezone.now() + datetime.timedelta(days=340)
    client = sign_in(editor)
    assert "reviews" not in home(client)
    monkeypatch.setattr(timezone, "now", lambda: later)
    client = sign_in(editor)

    assert any(line.startswith("Small cut: Due on") for line in home(client)["reviews"])


def test_withdrawn_and_back_again(page: Page, editor: User, reviewer: User, manager: User, sign_in: SignIn) -> None:
    release = make_public(page)
    client = sign_in(manager)
    client.post(f"{PAGES}{page.pk}/withdraw/", {"reason": "A mistake."})
    assert Client().get("/small-cut/").status_code == 410

    answer = client.post(publish_address(page), {"revision": release.revision_id, "now": "1"})

    assert answer.status_code == 302
    assert Client().get("/small-cut/").status_code == 200
    kinds = list(page.events.order_by("pk").values_list("kind", flat=True))
    assert kinds[-3:] == [EventKind.PUBLISHED, EventKind.WITHDRAWN, EventKind.PUBLISHED]
