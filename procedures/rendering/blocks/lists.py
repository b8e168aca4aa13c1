"""Blocks that are one list: ``key-points``, ``steps``, ``do``, ``dont``, ``checklist``."""

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.text import interpolate_lazy
from procedures.readability.scores import MAX_LIST_ITEMS
from procedures.rendering.blocks import (
    BlockField,
    BlockType,
    Content,
    Values,
    register,
    render_component,
)
from procedures.rendering.context import RenderContext
from procedures.rendering.document import Block, Heading, Node, Run

KEY_POINTS_ANCHOR = "page-points"


def _resolve_key_points(block: Block, context: RenderContext, body: SafeString) -> Values:
    if context.key_points:
        context.issues.add(block.line, _("A page can contain only one key-points block."))
    if context.headings:
        context.issues.add(block.line, _("Put the key points before the first heading."))
    values = {"title": gettext("The short version"), "body": body}
    html = render_component("key_points", **values)
    # The key points move to the top of the page, so their line comment has to move with them.
    context.key_points = format_html("<!--line {}-->{}", block.line, html) if context.with_line_comments else html
    context.key_points_block = block
    return {**values, "html": SafeString("")}


def _key_points_to_text(block: Block, values: Values) -> list[Node]:
    return [Heading(level=2, runs=[Run(values["title"])], anchor=KEY_POINTS_ANCHOR), *block.nodes]


def _resolve_do_list(block: Block, _context: RenderContext, body: SafeString) -> Values:
    is_do = block.name == "do"
    return {"do": is_do, "title": gettext("What to do") if is_do else gettext("What to avoid"), "body": body}


def _do_list_to_text(block: Block, values: Values) -> list[Node]:
    return [Heading(level=3, runs=[Run(values["title"])]), *block.nodes]


register(
    BlockType(
        name="key-points",
        syntax="::: key-points",
        help=interpolate_lazy(_("a list of up to %(max)s points; once, before the first heading"), max=MAX_LIST_ITEMS),
        example="::: key-points\n- You can walk the same day.\n- Call us with a fever.\n:::",
        label=_("Key points"),
        keywords=_("summary short version takeaway highlights box"),
        component="key points",
        content=Content.BULLETS,
        max_items=MAX_LIST_ITEMS,
        is_before_headings=True,
        is_allowed_in_choices=False,
        fields=(BlockField("lines", _("Points, one per line"), "lines"),),
        dialog="points",
        button=_("Key points…"),
        button_order=30,
        resolve=_resolve_key_points,
        to_text=_key_points_to_text,
    ),
    BlockType(
        name="steps",
        syntax="::: steps",
        help=_("a numbered list"),
        example="::: steps\n1. Stand up.\n2. Walk.\n:::",
        label=_("Steps"),
        keywords=_("instructions how to order"),
        component="steps",
        template="steps",
        content=Content.NUMBERS,
        fields=(BlockField("lines", _("Steps in order, one per line"), "lines"),),
        dialog="steps",
        button=_("Steps…"),
        button_order=60,
    ),
    BlockType(
        name="do",
        syntax="::: do",
        help=interpolate_lazy(_("a list of at most %(max)s things to do"), max=MAX_LIST_ITEMS),
        example="::: do\n- Walk each day.\n- Drink water.\n:::",
        label=_("Do"),
        keywords=_("advice tips should"),
        component="do list",
        template="do_list",
        content=Content.BULLETS,
        max_items=MAX_LIST_ITEMS,
        fields=(BlockField("lines", _("Things to do, one per line"), "lines"),),
        dialog="dos",
        button=_("Do, do not…"),
        button_order=70,
        resolve=_resolve_do_list,
        to_text=_do_list_to_text,
    ),
    BlockType(
        name="dont",
        syntax="::: dont",
        help=interpolate_lazy(_("a list of at most %(max)s things not to do"), max=MAX_LIST_ITEMS),
        example="::: dont\n- Lift more than a bag of groceries.\n:::",
        label=_("Do not"),
        keywords=_("don't avoid never should not"),
        component="do list",
        template="do_list",
        content=Content.BULLETS,
        max_items=MAX_LIST_ITEMS,
        fields=(BlockField("lines", _("Things not to do, one per line"), "lines"),),
        dialog="dos",
        resolve=_resolve_do_list,
        to_text=_do_list_to_text,
    ),
    BlockType(
        name="checklist",
        syntax="::: checklist",
        help=_("a list; each item has a box to check, and a bold label that ends with a colon has a line to write on"),
        example="::: checklist\n- Bring your card.\n- Bring your pills.\n:::",
        label=_("Checklist"),
        keywords=_("to-do check box list"),
        component="checklist",
        template="checklist",
        content=Content.BULLETS,
        has_fill_in_lines=True,
        fields=(BlockField("lines", _("Things to check off, one per line"), "lines"),),
        dialog="checklist",
        button=_("Checklist…"),
        button_order=80,
    ),
)
