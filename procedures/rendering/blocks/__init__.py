"""The block registry: each ``:::`` block is one module in this package that registers its ``BlockType``.

The parser, the document tree, HTML, plain text, checks, the editor's schema and toolbar, the block tables of
docs/markdown.md, and ``/admin/components/`` all iterate over the registry. To add a block, see
docs/howto/add-a-block.md.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from procedures.rendering.document import Block, Node

if TYPE_CHECKING:
    from procedures.rendering.context import RenderContext

Values = dict[str, Any]
# Private-use placeholder characters before each id, heading level, and relative URL of an article. These parts change
# when the article is embedded in another document (``html.extract_placeholders``). Validation rejects them in saved
# text.
ID_PLACEHOLDER, LEVEL_PLACEHOLDER, URL_PLACEHOLDER = "\ue010", "\ue011", "\ue012"
PLACEHOLDERS = {"scope": ID_PLACEHOLDER, "shift": LEVEL_PLACEHOLDER, "base": URL_PLACEHOLDER}
# Sort position of blocks without a toolbar button.
MAX_ORDER = 1000


class Options(StrEnum):
    """What follows the name of a block."""

    NONE = "none"
    NAMES = "names"  # keys of rows, or words that the block declares
    OTHER = "other"  # the block reads them itself


class Content(StrEnum):
    """What a block may contain."""

    NOTHING = "nothing"
    TEXT = "text"
    BULLETS = "bullets"  # exactly one list with hyphens
    NUMBERS = "numbers"  # exactly one numbered list
    SENTENCE = "sentence"
    OPTIONS = "options"  # headings, text, and other blocks; the block renders them itself


class Group(StrEnum):
    """The menu group of the editor that lists a block."""

    PICTURES = "pictures"
    ADVICE = "advice"
    LISTS = "lists"
    DECISIONS = "decisions"
    CLINIC = "clinic"
    INDEXES = "indexes"


GROUP_LABELS: dict[Group, Promise] = {
    Group.PICTURES: _("Pictures"),
    Group.ADVICE: _("Advice and warnings"),
    Group.LISTS: _("Lists"),
    Group.DECISIONS: _("Numbers and choices"),
    Group.CLINIC: _("Our clinic"),
    Group.INDEXES: _("Automatic lists"),
}


@dataclass(frozen=True, slots=True)
class BlockField:
    """A field of the form that inserts a block. ``kind``: figure, series, care, choice, number, flag, text, lines.

    Text and lines go inside the block. The values of all other fields go on its first line, in the order of the fields.
    A new block has the ``default``.
    """

    name: str
    label: Promise
    kind: str = "text"
    choices: Mapping[str, Promise | str] = field(default_factory=dict)
    is_required: bool = True
    default: str = ""


def content_nodes(block: Block, _values: Values) -> list[Node]:
    """Return the text nodes of a block that prints only its content."""
    return list(block.nodes)


def body_values(_block: Block, _context: "RenderContext", body: SafeString) -> Values | None:
    """Return the template values of a block that needs only its content."""
    return {"body": body}


@dataclass(frozen=True, kw_only=True)
class BlockType:
    """A block type.

    ``resolve(block, context, body)`` checks a block and returns its template values, or None if there is nothing to
    print; ``body`` is the HTML of its content. A block without a template returns its HTML as ``html``.
    ``to_text(block, values)`` returns everything the block prints as nodes of the tree.
    """

    name: str
    syntax: str  # for the reference, with placeholders in capitals
    help: Promise | str  # what the block produces for readers
    example: str  # valid text with this block
    label: Promise  # for forms
    keywords: Promise | str = ""  # other words by which authors search for it, separated by spaces
    component: str = ""  # name of its text in readability reports
    template: str = ""  # in templates/components/, without the ending; empty if ``resolve`` returns the HTML
    content: Content = Content.NOTHING
    options: Options = Options.NONE
    max_items: int = 0
    has_fill_in_lines: bool = False  # a bold label that ends with a colon becomes a fill-in line
    is_single_use: bool = False
    is_before_headings: bool = False  # allowed once, before the first heading; the block itself checks this
    is_allowed_in_choices: bool = True
    is_retired: bool = False  # still rendered for old revisions, not offered, documented, or publishable
    fields: tuple[BlockField, ...] = ()
    separator: str = " "  # between the values of the fields after the name
    group: Group = Group.LISTS
    references: str = ""  # the kind of rows that the names after the block refer to
    dialog: str = ""  # the dialog of the editor that inserts it
    button: Promise | str = ""  # of the toolbar; blocks that share a dialog have one button
    button_order: int = 0
    more_examples: Mapping[str, str] = field(default_factory=dict)  # for the components page, by name
    resolve: Callable[[Block, "RenderContext", SafeString], Values | None] = body_values
    to_text: Callable[[Block, Values], list[Node]] = content_nodes

    @property
    def has_end(self) -> bool:
        """Whether the block contains text and ends at a line ``:::``."""
        return self.content != Content.NOTHING

    def render(self, block: Block, context: "RenderContext", body: SafeString) -> SafeString:
        """Return the HTML of ``block``, and replace its nodes with all that it prints."""
        block.component = self.component
        values = self.resolve(block, context, body)
        if values is None:
            block.nodes = []
            return SafeString("")
        block.nodes = self.to_text(block, values)
        html: SafeString = render_component(self.template, **values) if self.template else values["html"]
        return html


_registered: dict[str, BlockType] = {}


def register(*block_types: BlockType) -> None:
    """Add block types. Raise ValueError if a name is taken."""
    for block_type in block_types:
        if block_type.name in _registered:
            raise ValueError(f"A block named {block_type.name} is already registered.")
        _registered[block_type.name] = block_type


def unregister(name: str) -> None:
    """Remove a block type. For tests."""
    del _registered[name]


def get_block_types() -> Mapping[str, BlockType]:
    """Return all block types by name."""
    _import_modules()
    return _registered


def block_label(name: str) -> str | Promise:
    """Return the name of a block in words; for a name that is not in the registry, the name itself."""
    block_type = get_block_types().get(name)
    return block_type.label if block_type else name


@cache
def _import_modules() -> None:
    # Imported lazily, because these modules import code that imports the registry.
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        importlib.import_module(f"{__name__}.{module}")


def active_block_types() -> list[BlockType]:
    """Return the block types that authors can use, by name."""
    return sorted(
        (block_type for block_type in get_block_types().values() if not block_type.is_retired),
        key=lambda block_type: block_type.name,
    )


def toolbar_buttons() -> list[dict[str, str]]:
    """Return the buttons of the editor that insert a block, in order: the dialog that each opens, and its label."""
    buttons = sorted(
        (block_type for block_type in active_block_types() if block_type.button),
        key=lambda block_type: block_type.button_order,
    )
    return [{"dialog": block_type.dialog, "label": str(block_type.button)} for block_type in buttons]


def dialog_blocks() -> dict[str, list[BlockType]]:
    """Return the block types that each dialog of the editor inserts, the one with the button first."""
    found: dict[str, list[BlockType]] = {}
    for block_type in sorted(active_block_types(), key=lambda block_type: block_type.button_order or MAX_ORDER):
        found.setdefault(block_type.dialog, []).append(block_type)
    return found


def editor_schema() -> dict[str, Any]:
    """Return what a visual editor needs to know about each block, as JSON values in the active language."""
    return {
        block_type.name: {
            "label": str(block_type.label),
            "keywords": str(block_type.keywords),
            "hasEnd": block_type.has_end,
            "content": block_type.content.value,
            "maxItems": block_type.max_items or None,
            "once": block_type.is_single_use or block_type.is_before_headings,
            "leading": block_type.is_before_headings,
            "inChoices": block_type.is_allowed_in_choices,
            "dialog": block_type.dialog,
            "group": block_type.group.value,
            "order": block_type.button_order or MAX_ORDER,
            "separator": block_type.separator,
            "fields": [
                {
                    "name": part.name,
                    "label": str(part.label),
                    "kind": part.kind,
                    "choices": {value: str(label) for value, label in part.choices.items()},
                    "required": part.is_required,
                    "default": part.default,
                }
                for part in block_type.fields
            ],
        }
        for block_type in active_block_types()
    }


def editor_grammar() -> dict[str, Any]:
    """Return what the editor's parser needs: what each block with an end contains, and the names of all others."""
    block_types = get_block_types().values()
    return {
        "contents": {block_type.name: block_type.content.value for block_type in block_types if block_type.has_end},
        "cards": [block_type.name for block_type in block_types if not block_type.has_end],
    }


def reference_table(*, has_end: bool) -> str:
    """Return the table in docs/markdown.md of blocks with, or without, a closing line."""
    rows = [
        f"| `{block_type.syntax}` | {block_type.help} |\n"
        for block_type in active_block_types()
        if block_type.has_end == has_end
    ]
    return f"| Write | {'Inside' if has_end else 'You get'} |\n|---|---|\n{''.join(rows)}"


def render_component(name: str, **values: object) -> SafeString:
    """Render ``components/<name>.html``; the comment at the top of each template lists its context.

    The result is for an article: ``{{ scope }}`` precedes each id, ``{{ shift }}`` each heading level, and
    ``{{ base }}`` each relative URL.
    """
    return render_to_string(f"components/{name}.html", {**values, **PLACEHOLDERS})
