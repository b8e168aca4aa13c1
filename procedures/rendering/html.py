"""Writes the document tree as sanitized HTML, and post-processes HTML that is already safe.

The writer escapes all text; sanitizing is the second line of defense. This module contains the only ``mark_safe`` of
the project. Components such as figures are inserted after sanitizing, so their tags do not have to be allowed.
"""

import re
from collections.abc import Iterable, Sequence
from functools import reduce
from html import escape
from itertools import pairwise
from operator import add

import nh3
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from portal.text import find_closest, interpolate_lazy
from procedures.addresses import SLUG
from procedures.markup import HEADING_STYLES, Message, Wording
from procedures.rendering.blocks import (
    ID_PLACEHOLDER,
    LEVEL_PLACEHOLDER,
    URL_PLACEHOLDER,
    BlockType,
    Content,
    Options,
    block_label,
    get_block_types,
    render_component,
)
from procedures.rendering.context import ContentsEntry, RenderContext
from procedures.rendering.document import (
    Block,
    Cell,
    Code,
    Container,
    Heading,
    List,
    Mark,
    Node,
    Quote,
    Run,
    Table,
    Text,
    walk,
)
from procedures.rendering.fixes import (
    DELETE_LINE,
    HEADING_TOO_DEEP_MESSAGE,
    MAKE_HEADING,
    MAX_HEADING_LEVEL,
    SECTION_LEVEL,
    Fix,
    delete_lines,
    name_block,
    replace_key,
    substitute,
)
from procedures.rendering.inline import no_break, resolve_inline

EMPTY_HTML = SafeString("")
# Names of rows or options, with single spaces between them.
NAMES = re.compile(rf"{SLUG}(?:[ \t]+{SLUG})*\Z")
MIN_BLOCK_SIMILARITY = 70  # percent; lower than for keys, because block names are short and few


def to_html(
    nodes: Sequence[Node], context: RenderContext, *, is_top: bool = True, in_choices: bool = False
) -> SafeString:
    """Resolve the names in ``nodes`` and return their HTML.

    ``is_top``: they are not in a block. ``in_choices``: they are in an option of ``choices``.
    """
    if is_top and any(_starts_folded_section(node) for node in nodes):
        return join_html(_render_section(section, context) for section in split_sections(nodes))
    return _render_nodes(nodes, context, is_top=is_top, in_choices=in_choices)


def _render_nodes(
    nodes: Sequence[Node], context: RenderContext, *, is_top: bool, in_choices: bool = False
) -> SafeString:
    parts: list[SafeString] = []
    prose: list[str] = []
    for node in nodes:
        if isinstance(node, Block):
            html = _render_block(node, context, in_choices=in_choices)
        elif isinstance(node, Table) and is_top:
            html = _render_wide_table(node, context)
        else:
            _resolve(node, context, is_top=is_top)
            if not context.with_line_comments:
                prose.append(_write(node))
                continue
            html = sanitize(_write(node))
        parts += [sanitize("".join(prose)), _add_line_comment(html, node, context)]
        prose = []
    return join_html([*parts, sanitize("".join(prose))])


def _starts_folded_section(node: Node) -> bool:
    return isinstance(node, Heading) and node.level == SECTION_LEVEL and node.is_folded


def split_sections(nodes: Sequence[Node]) -> list[list[Node]]:
    """Return the nodes before the first section, if any, and those of each section with its heading."""
    sections: list[list[Node]] = [[]]
    for node in nodes:
        if isinstance(node, Heading) and node.level <= SECTION_LEVEL:
            sections.append([])
        sections[-1].append(node)
    return sections


def _render_section(nodes: Sequence[Node], context: RenderContext) -> SafeString:
    if not nodes or not _starts_folded_section(nodes[0]):
        return _render_nodes(nodes, context, is_top=True)
    heading = _render_nodes(nodes[:1], context, is_top=True)
    body = _render_nodes(nodes[1:], context, is_top=True)
    return render_component("folded_section", heading=heading, body=body)


