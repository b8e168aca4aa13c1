"""Rows that pages print: their forms, the message about stale pages, and re-releasing these pages."""

import re
from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import User
from procedures.enums import EventKind
from procedures.models import (
    Clinic,
    ClinicalCode,
    ClinicAnswer,
    Figure,
    GlossaryTerm,
    Page,
    ReleaseEvent,
    Series,
    SeriesItem,
    Source,
)
from procedures.publishing import warning_signs
from procedures.publishing.rerelease import rerelease_pages
from tests.admin.conftest import PAGES, SignIn, clinic_answer_form, post_form
from tests.factories import (
    make_clinic,
    make_figure,
    make_page,
    make_public,
    make_sign,
    make_source,
    make_term,
    make_user,
    sign_content,
)

BASE = "/admin/procedures/"
OUTDATED = f"{PAGES}outdated/"
CLINIC = {
    "name": "Test Spine Clinic",
    "phone": "+1 303-555-0199",
    "after_hours_phone": "",
    "emergency_number": "911",
    "time_zone": "America/Denver",
    "texts-TOTAL_FORMS": 0,
    "texts-INITIAL_FORMS": 0,
}


def get_messages(client: Any, answer: Any) -> str:
    """Return the messages after a save."""
    assert answer.status_code == 302, answer.context["errors"]
    return " ".join(str(message) for message in client.get(answer["Location"]).context["messages"])


def test_stale_pages_can_be_rereleased(page: Page, editor: User, manager: User, sign_in: SignIn) -> None:
    make_public(page)
    source = make_source()
    values = {"organisation": "NICE", "title": "Another", "year": 2013, "url": "", "identifier": "", "used_for": ""}
    post_form(sign_in(editor), f"{BASE}source/{source.pk}/change/", values)
    client = sign_in(manager)
    listed = client.get(OUTDATED).content.decode()

    answer = client.post(OUTDATED, {"page": [page.pk]})

    assert "changed: source nice" in listed
    assert get_messages(client, answer) == "1 page updated."
    assert "Another" in client.get("/small-cut/").content.decode()
    assert ReleaseEvent.objects.filter(page=page, kind=EventKind.RERELEASED, actor=manager).count() == 1


def test_only_publishers_can_rerelease_and_the_list_needs_a_role(
    page: Page, editor: User, reviewer: User, visitor: User, sign_in: SignIn
) -> None:
    make_public(page)
    Source.objects.update(title="Another")

    answers = [
        (sign_in(user).get(OUTDATED).status_code, sign_in(user).post(OUTDATED, {"page": [page.pk]}).status_code)
        for user in (visitor, editor, reviewer)
    ]

    assert answers == [(403, 403), (200, 403), (200, 403)]
    assert not ReleaseEvent.objects.filter(kind=EventKind.RERELEASED).exists()


def confirmations(client: Client) -> dict[str, Any]:
    """Return the screens that ask before public pages are updated, with a new list of warning signs."""
    warning_signs.record_list_decision(
        warning_signs.propose_list([sign_content("fever")], author=None, expected_number=0),
        reviewer=make_user("rita"),
        approved=True,
    )
    return {
        "update": client.get(OUTDATED),
        "clinic": post_form(client, f"{BASE}clinic/1/change/", CLINIC),
        "warning signs": client.get(f"{BASE}warningsign/"),
    }


