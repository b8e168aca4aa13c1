"""``::: scale``: a scale on which readers mark, on a screen or on paper, which option they lean toward."""

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from procedures.markup import Wording
from procedures.rendering.blocks import BlockField, BlockType, Content, Group, Values, register
from procedures.rendering.context import RenderContext
from procedures.rendering.document import Block, List

ENDS = 2


def _resolve(block: Block, context: RenderContext, body: SafeString) -> Values:
    only = block.nodes[0]
    if isinstance(only, List) and len(only.nodes) != ENDS:
        context.issues.add(
            block.line,
            Wording(
                _("::: scale must contain a list of exactly two entries: the two ends."),
                _("A scale must contain a list of exactly two entries: the two ends."),
            ),
        )
    return {"body": body, "dom_id": context.reserve_anchor("scale-1")}


register(
    BlockType(
        name="scale",
        syntax="::: scale",
        help=_("a list of exactly two entries: the two ends. Between them are five circles to mark with a pencil"),
        example="::: scale\n- I want to wait.\n- I want a procedure.\n:::",
        label=_("Scale to mark"),
        keywords=_("rating slider survey"),
        component="scale",
        template="scale",
        content=Content.BULLETS,
        max_items=ENDS,
        is_allowed_in_choices=False,
        fields=(BlockField("lines", _("The two ends, one per line"), "lines"),),
        group=Group.DECISIONS,
        dialog="scale",
        button=_("Scale…"),
        button_order=105,
        resolve=_resolve,
    )
)
