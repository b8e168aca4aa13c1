"""The Markdown parser, and the anchors and titles of sections.

The dialect is CommonMark with tables, blocks (``:::``), citations (``[@key]``), and clinic values (``{clinic.phone}``).
Raw HTML is disabled and shown as text.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from html import unescape
from itertools import count, pairwise

from django.utils.html import strip_tags
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from procedures.markup import PLACEHOLDER

CONTAINER_NAMES = frozenset("key-points emergency urgent call note steps do dont checklist chance choices".split())
# A lazy quantifier before the spaces would take minutes on a long line of spaces.
BLOCK_START = re.compile(r":::[ \t]*([a-z][a-z-]*)([^\n]*)\Z")
BLOCK_END = re.compile(r":::[ \t]*\Z")
CITATION = re.compile(r"\[@([a-z0-9-]+(?:\s*;\s*@[a-z0-9-]+)*)\]")
EXPLICIT_ANCHOR = re.compile(r"\{#([a-z0-9]+(?:-[a-z0-9]+)*)\}[ \t]*\Z")
CLINIC_VALUE = re.compile(r"\{([a-z]+\.[a-z_]+)\}")
MAX_BODY_LENGTH = 200_000


@cache
def get_parser() -> MarkdownIt:
    """Return the shared parser. It holds no state between texts."""
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
    meta = {"name": name, "options": options, "nested": state.parentType, "raw": first}
    if name not in CONTAINER_NAMES:
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
    depth = 1
    for number in range(start + 1, end):
        line = _line_text(state, number)
        if BLOCK_END.match(line):
            depth -= 1
            if depth == 0:
                return number
        elif (match := BLOCK_START.match(line)) and match[1] in CONTAINER_NAMES:
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
            token.meta["visible"], token.meta["outside_links"] = _visible_lines(token.children or [])


def _visible_lines(children: list[Token]) -> tuple[list[str], list[str]]:
    """Return the lines with a placeholder for parsed markup; then the same with placeholders for links as well."""
    visible, outside, depth = [""], [""], 0
    for child in children:
        if child.type in {"softbreak", "hardbreak"}:
            visible.append("")
            outside.append("")
            continue
        depth += child.nesting if child.type in {"link_open", "link_close"} else 0
        # A backslash that escapes nothing is also parsed as an escape, and it is shown.
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


# Ids of elements in the templates.
PAGE_ELEMENT_IDS = frozenset(
    "main page-contents page-points page-words page-sources page-reading tip large-type word-shown "
    "warning-signs".split()
)
# Anchors that templates generate.
RESERVED_ANCHOR = re.compile(
    r"(?:main|top|contents|sources|words|next)\Z|"
    r"(?:source|word|term|fig|care|series|chance|compare|letter|levels|menu|page|picture|place)-"
)
# Headings that templates generate, such as those of an index. An author's heading never has such an anchor.
GENERATED_ANCHOR = re.compile(r"(?:page|letter|picture|place)-")
# A heading with an id in finished HTML.
HEADING_HTML = re.compile(r'<h([234])(?:\s[^>]*)?\sid="([^"]+)"[^>]*>(.*?)</h\1>', re.DOTALL)
CITATION_HTML = re.compile(r"<sup[^>]*>.*?</sup>", re.DOTALL)


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


def pop_explicit_anchor(inline: Token) -> str:
    """Remove an explicit anchor (``{#name}``) from the end of a heading and return it, or ""."""
    last = inline.children[-1] if inline.children else None
    if last is None or last.type != "text" or not (match := EXPLICIT_ANCHOR.search(last.content)):
        return ""
    last.content = last.content[: match.start()].rstrip(" \t")
    return match[1]


def slugify_heading(inline: Token) -> str:
    """Return the anchor for the text of a heading, without clinic values: it must not change with them."""
    return slugify(inline_text(inline)) or "section"


def inline_text(inline: Token) -> str:
    """Return the text of an inline token without markup and citations."""
    texts: list[str] = []
    citation_depth = 0
    for child in inline.children or []:
        citation_depth += child.nesting if child.tag == "sup" else 0
        if child.type in {"text", "code_inline"} and not citation_depth:
            texts.append(child.content)
    return " ".join("".join(texts).split())


def extract_section_titles(html: str) -> dict[str, str]:
    """Return the titles of all sections of finished HTML, by anchor."""
    return {
        match[2]: " ".join(unescape(strip_tags(CITATION_HTML.sub("", match[3]))).split())
        for match in HEADING_HTML.finditer(html)
    }


def draft_section_titles(text: str, clinic_values: Mapping[str, str]) -> dict[str, str]:
    """Return the titles of all sections of a draft in Markdown, by the anchors that they would have."""
    titles: dict[str, str] = {}
    used, tokens = set(PAGE_ELEMENT_IDS), get_parser().parse(text)
    blocks: list[str] = []
    for token, inline in pairwise(tokens):
        if token.type == "directive_open":
            blocks.append(token.meta["name"])
        elif token.type == "directive_close":
            blocks.pop()
        # The aspects of a choice have no anchor.
        if token.type == "heading_open" and not ("choices" in blocks and token.tag == "h4"):
            explicit, slug = pop_explicit_anchor(inline), slugify_heading(inline)
            for child in inline.children or []:
                if child.type == "value":
                    child.type, child.content = "text", clinic_values.get(child.content, "")
            titles[make_unique_anchor(explicit or slug, used)] = inline_text(inline)
    return titles
