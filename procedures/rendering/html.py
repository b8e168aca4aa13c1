"""Conversion of parsed Markdown to HTML: headings and their anchors, tables, blocks, and choices."""

from functools import reduce
from operator import add

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from markdown_it.token import Token

from procedures.rendering import blocks, inline
from procedures.rendering.context import Heading, RenderContext
from procedures.rendering.inline import resolve_inline
from procedures.rendering.parser import (
    RESERVED_ANCHOR,
    find_closing_token,
    get_parser,
    inline_text,
    line_number,
    pop_explicit_anchor,
    slugify_heading,
)
from procedures.rendering.sanitizer import sanitize


def prepare_heading(opening: Token, inline_token: Token, context: RenderContext, *, nested: bool) -> None:
    """Check a heading and set its id. ``nested``: the heading is inside ``choices``, which checks the levels itself."""
    line = line_number(opening)
    level = int(opening.tag[1])
    explicit, slug = pop_explicit_anchor(inline_token), slugify_heading(inline_token)
    resolve_inline(inline_token, context, link_terms=False)
    title = inline_text(inline_token)
    if level == 1:
        context.issues.add(line, "The page's title is a field. Start headings with ##.")
        opening.tag = "h2"
    if level > 4:
        context.issues.add(line, "A heading can have at most four # signs: ####.")
        opening.tag = "h4"
    if not nested and level > context.last_level + 1:
        context.issues.add(line, f"This heading skips a level: use {'#' * (context.last_level + 1)}.")
    if not title:
        context.issues.add(line, "This heading is empty.")
    if explicit and (RESERVED_ANCHOR.match(explicit) or explicit in context.used_heading_anchors):
        context.issues.add(line, f"The section address #{explicit} is taken. Choose another one.")
    anchor = context.reserve_heading_anchor(explicit or slug)
    if explicit and anchor != explicit:
        context.moved_anchors.append((line, explicit, anchor))
    opening.attrSet("id", anchor)
    if not nested:
        context.last_level = min(level, 4)
        context.last_heading = title
        if opening.tag == "h2":
            context.headings.append(Heading(len(context.headings) + 1, title, anchor))


def insert_old_anchors(opening: Token, inline_token: Token, context: RenderContext) -> None:
    """Add the earlier anchors of a section to its heading, so that links in old emails still lead to it."""
    anchor_tokens = [
        token
        for old in collect_old_anchors(str(opening.attrGet("id")), context)
        for token in (Token("link_open", "a", 1, attrs={"id": old}), Token("link_close", "a", -1))
    ]
    inline_token.children = [*anchor_tokens, *(inline_token.children or [])]


def collect_old_anchors(current_anchor: str, context: RenderContext) -> list[str]:
    """Reserve and return the earlier anchors of a section; of all removed sections if ``current_anchor`` is empty."""
    # Sorted, because databases return the keys of a JSON object in any order.
    old_anchors = sorted(old for old, target in context.old_anchors.items() if target == current_anchor)
    context.anchors.update(old_anchors)
    return old_anchors


EMPTY_HTML = SafeString("")


def to_html(tokens: list[Token], context: RenderContext, *, nested: bool = False) -> SafeString:
    """Render ``tokens``. ``nested``: they are inside an option of ``choices``."""
    parts: list[SafeString] = []
    run: list[Token] = []
    position = 0
    while position < len(tokens):
        token = tokens[position]
        end = find_closing_token(tokens, position)
        if token.type in {"directive", "directive_open"} or (token.type == "table_open" and token.level == 0):
            parts.append(_render_tokens(run, context, nested=nested))
            run = []
            group = tokens[position : end + 1]
            html = (
                _render_table(group, context)
                if token.type == "table_open"
                else _render_block(group, context, nested=nested)
            )
            parts.append(_add_line_comment(html, token, context))
        elif context.with_line_comments:
            parts.append(
                _add_line_comment(_render_tokens(tokens[position : end + 1], context, nested=nested), token, context)
            )
        else:
            run += tokens[position : end + 1]
        position = end + 1
    parts.append(_render_tokens(run, context, nested=nested))
    return join_html(parts)


def _add_line_comment(html: SafeString, token: Token, context: RenderContext) -> SafeString:
    """Put ``<!--line N-->`` before a part of a preview. Unlike an element, a comment cannot change the layout."""
    return format_html("<!--line {}-->{}", line_number(token), html) if context.with_line_comments and html else html


def join_html(parts: list[SafeString]) -> SafeString:
    """Join safe strings. Adding them one by one leaves it to Django to decide that the result is safe."""
    return reduce(add, parts, EMPTY_HTML)


