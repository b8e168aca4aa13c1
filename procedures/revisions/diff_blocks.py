"""Split a finished article or a draft into blocks, by which two versions are compared."""

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# Content that the page generates from its headings, or prints twice.
SKIPPED_TAGS = frozenset({"nav", "fieldset", "template", "pattern", "mask"})
SKIPPED_CLASSES = frozenset({"contents", "figure__large", "series__hint", "ask-us", "care-card__phone"})
VOID_TAGS = frozenset("area base br col embed hr img input link meta source track wbr".split())
TITLE, KEY_MESSAGE, TEXT = gettext_lazy("Title"), gettext_lazy("Key message"), gettext_lazy("Text")
HEADING, TABLE = gettext_lazy("Heading"), gettext_lazy("Table")
# Tags that start a new block, with the label of the block.
TAG_LABELS: dict[str, Promise] = {
    "h1": TITLE,
    "h2": HEADING,
    "h3": HEADING,
    "h4": HEADING,
    "p": TEXT,
    "li": gettext_lazy("List"),
    "td": TABLE,
    "th": TABLE,
    "dt": gettext_lazy("Word"),
    "dd": gettext_lazy("Meaning"),
    "summary": TEXT,
    "div": TEXT,
    "section": TEXT,
    "blockquote": gettext_lazy("Quotation"),
    "figcaption": TEXT,
    "legend": TEXT,
}
# Classes whose label takes precedence over that of the tag.
CLASS_LABELS: dict[str, Promise] = {
    "page__message": KEY_MESSAGE,
    "figure__caption": gettext_lazy("Caption"),
    "figure__entry": gettext_lazy("Marker"),
    "sources__item": gettext_lazy("Source"),
    "chance__number": gettext_lazy("Chance"),
    "care-card__title": gettext_lazy("Care card"),
}
FIELD_LABELS: dict[str, Promise] = {
    "slug": gettext_lazy("Address"),
    "title": TITLE,
    "key_message": KEY_MESSAGE,
    "description": gettext_lazy("For search results"),
    "lead_figure": gettext_lazy("Main picture"),
    "next_page": gettext_lazy("Next step"),
    "next_label": gettext_lazy("Text of the next step"),
    "review_months": gettext_lazy("Review every … months"),
}
# Fields that the article does not show.
METADATA_FIELDS = ("slug", "description", "review_months")
# How far back an identical marker position is looked for: an X-ray and its drawing have the same markers.
MAX_BLOCKS_BETWEEN_COPIES = 60


@dataclass(frozen=True, slots=True)
class DiffBlock:
    """A paragraph, heading, list item, picture, marker, or field. ``name`` is its label.

    ``line``: the line number of a line of Markdown, else 0. ``picture``: the address of a picture.
    """

    name: str
    text: str
    line: int = 0
    picture: str = ""

    @property
    def is_unique(self) -> bool:
        """Whether a page has exactly one such block, so that the old one is always compared with the new one."""
        return self.name in (str(label) for label in FIELD_LABELS.values())


class _ArticleParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[DiffBlock] = []
        self._stack: list[tuple[str, bool, str]] = []  # tag, skipped, label of the block that it starts
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
            label = next((CLASS_LABELS[name] for name in classes if name in CLASS_LABELS), TAG_LABELS.get(tag, ""))
            self._stack.append((tag, skipped, str(label)))

    def _start_element(self, tag: str, classes: list[str], values: dict[str, str | None]) -> None:
        if tag in TAG_LABELS:
            self._end_block()
        elif tag == "img":
            self._end_block()
            source = values.get("src") or ""
            text = f"{values.get('alt') or ''} [{_content_hash_prefix(source)}]"
            self.blocks.append(DiffBlock(_("Picture"), text, picture=source))
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
            self._links.append(DiffBlock(_("Link"), str(values["href"])))
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
                and not any(parent == "g" for parent, _skipped, _label in self._stack[:-1])
            ):
                self._end_marker()
            self._stack.pop()
            if opened == tag:
                return

    def handle_data(self, data: str) -> None:
        open_tags = {tag for tag, _skipped, _label in self._stack}
        if not self._skipping and "svg" not in open_tags:
            is_citation = "sup" in open_tags and data.strip()
            self._text.append(f"[{data}]" if is_citation else data)

    @property
    def _skipping(self) -> bool:
        return bool(self._stack) and self._stack[-1][1]

    def _end_block(self) -> None:
        text = " ".join("".join(self._text).split())
        self._text = []
        if text:
            label = next((label for _tag, _skipped, label in reversed(self._stack) if label), str(TEXT))
            self.blocks.append(DiffBlock(label, text))
        self.blocks += self._links
        self._links = []

    def _end_marker(self) -> None:
        position = {name: value or "" for name, value in self._marker_position.items()}
        values = {
            "number": self._marker_number,
            "disc": f"{position.get('x1', '')} {position.get('y1', '')}",
            "target": f"{position.get('x2', '')} {position.get('y2', '')}",
            "size": position.get("size", ""),
        }
        text = (
            _("Marker %(number)s: disc at %(disc)s, points to %(target)s, size %(size)s")
            if values["size"]
            else _("Marker %(number)s: disc at %(disc)s, points to %(target)s")
        )
        block = DiffBlock(_("Position of a marker"), text % values)
        if block not in self.blocks[-MAX_BLOCKS_BETWEEN_COPIES:]:
            self.blocks.append(block)
        self._marker_number, self._marker_position = "", {}

    def close(self) -> None:
        super().close()
        self._end_block()


def _content_hash_prefix(url: str) -> str:
    """Return the part of a file name that changes with the file's content."""
    return url.rsplit("/", 1)[-1].split("-")[0].split(".")[0][:8]


def article_blocks(html: str) -> list[DiffBlock]:
    """Return the blocks of an article (as stored in a release) that a reader sees, in order."""
    parser = _ArticleParser()
    parser.feed(html)
    parser.close()
    return parser.blocks


def field_blocks(content: dict[str, Any], names: tuple[str, ...] = METADATA_FIELDS) -> list[DiffBlock]:
    """Return the nonempty fields of a draft as blocks."""
    return [DiffBlock(str(FIELD_LABELS[name]), str(content[name])) for name in names if content.get(name)]


def source_blocks(content: dict[str, Any]) -> list[DiffBlock]:
    """Return a draft as its editor sees it: the fields, the reading list, and the lines of Markdown."""
    blocks = field_blocks(content, tuple(FIELD_LABELS))
    for item in content.get("items", []):
        target = f"{item['page']}#{item['section']}" if item["section"] else item["page"]
        text = _("%(target)s, %(minutes)s min. %(note)s") % {
            "target": target,
            "minutes": item["minutes"],
            "note": item["note"],
        }
        blocks.append(DiffBlock(_("Reading list"), text.strip()))
    lines = enumerate(content["body"].split("\n"), start=1)
    return blocks + [
        DiffBlock(_("Line %(number)s") % {"number": number}, line, line=number)
        for number, line in lines
        if line.strip()
    ]
