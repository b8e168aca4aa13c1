"""Two people have the same form open: the second save overwrites nothing that the second person has not seen."""

import time
from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import User
from procedures.models import Clinic, ClinicAnswer, ClinicText, Page, Series
from tests.admin.conftest import SignIn, clinic_answer_form, post_form
from tests.admin.test_clinic_values import BASE, CLINIC, confirm
from tests.factories import make_clinic, make_figure, make_public, make_source, make_term

SPANISH = {"texts-TOTAL_FORMS": 1, "texts-INITIAL_FORMS": 0, "texts-0-language": "es", "texts-0-about": ""}
SOURCE = {"organisation": "NICE", "title": "A guide", "year": 2013, "url": "", "identifier": "", "used_for": ""}


def open_form(client: Client, address: str) -> dict[str, Any]:
    """Return the hidden field of an open form."""
    return {"snapshot": client.get(address).context["snapshot"]}


def fields_of(answer: Any) -> dict[str, Any]:
    """Return the values that the form shows again, by the names of their fields."""
    forms = [answer.context["adminform"].form]
    forms += [form for formset in answer.context["inline_admin_formsets"] for form in formset.formset.forms]
    return {form.add_prefix(name): form[name].value() for form in forms for name in form.fields}


def changes_of(answer: Any) -> list[tuple[str, str, str]]:
    assert answer.status_code == 409, answer
    return [(change.label, change.theirs, change.mine) for change in answer.context["form_conflict"].changes]


def send_again(client: Client, address: str, answer: Any) -> Any:
    """Send the form of a conflict as it is, and confirm the update of the public pages."""
    html_names = {name: value for name, value in fields_of(answer).items() if value not in (None, False)}
    management = {}
    for formset in answer.context["inline_admin_formsets"]:
        form = formset.formset.management_form
        management |= {form.add_prefix(name): form[name].value() or 0 for name in form.fields}
    values = {**management, **html_names, "snapshot": answer.context["snapshot"]}
    asked = client.post(address, values)
    return client.post(address, {**values, "_update": asked.context["token"]}) if asked.status_code == 200 else asked


def test_an_open_clinic_form_does_not_bring_back_the_old_phone(page: Page, manager: User, sign_in: SignIn) -> None:
    make_public(page)
    client, address = sign_in(manager), f"{BASE}clinic/1/change/"
    opened = open_form(client, address)
    confirm(client, address, CLINIC)

    answer = client.post(address, {**opened, **CLINIC, "phone": "+1 303-555-0100", "after_hours_phone": "303-555-0177"})

    assert changes_of(answer) == [("Phone", "+1 303-555-0199", "")]
    assert fields_of(answer)["phone"] == "+1 303-555-0199"
    assert fields_of(answer)["after_hours_phone"] == "303-555-0177"
    assert "Someone else also changed this" in answer.text
    assert Clinic.objects.get().phone == "+1 303-555-0199"
    assert send_again(client, address, answer).status_code == 302
    clinic = Clinic.objects.get()
    assert (clinic.phone, clinic.after_hours_phone) == ("+1 303-555-0199", "303-555-0177")


def test_a_change_during_the_confirmation_is_not_overwritten(page: Page, manager: User, sign_in: SignIn) -> None:
    make_public(page)
    client, address = sign_in(manager), f"{BASE}clinic/1/change/"
    opened = open_form(client, address)
    asked = client.post(address, {**opened, **CLINIC, "phone": "+1 303-555-0155"})
    confirm(client, address, CLINIC)

    answer = client.post(address, {**opened, **CLINIC, "phone": "+1 303-555-0155", "_update": asked.context["token"]})

    assert changes_of(answer) == [("Phone", "+1 303-555-0199", "+1 303-555-0155")]
    assert fields_of(answer)["phone"] == "+1 303-555-0155"
    assert Clinic.objects.get().phone == "+1 303-555-0199"


def test_a_form_without_the_values_that_it_was_opened_with_overwrites_nothing(manager: User, sign_in: SignIn) -> None:
    make_clinic()

    answer = sign_in(manager).post(f"{BASE}clinic/1/change/", CLINIC)

    assert ("Phone", "+1 303-555-0100", "+1 303-555-0199") in changes_of(answer)
    assert Clinic.objects.get().phone == "+1 303-555-0100"


def test_the_same_form_sent_twice_is_not_a_conflict(manager: User, sign_in: SignIn) -> None:
    make_clinic()
    client, address = sign_in(manager), f"{BASE}clinic/1/change/"
    values = {**open_form(client, address), **CLINIC, **SPANISH, "texts-0-hours": "Lunes"}

    assert [client.post(address, values).status_code for _ in range(2)] == [302, 302]
    assert ClinicText.objects.filter(language="es").count() == 1