def join_html(parts: Iterable[SafeString]) -> SafeString:
    """Join safe strings. Adding them one by one lets Django decide whether the result is safe."""
    return reduce(add, parts, EMPTY_HTML)


def _add_line_comment(html: SafeString, node: Node, context: RenderContext) -> SafeString:
    """Put ``<!--line N-->`` before a part of a preview. Unlike an element, a comment cannot change the layout."""
    return format_html("<!--line {}-->{}", node.line, html) if context.with_line_comments and html else html


def _resolve(node: Node, context: RenderContext, *, is_top: bool) -> None:
    """Resolve the names in a node and everything in it, and report nodes that are not allowed in their position."""
    if isinstance(node, Heading):
        resolve_heading(node, context, is_top=is_top)
    elif isinstance(node, Text):
        resolve_inline(node, context, link_terms=not (isinstance(node, Cell) and node.is_header))
    elif isinstance(node, Block):
        context.issues.add(node.line, _("A block cannot be inside a list, quotation, or table."))
    for child in node.children:
        _resolve(child, context, is_top=is_top)


def resolve_heading(heading: Heading, context: RenderContext, *, is_top: bool) -> None:
    """Check a heading, resolve its text, and give it its anchor on the page."""
    line, level, issues = heading.line, heading.level, context.issues
    resolve_inline(heading, context, link_terms=False)
    if level == 1:
        fix = Fix(MAKE_HEADING, substitute(r"^(\s*)#(?!#)", r"\1##"))
        issues.add(
            line,
            Wording(
                _("The page's title is a field. Start headings with ##."),
                _("This heading has the size of the page’s title. Choose “Heading” in the style menu."),
            ),
            fix=fix,
        )
    if level > MAX_HEADING_LEVEL:
        deepest = min(context.last_level + 1, MAX_HEADING_LEVEL) if is_top else MAX_HEADING_LEVEL
        fix = Fix(MAKE_HEADING, substitute(r"^(\s*)#+", rf"\1{'#' * deepest}"))
        issues.add(line, HEADING_TOO_DEEP_MESSAGE, fix=fix)
    if is_top and level > context.last_level + 1:
        signs, name = "#" * (context.last_level + 1), HEADING_STYLES[context.last_level + 1]
        label = interpolate_lazy(_("Make it a “%(style)s”"), style=name)
        fix = Fix(label, substitute(r"^(\s*)#+", rf"\1{signs}"))
        issues.add(
            line,
            Wording(
                _("This heading skips a level: use %(signs)s."),
                _("This heading skips a level. Choose “%(style)s” in the style menu."),
            ),
            fix=fix,
            signs=signs,
            style=name,
        )
    if not heading.text:
        issues.add(line, _("This heading is empty."), fix=Fix(DELETE_LINE, delete_lines))
    if heading.is_folded and (level != SECTION_LEVEL or not is_top):
        issues.add(
            line,
            Wording(
                _("Only a section can be folded: write .folded after the address of a ## heading."),
                _("Only a section can be folded, that is, a “Heading” with the text below it."),
            ),
        )
    if heading.is_taken:
        issues.add(
            line,
            Wording(
                _("The section address #%(anchor)s is taken. Choose another one."),
                _("Another section already has the address “%(anchor)s”. Choose another one."),
            ),
            anchor=heading.wanted_anchor,
        )
    heading.level = min(max(level, SECTION_LEVEL), MAX_HEADING_LEVEL)
    heading.anchor = context.reserve_heading_anchor(heading.natural_anchor)
    if heading.is_explicit and heading.anchor != heading.wanted_anchor:
        context.moved_anchors.append((line, heading.wanted_anchor, heading.anchor))
    heading.old_anchors = context.reserve_old_anchors(heading.anchor)
    if is_top:
        context.last_level = min(level, MAX_HEADING_LEVEL)
        context.last_heading = heading.text
        if heading.level == 2:
            context.headings.append(ContentsEntry(heading.text, heading.anchor))


