"""Where a comment belongs: the paragraph of a Markdown text that says most nearly what the reader saw."""

import re
from difflib import SequenceMatcher

from procedures.markdown.parser import parser

WORD = re.compile(r"\w+")
NEAREST = 0.5


def paragraphs(body: str) -> list[tuple[int, str]]:
    """Line (from 1) and plain words of every paragraph, heading and list entry."""
    found = []
    for token in parser().parse(body):
        if token.type == "inline" and token.map:
            parts = [child.content if child.type in {"text", "code_inline"} else " " for child in token.children or []]
            found.append((token.map[0] + 1, " ".join("".join(parts).split())))
    return found


def line_of(quote: str, body: str) -> int:
    """The line where the quoted paragraph stands now; 0 when it is not there any more.

    A quote holds what the page adds (numbers of sources, the clinic's phone), so the best likeness wins.
    """
    wanted = WORD.findall(quote.casefold())
    best, place = NEAREST, 0
    for line, text in paragraphs(body):
        matcher = SequenceMatcher(None, WORD.findall(text.casefold()), wanted, autojunk=False)
        if matcher.real_quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, place = ratio, line
    return place
