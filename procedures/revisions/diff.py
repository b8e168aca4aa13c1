"""Comparison of two versions, and three-way merge of two texts with their common base.

Two versions are compared by paragraphs, and by words within changed paragraphs. A merge compares lines, then words
within lines that both people changed; changes by one person are applied, and conflicts are left to the user. The method
is diff3 (Khanna, Kunal, and Pierce, 2007): spans of the base that both sides kept act as separators, and a span between
them that only one side changed is taken from that side.

Screens for people who never see Markdown show what changed without it (``diff_for_reading``).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from functools import partial
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.markup import HEADING_STYLES
from procedures.models import Page
from procedures.rendering.blocks import block_label, get_block_types
from procedures.rendering.context import CLINIC_VALUE_NAMES
from procedures.rendering.document import (
    PHONE_SCHEME,
    Block,
    Cell,
    Code,
    Document,
    Heading,
    Image,
    List,
    ListItem,
    MarkerPosition,
    Node,
    Quote,
    Row,
    Run,
    Text,
    node_links,
)

TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
# Paragraphs less similar than this (0 to 1) are shown as one removed and one added.
MIN_SIMILARITY = 0.35
# Above this number of candidate pairs, paragraphs are paired by position only, because finding the best pairs is slow.
MAX_PAIRS = 900
# A word with the surrounding white space, so that joining the matches restores the text.
WORD = re.compile(r"\s*\S+\s*|\s+")
# Above this total number of characters, changed text is shown whole, because comparing words takes quadratic time.
MAX_WORD_DIFF_LENGTH = 10_000
# How many pairs of words or lines one comparison may examine, about a second. What is left then counts as changed.
MAX_COMPARED_PAIRS = 10_000_000

TITLE, KEY_MESSAGE, TEXT = Page.field_label("title"), Page.field_label("key_message"), Page.field_label("body")
HEADING, TABLE = gettext_lazy("Heading"), gettext_lazy("Table")
LIST = gettext_lazy("List")
# Differences in these fields (source lines; picture files, which are compared elsewhere) do not change what readers
# see.
IGNORED_NODE_FIELDS = frozenset({"line", "end", "src"})
EMPTY_CELL = "–"
# Labels of texts other than ordinary paragraphs, by role.
ROLE_LABELS: dict[str, str | Promise] = {
    "message": KEY_MESSAGE,
    "caption": gettext_lazy("Caption"),
    "marker": gettext_lazy("Marker"),
    "source": gettext_lazy("Source"),
    "number": gettext_lazy("Chance"),
    "card": gettext_lazy("Care card"),
    "term": gettext_lazy("Word"),
    "definition": gettext_lazy("Meaning"),
}
# The fields of a draft besides its text, in the order of a comparison.
FIELD_LABELS = {
    name: Page.field_label(name)
    for name in (
        "slug", "title", "key_message", "description", "lead_figure", "next_page", "next_label", "review_months",
    )
}  # fmt: skip
# Fields that the article does not show.
METADATA_FIELDS = ("slug", "description", "review_months")
# How many blocks back to look for an identical marker position: an X-ray and its drawing have the same markers.
MAX_BLOCKS_BETWEEN_COPIES = 60
# Markdown, for ``to_reading_text``. Each takes linear time for any text: no repetition can be searched again from
# inside of what it matched.
ESCAPE_RE = re.compile(r"\\([!-/:-@\[-`{-~])")
# Escaped signs are replaced by private-use characters until all markup is gone.
ESCAPE_OFFSET = 0xE100
BLOCK_RE = re.compile(r"^[ \t]*:::[ \t]*([a-z][a-z-]*)?[ \t]*(.*)$", re.MULTILINE)
HEADING_RE = re.compile(r"^[ \t]*(#{1,6})[ \t]+(.*)$", re.MULTILINE)
BULLET_RE = re.compile(r"^([ \t]*)[-*+][ \t]+", re.MULTILINE)
TABLE_LINE_RE = re.compile(r"^[ \t]*(?:\|[ \t]*)?:?-{3,}:?[ \t]*(?:\|[ \t]*:?-{3,}:?[ \t]*)*\|?[ \t]*\n?", re.MULTILINE)
TABLE_ROW_RE = re.compile(r"^[ \t]*\|(.*)\|[ \t]*$", re.MULTILINE)
LINK_RE = re.compile(r"!?\[([^\[\]\n]*)\]\(<?((?:[^()\s<>]|\([^()\s<>]*\))*)>?(?:[ \t][^()\n]*)?\)")
CITATION_RE = re.compile(r"\[@([^\[\]\n]+)\]")
VALUE_RE = re.compile(r"\{(clinic\.[a-z_]+)\}")
EMPHASIS_RES = (
    re.compile(r"(\*{1,3})(?=[^\s*])([^*\n]+)(?<=\S)\1"),
    re.compile(r"(?<!\w)(_{1,3})(?=[^\s_])([^_\n]+)(?<=\S)\1"),
)
QUOTE_RE = re.compile(r"^[ \t]*>[ \t]?", re.MULTILINE)


class Effort:
    """How many more pairs a comparison, or several that belong together, may examine."""

    def __init__(self) -> None:
        self.pairs_left = MAX_COMPARED_PAIRS


class BoundedMatcher(SequenceMatcher[Any]):
    """Compares two sequences until ``effort`` is used up; the rest is reported as different.

    SequenceMatcher itself takes cubic time for repetitive texts.
    """

    def __init__(self, old: Sequence[Any], new: Sequence[Any], effort: Effort) -> None:
        super().__init__(None, old, new, autojunk=False)
        self.effort = effort
        counts = Counter(new)
        # pairs[i]: how many pairs of equal items the first i items of ``old`` have.
        self.pairs = list(accumulate((counts[item] + 1 for item in old), initial=0))

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        """Return the longest match, or an empty one if finding it would take too long."""
        cost = self.pairs[-1 if ahi is None else ahi] - self.pairs[alo]
        if cost > self.effort.pairs_left:
            return Match(alo, blo, 0)
        self.effort.pairs_left -= cost
        return super().find_longest_match(alo, ahi, blo, bhi)


@dataclass(frozen=True, slots=True)
class DiffBlock:
    """A paragraph, heading, list item, table row, picture, marker, or field. ``name`` is its label.

    ``line``: the line number of a line of Markdown, else 0. ``picture``: the address of a picture. ``key``: what else
    makes the block a different one, such as the position of a marker; it is compared but not shown. ``details``: what
    readers see besides the words, such as the kind of list, the size of a heading, and bold words; shown if it changes.
    """

    name: str
    text: str
    line: int = 0
    picture: str = ""
    key: str = ""
    details: str = ""

    @property
    def is_unique(self) -> bool:
        """Whether a page has exactly one such block, so that the old one is always compared with the new one."""
        return self.name in (str(label) for label in FIELD_LABELS.values())


def document_blocks(document: Document) -> list[DiffBlock]:
    """Return the blocks of an article that a reader sees, in order."""
    blocks: list[DiffBlock] = []
    for block in _iter_blocks(document.nodes, TEXT):
        is_copy = block.name == _("Position of a marker") and block in blocks[-MAX_BLOCKS_BETWEEN_COPIES:]
        if not is_copy:
            blocks.append(block)
    return blocks


def _iter_blocks(nodes: Sequence[Node], label: str | Promise, containers: tuple[str, ...] = ()) -> Iterator[DiffBlock]:
    """Yield the blocks in ``nodes``. ``containers``: the names of the lists and blocks around them, outermost first."""
    for node in nodes:
        if isinstance(node, Row):
            # The cells belong together: the same word in another column is a different statement.
            text = " | ".join(_join_text(cell.runs) or EMPTY_CELL for cell in node.nodes if isinstance(cell, Cell))
            yield DiffBlock(str(TABLE), text, details=_describe_details(node.nodes, containers))
            yield from _link_blocks(node.nodes)
        elif isinstance(node, Text):
            if text := _join_text(node.runs):
                style = (str(HEADING_STYLES.get(node.level, "")),) if isinstance(node, Heading) else ()
                details = _describe_details([node], (*containers, *style))
                yield DiffBlock(str(_get_label(node, label)), text, details=details)
            yield from _link_blocks([node])
        elif isinstance(node, Image):
            yield DiffBlock(_("Picture"), node.alt, picture=node.src, key=_content_hash_prefix(node.src))
        elif isinstance(node, MarkerPosition):
            yield _marker_block(node)
        elif isinstance(node, Code):
            details = _describe_details([], (*containers, _("Preformatted text")))
            yield DiffBlock(str(label), " ".join(node.text.split()), details=details)
        else:
            # In a loose list, the entries are paragraphs.
            inner = LIST if isinstance(node, List) and node.is_tight else label if isinstance(node, ListItem) else TEXT
            outer = (*containers, _name_container(node))
            for position, child in enumerate(node.children):
                is_continued = isinstance(node, ListItem) and position > 0 and isinstance(child, Text)
                yield from _iter_blocks([child], inner, (*outer, _("same entry")) if is_continued else outer)


def _find_mark(kind: str, run: Run) -> str | None:
    """Return the address of the run's mark of this kind, "" if the mark has none, or None if there is no such mark."""
    return next((mark.href for mark in run.marks if mark.kind == kind), None)


