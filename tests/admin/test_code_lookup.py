"""The code lookup shows which pages a record system gets for a clinical code."""

import pytest

from portal.accounts.models import User
from procedures.models import ClinicalCode
from tests.admin.conftest import SignIn
from tests.factories import make_clinic, make_page, make_public, make_translation
from tests.replay import built_once

TRY = "/admin/procedures/clinicalcode/try/"


@pytest.fixture
@built_once
def codes(db: None) -> None:
    make_clinic()
    page = make_page("fracture")
    make_public(page)
    make_public(make_translation(page, slug="fractura"))
    make_public(make_page("weak-bones"))
    ClinicalCode.objects.create(system="icd-10-cm", code="M80.08", subject="fracture")
    ClinicalCode.objects.create(system="icd-10-cm", code="M80", subject="weak-bones")


def test_a_code_lists_its_pages_and_matches_in_each_language(codes: None, editor: User, sign_in: SignIn) -> None:
    html = sign_in(editor).get(TRY, {"code": "m8008xa", "system": "icd-10-cm"}).content.decode()

    assert html.index("English") < html.index('href="/fracture/"') < html.index("/es/fractura/")
    assert "matches M80.08, priority 1" in html
    assert "weak-bones" not in html


def test_a_code_without_a_page_says_what_record_systems_get(codes: None, editor: User, sign_in: SignIn) -> None:
    html = sign_in(editor).get(TRY, {"code": "Z99", "system": "icd-10-cm"}).content.decode()

    assert html.count("No page for this code.") == 2


@pytest.mark.parametrize(
    ("code", "sentence"), [("...", "at least one letter or digit"), ("", "This field is required")]
)
def test_an_invalid_code_is_a_form_error(codes: None, editor: User, sign_in: SignIn, code: str, sentence: str) -> None:
    assert sentence in sign_in(editor).get(TRY, {"code": code, "system": "cpt"}).content.decode()


def test_the_code_list_links_to_the_lookup_which_requires_permission(
    codes: None, editor: User, sign_in: SignIn, client
) -> None:
    assert f'href="{TRY}"' in sign_in(editor).get("/admin/procedures/clinicalcode/").content.decode()
    assert client.get(TRY).status_code == 302


@pytest.mark.parametrize("code", ["M99-13", "M99/13", "M99.13, M99.14", "S32.0*", "\u041c80", "M80\u200b"])
def test_characters_that_no_code_has_are_refused_in_the_form(
    codes: None, manager: User, sign_in: SignIn, code: str
) -> None:
    values = {"system": "icd-10-cm", "code": code, "subject": "fracture", "rank": "1"}

    answer = sign_in(manager).post("/admin/procedures/clinicalcode/add/", values)

    assert "Use only letters, digits, and a dot in a code" in answer.content.decode()
    assert ClinicalCode.objects.count() == 2


def test_the_form_saves_the_usual_spelling(codes: None, manager: User, sign_in: SignIn) -> None:
    values = {"system": "icd-10-cm", "code": "m9913", "subject": "fracture", "rank": "1"}

    sign_in(manager).post("/admin/procedures/clinicalcode/add/", values)

    assert ClinicalCode.objects.filter(code="M99.13").count() == 1


def test_the_same_code_in_another_spelling_is_refused(codes: None, manager: User, sign_in: SignIn) -> None:
    values = {"system": "icd-10-cm", "code": "m8008", "subject": "fracture", "rank": "1"}

    answer = sign_in(manager).post("/admin/procedures/clinicalcode/add/", values)

    assert "already exists" in answer.content.decode()
    assert ClinicalCode.objects.count() == 2
