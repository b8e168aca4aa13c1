"""The words of a finished article: by section for search, as sentences for reading measures."""

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

from procedures.languages.definition import SENTENCE_ENDS

# One tag of finished HTML, as our templates and the cleaner write it: quotes are double, so ">" may stand in them.
HTML_TAG = re.compile(r'<(?:!--.*?--|(/?)([a-z][a-z0-9]*)([^">]*(?:"[^"]*"[^">]*)*))>', re.DOTALL)
CLASS_ATTRIBUTE, ID_ATTRIBUTE = (re.compile(rf'\s{name}="([^"]*)"') for name in ("class", "id"))
VOID_ELEMENTS = frozenset("br img source input hr line path circle rect use".split())
BLOCK_ELEMENTS = frozenset(
    "p li h1 h2 h3 h4 td th dt dd figcaption summary blockquote caption tr div section ol ul".split()
)
SKIPPED_ELEMENTS = frozenset({"svg", "sup", "nav", "template", "script", "style", "form", "fieldset"})
# Classes of what the page adds by itself: not the author's text.
SKIPPED_CLASSES = frozenset(
    "sources page-words contents ask-us next-step care-card__phone figure__views figure__summary figure__large "
    "series__hint reading-levels warning-signs--top".split()
)


@dataclass(slots=True)
class Section:
    """Text under one second-level heading; the first section of a page has no anchor."""

    anchor: str
    title: str
    text: str


CELL_ELEMENTS = frozenset({"td", "th"})
# A cell of a table is a sentence where it reads like one; other cells are labels and values.
CELL_MARKER = "\ue001"
MIN_CELL_WORDS = 5


class _TextExtractor:
    """Collects text by section. A parser for any HTML takes four times as long, at each preview."""

    def __init__(self) -> None:
        self.sections = [Section("", "", "")]
        self._skipped_tags: list[str] = []
        self._heading: list[str] | None = None
        self._anchor = ""

    def feed(self, html: str) -> None:
        """Everything, once."""
        at = 0
        for tag in HTML_TAG.finditer(html):
            if tag.start() > at:
                self._add_text(html[at : tag.start()])
            at = tag.end()
            closing, name, attributes = tag.groups()
            if closing:
                self._handle_end(name)
            elif name and name not in VOID_ELEMENTS:
                self._handle_start(name, attributes)
        self._add_text(html[at:])

    def _handle_start(self, tag: str, attributes: str) -> None:
        classes = CLASS_ATTRIBUTE.search(attributes)
        if (
            self._skipped_tags
            or tag in SKIPPED_ELEMENTS
            or (classes and not SKIPPED_CLASSES.isdisjoint(classes[1].split()))
        ):
            self._skipped_tags.append(tag)
        elif tag == "h2":
            anchor = ID_ATTRIBUTE.search(attributes)
            self._heading, self._anchor = [], anchor[1] if anchor else ""
        elif tag in BLOCK_ELEMENTS:
            self._add_line_break()
            if tag in CELL_ELEMENTS:
                self.sections[-1].text += CELL_MARKER

    def _handle_end(self, tag: str) -> None:
        if self._skipped_tags:
            if tag == self._skipped_tags[-1]:
                self._skipped_tags.pop()
        elif tag == "h2" and self._heading is not None:
            self.sections.append(Section(self._anchor, " ".join("".join(self._heading).split()), ""))
            self._heading = None
        elif tag in BLOCK_ELEMENTS:
            self._add_line_break()

    def _add_text(self, text: str) -> None:
        if self._skipped_tags:
            return
        if self._heading is not None:
            self._heading.append(unescape(text))
        else:
            self.sections[-1].text += unescape(text)

    def _add_line_break(self) -> None:
        self.sections[-1].text += "\n"


def extract_text(html: str) -> tuple[list[Section], str]:
    """The text of an article that we rendered: by section, one block a line; and all of it as sentences."""
    reader = _TextExtractor()
    reader.feed(html)
    lines: list[str] = []
    for section in reader.sections:
        blocks = [" ".join(line.split()) for line in section.text.split("\n")]
        lines += [section.title, *blocks]
        section.text = "\n".join(filter(None, (block.removeprefix(CELL_MARKER).strip() for block in blocks)))
    return [section for section in reader.sections if section.text or section.title], _close_sentences(lines)


