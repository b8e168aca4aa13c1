"""Infobutton requests of EHR systems, in the format of MedlinePlus Connect."""

import datetime
import json
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from procedures import infobutton
from procedures.languages import language_of_infobutton
from procedures.models import ClinicalCode, ReleaseEvent
from tests.database import history_unprotected
from tests.factories import make_clinic, make_page, make_public
from tests.replay import built_once

pytestmark = pytest.mark.django_db

ICD10, SNOMED, CPT = "2.16.840.1.113883.6.90", "2.16.840.1.113883.6.96", "2.16.840.1.113883.6.12"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
@built_once
def pages():
    """A fracture page, a page on weak bones, and their codes."""
    make_clinic()
    for subject in ("fracture", "weak-bones", "kyphoplasty"):
        make_public(make_page(subject))
    rows = [
        ("icd-10-cm", "M80.08", "fracture", 1),
        ("icd-10-cm", "M80.08", "kyphoplasty", 2),
        ("icd-10-cm", "M80", "weak-bones", 1),
        ("icd-10-cm", "S32.0", "fracture", 1),
        ("snomed-ct", "64859006", "weak-bones", 1),
        ("cpt", "22513", "kyphoplasty", 1),
    ]
    for system, code, subject, rank in rows:
        ClinicalCode.objects.create(system=system, code=code, subject=subject, rank=rank)


def ask(client: Client, address: str = "service", **values: str):
    names = {
        "cs": infobutton.SYSTEM_PARAM,
        "c": infobutton.CODE_PARAM,
        "dn": infobutton.NAME_PARAM,
        "lang": infobutton.LANGUAGE_PARAM,
    }
    names |= {"type": infobutton.FORMAT_PARAM, "callback": infobutton.CALLBACK_PARAM}
    query = urlencode({names.get(name, name): value for name, value in values.items()})
    return client.get(f"/connect/{address}?{query}")


def titles(response) -> list[str]:
    return [entry["title"]["_value"] for entry in json.loads(response.content)["feed"]["entry"]]


def test_every_spelling_of_a_code_finds_the_same_pages_in_order(client, pages, subtests: pytest.Subtests) -> None:
    for code in ["M80.08XA", "m80.08xa", "M8008XA", "M80.08", " M80.08 ", "M80.08XD"]:
        with subtests.test(code=code):
            assert titles(ask(client, cs=ICD10, c=code, type="application/json")) == ["Fracture", "Kyphoplasty"]


def test_longest_matching_code_wins(client, pages):
    assert titles(ask(client, cs=ICD10, c="M80.051", type="application/json")) == ["Weak bones"]


@pytest.mark.parametrize(
    ("system", "code", "title"), [(SNOMED, "64859006", "Weak bones"), (CPT, "22513", "Kyphoplasty")]
)
def test_other_systems_compare_whole_codes(client, pages, system, code, title):
    assert titles(ask(client, cs=system, c=code, type="application/json")) == [title]
    assert titles(ask(client, cs=system, c=f"{code}1", type="application/json")) == []


def test_unknown_code_gives_an_empty_list(client, pages):
    response = ask(client, cs=ICD10, c="Z99.9", type="application/json")
    assert (response.status_code, titles(response)) == (200, [])


def test_spanish_falls_back_to_english_and_says_so(client, pages):
    response = ask(client, cs=CPT, c="22513", lang="es-US", type="application/json")
    assert [entry["lang"] for entry in json.loads(response.content)["feed"]["entry"]] == ["en"]


def test_xml_is_the_default_and_has_the_same_content(client, pages):
    response = ask(client, cs=ICD10, c="M80.08")
    root = ElementTree.fromstring(response.content)
    assert response["Content-Type"] == "text/xml; charset=utf-8"
    assert [title.text for title in root.findall(f"{ATOM}entry/{ATOM}title")] == ["Fracture", "Kyphoplasty"]
    assert root.find(f"{ATOM}entry/{ATOM}link").get("href").endswith("/fracture/")