def _join_text(runs: Iterable[Run]) -> str:
    parts = [f"[{run.text}]" if run.kind == "source" else " " if run.kind == "space" else run.text for run in runs]
    return " ".join("".join(parts).split())


def _link_blocks(nodes: Sequence[Node]) -> Iterator[DiffBlock]:
    for href in (href for node in nodes for href in node_links(node)):
        if not href.startswith(("#", PHONE_SCHEME)):
            yield DiffBlock(_("Link"), href)


def _name_container(node: Node) -> str:
    """Return the name of a list, quotation, or block, or "" if readers do not see a container."""
    if isinstance(node, List) and node.is_ordered:
        return _("Numbered list from %(number)s") % {"number": node.start} if node.start != 1 else _("Numbered list")
    if isinstance(node, List):
        return _("Bulleted list")
    if isinstance(node, Quote):
        return _("Quotation")
    if isinstance(node, Block) and node.name in get_block_types():
        return str(block_label(node.name)).partition(",")[0]
    return ""


def _describe_details(nodes: Sequence[Node], containers: Sequence[str]) -> str:
    """Return the containers of texts, and the author's bold and italic words and links within the page."""
    runs = [run for node in nodes if isinstance(node, Text) and node.line for run in node.runs]
    marked = []
    for kind, name in {"strong": _("bold"), "em": _("italic"), "link": _("link")}.items():
        for href, group in groupby(runs, partial(_find_mark, kind)):
            if href is not None and (not href or href.startswith("#")):
                marked.append(f"{name}: {' '.join([_join_text(group), href]).strip()}")
    return "; ".join(filter(None, [" › ".join(filter(None, containers)), *marked]))


