"""The document model: a typed tree of one article with the source line of each part, and functions that read it.

The parser builds the tree of a body once. The renderer resolves names in it, adds what blocks and the page itself
print, and writes HTML from it. All other code that examines an article reads this tree: sections, plain text, search,
readability, comparisons, and the checks of links and numbers. A release stores its tree (``to_json``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Self, TypedDict

from django.utils.safestring import SafeString

from procedures.languages.definition import ends_sentence
from procedures.readability.scores import MIN_CELL_WORDS

PHONE_SCHEME = "tel:"
# The emergency signs above the text of a page.
PAGE_SIGNS = "page-signs"
# Parts whose text the page adds to the author's: it belongs neither to the search text nor to the readability scores.
GENERATED_PARTS = frozenset({PAGE_SIGNS, "page-words", "sources", "next-step", "ask-us", "reading-levels"})


@dataclass(slots=True, eq=False)
class Mark:
    """Emphasis or a link around a span of text. Marks are compared by identity."""

    kind: str  # em, strong, link, term (a link to a glossary entry), blank (the label of a fill-in line)
    href: str = ""


@dataclass(slots=True)
class Run:
    """A run of inline text with the marks around it, outermost first.

    ``kind``: text, code, space (a line break in the source), break, image, citation (``text`` holds the keys), value
    (the name of a clinic value), or source (the number of a resolved citation). After resolution, only the first four
    kinds and source remain.
    """

    text: str = ""
    kind: str = "text"
    marks: tuple[Mark, ...] = ()

    @property
    def href(self) -> str:
        """The address of the link that the run is in, or ""."""
        return next((mark.href for mark in self.marks if mark.href), "")


def runs_text(runs: Sequence[Run]) -> str:
    """Return the text of ``runs`` without citations, as a reader sees it, with single spaces."""
    return " ".join("".join(_run_text(run) for run in runs).split())


def _run_text(run: Run) -> str:
    return "\n" if run.kind in {"space", "break"} else "" if run.kind in {"source", "citation", "value"} else run.text


@dataclass(slots=True, kw_only=True)
class Node:
    """A part of a document. ``line`` and ``end`` are its first and last line in the source, from 1; 0 for none."""

    line: int = 0
    end: int = 0
    anchor: str = ""

    @property
    def children(self) -> Sequence["Node"]:
        """The nodes inside the container."""
        return ()


@dataclass(slots=True, kw_only=True)
class Text(Node):
    """A node that contains inline text."""

    runs: list[Run] = field(default_factory=list)
    # The kind of line, if it is not ordinary text: caption, marker, number, source, term, and so on.
    role: str = ""
    # The text as typed, for checks that examine the markup.
    source: str = field(default="", compare=False)

    @property
    def text(self) -> str:
        """The text without markup and citations, with single spaces."""
        return runs_text(self.runs)


@dataclass(slots=True, kw_only=True)
class Heading(Text):
    """A heading. ``natural_anchor``: the one that the text alone gives it; ``anchor``: the one it has on the page."""

    level: int = 2
    wanted_anchor: str = ""
    natural_anchor: str = ""
    is_explicit: bool = field(default=False, compare=False)
    is_taken: bool = field(default=False, compare=False)  # another section has its explicit anchor
    is_folded: bool = False
    old_anchors: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Paragraph(Text):
    """A paragraph, or another line of text with a ``role``."""


@dataclass(slots=True, kw_only=True)
class Cell(Text):
    """A table cell. ``align``: left, center, right, or empty."""

    is_header: bool = False
    align: str = ""


@dataclass(slots=True, kw_only=True)
class Code(Node):
    """Preformatted text."""

    text: str = ""


@dataclass(slots=True, kw_only=True)
class Rule(Node):
    """A thematic break."""


@dataclass(slots=True, kw_only=True)
class Image(Node):
    """An image. Thumbnails, which are next to text that names them, are not in the tree."""

    src: str = ""
    alt: str = ""


@dataclass(slots=True, kw_only=True)
class MarkerPosition(Node):
    """The position of a marker on an image, in percent: ``x y`` of its disc and its target, and its size."""

    number: int = 0
    disc: str = ""
    target: str = ""
    size: str = ""


@dataclass(slots=True, kw_only=True)
class Container(Node):
    """A node that contains other nodes."""

    nodes: list[Node] = field(default_factory=list)

    @property
    def children(self) -> Sequence[Node]:
        """The nodes inside the container."""
        return self.nodes


@dataclass(slots=True, kw_only=True)
class ListItem(Container):
    """An entry of a list."""


@dataclass(slots=True, kw_only=True)
class List(Container):
    """A list of ``ListItem``. ``is_tight``: there are no empty lines between entries, so they are not paragraphs."""

    is_ordered: bool = False
    is_tight: bool = True
    start: int = 1


@dataclass(slots=True, kw_only=True)
class Row(Container):
    """A table row of ``Cell``."""


@dataclass(slots=True, kw_only=True)
class Table(Container):
    """A table of ``Row``; the cells of the first one are headers."""


@dataclass(slots=True, kw_only=True)
class Quote(Container):
    """A quotation."""


@dataclass(slots=True, kw_only=True)
class Block(Container):
    """A ``:::`` block, or a part that the page adds (``GENERATED_PARTS`` and the like).

    After parsing, ``nodes`` holds the block's content. After rendering, it holds everything that the block prints.
    ``component``: the name of its text in readability reports. ``href``: the target of the block as a whole.
    """

    name: str = ""
    options: str = ""
    component: str = ""
    href: str = ""
    has_end: bool = field(default=True, compare=False)
    raw: str = field(default="", compare=False)


NODE_TYPES: dict[str, type[Node]] = {
    kind.__name__: kind
    for kind in (Heading, Paragraph, Cell, Code, Rule, Image, MarkerPosition, ListItem, List, Row, Table, Quote, Block)
}


# Increase it when ``Document.from_json`` can no longer read what an earlier version wrote.
FORMAT = 2


class LargeFigure(TypedDict):
    """A picture that has its own page. ``html``: the rendered template. ``anchor``: its place in the article."""

    html: SafeString
    caption: str
    anchor: str


@dataclass(slots=True)
class Document:
    """An article: what is above the author's text, the text itself, and what is below it.

    A parsed document has only a body.
    """

    body: list[Node] = field(default_factory=list)
    front: list[Node] = field(default_factory=list)
    back: list[Node] = field(default_factory=list)
    # Anchors of sections that no longer exist; they lead to the top of the body.
    top_anchors: list[str] = field(default_factory=list)
    # Offsets in the HTML of all ids, heading levels, and relative URLs, which embedding has to adjust
    # (``html.extract_placeholders``).
    placeholder_offsets: dict[str, list[int]] = field(default_factory=dict)
    # The pictures that have a page of their own, by slug.
    large_figures: dict[str, LargeFigure] = field(default_factory=dict)

    @property
    def nodes(self) -> list[Node]:
        """All parts in reading order."""
        return [*self.front, *self.body, *self.back]

    @property
    def headings(self) -> list[Heading]:
        """The headings of the body that have an anchor, in order."""
        return [node for node in walk(self.body) if isinstance(node, Heading) and node.natural_anchor]

    def anchors(self) -> set[str]:
        """Return every anchor that a link can lead to."""
        found = {node.anchor for node in walk(self.nodes)} | set(self.top_anchors)
        return found.union(*(heading.old_anchors for heading in self.headings)) - {""}

    def section_titles(self) -> dict[str, str]:
        """Return the text of every heading with an anchor, including those that blocks add, by anchor."""
        return {node.anchor: node.text for node in walk(self.nodes) if isinstance(node, Heading) and node.anchor}

    def links(self) -> list[str]:
        """Return the address of every link, in order."""
        return [href for node in walk(self.nodes) for href in node_links(node)]

    def to_json(self) -> dict[str, Any]:
        """Return the tree as JSON values. ``from_json`` reads it back, without what only the renderer needs."""
        return {
            "format": FORMAT,
            "body": [_node_to_json(node) for node in self.body],
            "front": [_node_to_json(node) for node in self.front],
            "back": [_node_to_json(node) for node in self.back],
            "top_anchors": self.top_anchors,
            "places": self.placeholder_offsets,
            "large_figures": self.large_figures,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Self | None:
        """Return the tree written by ``to_json``, or None if there is none or it has a different ``FORMAT``.

        The stored HTML of its large pictures is marked safe: only publishing writes it, from a template that escapes.
        """
        if data is None or data["format"] != FORMAT:
            return None
        parts = {name: [_node_from_json(row) for row in data[name]] for name in ("body", "front", "back")}
        large: dict[str, LargeFigure] = {
            slug: {"html": SafeString(row["html"]), "caption": row["caption"], "anchor": row["anchor"]}
            for slug, row in data["large_figures"].items()
        }
        return cls(
            **parts, top_anchors=list(data["top_anchors"]), placeholder_offsets=data["places"], large_figures=large
        )


def node_links(node: Node) -> list[str]:
    """Return the addresses of the links in a node itself, without the nodes in it."""
    if isinstance(node, Block):
        return [node.href] if node.href else []
    marks = [mark for run in node.runs for mark in run.marks if mark.href] if isinstance(node, Text) else []
    citations = [f"#source-{run.text}" for run in node.runs if run.kind == "source"] if isinstance(node, Text) else []
    return [mark.href for mark in dict.fromkeys(marks)] + citations


def _node_to_json(node: Node) -> dict[str, Any]:
    """Return the fields that differ from their defaults."""
    row: dict[str, Any] = {"type": type(node).__name__}
    for node_field in fields(node):
        value = getattr(node, node_field.name)
        if not node_field.compare or value == _default(node_field):
            continue
        if node_field.name == "nodes":
            value = [_node_to_json(child) for child in value]
        elif node_field.name == "runs":
            value = [[run.text, run.kind, [[mark.kind, mark.href] for mark in run.marks]] for run in value]
        row[node_field.name] = value
    return row


def _default(node_field: "Field[Any]") -> Any:
    return node_field.default if node_field.default_factory is MISSING else node_field.default_factory()


def _node_from_json(row: Mapping[str, Any]) -> Node:
    values = dict(row)
    kind = NODE_TYPES[values.pop("type")]
    if "nodes" in values:
        values["nodes"] = [_node_from_json(child) for child in values["nodes"]]
    if "runs" in values:
        values["runs"] = [
            Run(text, name, tuple(Mark(mark, href) for mark, href in marks)) for text, name, marks in values["runs"]
        ]
    return kind(**values)


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    """Yield all nodes, each one before those in it."""
    for node in nodes:
        yield node
        yield from walk(node.children)


def text_paragraph(text: str, **values: Any) -> Paragraph:
    """Return a paragraph of plain text."""
    return Paragraph(runs=[Run(text)], **values)


def link_run(text: str, href: str) -> Run:
    """Return a run of linked text."""
    return Run(text, marks=(Mark("link", href),) if href else ())


HEADING_TAGS = frozenset({"h1", "h2", "h3", "h4"})
# The element of a paragraph by its role, so that code reading the tree can tell them apart.
ROLE_TAGS = {"term": "dt", "definition": "dd", "number": "div", "address": "div"}
# Lines that are neither the author's text nor the clinic's.
SKIPPED_ROLES = frozenset({"summary"})


@dataclass(slots=True)
class TextBlock:
    """One line of text. A citation covers all texts with the same ``statement_id``."""

    tag: str
    component: str
    section: str
    statement_id: int
    text: str = ""
    phones: list[str] = field(default_factory=list)
    anchor: str = ""
    # The first line in the source, 0 for text that is not in it, and where each further line starts in ``text``.
    line: int = 0
    line_starts: list[int] = field(default_factory=list)

    @property
    def is_prose(self) -> bool:
        """Whether the block is running text, neither a heading nor a label."""
        return self.tag not in HEADING_TAGS | {"dt", "th"} and self.component != "title"

    @property
    def sentences(self) -> str:
        """The text with final punctuation, so that a heading or list entry counts as a sentence; empty if it contains
        no sentence.
        """
        is_label = self.tag in {"td", "th"} and not (
            ends_sentence(self.text) or len(self.text.split()) >= MIN_CELL_WORDS
        )
        if is_label or not any(char.isalpha() for char in self.text):
            return ""
        return self.text if ends_sentence(self.text) or self.text.endswith(":") else f"{self.text}."

    def find_line(self, passage: str) -> int:
        """Return the source line where ``passage``, a part of the text, starts; 0 if the text is not in the source."""
        position = max(self.text.find(passage.removesuffix(".")), 0)
        return self.line and self.line + sum(start <= position for start in self.line_starts)


@dataclass(slots=True)
class ArticleList:
    """A list with its number of entries. ``component`` is empty for a plain list."""

    component: str
    section: str
    item_count: int = 0
    line: int = 0  # in the source; 0 for a list that is not in it


@dataclass(slots=True)
class Section:
    """Text under one second-level heading. The first section of a page has neither anchor nor title."""

    anchor: str
    title: str
    text: str


@dataclass
class Article:
    """The texts, lists, images, and links of a document, in reading order."""

    blocks: list[TextBlock] = field(default_factory=list)
    lists: list[ArticleList] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    components: set[str] = field(default_factory=set)
    has_lead_figure: bool = False
    cited_statements: set[int] = field(default_factory=set)
    # Statements of a list, table, or chance, each with the statement that introduces it with a colon. A citation in
    # that one covers them as well.
    introduced_by: dict[int, int] = field(default_factory=dict)

    def is_cited(self, block: TextBlock) -> bool:
        """Return whether a source is cited in the block's statement or in the sentence that introduces it."""
        return (
            block.statement_id in self.cited_statements
            or self.introduced_by.get(block.statement_id) in self.cited_statements
        )

    @property
    def sections(self) -> list[Section]:
        """The text by section, one line for each block. A chance is one line: its number means nothing on its own."""
        found, lines = [Section("", "", "")], [[""]]
        statement_id = 0
        for block in self.blocks:
            if block.tag == "h2":
                found.append(Section(block.anchor, block.text, ""))
                lines.append([])
            elif block.component == "chance" and block.statement_id == statement_id:
                lines[-1][-1] += f" {block.text}"
            else:
                lines[-1].append(block.text)
            statement_id = block.statement_id
        for section, texts in zip(found, lines, strict=True):
            section.text = "\n".join(filter(None, texts))
        return [section for section in found if section.text or section.title]

    @property
    def text(self) -> str:
        """The whole text as sentences. A heading or list entry without an end mark becomes a sentence."""
        return "\n".join(filter(None, (block.sentences for block in self.blocks)))