def extract_sections(html: str) -> list[Section]:
    """The text of an article by section."""
    return extract_text(html)[0]


def to_sentences(html: str) -> str:
    """The article as sentences: a heading or entry without an end mark is one of its own."""
    return extract_text(html)[1]


def _close_sentences(blocks: list[str]) -> str:
    lines = [block.removeprefix(CELL_MARKER).strip() for block in blocks if not _is_label_cell(block)]
    return "\n".join(
        line if line[-1] in f"{SENTENCE_ENDS}:" else f"{line}."
        for line in lines
        if any(letter.isalpha() for letter in line)
    )


def _is_label_cell(block: str) -> bool:
    """Whether a block is a cell such as "T12 bone" or "2 days"."""
    if not block.startswith(CELL_MARKER):
        return False
    text = block.removeprefix(CELL_MARKER).strip()
    return not text.endswith((".", "!", "?")) and len(text.split()) < MIN_CELL_WORDS


ARTICLE_VOID_ELEMENTS = frozenset("br img source input hr line path circle rect use ellipse".split())
HEADING_ELEMENTS = frozenset({"h1", "h2", "h3", "h4"})
# The component a text belongs to, by the class of its outermost element.
COMPONENTS_BY_CLASS = {
    "page__title": "title",
    "page__message": "key message",
    "key-points": "key points",
    "care-table": "clinic answer",
    "chance": "chance",
    "figure": "picture",
    "series": "series",
    "care-card": "card",
    "warning-signs": "warning signs",
    "checklist": "checklist",
    "steps": "steps",
    "do-list": "do list",
    "reading-list": "reading list",
    "location": "location",
    "word-list": "glossary",
    "next-step": "next step",
}
# Everything inside one of these is one statement: a source anywhere in it covers it.
STATEMENT_ELEMENTS = frozenset({"li", "tr"})


@dataclass(slots=True)
class TextBlock:
    """Text that a browser shows as one block. ``statement`` numbers what a citation in it covers."""

    tag: str
    component: str
    section: str
    statement_id: int
    text: str = ""
    phones: list[str] = field(default_factory=list)

    @property
    def is_prose(self) -> bool:
        """Running text: neither a heading nor a label."""
        return self.tag not in HEADING_ELEMENTS | {"dt", "th", "summary"} and self.component != "title"


@dataclass(slots=True)
class ArticleList:
    """A list with its number of entries. ``part`` is its component, empty for a plain one."""

    component: str
    section: str
    item_count: int = 0


@dataclass(slots=True)
class ArticleImage:
    """An image with its text instead. A thumbnail stands beside words that name it, so it needs none."""

    src: str
    alt: str
    is_thumbnail: bool


@dataclass
class Article:
    """What stands in an article."""

    blocks: list[TextBlock] = field(default_factory=list)
    lists: list[ArticleList] = field(default_factory=list)
    images: list[ArticleImage] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    components: set[str] = field(default_factory=set)
    has_lead_figure: bool = False
    cited_statements: set[int] = field(default_factory=set)
    # A list, table or chance that a sentence with a colon leads into is covered by the source of that sentence.
    introduced_by: dict[int, int] = field(default_factory=dict)

    def is_cited(self, block: TextBlock) -> bool:
        """Whether a source stands in the block's statement or in the sentence that leads into it."""
        return (
            block.statement_id in self.cited_statements
            or self.introduced_by.get(block.statement_id) in self.cited_statements
        )


@dataclass(slots=True)
class _OpenElement:
    tag: str
    component: str
    statement_id: int
    is_statement: bool
    is_skipped: bool
    intro_statement_id: int = 0
    current_list: ArticleList | None = None


