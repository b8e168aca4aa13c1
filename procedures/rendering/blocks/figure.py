"""``::: figure``: an annotated picture."""

from collections.abc import Sequence

from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.text import interpolate_lazy
from procedures.enums import FigureKind, MarkerShape
from procedures.figures.presenters import FigureContext
from procedures.markup import Wording
from procedures.rendering.blocks import (
    PLACEHOLDERS,
    BlockField,
    BlockType,
    Group,
    Options,
    Values,
    register,
    render_component,
)
from procedures.rendering.context import RenderContext
from procedures.rendering.document import (
    Block,
    Image,
    List,
    ListItem,
    Mark,
    MarkerPosition,
    Node,
    Paragraph,
    Run,
    text_paragraph,
)

COMPONENT = "picture"
# URL prefix of large pictures, relative to their page.
# The value of ``sizes`` where a picture has a page of its own.
LARGE_SIZES = "60rem"
# What looks dark, for kinds of pictures on which bone and metal look different.
POLARITIES: dict[str, Promise] = {
    FigureKind.FLUOROSCOPY: _("On this kind of X-ray, bone, metal, and cement look dark."),
    FigureKind.RADIOGRAPH: _("On this kind of X-ray, bone, metal, and cement look white."),
    FigureKind.CT: _("This is a CT scan."),
    FigureKind.MRI: _("This is an MRI scan."),
}
# A legend has two columns on a phone, unless a label has a word longer than this, which would have to break.
MAX_NARROW_WORD_LENGTH = 10


def get_figure_notes(view: FigureContext, printed_notes: set[str] | None = None) -> Values:
    """Return the notes that the component adds to a picture, and whether its legend needs wide columns.

    Each note is printed once per page: notes in ``printed_notes`` are skipped, and new ones are added to it.
    """
    printed_notes = set() if printed_notes is None else printed_notes
    notes = {
        "origin": gettext("This picture was made on a computer and does not show a real patient.")
        if view.simulated
        else "",
        "polarity": str(POLARITIES.get(view.kind, "")),
    }
    notes = {name: "" if text in printed_notes else text for name, text in notes.items()}
    printed_notes.update(notes.values())
    return {
        **notes,
        "drawing_alt": gettext("The same view as a line drawing."),
        "summary": gettext("What this picture shows"),
        "explanations": [marker for marker in view.markers if marker.text],
        "has_wide_legend": any(
            len(word) > MAX_NARROW_WORD_LENGTH for marker in view.markers for word in marker.label.split()
        ),
    }


def render_figure(
    view: FigureContext, line: int, context: RenderContext, *, eager: bool = False, grouped: bool = False
) -> tuple[SafeString, Block]:
    """Return the HTML of a figure, with an id that is unique on the page, and its block. Also check its texts.

    ``grouped``: whether it belongs to a group, which has a shared switch between X-ray and drawing.
    """
    if not view.has_texts:
        message = _("The picture “%(slug)s” has no texts in this language yet.")
        context.issues.add(line, message, is_missing_content=True, slug=view.slug)
    if any(not marker.label for marker in view.markers):
        message = _("A marker of the picture “%(slug)s” has no label in this language yet.")
        context.issues.add(line, message, is_missing_content=True, slug=view.slug)
    name = interpolate_lazy(_("The text of the picture “%(slug)s”"), slug=view.slug)
    context.check_plain_text(line, name, view.title, view.alt, view.caption, *view.paragraphs)
    context.check_plain_text(line, name, *(text for marker in view.markers for text in (marker.label, marker.text)))
    context.figure_slugs.append(view.slug)
    context.has_arrows |= any(marker.shape == MarkerShape.ARROW for marker in view.markers)
    dom_id = context.reserve_anchor(f"fig-{view.slug}")
    figure = {name: getattr(view, name) for name in FigureContext.__slots__}
    figure |= {"dom_id": dom_id, "eager": eager, **get_figure_notes(view, context.printed_notes)}
    block = Block(name="figure", component=COMPONENT, anchor=dom_id, nodes=figure_nodes(figure))
    if view.large_href and view.slug not in context.large_figures:
        # On its own page, the picture prints all notes and has its own switch.
        large = figure | get_figure_notes(view) | {"eager": True, "sizes": LARGE_SIZES, "large_href": ""}
        values = {"figure": large, "is_large": True, **dict.fromkeys(PLACEHOLDERS, "")}
        html = render_to_string("components/figure.html", values)
        context.large_figures[view.slug] = {"html": html, "caption": view.caption, "anchor": dom_id}
    return render_component("figure", figure=figure, grouped=grouped), block


