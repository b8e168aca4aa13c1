"""A finished article as the things a reader meets, one after the other: what two versions are compared by."""

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

# What the page makes of its own headings, or draws twice.
SKIPPED_TAGS = frozenset({"nav", "fieldset", "template", "pattern", "mask"})
SKIPPED_CLASSES = frozenset({"contents", "xray__large", "series__hint", "ask-us", "care__call"})
VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
# Each of these tags begins something new; its name is what the comparison calls it.
NAMES = {
    "h1": "Title", "h2": "Heading", "h3": "Heading", "h4": "Heading", "p": "Text", "li": "List", "td": "Table",
    "th": "Table", "dt": "Word", "dd": "Meaning", "summary": "Text", "div": "Text", "section": "Text",
    "blockquote": "Quotation", "figcaption": "Text", "legend": "Text",
}  # fmt: skip
BY_CLASS = {
    "page__message": "Key message",
    "xray__caption": "Caption",
    "xray__entry": "Mark",
    "sources__item": "Source",
    "chance__number": "Chance",
    "care__title": "Care card",
}


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, heading, list entry, picture, mark … ``line``: where it stands in a Markdown text, 0 for none."""

    name: str
    text: str
    line: int = 0
    picture: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._stack: list[tuple[str, bool, str]] = []  # tag, skipped, name of the block it begins
        self._text: list[str] = []
        self._mark = ""
        self._place: dict[str, str | None] = {}
        self._links: list[Block] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        classes = (values.get("class") or "").split()
        skipped = self._skipping or tag in SKIPPED_TAGS or not SKIPPED_CLASSES.isdisjoint(classes)
        if not skipped:
            self._begin(tag, classes, values)
        if tag not in VOID:
            name = next((BY_CLASS[one] for one in classes if one in BY_CLASS), NAMES.get(tag, ""))
            self._stack.append((tag, skipped, name))

    def _begin(self, tag: str, classes: list[str], values: dict[str, str | None]) -> None:
        if tag in NAMES:
            self._end_block()
        elif tag == "img":
            self._end_block()
            source = values.get("src") or ""
            self.blocks.append(Block("Picture", f"{values.get('alt') or ''} [{_file(source)}]", picture=source))
        elif tag == "g" and "mark" in classes:
            self._mark = values.get("data-mark") or ""
        elif tag == "line" and "mark__line" in classes:
            self._place = values
        elif tag in {"ellipse", "rect"} and "mark__line" in classes:
            self._place = {**self._place, "size": f"{values.get('rx', '')} {values.get('ry', '')}".strip()}
        elif tag == "a" and not (values.get("href") or "#").startswith(("#", "tel:")):
            self._links.append(Block("Link", str(values["href"])))
        elif tag == "br":
            self._text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        while self._stack:
            opened, skipped, name = self._stack[-1]
            if name and not skipped:
                self._end_block()
            if opened == "g" and tag == "g" and self._mark and not any(t == "g" for t, _, _ in self._stack[:-1]):
                self._end_mark()
            self._stack.pop()
            if opened == tag:
                return

    def handle_data(self, data: str) -> None:
        if not self._skipping and not any(tag == "svg" for tag, _, _ in self._stack):
            in_citation = any(tag == "sup" for tag, _, _ in self._stack)
            self._text.append(f"[{data}]" if in_citation and data.strip() else data)

    @property
    def _skipping(self) -> bool:
        return bool(self._stack) and self._stack[-1][1]

    def _end_block(self) -> None:
        text = " ".join("".join(self._text).split())
        self._text = []
        if text:
            name = next((name for _, _, name in reversed(self._stack) if name), "Text")
            self.blocks.append(Block(name, text))
        self.blocks += self._links
        self._links = []

    def _end_mark(self) -> None:
        place = {name: value or "" for name, value in self._place.items()}
        words = f"Mark {self._mark}: disc at {place.get('x1', '')} {place.get('y1', '')}, points to "
        words += f"{place.get('x2', '')} {place.get('y2', '')}"
        words += f", size {place['size']}" if place.get("size") else ""
        block = Block("Place of a mark", words)
        # The X-ray and its drawing carry the same marks.
        if block not in self.blocks[-60:]:
            self.blocks.append(block)
        self._mark, self._place = "", {}

    def close(self) -> None:
        super().close()
        self._end_block()


def _file(address: str) -> str:
    """The part of a file's name that changes with what is in it."""
    return address.rsplit("/", 1)[-1].split("-")[0].split(".")[0][:8]


def article_blocks(html: str) -> list[Block]:
    """What a reader meets, in order. ``html``: an article as a release holds it."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.blocks


LABELS = {
    "slug": "Address",
    "title": "Title",
    "key_message": "Key message",
    "description": "For search results",
    "lead_figure": "Main picture",
    "next_page": "Next step",
    "next_label": "Words of the next step",
    "review_months": "Review every … months",
}
# What no article shows; the rest of the fields stands in the article itself.
OUTSIDE = ("slug", "description", "review_months")


def field_blocks(content: dict[str, Any], names: tuple[str, ...] = OUTSIDE) -> list[Block]:
    """Fields of a draft as blocks, empty ones left out."""
    return [Block(LABELS[name], str(content[name])) for name in names if content.get(name)]


def source_blocks(content: dict[str, Any]) -> list[Block]:
    """A draft as its editor sees it: the fields, the reading list, and the Markdown line by line."""
    blocks = field_blocks(content, tuple(LABELS))
    for item in content.get("items", []):
        place = f"{item['page']}#{item['section']}" if item["section"] else item["page"]
        blocks.append(Block("Reading list", f"{place}, {item['minutes']} min. {item['note']}".strip()))
    lines = enumerate(content["body"].split("\n"), start=1)
    return blocks + [Block(f"Line {number}", line, line=number) for number, line in lines if line.strip()]
