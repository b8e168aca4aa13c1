"""``::: compare``: two pictures next to each other."""

from dataclasses import replace

from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from procedures.figures.presenters import FigureContext
from procedures.markup import Wording
from procedures.rendering.blocks import BlockField, BlockType, Group, Options, Values, register
from procedures.rendering.blocks.figure import get_figure, get_switch, render_figure
from procedures.rendering.context import RenderContext
from procedures.rendering.document import Block, Node, text_paragraph

# Range of the slider's initial position, and its distance to the left of new markers, in percent of the width.
MIN_START, MAX_START, MARGIN = 4, 50, 8


def _resolve(block: Block, context: RenderContext, _body: SafeString) -> Values | None:
    slugs = block.options.split()
    if len(slugs) != 2:
        context.issues.add(
            block.line,
            Wording(
                _("::: compare needs two pictures: ::: compare BEFORE AFTER."),
                _("This block needs two pictures, before and after. Choose both."),
            ),
        )
        return None
    views = [get_figure(slug, block.line, context) for slug in slugs]
    before, after = views[0], _continue_numbering(*views)
    shown = [render_figure(view, block.line, context, grouped=True) if view else None for view in (before, after)]
    block.anchor = context.reserve_anchor(f"compare-{slugs[0]}")
    return {
        # "Before" would be wrong for a healthy bone next to a broken one.
        "before": before.title if before else gettext("Before"),
        "after": after.title if after else gettext("After"),
        "before_html": shown[0][0] if shown[0] else "",
        "after_html": shown[1][0] if shown[1] else "",
        "dom_id": block.anchor,
        "switch": get_switch(views, block.anchor, ""),
        "start": _choose_start(before, after),
        "blocks": [item and item[1] for item in shown],
    }


def _continue_numbering(before: FigureContext | None, after: FigureContext | None) -> FigureContext | None:
    """Return the second figure with marker numbers that continue from the first.

    Markers in both figures keep the same number.
    """
    if before is None or after is None:
        return after
    numbers = {marker.label: marker.number for marker in before.markers}
    for marker in after.markers:
        numbers.setdefault(marker.label, len(numbers) + 1)
    markers = [replace(marker, number=numbers[marker.label]) for marker in after.markers]
    return replace(after, markers=sorted(markers, key=lambda marker: marker.number))


def _choose_start(before: FigureContext | None, after: FigureContext | None) -> int:
    """Return the initial position of the slider in percent: to the left of everything that only the second figure
    shows, such as cement.
    """
    known = {marker.label for marker in before.markers} if before else set()
    new = [marker for marker in after.markers if marker.label not in known] if after else []
    positions = [
        round(float(position.rstrip("%"))) - MARGIN for marker in new for position in (marker.x, marker.target_x)
    ]
    return max(MIN_START, min([MAX_START, *positions]))


def _to_text(_block: Block, values: Values) -> list[Node]:
    names = (values["before"], values["after"])
    parts = [(text_paragraph(name), figure) for name, figure in zip(names, values["blocks"], strict=True)]
    return [node for pair in parts for node in pair if node]


register(
    BlockType(
        name="compare",
        syntax="::: compare BEFORE AFTER",
        help=_("two pictures side by side; a button overlays them, with a slider to compare"),
        example="::: compare needle cement",
        label=_("Two pictures, before and after"),
        keywords=_("image photo slider"),
        template="compare",
        options=Options.NAMES,
        references="figure",
        fields=(BlockField("before", _("Before"), "figure"), BlockField("after", _("After"), "figure")),
        group=Group.PICTURES,
        dialog="picture",
        resolve=_resolve,
        to_text=_to_text,
    )
)
