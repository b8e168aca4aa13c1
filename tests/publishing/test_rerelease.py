"""One change, many pages: either all of them are rereleased with the new value, or none."""

import datetime
import html
import json
import re
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from procedures.enums import EventKind
from procedures.importing.serializers import ClinicSerializer, LocationSerializer
from procedures.models import (
    Clinic,
    ClinicAnswer,
    ClinicText,
    FigureText,
    GlossaryTerm,
    Location,
    LocationText,
    MarkerText,
    Page,
    Release,
    ReleaseEvent,
    Source,
)
from procedures.models.base import ClinicValue, ClinicValueManager
from procedures.publishing.publish import PublishError, publish, rerelease_page, withdraw
from procedures.publishing.rerelease import (
    find_dependent_pages,
    find_stale_pages_by_rendering,
    rerelease_pages,
    update_clinic_values,
)
from procedures.publishing.schedule import publish_scheduled, schedule_revision
from procedures.revisions.drafts import save_revision
from tests.database import history_unprotected
from tests.factories import (
    BODY,
    approve,
    make_next,
    make_page,
    make_public,
    make_public_page,
    make_publisher,
    make_source,
    make_translation,
    make_user,
)
from tests.publishing.test_publish import approved, fresh

DRIVING = f"{BODY}\n::: care driving\n"


def make_driving(language: str = "en", answer: str = "Drive on day 8.") -> ClinicAnswer:
    return ClinicAnswer.objects.create(key="driving", language=language, question="When?", answer=answer)


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

    assert {found.subject for found in find_dependent_pages("clinic")} == {"small-cut", "contact", "page-0"}
    assert find_dependent_pages("clinic", "clinic.hours") == []
    assert {(found.subject, found.language) for found in find_dependent_pages("care", "driving")} == {
        ("page-0", "en"),
        ("small-cut", "es"),
    }
    assert find_dependent_pages("care", "driving", ["en"]) == [driving]
    assert find_dependent_pages("care", "driving", []) == []


def test_a_source_and_a_picture_with_the_same_key_are_two_values(db: None) -> None:
    page = make_public_page()
    make_source("needle")
    page.body += "\nIt is safe. [@needle]\n"
    page.save()
    make_public(page)

    Source.objects.filter(key="needle").update(title="A newer guide")

    (stale,) = find_stale_pages_by_rendering()
    assert (stale.page, stale.changed) == (page, [("source", "needle")])


def test_all_pages_print_the_new_value_and_each_has_an_event(db: None) -> None:
    make_public_page()
    make_more(2)
    Source.objects.update(title="A newer guide")

    released = rerelease_pages(find_dependent_pages("source", "nice"), actor=make_user("max"))

    assert {release.pk for release in released} == set(Release.objects.live().values_list("pk", flat=True))
    assert all("A newer guide" in release.html and "A guide" not in release.html for release in released)
    events = ReleaseEvent.objects.filter(kind=EventKind.RERELEASED)
    assert sorted(events.values_list("release", flat=True)) == sorted(release.pk for release in released)
    assert rerelease_pages(find_dependent_pages("source"), actor=None) == []


def test_one_page_that_cannot_be_released_blocks_all_and_is_reported(db: None) -> None:
    make_public_page()
    source = make_source("who")
    make_more(1, body=f"{BODY}\nIt is safe. [@who]\n")
    Source.objects.filter(key="nice").update(title="A newer guide")
    source.delete()
    before = list(Release.objects.order_by("pk").values_list("pk", flat=True))

    with pytest.raises(PublishError) as raised:
        rerelease_pages(find_dependent_pages("source"), actor=make_user("max"))

    assert [str(problem) for problem in raised.value.issues] == ["“Page 0” (English): There is no source “who”."]
    assert list(Release.objects.order_by("pk").values_list("pk", flat=True)) == before
    assert not ReleaseEvent.objects.filter(kind=EventKind.RERELEASED).exists()


def test_a_page_withdrawn_in_the_meantime_stays_withdrawn(db: None) -> None:
    page = make_public_page()
    listed = find_dependent_pages("source")
    Source.objects.update(title="A newer guide")
    withdraw(page, actor=make_user("max"), reason="Old.")

    released = rerelease_pages(listed, actor=make_user("max"))

    assert [release.page.subject for release in released] == ["contact"]
    assert Page.objects.get(pk=page.pk).live_release is None


