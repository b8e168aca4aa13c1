"""Headings: levels, addresses of their own, the contents list."""

import re

from django.utils.text import slugify
from markdown_it.token import Token

from procedures.markdown.context import Context, Heading

OWN_ANCHOR = re.compile(r"\{#([a-z0-9]+(?:-[a-z0-9]+)*)\}[ \t]*\Z")
# Addresses that the page itself uses.
TAKEN = re.compile(
    r"(?:main|top|contents|sources|words|next)\Z|"
    r"(?:source|word|term|fig|care|series|chance|compare|letter|menu|page|picture|place)-"
)


def prepare(opening: Token, inline: Token, context: Context, *, nested: bool) -> None:
    """Give one heading its anchor. ``nested``: it stands inside ``choices``, where steps are checked there."""
    line = (opening.map[0] if opening.map else 0) + 1
    level = int(opening.tag[1])
    own = _take_own_anchor(inline)
    title = plain(inline)
    if level == 1:
        context.problems.add(line, "The page's title is a field. Start headings with ##.")
        opening.tag = "h2"
    if level > 4:
        context.problems.add(line, "Headings go down to #### only.")
        opening.tag = "h4"
    if not nested and level > context.last_level + 1:
        context.problems.add(line, f"This heading skips a level: use {'#' * (context.last_level + 1)}.")
    if not title:
        context.problems.add(line, "This heading is empty.")
    if own and (TAKEN.match(own) or own in context.anchors):
        context.problems.add(line, f"The section address #{own} is taken. Choose another one.")
    wanted = own or slugify(title) or "section"
    anchor = context.free_anchor(f"about-{wanted}" if TAKEN.match(wanted) else wanted)
    opening.attrSet("id", anchor)
    if not nested:
        context.last_level = min(level, 4)
        context.last_heading = title
        if opening.tag == "h2":
            context.headings.append(Heading(len(context.headings) + 1, title, anchor))


def keep_old_anchors(opening: Token, inline: Token, context: Context) -> None:
    """Put the section's earlier addresses into its heading, so that links in old mails still find it."""
    for old, present in context.old_anchors.items():
        if present == opening.attrGet("id"):
            context.anchors.add(old)
            mark = [Token("link_open", "a", 1, attrs={"id": old}), Token("link_close", "a", -1)]
            inline.children = [*mark, *(inline.children or [])]


def _take_own_anchor(inline: Token) -> str:
    last = inline.children[-1] if inline.children else None
    if last is None or last.type != "text" or not (match := OWN_ANCHOR.search(last.content)):
        return ""
    last.content = last.content[: match.start()].rstrip(" \t")
    return match[1]


def plain(inline: Token) -> str:
    """The words of an inline token without markup."""
    return "".join(child.content for child in inline.children or [] if child.type in {"text", "code_inline"}).strip()
