"""One change, many pages: all of them are released again with the new value, or none is."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from procedures.enums import EventKind
from procedures.models import CareInstruction, Clinic, Page, Release, ReleaseEvent
from procedures.publishing.publish import PublishRefusedError, withdraw
from procedures.publishing.rerelease import pages_quoting, rerelease
from tests.factories import BODY, make_page, make_public, make_public_page, make_translation, make_user

DRIVING = f"{BODY}\n::: care driving\n"


def make_driving(language: str = "en", answer: str = "Drive on day 8.") -> CareInstruction:
    return CareInstruction.objects.create(key="driving", language=language, question="When?", answer=answer)


def make_more(count: int, start: int = 0, **values: str) -> list[Page]:
    pages = []
    for number in range(start, start + count):
        page = make_page(f"page-{number}", **values)
        make_public(page)
        pages.append(page)
    return pages


def test_pages_that_print_a_value_are_found_by_kind_key_and_language(db: None) -> None:
    page = make_public_page()
    make_driving()
    make_driving("es", "Maneja el día 8.")
    make_public(make_translation(page, body="## Qué es\n\n::: care driving\n"))
    (driving,) = make_more(1, body=DRIVING)
    make_page("draft", body=DRIVING)

    assert {found.subject for found in pages_quoting("clinic")} == {"small-cut", "contact", "page-0"}
    assert pages_quoting("clinic", "clinic.hours") == []
    assert {(found.subject, found.language) for found in pages_quoting("care", "driving")} == {
        ("page-0", "en"),
        ("small-cut", "es"),
    }
    assert pages_quoting("care", "driving", ["en"]) == [driving]
    assert pages_quoting("care", "driving", []) == []


def test_all_pages_print_the_new_value_and_each_has_its_event(db: None) -> None:
    make_public_page()
    make_more(2)
    Clinic.objects.update(phone="+1 303-555-0188")

    released = rerelease(pages_quoting("clinic"), actor=make_user("max"))

    assert {release.pk for release in released} == set(Release.objects.live().values_list("pk", flat=True))
    assert all("303-555-0188" in release.html and "303-555-0100" not in release.html for release in released)
    events = ReleaseEvent.objects.filter(kind=EventKind.RENEWED)
    assert sorted(events.values_list("release", flat=True)) == sorted(release.pk for release in released)
    assert rerelease(pages_quoting("clinic"), actor=None) == []


def test_one_page_that_cannot_be_released_holds_back_all_and_is_named(db: None) -> None:
    make_public_page()
    care = make_driving()
    make_more(1, body=DRIVING)
    Clinic.objects.update(phone="+1 303-555-0188")
    care.delete()
    before = list(Release.objects.order_by("pk").values_list("pk", flat=True))

    with pytest.raises(PublishRefusedError) as refused:
        rerelease(pages_quoting("clinic"), actor=make_user("max"))

    assert [str(problem) for problem in refused.value.problems] == [
        "“Page 0” (English): The clinic has no answer “driving” in this language."
    ]
    assert list(Release.objects.order_by("pk").values_list("pk", flat=True)) == before
    assert not ReleaseEvent.objects.filter(kind=EventKind.RENEWED).exists()


def test_a_page_withdrawn_since_it_was_listed_stays_withdrawn(db: None) -> None:
    page = make_public_page()
    listed = pages_quoting("clinic")
    Clinic.objects.update(phone="+1 303-555-0188")
    withdraw(page, actor=make_user("max"), reason="Old.")

    released = rerelease(listed, actor=make_user("max"))

    assert [release.page.subject for release in released] == ["contact"]
    assert Page.objects.get(pk=page.pk).live_release is None


def test_each_further_page_costs_the_same_few_queries(db: None) -> None:
    make_public_page()
    counts = []
    for number in (1, 5):
        make_more(number, start=10 * number)
        Clinic.objects.update(phone=f"+1 303-555-018{number}")
        pages = pages_quoting("clinic")
        with CaptureQueriesContext(connection) as queries:
            assert len(rerelease(pages, actor=None)) == len(pages)
        counts.append((len(pages), len(queries)))

    (few, first), (many, second) = counts
    assert (second - first) / (many - few) <= 30, counts
