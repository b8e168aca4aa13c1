"""Two versions side by side: paragraph beside paragraph, and word by word where one was changed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from procedures.revisions.diff_blocks import FIELD_LABELS, DiffBlock

TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
# Less alike than this, two paragraphs are told as one that went and one that came.
MIN_SIMILARITY = 0.35
# A page has one of each, so the old one always stands beside the new one.
UNIQUE_LABELS = frozenset({"Title", "Key message", *FIELD_LABELS.values()})
# Beyond this many pairs, what stands in one place is not searched for its best partner.
MAX_PAIRS = 900


@dataclass(frozen=True, slots=True)
class Segment:
    """Some words; ``changed``: the other side does not have them."""

    text: str
    changed: bool


@dataclass(frozen=True, slots=True)
class DiffRow:
    """What stands beside each other. ``kind``: same, changed, removed (nothing new) or added (nothing old)."""

    kind: str
    old: DiffBlock | None
    new: DiffBlock | None
    old_segments: list[Segment]
    new_segments: list[Segment]

    @property
    def name(self) -> str:
        """What kind of thing it is: that of the newer side."""
        block = self.new or self.old
        return block.name if block else ""


def _is_line(block: DiffBlock) -> bool:
    return block.line > 0


def _match_key(block: DiffBlock) -> tuple[str, str]:
    # The number of a line changes with every line put in above it: that is no change of the line.
    return ("Line" if _is_line(block) else block.name), block.text


def compare_blocks(old: Sequence[DiffBlock], new: Sequence[DiffBlock]) -> list[DiffRow]:
    """All rows, in reading order."""
    rows: list[DiffRow] = []
    matcher = SequenceMatcher(None, [_match_key(b) for b in old], [_match_key(b) for b in new], autojunk=False)
    for what, i1, i2, j1, j2 in matcher.get_opcodes():
        if what == "equal":
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
    """What took the place of what: the pairing, in order, that keeps the most words together."""
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
    # Longest common subsequence with likeness as its weight: best[i][j] is the most for old[i:], new[j:].
    likeness = [[_similarity(a, b) for b in new] for a in old]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            pair = likeness[i][j] + best[i + 1][j + 1] if likeness[i][j] >= MIN_SIMILARITY else 0.0
            best[i][j] = max(pair, best[i + 1][j], best[i][j + 1])
    found, i, j = [], 0, 0
    while i < len(old) and j < len(new):
        if likeness[i][j] >= MIN_SIMILARITY and best[i][j] == likeness[i][j] + best[i + 1][j + 1]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found


def _similarity(old: DiffBlock, new: DiffBlock) -> float:
    """0 to 1. Different kinds of things are never partners."""
    if _match_key(old)[0] != _match_key(new)[0]:
        return 0.0
    if old.name in UNIQUE_LABELS:
        return 1.0
    return SequenceMatcher(None, TOKEN.findall(old.text), TOKEN.findall(new.text), autojunk=False).ratio()


def diff_words(old: str, new: str) -> tuple[list[Segment], list[Segment]]:
    """Both texts in segments."""
    before: list[Segment] = []
    after: list[Segment] = []
    for changed, was, now in diff_spans(old, new):
        _append_segment(before, was, changed)
        _append_segment(after, now, changed)
    return before, after


def diff_spans(old: str, new: str) -> Iterator[tuple[bool, str, str]]:
    """(changed, old words, new words) in order. White space alone between two changes counts as changed, so that
    phrases stay whole. Every screen that shows what was changed shows it by these.
    """
    a, b = TOKEN.findall(old), TOKEN.findall(new)
    codes = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    for number, (what, i1, i2, j1, j2) in enumerate(codes):
        was = "".join(a[i1:i2])
        inside = 0 < number < len(codes) - 1
        yield what != "equal" or (inside and not was.strip()), was, "".join(b[j1:j2])


def _append_segment(segments: list[Segment], text: str, changed: bool) -> None:
    if not text:
        return
    if segments and segments[-1].changed == changed:
        segments[-1] = Segment(segments[-1].text + text, changed)
    else:
        segments.append(Segment(text, changed))


def count_changes(rows: Sequence[DiffRow]) -> int:
    """How many rows differ."""
    return sum(row.kind != "same" for row in rows)
