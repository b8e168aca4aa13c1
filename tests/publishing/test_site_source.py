"""Which paths a change affects."""

import json

import pytest
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from procedures.models import Clinic, GuideItem, Page, Release
from procedures.publishing.publish import withdraw
from procedures.publishing.site_source import (
    affected_urls,
    collect_metrics,
    content_version,
    public_urls,
    publish_lag,
)
from procedures.views.pages import page_card
from tests.database import history_unprotected
from tests.factories import (
    make_figure,
    make_page,
    make_public,
    make_public_page,
    make_translation,
    make_user,
    store_early_submission,
    store_late_withdrawal,
)

pytestmark = pytest.mark.django_db

CARD_PAGES = {"/", "/visits/"}
ALWAYS_AFFECTED = ["/sitemap.xml", "/connect/guides.json"]
ENGLISH = ["/", "/visits/", *ALWAYS_AFFECTED]
LISTS = [*ENGLISH, "/es/", "/es/visits/", "/p/", "/es/p/", "/robots.txt"]


def all_affected(before: str, now: str) -> list[str]:
    """Return the affected paths, which must not be None."""
    found = affected_urls(before, now)
    assert found is not None
    assert not set(found[0]) & set(found[1])
    return [*found[0], *found[1]]


@pytest.fixture
def page() -> Page:
    """Return a public page that a public sibling links to."""
    return make_public_page()


def test_the_content_version_changes_with_every_publication_and_with_the_clinic(page: Page) -> None:
    states = [content_version()]
    make_public(page)
    states.append(content_version())
    Clinic.objects.update(phone="+1 303-555-0199")
    states.append(content_version())
    Clinic.objects.update(color="#1a5276", accent_color="#7b241c")
    states.append(content_version())
    Clinic.objects.update(accent_color="#118800")
    states.append(content_version())
    assert len(set(states)) == 5
    assert content_version() == states[-1]


def test_a_withdrawal_that_becomes_visible_after_a_later_submission_is_not_missed(page: Page) -> None:
    before = content_version()
    store_early_submission(page)
    assert content_version() == before

    store_late_withdrawal(page)

    assert {"/small-cut/", "/small-cut/plain.txt"} < set(all_affected(before, content_version()))
    assert publish_lag(before) > 0
    assert publish_lag(content_version()) == 0


def test_publishing_a_new_title_affects_the_page_first_and_then_the_lists(page: Page) -> None:
    before = content_version()
    page.title = "A very small cut"
    page.save()
    make_public(page)
    found = all_affected(before, content_version())
    assert found[:3] == ["/small-cut/", "/", "/visits/"]
    assert found[-2:] == ALWAYS_AFFECTED
    formats = {f"/small-cut/{suffix}" for suffix in ("", "plain.txt", "booklet/", "picture/needle/")}
    assert set(found) == {*formats, *ENGLISH}


def test_publishing_a_change_that_lists_do_not_show_affects_the_page_only(page: Page) -> None:
    before = content_version()
    page.body += "\n\nA word more.\n"
    page.save()
    make_public(page)
    found = all_affected(before, content_version())
    assert found[0] == "/small-cut/"
    assert found[-2:] == ALWAYS_AFFECTED
    assert not {"/", "/visits/", "/es/", "/es/visits/"} & set(found)


def test_a_change_of_anything_on_a_card_affects_the_lists_of_its_language(page: Page) -> None:
    release = page.live_release
    assert release is not None
    others = {"title": "Other", "path": "/other/", "description": "Other.", "minutes": 55}
    shown = page_card(page)
    assert shown.keys() - {"href", "kind"} == others.keys()
    for name, value in others.items():
        before = content_version()
        with history_unprotected():
            models.QuerySet(Release).filter(pk=release.pk).update(**{name: value})
        assert affected_urls(before, content_version()) == (["/", "/visits/"], []), name
        page.refresh_from_db()
        assert page_card(page) != shown, name
        shown = page_card(page)


