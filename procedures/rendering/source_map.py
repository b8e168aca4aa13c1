"""From words that a reader sees back to the line of Markdown they were typed in."""

import re
from bisect import bisect_right
from functools import cached_property

WORD = re.compile(r"[^\W_]+")
# Marks that leave nothing in the finished text, or leave only their words.
CITATION = re.compile(r"\[@[a-z0-9-]+(?:\s*;\s*@[a-z0-9-]+)*\]")
LINK_TARGET = re.compile(r"\]\([^)\n]*\)")
BRACED_NAME = re.compile(r"\{#?[a-z][a-z0-9._-]*\}")
MAX_MATCH_WORDS = 6  # words that tell one sentence from all others


class SourceMap:
    """The words of one Markdown text with their lines."""

    def __init__(self, body: str) -> None:
        self._body = body

    @cached_property
    def _index(self) -> tuple[str, list[int], list[int]]:
        """All words in one text, and for each line with words: where it starts in there, and its number."""
        text, starts, numbers, length = [], [], [], 1
        for number, line in enumerate(self._body.split("\n"), start=1):
            for pattern in (CITATION, LINK_TARGET, BRACED_NAME):
                line = pattern.sub(" ", line)
            found = " ".join(WORD.findall(line)).casefold()
            if found:
                starts.append(length)
                numbers.append(number)
                text.append(found)
                length += len(found) + 1
        return f" {' '.join(text)} ", starts, numbers

    def find_line(self, passage: str) -> int:
        """The line where ``words`` begin, counted from 1; 0 when they are not the text's own (such as a caption)."""
        text, starts, numbers = self._index
        asked = [word.casefold() for word in WORD.findall(passage)]
        for wanted in (asked, asked[:MAX_MATCH_WORDS], asked[:3]):
            position = text.find(f" {' '.join(wanted)} ") if wanted else -1
            if position >= 0:
                return numbers[bisect_right(starts, position + 1) - 1]
        return 0
