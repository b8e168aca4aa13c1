"""Starter content: every page is complete and close to the home page, and every fact from the two briefs is present."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.views.crawl import Document, Site, element_text, find_problems
from tests.views.test_warning_signs import subjects

BRIEFS = Path(__file__).resolve().parents[2] / "docs/quality/briefs.md"
ROW = re.compile(r"^\| (?P<fact>[^|]+) \| (?P<place>[^|]+) \| (?P<said>[^|]+) \|$", re.MULTILINE)
QUOTE = re.compile(r"“([^”]+)”")
UNKNOWN = re.compile(
    r"(?:not|n['’]t) (?:know|say|tell|agree)|not sure|no one (?:can|knows)|nobody can"
    r"|No sabemos|no saben|No podemos|Nadie (?:puede|sabe)|no están de acuerdo|no se sabe|no dicen si",
    re.IGNORECASE,
)

# Pages about treatments, conditions, and bones, which must say what is not known.
UNCERTAIN = {
    "spine-compression-fractures", "nerve-damage-warning-signs", "treatment-choices", "kyphoplasty", "vertebroplasty",
    "xray-stages", "recovery", "complications-and-risks", "keeping-bones-strong",
}  # fmt: skip
# Reference pages without key points.
LISTS = {"contact", "pictures", "glossary", "about"}
# Blocks that give the reader something to do.
TO_DO = ("checklist", "do-list", "steps", "next-step", "phones", "reading-list")


def steps_from(site: Site, home: str) -> dict[str, int]:
    """Return the number of links from the home page to each page."""
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


def has_call(page: Document) -> bool:
    """Return whether the article has a phone number, or the emergency signs with theirs."""
    return any(a.attrib.get("href", "").startswith("tel:") for a in page.one("article").iter("a"))


def test_every_page_has_all_required_parts(site: Site) -> None:
    by_path = subjects()

    def missing(page: Document) -> Iterator[str]:
        if not page.is_article:
            return
        subject = by_path[page.path]
        if subject not in LISTS and not page.of_class("key-points"):
            yield "no short version"
        captions = [element_text(e) for e in page.of_class("figure__caption")]
        if not captions or not all(captions):
            yield "no picture, or one without a caption"
        if subject in UNCERTAIN and not UNKNOWN.search(element_text(page.one("article"))):
            yield "nothing on what is not known"
        if not has_call(page):
            yield "no number to call"
        if not any(page.of_class(name) for name in TO_DO):
            yield "nothing to do"

    assert find_problems(site, missing) == []
    assert {by_path[page.path] for page in site.articles} >= LISTS | UNCERTAIN


# The source numbers after a paragraph.
NOTE = re.compile(r"\s*\[\d+(?:, \d+)*\]")


def facts() -> list[tuple[str, list[str], list[str]]]:
    """Return the rows of the table of facts: fact, paths, and quotations."""
    rows = []
    for row in ROW.finditer(BRIEFS.read_text(encoding="utf-8")):
        if quotes := QUOTE.findall(row["said"]):
            pages = re.findall(r"([a-z][a-z/-]+)(?:#|(?=[,:;]| *$))", row["place"])
            rows.append((row["fact"].strip(), pages, quotes))
    return rows


def test_every_fact_of_both_briefs_is_on_the_listed_page(site: Site) -> None:
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
