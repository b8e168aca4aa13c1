"""Saving a clinic value updates the pages that print it, or saves nothing."""

import datetime
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from procedures.enums import EventKind
from procedures.models import (
    Clinic,
    ClinicAnswer,
    ClinicText,
    FigureText,
    Location,
    LocationText,
    Page,
    Release,
    ReleaseEvent,
    Source,
)
from procedures.publishing.schedule import schedule_revision
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import SignIn, clinic_answer_form, make_staff, post_form
from tests.factories import approve, make_clinic, make_page, make_public, make_user

BASE = "/admin/procedures/"
CLINIC = {
    "name": "Test Spine Clinic",
    "phone": "+1 303-555-0199",
    "after_hours_phone": "",
    "emergency_number": "911",
    "time_zone": "UTC",
    "texts-TOTAL_FORMS": 0,
    "texts-INITIAL_FORMS": 0,
}


def hidden(html: str) -> dict[str, list[str]]:
    """Return the hidden fields of the confirmation."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)"\s+value="([^"]*)">', html):
        if name != "csrfmiddlewaretoken":
            found.setdefault(name, []).append(unescape(value))
    return found


def token(html: str) -> str:
    found = re.search(r'name="_update" value="(\w+)"', html)
    assert found, html
    return found[1]


def confirm(client: Client, address: str, values: dict[str, Any], **more: str) -> Any:
    """Save, then confirm with only the data in the confirmation form."""
    html = post_form(client, address, values).content.decode()
    return client.post(address, {**hidden(html), "_update": token(html), **more})


def get_messages(client: Client, answer: Any) -> str:
    """Return the messages after a save."""
    assert answer.status_code == 302, answer.content.decode()
    return " ".join(str(message) for message in client.get(answer["Location"]).context["messages"])


@pytest.mark.parametrize("count", [0, -1])
def test_a_wrong_initial_form_count_does_not_cause_a_server_error(count: int, manager: User, sign_in: SignIn) -> None:
    text = ClinicText.objects.create(clinic=make_clinic(), language="es", hours="Lunes")
    names = {"id": text.pk, "clinic": text.clinic_id, "language": "es", "hours": "Martes"}
    row = {f"texts-0-{name}": value for name, value in names.items()}

    counts = {"texts-TOTAL_FORMS": 1, "texts-INITIAL_FORMS": count}
    answer = post_form(sign_in(manager), f"{BASE}clinic/1/change/", {**CLINIC, **counts, **row})

    assert answer.status_code == 200
    assert ClinicText.objects.get(language="es").hours == "Lunes"


def test_a_wrong_initial_form_count_with_a_deletion_does_not_cause_a_server_error(
    manager: User, sign_in: SignIn
) -> None:
    clinic = make_clinic()
    english = clinic.texts.get()
    ClinicText.objects.create(clinic=clinic, language="es", hours="Lunes")
    deleted = {"id": english.pk, "clinic": clinic.pk, "language": "en", "hours": english.hours, "DELETE": "on"}
    rows = {f"texts-0-{name}": value for name, value in deleted.items()}
    rows |= {"texts-1-clinic": clinic.pk, "texts-1-language": "es", "texts-1-hours": "Martes"}

    counts = {"texts-TOTAL_FORMS": 2, "texts-INITIAL_FORMS": 1}
    formset_data = {**CLINIC, **counts, **rows}
    answer = post_form(sign_in(manager), f"{BASE}clinic/1/change/", formset_data)

    assert answer.status_code in {200, 409}
    assert ClinicText.objects.get(language="es").hours == "Lunes"


def test_changing_the_phone_lists_its_pages_before_saving(page: Page, manager: User, sign_in: SignIn) -> None:
    make_public(page)
    Page.objects.filter(pk=page.pk).update(title="A title that is not public yet")
    before = Release.objects.count()

    answer = post_form(sign_in(manager), f"{BASE}clinic/1/change/", CLINIC)

    html = answer.content.decode()
    assert answer.status_code == 200
    assert "2 public pages show the old value." in html
    assert ">Small cut</a>" in html
    assert ">Save and update 2 pages</button>" in html
    assert "<li>Phone: “+1 303-555-0100” becomes “+1 303-555-0199”</li>" in html
    assert Clinic.objects.get().phone == "+1 303-555-0100"
    assert Release.objects.count() == before


def test_the_confirmation_lists_other_pending_changes_of_the_pages(page: Page, manager: User, sign_in: SignIn) -> None:
    make_public(page)
    Source.objects.filter(key="nice").update(title="A newer guide")

    html = post_form(sign_in(manager), f"{BASE}clinic/1/change/", CLINIC).content.decode()

    assert "Also new on this page: source nice" in html


def test_confirming_saves_the_phone_and_updates_all_pages(
    page: Page, manager: User, sign_in: SignIn, client: Client
) -> None:
    make_public(page)
    staff = sign_in(manager)

    message = get_messages(staff, confirm(staff, f"{BASE}clinic/1/change/", CLINIC))

    html = client.get("/small-cut/").content.decode()
    assert "2 public pages now show the new value." in message
    assert html.count("303-555-0199") >= 3
    assert "303-555-0100" not in html
    events = ReleaseEvent.objects.filter(kind=EventKind.RERELEASED, actor=manager)
    assert {event.page.subject for event in events} == {"small-cut", "contact"}


def test_a_value_that_no_page_prints_is_saved_immediately(page: Page, manager: User, sign_in: SignIn) -> None:
    make_public(page)
    client = sign_in(manager)

    answer = post_form(client, f"{BASE}clinic/1/change/", {**CLINIC, "phone": "+1 303-555-0100", "name": "New Name"})

    assert answer.status_code == 302
    assert Clinic.objects.get().name == "New Name"
    assert "New Name" in client.get("/small-cut/").content.decode()


def test_a_page_published_since_the_confirmation_is_shown_before_it_is_updated(
    page: Page, manager: User, sign_in: SignIn
) -> None:
    client = sign_in(manager)
    html = post_form(client, f"{BASE}clinic/1/change/", CLINIC).content.decode()
    make_public(page)

    answer = client.post(f"{BASE}clinic/1/change/", {**hidden(html), "_update": token(html)})

    assert answer.status_code == 200
    assert ">Small cut</a>" in answer.content.decode()
    assert Clinic.objects.get().phone == "+1 303-555-0100"


def test_going_back_shows_the_form_with_the_input(page: Page, manager: User, sign_in: SignIn) -> None:
    make_public(page)
    client = sign_in(manager)
    text = Clinic.objects.get().texts.get()
    rows = {
        "texts-TOTAL_FORMS": 1,
        "texts-INITIAL_FORMS": 1,
        "texts-0-id": text.pk,
        "texts-0-clinic": 1,
        "texts-0-language": "en",
        "texts-0-hours": "Sundays, “8 to 5”",
        "texts-0-about": "Two lines\nof text",
    }
    html = post_form(client, f"{BASE}clinic/1/change/", {**CLINIC, **rows}).content.decode()

    answer = client.post(f"{BASE}clinic/1/change/", {**hidden(html), "_edit": "1"})

    again = answer.content.decode()
    assert "Not saved yet. Check your changes, then save again." in again
    for typed in ("+1 303-555-0199", "Sundays, “8 to 5”", "Two lines\nof text"):
        assert typed in again
    assert Clinic.objects.get().phone == "+1 303-555-0100"


def test_an_editor_sees_who_can_save_an_answer_on_public_pages(
    clinic_answer: ClinicAnswer, editor: User, manager: User, sign_in: SignIn
) -> None:
    client, address = sign_in(editor), f"{BASE}clinicanswer/{clinic_answer.pk}/change/"

    answer = post_form(client, address, clinic_answer_form(answer="After two days."))

    html = answer.content.decode()
    assert answer.status_code == 403
    assert "1 public page shows this value" in html
    assert "Ask someone who can publish pages: Max." in html
    assert "Save and update" not in html
    assert hidden(html)["answer"] == ["After two days."]
    # Not even by posting a button that is not shown.
    from procedures.admin.clinic import AffectedContent

    page = Page.objects.get(subject="small-cut")
    forged = post_form(
        client, address, clinic_answer_form(answer="After two days.", _update=AffectedContent([page], [], []).token)
    )
    assert forged.status_code == 403
    clinic_answer.refresh_from_db()
    assert clinic_answer.answer == "Tomorrow."


def test_an_editor_can_save_an_answer_that_no_public_page_prints(page: Page, editor: User, sign_in: SignIn) -> None:
    care = ClinicAnswer.objects.create(key="bath", language="en", question="When?", answer="Tomorrow.")

    answer = post_form(sign_in(editor), f"{BASE}clinicanswer/{care.pk}/change/", clinic_answer_form(answer="On day 3."))

    assert answer.status_code == 302
    care.refresh_from_db()
    assert care.answer == "On day 3."


def test_changing_an_answer_updates_its_pages(clinic_answer: ClinicAnswer, manager: User, sign_in: SignIn) -> None:
    client = sign_in(manager)

    get_messages(
        client,
        confirm(client, f"{BASE}clinicanswer/{clinic_answer.pk}/change/", clinic_answer_form(answer="After two days.")),
    )

    assert "After two days." in client.get("/small-cut/").content.decode()


def test_a_page_that_cannot_be_updated_prevents_the_save(
    clinic_answer: ClinicAnswer, manager: User, sign_in: SignIn
) -> None:
    FigureText.objects.filter(language="en").delete()

    answer = confirm(
        sign_in(manager), f"{BASE}clinicanswer/{clinic_answer.pk}/change/", clinic_answer_form(answer="After a week.")
    )

    html = answer.content.decode()
    assert answer.status_code == 409
    assert "“Small cut” (English): " in html
    assert hidden(html)["answer"] == ["After a week."]
    clinic_answer.refresh_from_db()
    assert clinic_answer.answer == "Tomorrow."


def test_texts_of_a_location_are_part_of_the_same_change(page: Page, manager: User, sign_in: SignIn) -> None:
    page.body += "\n::: locations\n"
    page.save()
    make_public(page)
    client = sign_in(manager)
    values = {"key": "main", "order": 0, "phone": "+1 303-555-0111", "address": "1 Main Street\r\nDenver"}
    rows = {
        "texts-TOTAL_FORMS": 1,
        "texts-INITIAL_FORMS": 0,
        "texts-0-language": "en",
        "texts-0-name": "Main house",
        "texts-0-hours": "",
        "texts-0-directions": "",
    }
    before = Release.objects.filter(page=page).count()

    get_messages(client, confirm(client, f"{BASE}location/add/", {**values, **rows}))

    assert Location.objects.get().address == "1 Main Street\nDenver"
    assert Release.objects.filter(page=page).count() == before + 1
    html = client.get("/small-cut/").content.decode()
    assert "Main house" in html
    assert "303-555-0111" in html


@pytest.mark.parametrize("leaves", [False, True])
def test_a_location_with_the_old_phone_changes_too_unless_unchecked(
    page: Page, manager: User, sign_in: SignIn, leaves: bool
) -> None:
    place = Location.objects.create(key="main", phone="+1 303-555-0100", address="1 Street")
    LocationText.objects.create(location=place, language="en", name="Main house")
    page.body += "\n::: locations\n"
    page.save()
    make_public(page)
    client = sign_in(manager)

    asked = post_form(client, f"{BASE}clinic/1/change/", CLINIC).content.decode()
    box = re.search(r'<input type="checkbox" name="location"\s+value="([\w-]+)"\s+checked>\s+([^<]+)</label>', asked)
    assert box
    nothing_saved = Location.objects.get().phone
    values = {**hidden(asked), "_update": token(asked), **({} if leaves else {"location": box[1]})}
    messages = get_messages(client, post_form(client, f"{BASE}clinic/1/change/", values))

    assert box[2] == "Main house: phone changes too, from “+1 303-555-0100” to “+1 303-555-0199”"
    assert nothing_saved == "+1 303-555-0100"
    assert ("Locations changed too: Main house: phone." in messages) is not leaves
    html = client.get("/small-cut/").content.decode()
    assert ("303-555-0100" in html) is leaves
    assert "303-555-0199" in html
    assert Clinic.objects.get().phone == "+1 303-555-0199"


def test_a_repeated_confirmation_keeps_the_choices(
    noon: datetime.datetime, page: Page, manager: User, sign_in: SignIn
) -> None:
    Location.objects.create(key="main", phone="+1 303-555-0100", address="1 Street")
    Location.objects.create(key="north", phone="+1 303-555-0100", address="2 Street", order=1)
    client, values = sign_in(manager), {**CLINIC, "time_zone": "America/New_York"}
    boxes = re.compile(r'name="location" value="([\w-]+)"( checked)?>')
    asked = post_form(client, f"{BASE}clinic/1/change/", values).content.decode()
    (main, _), (north, _) = boxes.findall(asked)
    make_public(make_page("big-cut"))

    again = client.post(
        f"{BASE}clinic/1/change/",
        {**hidden(asked), "_update": token(asked), "location": north, "plans": "moment"},
    ).content.decode()

    assert token(again) != token(asked)
    assert boxes.findall(again) == [(main, ""), (north, " checked")]
    assert 'value="moment" checked>' in again
    assert 'value="time">' in again


@pytest.mark.parametrize("way", ["one", "several"])
def test_deleting_a_location_lists_and_updates_its_pages(page: Page, manager: User, sign_in: SignIn, way: str) -> None:
    place = Location.objects.create(key="main", phone="+1 303-555-0111", address="1 Street")
    LocationText.objects.create(location=place, language="en", name="Main house")
    page.body += "\n::: locations\n"
    page.save()
    make_public(page)
    client = sign_in(manager)
    address = f"{BASE}location/{place.pk}/delete/" if way == "one" else f"{BASE}location/"
    action = {} if way == "one" else {"action": "delete_selected", "_selected_action": [place.pk]}

    asked = client.post(address, action).content.decode() if action else client.get(address).content.decode()
    still = client.get("/small-cut/").content.decode()
    get_messages(client, client.post(address, {**action, "post": "yes"}))

    assert "These public pages are updated:" in asked
    assert "Small cut (en)" in asked
    assert "Main house" in still
    assert "Main house" not in client.get("/small-cut/").content.decode()


def test_only_publishers_can_delete_a_value_that_pages_print(page: Page, manager: User, sign_in: SignIn) -> None:
    from django.contrib.auth.models import Permission

    place = Location.objects.create(key="main", phone="+1 303-555-0111", address="1 Street")
    LocationText.objects.create(location=place, language="en", name="Main house")
    page.body += "\n::: locations\n"
    page.save()
    make_public(page)
    clerk = make_staff("Carl")
    clerk.user_permissions.set(Permission.objects.filter(codename__endswith="_location"))

    html = sign_in(clerk).post(f"{BASE}location/{place.pk}/delete/", {"post": "yes"}).content.decode()

    assert "1 public page shows it. Ask someone who can publish pages to delete it: Max." in html
    assert Location.objects.exists()


def test_the_form_shows_how_many_pages_print_the_value(
    clinic_answer: ClinicAnswer, editor: User, sign_in: SignIn
) -> None:
    html = sign_in(editor).get(f"{BASE}clinicanswer/{clinic_answer.pk}/change/").content.decode()

    assert "Shown on 1 public page<" in html


def plan(page: Page, at: datetime.datetime) -> None:
    revision = save_revision(page, author=make_user("ed"))
    approve(revision)
    schedule_revision(revision, actor=make_user("max"), at=at)


@pytest.fixture
def noon(denver: Page) -> datetime.datetime:
    """Schedule a page for noon tomorrow in Denver."""
    day = (timezone.now() + datetime.timedelta(days=2)).date()
    from zoneinfo import ZoneInfo

    at = datetime.datetime.combine(day, datetime.time(12), ZoneInfo("America/Denver"))
    plan(denver, at)
    return at


SAME_PHONE = {**CLINIC, "phone": "+1 303-555-0100"}


def test_changing_the_time_zone_shows_both_options_for_scheduled_pages(
    noon: datetime.datetime, denver: Page, manager: User, sign_in: SignIn
) -> None:
    html = post_form(sign_in(manager), f"{BASE}clinic/1/change/", {**SAME_PHONE, "time_zone": "America/New_York"})

    text = " ".join(html.content.decode().split())
    assert "1 scheduled page and the new time zone" in text
    assert re.search(r"Scheduled for \w+\.? \d+, \d+, 12:00 PM \(M[SD]T\)", text)
    assert re.search(r"If you keep the time of day: \w+\.? \d+, \d+, 12:00 PM \(E[SD]T\)", text)
    assert re.search(r"If you keep the exact moment: \w+\.? \d+, \d+, 2:00 PM \(E[SD]T\)", text)
    denver.refresh_from_db()
    assert denver.publish_at == noon
    assert Clinic.objects.get().time_zone == "America/Denver"


@pytest.mark.parametrize(("choice", "earlier"), [("time", 2), ("moment", 0)])
def test_scheduled_pages_keep_their_time_of_day_or_their_utc_time(
    noon: datetime.datetime, denver: Page, manager: User, sign_in: SignIn, choice: str, earlier: int
) -> None:
    values = {**SAME_PHONE, "time_zone": "America/New_York"}

    confirm(sign_in(manager), f"{BASE}clinic/1/change/", values, plans=choice)

    denver.refresh_from_db()
    assert noon - denver.publish_at == datetime.timedelta(hours=earlier)
    events = ReleaseEvent.objects.filter(page=denver, kind=EventKind.RESCHEDULED)
    assert ["The clinic’s time zone changed" in event.reason for event in events] == [True] * bool(earlier)


def test_scheduled_pages_keep_their_time_of_day_however_the_time_zone_changes(
    noon: datetime.datetime, denver: Page
) -> None:
    Clinic.objects.update(time_zone="America/New_York")

    denver.refresh_from_db()
    assert noon - denver.publish_at == datetime.timedelta(hours=2)


def test_an_alias_of_the_same_time_zone_moves_no_scheduled_page(
    noon: datetime.datetime, denver: Page, manager: User, sign_in: SignIn
) -> None:
    answer = post_form(sign_in(manager), f"{BASE}clinic/1/change/", {**SAME_PHONE, "time_zone": "US/Mountain"})

    assert answer.status_code == 302
    denver.refresh_from_db()
    assert denver.publish_at == noon


def test_a_clinic_without_public_pages_is_saved_immediately(manager: User, sign_in: SignIn) -> None:
    make_clinic()
    make_page()

    assert post_form(sign_in(manager), f"{BASE}clinic/1/change/", CLINIC).status_code == 302
