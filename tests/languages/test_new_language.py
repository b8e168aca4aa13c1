"""A made-up right-to-left language needs only a registry entry, a catalog, and content."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# One copy of the portal, in a separate process.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("new language")]

ROOT = Path(__file__).resolve().parents[2]
PROBE = Path(__file__).with_name("probe.py")
# Right to left, with letters that have no capitals. ISO 639-1 does not assign the code "qx".
ENTRY = """
from procedures.languages.definition import AddressWords, LanguageDefinition, NumberVocabulary, Readability

MADE_UP = LanguageDefinition(
    code="qx",
    name="קשט",
    english_name="Madeup",
    direction="rtl",
    script="Hebr",
    address_words=AddressWords(language="qx|madeup"),
    infobutton_codes=frozenset({"qxx"}),
    abbreviations=("דר",),
    readability=Readability(
        name="Madeup ease",
        formula=lambda words, syllables: 100 - words - 10 * syllables,
        count_syllables=len,
        higher_is_easier=True,
        limit=56.0,
        paragraph_limit=56.0,
        floor=None,
        too_hard="The text has a Madeup ease of %(level)s; the minimum is %(limit)s.",
        hard_paragraph="This paragraph has a Madeup ease of %(level)s.",
        too_easy="",
    ),
    numbers=NumberVocabulary(
        months="ניסן|אייר",
        weekdays="שבת",
        between="עד",
        counted="אנשים",
        items="שלב",
        call_words="חייגו",
        after_emergency_number="עכשיו",
        birth_words="נולד",
    ),
)
"""
CATALOG = {"Guides for your visits and procedure": "מצא ביקור", "Search": "חפש"}
HEAD = """\
---
subject: {subject}
slug: {slug}
kind: {kind}
order: 10
code: '{code}'
title: {title}
key_message: {title}.
description: {title}.
lead_figure: ''
{more}review_months: 12
---
"""
ITEMS = "next:\n  page: contact\n  label: ''\n"
READING = "items:\n- page: contact\n  section: ''\n  minutes: 5\n  note: ''\n"
CONTENT = {
    "clinic.yaml": """\
name: Test Spine Clinic
phone: +1 303-555-0100
after_hours_phone: ''
emergency_number: '911'
time_zone: America/Denver
text:
  en:
    hours: Monday to Friday
    about: We are small.
  qx:
    hours: בלם
    about: דגה
""",
    "codes.yaml": "- system: icd-10-cm\n  code: M48.5\n  subject: contact\n  rank: 1\n",
    "locations.yaml": "[]\n",
    "warning_signs.yaml": """\
- key: legs
  level: emergency
  when: both
  sources: []
  text:
    en:
      text: You can't move your legs.
      short: Legs that you can't move
    es:
      text: No puede mover las piernas.
      short: Piernas que no se mueven
    qx:
      text: הרגל לא זזה.
      short: הרגל לא זזה
