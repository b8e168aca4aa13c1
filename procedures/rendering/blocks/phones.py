"""``::: phones``: the clinic's numbers as call buttons of equal size."""

from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from procedures.rendering.blocks import BlockType, Group, Values, register
from procedures.rendering.context import RenderContext
from procedures.rendering.document import Block, List, ListItem, Node, Paragraph, Run, link_run


def _resolve(_block: Block, context: RenderContext, _body: SafeString) -> Values | None:
    """Return the emergency number, the daytime number, and the after-hours number if it is different."""
    resolver = context.resolver
    day = resolver.get_phone("clinic.phone")
    night = resolver.get_phone("clinic.after_hours_phone")
    buttons = [
        ("emergency", gettext("Call in an emergency"), resolver.get_phone("clinic.emergency_number"), ""),
        ("day", gettext("Call us during office hours"), day, resolver.get_clinic_value("clinic.hours") or ""),
    ]
    if night != day:
        buttons.append(("night", gettext("After hours"), night, gettext("Nights, weekends, and holidays")))
    rows = [
        {"name": name, "label": label, "number": number, "href": href, "note": note}
        for name, label, (number, href), note in buttons
        if number
    ]
    return {"buttons": rows} if rows else None


def _to_text(_block: Block, values: Values) -> list[Node]:
    entries: list[Node] = []
    for button in values["buttons"]:
        note = [Run(f" {button['note']}")] if button["note"] else []
        runs = [Run(f"{button['label']}: "), link_run(button["number"], button["href"]), *note]
        entries.append(ListItem(nodes=[Paragraph(runs=runs)]))
    return [List(nodes=entries)]


register(
    BlockType(
        name="phones",
        syntax="::: phones",
        help=_("call buttons for the emergency number, our daytime number with our hours, and our after-hours number"),
        example="::: phones",
        label=_("Our phone numbers as buttons"),
        keywords=_("call contact number"),
        component="phones",
        template="phones",
        is_single_use=True,
        is_allowed_in_choices=False,
        group=Group.CLINIC,
        dialog="index",
        resolve=_resolve,
        to_text=_to_text,
    )
)