def test_every_confirmation_shows_changed_texts_of_pictures_in_words(
    page: Page, manager: User, sign_in: SignIn
) -> None:
    make_sign()
    figure = Figure.objects.get()
    needle = figure.markers.get()
    bone = figure.markers.create(key="bone", x=0.8, y=0.8, target_x=0.6, target_y=0.6)
    bone.texts.create(language="en", label="Bone")
    make_public(page)
    rerelease_pages(Page.objects.all(), actor=None)
    needle.texts.update(label="Bone", text="")
    bone.texts.update(label="Tip")
    bone.texts.create(language="es", label="Aguja")
    figure.markers.filter(key="tip").update(target_x=0.4)
    figure.texts.update(alt="A bone.", caption="The bone.")
    words = [
        "needle: alternative text: “A needle in a bone.” becomes “A bone.”",
        "needle: caption: “The needle is in the bone.” becomes “The bone.”",
        "needle: Tip: pointer moved",
        "needle: marker 1, label: “Tip” becomes “Bone”",
        "needle: marker 1, text: “The end of the needle.” becomes “(empty)”",
        "needle: marker 2, label: “Bone” becomes “Tip”",
    ]
    screens = confirmations(sign_in(manager))

    for name, screen in screens.items():
        found = re.findall(r"<li>(needle: [^<]*)</li>", screen.content.decode())
        assert found[: len(words)] == words, name


def test_every_confirmation_shows_the_new_words_of_series_terms_and_sources(
    page: Page, manager: User, sign_in: SignIn
) -> None:
    make_sign()
    term = make_term("bone")
    stage = Series.objects.create(slug="heal", language="en", title="Healing").items.create(
        figure=Figure.objects.get(), heading="Day 1", text="Rest at home on day 1."
    )
    page.body += "\n::: series heal\n\nIt is near a bone.\n"
    page.save()
    make_public(page)
    rerelease_pages(Page.objects.all(), actor=None)
    SeriesItem.objects.filter(pk=stage.pk).update(text="Lift heavy weights on day 1.")
    GlossaryTerm.objects.filter(pk=term.pk).update(definition="A hard bone of the spine.")
    Source.objects.update(title="Another guide")

    screens = confirmations(sign_in(manager))

    for name, screen in screens.items():
        html = screen.content.decode()
        assert "“Rest at home on day 1.” becomes “Lift heavy weights on day 1.”" in html, name
        assert "“A bone of the spine.” becomes “A hard bone of the spine.”" in html, name
        assert re.search(r"Source: “[^”]*A guide[^”]*” becomes “[^”]*Another guide", html), name


def test_a_page_that_cannot_be_rereleased_does_not_stop_others(page: Page, manager: User, sign_in: SignIn) -> None:
    other = make_page("big-cut")
    make_figure("spare", size=(40, 40))
    page.body += "\n::: figure spare\n"
    for each in (page, other):
        make_public(each)
    Source.objects.update(title="A newer guide")
    # Rename a picture used by one page's released text, bypassing all checks.
    Figure.objects.filter(slug="spare").update(slug="gone")

    answer = sign_in(manager).post(OUTDATED, {"page": [page.pk, other.pk]})

    html = answer.content.decode()
    assert answer.status_code == 409
    assert "“Small cut” was not updated" in html
    assert "There is no picture “spare”." in html
    assert ReleaseEvent.objects.filter(kind=EventKind.RERELEASED).get().page == other


def test_nothing_is_rereleased_without_a_selection(clinic_answer: ClinicAnswer, manager: User, sign_in: SignIn) -> None:
    client = sign_in(manager)

    assert get_messages(client, client.post(OUTDATED, {"page": ["x", "99999999999"]})) == "0 pages updated."


@pytest.mark.parametrize("word", ["vertebra", "bone"])
def test_a_changed_glossary_term_reports_stale_pages(page: Page, editor: User, sign_in: SignIn, word: str) -> None:
    term = make_term("cut", term="cut")
    make_public(page)
    client = sign_in(editor)
    values = {
        "key": "cut",
        "language": "en",
        "term": "cut",
        "aliases": f"{word}\r\n\r\n{word}\r\nnick",
        "pronunciation": "",
    }

    message = get_messages(
        client, post_form(client, f"{BASE}glossaryterm/{term.pk}/change/", {**values, "definition": "A small opening."})
    )

    term.refresh_from_db()
    assert term.aliases == [word, "nick"]
    assert "1 public page shows outdated details." in message