def _write(node: Node) -> str:
    """Return the HTML of a resolved node, not yet sanitized."""
    if isinstance(node, Heading):
        tag = f"h{LEVEL_PLACEHOLDER}{node.level}"
        anchor = f' id="{ID_PLACEHOLDER}{escape(node.anchor)}"' if node.anchor else ""
        return f"<{tag}{anchor}>{write_anchors(node.old_anchors)}{write_inline(node.runs)}</{tag}>\n"
    if isinstance(node, Text):
        return f"<p>{write_inline(node.runs)}</p>\n"
    if isinstance(node, List):
        tag = "ol" if node.is_ordered else "ul"
        start = f' start="{node.start}"' if node.start != 1 else ""
        items = "".join(_write_item(item, is_tight=node.is_tight) for item in node.nodes)
        return f"<{tag}{start}>\n{items}</{tag}>\n"
    if isinstance(node, Table):
        header, rows = (_write_row(node.nodes[0]), "".join(map(_write_row, node.nodes[1:])))
        body = f"<tbody>\n{rows}</tbody>\n" if rows else ""
        return f"<table>\n<thead>\n{header}</thead>\n{body}</table>\n"
    if isinstance(node, Quote):
        return "<blockquote>\n" + "".join(map(_write, node.nodes)) + "</blockquote>\n"
    if isinstance(node, Code):
        return f"<pre><code>{escape(node.text)}</code></pre>\n"
    if isinstance(node, Container):
        return "".join(map(_write, node.nodes))
    return "<hr>\n"


def write_anchors(anchors: Iterable[str]) -> SafeString:
    """Return empty anchors for links to earlier section addresses."""
    return format_html_join("", '<a id="{}{}"></a>', ((ID_PLACEHOLDER, anchor) for anchor in anchors))


def _write_item(item: Node, *, is_tight: bool) -> str:
    if not is_tight:
        return "<li>\n" + "".join(map(_write, item.children)) + "</li>\n" if item.children else "<li></li>\n"
    # In a tight list, text is not wrapped in a paragraph, and following elements start on a new line.
    html = ""
    for child in item.children:
        is_text = isinstance(child, Text) and not isinstance(child, Heading)
        html += (
            write_inline(child.runs)
            if isinstance(child, Text) and is_text
            else "\n" * (html[-1:] != "\n") + _write(child)
        )
    return f"<li>{html}</li>\n"


def _write_row(row: Node) -> str:
    cells = ""
    for cell in row.children:
        if isinstance(cell, Cell):
            # A class, because the Content Security Policy forbids the style that Markdown would give.
            number = ' class="num"' if cell.align == "right" else ""
            tag, scope = ("th", ' scope="col"') if cell.is_header else ("td", "")
            cells += f"<{tag}{number}{scope}>{write_inline(cell.runs)}</{tag}>\n"
    return f"<tr>\n{cells}</tr>\n"


def write_inline(runs: Sequence[Run]) -> str:
    """Return the HTML of resolved runs. Emphasis may be split around a link, but a link is never split.

    The sources of all sentences follow in one note at the end.
    """
    parts: list[str] = []
    open_marks: tuple[Mark, ...] = ()
    text, numbers = _split_off_sources(runs)
    for run in [*text, Run()]:
        shared = 0
        while shared < min(len(open_marks), len(run.marks)) and open_marks[shared] is run.marks[shared]:
            shared += 1
        parts += [_close_mark(mark) for mark in reversed(open_marks[shared:])]
        parts += [_open_mark(mark) for mark in run.marks[shared:]]
        parts.append(_write_run(run))
        open_marks = run.marks
    return "".join(parts) + (f"\u00a0{source_note(numbers)}" if numbers else "")