def test_rows_that_others_add_and_delete_are_shown(manager: User, sign_in: SignIn) -> None:
    clinic = make_clinic()
    text = clinic.texts.get()
    client, address = sign_in(manager), f"{BASE}clinic/1/change/"
    rows = {
        "texts-TOTAL_FORMS": 1,
        "texts-INITIAL_FORMS": 1,
        "texts-0-id": text.pk,
        "texts-0-clinic": 1,
        "texts-0-language": "en",
        "texts-0-hours": "Sundays",
        "texts-0-about": "",
    }
    values = {**open_form(client, address), **CLINIC, **rows}
    text.delete()
    ClinicText.objects.create(clinic=clinic, language="es", hours="Lunes")

    answer = client.post(address, values)

    assert [(change.label, change.kind) for change in answer.context["form_conflict"].changes] == [
        ("English", "kept"),
        ("Español", "added"),
    ]
    assert "The form keeps your version as a new entry." in answer.text
    assert "Someone else added this. It is in the form below." in answer.text
    assert [fields_of(answer)[f"texts-{index}-hours"] for index in range(2)] == ["Lunes", "Sundays"]
    assert send_again(client, address, answer).status_code == 302
    assert dict(ClinicText.objects.values_list("language", "hours")) == {"en": "Sundays", "es": "Lunes"}


def test_a_row_that_others_delete_is_dropped_if_the_form_did_not_change_it(manager: User, sign_in: SignIn) -> None:
    text = make_clinic().texts.get()
    client, address = sign_in(manager), f"{BASE}clinic/1/change/"
    row = {"id": text.pk, "clinic": 1, "language": "en", "hours": text.hours, "about": text.about}
    rows = {"texts-TOTAL_FORMS": 1, "texts-INITIAL_FORMS": 1, **{f"texts-0-{name}": row[name] for name in row}}
    values = {**open_form(client, address), **CLINIC, **rows}
    text.delete()

    answer = client.post(address, values)

    assert [(change.label, change.kind) for change in answer.context["form_conflict"].changes] == [
        ("English", "deleted")
    ]
    assert "Someone else deleted this." in answer.text
    assert "The form below now shows this value." not in answer.text
    assert send_again(client, address, answer).status_code == 302
    assert not ClinicText.objects.exists()


def test_a_number_of_rows_that_is_too_long_is_not_a_server_error(manager: User, sign_in: SignIn) -> None:
    make_clinic()
    client, address = sign_in(manager), f"{BASE}clinic/1/change/"

    answer = client.post(address, {**open_form(client, address), **CLINIC, "texts-TOTAL_FORMS": "9" * 5000})

    assert answer.status_code in {200, 409}


@pytest.mark.parametrize("key", ["abc", "9" * 30, "0"])
def test_saving_a_row_that_does_not_exist_shows_the_input(manager: User, sign_in: SignIn, key: str) -> None:
    answer = sign_in(manager).post(f"{BASE}source/{key}/change/", SOURCE)

    assert (answer.status_code, fields_of(answer)["title"]) == (409, "A guide")


def test_an_open_answer_does_not_bring_back_the_old_answer(
    clinic_answer: ClinicAnswer, manager: User, sign_in: SignIn
) -> None:
    client, address = sign_in(manager), f"{BASE}clinicanswer/{clinic_answer.pk}/change/"
    opened = open_form(client, address)
    confirm(client, address, clinic_answer_form(answer="After two weeks."))

    answer = client.post(address, {**opened, **clinic_answer_form(question="When may I drive?")})

    assert changes_of(answer) == [("Answer", "After two weeks.", "")]
    assert fields_of(answer)["question"] == "When may I drive?"
    clinic_answer.refresh_from_db()
    assert (clinic_answer.question, clinic_answer.answer) == ("When can I drive?", "After two weeks.")


