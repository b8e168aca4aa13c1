"""``::: compare``: two pictures next to each other."""

from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from procedures.rendering.blocks import BlockType, Field, Options, Values, register
from procedures.rendering.blocks.figure import show_figure_by_slug
from procedures.rendering.context import RenderContext
from procedures.rendering.document import Block, Node, plain


def _resolve(block: Block, context: RenderContext, _body: SafeString) -> Values | None:
    slugs = block.options.split()
    if len(slugs) != 2:
        context.issues.add(block.line, _("::: compare needs two pictures: ::: compare BEFORE AFTER."))
        return None
    before, after = (show_figure_by_slug(slug, block.line, context) for slug in slugs)
    block.anchor = context.reserve_anchor(f"compare-{slugs[0]}")
    return {
        "before": gettext("Before"),
        "after": gettext("After"),
        "before_html": before[0] if before else "",
        "after_html": after[0] if after else "",
        "dom_id": block.anchor,
        "blocks": (before and before[1], after and after[1]),
    }


def _to_text(_block: Block, values: Values) -> list[Node]:
    names = (values["before"], values["after"])
    parts = [(plain(name), figure) for name, figure in zip(names, values["blocks"], strict=True)]
    return [node for pair in parts for node in pair if node]


register(
    BlockType(
        name="compare",
        syntax="::: compare BEFORE AFTER",
        help=_("two pictures next to each other; with JavaScript, a slider wipes between them"),
        example="::: compare needle cement",
        label=_("Two pictures, before and after"),
        template="compare",
        options=Options.NAMES,
        references="figure",
        fields=(Field("before", _("Before"), "figure"), Field("after", _("After"), "figure")),
        dialog="picture",
        resolve=_resolve,
        to_text=_to_text,
    )
)