def _split_off_sources(runs: Sequence[Run]) -> tuple[list[Run], list[int]]:
    """Return the runs without sources and without the spaces before them, and the numbers of the sources."""
    text: list[Run] = []
    is_after_source = False
    for run in [*runs, Run(" ")]:
        if run.kind == "source":
            is_after_source = True
            continue
        if is_after_source and text and not run.text[:1].isalnum():
            last = text.pop()
            if last.kind != "space":
                text.append(Run(last.text.rstrip(), last.kind, last.marks) if last.kind == "text" else last)
        is_after_source = False
        text.append(run)
    return text[:-1], sorted({int(run.text) for run in runs if run.kind == "source"})


def source_note(numbers: Sequence[int]) -> SafeString:
    """Return the link from a text to its sources, which leads to the first of them."""
    shown = ", ".join(map(str, numbers))
    label = ngettext("Source %(numbers)s", "Sources %(numbers)s", len(numbers)) % {"numbers": shown}
    link = '<a class="citation" href="#{}source-{}" aria-label="{}">[{}]</a>'
    return format_html(link, ID_PLACEHOLDER, numbers[0], label, shown)


def _open_mark(mark: Mark) -> str:
    if mark.kind == "blank":
        return '<strong class="blank">'
    if not mark.href:
        return f"<{mark.kind}>"
    css_class = ' class="term"' if mark.kind == "term" else ""
    return f'<a{css_class} href="{escape(add_id_placeholder(mark.href))}">'


def _close_mark(mark: Mark) -> str:
    if mark.kind == "blank":
        return "</strong>"
    return f"</{'a' if mark.href else mark.kind}>"


def add_id_placeholder(href: str) -> str:
    """Return the href, with the id placeholder inserted if it points to a section of the same page."""
    return f"#{ID_PLACEHOLDER}{href[1:]}" if href.startswith("#") else href


def _write_run(run: Run) -> str:
    if run.kind == "space":
        return "\n"
    if run.kind == "break":
        return "<br>\n"
    return f"<code>{escape(run.text)}</code>" if run.kind == "code" else escape(no_break(run.text))


def _render_wide_table(table: Table, context: RenderContext) -> SafeString:
    # A table can be wider than the screen. A focusable, named region can be scrolled with the keyboard.
    label = gettext("Table: %(heading)s") % {"heading": context.last_heading or gettext("overview")}
    _resolve(table, context, is_top=True)
    return format_html(
        '<div class="table" tabindex="0" role="region" aria-label="{}">{}</div>',
        context.reserve_label(label),
        sanitize(_write(table)),
    )


def _render_block(block: Block, context: RenderContext, *, in_choices: bool) -> SafeString:
    """Validate a block against its registry entry, then render it."""
    block_type = get_block_types().get(block.name)
    if block_type is None:
        _report_unknown_block(block, context)
        return EMPTY_HTML
    if not block.has_end:
        message = Wording(
            _("The %(name)s block is not closed. Close it with a line that contains only :::"),
            _("The block “%(label)s” has no end. Close it."),
        )
        end = max((node.end for node in block.nodes[:1]), default=block.line)
        fix = Fix(_("Close the block"), lambda text: f"{text.rstrip()}\n:::", block.line, end)
        context.issues.add(block.line, message, fix=fix, name=block.name, label=block_label(block.name))
    if in_choices and not block_type.is_allowed_in_choices:
        context.issues.add(
            block.line,
            Wording(
                _("A %(name)s block cannot be inside choices."),
                _("The block “%(label)s” cannot be inside choices. Move it below them."),
            ),
            name=block.name,
            label=block_label(block.name),
        )
        block.nodes = []
        return EMPTY_HTML
    body = EMPTY_HTML
    if block_type.has_end and block_type.content != Content.OPTIONS:
        body = _render_content(block, context, in_choices=in_choices)
    if not _has_valid_form(block, block_type, context):
        block.nodes = []
        return EMPTY_HTML
    return block_type.render(block, context, body)