class _ArticleParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.article = Article()
        self._open_elements = [_OpenElement("", "", 0, is_statement=False, is_skipped=False)]
        self._block: TextBlock | None = None
        self._statement_count = 0
        self._section = ""
        self._in_phone_link = False
        self._in_body = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._record_element(tag, values)
        if tag in ARTICLE_VOID_ELEMENTS:
            return
        outer, classes = self._open_elements[-1], values.get("class", "").split()
        part = next((COMPONENTS_BY_CLASS[name] for name in classes if name in COMPONENTS_BY_CLASS), outer.component)
        if outer.component == "warning signs":  # its cards are not the author's text
            part = outer.component
        if part:
            self.article.components.add(part)
        self._in_body = self._in_body or "page__body" in classes
        if tag == "figure" and not self._in_body:
            self.article.has_lead_figure = True
        skipped = outer.is_skipped or tag in SKIPPED_ELEMENTS or not SKIPPED_CLASSES.isdisjoint(classes)
        here = _OpenElement(
            tag, part, outer.statement_id, outer.is_statement, skipped, outer.intro_statement_id, outer.current_list
        )
        if not skipped:
            self._assign_statement(here, outer, starts_chance="chance" in classes)
        self._open_elements.append(here)

    def _record_element(self, tag: str, values: dict[str, str]) -> None:
        if values.get("id"):
            self.article.anchors.add(values["id"])
        if tag == "a":
            self.article.links.append(values.get("href", ""))
            self._in_phone_link = values.get("href", "").startswith("tel:")
        if tag == "img":
            small = "thumbnail" in values.get("class", "")
            self.article.images.append(ArticleImage(values.get("src", ""), values.get("alt", ""), small))
        if tag == "sup" and values.get("class") == "citation":
            self.article.cited_statements.add(self._open_elements[-1].statement_id)

    def _assign_statement(self, here: _OpenElement, outer: _OpenElement, *, starts_chance: bool) -> None:
        """Give an element its statement, its lead and its list."""
        if here.tag in {"ul", "ol", "table"} or starts_chance:
            self._close_block()
            last = self.article.blocks[-1] if self.article.blocks else None
            here.intro_statement_id = last.statement_id if last and last.text.endswith(":") else 0
        if here.tag in {"ul", "ol"}:
            here.current_list = ArticleList(here.component, self._section)
            self.article.lists.append(here.current_list)
        if here.tag == "li" and outer.current_list:
            outer.current_list.item_count += 1
        if here.tag in STATEMENT_ELEMENTS or starts_chance or (here.tag in BLOCK_ELEMENTS and not here.is_statement):
            self._statement_count += 1
            here.statement_id = self._statement_count
            here.is_statement = here.tag in STATEMENT_ELEMENTS or starts_chance
            if here.intro_statement_id and here.is_statement:
                self.article.introduced_by[here.statement_id] = here.intro_statement_id
        if here.tag in BLOCK_ELEMENTS:
            self._close_block()

    def handle_endtag(self, tag: str) -> None:
        if tag in ARTICLE_VOID_ELEMENTS or len(self._open_elements) == 1:
            return
        if tag in BLOCK_ELEMENTS:
            self._close_block()
        if tag == "a":
            self._in_phone_link = False
        if self._open_elements[-1].tag == tag:
            self._open_elements.pop()

    def handle_data(self, data: str) -> None:
        here = self._open_elements[-1]
        if here.is_skipped:
            return
        if self._block is None:
            if not data.strip():
                return
            tag = next((entry.tag for entry in reversed(self._open_elements) if entry.tag in BLOCK_ELEMENTS), "")
            # The lead picture stands before the sections, whatever a guide shows above it.
            section = self._section if self._in_body or here.component != "picture" else ""
            self._block = TextBlock(tag, here.component, section, here.statement_id)
        self._block.text += data
        if self._in_phone_link:
            self._block.phones.append(data.strip())

    def _close_block(self) -> None:
        if self._block is None:
            return
        block, self._block = self._block, None
        block.text = " ".join(block.text.split())
        if block.tag == "h2":
            self._section = block.section = block.text
        self.article.blocks.append(block)


def parse_article(html: str) -> Article:
    """The article of a page: ``RenderedPage.html`` or ``Release.html``."""
    reader = _ArticleParser()
    reader.feed(html)
    reader.close()
    return reader.article