def _render_tokens(run: list[Token], context: RenderContext, *, nested: bool) -> SafeString:
    """Render and sanitize tokens that have no block at their top level."""
    if not run:
        return EMPTY_HTML
    printable: list[Token] = []
    for index, token in enumerate(run):
        if token.type.startswith("directive"):
            if token.type != "directive_close":
                context.issues.add(line_number(token), "A block cannot be inside a list, quotation, or table.")
            continue
        before = run[index - 1] if index else token
        if token.type == "inline":
            if before.type == "heading_open":
                prepare_heading(before, token, context, nested=nested)
                run[index + 1].tag = before.tag
                insert_old_anchors(before, token, context)
            else:
                inline.resolve_inline(token, context, link_terms=before.type != "th_open")
        _set_cell_attributes(token)
        printable.append(token)
    markdown = get_parser()
    return sanitize(str(markdown.renderer.render(printable, markdown.options, {})))


def _set_cell_attributes(token: Token) -> None:
    """Replace the ``style`` of a table cell with a class, because the Content Security Policy forbids inline styles."""
    if token.type in {"th_open", "td_open"}:
        style = token.attrs.pop("style", "")
        if style == "text-align:right":
            token.attrSet("class", "num")
        if token.type == "th_open":
            token.attrSet("scope", "col")


def _render_table(group: list[Token], context: RenderContext) -> SafeString:
    # A table can be wider than the screen. A focusable, named region can be scrolled with the keyboard.
    label = _("Table: %(heading)s") % {"heading": context.last_heading or _("overview")}
    html = _render_tokens(group, context, nested=False)
    return format_html(
        '<div class="table" tabindex="0" role="region" aria-label="{}">{}</div>',
        context.reserve_label(label),
        html,
    )


def _render_block(group: list[Token], context: RenderContext, *, nested: bool) -> SafeString:
    token = group[0]
    name, options, line = token.meta["name"], token.meta["options"], line_number(token)
    if token.type == "directive":
        return blocks.render_self_closing_block(name, options, line, context, token.meta["raw"])
    if not token.meta["closed"]:
        context.issues.add(line, f"The block {name} has no end. Close it with a line :::")
    inner = group[1:-1]
    if nested and name in {"choices", "key-points"}:
        context.issues.add(line, f"A block {name} cannot be inside choices.")
        return EMPTY_HTML
    if name == "choices":
        return _render_choices(inner, line, context)
    if not nested and any(t.type.startswith("directive") for t in inner):
        context.issues.add(line, f"No block can be inside ::: {name}.")
        inner = [t for t in inner if not t.type.startswith("directive")]
    for heading in (t for t in inner if t.type == "heading_open"):
        context.issues.add(line_number(heading), f"No heading can be inside ::: {name}.")
    return blocks.render_block(name, options, inner, _render_tokens(inner, context, nested=True), line, context)


def _split_at_headings(tokens: list[Token], tag: str) -> tuple[list[Token], list[tuple[Token, Token, list[Token]]]]:
    """Return the tokens before the first heading of this level, then (opening, inline, content) for each heading."""
    before: list[Token] = []
    sections: list[tuple[Token, Token, list[Token]]] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.type == "heading_open" and token.tag == tag:
            sections.append((token, tokens[index + 1], []))
            index += 3
            continue
        (sections[-1][2] if sections else before).append(token)
        index += 1
    return before, sections


def _render_choices(inner: list[Token], line: int, context: RenderContext) -> SafeString:
    """Render options side by side, and check that all have the same aspects in the same order."""
    before, sections = _split_at_headings(inner, "h3")
    if before or len(sections) < 2:
        context.issues.add(line, "::: choices contains at least 2 options, each under a ### heading.")
    options, expected = [], None
    for opening, title, content in sections:
        prepare_heading(opening, title, context, nested=True)
        rest, aspects = _split_at_headings(content, "h4")
        for aspect in aspects:
            inline.resolve_inline(aspect[1], context, link_terms=False)
        name, names = inline_text(title), [inline_text(aspect[1]) for aspect in aspects]
        expected = names if expected is None else expected
        if rest or not names:
            context.issues.add(line_number(opening), f"The text of “{name}” must be under #### headings.")
        if names != expected:
            context.issues.add(
                line_number(opening),
                f"“{name}” must have the same #### headings as the first option: {', '.join(expected)}.",
            )
        options.append(
            {
                "name": name,
                "anchor": str(opening.attrGet("id")),
                "old_anchors": collect_old_anchors(str(opening.attrGet("id")), context),
                "aspects": [
                    {"title": inline_text(aspect[1]), "body": to_html(aspect[2], context, nested=True)}
                    for aspect in aspects
                ],
            }
        )
    return blocks.render_component("choices", options=options)
