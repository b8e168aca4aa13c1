"""Staff try a clinical code and see what a health-record system would get."""

import pytest

from portal.accounts.models import User
from procedures.models import ClinicalCode
from tests.admin.conftest import SignIn
from tests.factories import make_clinic, make_page, make_public, make_translation

TRY = "/admin/procedures/clinicalcode/try/"


@pytest.fixture
def codes(db: None) -> None:
    make_clinic()
    page = make_page("fracture")
    make_public(page)
    make_public(make_translation(page, slug="fractura"))
    make_public(make_page("weak-bones"))
    ClinicalCode.objects.create(system="icd-10-cm", code="M80.08", subject="fracture")
    ClinicalCode.objects.create(system="icd-10-cm", code="M80", subject="weak-bones")


def test_a_code_shows_its_pages_in_each_language_and_why(codes: None, editor: User, sign_in: SignIn) -> None:
    html = sign_in(editor).get(TRY, {"code": "m8008xa", "system": "icd-10-cm"}).content.decode()

    assert html.index("English") < html.index('href="/fracture/"') < html.index("/es/fractura/")
    assert "because of the row M80.08, rank 1" in html
    assert "weak-bones" not in html


def test_a_code_without_a_page_says_what_happens(codes: None, editor: User, sign_in: SignIn) -> None:
    html = sign_in(editor).get(TRY, {"code": "Z99", "system": "icd-10-cm"}).content.decode()

    assert html.count("No page.") == 2


@pytest.mark.parametrize(("code", "sentence"), [("...", "no letter or digit"), ("", "This field is required")])
def test_an_odd_code_gets_a_sentence(codes: None, editor: User, sign_in: SignIn, code: str, sentence: str) -> None:
    assert sentence in sign_in(editor).get(TRY, {"code": code, "system": "cpt"}).content.decode()


def test_the_list_of_codes_leads_there_and_strangers_do_not(codes: None, editor: User, sign_in: SignIn, client) -> None:
    assert f'href="{TRY}"' in sign_in(editor).get("/admin/procedures/clinicalcode/").content.decode()
    assert client.get(TRY).status_code == 302
