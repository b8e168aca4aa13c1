"""A finished article taken apart: blocks of text with where they stand, lists, pictures, links, anchors."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from procedures.markdown.plain import BLOCKS, SKIPPED, SKIPPED_PARTS

VOID = frozenset("br img source input hr line path circle rect use ellipse".split())
HEADINGS = frozenset({"h1", "h2", "h3", "h4"})
# The component a text belongs to, by the class of its outermost element.
PARTS = {
    "page__title": "title",
    "page__message": "key message",
    "key-points": "key points",
    "answers": "clinic answer",
    "chance": "chance",
    "xray": "picture",
    "series": "series",
    "care": "card",
    "warning-signs": "warning signs",
    "checklist": "checklist",
    "steps": "steps",
    "do": "do list",
    "reading": "reading list",
    "place": "location",
    "terms": "glossary",
    "next": "next step",
}
# Everything inside one of these is one statement: a source anywhere in it covers it.
STATEMENTS = frozenset({"li", "tr"})


@dataclass(slots=True)
class Block:
    """Text that a browser shows as one block. ``statement`` numbers what a citation in it covers."""

    tag: str
    part: str
    section: str
    statement: int
    text: str = ""
    phones: list[str] = field(default_factory=list)

    @property
    def is_prose(self) -> bool:
        """Running text: neither a heading nor a label."""
        return self.tag not in HEADINGS | {"dt", "th", "summary"} and self.part != "title"


@dataclass(slots=True)
class List:
    """A list with its number of entries. ``part`` is its component, empty for a plain one."""

    part: str
    section: str
    entries: int = 0


@dataclass(slots=True)
class Picture:
    """An image with its text instead. A thumbnail stands beside words that name it, so it needs none."""

    src: str
    alt: str
    is_thumbnail: bool


@dataclass
class Article:
    """What stands in an article."""

    blocks: list[Block] = field(default_factory=list)
    lists: list[List] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    has_lead_picture: bool = False
    cited: set[int] = field(default_factory=set)
    # A list, table or chance that a sentence with a colon leads into is covered by the source of that sentence.
    led_by: dict[int, int] = field(default_factory=dict)

    def is_cited(self, block: Block) -> bool:
        """Whether a source stands in the block's statement or in the sentence that leads into it."""
        return block.statement in self.cited or self.led_by.get(block.statement) in self.cited


@dataclass(slots=True)
class _Open:
    tag: str
    part: str
    statement: int
    is_statement: bool
    skipped: bool
    lead: int = 0
    counts: List | None = None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.article = Article()
        self._open = [_Open("", "", 0, is_statement=False, skipped=False)]
        self._block: Block | None = None
        self._statements = 0
        self._section = ""
        self._in_phone = False
        self._is_body = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._note(tag, values)
        if tag in VOID:
            return
        outer, classes = self._open[-1], values.get("class", "").split()
        part = next((PARTS[name] for name in classes if name in PARTS), outer.part)
        if outer.part == "warning signs":  # its cards are not the author's text
            part = outer.part
        if part:
            self.article.parts.add(part)
        self._is_body = self._is_body or "page__body" in classes
        if tag == "figure" and not self._is_body:
            self.article.has_lead_picture = True
        skipped = outer.skipped or tag in SKIPPED or not SKIPPED_PARTS.isdisjoint(classes)
        here = _Open(tag, part, outer.statement, outer.is_statement, skipped, outer.lead, outer.counts)
        if not skipped:
            self._place(here, outer, starts_chance="chance" in classes)
        self._open.append(here)

    def _note(self, tag: str, values: dict[str, str]) -> None:
        if values.get("id"):
            self.article.anchors.add(values["id"])
        if tag == "a":
            self.article.links.append(values.get("href", ""))
            self._in_phone = values.get("href", "").startswith("tel:")
        if tag == "img":
            small = "thumb" in values.get("class", "")
            self.article.pictures.append(Picture(values.get("src", ""), values.get("alt", ""), small))
        if tag == "sup" and values.get("class") == "cite":
            self.article.cited.add(self._open[-1].statement)

    def _place(self, here: _Open, outer: _Open, *, starts_chance: bool) -> None:
        """Give an element its statement, its lead and its list."""
        if here.tag in {"ul", "ol", "table"} or starts_chance:
            self._end_block()
            last = self.article.blocks[-1] if self.article.blocks else None
            here.lead = last.statement if last and last.text.endswith(":") else 0
        if here.tag in {"ul", "ol"}:
            here.counts = List(here.part, self._section)
            self.article.lists.append(here.counts)
        if here.tag == "li" and outer.counts:
            outer.counts.entries += 1
        if here.tag in STATEMENTS or starts_chance or (here.tag in BLOCKS and not here.is_statement):
            self._statements += 1
            here.statement = self._statements
            here.is_statement = here.tag in STATEMENTS or starts_chance
            if here.lead and here.is_statement:
                self.article.led_by[here.statement] = here.lead
        if here.tag in BLOCKS:
            self._end_block()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or len(self._open) == 1:
            return
        if tag in BLOCKS:
            self._end_block()
        if tag == "a":
            self._in_phone = False
        if self._open[-1].tag == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        here = self._open[-1]
        if here.skipped:
            return
        if self._block is None:
            if not data.strip():
                return
            tag = next((entry.tag for entry in reversed(self._open) if entry.tag in BLOCKS), "")
            # The lead picture stands before the sections, whatever a guide shows above it.
            section = self._section if self._is_body or here.part != "picture" else ""
            self._block = Block(tag, here.part, section, here.statement)
        self._block.text += data
        if self._in_phone:
            self._block.phones.append(data.strip())

    def _end_block(self) -> None:
        if self._block is None:
            return
        block, self._block = self._block, None
        block.text = " ".join(block.text.split())
        if block.tag == "h2":
            self._section = block.section = block.text
        self.article.blocks.append(block)


def take_apart(html: str) -> Article:
    """The article of a page: ``RenderedPage.html`` or ``Release.html``."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.article