def _render_content(block: Block, context: RenderContext, *, in_choices: bool) -> SafeString:
    inner = [node for node in block.nodes if not isinstance(node, Block)]
    if len(inner) < len(block.nodes):
        context.issues.add(
            block.line,
            Wording(
                _("::: %(name)s cannot contain other blocks."),
                _("The block “%(label)s” cannot contain other blocks. Move them below it."),
            ),
            name=block.name,
            label=block_label(block.name),
        )
    block.nodes = inner
    for node in walk(inner):
        if isinstance(node, Heading):
            context.issues.add(
                node.line,
                Wording(
                    _("::: %(name)s cannot contain headings."),
                    _("The block “%(label)s” cannot contain headings. Choose “Text” in the style menu."),
                ),
                name=block.name,
                label=block_label(block.name),
            )
    for node in inner:
        _resolve(node, context, is_top=False)
    if get_block_types()[block.name].has_fill_in_lines:
        _find_blanks(inner)
    return sanitize("".join(map(_write, inner)))


def _find_blanks(nodes: Sequence[Node]) -> None:
    """Turn each bold label that ends with a colon into a fill-in line."""
    for node in walk(nodes):
        if isinstance(node, Text):
            last = {mark: run.text for run in node.runs for mark in run.marks if mark.kind == "strong"}
            for mark, text in last.items():
                if text.endswith(":"):
                    mark.kind = "blank"


def _has_valid_form(block: Block, block_type: BlockType, context: RenderContext) -> bool:
    """Report options and content that the block does not allow; return whether the block can be rendered."""
    name, line, issues, label = block.name, block.line, context.issues, block_label(block.name)
    if block_type.options == Options.NONE and block.options:
        fix = Fix(_("Delete the rest of the line"), substitute(r"^(\s*:::[ \t]*[a-z-]+).*", r"\1"))
        issues.add(
            line,
            Wording(
                _("::: %(name)s does not take options."),
                _("There are words after the name of the block “%(label)s”. Delete them."),
            ),
            fix=fix,
            name=name,
            label=label,
        )
    if block_type.options == Options.NAMES and not NAMES.match(block.options):
        issues.add(
            line,
            Wording(
                _("::: %(name)s must be followed by names separated by single spaces."),
                _(
                    "Nothing is chosen for the block “%(label)s” yet. Delete it, and insert it again from the "
                    "Insert menu."
                ),
            ),
            name=name,
            label=label,
        )
        return False
    if block_type.is_single_use:
        if name in context.used_once:
            issues.add(
                line,
                Wording(
                    _("A page can contain ::: %(name)s only once."),
                    _("A page can contain the block “%(label)s” only once. Delete this one."),
                ),
                name=name,
                label=label,
            )
            return False
        context.used_once.add(name)
    if block_type.content == Content.OPTIONS or not block_type.has_end:
        return True
    if not block.nodes:
        fix = Fix(_("Delete the block"), delete_lines, line, max(block.end + block.has_end, line))
        issues.add(
            line,
            Wording(_("The %(name)s block is empty."), _("The block “%(label)s” is empty. Fill it in, or delete it.")),
            fix=fix,
            name=name,
            label=label,
        )
        return False
    if block_type.content in {Content.BULLETS, Content.NUMBERS}:
        _check_list(block, block_type, context)
    return True


def _check_list(block: Block, block_type: BlockType, context: RenderContext) -> None:
    is_ordered = block_type.content == Content.NUMBERS
    only = block.nodes[0]
    if len(block.nodes) > 1 or not isinstance(only, List) or only.is_ordered != is_ordered:
        message = (
            Wording(
                _("::: %(name)s must contain a numbered list and nothing else."),
                _("The block “%(label)s” must contain a numbered list and nothing else."),
            )
            if is_ordered
            else Wording(
                _("::: %(name)s must contain a bulleted list (with hyphens) and nothing else."),
                _("The block “%(label)s” must contain a bulleted list and nothing else."),
            )
        )
        context.issues.add(block.line, message, name=block.name, label=block_label(block.name))
    elif block_type.max_items and len(only.nodes) > block_type.max_items:
        count = len(only.nodes)
        message = Wording(
            ngettext_lazy(
                "::: %(name)s has %(count)s entry. Readers take in at most %(limit)s.",
                "::: %(name)s has %(count)s entries. Readers take in at most %(limit)s.",
                count,
            ),
            ngettext_lazy(
                "“%(label)s” has %(count)s entry. Readers take in at most %(limit)s.",
                "“%(label)s” has %(count)s entries. Readers take in at most %(limit)s.",
                count,
            ),
        )
        label, limit = block_type.label, block_type.max_items
        context.issues.add(block.line, message, name=block.name, label=label, count=count, limit=limit)