def test_an_unchanged_glossary_term_reports_nothing(page: Page, editor: User, sign_in: SignIn) -> None:
    term = make_term("cut", term="cut", aliases=["nick"])
    make_public(page)
    client = sign_in(editor)
    values = {"term": "cut", "aliases": "nick", "pronunciation": "", "definition": term.definition}

    assert "outdated details" not in get_messages(
        client, post_form(client, f"{BASE}glossaryterm/{term.pk}/change/", values)
    )


def test_a_changed_source_reports_stale_pages(page: Page, editor: User, sign_in: SignIn) -> None:
    make_public(page)
    source, client = make_source(), sign_in(editor)
    values = {
        "organisation": "NICE",
        "title": "Another title",
        "year": 2013,
        "url": "",
        "identifier": "",
        "used_for": "",
    }

    message = get_messages(client, post_form(client, f"{BASE}source/{source.pk}/change/", values))

    assert "public pages show outdated details." in message


def test_errors_in_inline_rows_link_to_their_fields(page: Page, manager: User, sign_in: SignIn) -> None:
    rows = {"texts-TOTAL_FORMS": 1, "texts-0-language": "xx", "texts-0-id": "", "texts-0-clinic": 1}

    html = post_form(sign_in(manager), f"{BASE}clinic/1/change/", {**CLINIC, **rows}).content.decode()

    assert '<li><a href="#id_texts-0-language"\n    >Text 1, Language</a>: Select a valid choice.' in html


def test_there_is_one_clinic_and_it_cannot_be_deleted(
    page: Page, manager: User, sign_in: SignIn, admin_user: User
) -> None:
    client = sign_in(admin_user)

    assert client.get(f"{BASE}clinic/add/").status_code == 403
    assert client.post(f"{BASE}clinic/1/delete/", {"post": "yes"}).status_code == 403
    assert Clinic.objects.count() == 1


def test_a_missing_clinic_can_be_added(manager: User, sign_in: SignIn) -> None:
    sign_in(manager).post(f"{BASE}clinic/add/", CLINIC)

    assert Clinic.objects.get().pk == 1


@pytest.mark.parametrize("name", ["clinicanswer", "source"])
def test_a_row_that_a_text_refers_to_cannot_be_deleted(
    clinic_answer: ClinicAnswer, manager: User, sign_in: SignIn, name: str
) -> None:
    row = {"clinicanswer": clinic_answer, "source": make_source()}[name]
    client = sign_in(manager)

    client.post(f"{BASE}{name}/{row.pk}/delete/", {"post": "yes"})
    html = client.get(f"{BASE}{name}/{row.pk}/delete/").content.decode()

    assert type(row).objects.filter(pk=row.pk).exists()
    assert "The draft of “Small cut” shows it." in html


def test_deleting_a_glossary_term_reports_its_pages(page: Page, manager: User, sign_in: SignIn) -> None:
    term = make_term("cut", term="cut")
    make_public(page)
    client = sign_in(manager)

    message = get_messages(client, client.post(f"{BASE}glossaryterm/{term.pk}/delete/", {"post": "yes"}))

    assert not GlossaryTerm.objects.exists()
    assert "1 public page shows outdated details." in message


def test_keys_that_texts_use_are_read_only(clinic_answer: ClinicAnswer, editor: User, sign_in: SignIn) -> None:
    post_form(
        sign_in(editor),
        f"{BASE}clinicanswer/{clinic_answer.pk}/change/",
        clinic_answer_form(key="other", language="es"),
    )

    clinic_answer.refresh_from_db()
    assert (clinic_answer.key, clinic_answer.language) == ("driving", "en")


def test_clinical_codes_can_be_edited(manager: User, sign_in: SignIn) -> None:
    make_clinic()

    sign_in(manager).post(
        f"{BASE}clinicalcode/add/", {"system": "icd-10-cm", "code": "S32.0", "subject": "small-cut", "rank": 1}
    )

    assert ClinicalCode.objects.get().code == "S32.0"
