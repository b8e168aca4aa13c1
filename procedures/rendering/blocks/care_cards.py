"""Cards: ``call`` and ``note``, and the retired ``emergency`` and ``urgent``."""

from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from procedures.rendering.blocks import BlockField, BlockType, Content, Group, Values, register
from procedures.rendering.context import RenderContext
from procedures.rendering.document import Block, Heading, Node, Run

COMPONENT = "card"


def _resolve(block: Block, context: RenderContext, body: SafeString) -> Values:
    emergency, emergency_href = context.resolver.get_phone("clinic.emergency_number")
    phone, phone_href = context.resolver.get_phone("clinic.phone")
    title, number, href = {
        "emergency": (gettext("Call %(number)s now") % {"number": emergency}, emergency, emergency_href),
        "urgent": (gettext("Call us today"), phone, phone_href),
        "call": (gettext("Call us"), phone, phone_href),
        "note": (gettext("Good to know"), "", ""),
    }[block.name]
    return {"urgency": block.name, "title": title, "body": body, "number": number, "number_href": href}


def _to_text(block: Block, values: Values) -> list[Node]:
    return [Heading(level=3, runs=[Run(values["title"])], role="card"), *block.nodes]


_FIELDS = (BlockField("lines", _("Content, one item per line"), "lines"),)

register(
    BlockType(
        name="call",
        syntax="::: call",
        help=_("text. The block adds the title: “Call us”"),
        example="::: call\nIf you have questions about your pills.\n:::",
        label=_("Call us"),
        keywords=_("contact question phone box"),
        component=COMPONENT,
        template="care_card",
        content=Content.TEXT,
        fields=_FIELDS,
        group=Group.ADVICE,
        dialog="card",
        button=_("Care card…"),
        button_order=50,
        resolve=_resolve,
        to_text=_to_text,
    ),
    BlockType(
        name="note",
        syntax="::: note",
        help=_("text. The block adds the title: “Good to know”"),
        example="::: note\nThe desk is open at noon.\n:::",
        label=_("Good to know"),
        keywords=_("box callout tip info"),
        component=COMPONENT,
        template="care_card",
        content=Content.TEXT,
        fields=_FIELDS,
        group=Group.ADVICE,
        dialog="card",
        resolve=_resolve,
        to_text=_to_text,
    ),
    # Blocks for handwritten warning signs, which now come from one list.
    *(
        BlockType(
            name=name,
            syntax=f"::: {name}",
            help=_("warning signs in older revisions"),
            example=f"::: {name}\n- You fell.\n:::",
            label=_("Warning signs"),
            component=COMPONENT,
            template="care_card",
            content=Content.TEXT,
            is_retired=True,
            resolve=_resolve,
            to_text=_to_text,
        )
        for name in ("emergency", "urgent")
    ),
)
