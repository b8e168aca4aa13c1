"""Length limits of the starter texts: key points that a tired reader can finish, and pages short enough for phones."""

import re
from pathlib import Path

import pytest

from procedures.enums import Language
from procedures.importing.content_files import read_page_entry
from procedures.readability.scores import compute_reading_level, split_words

CONTENT = Path(__file__).resolve().parents[2] / "content"
PAGES = sorted(CONTENT.glob("pages/*/*.md"))
GUIDES = sorted(CONTENT.glob("guides/*/*.md"))
MIN_SHORT_POINTS, MAX_SHORT_POINTS, MAX_SHORT_WORDS, MAX_MESSAGE_WORDS = 3, 5, 90, 25
# These two pages start with their main content: the phone numbers and the glossary.
WITHOUT_SHORT_VERSION = {"contact", "glossary"}
# Words that are visible before a section is opened. Clinic answers and warning signs have their own limits.
MAX_OPEN_WORDS = {"treatment-choices": 1_200, "": 900}
MAX_CELL_WORDS, CELLS = 12, 3 * 6
LOWEST_GRADE, HIGHEST_GRADE = 4.0, 6.0
# A page with fewer words consists mainly of blocks whose text is stored elsewhere; measure_content includes that text
# when it grades the page.
MIN_GRADED_WORDS = 300
# Spanish needs about 15 percent more words to say the same thing.
SPANISH_FACTOR = 1.15

MARKUP = re.compile(r"\[@[^\]]*\]|\{[^}]*\}|\]\([^)]*\)|[\[*]|^#+ |^- |^\d+\. |^:::.*$", re.MULTILINE)
SHORT_VERSION = re.compile(r"^::: key-points\n(?P<list>.*?)^:::$", re.MULTILINE | re.DOTALL)
CHOICES = re.compile(r"^::: choices\n(?P<options>.*?)^:::$", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^## ", re.MULTILINE)
CELL = re.compile(r"^#### [^\n]+\n+(?P<cell>[^\n#]+)", re.MULTILINE)


def body_of(file: Path) -> str:
    return str(read_page_entry(file).data["body"])


def count_words(text: str) -> int:
    return len(split_words(MARKUP.sub(" ", text)))


def factor(file: Path) -> float:
    return SPANISH_FACTOR if file.parent.name == "es" else 1


def open_text(body: str) -> str:
    """Return the text outside folded sections; of a comparison, only the cells."""
    body = CHOICES.sub(lambda found: "\n".join(CELL.findall(found["options"])), body)
    return "\n## ".join(section for section in SECTION.split(body) if ".folded}" not in section.partition("\n")[0])


def test_key_points_are_short(subtests: pytest.Subtests) -> None:
    for file in [*PAGES, *GUIDES]:
        if file.stem in WITHOUT_SHORT_VERSION:
            continue
        with subtests.test(file=file):
            found = SHORT_VERSION.search(body_of(file))
            assert found

            points = [line for line in found["list"].splitlines() if line.startswith("- ")]

            assert MIN_SHORT_POINTS <= len(points) <= MAX_SHORT_POINTS
            assert count_words(found["list"]) <= MAX_SHORT_WORDS * factor(file)
            assert count_words(str(read_page_entry(file).data["key_message"])) <= MAX_MESSAGE_WORDS * factor(file)


def test_visible_text_stays_within_the_word_limit(subtests: pytest.Subtests) -> None:
    for file in [*PAGES, *GUIDES]:
        with subtests.test(file=file):
            limit = MAX_OPEN_WORDS.get(file.stem, MAX_OPEN_WORDS[""]) * factor(file)

            assert count_words(open_text(body_of(file))) <= limit


def test_folded_sections_and_cell_reasons_do_not_count_as_visible() -> None:
    body = (
        "First.\n\n## Seen {#seen}\n::: choices\n### Care\n#### Relief\nA cell.\n\nThe reason.\n:::\n\n"
        "## Details {#details .folded}\nMore.\n\n## Last {#last}\nEnd."
    )

    assert split_words(MARKUP.sub(" ", open_text(body))) == ["First", "Seen", "A", "cell", "Last", "End"]


def test_each_cell_of_a_comparison_is_short(subtests: pytest.Subtests) -> None:
    seen = 0
    for file in PAGES:
        for options in CHOICES.findall(body_of(file)):
            cells = CELL.findall(options)
            seen += len(cells)
            with subtests.test(file=file):
                assert [cell for cell in cells if count_words(cell) > MAX_CELL_WORDS * factor(file)] == []
    assert seen == len(Language.values) * CELLS


def test_english_pages_are_neither_too_hard_nor_choppy(subtests: pytest.Subtests) -> None:
    for file in [*PAGES, *GUIDES]:
        text = MARKUP.sub(" ", body_of(file))
        if file.parent.name == "en" and len(split_words(text)) >= MIN_GRADED_WORDS:
            with subtests.test(file=file):
                grade = compute_reading_level(text, "en")

                assert grade is not None
                assert LOWEST_GRADE <= grade <= HIGHEST_GRADE