def test_javascript_calls_the_named_function_and_can_be_loaded_cross_origin(client, pages):
    response = ask(client, cs=CPT, c="22513", type="application/javascript", callback="ehr.show")
    assert response.content.startswith(b"/**/ehr.show({")
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_invalid_request_gets_400_in_the_requested_format(client, pages, subtests: pytest.Subtests) -> None:
    for values, kind in [
        ({"cs": ICD10, "type": "application/json"}, "application/json"),
        ({"cs": "1.2.3", "c": "M80", "type": "application/json"}, "application/json"),
        ({"cs": ICD10, "c": "M" * 100_000, "type": "application/json"}, "application/json"),
        ({"cs": ICD10, "c": "...", "type": "application/json"}, "application/json"),
        ({"c": "M80"}, "text/xml"),
        ({"cs": ICD10, "c": "M80", "type": "application/javascript", "callback": "alert(1)"}, "text/xml"),
        ({"cs": ICD10, "c": "M80", "type": "text/html"}, "text/xml"),
    ]:
        with subtests.test(values=values, kind=kind):
            response = ask(client, **values)
            assert (response.status_code, response["Content-Type"]) == (400, f"{kind}; charset=utf-8")
            if kind == "application/json":
                assert json.loads(response.content)["error"].endswith(".")
            else:
                assert ElementTree.fromstring(response.content).text.endswith(".")


def test_hl7_extras_are_ignored(client, pages):
    extras = {"taskContext.c.c": "PROBLISTREV", "age.v.v": "78", "performer": "PROV"}
    assert titles(ask(client, cs=CPT, c="22513", type="application/json", **extras)) == ["Kyphoplasty"]


def test_person_is_redirected_to_the_only_page(client, pages):
    response = ask(client, "application", cs=CPT, c="22513")
    assert (response.status_code, response["Location"]) == (302, "/kyphoplasty/")


def test_person_chooses_between_several_pages(client, pages):
    html = ask(client, "application", cs=ICD10, c="M80.08").content.decode()
    assert html.index("/fracture/") < html.index("/kyphoplasty/")


def test_response_needs_one_query_and_is_cacheable_for_half_a_day(client, pages):
    assert connection.features.supports_json_field
    with CaptureQueriesContext(connection) as queries:
        response = ask(client, cs=ICD10, c="M80.08", type="application/json")
    assert (len(queries), response["Cache-Control"]) == (1, "public, max-age=43200")


def test_pages_for_a_person_are_revalidated_because_they_show_the_phone_number(client, pages):
    several = ask(client, "application", cs=ICD10, c="M80.08")
    none = ask(client, "application", cs=ICD10, c="Z99.9")
    assert (several.status_code, several["Cache-Control"]) == (200, "no-cache")
    assert (none.status_code, none["Cache-Control"]) == (200, "no-cache")


def test_capitals_and_a_slash_at_the_end_keep_the_query(client, pages):
    query = urlencode({infobutton.SYSTEM_PARAM: CPT, infobutton.CODE_PARAM: "22513"})
    for path in ("/connect/service/", "/Connect/Service", "/CONNECT/SERVICE/"):
        assert b"<entry" in client.get(f"{path}?{query}").content, path
    for path in ("/connect/application/", "/Connect/Application", "/CONNECT/APPLICATION/"):
        assert client.get(f"{path}?{query}")["Location"] == "/kyphoplasty/", path
    assert client.get("/connect/guides.json/").status_code == 200


def test_an_empty_feed_has_the_time_of_the_last_public_change(client, pages):
    updated = ElementTree.fromstring(ask(client, cs=ICD10, c="Z99.9").content).findtext(f"{ATOM}updated")
    last = ReleaseEvent.objects.public().values_list("created_at", flat=True)[0]
    assert updated == last.isoformat(timespec="seconds")

    data = json.loads(ask(client, cs=ICD10, c="Z99.9", type="application/json").content)
    assert data["feed"]["updated"]["_value"] == updated


def test_a_feed_of_a_portal_without_pages_has_a_time(client, db):
    updated = ElementTree.fromstring(ask(client, cs=ICD10, c="Z99.9").content).findtext(f"{ATOM}updated")
    assert datetime.datetime.fromisoformat(updated).tzinfo


def test_an_error_page_is_in_the_requested_language(client, pages):
    for language in ("es", "es-US", "en"):
        response = ask(client, "application", cs=ICD10, lang=language)
        assert (response.status_code, response["Content-Language"]) == (400, language[:2])