def _report_unknown_block(block: Block, context: RenderContext) -> None:
    if not block.name:
        text = block.raw[:40].strip()
        context.issues.add(block.line, _unnamed_block_message(block.raw), fix=name_block(block.raw), text=text)
        return
    names = sorted(get_block_types())
    if closest := find_closest(block.name, names, MIN_BLOCK_SIMILARITY):
        message: Message = _("There is no block “%(name)s”. Did you mean “%(closest)s”?")
        label = interpolate_lazy(_("Use “%(name)s”"), name=closest)
        fix = Fix(label, replace_key("", block.name, closest))
        context.issues.add(block.line, message, fix=fix, name=block.name, closest=closest)
    else:
        message = Wording(
            _("There is no block “%(name)s”. The blocks are: %(names)s."),
            _("There is no block “%(name)s”. Delete it, and choose a block in the Insert menu."),
        )
        context.issues.add(block.line, message, name=block.name, names=", ".join(names))


def _unnamed_block_message(raw_line: str) -> Wording:
    """Return the message for a line that starts with ``:::`` and has no valid name."""
    rest = raw_line.lstrip(":")
    if len(raw_line) - len(rest) > 3:
        return Wording(
            _("“%(text)s” has more than three colons. Write exactly three: ::: note, and ::: at the end."),
            _("“%(text)s” is not a block. Delete it, and insert the block from the Insert menu."),
        )
    if rest.strip():
        return Wording(
            _("“%(text)s” does not name a block. Type a regular space and the name in lowercase: ::: note."),
            _("“%(text)s” is not a block. Delete it, and insert the block from the Insert menu."),
        )
    return Wording(
        _("Stray “:::”. Delete it, or add the name of a block after it."),
        _("Patients would see three colons. Delete them."),
    )


HEADING_TAGS = [f"h{LEVEL_PLACEHOLDER}{level}" for level in range(SECTION_LEVEL, MAX_HEADING_LEVEL + 1)]


ALLOWED_TAGS = {
    "a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "strong", "table",
    "tbody", "td", "th", "thead", "tr", "ul", *HEADING_TAGS,
}  # fmt: skip
ALLOWED_ATTRIBUTES = {
    "a": {"href", "class", "aria-label", "id"},
    **{tag: {"id"} for tag in HEADING_TAGS},
    "ol": {"start"},
    "strong": {"class"},
    "td": {"class"},
    "th": {"class", "scope"},
}
ALLOWED_URL_SCHEMES = {"https", "mailto", "tel"}


def sanitize(html: str) -> SafeString:
    """Return ``html`` reduced to the allowed tags, attributes, and URL schemes."""
    return mark_safe(  # noqa: S308 -- the only use in this project; nh3 has just cleaned the HTML
        nh3.clean(
            html, tags=ALLOWED_TAGS, attributes=ALLOWED_ATTRIBUTES, url_schemes=ALLOWED_URL_SCHEMES, link_rel=None
        )
    )


# A tag on several lines of a template. Values are escaped, so the first ">" ends it.
BROKEN_TAG = re.compile(r"</?[a-z][^<>\n]*\n[^<>]*>")


