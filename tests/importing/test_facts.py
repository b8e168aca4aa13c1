"""Facts in the starter texts: every number is registered, the two leak rates stay apart, translations match."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from procedures.enums import Language
from procedures.importing.content_files import read_page_entry
from procedures.readability.uncited_numbers import (
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
CITE = re.compile(r"\[@([a-z0-9-]+)\]")
FIGURE = re.compile(r"(?<![\w.,–-])\d[\d.,]*(?<![.,])(?!\w)")
NOTHING_TO_PROVE = re.compile(r"\]\([^)]*\)|\{[^}]*\}|^:::.*$|^\d+\. |\b(?:19|20)\d\d\b", re.MULTILINE)
CHANCE = re.compile(r"^::: chance (\d+) in \d+$", re.MULTILINE)
WHOLE = {"100", "10"}
POOLED, HEAD_TO_HEAD = "world-neurosurgery-2017-leak", "esj-2023-leak"


@dataclass(frozen=True)
class Statement:
    """A paragraph, list entry or block, with its section and the sources that cover it."""

    file: Path
    section: str
    text: str
    sources: frozenset[str]


def register() -> dict[str, set[str]]:
    """Numbers by source, from docs/quality/numbers.md."""
    found: dict[str, set[str]] = {}
    for source, numbers in ROW.findall((ROOT / "docs/quality/numbers.md").read_text(encoding="utf-8")):
        found.setdefault(source, set()).update(re.split(r", (?=\d)", numbers.strip()) if numbers.strip() else [])
    return found


def statements(file: Path, body: str = "") -> Iterator[Statement]:
    """The text in pieces. A sentence with a colon covers the pieces it leads into, up to the next heading."""
    section, lead = "", frozenset[str]()
    for piece in re.split(r"\n\n+|\n(?=- |\d+\. )", body or read_page_entry(file).data["body"]):
        if piece.startswith("#"):
            section, _, piece = piece.partition("\n")
            lead = frozenset()
        text = CHANCE.sub(r"\1", piece)
        sources = frozenset(CITE.findall(piece))
        covered = sources | (lead if piece.startswith(("- ", ":::")) or re.match(r"\d+\. ", piece) else frozenset())
        yield Statement(file, section, text, covered)
        if CITE.sub("", piece).rstrip().endswith(":") or "\n::: " in piece:
            lead = sources or lead


def sign_statements() -> Iterator[Statement]:
    """The warning signs, each with all of its sources."""
    file = CONTENT / "warning_signs.yaml"
    for sign in yaml.safe_load(file.read_text(encoding="utf-8")):
        for words in sign["text"].values():
            yield Statement(file, sign["key"], words["text"], frozenset(sign["sources"]))


def figures(text: str) -> set[str]:
    """The numbers in a statement that say something about people."""
    text = NOTHING_TO_PROVE.sub(" ", CITE.sub(" ", text).replace("**", ""))
    text = " ".join(
        s
        for s in re.split(r"(?<=[.!?:])\s+", text)
        if not s.rstrip('"”').endswith("?") and not WRITING_INSTRUCTION.match(s)
    )
    for pattern in (CLOCK_TIME, DATE, ITEM_REFERENCE, VISIBLE_COUNT, DENOMINATOR):
        text = pattern.sub(" ", text)
    return set(FIGURE.findall(text)) - WHOLE


def unregistered(statement: Statement, known: dict[str, set[str]]) -> set[str]:
    """Numbers of a cited statement that none of its sources is registered for."""
    return figures(statement.text) - {number for source in statement.sources for number in known.get(source, set())}


def test_each_number_beside_a_source_is_in_the_register(subtests: pytest.Subtests) -> None:
    for file in FILES:
        with subtests.test(file=file):
            known = register()

            wrong = [(s.section, sorted(unregistered(s, known)), s.text) for s in statements(file) if s.sources]

            assert [found for found in wrong if found[1]] == []


def test_each_number_in_a_warning_sign_is_in_the_register_of_its_sources() -> None:
    known = register()

    assert {s.section: found for s in sign_statements() if (found := unregistered(s, known))} == {}
    assert any(figures(s.text) for s in sign_statements())


def test_the_register_lets_no_other_number_through() -> None:
    known = register()
    told = "Of 100 women with one fracture, 20 have another within a year. [@bhof-2022]"

    (statement,) = statements(ENGLISH[0], told)

    assert unregistered(statement, known) == {"20"}
    assert unregistered(Statement(ENGLISH[0], "", "5 times as likely.", frozenset({"bhof-2022"})), known) == set()


def test_the_register_names_sources_that_exist_and_no_number_that_no_page_prints() -> None:
    sources = {row["key"] for row in yaml.safe_load((CONTENT / "sources.yaml").read_text(encoding="utf-8"))}
    printed: dict[str, set[str]] = {}
    for statement in [*(s for file in FILES for s in statements(file)), *sign_statements()]:
        for source in statement.sources:
            printed.setdefault(source, set()).update(figures(statement.text))

    assert register().keys() - sources == set()
    assert {source: idle for source, told in register().items() if (idle := told - printed.get(source, set()))} == {}


def test_a_number_that_was_not_checked_in_its_source_appears_nowhere() -> None:
    unread = re.compile(
        r"\b(?:20|veinte|twenty) ?(?:%|percent|por ciento|(?:in|of|de(?: cada)?) 100)|1 in 5\b|1 de cada 5\b|JAMA"
    )

    assert [file.name for file in FILES if unread.search(file.read_text(encoding="utf-8"))] == []
    assert "JAMA" not in (CONTENT / "sources.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", Language.values)
def test_the_two_leak_figures_never_share_a_section(language: str) -> None:
    cited: dict[tuple[str, str], set[str]] = {}
    for statement in (s for file in FILES if file.parent.name == language for s in statements(file)):
        cited.setdefault((statement.file.name, statement.section), set()).update(statement.sources)

    assert [place for place, sources in cited.items() if {POOLED, HEAD_TO_HEAD} <= sources] == []
    assert sum(POOLED in sources for sources in cited.values()) >= 2
    assert sum(HEAD_TO_HEAD in sources for sources in cited.values()) >= 4


def test_the_spanish_text_keeps_step_with_the_english(subtests: pytest.Subtests) -> None:
    """Same sections, blocks, sources, links and answers in the same order; a fix in only one language fails."""
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
