"""``::: care``: the clinic's own answers as a table."""

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from portal.text import interpolate_lazy
from procedures.rendering.blocks import BlockField, BlockType, Group, Options, Values, register
from procedures.rendering.context import RenderContext
from procedures.rendering.document import Block, Node, text_paragraph


def _resolve(block: Block, context: RenderContext, _body: SafeString) -> Values | None:
    rows = []
    for key in block.options.split():
        answer = context.resolver.get_clinic_answer(key)
        if answer is None:
            message = _("The clinic has no answer “%(key)s” in this language.")
            context.add_unknown_reference(block.line, "care", key, message)
            continue
        name = interpolate_lazy(_("The clinic's answer “%(key)s”"), key=key)
        context.check_plain_text(block.line, name, answer.question, answer.answer)
        anchor = context.reserve_anchor(f"care-{key}")
        rows.append({"anchor": anchor, "question": answer.question, "answer": answer.answer})
    return {"rows": rows} if rows else None


def _to_text(_block: Block, values: Values) -> list[Node]:
    nodes: list[Node] = []
    for row in values["rows"]:
        nodes += [
            text_paragraph(row["question"], role="term", anchor=row["anchor"]),
            text_paragraph(row["answer"], role="definition"),
        ]
    return nodes


register(
    BlockType(
        name="care",
        syntax="::: care KEY [KEY …]",
        help=_("clinic answers as a table"),
        example="::: care driving lifting",
        label=_("Our own answers"),
        keywords=_("policy rule driving lifting"),
        component="clinic answer",
        template="care_table",
        options=Options.NAMES,
        references="care",
        fields=(BlockField("keys", _("Answers"), "care"),),
        group=Group.CLINIC,
        dialog="care",
        button=_("Clinic answers…"),
        button_order=110,
        resolve=_resolve,
        to_text=_to_text,
    )
)