@pytest.mark.parametrize("kind", ["source", "term", "series", "figure"])
def test_no_open_form_overwrites_what_was_saved_meanwhile(editor: User, sign_in: SignIn, kind: str) -> None:
    client = sign_in(editor)
    figure = make_figure()
    text = figure.texts.get()
    series = Series.objects.create(slug="heal", language="en", title="Healing")
    stage = series.items.create(figure=figure, heading="Day 1", text="Rest.")
    term, source = make_term(), make_source()
    inline = {"TOTAL_FORMS": 1, "INITIAL_FORMS": 1}
    address, values, row, name = {
        "source": (f"source/{source.pk}", SOURCE, source, "title"),
        "term": (
            f"glossaryterm/{term.pk}",
            {"term": "vertebra", "aliases": "", "pronunciation": "", "definition": "A bone of the spine."},
            term,
            "definition",
        ),
        "series": (
            f"series/{series.pk}",
            {
                "title": "Healing",
                **{f"items-{key}": value for key, value in inline.items()},
                "items-0-id": stage.pk,
                "items-0-series": series.pk,
                "items-0-order": 0,
                "items-0-figure": figure.pk,
                "items-0-heading": "Day 1",
                "items-0-text": "Rest.",
            },
            stage,
            "text",
        ),
        "figure": (
            f"figure/{figure.pk}",
            {
                "kind": figure.kind,
                "provenance": "simulated",
                "provenance_note": "",
                "deidentified": "on",
                "seen_picture": figure.sha256,
                **{f"texts-{key}": value for key, value in inline.items()},
                "texts-0-id": text.pk,
                "texts-0-figure": figure.pk,
                "texts-0-language": "en",
                "texts-0-title": "Needle",
                "texts-0-alt": text.alt,
                "texts-0-caption": text.caption,
                "texts-0-description": "",
            },
            text,
            "caption",
        ),
    }[kind]
    address = f"{BASE}{address}/change/"
    assert post_form(client, address, values).status_code == 302
    opened = open_form(client, address)
    type(row)._default_manager.filter(pk=row.pk).update(**{name: "New words."})

    answer = client.post(address, {**opened, **values})

    assert [(theirs, mine) for _label, theirs, mine in changes_of(answer)] == [("New words.", "")]
    row.refresh_from_db()
    assert getattr(row, name) == "New words."
    assert send_again(client, address, answer).status_code == 302
    row.refresh_from_db()
    assert getattr(row, name) == "New words."


def test_what_was_typed_about_a_deleted_row_can_be_saved_as_a_new_one(nina: Client) -> None:
    term = make_term("bone")
    address = f"{BASE}glossaryterm/{term.pk}/change/"
    typed = {**open_form(nina, address), "term": "bone", "definition": "My words."}
    term.delete()

    answer = nina.post(address, typed)
    saved = nina.post(f"{BASE}glossaryterm/add/", {**typed, "key": "bone", "language": "en"})

    assert answer.status_code == 409
    assert "Someone else deleted this while you had it open. What you typed is still here." in answer.text
    assert f'action="{BASE}glossaryterm/add/"' in answer.text
    assert fields_of(answer)["definition"] == "My words."
    assert (saved.status_code, type(term).objects.get().definition) == (302, "My words.")


def test_the_stages_of_a_deleted_series_become_new_ones(nina: Client) -> None:
    figure, series = make_figure(), Series.objects.create(slug="s", language="en", title="Stages")
    stage = series.items.create(figure=figure, order=1, text="Old.")
    address = f"{BASE}series/{series.pk}/change/"
    typed = {
        **open_form(nina, address), "title": "Stages", "items-TOTAL_FORMS": 1, "items-INITIAL_FORMS": 1,
        "items-0-id": stage.pk, "items-0-series": series.pk, "items-0-figure": figure.pk, "items-0-order": 1,
        "items-0-text": "My words.", "items-0-heading": "",
    }  # fmt: skip
    series.delete()

    answer = nina.post(address, typed)

    assert answer.status_code == 409
    fields = fields_of(answer)
    assert (fields["items-0-text"], fields["items-0-id"]) == ("My words.", "")


def test_texts_of_a_deleted_picture_can_be_copied(nina: Client) -> None:
    figure = make_figure()
    address = f"{BASE}figure/{figure.pk}/change/"
    opened = open_form(nina, address)
    figure.delete()

    answer = nina.post(address, {**opened, "texts-TOTAL_FORMS": 1, "texts-0-caption": "My <words>."})

    assert answer.status_code == 409
    assert "What you typed is still here, to copy." in answer.text and "My &lt;words&gt;." in answer.text
    assert "snapshot" not in answer.text


@pytest.mark.parametrize(
    ("address", "prefix", "limit"),
    [("series/add/", "items", 60), ("guide/add/", "items", 60), ("warningsign/", "form", 60)],
)
def test_a_huge_number_of_rows_is_refused_quickly(nina: Client, address: str, prefix: str, limit: int) -> None:
    make_figure()
    typed = {f"{prefix}-TOTAL_FORMS": 10**9, f"{prefix}-INITIAL_FORMS": 0, "title": "My words", "action": "propose"}

    started = time.perf_counter()
    answer = nina.post(f"{BASE}{address}", typed)

    assert time.perf_counter() - started < 15
    assert f"This form has too many entries, so nothing is saved. It can have at most {limit}." in answer.text
    assert not Series.objects.exists() and not Page.objects.exists()
