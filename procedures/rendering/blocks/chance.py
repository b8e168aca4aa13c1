"""``::: chance``: a probability as an array of dots and in words."""

import re

from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from procedures.markup import Wording
from procedures.rendering.blocks import BlockField, BlockType, Content, Group, Options, Values, register
from procedures.rendering.context import RenderContext
from procedures.rendering.document import Block, Node, Paragraph, text_paragraph

OPTIONS = re.compile(r"([0-9]{1,4}) in (10|100|1000)\Z")


def _resolve(block: Block, context: RenderContext, body: SafeString) -> Values | None:
    match = OPTIONS.match(block.options)
    if not match or int(match[1]) > int(match[2]):
        context.issues.add(
            block.line,
            Wording(
                _("Write a chance as ::: chance 2 in 100. The total can be 10, 100, or 1000."),
                _(
                    "The numbers of this chance are not complete. Write them as “2 in 100”. The total can be "
                    "10, 100, or 1000."
                ),
            ),
        )
        return None
    count, out_of = int(match[1]), int(match[2])
    if context.chance_denominator not in {0, out_of}:
        message = _("Other chances on this page are out of %(total)s. Use the same total here.")
        context.issues.add(block.line, message, total=context.chance_denominator)
    context.chance_denominator = context.chance_denominator or out_of
    if len(block.nodes) != 1 or not isinstance(block.nodes[0], Paragraph):
        context.issues.add(
            block.line,
            Wording(
                _("::: chance must contain one sentence that says what happens to these people."),
                _("A chance must contain one sentence that says what happens to these people."),
            ),
        )
    number = gettext("%(count)s in %(out_of)s") % {"count": count, "out_of": out_of}
    dom_id = context.reserve_anchor("chance-1")
    return {"count": count, "out_of": out_of, "number": number, "sentence": body, "dom_id": dom_id}


def _to_text(block: Block, values: Values) -> list[Node]:
    return [text_paragraph(values["number"], role="number"), *block.nodes]


register(
    BlockType(
        name="chance",
        syntax="::: chance 2 in 100",
        help=_(
            "one sentence that says what happens to those 2. All chances on a page use the same total (10, 100, or "
            "1000)"
        ),
        example="::: chance 2 in 100\nget an infection.\n:::",
        label=_("A chance, as a picture and in words"),
        keywords=_("risk percent odds number graph chart dots"),
        component="chance",
        template="chance",
        content=Content.SENTENCE,
        options=Options.OTHER,
        fields=(
            BlockField("count", _("How many"), "number"),
            BlockField("out_of", _("out of"), "choice", {"10": "10", "100": "100", "1000": "1000"}, default="100"),
            BlockField("sentence", _("What happens to them"), "text"),
        ),
        separator=" in ",
        group=Group.DECISIONS,
        dialog="chance",
        button=_("Chance…"),
        button_order=90,
        more_examples={
            "out of 10": "::: chance 3 in 10\nfeel better without a procedure.\n:::",
            "out of 1000": "::: chance 140 in 1000\nbreak another bone.\n:::",
        },
        resolve=_resolve,
        to_text=_to_text,
    )
)
