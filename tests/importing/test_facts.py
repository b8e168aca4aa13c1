"""Facts in the starter texts.

Every number is registered, the three leak statistics are never mixed, and translations match.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from procedures.enums import Language
from procedures.importing.content_files import read_page_entry
from procedures.readability.measures import (
    CLOCK_TIME,
    DATE,
    DENOMINATOR,
    ITEM_REFERENCE,
    VISIBLE_COUNT,
    WRITING_INSTRUCTION,
)

ROOT = Path(__file__).resolve().parents[2]
CONTENT = ROOT / "content"
FILES = sorted([*CONTENT.glob("pages/*/*.md"), *CONTENT.glob("guides/*/*.md")])
ENGLISH = [file for file in FILES if file.parent.name == "en"]
ROW = re.compile(r"^\| ([a-z0-9-]+) \| ([\d., ]*) \|", re.MULTILINE)
CITE = re.compile(r"@([a-z0-9-]+)(?=[\];])")
CITATION = re.compile(r"\[@[^\]]*\]")
FIGURE = re.compile(r"(?<![\w.,–-])\d[\d.,]*(?<![.,])(?!\w)")
UNCHECKED_TEXT = re.compile(r"\]\([^)]*\)|\{[^}]*\}|^:::.*$|^\d+\. |\b(?:19|20)\d\d\b", re.MULTILINE)
CHANCE = re.compile(r"^::: chance (\d+) in \d+$", re.MULTILINE)
PHONE = re.compile(r"\b1-\d{3}-\d{3}-\d{4}\b")
# Do not read "3 points" into "1.3 points", or "1 in 10" into "1 in 10,000".
NOT_A_CLAIM = [
    CLOCK_TIME,
    DATE,
    ITEM_REFERENCE,
    PHONE,
    re.compile(rf"(?<![.,\d])(?:{VISIBLE_COUNT.pattern})", VISIBLE_COUNT.flags),
    re.compile(rf"(?:{DENOMINATOR.pattern})(?!,\d)", DENOMINATOR.flags),
]
WHOLE = {"100", "10"}
# Three data sets about cement leaks, each with its own counting method: the year that identifies it, and its numbers.
LEAKS = {
    "world-neurosurgery-2017-leak": ("2017", {"55", "18"}),
    "esj-2023-leak": ("2023", {"39", "29"}),
    "kaviar-2014": ("2014", {"82", "73", "157", "214", "164", "201"}),
}
HEAD_TO_HEAD = "esj-2023-leak"


@dataclass(frozen=True)
class Statement:
    """A paragraph, list entry, table row, or block, with its section, the heading above it, and the sources that cover it."""

    file: Path
    section: str
    text: str
    sources: frozenset[str]
    heading: str = ""
    is_chance: bool = False


def register() -> dict[str, set[str]]:
    """Return the numbers by source, from docs/quality/numbers.md."""
    found: dict[str, set[str]] = {}
    for source, numbers in ROW.findall((ROOT / "docs/quality/numbers.md").read_text(encoding="utf-8")):
        found.setdefault(source, set()).update(re.split(r", (?=\d)", numbers.strip()) if numbers.strip() else [])
    return found


def statements(file: Path, body: str = "") -> Iterator[Statement]:
    """Split the text into statements.

    The sources of a sentence that ends with a colon also cover the statements that follow it, up to the next heading.
    """
    section, heading, lead = "", "", frozenset[str]()
    for piece in re.split(r"\n\n+|\n(?=- |\d+\. |#|\|)", body or read_page_entry(file).data["body"]):
        if piece.startswith("#"):
            heading, _, piece = piece.partition("\n")
            section = heading if heading.startswith("## ") else section
            lead = frozenset()
        text = CHANCE.sub(r"\1", piece)
        sources = frozenset(CITE.findall(piece))
        led = piece.startswith(("- ", ":::", "|")) or re.match(r"\d+\. ", piece)
        yield Statement(file, section, text, sources | (lead if led else frozenset()), heading, text != piece)
        if CITATION.sub("", piece).rstrip().endswith(":") or "\n::: " in piece:
            lead = sources or lead


def sign_statements() -> Iterator[Statement]:
    """Yield the warning signs, each with all of its sources."""
    file = CONTENT / "warning_signs.yaml"
    for sign in yaml.safe_load(file.read_text(encoding="utf-8")):
        for words in sign["text"].values():
            yield Statement(file, sign["key"], words["text"], frozenset(sign["sources"]))


def figures(text: str) -> set[str]:
    """Return the numbers in a statement that make a claim about people."""
    text = UNCHECKED_TEXT.sub(" ", CITATION.sub(" ", text).replace("**", ""))
    text = " ".join(
        s
        for s in re.split(r"(?<=[.!?:])\s+", text)
        if not s.rstrip('"”').endswith("?") and not WRITING_INSTRUCTION.match(s)
    )
    for pattern in NOT_A_CLAIM:
        text = pattern.sub(" ", text)
    return set(FIGURE.findall(text)) - WHOLE


def unregistered(statement: Statement, known: dict[str, set[str]]) -> set[str]:
    """Return the numbers of a cited statement that none of its sources is registered for."""
    return figures(statement.text) - {number for source in statement.sources for number in known.get(source, set())}


def test_every_cited_number_is_registered(subtests: pytest.Subtests) -> None:
    for file in FILES:
        with subtests.test(file=file):
            known = register()

            wrong = [(s.section, sorted(unregistered(s, known)), s.text) for s in statements(file) if s.sources]

            assert [found for found in wrong if found[1]] == []


def test_every_number_has_a_source(subtests: pytest.Subtests) -> None:
    for file in FILES:
        with subtests.test(file=file):
            assert [(s.section, s.text) for s in statements(file) if figures(s.text) and not s.sources] == []


def test_every_number_in_a_warning_sign_is_registered_for_its_sources() -> None:
    known = register()

    assert {s.section: found for s in sign_statements() if (found := unregistered(s, known))} == {}
    assert any(figures(s.text) for s in sign_statements())


def test_unregistered_numbers_are_detected() -> None:
    known = register()
    told = "Of 100 women with one fracture, 20 have another within a year. [@invest-2009; @bhof-2022]"

    (statement,) = statements(ENGLISH[0], told)

    assert statement.sources == {"invest-2009", "bhof-2022"}
    assert unregistered(statement, known) == {"20"}
    assert unregistered(Statement(ENGLISH[0], "", "You need 800 IU a day.", frozenset({"bhof-2022"})), known) == set()


def test_the_register_has_only_existing_sources_and_printed_numbers() -> None:
    sources = {row["key"] for row in yaml.safe_load((CONTENT / "sources.yaml").read_text(encoding="utf-8"))}
    printed: dict[str, set[str]] = {}
    for statement in [*(s for file in FILES for s in statements(file)), *sign_statements()]:
        for source in statement.sources:
            printed.setdefault(source, set()).update(figures(statement.text))

    assert register().keys() - sources == set()
    assert {source: idle for source, told in register().items() if (idle := told - printed.get(source, set()))} == {}


def test_unverified_numbers_appear_nowhere() -> None:
    unread = re.compile(
        r"3\.1 ?mSv|\bmSv\b|\b(?:1|3) (?:in|of|out of|de cada) (?:every )?4\b(?=[^.\n]*(?:fall|\bca[ey]))"
    )
    texts = {file.name: file.read_text(encoding="utf-8") for file in FILES}

    assert [name for name, text in texts.items() if unread.search(text)] == []
    assert unread.search("More than 1 in 4 older people fall each year.")
    assert unread.search("1 de cada 4 personas mayores se cae cada año.")


def leak_figures(statement: Statement) -> set[str]:
    """Return the data sets on leaks whose numbers this statement prints."""
    return {key for key, (_, told) in LEAKS.items() if key in statement.sources and told & figures(statement.text)}


def compared_leaks(told: list[Statement]) -> list[str]:
    """Return the statements and table rows with two leak statistics, and headings above chances from two statistics."""
    chances: dict[tuple[Path, str], set[str]] = {}
    for statement in told:
        if statement.is_chance:
            chances.setdefault((statement.file, statement.heading), set()).update(leak_figures(statement))
    mixed = [s.text for s in told if leak_figures(s) and len(LEAKS.keys() & s.sources) > 1]
    return mixed + [heading for (_, heading), sets in chances.items() if len(sets) > 1]


@pytest.mark.parametrize("language", Language.values)
def test_two_leak_statistics_are_never_compared(language: str) -> None:
    told = [s for file in FILES if file.parent.name == language for s in statements(file)]

    assert compared_leaks(told) == []
    assert any(leak_figures(s) for s in told)


@pytest.mark.parametrize(
    "body",
    [
        "Cement leaked in 55 [@world-neurosurgery-2017-leak] or 39 of 100. [@esj-2023-leak]",
        "| Leaks | 29 in 100 [@esj-2023-leak] | 164 of 201 [@kaviar-2014] |",
        "::: chance 39 in 100\nleaks. [@esj-2023-leak]\n:::\n\n::: chance 18 in 100\nleaks. [@world-neurosurgery-2017-leak]\n:::",
    ],
    ids=["sentence", "table row", "chances"],
)
def test_a_comparison_of_two_leak_statistics_is_detected(body: str) -> None:
    assert compared_leaks(list(statements(ENGLISH[0], f"## Leaks\n\n{body}")))


@pytest.mark.parametrize("language", Language.values)
def test_leak_statistics_in_one_section_have_subheadings_with_the_year(language: str) -> None:
    sections: dict[tuple[str, str], dict[str, set[str]]] = {}
    for statement in (s for file in FILES if file.parent.name == language for s in statements(file)):
        for key in leak_figures(statement):
            place = sections.setdefault((statement.file.name, statement.section), {})
            place.setdefault(key, set()).add(statement.heading)

    crowded = {place: sets for place, sets in sections.items() if len(sets) > 1}

    for place, sets in crowded.items():
        for key, headings in sets.items():
            year, _ = LEAKS[key]
            assert all(heading.startswith("### ") and year in heading for heading in headings), (place, key)
    printed = {name: set[str]() for name, _ in sections}
    for (name, _), sets in sections.items():
        printed[name] |= sets.keys()
    # Each page about risks, or that helps to choose between the two procedures, prints the direct comparison only.
    for name in (
        "complications-and-risks.md", "kyphoplasty.md", "vertebroplasty.md", "xray-stages.md", "treatment-choices.md",
    ):  # fmt: skip
        assert printed[name] == {HEAD_TO_HEAD}, name


def numbers_by_section(file: Path) -> dict[str, Counter[str]]:
    """Return all numbers of a text by section, including the key message.

    Sections have the same order in both languages.
    """
    entry = read_page_entry(file).data
    found = {"key message": Counter(FIGURE.findall(entry["key_message"]))}
    for place, part in enumerate(re.split(r"^## ", entry["body"], flags=re.MULTILINE)):
        text = UNCHECKED_TEXT.sub(" ", CITATION.sub(" ", CHANCE.sub(r"\1", part)))
        found[f"section {place}"] = Counter(FIGURE.findall(text))
    return found


def test_both_languages_print_the_same_numbers(subtests: pytest.Subtests) -> None:
    for file in ENGLISH:
        with subtests.test(file=file):
            spanish = numbers_by_section(file.parents[1] / "es" / file.name)

            assert spanish == numbers_by_section(file)


def test_spanish_text_matches_the_english_structure(subtests: pytest.Subtests) -> None:
    """Both texts have the same sections, blocks, sources, links, and answers in order, so one-sided fixes fail."""
    for file in ENGLISH:
        with subtests.test(file=file):
            shape = re.compile(
                r"\{#[^}]+\}|^::: \S.*$|\[@[^\]]+\]|\]\(page:[^)]+\)|^(?:- |\d+\. )|\{clinic\.\w+\}", re.MULTILINE
            )
            both = [read_page_entry(file).data, read_page_entry(file.parents[1] / "es" / file.name).data]

            english, spanish = (
                [sorted(shape.findall(part)) for part in re.split(r"^## ", one["body"], flags=re.MULTILINE)]
                for one in both
            )

            assert spanish == english
            for name in ("lead_figure", "kind", "order", "review_months"):
                assert both[1].get(name) == both[0].get(name), name
