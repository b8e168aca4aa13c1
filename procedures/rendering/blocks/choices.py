"""``::: choices``: options with the same aspects in the same order, compared aspect by aspect."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from procedures.markup import Wording
from procedures.rendering.blocks import BlockField, BlockType, Content, Group, Values, register
from procedures.rendering.context import RenderContext
from procedures.rendering.document import Block, Heading, Node
from procedures.rendering.html import resolve_heading, to_html
from procedures.rendering.inline import resolve_inline
from procedures.rendering.parser import ASPECT_LEVEL

OPTION_LEVEL = 3
MIN_OPTIONS = 2


def split_at_headings(nodes: Sequence[Node], level: int) -> tuple[list[Node], list[tuple[Heading, list[Node]]]]:
    """Return the nodes before the first heading of this level, then each such heading with what follows it."""
    before: list[Node] = []
    sections: list[tuple[Heading, list[Node]]] = []
    for node in nodes:
        if isinstance(node, Heading) and node.level == level:
            sections.append((node, []))
        else:
            (sections[-1][1] if sections else before).append(node)
    return before, sections


def _resolve(block: Block, context: RenderContext, _body: SafeString) -> Values:
    """Check that all options have the same aspects in the same order."""
    before, sections = split_at_headings(block.nodes, OPTION_LEVEL)
    if before or len(sections) < MIN_OPTIONS:
        context.issues.add(
            block.line,
            Wording(
                _("::: choices must contain at least 2 options, each under a ### heading."),
                _("Choices must contain at least 2 options, each under a heading with its name."),
            ),
        )
    contents: list[list[tuple[Heading, list[Node]]]] = []
    expected: list[str] | None = None
    for heading, content in sections:
        resolve_heading(heading, context, is_top=False)
        rest, aspects = split_at_headings(content, ASPECT_LEVEL)
        for aspect, _content in aspects:
            resolve_inline(aspect, context, link_terms=False)
        names = [aspect.text for aspect, _content in aspects]
        expected = names if expected is None else expected
        if rest or not names:
            message = Wording(
                _("The text of “%(name)s” must be under #### headings."),
                _("The text of “%(name)s” must be under smaller headings, such as “Benefits”."),
            )
            context.issues.add(heading.line, message, name=heading.text)
        if names != expected:
            message = Wording(
                _("“%(name)s” must have the same #### headings as the first option: %(headings)s."),
                _("“%(name)s” must have the same headings as the first option: %(headings)s."),
            )
            context.issues.add(heading.line, message, name=heading.text, headings=", ".join(expected))
        contents.append(aspects)
    # Go aspect by aspect, as people read, so that sources are numbered and terms explained in that order.
    options = [heading for heading, _content in sections]
    anchor = context.reserve_anchor("compare-choices")
    context.comparison_anchor = context.comparison_anchor or anchor
    return {
        "anchor": anchor,
        "options": options,
        "rows": [_build_row(options, row, context) for row in zip_longest(*contents)],
    }


def _build_row(
    options: list[Heading], aspects: Sequence[tuple[Heading, list[Node]] | None], context: RenderContext
) -> Values:
    """Return an aspect with, for each option, the answer (its first part) and the rest, which is folded."""
    contents = [aspect[1] if aspect else [] for aspect in aspects]
    answers = [to_html(nodes[:1], context, is_top=False, in_choices=True) for nodes in contents]
    reasons = [to_html(nodes[1:], context, is_top=False, in_choices=True) for nodes in contents]
    cells = [
        {"option": option.text, "answer": answer, "reason": reason}
        for option, answer, reason in zip(options, answers, reasons, strict=True)
    ]
    title = next(aspect[0].text for aspect in aspects if aspect)
    return {"title": title, "cells": cells, "has_reasons": any(reasons)}


def find_answers(block: Block) -> Iterator[Node]:
    """Yield the first part under each #### heading: what the comparison shows before a reader opens the rest."""
    for _heading, content in split_at_headings(block.nodes, OPTION_LEVEL)[1]:
        for _aspect, inner in split_at_headings(content, ASPECT_LEVEL)[1]:
            yield from inner[:1]


def _example(*options: str) -> str:
    aspects = "#### What it is\nAbout it.\n\n#### How long it takes\nA while.\n"
    return "::: choices\n" + "\n".join(f"### {option}\n{aspects}" for option in options) + ":::"


register(
    BlockType(
        name="choices",
        syntax="::: choices",
        help=_("`### Name of an option`, each with the same `#### Aspects` in the same order"),
        example=_example("Rest", "Brace"),
        label=_("Choices side by side"),
        keywords=_("options pros cons decision compare table"),
        template="choices",
        content=Content.OPTIONS,
        is_allowed_in_choices=False,
        fields=(
            BlockField("lines", _("Options, one per line"), "lines"),
            BlockField("aspects", _("Headings for each option, one per line"), "lines"),
        ),
        group=Group.DECISIONS,
        dialog="choices",
        button=_("Choices…"),
        button_order=100,
        more_examples={"three options": _example("Rest", "Brace", "Surgery")},
        resolve=_resolve,
    )
)
