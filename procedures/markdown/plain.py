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
    "sources words contents ask-us next care__call xray__switch xray__summary xray__large series__hint levels".split()
)


@dataclass(slots=True)
class Section:
    """Text under one second-level heading; the first section of a page has no anchor."""

    anchor: str
    title: str
    text: str


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


def sections(html: str) -> list[Section]:
    """The text of an article that we rendered, by section, one block a line."""
    reader = _Reader()
    reader.read(html)
    for section in reader.sections:
        lines = (" ".join(line.split()) for line in section.text.split("\n"))
        section.text = "\n".join(line for line in lines if line)
    return [section for section in reader.sections if section.text or section.title]


def prose(article: str | list[Section]) -> str:
    """The article (HTML, or its sections) as sentences: a heading or entry without an end mark is one of its own."""
    lines: list[str] = []
    for section in sections(article) if isinstance(article, str) else article:
        lines += [section.title, *section.text.split("\n")]
    return "\n".join(
        line if line[-1] in ".!?:" else f"{line}." for line in lines if any(letter.isalpha() for letter in line)
    )