def _get_label(node: Text, label: str | Promise) -> str | Promise:
    if node.role in ROLE_LABELS:
        return ROLE_LABELS[node.role]
    if isinstance(node, Heading):
        return TITLE if node.level == 1 else HEADING
    return TABLE if isinstance(node, Cell) else label


def _marker_block(node: MarkerPosition) -> DiffBlock:
    text = _("Marker %(number)s") % {"number": node.number}
    return DiffBlock(_("Position of a marker"), text, key=f"{node.disc} {node.target} {node.size}")


def _content_hash_prefix(url: str) -> str:
    """Return the part of a file name that changes with the file's content."""
    return url.rsplit("/", 1)[-1].split("-")[0].split(".")[0][:8]


def field_blocks(content: dict[str, Any], names: tuple[str, ...] = METADATA_FIELDS) -> list[DiffBlock]:
    """Return the nonempty fields of a draft as blocks."""
    return [DiffBlock(str(FIELD_LABELS[name]), str(content[name])) for name in names if content.get(name)]


def reading_list_blocks(content: dict[str, Any], *, with_notes: bool) -> list[DiffBlock]:
    """Return the entries of a guide's reading list. ``with_notes``: also their notes, which the article shows."""
    blocks = []
    for item in content.get("items", []):
        target = f"{item['page']}#{item['section']}" if item["section"] else item["page"]
        text = _("%(target)s, %(minutes)s min. %(note)s") % {
            "target": target,
            "minutes": item["minutes"],
            "note": item["note"] if with_notes else "",
        }
        blocks.append(DiffBlock(_("Reading list"), text.strip()))
    return blocks


