"""Headings: levels, addresses of their own, the contents list."""

from markdown_it.token import Token

from procedures.markdown.context import Context, Heading
from procedures.markdown.inline import resolve
from procedures.markdown.outline import TAKEN, name_of, plain, take_own_anchor
from procedures.markdown.parser import line_of


def prepare(opening: Token, inline: Token, context: Context, *, nested: bool) -> None:
    """Give one heading its anchor. ``nested``: it stands inside ``choices``, where steps are checked there."""
    line = line_of(opening)
    level = int(opening.tag[1])
    own, name = take_own_anchor(inline), name_of(inline)
    resolve(inline, context, running_text=False)
    title = plain(inline)
    if level == 1:
        context.problems.add(line, "The page's title is a field. Start headings with ##.")
        opening.tag = "h2"
    if level > 4:
        context.problems.add(line, "A heading can have at most four # signs: ####.")
        opening.tag = "h4"
    if not nested and level > context.last_level + 1:
        context.problems.add(line, f"This heading skips a level: use {'#' * (context.last_level + 1)}.")
    if not title:
        context.problems.add(line, "This heading is empty.")
    if own and (TAKEN.match(own) or own in context.heading_names):
        context.problems.add(line, f"The section address #{own} is taken. Choose another one.")
    anchor = context.heading_anchor(own or name)
    if own and anchor != own:
        context.moved_anchors.append((line, own, anchor))
    opening.attrSet("id", anchor)
    if not nested:
        context.last_level = min(level, 4)
        context.last_heading = title
        if opening.tag == "h2":
            context.headings.append(Heading(len(context.headings) + 1, title, anchor))


def keep_old_anchors(opening: Token, inline: Token, context: Context) -> None:
    """Put the section's earlier addresses into its heading, so that links in old mails still find it."""
    marks = [
        token
        for old in old_anchors(str(opening.attrGet("id")), context)
        for token in (Token("link_open", "a", 1, attrs={"id": old}), Token("link_close", "a", -1))
    ]
    inline.children = [*marks, *(inline.children or [])]


def old_anchors(present: str, context: Context) -> list[str]:
    """The earlier addresses of a section; where ``present`` is empty, those of sections that are gone."""
    # In a fixed order: databases return the keys of an object in any order.
    found = sorted(old for old, target in context.old_anchors.items() if target == present)
    context.anchors.update(found)
    return found
