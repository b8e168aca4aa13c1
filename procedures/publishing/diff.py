"""Two versions side by side: paragraph beside paragraph, and word by word where one was changed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from procedures.publishing.wording import LABELS, Block

TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
# Less alike than this, two paragraphs are told as one that went and one that came.
ALIKE = 0.35
# A page has one of each, so the old one always stands beside the new one.
ONCE = frozenset({"Title", "Key message", *LABELS.values()})
# Beyond this many pairs, what stands in one place is not searched for its best partner.
MAX_PAIRS = 900


@dataclass(frozen=True, slots=True)
class Segment:
    """Some words; ``changed``: the other side does not have them."""

    text: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Row:
    """What stands beside each other. ``kind``: same, changed, removed (nothing new) or added (nothing old)."""

    kind: str
    old: Block | None
    new: Block | None
    old_words: list[Segment]
    new_words: list[Segment]

    @property
    def name(self) -> str:
        """What kind of thing it is: that of the newer side."""
        block = self.new or self.old
        return block.name if block else ""


def _is_line(block: Block) -> bool:
    return block.line > 0


def _key(block: Block) -> tuple[str, str]:
    # The number of a line changes with every line put in above it: that is no change of the line.
    return ("Line" if _is_line(block) else block.name), block.text


def compare(old: Sequence[Block], new: Sequence[Block]) -> list[Row]:
    """All rows, in reading order."""
    rows: list[Row] = []
    matcher = SequenceMatcher(None, [_key(b) for b in old], [_key(b) for b in new], autojunk=False)
    for what, i1, i2, j1, j2 in matcher.get_opcodes():
        if what == "equal":
            rows += [_same(a, b) for a, b in zip(old[i1:i2], new[j1:j2], strict=True)]
        else:
            rows += _paired(old[i1:i2], new[j1:j2])
    return rows


def _same(old: Block, new: Block) -> Row:
    return Row("same", old, new, [Segment(old.text, False)], [Segment(new.text, False)])


def _removed(block: Block) -> Row:
    return Row("removed", block, None, [Segment(block.text, True)], [])


def _added(block: Block) -> Row:
    return Row("added", None, block, [], [Segment(block.text, True)])


def _paired(old: Sequence[Block], new: Sequence[Block]) -> list[Row]:
    """What took the place of what: the pairing, in order, that keeps the most words together."""
    rows: list[Row] = []
    i = j = 0
    for a, b in _partners(old, new):
        rows += [_removed(block) for block in old[i:a]] + [_added(block) for block in new[j:b]]
        before, after = words(old[a].text, new[b].text)
        rows.append(Row("changed", old[a], new[b], before, after))
        i, j = a + 1, b + 1
    return rows + [_removed(block) for block in old[i:]] + [_added(block) for block in new[j:]]


def _partners(old: Sequence[Block], new: Sequence[Block]) -> list[tuple[int, int]]:
    if not old or not new:
        return []
    if len(old) * len(new) > MAX_PAIRS:
        return [(n, n) for n in range(min(len(old), len(new))) if _alike(old[n], new[n]) >= ALIKE]
    # Longest common subsequence with likeness as its weight: best[i][j] is the most for old[i:], new[j:].
    likeness = [[_alike(a, b) for b in new] for a in old]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            pair = likeness[i][j] + best[i + 1][j + 1] if likeness[i][j] >= ALIKE else 0.0
            best[i][j] = max(pair, best[i + 1][j], best[i][j + 1])
    found, i, j = [], 0, 0
    while i < len(old) and j < len(new):
        if likeness[i][j] >= ALIKE and best[i][j] == likeness[i][j] + best[i + 1][j + 1]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found


def _alike(old: Block, new: Block) -> float:
    """0 to 1. Different kinds of things are never partners."""
    if _key(old)[0] != _key(new)[0]:
        return 0.0
    if old.name in ONCE:
        return 1.0
    return SequenceMatcher(None, TOKEN.findall(old.text), TOKEN.findall(new.text), autojunk=False).ratio()


def words(old: str, new: str) -> tuple[list[Segment], list[Segment]]:
    """Both texts in segments."""
    before: list[Segment] = []
    after: list[Segment] = []
    for changed, was, now in stretches(old, new):
        _put(before, was, changed)
        _put(after, now, changed)
    return before, after


def stretches(old: str, new: str) -> Iterator[tuple[bool, str, str]]:
    """(changed, old words, new words) in order. White space alone between two changes counts as changed, so that
    phrases stay whole. Every screen that shows what was changed shows it by these.
    """
    a, b = TOKEN.findall(old), TOKEN.findall(new)
    codes = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    for number, (what, i1, i2, j1, j2) in enumerate(codes):
        was = "".join(a[i1:i2])
        inside = 0 < number < len(codes) - 1
        yield what != "equal" or (inside and not was.strip()), was, "".join(b[j1:j2])


def _put(segments: list[Segment], text: str, changed: bool) -> None:
    if not text:
        return
    if segments and segments[-1].changed == changed:
        segments[-1] = Segment(segments[-1].text + text, changed)
    else:
        segments.append(Segment(text, changed))


def changes(rows: Sequence[Row]) -> int:
    """How many rows differ."""
    return sum(row.kind != "same" for row in rows)