def test_each_additional_page_costs_the_same_number_of_queries(db: None) -> None:
    make_public_page()
    counts = []
    for number in (1, 5):
        make_more(number, start=10 * number)
        Source.objects.update(title=f"Guide {number}")
        pages = find_dependent_pages("source")
        with CaptureQueriesContext(connection) as queries:
            assert len(rerelease_pages(pages, actor=None)) == len(pages)
        counts.append((len(pages), len(queries)))

    (few, first), (many, second) = counts
    assert (second - first) / (many - few) <= 32, counts


SHELL = {
    "clinic saved": lambda: _saved(Clinic.objects.get(), phone="+1 303-555-0188"),
    "clinic updated": lambda: Clinic.objects.update(phone="+1 303-555-0188"),
    "clinic updated in bulk": lambda: Clinic.objects.bulk_update([Clinic(pk=1, phone="+1 303-555-0188")], ["phone"]),
}


def _saved(row: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


@pytest.mark.parametrize("way", SHELL)
def test_header_footer_and_body_show_the_same_number_after_any_kind_of_write(
    way: str, client: Client, db: None
) -> None:
    make_public_page()

    SHELL[way]()

    html = client.get("/small-cut/").content.decode()
    assert html.count("303-555-0188") >= 3
    assert "303-555-0100" not in html


def test_every_row_of_the_clinic_updates_the_pages_that_print_it(db: None) -> None:
    make_public_page()
    make_driving()
    place = Location.objects.create(key="main", phone="+1 303-555-0111", address="1 Street")
    text = LocationText.objects.create(location=place, language="en", name="House")
    body = f"{DRIVING}\nOpen {{clinic.hours}}. We are {{clinic.name}}.\n\n::: locations\n"
    (page,) = make_more(1, body=body)

    def html() -> str:
        return str(Release.objects.live().get(page=page).html)

    ClinicText.objects.filter(language="en").update(hours="Sundays")
    assert "Sundays" in html()
    _saved(Clinic.objects.get(), name="New Name Clinic")
    assert "New Name Clinic" in html()
    ClinicAnswer.objects.update(answer="Drive on day 9.")
    assert "day 9" in html()
    _saved(text, name="Main house")
    assert "Main house" in html()
    _saved(text, directions="Use the south door.")
    assert "south door" in html()
    with update_clinic_values():
        (second,) = Location.objects.bulk_create([Location(key="second", phone="+1 303-555-0122", address="2 Street")])
        LocationText.objects.create(location=second, language="en", name="Annex")
    assert "303-555-0122" in html()
    with pytest.raises(PublishError, match="The location “main” has no name in this language"):
        text.delete()
    Location.objects.filter(key="second").delete()
    assert "303-555-0122" not in html()
    place.delete()
    assert "303-555-0111" not in html()


def test_a_value_that_a_page_requires_cannot_be_removed(db: None) -> None:
    make_public_page()
    care = make_driving()
    make_more(1, body=DRIVING)

    with pytest.raises(PublishError, match="The clinic has no answer “driving”"):
        care.delete()
    with pytest.raises(PublishError, match="“Page 0”"):
        ClinicAnswer.objects.all().delete()

    assert ClinicAnswer.objects.get().answer == "Drive on day 8."


def test_several_changes_in_one_update_make_one_release_per_page(db: None) -> None:
    make_public_page()
    before = Release.objects.count()

    with update_clinic_values(actor=make_user("max")) as update:
        _saved(Clinic.objects.get(), phone="+1 303-555-0188")
        _saved(Clinic.objects.get(), name="New Name Clinic")
        ClinicText.objects.update(hours="Sundays")

    assert Release.objects.count() == before + 2
    assert len(update.releases) == 2
    assert {release.published_by.username for release in update.releases} == {"max"}


def test_an_error_between_two_changes_undoes_both(db: None) -> None:
    make_public_page()
    before = Release.objects.count()

    with pytest.raises(ZeroDivisionError), update_clinic_values():
        _saved(Clinic.objects.get(), phone="+1 303-555-0188")
        raise ZeroDivisionError

    assert Clinic.objects.get().phone == "+1 303-555-0100"
    assert Release.objects.count() == before
    _saved(Clinic.objects.get(), phone="+1 303-555-0199")
    assert Release.objects.count() == before + 2


def test_a_rule_added_after_publishing_does_not_block_a_new_number(db: None) -> None:
    page = make_public_page()
    # A newer rule that the older text violates: its sentences are too long.
    long = BODY.replace("A small cut.", f"It is {'very ' * 40}small.")
    revision = save_revision(page, author=make_user("ed"))
    stored = Release.objects.live().get(page=page)
    sections = json.dumps([{"anchor": "", "title": "", "text": f"It is {'very ' * 40}small."}])
    with history_unprotected():
        connection.cursor().execute("UPDATE procedures_release SET sections = %s WHERE id = %s", [sections, stored.pk])
        connection.cursor().execute(
            "UPDATE procedures_revision SET content = %s WHERE id = %s",
            [json.dumps({**revision.content, "body": long}), stored.revision_id],
        )

    Clinic.objects.update(phone="+1 303-555-0188")

    assert "303-555-0188" in Release.objects.live().get(page=page).html


def test_a_long_sentence_is_rejected_where_it_is_typed_and_does_not_block_a_new_number(db: None) -> None:
    page = make_public_page()
    long = f"It is {'very ' * 40}small."
    texts: list[tuple[models.Model, str]] = [
        (page.lead_figure.texts.get(language="en"), "caption"),
        (make_driving(), "answer"),
        (GlossaryTerm(language="en", key="cut", term="cut", definition="A wound."), "definition"),
    ]
    for row, field in texts:
        row.full_clean()
        setattr(row, field, long)
        with pytest.raises(ValidationError, match="A sentence has 43 words"):
            row.full_clean()

    FigureText.objects.filter(language="en").update(caption=long)
    Clinic.objects.update(phone="+1 303-555-0188")

    assert "303-555-0188" in Release.objects.live().get(page=page).html


def test_a_text_published_later_prints_the_current_values(db: None) -> None:
    page = make_public_page()
    page.body += "\nCall {clinic.phone} soon.\n"
    page.save()
    planned, waiting = save_revision(page, author=make_user("ed")), make_page("waiting", next_page=page)
    for revision in (planned, save_revision(waiting, author=make_user("ed"))):
        approve(revision)
    schedule_revision(planned, actor=make_publisher(), at=timezone.now() + datetime.timedelta(hours=1))

    Clinic.objects.update(phone="+1 303-555-0188")
    publish_scheduled(timezone.now() + datetime.timedelta(hours=2))
    publish(waiting.revisions.latest("number"), actor=make_user("max"))

    live = Release.objects.live()
    assert live.get(page=page).revision == planned
    assert all("303-555-0188" in release.html and "0100" not in release.html for release in live)


def test_every_clinic_value_model_uses_the_updating_manager() -> None:
    for model in ClinicValue.__subclasses__():
        assert isinstance(model._default_manager, ClinicValueManager), model
        assert not hasattr(model._default_manager, "delete"), model
    assert {model.__name__ for model in ClinicValue.__subclasses__()} == {
        "Clinic",
        "ClinicText",
        "Location",
        "LocationText",
        "ClinicAnswer",
    }


CONTENT = settings.BASE_DIR / "content"
VALUES = """
- {clinic.name}, {clinic.phone}, {clinic.after_hours_phone}, {clinic.emergency_number}, {clinic.hours}

::: locations
"""


@pytest.fixture
def starter(db: None, client: Client) -> list[str]:
    """Load the clinic and the locations of the content folder, and publish a page in each language. Return the paths."""
    for serializer in (ClinicSerializer(), LocationSerializer()):
        for file in serializer.iter_files(CONTENT):
            for entry in serializer.parse_file(file):
                serializer.save_row(entry.key, serializer.clean(entry), None, store_files=True)
    contact = make_page("contact", kind="about", body=f"{BODY}{VALUES}")
    spanish = make_translation(
        contact, body=f"## Contacto\n\nLlame si tiene una duda. Le ayudamos. Es fácil.\n{VALUES}"
    )
    return ["/", "/es/", *(make_public(page).path for page in (contact, spanish))]


def shown(client: Client, addresses: list[str]) -> str:
    pages = [client.get(address) for address in addresses]
    assert {page.status_code for page in pages} == {200}
    # Spaces within times do not break lines.
    return " ".join(html.unescape(page.content.decode()) for page in pages).replace("\xa0", " ")


def test_no_page_shows_an_old_value_of_the_starter_content_after_it_changed(starter: list[str], client: Client) -> None:
    hours = dict(ClinicText.objects.values_list("language", "hours"))
    changes: list[tuple[str, str, Any]] = [
        ("303-555-0100", "720-555-0177", lambda new: Clinic.objects.update(phone=new)),
        ("303-555-0101", "720-555-0178", lambda new: Clinic.objects.update(after_hours_phone=new)),
        ("911", "112", lambda new: Clinic.objects.update(emergency_number=new)),
        ("Example Spine Clinic", "Spine Clinic of Denver", lambda new: Clinic.objects.update(name=new)),
        *(
            (old, f"24 h {code}", lambda new, code=code: ClinicText.objects.filter(language=code).update(hours=new))
            for code, old in hours.items()
        ),
    ]
    for old, new, change in changes:
        assert re.search(rf"(?<!\w){re.escape(old)}(?!\w)", shown(client, starter)), old

        change(new)

        now = shown(client, starter)
        assert not re.search(rf"(?<!\w){re.escape(old)}(?!\w)", now), old
        assert new in now
    assert Location.objects.get(key="procedure-center").phone == "303-555-0102"
    assert Location.objects.get(key="procedure-center").address.startswith("Spine Clinic of Denver, Procedure Center")


def test_a_location_follows_the_clinics_number_in_any_spelling(page: Page) -> None:
    Location.objects.create(key="same", phone="(303) 555-0100", address="1 Street")
    Location.objects.create(key="own", phone="+1 303-555-0155", address="2 Street")

    Clinic.objects.update(phone="+1 720-555-0177")
    Clinic.objects.update(name="Test Spine Clinic")

    assert dict(Location.objects.values_list("key", "phone")) == {"same": "+1 720-555-0177", "own": "+1 303-555-0155"}


def test_locations_that_follow_the_clinic_add_no_release(db: None) -> None:
    make_public_page()
    make_more(1, body=f"{BODY}\n::: locations\n")
    with update_clinic_values():
        for key in ("first", "second"):
            place = Location.objects.create(key=key, phone="+1 303-555-0100", address="1 Street")
            LocationText.objects.create(location=place, language="en", name=key)
    before = Release.objects.count()

    Clinic.objects.update(phone="+1 720-555-0177")

    assert set(Location.objects.values_list("phone", flat=True)) == {"+1 720-555-0177"}
    assert Release.objects.count() == before + Release.objects.live().count()


def test_a_number_that_the_clinic_still_uses_stays_at_the_location(page: Page) -> None:
    Clinic.objects.update(after_hours_phone="+1 303-555-0100")
    Location.objects.create(key="main", phone="+1 303-555-0100", address="1 Street")

    Clinic.objects.update(after_hours_phone="+1 720-555-0178")

    assert Location.objects.get().phone == "+1 303-555-0100"


def test_a_name_that_a_location_rejects_changes_nothing(page: Page) -> None:
    place = Location.objects.create(key="main", phone="+1 303-555-0155", address="1 Street")
    LocationText.objects.create(location=place, language="en", name=f"Test Spine Clinic, {'long ' * 19}house")

    with pytest.raises(PublishError, match="Change the location first"):
        Clinic.objects.update(name="A much longer name of the spine clinic")

    assert Clinic.objects.get().name == "Test Spine Clinic"


def test_hours_that_a_page_prints_are_never_empty(page: Page) -> None:
    message = "clinic.hours} is empty in this language. Enter it under Clinic"
    page.body = BODY.replace("A small cut.", "We are open {clinic.hours}.")
    page.save()
    release = make_public(page)
    assert "Monday to Friday" in release.html
    with pytest.raises(PublishError, match=message):
        ClinicText.objects.all().delete()

    withdraw(fresh(page), actor=make_user("max"), reason="We moved.")
    ClinicText.objects.all().delete()
    with pytest.raises(PublishError, match=message):
        publish(approved(fresh(page), title="Another title"), actor=make_user("max"))


def test_texts_of_a_picture_that_are_missing_block_a_rerelease(page: Page) -> None:
    make_public(page)
    MarkerText.objects.all().delete()
    with pytest.raises(PublishError, match="A marker of the picture “needle” has no label in this language yet."):
        rerelease_page(fresh(page), actor=None)
    FigureText.objects.all().delete()
    with pytest.raises(PublishError, match="The picture “needle” has no texts in this language yet."):
        rerelease_page(fresh(page), actor=None)


def test_a_location_without_texts_blocks_a_rerelease(page: Page) -> None:
    contact = make_next()
    contact.body += "\n::: locations\n"
    contact.save()
    make_public(contact)
    with pytest.raises(PublishError, match="The location “annex” has no name in this language."):
        Location.objects.create(key="annex", phone="+1 303-555-0155", address="1 Main St")

    assert not Location.objects.exists()


def test_the_picture_index_leaves_out_pictures_without_texts_in_its_language(page: Page) -> None:
    make_public(page)
    index = make_translation(page, subject="pictures", slug="imagenes", body="## Todas\n\n::: pictures\n")

    assert "<img" not in make_public(index).html
