"""Split an article or a draft into blocks, by which two versions are compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.rendering.document import (
    PHONE_SCHEME,
    Cell,
    Code,
    Document,
    Heading,
    Image,
    List,
    ListItem,
    MarkerPosition,
    Node,
    Text,
    node_links,
)

TITLE, KEY_MESSAGE, TEXT = gettext_lazy("Title"), gettext_lazy("Key message"), gettext_lazy("Text")
HEADING, TABLE = gettext_lazy("Heading"), gettext_lazy("Table")
LIST = gettext_lazy("List")
# The labels of texts that are not simply paragraphs, by their role.
ROLE_LABELS: dict[str, Promise] = {
    "message": KEY_MESSAGE,
    "caption": gettext_lazy("Caption"),
    "marker": gettext_lazy("Marker"),
    "source": gettext_lazy("Source"),
    "number": gettext_lazy("Chance"),
    "card": gettext_lazy("Care card"),
    "term": gettext_lazy("Word"),
    "definition": gettext_lazy("Meaning"),
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


def document_blocks(document: Document) -> list[DiffBlock]:
    """Return the blocks of an article that a reader sees, in order."""
    blocks: list[DiffBlock] = []
    for block in _iter_blocks(document.nodes, TEXT):
        is_copy = block.name == _("Position of a marker") and block in blocks[-MAX_BLOCKS_BETWEEN_COPIES:]
        if not is_copy:
            blocks.append(block)
    return blocks


def _iter_blocks(nodes: Sequence[Node], label: Promise) -> Iterator[DiffBlock]:
    for node in nodes:
        if isinstance(node, Text):
            yield from _text_blocks(node, label)
        elif isinstance(node, Image):
            text = f"{node.alt} [{_content_hash_prefix(node.src)}]"
            yield DiffBlock(_("Picture"), text, picture=node.src)
        elif isinstance(node, MarkerPosition):
            yield _marker_block(node)
        elif isinstance(node, Code):
            yield DiffBlock(str(label), " ".join(node.text.split()))
        else:
            # In a loose list, the entries are paragraphs.
            inner = LIST if isinstance(node, List) and node.is_tight else label if isinstance(node, ListItem) else TEXT
            yield from _iter_blocks(node.children, inner)


def _text_blocks(node: Text, label: Promise) -> Iterator[DiffBlock]:
    parts = [f"[{run.text}]" if run.kind == "source" else " " if run.kind == "space" else run.text for run in node.runs]
    text = " ".join("".join(parts).split())
    if text:
        yield DiffBlock(str(_get_label(node, label)), text)
    for href in node_links(node):
        if not href.startswith(("#", PHONE_SCHEME)):
            yield DiffBlock(_("Link"), href)


def _get_label(node: Text, label: Promise) -> Promise:
    if node.role in ROLE_LABELS:
        return ROLE_LABELS[node.role]
    if isinstance(node, Heading):
        return TITLE if node.level == 1 else HEADING
    return TABLE if isinstance(node, Cell) else label


def _marker_block(node: MarkerPosition) -> DiffBlock:
    text = (
        _("Marker %(number)s: disc at %(disc)s, points to %(target)s, size %(size)s")
        if node.size
        else _("Marker %(number)s: disc at %(disc)s, points to %(target)s")
    )
    values = {"number": node.number, "disc": node.disc, "target": node.target, "size": node.size}
    return DiffBlock(_("Position of a marker"), text % values)


def _content_hash_prefix(url: str) -> str:
    """Return the part of a file name that changes with the file's content."""
    return url.rsplit("/", 1)[-1].split("-")[0].split(".")[0][:8]


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
