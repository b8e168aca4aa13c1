"""Writing habits that make a page harder to use, each with a suggestion: vague links, capitals, doubled words, empty
headers, bold text as a heading, repeated parts, and chances without a source.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise

from django.utils.translation import gettext as _

from procedures import languages
from procedures.models import Page
from procedures.readability.scores import WORD, is_abbreviation, shorten_quote, split_sentences
from procedures.rendering import Issue
from procedures.rendering.document import (
    Block,
    Cell,
    Document,
    Heading,
    List,
    Mark,
    Node,
    Paragraph,
    Run,
    Table,
    Text,
    walk,
)
from procedures.rendering.fixes import (
    MAKE_HEADING,
    MAX_HEADING_LEVEL,
    SECTION_LEVEL,
    Fix,
    delete_lines,
    replace_once,
)

# Capitals in fewer letters can be a name, a unit, or an abbreviation.
MIN_CAPITALS = 8
MIN_CAPITALIZED_WORDS = 2
QUOTE_LENGTH = 60
# A bold paragraph of so many words is a heading; a longer one is an important sentence.
MAX_HEADING_WORDS = 8
MIN_REPEATED_WORDS = 3
DOUBLED_WORD = re.compile(r"(?<![\w'’-])([^\W\d_]+) +\1(?![\w'’-])", re.IGNORECASE)
DOUBLED_SPACE = re.compile(r"(\S+) {2,}(\S+)")
# “All that that means”, “I had had enough”.
RIGHT_WHEN_DOUBLED = frozenset({"that", "had"})


def find_habits(document: Document, language: str) -> list[Issue]:
    """Return a suggestion for each habit in the author's own text, that is, in nodes with a line."""
    found: list[Issue] = []
    for node in walk(document.body):
        if isinstance(node, Text) and node.line:
            found += _find_vague_links(node, language)
            found += _find_capitals(node, language)
            found += _find_doubled_words(node)
            found += _find_doubled_spaces(node)
        elif isinstance(node, Table) and node.line:
            found += _find_empty_headers(node)
            found += _find_empty_rows(node)
    return [
        *found,
        *_find_equal_headings(document.body),
        *_find_single_entries(document.body),
        *_find_bold_headings(document.body),
        *_find_repeats(document.body),
        *_find_unsourced_chances(document.body),
    ]


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
            yield Issue(line, message % {"text": text}, fix=Fix(_("Use the page’s title"), _use_title(text, language)))
        line += sum(run.kind in {"space", "break"} for run in runs)


def _use_title(text: str, language: str) -> Callable[[str], str]:
    """Return a function that replaces the text of a link to a page with the page's title."""
    link = re.compile(rf"\[{re.escape(text)}\](?=\(page:([\w-]+)[^)]*\))")

    def change(line: str) -> str:
        match = link.search(line)
        page = Page.objects.filter(subject=match[1], language=language).first() if match else None
        return line.replace(match[0], f"[{page.title}]", 1) if match and page else line

    return change


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
            fix = Fix(_("Use small letters"), replace_once(sentence, _to_small_letters(sentence, language)))
            yield Issue(node.line, message % {"text": shorten_quote(sentence.rstrip("."), QUOTE_LENGTH)}, fix=fix)


def _find_doubled_words(node: Text) -> Iterator[Issue]:
    lines = "".join("\n" if run.kind in {"space", "break"} else run.text for run in node.runs).split("\n")
    for line, text in enumerate(lines, node.line):
        for match in DOUBLED_WORD.finditer(text):
            if match[1].lower() not in RIGHT_WHEN_DOUBLED:
                fix = Fix(_("Delete the second one"), replace_once(match[0], match[1]))
                yield Issue(line, _("“%(text)s” is the same word twice.") % {"text": match[0]}, fix=fix)