def source_blocks(content: dict[str, Any]) -> list[DiffBlock]:
    """Return a draft as its editor sees it: the fields, the reading list, and the lines of Markdown."""
    blocks = [*field_blocks(content, tuple(FIELD_LABELS)), *reading_list_blocks(content, with_notes=True)]
    lines = enumerate(content["body"].split("\n"), start=1)
    return blocks + [
        DiffBlock(_("Line %(number)s") % {"number": number}, line, line=number)
        for number, line in lines
        if line.strip()
    ]


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

    @property
    def has_new_details(self) -> bool:
        """Whether the containers or the style of the block change."""
        return (self.old.details if self.old else "") != (self.new.details if self.new else "")


def compare_blocks(old: Sequence[DiffBlock], new: Sequence[DiffBlock]) -> list[DiffRow]:
    """Compare two versions; return all rows in reading order."""
    rows: list[DiffRow] = []
    matcher = BoundedMatcher([_match_key(b) for b in old], [_match_key(b) for b in new], Effort())
    pairing, words = Effort(), Effort()
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            rows += [_same(a, b) for a, b in zip(old[i1:i2], new[j1:j2], strict=True)]
        else:
            rows += _pair_blocks(old[i1:i2], new[j1:j2], pairing, words)
    return rows


def _same(old: DiffBlock, new: DiffBlock) -> DiffRow:
    return DiffRow("same", old, new, [Segment(old.text, False)], [Segment(new.text, False)])


def _removed(block: DiffBlock) -> DiffRow:
    return DiffRow("removed", block, None, [Segment(block.text, True)], [])


def _added(block: DiffBlock) -> DiffRow:
    return DiffRow("added", None, block, [], [Segment(block.text, True)])


def compare_layouts(old: Document, new: Document) -> list[DiffRow]:
    """Return a row if two documents with the same blocks still differ, so that every change is reported."""
    if _read_layout(old.to_json()) == _read_layout(new.to_json()):
        return []
    text = _("The layout also changed in a way that this comparison cannot show. Check the full page.")
    return [_added(DiffBlock(_("Layout"), text))]


def _read_layout(data: dict[str, Any]) -> list[Any]:
    return [_strip_positions(data[part]) for part in ("front", "body", "back")]


def _strip_positions(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _strip_positions(part) for name, part in value.items() if name not in IGNORED_NODE_FIELDS}
    return [_strip_positions(part) for part in value] if isinstance(value, list | tuple) else value


def _pair_blocks(old: Sequence[DiffBlock], new: Sequence[DiffBlock], pairing: Effort, words: Effort) -> list[DiffRow]:
    """Pair changed blocks, in order, so that the total similarity is highest; the others were removed or added."""
    rows: list[DiffRow] = []
    i = j = 0
    for a, b in _find_pairs(old, new, pairing):
        rows += [_removed(block) for block in old[i:a]] + [_added(block) for block in new[j:b]]
        before, after = diff_words(old[a].text, new[b].text, words)
        rows.append(DiffRow("changed", old[a], new[b], before, after))
        i, j = a + 1, b + 1
    return rows + [_removed(block) for block in old[i:]] + [_added(block) for block in new[j:]]


