"""Turns tokens into finished HTML: plain runs are cleaned, blocks become components, in order."""

from functools import reduce
from operator import add

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from markdown_it.token import Token

from procedures.markdown import blocks, headings, inline
from procedures.markdown.context import Context
from procedures.markdown.outline import plain
from procedures.markdown.parser import closing_index, line_of, parser
from procedures.markdown.sanitise import clean

EMPTY = SafeString("")


def assemble(tokens: list[Token], context: Context, *, nested: bool = False) -> SafeString:
    """HTML of ``tokens``. ``nested``: they stand inside an option of ``choices``."""
    parts: list[SafeString] = []
    run: list[Token] = []
    position = 0
    while position < len(tokens):
        token = tokens[position]
        end = closing_index(tokens, position)
        if token.type in {"directive", "directive_open"} or (token.type == "table_open" and token.level == 0):
            parts.append(_plain(run, context, nested=nested))
            run = []
            group = tokens[position : end + 1]
            html = _table(group, context) if token.type == "table_open" else _block(group, context, nested=nested)
            parts.append(_with_line(html, token, context))
        elif context.with_lines:
            parts.append(_with_line(_plain(tokens[position : end + 1], context, nested=nested), token, context))
        else:
            run += tokens[position : end + 1]
        position = end + 1
    parts.append(_plain(run, context, nested=nested))
    return joined(parts)


def _with_line(html: SafeString, token: Token, context: Context) -> SafeString:
    """A part with the comment ``line N`` before it, where a preview asks for that. Comments move no pixel."""
    return format_html("<!--line {}-->{}", line_of(token), html) if context.with_lines and html else html


def joined(parts: list[SafeString]) -> SafeString:
    """Safe parts in order; joining safe strings one by one keeps Django's own guarantee."""
    return reduce(add, parts, EMPTY)


def _plain(run: list[Token], context: Context, *, nested: bool) -> SafeString:
    """Cleaned HTML of a run without blocks at its top level."""
    if not run:
        return EMPTY
    kept: list[Token] = []
    for index, token in enumerate(run):
        if token.type.startswith("directive"):
            if token.type != "directive_close":
                context.problems.add(line_of(token), "A block must not stand inside a list, quotation or table.")
            continue
        before = run[index - 1] if index else token
        if token.type == "inline":
            if before.type == "heading_open":
                headings.prepare(before, token, context, nested=nested)
                run[index + 1].tag = before.tag
                headings.keep_old_anchors(before, token, context)
            else:
                inline.resolve(token, context, running_text=before.type != "th_open")
        _cell(token)
        kept.append(token)
    markdown = parser()
    return clean(str(markdown.renderer.render(kept, markdown.options, {})))


def _cell(token: Token) -> None:
    """Alignment of a table cell as a class: the content policy forbids ``style``."""
    if token.type in {"th_open", "td_open"}:
        style = token.attrs.pop("style", "")
        if style == "text-align:right":
            token.attrSet("class", "num")
        if token.type == "th_open":
            token.attrSet("scope", "col")


def _table(group: list[Token], context: Context) -> SafeString:
    # It may be wider than the screen; a region with a name can be scrolled by keyboard.
    label = _("Table: %(heading)s") % {"heading": context.last_heading or _("overview")}
    html = _plain(group, context, nested=False)
    return format_html(
        '<div class="table" tabindex="0" role="region" aria-label="{}">{}</div>',
        context.free_label(label),
        html,
    )


def _block(group: list[Token], context: Context, *, nested: bool) -> SafeString:
    token = group[0]
    name, options, line = token.meta["name"], token.meta["options"], line_of(token)
    if token.type == "directive":
        return blocks.leaf(name, options, line, context, token.meta["raw"])
    if not token.meta["closed"]:
        context.problems.add(line, f"The block {name} has no end. Close it with a line :::")
    inner = group[1:-1]
    if nested and name in {"choices", "key-points"}:
        context.problems.add(line, f"A block {name} must not stand inside choices.")
        return EMPTY
    if name == "choices":
        return _choices(inner, line, context)
    if not nested and any(t.type.startswith("directive") for t in inner):
        context.problems.add(line, f"No block may stand inside ::: {name}.")
        inner = [t for t in inner if not t.type.startswith("directive")]
    for heading in (t for t in inner if t.type == "heading_open"):
        context.problems.add(line_of(heading), f"No heading may stand inside ::: {name}.")
    return blocks.container(name, options, inner, _plain(inner, context, nested=True), line, context)


def _split(tokens: list[Token], tag: str) -> tuple[list[Token], list[tuple[Token, Token, list[Token]]]]:
    """What stands before the first heading of this level, then (opening, inline, what follows) for each."""
    before: list[Token] = []
    found: list[tuple[Token, Token, list[Token]]] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.type == "heading_open" and token.tag == tag:
            found.append((token, tokens[index + 1], []))
            index += 3
            continue
        (found[-1][2] if found else before).append(token)
        index += 1
    return before, found


def _choices(inner: list[Token], line: int, context: Context) -> SafeString:
    """Options side by side, each with the same aspects in the same order: equal detail is checked here."""
    before, found = _split(inner, "h3")
    if before or len(found) < 2:
        context.problems.add(line, "Inside ::: choices stand at least 2 options, each under a ### heading.")
    options, wanted = [], None
    for opening, title, content in found:
        headings.prepare(opening, title, context, nested=True)
        rest, aspects = _split(content, "h4")
        for aspect in aspects:
            inline.resolve(aspect[1], context, running_text=False)
        name, names = plain(title), [plain(aspect[1]) for aspect in aspects]
        wanted = names if wanted is None else wanted
        if rest or not names:
            context.problems.add(line_of(opening), f"The text of “{name}” must stand under #### headings.")
        if names != wanted:
            context.problems.add(
                line_of(opening),
                f"“{name}” must have the same #### headings as the first option: {', '.join(wanted)}.",
            )
        options.append(
            {
                "name": name,
                "anchor": str(opening.attrGet("id")),
                "old_anchors": headings.old_anchors(str(opening.attrGet("id")), context),
                "aspects": [
                    {"title": plain(aspect[1]), "body": assemble(aspect[2], context, nested=True)} for aspect in aspects
                ],
            }
        )
    return blocks.component("choices", options=options)
