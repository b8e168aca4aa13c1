"""CommonMark with tables, our blocks (``:::``), citations (``[@key]``) and clinic values (``{clinic.phone}``).

Raw HTML is off: it is shown as text. The tokens keep their line numbers.
"""

import re
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from procedures.markup import PARSED

CONTAINERS = frozenset("key-points emergency urgent call note steps do dont checklist chance choices".split())
# No lazy part before spaces: it would take minutes on a line of spaces.
OPENING = re.compile(r":::[ \t]*([a-z][a-z-]*)([^\n]*)\Z")
CLOSING = re.compile(r":::[ \t]*\Z")
CITATION = re.compile(r"\[@([a-z0-9-]+(?:\s*;\s*@[a-z0-9-]+)*)\]")
OWN_ANCHOR = re.compile(r"\{#([a-z0-9]+(?:-[a-z0-9]+)*)\}[ \t]*\Z")
VALUE = re.compile(r"\{([a-z]+\.[a-z_]+)\}")
MAX_TEXT = 200_000


@cache
def parser() -> MarkdownIt:
    """The one configured parser. It keeps no state between texts."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    # Link reference definitions could hide text from an editor; the dialect has no use for them.
    markdown.disable(["reference", "html_block", "html_inline", "autolink"])
    markdown.block.ruler.before("fence", "directive", _directive, {"alt": ["paragraph", "blockquote", "list", "table"]})
    markdown.inline.ruler.before("link", "citation", _citation)
    markdown.inline.ruler.before("link", "value", _value)
    markdown.core.ruler.before("text_join", "visible_lines", keep_visible_lines)
    return markdown


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _directive(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """One-line blocks become ``directive``; others ``directive_open`` … ``directive_close``."""
    first = _line(state, start)
    if not first.startswith(":::"):
        return False
    if silent:
        return True
    match = OPENING.match(first)
    name, options = (match[1], match[2].strip(" \t")) if match else ("", "")
    meta = {"name": name, "options": options, "nested": state.parentType, "raw": first}
    if name not in CONTAINERS:
        token = state.push("directive", "", 0)
        token.map, token.meta = [start, start + 1], meta
        state.line = start + 1
        return True

    stop = _closing_line(state, start, end)
    opening = state.push("directive_open", "", 1)
    opening.map, opening.meta = [start, stop], {**meta, "closed": stop < end}
    before, state.parentType = state.parentType, f"directive {name}"
    limit, state.lineMax = state.lineMax, stop
    state.md.block.tokenize(state, start + 1, stop)
    state.parentType, state.lineMax = before, limit
    state.push("directive_close", "", -1)
    state.line = min(stop + 1, end)
    return True


def _closing_line(state: StateBlock, start: int, end: int) -> int:
    """The line of the matching ``:::``, or ``end`` when there is none."""
    depth = 1
    for number in range(start + 1, end):
        line = _line(state, number)
        if CLOSING.match(line):
            depth -= 1
            if depth == 0:
                return number
        elif (match := OPENING.match(line)) and match[1] in CONTAINERS:
            depth += 1
    return end


def _citation(state: StateInline, silent: bool) -> bool:
    return _inline(state, silent, "[", CITATION, "citation")


def _value(state: StateInline, silent: bool) -> bool:
    return _inline(state, silent, "{", VALUE, "value")


def _inline(state: StateInline, silent: bool, first: str, pattern: re.Pattern[str], kind: str) -> bool:
    if state.src[state.pos] != first:
        return False
    match = pattern.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        state.push(kind, "", 0).content = match[1]
    state.pos = match.end()
    return True


def keep_visible_lines(state: StateCore) -> None:
    """A rule of the parser: note the lines of each inline token before escapes and entities become plain text."""
    for token in state.tokens:
        if token.type == "inline":
            token.meta["visible"], token.meta["outside_links"] = _visible_lines(token.children or [])


def _visible_lines(children: list[Token]) -> tuple[list[str], list[str]]:
    """The text as lines in which one character replaces parsed markup; then the same without the text of links."""
    visible, outside, depth = [""], [""], 0
    for child in children:
        if child.type in {"softbreak", "hardbreak"}:
            visible.append("")
            outside.append("")
            continue
        depth += child.nesting if child.type in {"link_open", "link_close"} else 0
        # A backslash that escapes nothing comes as an escape, too; it is shown.
        shown = child.type == "text" or (child.info == "escape" and child.content == child.markup)
        piece = child.content if shown else PARSED
        visible[-1] += piece
        outside[-1] += PARSED if depth else piece
    return visible, outside


def closing_index(tokens: list[Token], start: int) -> int:
    """Index of the token that closes the one at ``start``."""
    depth = 0
    for position in range(start, len(tokens)):
        depth += tokens[position].nesting
        if depth <= 0:
            return position
    return len(tokens) - 1


def line_of(token: Token) -> int:
    """The line of the text that a token begins on, from 1."""
    return (token.map[0] if token.map else 0) + 1
