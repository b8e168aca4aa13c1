"""English pages are at sixth-grade level or easier."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from procedures.readability.scores import compute_reading_level
from tests.views.crawl import Document, Site

HARDEST_GRADE = 6.0
# Text that the page adds to the author's text.
GENERATED = (
    "sources page-words contents ask-us next-step care-card__phone figure__views figure__summary figure__large "
    "compare__tools care-stages__title topic-links page-status reader-tools__box citation reading-levels warning-signs--top"
).split()


def read_text(page: Document) -> str:
    """Return every paragraph, heading, and list item of a page as a sentence."""
    skipped = {id(inner) for name in GENERATED for found in page.of_class(name) for inner in found.iter()}
    compared = {id(cell) for table in page.of_class("choices") for cell in table.iter("td")}
    parts = [part for part in page.elements("svg", "sup", "nav", "form", "td") if id(part) not in compared]
    skipped |= {id(inner) for found in parts for inner in found.iter()}
    main = page.one("article") if page.is_article else page.one("main")
    lines = []
    for element in main.iter():
        if element.tag in {"p", "li", "h1", "h2", "h3", "h4", "dt", "dd"} and id(element) not in skipped:
            words = " ".join("".join(own_text(element, skipped)).split())
            lines.append(words if words.endswith((".", "!", "?", ":")) else f"{words}.")
    return "\n".join(line for line in lines if len(line) > 1)


def own_text(element: Element, skipped: set[int]) -> Iterator[str]:
    """Yield the text of an element without the paragraphs in it."""
    yield element.text or ""
    for inner in element:
        if id(inner) not in skipped and inner.tag not in {"p", "ul", "ol", "li", "div", "figure", "section"}:
            yield from own_text(inner, skipped)
        yield inner.tail or ""


def test_every_english_page_is_at_grade_six_or_easier(site: Site) -> None:
    texts = {
        path: read_text(page)
        for path, page in site.pages.items()
        if page.language == "en" and (page.is_article or path in {"/", "/visits/"})
    }
    grades = {path: compute_reading_level(text, "en") for path, text in texts.items()}

    assert {path: grade for path, grade in grades.items() if grade > HARDEST_GRADE} == {}
    assert min(len(text.split()) for path, text in texts.items() if site.pages[path].is_article) > 60


def test_measure_distinguishes_hard_from_easy_text() -> None:
    hard = "Percutaneous polymethylmethacrylate augmentation ameliorates osteoporotic vertebral deformity."

    assert compute_reading_level(hard, "en") > HARDEST_GRADE
