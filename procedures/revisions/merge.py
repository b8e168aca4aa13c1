"""Three-way merge of texts (base, theirs, mine): changes by one person are applied, conflicts are left to the user.

Merges lines first, then words within lines that both people changed. The method is diff3 (Khanna, Kunal, and Pierce,
2007): spans of the base that both kept separate the rest, and a span in between that only one side changed is taken
from that side.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from operator import itemgetter

from procedures.revisions.diff import diff_spans

# A word with the white space around it, so that joining the matches gives the text again.
WORD = re.compile(r"\s*\S+\s*|\s+")
# Above this total number of characters, changed lines are shown whole, because comparing words takes quadratic time.
MAX_WORD_DIFF_LENGTH = 10_000


@dataclass(frozen=True, slots=True)
class MergeChunk:
    """A span of the merged text.

    ``origin``: "" if it is unchanged or both made the same change, "theirs" or "mine" if one side changed it, "both"
    for a conflict. In a conflict, the merged text contains ``mine`` until the user decides.
    """

    origin: str
    mine: str
    theirs: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The merge of one text."""

    chunks: list[MergeChunk]

    @property
    def text(self) -> str:
        """The merged text, with ``mine`` for conflicts."""
        return "".join(chunk.theirs if chunk.origin == "theirs" else chunk.mine for chunk in self.chunks)


def merge(base: str, theirs: str, mine: str) -> MergeResult:
    """Merge two texts that are both based on ``base``."""
    chunks: list[MergeChunk] = []
    for chunk in _diff3(*(text.splitlines(keepends=True) for text in (base, theirs, mine))):
        if chunk.origin == "both" and chunk.mine.strip() and chunk.theirs.strip() and chunk.base.strip():
            chunks += _merge_words(chunk)
        else:
            chunks.append(chunk)
    return MergeResult([chunk for chunk in chunks if chunk.mine or chunk.theirs or chunk.base])


def merge_line(base: str, theirs: str, mine: str) -> MergeResult:
    """Merge single-line texts by words."""
    return MergeResult(list(_diff3(*(WORD.findall(text) for text in (base, theirs, mine)))))


def _merge_words(lines: MergeChunk) -> list[MergeChunk]:
    """Merge conflicting lines by words; if words conflict, too, leave the lines whole so that they are readable."""
    chunks = list(_diff3(*(WORD.findall(text) for text in (lines.base, lines.theirs, lines.mine))))
    return [lines] if any(chunk.origin == "both" for chunk in chunks) else chunks


def _diff3(base: Sequence[str], theirs: Sequence[str], mine: Sequence[str]) -> Iterator[MergeChunk]:
    """Yield chunks in order. The sequences are lines or words whose concatenation is the text."""
    base_start = theirs_start = mine_start = 0
    for base_end, theirs_end, mine_end, length in [
        *_find_common_spans(base, theirs, mine),
        (len(base), len(theirs), len(mine), 0),
    ]:
        chunk = _make_chunk(
            "".join(base[base_start:base_end]),
            "".join(theirs[theirs_start:theirs_end]),
            "".join(mine[mine_start:mine_end]),
        )
        if chunk.mine or chunk.theirs or chunk.base:
            yield chunk
        if length:
            yield MergeChunk("", "".join(base[base_end : base_end + length]))
        base_start, theirs_start, mine_start = base_end + length, theirs_end + length, mine_end + length


def _make_chunk(base: str, theirs: str, mine: str) -> MergeChunk:
    if mine == theirs:
        return MergeChunk("", mine)
    if theirs == base:
        return MergeChunk("mine", mine, theirs, base)
    if mine == base:
        return MergeChunk("theirs", mine, theirs, base)
    return MergeChunk("both", mine, theirs, base)


def _find_common_spans(
    base: Sequence[str], theirs: Sequence[str], mine: Sequence[str]
) -> Iterator[tuple[int, int, int, int]]:
    """Yield (start in base, start in theirs, start in mine, length) of each span of the base that both kept."""
    theirs_blocks = SequenceMatcher(None, base, theirs, autojunk=False).get_matching_blocks()
    mine_blocks = SequenceMatcher(None, base, mine, autojunk=False).get_matching_blocks()
    theirs_index = mine_index = 0
    while theirs_index < len(theirs_blocks) and mine_index < len(mine_blocks):
        t, m = theirs_blocks[theirs_index], mine_blocks[mine_index]
        start, end = max(t.a, m.a), min(t.a + t.size, m.a + m.size)
        if start < end:
            yield start, t.b + start - t.a, m.b + start - m.a, end - start
        if t.a + t.size <= m.a + m.size:
            theirs_index += 1
        else:
            mine_index += 1


def common_words(a: str, b: str) -> str:
    """Return the words that both texts have, in order: a substitute for an unknown base."""
    words = WORD.findall(a)
    blocks = SequenceMatcher(None, words, WORD.findall(b), autojunk=False).get_matching_blocks()
    return "".join("".join(words[block.a : block.a + block.size]) for block in blocks)


def diff_inline(old: str, new: str) -> list[tuple[str, str]]:
    """Return runs of text with a sign: "=" (in both), "-" (only old), or "+" (only new). For display only.

    Compares lines first, so that words are compared only where lines differ.
    """
    runs: list[tuple[str, str]] = []
    old_lines, new_lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old_lines, new_lines, autojunk=False).get_opcodes():
        before, after = "".join(old_lines[i1:i2]), "".join(new_lines[j1:j2])
        if tag == "equal":
            _append_run(runs, "=", before)
            continue
        is_short = len(before) + len(after) <= MAX_WORD_DIFF_LENGTH
        spans = diff_spans(before, after) if is_short else [(True, before, after)]
        for changed, group in groupby(spans, key=itemgetter(0)):
            parts = [(removed, added) for _changed, removed, added in group]
            _append_run(runs, "-" if changed else "=", "".join(removed for removed, _added in parts))
            if changed:
                _append_run(runs, "+", "".join(added for _removed, added in parts))
    return runs


def _append_run(runs: list[tuple[str, str]], sign: str, text: str) -> None:
    if text and runs and runs[-1][0] == sign:
        runs[-1] = sign, runs[-1][1] + text
    elif text:
        runs.append((sign, text))
