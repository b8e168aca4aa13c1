"""The words of a finished article: by section for search, as sentences for reading measures."""

import re
from dataclasses import dataclass
from html import unescape

# One tag of finished HTML, as our templates and the cleaner write it: quotes are double, so ">" may stand in them.
TAG = re.compile(r'<(?:!--.*?--|(/?)([a-z][a-z0-9]*)([^">]*(?:"[^"]*"[^">]*)*))>', re.DOTALL)
CLASS, ID = (re.compile(rf'\s{name}="([^"]*)"') for name in ("class", "id"))
VOID = frozenset("br img source input hr line path circle rect use".split())
BLOCKS = frozenset("p li h1 h2 h3 h4 td th dt dd figcaption summary blockquote caption tr div section ol ul".split())
SKIPPED = frozenset({"svg", "sup", "nav", "template", "script", "style", "form", "fieldset"})
# Classes of what the page adds by itself: not the author's text.
SKIPPED_PARTS = frozenset(
    "sources words contents ask-us next care__call xray__switch xray__summary xray__large series__hint levels "
    "warning-signs__top".split()
)


@dataclass(slots=True)
class Section:
    """Text under one second-level heading; the first section of a page has no anchor."""

    anchor: str
    title: str
    text: str


CELLS = frozenset({"td", "th"})
# A cell of a table is a sentence where it reads like one; other cells are labels and values.
CELL = "\ue001"
MIN_CELL_WORDS = 5


class _Reader:
    """Collects text by section. A parser for any HTML takes four times as long, at each preview."""

    def __init__(self) -> None:
        self.sections = [Section("", "", "")]
        self._skip: list[str] = []
        self._heading: list[str] | None = None
        self._anchor = ""

    def read(self, html: str) -> None:
        """Everything, once."""
        at = 0
        for tag in TAG.finditer(html):
            if tag.start() > at:
                self._text(html[at : tag.start()])
            at = tag.end()
            closing, name, attributes = tag.groups()
            if closing:
                self._end(name)
            elif name and name not in VOID:
                self._start(name, attributes)
        self._text(html[at:])

    def _start(self, tag: str, attributes: str) -> None:
        classes = CLASS.search(attributes)
        if self._skip or tag in SKIPPED or (classes and not SKIPPED_PARTS.isdisjoint(classes[1].split())):
            self._skip.append(tag)
        elif tag == "h2":
            anchor = ID.search(attributes)
            self._heading, self._anchor = [], anchor[1] if anchor else ""
        elif tag in BLOCKS:
            self._break()
            if tag in CELLS:
                self.sections[-1].text += CELL

    def _end(self, tag: str) -> None:
        if self._skip:
            if tag == self._skip[-1]:
                self._skip.pop()
        elif tag == "h2" and self._heading is not None:
            self.sections.append(Section(self._anchor, " ".join("".join(self._heading).split()), ""))
            self._heading = None
        elif tag in BLOCKS:
            self._break()

    def _text(self, text: str) -> None:
        if self._skip:
            return
        if self._heading is not None:
            self._heading.append(unescape(text))
        else:
            self.sections[-1].text += unescape(text)

    def _break(self) -> None:
        self.sections[-1].text += "\n"


def read_article(html: str) -> tuple[list[Section], str]:
    """The text of an article that we rendered: by section, one block a line; and all of it as sentences."""
    reader = _Reader()
    reader.read(html)
    lines: list[str] = []
    for section in reader.sections:
        blocks = [" ".join(line.split()) for line in section.text.split("\n")]
        lines += [section.title, *blocks]
        section.text = "\n".join(filter(None, (block.removeprefix(CELL).strip() for block in blocks)))
    return [section for section in reader.sections if section.text or section.title], _sentences(lines)


def sections(html: str) -> list[Section]:
    """The text of an article by section."""
    return read_article(html)[0]


def prose(html: str) -> str:
    """The article as sentences: a heading or entry without an end mark is one of its own."""
    return read_article(html)[1]


def _sentences(blocks: list[str]) -> str:
    lines = [block.removeprefix(CELL).strip() for block in blocks if not _is_label(block)]
    return "\n".join(
        line if line[-1] in ".!?:" else f"{line}." for line in lines if any(letter.isalpha() for letter in line)
    )


def _is_label(block: str) -> bool:
    """Whether a block is a cell such as "T12 bone" or "2 days"."""
    if not block.startswith(CELL):
        return False
    text = block.removeprefix(CELL).strip()
    return not text.endswith((".", "!", "?")) and len(text.split()) < MIN_CELL_WORDS
