"""Clinical codes in any spelling are saved in the usual one and match the requests of health record systems."""

import json

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from procedures import infobutton
from procedures.importing.serializers import ClinicalCodeSerializer
from procedures.models import ClinicalCode
from procedures.models.reference import normalize_clinical_code
from tests.factories import make_clinic, make_page, make_public

pytestmark = pytest.mark.django_db
OIDS = {system.value: oid for oid, system in infobutton.CODE_SYSTEMS_BY_OID.items()}
# System, what staff type, the saved code, and what a record system sends.
SPELLINGS = [
    ("icd-10-cm", "m99.13", "M99.13", "M99.13"),
    ("icd-10-cm", "Q76 21", "Q76.21", "q7621"),
    ("icd-10-cm", "m999", "M99.9", "M99.9XA"),
    ("icd-10-cm", "S3.20", "S32.0", "S32.010A"),
    ("icd-10-cm", "\uff2d80.\u00a0", "M80", "M80.08XA"),
    ("icd-9-cm", "e8051", "E805.1", "E805.1"),
    ("icd-9-cm", "E805.1", "E805.1", "E8051"),
    ("icd-9-cm", "v123", "V12.3", "V12.3"),
    ("icd-9-cm", "73313", "733.13", "733.13"),
    ("cpt", " 225 13 ", "22513", "22513"),
    ("cpt", "0200t", "0200T", "0200T"),
    ("snomed-ct", "207 938 004", "207938004", "207938004"),
]


@pytest.fixture
def page() -> None:
    make_clinic()
    make_public(make_page("fracture"))


def find(system: str, code: str) -> int:
    """Return how many pages a record system receives for a code."""
    params = {
        infobutton.SYSTEM_PARAM: OIDS[system],
        infobutton.CODE_PARAM: code,
        infobutton.FORMAT_PARAM: infobutton.JSON_TYPE,
    }
    return len(json.loads(Client().get("/connect/service", params).content)["feed"]["entry"])


def test_a_code_in_any_spelling_is_saved_in_the_usual_one_and_found(page: None, subtests: pytest.Subtests) -> None:
    for system, typed, saved, sent in SPELLINGS:
        with subtests.test(system=system, typed=typed):
            row = ClinicalCode(system=system, code=normalize_clinical_code(system, typed), subject="fracture")
            row.full_clean()
            row.save()

            assert row.code == saved
            assert find(system, sent) == 1
            row.delete()
            assert find(system, sent) == 0


def test_a_code_that_an_earlier_version_saved_as_typed_is_found(page: None, subtests: pytest.Subtests) -> None:
    for system, typed, _saved, sent in SPELLINGS:
        if typed.isascii():
            with subtests.test(system=system, typed=typed):
                row = ClinicalCode.objects.create(system=system, code=typed, subject="fracture")

                assert find(system, sent) == 1
                row.delete()


def test_a_content_file_must_have_the_usual_spelling(page: None) -> None:
    def load(code: str) -> None:
        data = {"system": "icd-10-cm", "code": code, "subject": "fracture", "rank": 1}
        ClinicalCodeSerializer().save_row(f"icd-10-cm {code} fracture", data, None, store_files=False)

    load("M99.13")
    assert ClinicalCode.objects.get().code == "M99.13"
    for code in ("m9913", "M9913", "M99 13", "m99.13"):
        with pytest.raises(ValidationError, match=r"Write this code as M99\.13\."):
            load(code)
    with pytest.raises(ValidationError, match="Use only letters, digits, and a dot"):
        load("M99-13")