def _find_doubled_spaces(node: Text) -> Iterator[Issue]:
    lines = "".join("\n" if run.kind in {"space", "break"} else run.text for run in node.runs).split("\n")
    for line, text in enumerate(lines, node.line):
        for match in DOUBLED_SPACE.finditer(text):
            fix = Fix(_("Use one space"), replace_once(match[0], f"{match[1]} {match[2]}"))
            yield Issue(line, _("“%(text)s” has more than one space in a row.") % {"text": match[0]}, fix=fix)


def _to_small_letters(sentence: str, language: str) -> str:
    """Return a sentence that begins with a capital. Abbreviations stay as they are."""
    text = WORD.sub(lambda word: word[0] if is_abbreviation(word[0], language) else word[0].lower(), sentence)
    return text[:1].upper() + text[1:]


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


def _find_empty_rows(table: Table) -> Iterator[Issue]:
    for row in table.nodes[1:]:
        cells = [cell for cell in row.children if isinstance(cell, Cell)]
        if row.line and cells and not any(cell.text.strip() for cell in cells):
            message = _("A row of this table is empty. Fill it in, or delete it.")
            yield Issue(row.line, message, fix=Fix(_("Delete the row"), delete_lines))


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


def _find_bold_headings(nodes: Sequence[Node]) -> Iterator[Issue]:
    """Yield a suggestion for each paragraph that only looks like a heading, which a screen reader does not list."""
    level = SECTION_LEVEL - 1
    for node, following in pairwise(nodes):
        if isinstance(node, Heading):
            level = node.level
        elif isinstance(node, Paragraph) and node.line and not node.role and not isinstance(following, Heading):
            runs = [run for run in node.runs if run.text.strip()]
            is_bold = runs and all(any(mark.kind == "strong" for mark in run.marks) for run in runs)
            if is_bold and len(node.text.split()) <= MAX_HEADING_WORDS and node.text.rstrip()[-1].isalnum():
                message = _("“%(text)s” is bold, but not a heading. Headings help readers find their place.")
                fix = Fix(MAKE_HEADING, _make_heading(min(level + 1, MAX_HEADING_LEVEL)))
                yield Issue(node.line, message % {"text": node.text}, fix=fix)


def _make_heading(level: int) -> Callable[[str], str]:
    return lambda line: f"{'#' * level} {line.strip().strip('*_')}"


def _find_repeats(nodes: Sequence[Node]) -> Iterator[Issue]:
    """Yield a suggestion for each paragraph, list, table, or block that repeats the one before it."""
    for node, following in pairwise(nodes):
        words = _all_words(node)
        if not following.line or type(node) is not type(following) or words != _all_words(following):
            continue
        if isinstance(node, Block) or len(" ".join(words).split()) >= MIN_REPEATED_WORDS:
            # The last line of a block's content is followed by its closing line.
            end = following.end + (isinstance(following, Block) and following.has_end)
            fix = Fix(_("Delete the second one"), delete_lines, following.line, end)
            yield Issue(following.line, _("This repeats what is above it."), fix=fix)


def _all_words(node: Node) -> list[str]:
    own = [node.name, node.options] if isinstance(node, Block) else []
    return own + [part.text for part in walk([node]) if isinstance(part, Text)]


def _find_unsourced_chances(nodes: Sequence[Node]) -> Iterator[Issue]:
    """Yield a suggestion for each chance without a source: in it, next to it, or at another chance of its section."""
    chances: list[Block] = []
    has_source = False
    previous: Node = Heading()
    for node in [*nodes, Heading()]:
        is_chance = isinstance(node, Block) and node.name == "chance"
        if is_chance or (chances and previous is chances[-1]):
            has_source |= _has_source(node) or _has_source(previous)
        if isinstance(node, Heading):
            if not has_source:
                message = _("This chance has no source. Choose the source of the number.")
                yield from (Issue(max(block.line, block.end), message, dialog="source") for block in chances)
            chances, has_source = [], False
        elif isinstance(node, Block) and is_chance and node.line:
            chances.append(node)
        previous = node


def _has_source(node: Node) -> bool:
    return any(run.kind == "source" for part in walk([node]) if isinstance(part, Text) for run in part.runs)