@dataclass(frozen=True, slots=True)
class _Position:
    """The current position in the tree: component, statement, and list entry."""

    component: str = ""
    statement_id: int = 0
    intro_id: int = 0
    tag: str = ""
    in_front: bool = False


class _ArticleBuilder:
    """Flattens a document into an ``Article``."""

    def __init__(self) -> None:
        self.article = Article()
        self._statement_count = 0
        self._section = ""

    def read(self, nodes: Sequence[Node], position: _Position) -> None:
        for node in nodes:
            if isinstance(node, Text):
                self._read_text(node, position)
            elif isinstance(node, Code):
                self._add(node, node.text, "pre", position)
            elif isinstance(node, Image):
                self.article.images.append(node)
            elif isinstance(node, Block):
                self._read_block(node, position)
            elif isinstance(node, List | Table):
                self._read_list(node, position)
            elif isinstance(node, Container):
                self.read(node.nodes, position)

    def _read_block(self, block: Block, outer: _Position) -> None:
        # Warning-sign cards are not written by the author.
        component = outer.component if outer.component == "warning signs" else block.component or outer.component
        # The emergency signs are at the top of every topic, so they say nothing about its text.
        if component and block.name != PAGE_SIGNS:
            self.article.components.add(component)
        if block.name in GENERATED_PARTS:
            return
        position = _Position(component, outer.statement_id, outer.intro_id, outer.tag, outer.in_front)
        if block.component == "chance":
            position = self._start_statement(position, self._find_intro(), outer.tag)
        self.read(block.nodes, position)

    def _read_list(self, group: List | Table, outer: _Position) -> None:
        intro = self._find_intro()
        if isinstance(group, List):
            self.article.lists.append(ArticleList(outer.component, self._section, len(group.nodes), group.line))
        for entry in group.nodes:
            tag = "li" if isinstance(group, List) and group.is_tight else ""
            position = self._start_statement(outer, intro, tag)
            self.read(entry.children, position)

    def _find_intro(self) -> int:
        last = self.article.blocks[-1] if self.article.blocks else None
        return last.statement_id if last and last.text.endswith(":") else 0

    def _start_statement(self, outer: _Position, intro_id: int, tag: str) -> _Position:
        self._statement_count += 1
        if intro_id:
            self.article.introduced_by[self._statement_count] = intro_id
        return _Position(outer.component, self._statement_count, intro_id, tag, outer.in_front)

    def _read_text(self, node: Text, position: _Position) -> None:
        if isinstance(node, Heading):
            tag = f"h{node.level}"
        elif isinstance(node, Cell):
            tag = "th" if node.is_header else "td"
        else:
            if node.role in SKIPPED_ROLES:
                return
            tag = ROLE_TAGS.get(node.role) or position.tag or "p"
        self._add(node, node.text, tag, position)

    def _add(self, node: Node, text: str, tag: str, position: _Position) -> None:
        statement = position.statement_id
        if not statement:
            self._statement_count += 1
            statement = self._statement_count
        runs = node.runs if isinstance(node, Text) else []
        if any(run.kind == "source" for run in runs):
            self.article.cited_statements.add(statement)
        text = " ".join(text.split())
        if not text:
            return
        # The lead figure is before all sections, even in a guide, where a reading list with a heading comes first.
        section = "" if position.in_front and position.component == "picture" else self._section
        phones = [run.text.strip() for run in runs if run.href.startswith(PHONE_SCHEME)]
        block = TextBlock(tag, position.component, section, statement, text, phones, node.anchor, node.line)
        block.line_starts = list(_line_starts(runs))
        if tag == "h2":
            self._section = block.section = text
        self.article.blocks.append(block)


def _line_starts(runs: Sequence[Run]) -> Iterator[int]:
    """Yield, for each line break in ``runs``, the length of the text before it, as :func:`runs_text` returns it."""
    length, in_word = 0, False
    for run in runs:
        if run.kind in {"space", "break"}:
            yield length
        text = _run_text(run)
        for index, word in enumerate(text.split()):
            continues = index == 0 and in_word and not text[0].isspace()
            length += len(word) + (0 if continues or not length else 1)
        in_word = not text[-1].isspace() if text else in_word


def read_article(document: Document) -> Article:
    """Return the texts, lists, images, and links of a document."""
    reader = _ArticleBuilder()
    reader.read(document.front, _Position(in_front=True))
    reader.read([*document.body, *document.back], _Position())
    article = reader.article
    article.links, article.anchors = document.links(), document.anchors()
    article.has_lead_figure = any(isinstance(node, Block) and node.component == "picture" for node in document.front)
    return article
