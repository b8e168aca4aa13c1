"""Text extraction from finished articles: sections for search, sentences for scores, and blocks for measures."""

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

from procedures.languages.definition import SENTENCE_ENDS
from procedures.readability.thresholds import MIN_CELL_WORDS
from procedures.rendering.sanitizer import VOID_ELEMENTS

# One tag or comment, as templates and the sanitizer write it: ">" can occur in double quotes.
HTML_TAG = re.compile(r'<(?:!--.*?--|(/?)([a-z][a-z0-9]*)([^">]*(?:"[^"]*"[^">]*)*))>', re.DOTALL)
CLASS_ATTRIBUTE, ID_ATTRIBUTE = (re.compile(rf'\s{name}="([^"]*)"') for name in ("class", "id"))
# Elements that have no end tag in finished articles: a missing one would hide all text that follows it.
EMPTY_ELEMENTS = VOID_ELEMENTS | frozenset("circle ellipse image line path polygon polyline rect stop use".split())
BLOCK_ELEMENTS = frozenset(
    "p li h1 h2 h3 h4 td th dt dd figcaption summary blockquote caption tr div section ol ul".split()
)
SKIPPED_ELEMENTS = frozenset({"svg", "sup", "nav", "template", "script", "style", "form", "fieldset"})
# Classes of what templates add to the author's text.
SKIPPED_CLASSES = frozenset(
    "sources page-words contents ask-us next-step care-card__phone figure__views figure__summary figure__large "
    "series__hint reading-levels warning-signs--top".split()
)


@dataclass(slots=True)
class Section:
    """Text under one second-level heading. The first section of a page has neither anchor nor title."""

    anchor: str
    title: str
    text: str


CELL_ELEMENTS = frozenset({"td", "th"})
# A table cell with an end mark or enough words counts as a sentence; other cells are labels and values.
CELL_MARKER = "\ue001"


class _TextExtractor:
    """Collects text by section. A general HTML parser takes four times as long, in every preview."""

    def __init__(self) -> None:
        self.sections = [Section("", "", "")]
        self._skipped_tags: list[str] = []
        self._heading: list[str] | None = None
        self._anchor = ""

    def feed(self, html: str) -> None:
        """Process the whole article. Call it only once."""
        position = 0
        for tag in HTML_TAG.finditer(html):
            if tag.start() > position:
                self._add_text(html[position : tag.start()])
            position = tag.end()
            closing, name, attributes = tag.groups()
            if closing:
                self._handle_end(name)
            elif name and name not in EMPTY_ELEMENTS:
                self._handle_start(name, attributes)
        self._add_text(html[position:])

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
    """Return the text of a rendered article by section, one line for each block; and the whole text as sentences."""
    extractor = _TextExtractor()
    extractor.feed(html)
    lines: list[str] = []
    for section in extractor.sections:
        blocks = [" ".join(line.split()) for line in section.text.split("\n")]
        lines += [section.title, *blocks]
        section.text = "\n".join(filter(None, (block.removeprefix(CELL_MARKER).strip() for block in blocks)))
    return [section for section in extractor.sections if section.text or section.title], _close_sentences(lines)


def extract_sections(html: str) -> list[Section]:
    """Return the text of an article by section."""
    return extract_text(html)[0]


def to_sentences(html: str) -> str:
    """Return the text of an article as sentences. A heading or list entry without an end mark becomes a sentence."""
    return extract_text(html)[1]


def _close_sentences(blocks: list[str]) -> str:
    lines = [block.removeprefix(CELL_MARKER).strip() for block in blocks if not _is_label_cell(block)]
    return "\n".join(
        line if line[-1] in f"{SENTENCE_ENDS}:" else f"{line}."
        for line in lines
        if any(letter.isalpha() for letter in line)
    )


def _is_label_cell(block: str) -> bool:
    """Whether a block is a short table cell such as "T12 bone" or "2 days"."""
    if not block.startswith(CELL_MARKER):
        return False
    text = block.removeprefix(CELL_MARKER).strip()
    return not text.endswith((".", "!", "?")) and len(text.split()) < MIN_CELL_WORDS


HEADING_ELEMENTS = frozenset({"h1", "h2", "h3", "h4"})
# The component that a text belongs to, by the class of its element.
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
# Everything inside one of these elements is one statement: a citation anywhere in it covers all of it.
STATEMENT_ELEMENTS = frozenset({"li", "tr"})


@dataclass(slots=True)
class TextBlock:
    """Text that a browser shows as one block. A citation covers all blocks with the same ``statement_id``."""

    tag: str
    component: str
    section: str
    statement_id: int
    text: str = ""
    phones: list[str] = field(default_factory=list)

    @property
    def is_prose(self) -> bool:
        """Whether the block is running text, neither a heading nor a label."""
        return self.tag not in HEADING_ELEMENTS | {"dt", "th", "summary"} and self.component != "title"