def test_reordering_cards_affects_the_lists_without_a_publication(page: Page) -> None:
    make_public(make_page("later", order=200))
    before = content_version()
    Page.objects.filter(pk=page.pk).update(order=300)
    assert affected_urls(before, content_version()) == (["/", "/visits/"], [])


def test_withdrawing_and_republishing_between_polls_affects_only_what_changed(page: Page) -> None:
    before = content_version()
    withdraw(page, actor=make_user("max"), reason="For a moment.")
    between = content_version()
    make_public(page)
    now = content_version()
    assert set(all_affected(before, between)) >= CARD_PAGES
    assert set(all_affected(between, now)) >= CARD_PAGES
    assert not CARD_PAGES & set(all_affected(before, now))


def test_finding_the_affected_urls_reads_no_page_bodies(page: Page) -> None:
    with CaptureQueriesContext(connection) as queries:
        public_urls()
        affected_urls(json.dumps([0, *json.loads(content_version())[1:]]), content_version())

    assert len(queries) > 3
    assert [one["sql"] for one in queries if '"body"' in one["sql"] or '"html"' in one["sql"]] == []


def test_publishing_affects_translations_former_paths_and_booklets(page: Page) -> None:
    guide = make_page("first", kind="guide")
    GuideItem.objects.create(guide=guide, page=page)
    make_public(guide)
    make_public(make_translation(page))
    page.slug = "tiny-cut"
    page.save()
    before = content_version()
    make_public(page)
    found = all_affected(before, content_version())
    assert {"/tiny-cut/", "/small-cut/", "/small-cut/plain.txt", "/es/small-cut-es/", "/visits/first/booklet/"} <= set(
        found
    )
    assert "/contact/" not in found


def test_withdrawing_affects_the_page_and_its_formats(page: Page) -> None:
    before = content_version()
    withdraw(page, actor=make_user("max"), reason="We no longer do this.")
    assert {"/small-cut/", "/small-cut/plain.txt"} <= set(all_affected(before, content_version()))


def test_a_picture_that_a_page_no_longer_shows_is_withdrawn_with_its_large_page(page: Page) -> None:
    before = content_version()
    page.lead_figure = make_figure("other")
    page.save()
    make_public(page)
    assert "/small-cut/picture/needle/" in all_affected(before, content_version())
    assert "/small-cut/picture/needle/" not in public_urls()
    response = Client().get("/small-cut/picture/needle/")
    assert (response.status_code, response["Location"]) == (301, "/small-cut/")


def test_the_logo_and_the_colors_are_published_if_the_clinic_has_any(page: Page) -> None:
    assert not {"/clinic/logo.png", "/clinic/colors.css"} & set(public_urls())
    Clinic.objects.update(logo_version="1", logo=b"png", color="#1a5276")
    assert {"/clinic/logo.png", "/clinic/colors.css"} <= set(public_urls())


def test_another_clinic_or_another_database_affects_everything(page: Page) -> None:
    before = content_version()
    number, *rest = json.loads(before)
    Clinic.objects.update(name="Another name")
    assert affected_urls(before, content_version()) is None
    assert affected_urls(json.dumps([number + 5, *rest]), before) is None


def test_an_event_that_is_not_public_affects_nothing(page: Page) -> None:
    assert affected_urls(content_version(), content_version()) == ([], [])


def test_public_urls_are_those_that_patients_receive(page: Page) -> None:
    guide = make_page("first", kind="guide")
    GuideItem.objects.create(guide=guide, page=page)
    make_public(guide)
    make_page("draft-only")
    found = public_urls()
    own = {"/small-cut/", "/contact/", "/visits/first/"}
    formats = {f"{path}{suffix}" for path in own for suffix in ("plain.txt", "picture/needle/")}
    assert set(found) == {*LISTS, *own, *formats, "/visits/first/booklet/"}
    assert len(found) == len(set(found))


def test_a_page_is_overdue_from_its_scheduled_time(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    Page.objects.filter(pk=page.pk).update(publish_at=now, scheduled_revision=page.revisions.first())
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)

    assert collect_metrics()["overdue_pages"][1] == 1
