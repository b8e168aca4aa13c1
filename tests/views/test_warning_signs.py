"""Safety rule 1 in the starter content: each sign has one level on all public pages, and only the block lists it."""

import html as escapes
import re
from pathlib import Path

import yaml

from procedures.triage import TriageDetector
from tests.views.crawl import Document, Site, element_text

SIGNS = yaml.safe_load((Path(__file__).resolve().parents[2] / "content/warning_signs.yaml").read_text(encoding="utf-8"))
SHORT_BOX = "warning-signs--short"
CARDS = {"emergency": "care-card--emergency", "now": "care-card--urgent", "hours": "care-card--call"}
# Pages with the full list, and the timing of the signs that each shows.
WHOLE = {
    "nerve-damage-warning-signs": "both",
    "recovery": "after",
    "after-your-procedure": "after",
}
# Pages that have only the short form of the emergency signs. Pages in WHOLE have the short form as well.
SHORT = {
    "spine-compression-fractures", "treatment-choices", "kyphoplasty", "vertebroplasty", "getting-ready", "xray-stages",
    "complications-and-risks", "keeping-bones-strong", "questions-to-ask", "glossary", "contact",
    "first-visit", "kyphoplasty-consult", "vertebroplasty-consult", "day-before",
}  # fmt: skip
# Pages without signs. They still have the emergency number above their title.
WITHOUT = {"pictures", "about"}
TEXTS = {"p", "li", "td", "dd", "figcaption", "h2", "h3"}


def subjects() -> dict[str, str]:
    """Return the subject of each page in the content folder by path."""
    found = {}
    for file in Path(__file__).resolve().parents[2].glob("content/*/*/*.md"):
        front = yaml.safe_load(file.read_text(encoding="utf-8").split("---\n")[1])
        root = "" if file.parent.name == "en" else f"/{file.parent.name}"
        folder = "/visits" if front["kind"] == "guide" else ""
        found[f"{root}{folder}/{front['slug']}/"] = front["subject"]
    return found


def plain(text: str) -> str:
    return " ".join(escapes.unescape(text).split())


def printed(page: Document) -> dict[str, set[str]]:
    """Return the signs (texts and short forms) on a page, with the classes of their cards."""
    found: dict[str, set[str]] = {}
    for card in page.of_class("care-card"):
        for item in card.iter("li"):
            found.setdefault(plain(re.sub(r"\s*\[\d+\]$", "", element_text(item))), set()).update(
                card.attrib["class"].split()
            )
    for block in page.of_class("warning-signs--short"):
        for item in block.iter("li"):
            found.setdefault(plain(element_text(item)), set()).add(SHORT_BOX)
    return found


def test_each_sign_has_one_level_on_every_page() -> None:
    levels: dict[str, set[str]] = {}
    for sign in SIGNS:
        for words in sign["text"].values():
            for text in filter(None, words.values()):
                levels.setdefault(text, set()).add(sign["level"])

    assert {text: found for text, found in levels.items() if len(found) > 1} == {}


def test_every_page_prints_its_signs_from_the_list_under_their_level(site: Site) -> None:
    wrong = []
    by_path = subjects()
    for page in site.articles:
        subject = by_path[page.path]
        shown = printed(page)
        for sign in SIGNS:
            words = sign["text"][page.language]
            when = WHOLE.get(subject)
            expected = when is not None and (when == "both" or sign["when"] in {when, "both"})
            classes = shown.get(plain(words["text"]), set())
            if expected != (CARDS[sign["level"]] in classes) or len(classes & set(CARDS.values())) > 1:
                wrong.append((page.path, sign["key"], sorted(classes)))
            boxed = sign["level"] == "emergency" and subject not in WITHOUT
            if boxed != (SHORT_BOX in shown.get(plain(words["short"]), set())):
                wrong.append((page.path, f"{sign['key']}, short", []))

    assert wrong == []
    assert {by_path[page.path] for page in site.articles} == WHOLE.keys() | SHORT | WITHOUT


def test_every_page_has_the_emergency_number_above_its_title(site: Site) -> None:
    lacking = []
    for page in site.articles:
        links = [a.attrib["href"] for top in page.of_class("page-top") for a in top.iter("a") if "href" in a.attrib]
        if "tel:911" not in links:
            lacking.append(page.path)

    assert lacking == []


def test_every_topic_and_guide_shows_the_emergency_signs_before_its_picture_and_text(site: Site) -> None:
    late = []
    for page in site.articles:
        order = [e.attrib["class"] for e in page.one("article").iter() if e.attrib.get("class", "").split()[:1]]
        top = next((at for at, names in enumerate(order) if "warning-signs--top" in names), len(order))
        picture = next(at for at, names in enumerate(order) if names.split()[0] in {"figure", "page__body"})
        if top > picture and subjects()[page.path] not in {"contact", "pictures", "glossary", "about"}:
            late.append(page.path)

    assert late == []


def test_no_sign_is_paired_with_calling_advice_outside_the_block(site: Site) -> None:
    found = []
    for page in site.articles:
        triage = TriageDetector(page.language)
        blocks = [*page.of_class("warning-signs"), *page.of_class("warning-signs--short")]
        inside = {id(e) for block in blocks for e in block.iter()}
        outside = (e for e in page.one("article").iter() if e.tag in TEXTS and id(e) not in inside)
        texts = [plain(element_text(element)) for element in outside]
        found += [(page.path, text, sorted(signs)) for text in texts if (signs := triage.find_advised_signs(text))]

    assert found == []
