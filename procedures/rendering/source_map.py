"""Map from rendered text back to the line of Markdown that it came from."""

import re
from bisect import bisect_right
from functools import cached_property

WORD = re.compile(r"[^\W_]+")
# Markup that leaves nothing in the rendered text, or only its link text.
CITATION = re.compile(r"\[@[a-z0-9-]+(?:\s*;\s*@[a-z0-9-]+)*\]")
LINK_TARGET = re.compile(r"\]\([^)\n]*\)")
BRACED_NAME = re.compile(r"\{#?[a-z][a-z0-9._-]*\}")
MAX_MATCH_WORDS = 6  # enough to tell one sentence from all others


class SourceMap:
    """The words of one Markdown text, with the lines they are on."""

    def __init__(self, body: str) -> None:
        self._body = body

    @cached_property
    def _index(self) -> tuple[str, list[int], list[int]]:
        """All words joined by spaces; then, for each line with words, its offset in that text and its line number."""
        text, starts, numbers, length = [], [], [], 1
        for number, line in enumerate(self._body.split("\n"), start=1):
            for pattern in (CITATION, LINK_TARGET, BRACED_NAME):
                line = pattern.sub(" ", line)
            words = " ".join(WORD.findall(line)).casefold()
            if words:
                starts.append(length)
                numbers.append(number)
                text.append(words)
                length += len(words) + 1
        return f" {' '.join(text)} ", starts, numbers

    def find_line(self, passage: str) -> int:
        """Return the line where ``passage`` starts, counted from 1; 0 if it is not in the text, such as a caption."""
        text, starts, numbers = self._index
        words = [word.casefold() for word in WORD.findall(passage)]
        for phrase in (words, words[:MAX_MATCH_WORDS], words[:3]):
            position = text.find(f" {' '.join(phrase)} ") if phrase else -1
            if position >= 0:
                return numbers[bisect_right(starts, position + 1) - 1]
        return 0