def test_list_of_guides_has_stable_ids(client, pages):
    guide = make_page("first-visit", kind="guide", lead_figure=None)
    guide.items.create(page=make_page("reading"), minutes=5)
    make_public(guide.items.get().page)
    make_public(guide)
    (row,) = json.loads(client.get("/connect/guides.json").content)["guides"]
    assert row["id"] == guide.code
    assert row["neutral_url"].endswith(f"/p/{guide.code}")


NOT_XML = "\x00\x01\x08\x0b\x0c\x0e\x1f\ufffe\uffff"


def test_responses_contain_no_characters_forbidden_in_xml(client, pages):
    dirty = f"Weak{NOT_XML}bones \U0001f9b4 é <&>\"'"
    for name in ("dn", "c", "cs", "lang"):
        values = {"cs": SNOMED, "c": "64859006", "dn": "x", name: {"c": "64859006", "cs": SNOMED}.get(name, "") + dirty}
        for kind in ("text/xml", "application/json", "application/javascript"):
            response = ask(client, type=kind, callback="show", **values)
            text = response.content.decode()
            assert not any(sign in text for sign in NOT_XML), (name, kind)
            if kind == "text/xml":
                root = ElementTree.fromstring(response.content)
                if name == "dn":
                    terms = {item.get("scheme"): item.get("term") for item in root.iter(f"{ATOM}category")}
                    assert terms[infobutton.NAME_PARAM] == "Weakbones \U0001f9b4 é <&>\"'"
    assert (
        client.get(
            "/connect/service?" + f"{infobutton.NAME_PARAM}=%ED%A0%80%0B&{infobutton.SYSTEM_PARAM}={SNOMED}"
        ).status_code
        == 400
    )


def test_a_title_from_the_database_is_cleaned_too(client, pages):
    with history_unprotected(), connection.cursor() as cursor:
        cursor.execute("UPDATE procedures_release SET title = %s, key_message = %s", ["Bo\x0bnes", "Key\x1f."])
        cursor.execute("UPDATE procedures_clinic SET name = %s", ["Spine\x0cClinic"])
    response = ask(client, cs=SNOMED, c="64859006")
    root = ElementTree.fromstring(response.content)
    assert root.find(f"{ATOM}entry/{ATOM}title").text == "Bones"
    assert root.find(f"{ATOM}title").text == "SpineClinic"


def test_codes_of_drugs_tests_and_procedures_get_an_empty_feed(client, pages):
    for system, code in (
        ("2.16.840.1.113883.6.88", "637188"),
        ("2.16.840.1.113883.6.69", "00310-0751-39"),
        ("2.16.840.1.113883.6.1", "3187-2"),
        ("2.16.840.1.113883.6.4", "0PS43ZZ"),
        ("2.16.840.1.113883.12.292", "140"),
        ("urn:oid:2.16.840.1.113883.6.88", "637188"),
    ):
        response = ask(client, cs=system, c=code, type="application/json")
        assert (response.status_code, titles(response)) == (200, []), system
        root = ElementTree.fromstring(ask(client, cs=system, c=code).content)
        assert (root.tag, root.findall(f"{ATOM}entry")) == (f"{ATOM}feed", [])
        assert ask(client, "application", cs=system, c=code).status_code == 200
    by_name = ask(client, cs="2.16.840.1.113883.6.69", dn="Chantix 0.5 MG", type="application/json")
    assert (by_name.status_code, titles(by_name)) == (200, [])
    for system in ("", "2.16.840.1.113883.6.999", "6.88", "2.16.840.1.113883.6.881"):
        assert ask(client, cs=system, c="1").status_code == 400, system


def test_the_whole_first_language_subtag_is_compared():
    spanish = ["es", "ES", "es-US", "es_MX", " es ", "spa", "es-419", "sp"]
    english = ["", "en", "en-US", "est", "est-EE", "esp-x", "eses", "fr", "e", "-es", "zh-es"]
    assert {typed: language_of_infobutton(typed) for typed in spanish} == dict.fromkeys(spanish, "es")
    assert {typed: language_of_infobutton(typed) for typed in english} == dict.fromkeys(english, "en")
