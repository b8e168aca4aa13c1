"""The Markdown parser, and the anchors and titles of sections.

The dialect is CommonMark with tables, blocks (``:::``), citations (``[@key]``), and clinic values (``{clinic.phone}``).
Raw HTML is disabled and shown as text.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count, pairwise

from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from procedures.addresses import SLUG
from procedures.markup import PLACEHOLDER
from procedures.rendering.blocks import Content, get_block_types
from procedures.rendering.document import (
    Block,
    Cell,
    Code,
    Document,
    Heading,
    List,
    ListItem,
    Mark,
    Node,
    Paragraph,
    Quote,
    Row,
    Rule,
    Run,
    Table,
    runs_text,
)

# A lazy quantifier before the spaces would take minutes on a long line of spaces.
BLOCK_START = re.compile(r":::[ \t]*([a-z][a-z-]*)([^\n]*)\Z")
BLOCK_END = re.compile(r":::[ \t]*\Z")
CITATION = re.compile(r"\[@([a-z0-9-]+(?:\s*;\s*@[a-z0-9-]+)*)\]")
# The attributes of a section heading: its anchor, and whether it is folded on phones: {#when-to-call},
# {#details .folded}.
HEADING_ATTRIBUTES = re.compile(rf"\{{#({SLUG})([ ]\.folded)?\}}[ \t]*\Z")
CLINIC_VALUE = re.compile(r"\{([a-z]+\.[a-z_]+)\}")
MAX_BODY_LENGTH = 200_000
RUN_KINDS = {"code_inline": "code", "softbreak": "space", "hardbreak": "break"}
# The level of the headings inside an option of ``choices``. They have no anchor.
ASPECT_LEVEL = 4


@cache
def get_parser() -> MarkdownIt:
    """Return the shared parser. It keeps no state between texts."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    # Link reference definitions are invisible in the result, so they could hide text from an editor.
    markdown.disable(["reference", "html_block", "html_inline", "autolink"])
    markdown.block.ruler.before(
        "fence", "directive", _block_rule, {"alt": ["paragraph", "blockquote", "list", "table"]}
    )
    markdown.inline.ruler.before("link", "citation", _citation_rule)
    markdown.inline.ruler.before("link", "value", _clinic_value_rule)
    markdown.core.ruler.before("text_join", "visible_lines", record_visible_lines)
    return markdown


