"""The words of a finished article: by section for search, as sentences for reading measures."""

from dataclasses import dataclass
from html.parser import HTMLParser

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


class _Reader(HTMLParser):
    """Collects text by section; ``mark`` ends every block with a full stop where it has none."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.sections = [Section("", "", "")]
        self._skip: list[str] = []
        self._heading: list[str] | None = None
        self._anchor = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in {"br", "img", "source", "input", "hr", "line", "path", "circle", "rect", "use"}:
            return
        classes = (values.get("class") or "").split()
        if self._skip or tag in SKIPPED or not SKIPPED_PARTS.isdisjoint(classes):
            self._skip.append(tag)
        elif tag == "h2":
            self._heading, self._anchor = [], values.get("id") or ""
        elif tag in BLOCKS:
            self._break()

    def handle_endtag(self, tag: str) -> None:
        if self._skip:
            if tag == self._skip[-1]:
                self._skip.pop()
        elif tag == "h2" and self._heading is not None:
            self.sections.append(Section(self._anchor, " ".join("".join(self._heading).split()), ""))
            self._heading = None
        elif tag in BLOCKS:
            self._break()

    def handle_data(self, data: str) -> None:
        if self._skip:
            return
        if self._heading is not None:
            self._heading.append(data)
        else:
            self.sections[-1].text += data

    def _break(self) -> None:
        self.sections[-1].text += "\n"


def sections(html: str) -> list[Section]:
    """The article's text by section, one block a line."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
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