def minify(html: SafeString) -> SafeString:
    """Remove indentation and blank lines. Line breaks between elements stay, because they separate words.

    Inside a tag, a line break becomes a space, or nothing before the end of the tag. HTML with ``<pre>`` is unchanged.
    """
    if "<pre" in html:
        return html
    # A pattern such as \s*\n would take minutes on a long line of spaces.
    lines = filter(None, map(str.strip, html.split("\n")))
    joined = "\n".join(lines) + "\n"
    return SafeString(BROKEN_TAG.sub(_on_one_line, joined))


def _on_one_line(tag: re.Match[str]) -> str:
    return tag[0].replace("\n>", ">").replace("\n/>", "/>").replace("\n", " ")


# Placeholder comments in article/page.html for the parts of a page that are not stored with the article.
STATUS_PLACEHOLDER, TOOLS_PLACEHOLDER = "<!--status-->", "<!--tools-->"


def complete_article(html: SafeString, *, status: SafeString, tools: SafeString) -> SafeString:
    """Return an article with its review status below the title, and with the readers' tools."""
    # Articles rendered by earlier versions of the portal have no placeholders.
    html = html if STATUS_PLACEHOLDER in html else SafeString(f"{STATUS_PLACEHOLDER}{html}")
    return SafeString(html.replace(STATUS_PLACEHOLDER, status, 1).replace(TOOLS_PLACEHOLDER, tools, 1))


# Between the prefix and an id. No slug contains it, so two parts never share an id: with a hyphen, "rest" and
# "home-driving" would give the same id as "rest-home" and "driving".
NAMESPACE_SEPARATOR = "__"
PLACEHOLDER_PATTERN = re.compile(f"([{ID_PLACEHOLDER}{LEVEL_PLACEHOLDER}{URL_PLACEHOLDER}])")
PLACEHOLDER_NAMES = {ID_PLACEHOLDER: "ids", LEVEL_PLACEHOLDER: "levels", URL_PLACEHOLDER: "addresses"}
PlaceholderOffsets = dict[str, list[int]]


def extract_placeholders(html: SafeString) -> tuple[SafeString, PlaceholderOffsets]:
    """Remove the placeholders from an article's HTML; return the HTML and the offsets of the placeholders."""
    parts: list[str] = []
    offsets: PlaceholderOffsets = {name: [] for name in PLACEHOLDER_NAMES.values()}
    length = 0
    for part in PLACEHOLDER_PATTERN.split(html):
        if name := PLACEHOLDER_NAMES.get(part):
            offsets[name].append(length)
        else:
            parts.append(part)
            length += len(part)
    return SafeString("".join(parts)), offsets


def replace_placeholders(html: SafeString, prefix: str) -> SafeString:
    """Replace the placeholders in HTML, adding ``prefix`` to each id."""
    return SafeString(html.replace(ID_PLACEHOLDER, prefix).replace(LEVEL_PLACEHOLDER, "").replace(URL_PLACEHOLDER, ""))


def embed_article(html: SafeString, offsets: PlaceholderOffsets, prefix: str, base: str) -> SafeString:
    """Return an article as a part of a document with several.

    All ids start with ``prefix`` (a slug), headings are one level deeper, and relative URLs are appended to ``base``,
    the article's path.
    """
    inserted = dict.fromkeys(offsets["ids"], prefix + NAMESPACE_SEPARATOR)
    inserted |= dict.fromkeys(offsets["addresses"], escape(base))
    levels = set(offsets["levels"])
    parts: list[str] = []
    start = 0
    for offset in sorted([*inserted, *levels]):
        parts.append(html[start:offset])
        if offset in levels:
            parts.append(str(int(html[offset]) + 1))
        else:
            parts.append(inserted[offset])
        start = offset + (offset in levels)
    return SafeString("".join([*parts, html[start:]]))


def rebase_article(html: SafeString, offsets: PlaceholderOffsets, base: str) -> SafeString:
    """Return an article for display at another URL, with its relative URLs resolved against its path ``base``."""
    parts = [html[start:end] for start, end in pairwise([0, *offsets["addresses"], len(html)])]
    return SafeString(escape(base).join(parts))