def get_figure(slug: str, line: int, context: RenderContext) -> FigureContext | None:
    """Return a figure, or None if it cannot be shown, after adding an issue."""
    view = context.resolver.get_figure(slug)
    if view is None:
        context.add_unavailable_figure(line, slug)
    return view


def get_switch(views: Sequence[FigureContext | None], name: str, title: str) -> Values | None:
    """Return the values of the switch between X-rays and drawings of a group; None if no figure has both."""
    kinds = [view.kind for view in views if view and view.drawing and not view.vector]
    return {"name": name, "title": title, "kind": kinds[0]} if kinds else None


def figure_nodes(figure: Values) -> list[Node]:
    """Return everything that the component prints."""
    drawing = figure["drawing"]
    first = Image(src=drawing["light"] if figure["vector"] and drawing else figure["src"], alt=figure["alt"])
    nodes: list[Node] = [first, *_marker_positions(figure)]
    if drawing and not figure["vector"]:
        nodes.append(Image(src=drawing["light"], alt=figure["drawing_alt"]))
    nodes.append(text_paragraph(figure["caption"], role="caption"))
    if figure["markers"]:
        legend: list[Node] = []
        for marker in figure["markers"]:
            runs = [Run(f"{marker.label}.", marks=(Mark("strong"),)), Run(f" {marker.text}")]
            legend.append(ListItem(nodes=[Paragraph(runs=runs, role="marker")]))
        nodes.append(List(nodes=legend, is_ordered=True, start=figure["markers"][0].number))
    if note := f"{figure['origin']} {figure['polarity']}".strip():
        nodes.append(text_paragraph(note))
    if figure["paragraphs"]:
        nodes.append(text_paragraph(figure["summary"], role="summary"))
        nodes += [text_paragraph(text) for text in figure["paragraphs"]]
    return nodes


def _marker_positions(figure: Values) -> list[Node]:
    return [
        MarkerPosition(
            number=marker.number,
            disc=f"{marker.x} {marker.y}",
            target=f"{marker.target_x} {marker.target_y}",
            size=f"{marker.rx} {marker.ry}" if marker.shape in {"circle", "region"} else marker.outline,
        )
        for marker in figure["markers"]
    ]


def _resolve(block: Block, context: RenderContext, _body: SafeString) -> Values | None:
    slugs = block.options.split()
    if len(slugs) != 1:
        context.issues.add(
            block.line,
            Wording(
                _("::: figure shows one picture. For two, write ::: compare."),
                _("This block shows one picture. For two, insert “Two pictures, before and after”."),
            ),
        )
        return None
    view = get_figure(slugs[0], block.line, context)
    if view is None:
        return None
    html, shown = render_figure(view, block.line, context)
    block.anchor = shown.anchor
    return {"html": html, "nodes": shown.nodes}


register(
    BlockType(
        name="figure",
        syntax="::: figure SLUG",
        help=_("an annotated picture"),
        example="::: figure needle",
        label=_("Picture"),
        keywords=_("image photo drawing scan x-ray"),
        component=COMPONENT,
        options=Options.NAMES,
        references="figure",
        fields=(BlockField("slug", _("Picture"), "figure"),),
        group=Group.PICTURES,
        dialog="picture",
        button=_("Picture…"),
        button_order=10,
        resolve=_resolve,
        to_text=lambda _block, values: values["nodes"],
    )
)
