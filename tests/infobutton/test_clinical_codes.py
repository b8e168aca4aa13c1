"""Infobutton requests for all clinical codes: every spelling, both languages, three formats."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen
from xml.etree import ElementTree

import pytest

from tests.conftest import ServedSite

ROOT = Path(__file__).resolve().parents[2]
ATOM = "{http://www.w3.org/2005/Atom}"
ICD10, ICD9, SNOMED, CPT = (f"2.16.840.1.113883.6.{number}" for number in (90, 103, 96, 12))
# Code, and the subject of the first page found ("" for none). The seventh character, dots, and case are varied below.
CODES = [
    *[(ICD10, code, "spine-compression-fractures") for code in (
        "M80.08XA", "M80.08XD", "M80.08XS", "M80.88XA", "M48.50XA", "M48.51XA", "M48.52XA", "M48.53XA", "M48.54XA",
        "M48.55XA", "M48.56XA", "M48.57XA", "M48.58XA", "M84.48XA", "M84.58XA", "M84.68XA", "S22.000A", "S22.010A",
        "S22.080D", "S32.000A", "S32.010A", "S32.050G", "M54.50", "M54.51", "M54.6",
    )],
    *[(ICD10, code, "keeping-bones-strong") for code in ("M81.0", "Z13.820", "M80.051A", "M80.00XA")],
    (ICD10, "G83.4", "nerve-damage-warning-signs"),
    *[(CPT, code, "vertebroplasty") for code in ("22510", "22511", "22512")],
    *[(CPT, code, "kyphoplasty") for code in ("22513", "22514", "22515")],
    (SNOMED, "64859006", "keeping-bones-strong"),
    (SNOMED, "207938004", "spine-compression-fractures"),
    (SNOMED, "207957008", "spine-compression-fractures"),
    (ICD10, "Z99.9", ""),
    (ICD9, "733.13", ""),
]  # fmt: skip


def spellings(code: str) -> set[str]:
    bare = code.replace(".", "")
    return {code, bare, code.lower(), f" {code} "}


def ask(site: ServedSite, **values: str) -> tuple[int, str, str]:
    """Return the status, content type, and text of ``/connect/service``."""
    names = {
        "cs": "mainSearchCriteria.v.cs",
        "c": "mainSearchCriteria.v.c",
        "language": "informationRecipient.languageCode.c",
        "kind": "knowledgeResponseType",
    }
    query = urlencode({names.get(name, name): value for name, value in values.items()})
    try:
        with urlopen(f"{site.url}/connect/service?{query}", timeout=20) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def read_like_medlineplus(text: str) -> Iterator[tuple[str, str, str]]:
    """Read entries as MedlinePlus Connect clients do: a single entry may be an object, and an empty list missing."""
    feed = json.loads(text)["feed"]
    entries = feed.get("entry") or []
    for entry in entries if isinstance(entries, list) else [entries]:
        links = entry["link"] if isinstance(entry["link"], list) else [entry["link"]]
        href = next(link["href"] for link in links if link.get("rel") == "alternate")
        assert re.match(r"<p>", entry["summary"]["_value"])
        yield entry["title"]["_value"], href, entry["lang"]


def from_json(text: str) -> list[tuple[str, str, str]]:
    return list(read_like_medlineplus(text))


def from_javascript(text: str) -> list[tuple[str, str, str]]:
    match = re.fullmatch(r"/\*\*/take\.it\((.*)\);", text, re.DOTALL)
    assert match
    return from_json(match[1])


def from_xml(text: str) -> list[tuple[str, str, str]]:
    return [
        (
            str(entry.findtext(f"{ATOM}title")),
            next(link.get("href", "") for link in entry.iter(f"{ATOM}link")),
            str(entry.get("{http://www.w3.org/XML/1998/namespace}lang")),
        )
        for entry in ElementTree.fromstring(text).iter(f"{ATOM}entry")
    ]


FORMATS: dict[str, Any] = {
    "application/json": from_json,
    "application/javascript": from_javascript,
    "text/xml": from_xml,
}


def test_every_code_works_in_all_spellings_languages_and_formats(
    served_site: ServedSite, subtests: pytest.Subtests
) -> None:
    for system, code, subject in CODES:
        with subtests.test(system=system, code=code, subject=subject):
            for language in ("en", "es", "en-US", "es-MX"):
                found = set()
                for spelling, (kind, read) in product(spellings(code), FORMATS.items()):
                    status, content_type, text = ask(
                        served_site, cs=system, c=spelling, language=language, kind=kind, callback="take.it"
                    )
                    assert (status, content_type) == (200, f"{kind}; charset=utf-8")
                    found.add(tuple(read(text)))
                (entries,) = found
                if not subject:
                    assert entries == ()
                    continue
                _, href, lang = entries[0]
                assert lang == language[:2]
                path = href.removeprefix(served_site.url)
                if lang == "en":
                    assert path == f"/{subject}/"
                else:
                    assert path.startswith("/es/")


def test_feeds_with_one_many_and_no_entries_are_readable(served_site: ServedSite) -> None:
    sizes = {
        code: len(from_json(ask(served_site, cs=ICD10, c=code, kind="application/json")[2]))
        for code in ("G83.4", "M80.08XA", "Z99.9")
    }

    assert sizes["G83.4"] == 1
    assert sizes["M80.08XA"] > 1
    assert sizes["Z99.9"] == 0


def test_invalid_request_gets_a_message_in_the_requested_format(
    served_site: ServedSite, subtests: pytest.Subtests
) -> None:
    for values in [
        {"c": "M80", "kind": "application/javascript", "callback": "alert(1)//"},
        {"c": "M80", "cs": "1.2.3"},
        {"c": "M" * 60_000},
        {"c": ""},
        {"c": "M80", "language": "e" * 300},
    ]:
        for kind in FORMATS:
            with subtests.test(values=values, kind=kind):
                asked = {"cs": ICD10, "kind": kind, "callback": "take.it", **values}
                status, content_type, text = ask(served_site, **asked)

                # A 60 kB line exceeds what a server reads of one request line, so both statuses are fine.
                assert status in {400, 414, 431}
                if status == 400 and asked["kind"] == "application/json":
                    assert content_type.startswith("application/json")
                    assert json.loads(text)["error"].endswith(".")


def test_curl_commands_in_the_manual_work(served_site: ServedSite) -> None:
    if shutil.which("curl") is None:
        assert not os.environ.get("CI"), "CI must have curl"
        pytest.skip("curl is not installed")
    lines = re.findall(r"^curl .*$", (ROOT / "docs" / "ehr.md").read_text(), re.MULTILINE)
    outputs = []
    for line in lines:
        own = line.replace("http://127.0.0.1:8000", served_site.url).replace("curl ", "curl --silent --show-error ", 1)
        done = subprocess.run(["bash", "-c", own], capture_output=True, text=True, timeout=30, check=True)
        outputs.append(done.stdout)

    assert len(outputs) >= 4
    feed, redirect, guides, unchanged = outputs[:4]
    assert "/spine-compression-fractures/" in feed
    assert from_json(feed)[0][2] == "en"
    assert re.search(r"^location: /kyphoplasty/\r?$|HTTP/1.1 200", redirect, re.MULTILINE | re.IGNORECASE)
    assert len(json.loads(guides)["guides"]) >= 10
    assert unchanged.strip() == "304"


def test_the_list_of_guides_is_revalidated_with_its_etag(served_site: ServedSite) -> None:
    with urlopen(f"{served_site.url}/connect/guides.json") as answer:
        assert answer.headers["ETag"].startswith('"')
        rows = json.loads(answer.read())["guides"]
    assert {"id", "language", "title", "url", "neutral_url", "minutes", "updated"} == set(rows[0])
    for row in rows:
        with urlopen(row["neutral_url"].replace("http://127.0.0.1:8000", served_site.url)) as page:
            assert page.url.endswith(row["url"].split("/", 3)[3])


def test_the_server_log_contains_no_codes_or_urls(served_site: ServedSite) -> None:
    before = len(served_site.log.read_text())
    ask(served_site, cs=ICD10, c="M80.08XA", kind="application/json")
    ask(served_site, cs="odd", c="Q99.99")
    for path in ("/p/222222", "/kyphoplast", "/no-such-page/?patient=Ann"):
        try:
            urlopen(f"{served_site.url}{path}").close()
        except HTTPError as error:
            error.close()

    written = served_site.log.read_text()[before:]
    assert "404" in written, "what went wrong is logged, by its number"
    for secret in ("M80", "Q99", "mainSearch", "222222", "kyphoplast", "no-such-page", "Ann"):
        assert secret not in written
