"""Writing habits that make a page harder to use, each with a suggestion: vague links, capitals, and empty headers."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from django.utils.translation import gettext as _

from procedures import languages
from procedures.readability.scores import WORD, is_abbreviation, shorten_quote, split_sentences
from procedures.rendering import Issue
from procedures.rendering.document import Cell, Document, Heading, List, Mark, Node, Run, Table, Text, walk

# Capitals in fewer letters can be a name, a unit, or an abbreviation.
MIN_CAPITALS = 8
MIN_CAPITALIZED_WORDS = 2
QUOTE_LENGTH = 60


def find_habits(document: Document, language: str) -> list[Issue]:
    """Return a suggestion for each habit in the author's own text, that is, in nodes with a line."""
    found: list[Issue] = []
    for node in walk(document.body):
        if isinstance(node, Text) and node.line:
            found += _find_vague_links(node, language)
            found += _find_capitals(node, language)
        elif isinstance(node, Table) and node.line:
            found += _find_empty_headers(node)
    return [*found, *_find_equal_headings(document.body), *_find_single_entries(document.body)]


def _find_vague_links(node: Text, language: str) -> Iterator[Issue]:
    pattern = languages.get(language).vague_links
    if not pattern:
        return
    line = node.line
    for mark, group in groupby(node.runs, key=_find_link):
        runs = list(group)
        text = " ".join("".join(" " if run.kind in {"space", "break"} else run.text for run in runs).split())
        words = re.sub(r"^[^\w]+|[^\w]+$", "", text)
        if mark and re.fullmatch(pattern, words, re.IGNORECASE):
            message = _(
                "The link “%(text)s” does not say where it leads. Use words that name the page, such as “the recovery "
                "page”."
            )
            yield Issue(line, message % {"text": text})
        line += sum(run.kind in {"space", "break"} for run in runs)


def _find_link(run: Run) -> Mark | None:
    return next((mark for mark in run.marks if mark.kind == "link"), None)


def _find_capitals(node: Text, language: str) -> Iterator[Issue]:
    for sentence in split_sentences(node.text):
        words = [word for word in WORD.findall(sentence) if len(word) > 1 and not is_abbreviation(word, language)]
        letters = [character for word in words for character in word if character.isalpha()]
        if len(words) < MIN_CAPITALIZED_WORDS or len(letters) < MIN_CAPITALS:
            continue
        if all(letter.isupper() for letter in letters):
            message = _(
                "Words in capitals are hard to read: “%(text)s”. Use small letters, and bold for what matters most."
            )
            yield Issue(node.line, message % {"text": shorten_quote(sentence, QUOTE_LENGTH)})


def _find_empty_headers(table: Table) -> Iterator[Issue]:
    header = table.nodes[0] if table.nodes else None
    cells = [cell for cell in header.children if isinstance(cell, Cell)] if header else []
    # The corner above the names of the rows may be empty.
    empty = [index for index, cell in enumerate(cells) if not cell.text.strip()]
    if empty and (len(empty) == len(cells) or empty != [0]):
        message = (
            _("The first row of this table is empty. Write what each column contains.")
            if len(empty) == len(cells)
            else _("A column of this table has no heading. Write what it contains.")
        )
        yield Issue(table.line, message)


def _find_equal_headings(nodes: Sequence[Node]) -> Iterator[Issue]:
    """Yield a suggestion for each heading that repeats an earlier one of the same section."""
    parents: dict[int, str] = {}
    seen: set[tuple[str, ...]] = set()
    for node in nodes:
        if not isinstance(node, Heading) or not node.text:
            continue
        parents = {level: text for level, text in parents.items() if level < node.level}
        parents[node.level] = " ".join(node.text.casefold().split())
        path = tuple(parents[level] for level in sorted(parents))
        if path in seen and node.line:
            message = _("Two headings are equal: “%(text)s”. Change one, so that readers can tell them apart.")
            yield Issue(node.line, message % {"text": node.text})
        seen.add(path)


def _find_single_entries(nodes: Sequence[Node]) -> Iterator[Issue]:
    """Yield a suggestion for each bulleted list outside of blocks that has one entry."""
    for node in nodes:
        if isinstance(node, List) and node.line and not node.is_ordered and len(node.nodes) == 1:
            yield Issue(node.line, _("This list has only one entry. Write it as a sentence, or add the other entries."))