def _find_pairs(old: Sequence[DiffBlock], new: Sequence[DiffBlock], effort: Effort) -> list[tuple[int, int]]:
    if not old or not new:
        return []
    if len(old) * len(new) > MAX_PAIRS:
        return [(n, n) for n in range(min(len(old), len(new))) if _similarity(old[n], new[n], effort) >= MIN_SIMILARITY]
    # Weighted longest common subsequence: best[i][j] is the highest total similarity of old[i:] and new[j:].
    similarity = [[_similarity(a, b, effort) for b in new] for a in old]
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


def _similarity(old: DiffBlock, new: DiffBlock, effort: Effort) -> float:
    """Return the similarity of two blocks, 0 to 1. Blocks with different labels are never paired."""
    if _match_key(old)[0] != _match_key(new)[0]:
        return 0.0
    if old.is_unique:
        return 1.0
    matcher = BoundedMatcher(TOKEN.findall(old.text), TOKEN.findall(new.text), effort)
    # Fast, and never below the ratio.
    return matcher.ratio() if matcher.quick_ratio() >= MIN_SIMILARITY else 0.0


def _match_key(block: DiffBlock) -> tuple[str, str]:
    # The label of a Markdown line contains its number, which changes with every line inserted above.
    return ("" if block.line else block.name), f"{block.text}\0{block.key}\0{block.details}"


def diff_words(old: str, new: str, effort: Effort | None = None) -> tuple[list[Segment], list[Segment]]:
    """Compare two texts by words; return the segments of each."""
    old_segments: list[Segment] = []
    new_segments: list[Segment] = []
    for changed, before, after in diff_spans(old, new, effort):
        _append_segment(old_segments, before, changed)
        _append_segment(new_segments, after, changed)
    return old_segments, new_segments


def diff_spans(old: str, new: str, effort: Effort | None = None) -> Iterator[tuple[bool, str, str]]:
    """Yield (changed, old text, new text) in order; all screens that show changes use these spans.

    White space between two changes counts as changed, so that phrases are not broken up. Long texts are one span.
    """
    if len(old) + len(new) > MAX_WORD_DIFF_LENGTH:
        yield old != new, old, new
        return
    a, b = TOKEN.findall(old), TOKEN.findall(new)
    opcodes = BoundedMatcher(a, b, effort or Effort()).get_opcodes()
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
    effort = Effort()
    for chunk in _diff3(effort, *(text.splitlines(keepends=True) for text in (base, theirs, mine))):
        if chunk.origin == "both" and chunk.mine.strip() and chunk.theirs.strip() and chunk.base.strip():
            chunks += _merge_words(chunk, effort)
        else:
            chunks.append(chunk)
    return MergeResult([chunk for chunk in chunks if chunk.mine or chunk.theirs or chunk.base])


def merge_line(base: str, theirs: str, mine: str) -> MergeResult:
    """Merge single-line texts by words."""
    return MergeResult(list(_diff3(Effort(), *(WORD.findall(text) for text in (base, theirs, mine)))))


def _merge_words(lines: MergeChunk, effort: Effort) -> list[MergeChunk]:
    """Merge conflicting lines by words; if the words conflict as well, keep the lines whole for readability."""
    chunks = list(_diff3(effort, *(WORD.findall(text) for text in (lines.base, lines.theirs, lines.mine))))
    return [lines] if any(chunk.origin == "both" for chunk in chunks) else chunks


