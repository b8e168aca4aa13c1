"""A finished article as the things a reader meets, one after the other: what two versions are compared by."""

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

# What the page makes of its own headings, or draws twice.
SKIPPED_TAGS = frozenset({"nav", "fieldset", "template", "pattern", "mask"})
SKIPPED_CLASSES = frozenset({"contents", "figure__large", "series__hint", "ask-us", "care-card__phone"})
VOID_TAGS = frozenset("area base br col embed hr img input link meta source track wbr".split())
# Each of these tags begins something new; its name is what the comparison calls it.
TAG_LABELS = {
    "h1": "Title", "h2": "Heading", "h3": "Heading", "h4": "Heading", "p": "Text", "li": "List", "td": "Table",
    "th": "Table", "dt": "Word", "dd": "Meaning", "summary": "Text", "div": "Text", "section": "Text",
    "blockquote": "Quotation", "figcaption": "Text", "legend": "Text",
}  # fmt: skip
CLASS_LABELS = {
    "page__message": "Key message",
    "figure__caption": "Caption",
    "figure__entry": "Mark",
    "sources__item": "Source",
    "chance__number": "Chance",
    "care-card__title": "Care card",
}


@dataclass(frozen=True, slots=True)
class DiffBlock:
    """One paragraph, heading, list entry, picture, mark … ``line``: where it stands in a Markdown text, 0 for none."""

    name: str
    text: str
    line: int = 0
    picture: str = ""


class _ArticleParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[DiffBlock] = []
        self._stack: list[tuple[str, bool, str]] = []  # tag, skipped, name of the block it begins
        self._text: list[str] = []
        self._marker_number = ""
        self._marker_position: dict[str, str | None] = {}
        self._links: list[DiffBlock] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        classes = (values.get("class") or "").split()
        skipped = self._skipping or tag in SKIPPED_TAGS or not SKIPPED_CLASSES.isdisjoint(classes)
        if not skipped:
            self._start_element(tag, classes, values)
        if tag not in VOID_TAGS:
            name = next((CLASS_LABELS[one] for one in classes if one in CLASS_LABELS), TAG_LABELS.get(tag, ""))
            self._stack.append((tag, skipped, name))

    def _start_element(self, tag: str, classes: list[str], values: dict[str, str | None]) -> None:
        if tag in TAG_LABELS:
            self._end_block()
        elif tag == "img":
            self._end_block()
            source = values.get("src") or ""
            self.blocks.append(
                DiffBlock("Picture", f"{values.get('alt') or ''} [{_content_hash_prefix(source)}]", picture=source)
            )
        elif tag == "g" and "marker" in classes:
            self._marker_number = values.get("data-mark") or ""
        elif tag == "line" and "marker__line" in classes:
            self._marker_position = values
        elif tag in {"ellipse", "rect"} and "marker__line" in classes:
            self._marker_position = {
                **self._marker_position,
                "size": f"{values.get('rx', '')} {values.get('ry', '')}".strip(),
            }
        elif tag == "a" and not (values.get("href") or "#").startswith(("#", "tel:")):
            self._links.append(DiffBlock("Link", str(values["href"])))
        elif tag == "br":
            self._text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        while self._stack:
            opened, skipped, name = self._stack[-1]
            if name and not skipped:
                self._end_block()
            if (
                opened == "g"
                and tag == "g"
                and self._marker_number
                and not any(t == "g" for t, _, _ in self._stack[:-1])
            ):
                self._end_marker()
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
            self.blocks.append(DiffBlock(name, text))
        self.blocks += self._links
        self._links = []

    def _end_marker(self) -> None:
        place = {name: value or "" for name, value in self._marker_position.items()}
        words = f"Mark {self._marker_number}: disc at {place.get('x1', '')} {place.get('y1', '')}, points to "
        words += f"{place.get('x2', '')} {place.get('y2', '')}"
        words += f", size {place['size']}" if place.get("size") else ""
        block = DiffBlock("Place of a mark", words)
        # The X-ray and its drawing carry the same marks.
        if block not in self.blocks[-60:]:
            self.blocks.append(block)
        self._marker_number, self._marker_position = "", {}

    def close(self) -> None:
        super().close()
        self._end_block()


def _content_hash_prefix(address: str) -> str:
    """The part of a file's name that changes with what is in it."""
    return address.rsplit("/", 1)[-1].split("-")[0].split(".")[0][:8]


def article_blocks(html: str) -> list[DiffBlock]:
    """What a reader meets, in order. ``html``: an article as a release holds it."""
    reader = _ArticleParser()
    reader.feed(html)
    reader.close()
    return reader.blocks


FIELD_LABELS = {
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
METADATA_FIELDS = ("slug", "description", "review_months")


def field_blocks(content: dict[str, Any], names: tuple[str, ...] = METADATA_FIELDS) -> list[DiffBlock]:
    """Fields of a draft as blocks, empty ones left out."""
    return [DiffBlock(FIELD_LABELS[name], str(content[name])) for name in names if content.get(name)]


def source_blocks(content: dict[str, Any]) -> list[DiffBlock]:
    """A draft as its editor sees it: the fields, the reading list, and the Markdown line by line."""
    blocks = field_blocks(content, tuple(FIELD_LABELS))
    for item in content.get("items", []):
        place = f"{item['page']}#{item['section']}" if item["section"] else item["page"]
        blocks.append(DiffBlock("Reading list", f"{place}, {item['minutes']} min. {item['note']}".strip()))
    lines = enumerate(content["body"].split("\n"), start=1)
    return blocks + [DiffBlock(f"Line {number}", line, line=number) for number, line in lines if line.strip()]
