"""Section addresses and titles: of a parsed heading, of a finished article, of a draft."""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from itertools import count, pairwise

from django.utils.html import strip_tags
from django.utils.text import slugify
from markdown_it.token import Token

from procedures.markdown.parser import OWN_ANCHOR, parser

# Ids that the page's own parts have.
PAGE_ANCHORS = frozenset(
    "main page-contents page-points page-words page-sources page-reading tip large-type word-shown "
    "warning-signs".split()
)
# Addresses that the page itself uses.
TAKEN = re.compile(
    r"(?:main|top|contents|sources|words|next)\Z|"
    r"(?:source|word|term|fig|care|series|chance|compare|letter|levels|menu|page|picture|place)-"
)
# Headings of the page itself and of its indexes, which change with the listed items; authors' headings never match.
PAGE_HEADING = re.compile(r"(?:page|letter|picture|place)-")
# A heading with an address in finished HTML.
HEADING_HTML = re.compile(r'<h([234])(?:\s[^>]*)?\sid="([^"]+)"[^>]*>(.*?)</h\1>', re.DOTALL)
SOURCE_MARK = re.compile(r"<sup[^>]*>.*?</sup>", re.DOTALL)


def safe_anchor(wanted: str) -> str:
    """``wanted``, or another address where the page itself uses it."""
    return f"about-{wanted}" if TAKEN.match(wanted) else wanted


def candidates(wanted: str) -> Iterator[str]:
    """Addresses for a heading that asks for ``wanted``, the best first."""
    yield safe_anchor(wanted)
    yield from (safe_anchor(f"{safe_anchor(wanted)}-{number}") for number in count(2))


def heading_name(wanted: str, names: set[str]) -> str:
    """The address of a heading from its own text, which is added to ``names``, those taken so far."""
    free = next(name for name in candidates(wanted) if name not in names)
    names.add(free)
    return free


def take_own_anchor(inline: Token) -> str:
    """Remove the address that the author typed from the words of a heading, and return it."""
    last = inline.children[-1] if inline.children else None
    if last is None or last.type != "text" or not (match := OWN_ANCHOR.search(last.content)):
        return ""
    last.content = last.content[: match.start()].rstrip(" \t")
    return match[1]


def name_of(inline: Token) -> str:
    """The address made from the words of a heading, without clinic values: it must not change with them."""
    return slugify(plain(inline)) or "section"


def plain(inline: Token) -> str:
    """The words of an inline token without markup and source marks."""
    words: list[str] = []
    in_mark = 0
    for child in inline.children or []:
        in_mark += child.nesting if child.tag == "sup" else 0
        if child.type in {"text", "code_inline"} and not in_mark:
            words.append(child.content)
    return " ".join("".join(words).split())


def section_titles(html: str) -> dict[str, str]:
    """The titles of all sections of a finished article, by address."""
    return {
        match[2]: " ".join(unescape(strip_tags(SOURCE_MARK.sub("", match[3]))).split())
        for match in HEADING_HTML.finditer(html)
    }


def planned_titles(text: str, clinic: Mapping[str, str]) -> dict[str, str]:
    """The same of a Markdown text that is not public yet."""
    titles: dict[str, str] = {}
    names, tokens = set(PAGE_ANCHORS), parser().parse(text)
    blocks: list[str] = []
    for token, inline in pairwise(tokens):
        if token.type == "directive_open":
            blocks.append(token.meta["name"])
        elif token.type == "directive_close":
            blocks.pop()
        # The aspects of a choice have no address.
        if token.type == "heading_open" and not ("choices" in blocks and token.tag == "h4"):
            own, name = take_own_anchor(inline), name_of(inline)
            for child in inline.children or []:
                if child.type == "value":
                    child.type, child.content = "text", clinic.get(child.content, "")
            titles[heading_name(own or name, names)] = plain(inline)
    return titles
