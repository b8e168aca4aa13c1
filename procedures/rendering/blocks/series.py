"""``::: series``: pictures in order, each with its text, with one switch between X-rays and drawings."""

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from portal.text import interpolate_lazy
from procedures.rendering.blocks import BlockField, BlockType, Group, Options, Values, register
from procedures.rendering.blocks.figure import get_figure, get_switch, render_figure
from procedures.rendering.context import RenderContext
from procedures.rendering.document import Block, Heading, List, ListItem, Node, Run, text_paragraph


def _resolve(block: Block, context: RenderContext, _body: SafeString) -> Values | None:
    slugs = block.options.split()
    series = context.resolver.get_series(slugs[0]) if len(slugs) == 1 else None
    if series is None:
        message = _("There is no series “%(key)s” in this language.")
        context.add_unknown_reference(block.line, "series", " ".join(slugs), message)
        return None
    rows = context.resolver.get_series_items(series)
    name = interpolate_lazy(_("The text of the series “%(slug)s”"), slug=series.slug)
    context.check_plain_text(
        block.line, name, series.title, *(text for row in rows for text in (row.heading, row.text))
    )
    items = []
    views = [get_figure(row.figure.slug, block.line, context) for row in rows]
    for number, (row, view) in enumerate(zip(rows, views, strict=True), start=1):
        shown = render_figure(view, block.line, context, grouped=True) if view else None
        values = {"number": number, "heading": row.heading, "text": row.text}
        items.append({**values, "figure_html": shown[0] if shown else "", "figure": shown and shown[1]})
    block.anchor = context.reserve_anchor(f"series-{series.slug}")
    switch = get_switch(views, block.anchor, series.title)
    return {"title": series.title, "dom_id": block.anchor, "items": items, "switch": switch}


def _to_text(_block: Block, values: Values) -> list[Node]:
    entries: list[Node] = []
    for item in values["items"]:
        heading = Heading(level=3, runs=[Run(f"{item['number']} {item['heading']}")])
        parts = [heading, text_paragraph(item["text"]), item["figure"]]
        entries.append(ListItem(nodes=[part for part in parts if part]))
    return [text_paragraph(values["title"]), List(nodes=entries, is_ordered=True, is_tight=False)]


register(
    BlockType(
        name="series",
        syntax="::: series SLUG",
        help=_("pictures in order, each with its text"),
        example="::: series stages",
        label=_("Series of pictures"),
        keywords=_("image photo gallery slideshow"),
        component="series",
        template="series",
        options=Options.NAMES,
        references="series",
        fields=(BlockField("slug", _("Series"), "series"),),
        group=Group.PICTURES,
        dialog="series",
        button=_("Series…"),
        button_order=20,
        resolve=_resolve,
        to_text=_to_text,
    )
)
