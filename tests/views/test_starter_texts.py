"""Starter content: every page is complete and close to the home page, and every fact of the two briefs is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.views.crawl import Document, Site, element_text, find_problems

BRIEFS = Path(__file__).resolve().parents[2] / "docs/quality/briefs.md"
ROW = re.compile(r"^\| (?P<fact>[^|]+) \| (?P<place>[^|]+) \| (?P<said>[^|]+) \|$", re.MULTILINE)
QUOTE = re.compile(r"“([^”]+)”")
UNKNOWN = re.compile(
    r"not know|cannot say|cannot tell|no one can|do not agree|not sure|No sabemos|no sabemos|no saben|No podemos|no podemos"
    r"|Nadie puede|no están de acuerdo|no se sabe",
    re.IGNORECASE,
)


def steps_from(site: Site, home: str) -> dict[str, int]:
    """The number of links from the home page to each page."""
    away, waiting = {home: 0}, [home]
    while waiting:
        path = waiting.pop(0)
        for source, target, _ in site.links:
            if source == path and target in site.pages and target not in away:
                away[target] = away[path] + 1
                waiting.append(target)
    return away


@pytest.mark.parametrize("home", ["/", "/es/"])
def test_every_page_is_at_most_two_steps_from_home(site: Site, home: str) -> None:
    away = steps_from(site, home)
    language = site.pages[home].language
    articles = [page.path for page in site.articles if page.language == language]

    assert {path: away.get(path) for path in articles if away.get(path, 9) > 2} == {}
    assert len(articles) == 20


def test_every_page_has_all_its_parts(site: Site) -> None:
    def missing(page: Document) -> Iterator[str]:
        if not page.is_article:
            return
        if not page.of_class("key-points"):
            yield "no main points"
        captions = [element_text(e) for e in page.of_class("figure__caption")]
        if not captions or not captions[0]:
            yield "no captioned picture"
        if not UNKNOWN.search(element_text(page.one("article"))):
            yield "nothing on what is not known"
        if not any(
            a.attrib.get("href", "").startswith("tel:") for e in page.of_class("page__body") for a in e.iter("a")
        ):
            yield "no number to call in the text"
        if not page.of_class("checklist"):
            yield "nothing to take along"
        if not page.of_class("next-step"):
            yield "no next step"

    assert find_problems(site, missing) == []


# The sources of a paragraph.
NOTE = re.compile(r"\s*\[\d+(?:, \d+)*\]")


def facts() -> list[tuple[str, list[str], list[str]]]:
    """Rows of the table of facts: fact, paths, quotations."""
    rows = []
    for row in ROW.finditer(BRIEFS.read_text(encoding="utf-8")):
        if quotes := QUOTE.findall(row["said"]):
            pages = re.findall(r"([a-z][a-z-]+)(?:#|(?=[,:;]| *$))", row["place"])
            rows.append((row["fact"].strip(), pages, quotes))
    return rows


def test_each_fact_of_both_briefs_stands_where_the_table_says(site: Site) -> None:
    texts = {path: " ".join(element_text(page.one("main")).split()) for path, page in site.pages.items()}
    plain = {path: re.sub(r"\s+([.,;:!?])", r"\1", NOTE.sub("", text)) for path, text in texts.items()}
    lost = []
    for fact, pages, quotes in facts():
        for quote in quotes:
            wanted = re.split(r"\s*…\s*", quote)
            if not any(all(part in plain.get(f"/{page}/", "") for part in wanted) for page in pages):
                lost.append((fact, pages, quote))

    assert lost == []
    assert len(facts()) >= 59


# The codes of docs/quality and the pages they stand for.
ASSESSED = {
    "FRA": "/spine-compression-fractures/", "NER": "/nerve-damage-warning-signs/", "CHO": "/treatment-choices/",
    "KYP": "/kyphoplasty/", "VER": "/vertebroplasty/", "RDY": "/getting-ready/",
    "XRA": "/the-procedure-in-x-ray-pictures/", "REC": "/recovery/", "RSK": "/complications-and-risks/",
    "BON": "/keeping-bones-strong/", "QUE": "/questions-to-ask/", "PIC": "/pictures/", "GLO": "/glossary/",
    "CON": "/contact/", "ABO": "/about/", "FIR": "/visits/first-visit/", "KYC": "/visits/kyphoplasty-consult/",
    "VEC": "/visits/vertebroplasty-consult/", "DAY": "/visits/day-before/", "AFT": "/visits/after-your-procedure/",
}  # fmt: skip
SECTION = re.compile(r"^## [^\n]*\((?P<code>[A-Z]{3})\)[^\n]*\n(?P<rows>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def said_on(site: Site, path: str) -> str:
    """The text of a page without citation numbers."""
    text = NOTE.sub("", element_text(site.pages[path].one("main")))
    return re.sub(r"\s+([.,;:!?])", r"\1", " ".join(text.split()))


@pytest.mark.parametrize("name", ["pemat", "cdc-index"])
def test_what_the_self_assessment_quotes_still_stands_on_the_page(site: Site, name: str) -> None:
    lost = []
    sections = list(SECTION.finditer((BRIEFS.parent / f"{name}.md").read_text(encoding="utf-8")))
    for section in sections:
        text = said_on(site, ASSESSED[section["code"]])
        lost += [
            (section["code"], quote)
            for quote in QUOTE.findall(section["rows"])
            if not all(part in text for part in re.split(r"\s*…\s*", quote))
        ]

    assert lost == []
    assert len(sections) == len(ASSESSED)
