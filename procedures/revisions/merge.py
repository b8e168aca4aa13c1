"""Three-way merge of texts (base, theirs, mine): what only one person changed is taken over, the rest is for a person.

Lines first, then words within lines that both changed. The method is diff3 (Khanna, Kunal and Pierce, 2007): stretches
of the base that both kept hold the rest apart; a stretch in between that only one side changed is that side's.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from operator import itemgetter

from procedures.revisions.diff import diff_spans

# A word with the white space behind it, so that joining the pieces gives the text again.
WORD = re.compile(r"\s*\S+\s*|\s+")
# Beyond this many in both texts, lines that changed are shown whole: the time to compare words grows with the square.
MAX_WORD_DIFF_LENGTH = 10_000


@dataclass(frozen=True, slots=True)
class MergeChunk:
    """A stretch of the merged text. ``who``: "" (nobody or both alike), "theirs", "mine", or "both" (overlapping).

    For "both" the merged text holds ``mine`` until a person decides; ``theirs`` and ``base`` are the other words.
    """

    origin: str
    mine: str
    theirs: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The whole merge of one text."""

    chunks: list[MergeChunk]

    @property
    def text(self) -> str:
        """The merged text, with mine wherever both changed the same words."""
        return "".join(piece.theirs if piece.origin == "theirs" else piece.mine for piece in self.chunks)


def merge(base: str, theirs: str, mine: str) -> MergeResult:
    """Merge two texts that were both made from ``base``."""
    pieces: list[MergeChunk] = []
    for piece in _diff3(*(text.splitlines(keepends=True) for text in (base, theirs, mine))):
        if piece.origin == "both" and piece.mine.strip() and piece.theirs.strip() and piece.base.strip():
            pieces += _merge_words(piece)
        else:
            pieces.append(piece)
    return MergeResult([piece for piece in pieces if piece.mine or piece.theirs or piece.base])


def merge_line(base: str, theirs: str, mine: str) -> MergeResult:
    """Merge two texts of one line by their words."""
    return MergeResult(list(_diff3(*(WORD.findall(text) for text in (base, theirs, mine)))))


def _merge_words(lines: MergeChunk) -> list[MergeChunk]:
    """The lines once more, by words; whole lines where words of both lie side by side, which no one could read."""
    found = list(_diff3(*(WORD.findall(text) for text in (lines.base, lines.theirs, lines.mine))))
    return [lines] if any(piece.origin == "both" for piece in found) else found


def _diff3(base: Sequence[str], theirs: Sequence[str], mine: Sequence[str]) -> Iterator[MergeChunk]:
    """Pieces in order. The sequences are lines or words that give their text when joined."""
    at_base = at_theirs = at_mine = 0
    for in_base, in_theirs, in_mine, length in [
        *_find_common_spans(base, theirs, mine),
        (len(base), len(theirs), len(mine), 0),
    ]:
        changed = _make_chunk(
            "".join(base[at_base:in_base]), "".join(theirs[at_theirs:in_theirs]), "".join(mine[at_mine:in_mine])
        )
        if changed.mine or changed.theirs or changed.base:
            yield changed
        if length:
            yield MergeChunk("", "".join(base[in_base : in_base + length]))
        at_base, at_theirs, at_mine = in_base + length, in_theirs + length, in_mine + length


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
    """(place in base, in theirs, in mine, length) of every stretch of the base that both kept, in order."""
    in_theirs = SequenceMatcher(None, base, theirs, autojunk=False).get_matching_blocks()
    in_mine = SequenceMatcher(None, base, mine, autojunk=False).get_matching_blocks()
    first = second = 0
    while first < len(in_theirs) and second < len(in_mine):
        a, b = in_theirs[first], in_mine[second]
        start, end = max(a.a, b.a), min(a.a + a.size, b.a + b.size)
        if start < end:
            yield start, a.b + start - a.a, b.b + start - b.a, end - start
        if a.a + a.size <= b.a + b.size:
            first += 1
        else:
            second += 1


def common_words(one: str, other: str) -> str:
    """The words that both texts have, in order: the base of two texts whose base is not known."""
    words, others = WORD.findall(one), WORD.findall(other)
    blocks = SequenceMatcher(None, words, others, autojunk=False).get_matching_blocks()
    return "".join("".join(words[block.a : block.a + block.size]) for block in blocks)


def diff_inline(old: str, new: str) -> list[tuple[str, str]]:
    """(sign, words) in order; sign is "=" (same), "-" (only old) or "+" (only new). For showing, not for merging.

    Lines first: a long text is then compared word by word only where its lines differ.
    """
    rows: list[tuple[str, str]] = []
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    for what, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        was, now = "".join(before[a:b]), "".join(after[c:d])
        if what == "equal":
            _append_run(rows, "=", was)
            continue
        finer = diff_spans(was, now) if len(was) + len(now) <= MAX_WORD_DIFF_LENGTH else [(True, was, now)]
        for changed, group in groupby(finer, key=itemgetter(0)):
            parts = [(gone, came) for _, gone, came in group]
            _append_run(rows, "-" if changed else "=", "".join(gone for gone, _ in parts))
            if changed:
                _append_run(rows, "+", "".join(came for _, came in parts))
    return rows


def _append_run(rows: list[tuple[str, str]], sign: str, text: str) -> None:
    if text and rows and rows[-1][0] == sign:
        rows[-1] = sign, rows[-1][1] + text
    elif text:
        rows.append((sign, text))
