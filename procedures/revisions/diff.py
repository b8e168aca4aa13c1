"""Side-by-side comparison of two versions: by paragraphs, and by words within changed paragraphs."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from procedures.revisions.diff_blocks import DiffBlock

TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
# Paragraphs less similar than this (0 to 1) are shown as one removed and one added.
MIN_SIMILARITY = 0.35
# Above this number of candidate pairs, paragraphs are paired by position only, because finding the best pairs is slow.
MAX_PAIRS = 900


@dataclass(frozen=True, slots=True)
class Segment:
    """A span of text; ``changed`` means that the other side does not have it."""

    text: str
    changed: bool


@dataclass(frozen=True, slots=True)
class DiffRow:
    """A row of the comparison. ``kind``: same, changed, removed (no new block), or added (no old block)."""

    kind: str
    old: DiffBlock | None
    new: DiffBlock | None
    old_segments: list[Segment]
    new_segments: list[Segment]

    @property
    def name(self) -> str:
        """The label of the block, from the newer side."""
        block = self.new or self.old
        return block.name if block else ""


def compare_blocks(old: Sequence[DiffBlock], new: Sequence[DiffBlock]) -> list[DiffRow]:
    """Compare two versions; return all rows in reading order."""
    rows: list[DiffRow] = []
    matcher = SequenceMatcher(None, [_match_key(b) for b in old], [_match_key(b) for b in new], autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            rows += [_same(a, b) for a, b in zip(old[i1:i2], new[j1:j2], strict=True)]
        else:
            rows += _pair_blocks(old[i1:i2], new[j1:j2])
    return rows


def _same(old: DiffBlock, new: DiffBlock) -> DiffRow:
    return DiffRow("same", old, new, [Segment(old.text, False)], [Segment(new.text, False)])


def _removed(block: DiffBlock) -> DiffRow:
    return DiffRow("removed", block, None, [Segment(block.text, True)], [])


def _added(block: DiffBlock) -> DiffRow:
    return DiffRow("added", None, block, [], [Segment(block.text, True)])


def _pair_blocks(old: Sequence[DiffBlock], new: Sequence[DiffBlock]) -> list[DiffRow]:
    """Pair changed blocks, in order, so that the total similarity is highest; the others were removed or added."""
    rows: list[DiffRow] = []
    i = j = 0
    for a, b in _find_pairs(old, new):
        rows += [_removed(block) for block in old[i:a]] + [_added(block) for block in new[j:b]]
        before, after = diff_words(old[a].text, new[b].text)
        rows.append(DiffRow("changed", old[a], new[b], before, after))
        i, j = a + 1, b + 1
    return rows + [_removed(block) for block in old[i:]] + [_added(block) for block in new[j:]]


def _find_pairs(old: Sequence[DiffBlock], new: Sequence[DiffBlock]) -> list[tuple[int, int]]:
    if not old or not new:
        return []
    if len(old) * len(new) > MAX_PAIRS:
        return [(n, n) for n in range(min(len(old), len(new))) if _similarity(old[n], new[n]) >= MIN_SIMILARITY]
    # Weighted longest common subsequence: best[i][j] is the highest total similarity of old[i:] and new[j:].
    similarity = [[_similarity(a, b) for b in new] for a in old]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            with_pair = similarity[i][j] + best[i + 1][j + 1] if similarity[i][j] >= MIN_SIMILARITY else 0.0
            best[i][j] = max(with_pair, best[i + 1][j], best[i][j + 1])
    pairs, i, j = [], 0, 0
    while i < len(old) and j < len(new):
        if similarity[i][j] >= MIN_SIMILARITY and best[i][j] == similarity[i][j] + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _similarity(old: DiffBlock, new: DiffBlock) -> float:
    """Return the similarity of two blocks, 0 to 1. Blocks with different labels are never paired."""
    if _match_key(old)[0] != _match_key(new)[0]:
        return 0.0
    if old.is_unique:
        return 1.0
    return SequenceMatcher(None, TOKEN.findall(old.text), TOKEN.findall(new.text), autojunk=False).ratio()


def _match_key(block: DiffBlock) -> tuple[str, str]:
    # The label of a Markdown line contains its number, which changes with every line inserted above.
    return ("" if block.line else block.name), block.text


def diff_words(old: str, new: str) -> tuple[list[Segment], list[Segment]]:
    """Compare two texts by words; return the segments of each."""
    old_segments: list[Segment] = []
    new_segments: list[Segment] = []
    for changed, before, after in diff_spans(old, new):
        _append_segment(old_segments, before, changed)
        _append_segment(new_segments, after, changed)
    return old_segments, new_segments


def diff_spans(old: str, new: str) -> Iterator[tuple[bool, str, str]]:
    """Yield (changed, old text, new text) in order; all screens that show changes use these spans.

    White space between two changes counts as changed, so that phrases are not broken up.
    """
    a, b = TOKEN.findall(old), TOKEN.findall(new)
    opcodes = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    for index, (tag, i1, i2, j1, j2) in enumerate(opcodes):
        before = "".join(a[i1:i2])
        is_inner = 0 < index < len(opcodes) - 1
        yield tag != "equal" or (is_inner and not before.strip()), before, "".join(b[j1:j2])


def _append_segment(segments: list[Segment], text: str, changed: bool) -> None:
    if not text:
        return
    if segments and segments[-1].changed == changed:
        segments[-1] = Segment(segments[-1].text + text, changed)
    else:
        segments.append(Segment(text, changed))


def count_changes(rows: Sequence[DiffRow]) -> int:
    """Count the rows that differ."""
    return sum(row.kind != "same" for row in rows)