""",
    "sources.yaml": "[]\n",
    "glossary/qx.yaml": "- key: vertebra\n  term: חוליה\n  aliases: []\n  say: ''\n  definition: עצם.\n",
    "pages/en/contact.md": HEAD.format(
        subject="contact", slug="contact", kind="about", code="234586", title="Contact", more=""
    )
    + "## Where we are\n\nWe are here.\n",
    "pages/qx/contact.md": HEAD.format(
        subject="contact", slug="kesher-tov", kind="about", code="23457Z", title="קשר", more=""
    )
    + "## איפה אנחנו {#where}\n\nאנחנו כאן. החוליה חזקה? כן. חוליה.\n",
    "guides/qx/first-visit.md": HEAD.format(
        subject="first-visit",
        slug="bikur-rishon",
        kind="guide",
        code="2345BM",
        title="ביקור ראשון",
        more=ITEMS + READING,
    )
    + "## מה להביא\n\nרשימה.\n",
}
CONNECT = (
    "mainSearchCriteria.v.cs=2.16.840.1.113883.6.90&mainSearchCriteria.v.c=M48.5&informationRecipient.languageCode.c="
)
ADDRESSES = [
    "/", "/contact/", "/qx/", "/qx/visits/", "/qx/kesher-tov/", "/qx/visits/bikur-rishon/", "/qx/kesher-tov/plain.txt",
    "/qx/visits/bikur-rishon/booklet/", "/qx/search/?q=חוליה", "/qx/KesherTov.html", "/qx/keshar-tov/", "/visits/qx/",
    "/madeup/visits/", "/madeup/contact/", "/qx/nowhere/", "/p/23457Z", "/qx/p/23457Z", "/qx/p/23457Z.svg",
    "/qx/clear/23457Z/", f"/connect/application?{CONNECT}qxx", f"/connect/application?{CONNECT}en-US",
    f"/connect/service?{CONNECT}qx&knowledgeResponseType=application/json", "/connect/guides.json", "/sitemap.xml",
    "/.well-known/security.txt", "/admin/procedures/page/add/", "/admin/procedures/glossaryterm/add/",
    "/admin/procedures/warningsign/", "/admin/procedures/page/",
]  # fmt: skip


def compiled(catalog: dict[str, str]) -> bytes:
    """Return a compiled gettext catalog (.mo)."""
    pairs = sorted({"": "Content-Type: text/plain; charset=UTF-8\n", **catalog}.items())
    encoded = [[text.encode() for text in column] for column in zip(*pairs, strict=True)]
    at = 28 + 16 * len(pairs)
    tables, texts = b"", b""
    for column in encoded:
        for text in column:
            tables += struct.pack("<II", len(text), at + len(texts))
            texts += text + b"\0"
    return struct.pack("<IIIIIII", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0) + tables + texts


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The results of probe.py with the third language, in a copy of the project."""
    folder = tmp_path_factory.mktemp("third")
    project, content = folder / "project", folder / "content"
    for part in ("portal", "procedures"):
        shutil.copytree(ROOT / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("templates", "static"):
        (project / part).symlink_to(ROOT / part)
    registry = project / "procedures" / "languages"
    (registry / "made_up.py").write_text(ENTRY, encoding="utf-8")
    text = (registry / "__init__.py").read_text(encoding="utf-8")
    listed = re.sub(r"^(LANGUAGES\b.* = \(.*)\)$", r"\1, MADE_UP)", text, flags=re.MULTILINE)
    assert listed != text
    imported = "from procedures.languages.made_up import MADE_UP\n"
    (registry / "__init__.py").write_text(
        listed.replace("from procedures.languages.spanish", f"{imported}from procedures.languages.spanish"),
        encoding="utf-8",
    )
    catalog = project / "procedures" / "locale" / "qx" / "LC_MESSAGES" / "django.mo"
    catalog.parent.mkdir(parents=True)
    catalog.write_bytes(compiled(CATALOG))
    for name, body in CONTENT.items():
        (content / name).parent.mkdir(parents=True, exist_ok=True)
        (content / name).write_text(body, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_"))}
    environment |= {"PORTAL_DATA_DIR": str(folder / "data"), "PYTHONPATH": ""}
    (folder / "data").mkdir()
    done = subprocess.run(
        [sys.executable, str(PROBE), str(content), json.dumps(ADDRESSES)],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    "address", ["/qx/", "/qx/visits/", "/qx/kesher-tov/", "/qx/visits/bikur-rishon/", "/qx/visits/bikur-rishon/booklet/",
                "/qx/clear/23457Z/"]
)  # fmt: skip
def test_a_page_is_read_in_its_language_from_right_to_left(seen: dict[str, Any], address: str) -> None:
    answer = seen["answers"][address]

    assert answer["status"] == 200
    assert '<html lang="qx" dir="rtl">' in answer["body"]


def test_the_other_languages_have_no_direction(seen: dict[str, Any]) -> None:
    assert '<html lang="en">' in seen["answers"]["/contact/"]["body"]


def test_a_printed_phone_number_is_read_from_left_to_right(seen: dict[str, Any]) -> None:
    assert "<br>\n\u200e+1 303-555-0100</p>" in seen["answers"]["/qx/kesher-tov/"]["body"]
    assert "<br>\n+1 303-555-0100</p>" in seen["answers"]["/contact/"]["body"]


def test_interface_texts_come_from_the_catalog(seen: dict[str, Any]) -> None:
    assert "מצא ביקור" in seen["answers"]["/qx/visits/"]["body"]


def test_pages_link_to_their_translations(seen: dict[str, Any]) -> None:
    assert 'href="/qx/kesher-tov/" lang="qx" hreflang="qx">קשט</a>' in seen["answers"]["/contact/"]["body"]
    assert 'href="/qx/" lang="qx" hreflang="qx">קשט</a>' in seen["answers"]["/"]["body"]


def test_search_finds_a_page(seen: dict[str, Any]) -> None:
    body = seen["answers"]["/qx/search/?q=חוליה"]["body"]

    assert 'href="/qx/kesher-tov/#where"' in body
    assert "<mark>חוליה</mark>" in body


@pytest.mark.parametrize(
    ("damaged", "meant"),
    [
        ("/qx/KesherTov.html", "/qx/kesher-tov/"),
        ("/qx/keshar-tov/", "/qx/kesher-tov/"),
        ("/madeup/contact/", "/qx/kesher-tov/"),
        ("/visits/qx/", "/qx/visits/"),
        ("/p/23457Z", "/qx/kesher-tov/"),
        ("/qx/p/23457Z", "/qx/kesher-tov/"),
    ],
)
def test_a_damaged_url_redirects_to_the_intended_page(seen: dict[str, Any], damaged: str, meant: str) -> None:
    answer = seen["answers"][damaged]

    assert (answer["status"] in {301, 302}, answer["location"]) == (True, meant)


def test_an_unknown_url_gets_a_response_in_the_language(seen: dict[str, Any]) -> None:
    answer = seen["answers"]["/qx/nowhere/"]

    assert answer["status"] == 404
    assert '<html lang="qx" dir="rtl">' in answer["body"]


def test_a_code_on_a_letter_has_a_qr_code(seen: dict[str, Any]) -> None:
    assert seen["answers"]["/qx/p/23457Z.svg"]["status"] == 200


def test_a_health_record_gets_the_page_in_the_language_it_asks_for(seen: dict[str, Any]) -> None:
    feed = json.loads(seen["answers"][f"/connect/service?{CONNECT}qx&knowledgeResponseType=application/json"]["body"])

    assert seen["answers"][f"/connect/application?{CONNECT}qxx"]["location"] == "/qx/kesher-tov/"
    assert seen["answers"][f"/connect/application?{CONNECT}en-US"]["location"] == "/contact/"
    assert [entry["lang"] for entry in feed["feed"]["entry"]] == ["qx"]


def test_machine_readable_output_includes_the_language(seen: dict[str, Any]) -> None:
    answers = seen["answers"]

    assert 'hreflang="qx" href="http://127.0.0.1:8000/qx/kesher-tov/"' in answers["/sitemap.xml"]["body"]
    assert "Preferred-Languages: en, es, qx\n" in answers["/.well-known/security.txt"]["body"]
    assert [row["language"] for row in json.loads(answers["/connect/guides.json"]["body"])["guides"]] == ["qx"]
    assert "אנחנו כאן" in answers["/qx/kesher-tov/plain.txt"]["body"]


@pytest.mark.parametrize("screen", ["page", "glossaryterm"])
def test_staff_choose_the_language(seen: dict[str, Any], screen: str) -> None:
    assert '<option value="qx">קשט</option>' in seen["answers"][f"/admin/procedures/{screen}/add/"]["body"]


def test_the_list_of_warning_signs_has_fields_for_the_language(seen: dict[str, Any]) -> None:
    body = seen["answers"]["/admin/procedures/warningsign/"]["body"]

    assert "Sign, Madeup" in body
    assert 'name="form-0-qx_short"' in body


def test_staff_see_which_checks_are_missing(seen: dict[str, Any]) -> None:
    expected = "Not checked in Madeup: long words, passive sentences, warning signs written into the text."

    assert expected in seen["advice"]
    assert seen["problems"] == []


def test_the_reading_level_uses_the_formula_of_the_language(seen: dict[str, Any]) -> None:
    # The first text has 16 words of 2 letters in 2 sentences; the second has 16 words of 3 letters in one sentence.
    assert seen["levels"] == [100 - 8 - 20, 100 - 16 - 30]
    assert seen["too hard"] == ["The text has a Madeup ease of 54.0; the minimum is 56.0."]


def test_a_registered_abbreviation_does_not_end_a_sentence(seen: dict[str, Any]) -> None:
    assert seen["sentences"] == ["דר. כהן כאן.", "שלום."]


def test_words_around_a_number_determine_its_meaning(seen: dict[str, Any]) -> None:
    assert seen["phones"] == {"חייגו 5550199": ["5550199"], "חייגו 5550199 אנשים": [], "אולי 5550199": []}
    assert seen["emergency numbers"] == ["911"]
    assert seen["uncited numbers"] == ["7 אנשים"]
    assert seen["personal data"] == {"5 ניסן 1950": True, "נולד 5 אייר 50": True, "שלב 1 2 3 4 5 6 7": False}


def test_no_rule_of_another_language_is_used(seen: dict[str, Any]) -> None:
    assert seen["signs"]["en"] != []
    assert seen["signs"]["qx"] == []
    assert seen["spelled"] == "K, 7, M, 4, P, 2"


def test_the_fallback_error_page_uses_only_languages_with_a_notice(seen: dict[str, Any]) -> None:
    assert 'lang="es"' in seen["error page"]
    assert 'lang="qx"' not in seen["error page"]


def test_content_is_dumped_and_loaded_unchanged(seen: dict[str, Any]) -> None:
    first, second = seen["dumps"]

    assert first == second
    assert "אנחנו כאן" in first["pages/qx/contact.md"]
    assert "glossary/qx.yaml" in first