def _diff3(effort: Effort, base: Sequence[str], theirs: Sequence[str], mine: Sequence[str]) -> Iterator[MergeChunk]:
    """Yield chunks in order. The sequences are lines or words whose concatenation is the text."""
    base_start = theirs_start = mine_start = 0
    for base_end, theirs_end, mine_end, length in [
        *_find_common_spans(base, theirs, mine, effort),
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
    base: Sequence[str], theirs: Sequence[str], mine: Sequence[str], effort: Effort
) -> Iterator[tuple[int, int, int, int]]:
    """Yield (start in base, start in theirs, start in mine, length) of each span of the base that both kept."""
    theirs_blocks = BoundedMatcher(base, theirs, effort).get_matching_blocks()
    mine_blocks = BoundedMatcher(base, mine, effort).get_matching_blocks()
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
    blocks = BoundedMatcher(words, WORD.findall(b), Effort()).get_matching_blocks()
    return "".join("".join(words[block.a : block.a + block.size]) for block in blocks)


def diff_inline(old: str, new: str) -> list[tuple[str, str]]:
    """Return runs of text with a sign: "=" (in both), "-" (only old), or "+" (only new). For display only.

    Compares lines first, so that words are compared only where lines differ.
    """
    runs: list[tuple[str, str]] = []
    old_lines, new_lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
    words = Effort()
    for tag, i1, i2, j1, j2 in BoundedMatcher(old_lines, new_lines, Effort()).get_opcodes():
        before, after = "".join(old_lines[i1:i2]), "".join(new_lines[j1:j2])
        if tag == "equal":
            _append_run(runs, "=", before)
            continue
        for changed, group in groupby(diff_spans(before, after, words), key=itemgetter(0)):
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


def to_reading_text(markdown: str) -> str:
    """Return a Markdown text, or a part of one, as text to read, without markup, line by line."""
    text = ESCAPE_RE.sub(lambda match: chr(ESCAPE_OFFSET + ord(match[1])), markdown)
    text = BLOCK_RE.sub(lambda match: _name_block(match[1], match[2]), text)
    text = HEADING_RE.sub(lambda match: f"{_name_heading(len(match[1]))}: {_strip_anchor(match[2])}", text)
    text = QUOTE_RE.sub("", TABLE_LINE_RE.sub("", BULLET_RE.sub(r"\1• ", text)))
    text = TABLE_ROW_RE.sub(lambda match: " – ".join(cell.strip() for cell in match[1].split("|")), text)
    text = LINK_RE.sub(lambda match: f"{match[1]} (→ {match[2].removeprefix('page:')})", text)
    text = CITATION_RE.sub(lambda match: f"({match[1].replace('@', '')})", text)
    text = VALUE_RE.sub(lambda match: f"({CLINIC_VALUE_NAMES.get(match[1], match[1])})", text)
    for pattern in EMPHASIS_RES * 2:  # emphasis within emphasis, from the inside
        text = pattern.sub(r"\2", text)
    return re.sub(r"[\ue120-\ue17f]", lambda match: chr(ord(match[0]) - ESCAPE_OFFSET), text)


def diff_for_reading(old: str, new: str) -> list[tuple[str, str]]:
    """Compare two Markdown texts without their markup (``diff_inline``). If only markup differs, show it after all."""
    before, after = to_reading_text(old), to_reading_text(new)
    return diff_inline(before, after) if before != after or old == new else diff_inline(old, new)


def diff_function(field: str) -> Callable[[str, str], list[tuple[str, str]]]:
    """Return the comparison for a field of a page: only the body is Markdown."""
    return diff_for_reading if field == "body" else diff_inline


def _name_block(name: str | None, options: str) -> str:
    if not name:
        return ""
    label = str(block_label(name)).partition(",")[0]
    return f"[{label}: {options}]" if options else f"[{label}]"


def _strip_anchor(heading: str) -> str:
    """Return a heading without its anchor: ``At home {#home}``."""
    title, brace, anchor = heading.rstrip().rpartition("{#")
    return title.rstrip() if brace and anchor.find("}") == len(anchor) - 1 else heading.rstrip()


def _name_heading(level: int) -> str:
    return str(HEADING_STYLES[min(max(level, 2), 4)])
