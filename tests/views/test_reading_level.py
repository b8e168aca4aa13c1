"""English pages are at sixth-grade level or easier."""

import re

from procedures.readability.scores import score_text
from procedures.rendering.text_extraction import to_sentences
from tests.views.crawl import Site

HARDEST_GRADE = 6.0
ARTICLE = re.compile(r"<article.*</article>", re.DOTALL)
MAIN = re.compile(r"<main.*</main>", re.DOTALL)


def test_every_english_page_reads_at_grade_six_or_easier(site: Site) -> None:
    texts = {
        path: to_sentences((ARTICLE if page.is_article else MAIN).findall(page.answer.text)[0])
        for path, page in site.pages.items()
        if page.language == "en" and (page.is_article or path in {"/", "/visits/"})
    }
    grades = {path: score_text(text, "en") for path, text in texts.items()}

    assert {path: grade for path, grade in grades.items() if grade > HARDEST_GRADE} == {}
    assert min(len(text.split()) for path, text in texts.items() if site.pages[path].is_article) > 60


def test_the_measure_tells_hard_from_easy() -> None:
    hard = "Percutaneous polymethylmethacrylate augmentation ameliorates osteoporotic vertebral deformity."

    assert score_text(hard, "en") > HARDEST_GRADE