def _line_text(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _block_rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse ``:::``: a one-line block becomes ``directive``, a container ``directive_open`` … ``directive_close``."""
    first = _line_text(state, start)
    if not first.startswith(":::"):
        return False
    if silent:
        return True
    match = BLOCK_START.match(first)
    name, options = (match[1], match[2].strip(" \t")) if match else ("", "")
    meta, block_types = {"name": name, "options": options, "raw": first}, get_block_types()
    if name not in block_types or not block_types[name].has_end:
        token = state.push("directive", "", 0)
        token.map, token.meta = [start, start + 1], meta
        state.line = start + 1
        return True

    stop = _find_closing_line(state, start, end)
    opening = state.push("directive_open", "", 1)
    opening.map, opening.meta = [start, stop], {**meta, "closed": stop < end}
    before, state.parentType = state.parentType, f"directive {name}"
    limit, state.lineMax = state.lineMax, stop
    state.md.block.tokenize(state, start + 1, stop)
    state.parentType, state.lineMax = before, limit
    state.push("directive_close", "", -1)
    state.line = min(stop + 1, end)
    return True


def _find_closing_line(state: StateBlock, start: int, end: int) -> int:
    """Return the line of the matching ``:::``, or ``end`` if there is none."""
    depth, block_types = 1, get_block_types()
    for number in range(start + 1, end):
        line = _line_text(state, number)
        if BLOCK_END.match(line):
            depth -= 1
            if depth == 0:
                return number
        elif (match := BLOCK_START.match(line)) and match[1] in block_types and block_types[match[1]].has_end:
            depth += 1
    return end


def _citation_rule(state: StateInline, silent: bool) -> bool:
    return _match_inline(state, silent, "[", CITATION, "citation")


def _clinic_value_rule(state: StateInline, silent: bool) -> bool:
    return _match_inline(state, silent, "{", CLINIC_VALUE, "value")


def _match_inline(state: StateInline, silent: bool, first_char: str, pattern: re.Pattern[str], token_type: str) -> bool:
    if state.src[state.pos] != first_char:
        return False
    match = pattern.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        state.push(token_type, "", 0).content = match[1]
    state.pos = match.end()
    return True


def record_visible_lines(state: StateCore) -> None:
    """Store the visible lines of each inline token in its meta, before escapes and entities become plain text."""
    for token in state.tokens:
        if token.type == "inline":
            children = token.children or []
            token.meta["visible"], token.meta["outside_links"] = _visible_lines(children)
            token.meta["literal"] = "".join(map(_literal_text, children)).split("\n")


def _literal_text(token: Token) -> str:
    """Return the text of a token, with escaped characters, or a placeholder for parsed markup."""
    if token.type in {"softbreak", "hardbreak"}:
        return "\n"
    return token.content.replace("\n", " ") if token.type in {"text", "text_special"} else PLACEHOLDER


def _visible_lines(children: list[Token]) -> tuple[list[str], list[str]]:
    """Return the lines with a placeholder for parsed markup; then the same with placeholders for links as well."""
    visible, outside, depth = [""], [""], 0
    for child in children:
        if child.type in {"softbreak", "hardbreak"}:
            visible.append("")
            outside.append("")
            continue
        depth += child.nesting if child.type in {"link_open", "link_close"} else 0
        # A backslash that escapes nothing is also parsed as an escape, but it is shown.
        is_shown = child.type == "text" or (child.info == "escape" and child.content == child.markup)
        piece = child.content if is_shown else PLACEHOLDER
        visible[-1] += piece
        outside[-1] += PLACEHOLDER if depth else piece
    return visible, outside


def find_closing_token(tokens: list[Token], start: int) -> int:
    """Return the index of the token that closes the one at ``start``."""
    depth = 0
    for position in range(start, len(tokens)):
        depth += tokens[position].nesting
        if depth <= 0:
            return position
    return len(tokens) - 1


def line_number(token: Token) -> int:
    """Return the line that a token starts on, counted from 1."""
    return (token.map[0] if token.map else 0) + 1


TEMPLATE_ELEMENT_IDS = frozenset(
    "main page-contents page-points page-words page-sources page-reading tip large-type largest-type whole-page "
    "word-shown warning-signs".split()
)
# Anchors that templates generate.
RESERVED_ANCHOR = re.compile(
    r"(?:main|top|contents|sources|words|next)\Z|"
    r"(?:source|word|term|fig|care|series|chance|compare|letter|levels|menu|page|picture|place)-"
)
# Headings that templates generate, such as those of an index. An author's heading never has such an anchor.
GENERATED_ANCHOR = re.compile(r"(?:page|letter|picture|place)-")


def avoid_reserved_anchor(wanted: str) -> str:
    """Return ``wanted``, with a prefix if templates use that anchor."""
    return f"about-{wanted}" if RESERVED_ANCHOR.match(wanted) else wanted


def iter_anchor_candidates(wanted: str) -> Iterator[str]:
    """Yield anchors for a heading whose preferred anchor is ``wanted``, the best one first."""
    yield avoid_reserved_anchor(wanted)
    yield from (avoid_reserved_anchor(f"{avoid_reserved_anchor(wanted)}-{number}") for number in count(2))


def make_unique_anchor(wanted: str, used: set[str]) -> str:
    """Return the first candidate for ``wanted`` that is not in ``used``, and add it to ``used``."""
    anchor = next(candidate for candidate in iter_anchor_candidates(wanted) if candidate not in used)
    used.add(anchor)
    return anchor


def _pop_heading_attributes(inline: Token) -> tuple[str, bool]:
    """Remove the attributes (``{#name}`` or ``{#name .folded}``) from the end of a heading; return its anchor and
    whether it is folded.
    """
    last = inline.children[-1] if inline.children else None
    if last is None or last.type != "text" or not (match := HEADING_ATTRIBUTES.search(last.content)):
        return "", False
    last.content = last.content[: match.start()].rstrip(" \t")
    return match[1], bool(match[2])


@dataclass(frozen=True, slots=True)
class ParsedText:
    """A parsed body.

    Rendering resolves the names in ``document``, so parse the text again before rendering it again.
    """

    document: Document
    tokens: list[Token]
    text: str


def parse(text: str) -> ParsedText:
    """Parse a body: its tree, and the tokens that the lint of its markup reads.

    Both are empty if the text is longer than MAX_BODY_LENGTH.
    """
    tokens = get_parser().parse(text) if len(text) <= MAX_BODY_LENGTH else []
    return ParsedText(Document(body=_TreeBuilder().build(tokens)), tokens, text)


def section_titles(
    text: str, clinic_values: Mapping[str, str], anchor_renames: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the titles of all sections of a text, by the anchors that they have on its page.

    ``anchor_renames``: those of the release, because the anchors of a text also depend on earlier releases.
    """
    titles: dict[str, str] = {}
    for heading in parse(text).document.headings:
        runs = [Run(clinic_values.get(run.text, "")) if run.kind == "value" else run for run in heading.runs]
        titles[(anchor_renames or {}).get(heading.natural_anchor, heading.natural_anchor)] = runs_text(runs)
    return titles


class _TreeBuilder:
    """Builds the tree of a document, and gives each heading its anchor."""

    def __init__(self) -> None:
        self._used_anchors = set(TEMPLATE_ELEMENT_IDS)

    def build(self, tokens: list[Token], *, in_choices: bool = False) -> list[Node]:
        """Return the nodes of ``tokens``, which must be balanced."""
        nodes: list[Node] = []
        position = 0
        while position < len(tokens):
            end = find_closing_token(tokens, position)
            node = self._build_node(tokens[position : end + 1], in_choices=in_choices)
            start, stop = tokens[position].map or (0, 0)
            node.line, node.end = start + 1, stop
            nodes.append(node)
            position = end + 1
        return nodes

    def _build_node(self, tokens: list[Token], *, in_choices: bool) -> Node:
        token, inner = tokens[0], tokens[1:-1]
        match token.type:
            case "heading_open":
                return self._build_heading(token, inner[0], in_choices=in_choices)
            case "paragraph_open":
                return Paragraph(runs=_build_runs(inner[0]), source=inner[0].content)
            case "bullet_list_open" | "ordered_list_open":
                return self._build_list(token, inner)
            case "list_item_open":
                return ListItem(nodes=self.build(inner))
            case "table_open":
                rows = [_build_row(row, is_header=not at) for at, row in enumerate(_split_rows(inner))]
                return Table(nodes=list(rows))
            case "blockquote_open":
                return Quote(nodes=self.build(inner))
            case "directive" | "directive_open":
                return self._build_block(token, inner)
            case "hr":
                return Rule()
        return Code(text=token.content)

    def _build_block(self, token: Token, inner: list[Token]) -> Block:
        name = token.meta["name"]
        block = Block(name=name, options=token.meta["options"], raw=token.meta["raw"])
        if token.type == "directive_open":
            block.has_end = token.meta["closed"]
            block.nodes = self.build(inner, in_choices=get_block_types()[name].content == Content.OPTIONS)
        return block

    def _build_list(self, token: Token, inner: list[Token]) -> List:
        is_tight = not any(
            child.type == "paragraph_open" and not child.hidden and child.level == token.level + 2 for child in inner
        )
        is_ordered = token.type == "ordered_list_open"
        start = int(token.attrGet("start") or 0) if "start" in token.attrs else 1
        return List(nodes=self.build(inner), is_ordered=is_ordered, is_tight=is_tight, start=start)

    def _build_heading(self, opening: Token, inline: Token, *, in_choices: bool) -> Heading:
        explicit, is_folded = _pop_heading_attributes(inline)
        runs = _build_runs(inline)
        level = int(opening.tag[1])
        heading = Heading(level=level, runs=runs, source=inline.content)
        # The aspects of an option have no anchor.
        if not (in_choices and level == ASPECT_LEVEL):
            heading.is_explicit, heading.is_folded = bool(explicit), is_folded
            # Clinic values are left out, because an anchor must not change when they do.
            heading.wanted_anchor = explicit or slugify(runs_text(runs)) or "section"
            heading.is_taken = bool(explicit) and bool(
                RESERVED_ANCHOR.match(explicit) or explicit in self._used_anchors
            )
            heading.natural_anchor = make_unique_anchor(heading.wanted_anchor, self._used_anchors)
            heading.anchor = heading.natural_anchor
        return heading


def _split_rows(tokens: list[Token]) -> Iterator[list[Token]]:
    row: list[Token] = []
    for token in tokens:
        if token.type == "tr_open":
            row = [token]
        elif token.type == "tr_close":
            yield row
        else:
            row.append(token)


def _build_row(tokens: list[Token], *, is_header: bool) -> Row:
    cells: list[Node] = []
    line = line_number(tokens[0])
    for opening, inline in pairwise(tokens):
        if opening.type in {"th_open", "td_open"}:
            align = str(opening.attrs.get("style", "")).removeprefix("text-align:")
            runs, source = _build_runs(inline), inline.content
            cells.append(Cell(runs=runs, source=source, align=align, is_header=is_header, line=line_number(inline)))
    return Row(nodes=cells, line=line)


def _build_runs(inline: Token) -> list[Run]:
    runs: list[Run] = []
    marks: list[Mark] = []
    for child in inline.children or []:
        if child.nesting > 0:
            marks.append(Mark(child.type.removesuffix("_open"), str(child.attrGet("href") or "")))
        elif child.nesting < 0:
            marks.pop()
        elif child.content or child.type != "text":
            runs.append(Run(child.content, RUN_KINDS.get(child.type, child.type), tuple(marks)))
    return runs