@dataclass(slots=True)
class ArticleList:
    """A list with its number of entries. ``component`` is empty for a plain list."""

    component: str
    section: str
    item_count: int = 0


@dataclass(slots=True)
class ArticleImage:
    """An image with its alternative text. A thumbnail needs none, because it is next to text that names it."""

    src: str
    alt: str
    is_thumbnail: bool


@dataclass
class Article:
    """The contents of an article."""

    blocks: list[TextBlock] = field(default_factory=list)
    lists: list[ArticleList] = field(default_factory=list)
    images: list[ArticleImage] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    components: set[str] = field(default_factory=set)
    has_lead_figure: bool = False
    cited_statements: set[int] = field(default_factory=set)
    # Statements of a list, table, or chance, each with the statement that introduces it with a colon. A citation in
    # that one covers them as well.
    introduced_by: dict[int, int] = field(default_factory=dict)

    def is_cited(self, block: TextBlock) -> bool:
        """Whether a source is cited in the block's statement or in the sentence that introduces it."""
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
        if tag in EMPTY_ELEMENTS:
            return
        outer, classes = self._open_elements[-1], values.get("class", "").split()
        component = next(
            (COMPONENTS_BY_CLASS[name] for name in classes if name in COMPONENTS_BY_CLASS), outer.component
        )
        if outer.component == "warning signs":  # its cards are not the author's text
            component = outer.component
        if component:
            self.article.components.add(component)
        self._in_body = self._in_body or "page__body" in classes
        if tag == "figure" and not self._in_body:
            self.article.has_lead_figure = True
        is_skipped = outer.is_skipped or tag in SKIPPED_ELEMENTS or not SKIPPED_CLASSES.isdisjoint(classes)
        element = _OpenElement(
            tag,
            component,
            outer.statement_id,
            outer.is_statement,
            is_skipped,
            outer.intro_statement_id,
            outer.current_list,
        )
        if not is_skipped:
            self._assign_statement(element, outer, starts_chance="chance" in classes)
        self._open_elements.append(element)

    def _record_element(self, tag: str, values: dict[str, str]) -> None:
        if values.get("id"):
            self.article.anchors.add(values["id"])
        if tag == "a":
            self.article.links.append(values.get("href", ""))
            self._in_phone_link = values.get("href", "").startswith("tel:")
        if tag == "img":
            is_thumbnail = "thumbnail" in values.get("class", "")
            self.article.images.append(ArticleImage(values.get("src", ""), values.get("alt", ""), is_thumbnail))
        if tag == "sup" and values.get("class") == "citation":
            self.article.cited_statements.add(self._open_elements[-1].statement_id)

    def _assign_statement(self, element: _OpenElement, outer: _OpenElement, *, starts_chance: bool) -> None:
        """Set the statement, the introducing statement, and the list of an element."""
        if element.tag in {"ul", "ol", "table"} or starts_chance:
            self._close_block()
            last = self.article.blocks[-1] if self.article.blocks else None
            element.intro_statement_id = last.statement_id if last and last.text.endswith(":") else 0
        if element.tag in {"ul", "ol"}:
            element.current_list = ArticleList(element.component, self._section)
            self.article.lists.append(element.current_list)
        if element.tag == "li" and outer.current_list:
            outer.current_list.item_count += 1
        if (
            element.tag in STATEMENT_ELEMENTS
            or starts_chance
            or (element.tag in BLOCK_ELEMENTS and not element.is_statement)
        ):
            self._statement_count += 1
            element.statement_id = self._statement_count
            element.is_statement = element.tag in STATEMENT_ELEMENTS or starts_chance
            if element.intro_statement_id and element.is_statement:
                self.article.introduced_by[element.statement_id] = element.intro_statement_id
        if element.tag in BLOCK_ELEMENTS:
            self._close_block()

    def handle_endtag(self, tag: str) -> None:
        if tag in EMPTY_ELEMENTS or len(self._open_elements) == 1:
            return
        if tag in BLOCK_ELEMENTS:
            self._close_block()
        if tag == "a":
            self._in_phone_link = False
        if self._open_elements[-1].tag == tag:
            self._open_elements.pop()

    def handle_data(self, data: str) -> None:
        element = self._open_elements[-1]
        if element.is_skipped:
            return
        if self._block is None:
            if not data.strip():
                return
            tag = next((outer.tag for outer in reversed(self._open_elements) if outer.tag in BLOCK_ELEMENTS), "")
            # The lead figure is before all sections, even in a guide, where a reading list with a heading comes first.
            section = self._section if self._in_body or element.component != "picture" else ""
            self._block = TextBlock(tag, element.component, section, element.statement_id)
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
    """Parse ``RenderedPage.html`` or ``Release.html`` into blocks, lists, images, and links."""
    parser = _ArticleParser()
    parser.feed(html)
    parser.close()
    return parser.article
