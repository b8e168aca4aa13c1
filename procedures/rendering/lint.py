"""Lint for markup that does not do what its author meant. Each message says how to fix it.

The parser treats such markup as text (``##`` with a no-break space, an unclosed ``**``, ``{clinic.Phone}``) or as
something else (a line ``---`` below a paragraph makes a heading). Patients would see it as typed, so a draft with such
markup cannot be published. The document tree no longer shows what was typed, so these checks read the parser's tokens,
and in them ``token.meta["visible"]``: lines in which a placeholder replaces parsed markup
(``parser.record_visible_lines``).
"""

import re
from collections.abc import Callable, Iterator
from html import unescape
from itertools import groupby, pairwise

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from markdown_it.token import Token

from portal.text import find_closest, interpolate_lazy
from procedures import markup
from procedures.addresses import SLUG
from procedures.languages import get as get_language
from procedures.languages import number_pattern
from procedures.markup import PLACEHOLDER, SPACES, SPACES_AND_INVISIBLE, Message, Wording, fill, make_excerpt
from procedures.rendering.blocks import Content, get_block_types
from procedures.rendering.context import CLINIC_VALUE_NAMES, RenderContext, insert_value_fix
from procedures.rendering.fixes import (
    DELETE_CHARACTERS,
    DELETE_LINE,
    HEADING_TOO_DEEP_MESSAGE,
    MAKE_HEADING,
    MAKE_LIST,
    MAX_HEADING_LEVEL,
    PICTURE_BLOCK_MESSAGE,
    SECTION_LEVEL,
    Fix,
    delete_lines,
    name_block,
    replace_first,
    replace_once,
    substitute,
)
from procedures.rendering.parser import HEADING_ATTRIBUTES, ParsedText, line_number

MAX_ISSUES = 60
LINE_END = re.compile(r"\r\n?|\n")
# Results as (line, message, fix). Checks of a single line omit the line number.
LintResults = Iterator[tuple[int, Message] | tuple[int, Message, Fix | None]]
LineResults = Iterator[Message | tuple[Message, Fix | None]]

HEADING_LIKE = re.compile(rf"([{SPACES_AND_INVISIBLE}]*)([#＃]+)(.*)")
HASHES_IN_LINE = re.compile(rf"(?<=\S)[{SPACES}]#{{2,6}}[{SPACES}]+(?=\S)")
TRAILING_HASHES = re.compile(r"(?<=\w)#+\s*\Z|\s#+\s*(?=\{#|\Z)")
# Word takes bullets from its symbol fonts (U+F0B7); pasted without the font, they become §, ü, or Ø.
PRIVATE_USE_RANGE = "\ue001-\uf8ff"
BULLET_LIKE = re.compile(
    rf"[{SPACES_AND_INVISIBLE}]*(?:([•·‣◦▪▫●○■□➢➤✓✔➔→⁃∙►▸▶❖◆◇❏❑☐☑✗✘①-⑳❶-❿{PRIVATE_USE_RANGE}]|[§¤Øüþ›»](?=[{SPACES}]+[^\W\d_]))"
    rf"|([-+*–—])([{SPACES}]*))(?=(.?))"
)
# The second-level bullet in Word is the letter o.
LETTER_O_BULLET = re.compile(rf"[{SPACES}]*o[{SPACES}]+[^\W\d_]")
NUMBERED_LINE = re.compile(
    rf"[{SPACES_AND_INVISIBLE}]*[(]?(\d{{1,2}}|[a-zA-Z]|[ivxIVX]{{2,5}})"
    rf"(?:([{SPACES}]*[.)])(-?[{SPACES}]*)|[{SPACES}]?([-–])(?=[{SPACES}]))(?=\s*(\S))"
)
# "2.º piso", "3.er día", "2.x": the number continues after its period.
ORDINAL_OR_VERSION = re.compile(rf"[.)](?:[ºª°]|(?:{number_pattern('ordinal_suffixes')})\b|[a-z](?!\w))(?<![.)][ayeo])")
THEMATIC_BREAK_LIKE = re.compile(r"([-–—=~])\1{2,}\Z")
LINK_START = r"(?:https?:|page:|mailto:|tel:|www\.|#)"
SPACED_LINK = re.compile(rf"\][{SPACES}]+\(\s?{LINK_START}[^()\n]{{0,80}}\)?", re.IGNORECASE)
REVERSED_LINK = re.compile(rf"[)\]{PLACEHOLDER}][{SPACES}]?[\[{{<]\s?{LINK_START}[^\]\n]{{0,80}}\]?", re.IGNORECASE)
UNPARSED_LINK = re.compile(r"\]\(([^()\n]*)(\)?)")
REFERENCE_LINK = re.compile(r"\]\[|\A\s*\[[^\[\]\n]{1,80}\]:(?=\s)|\[\[")
TASK_LIST_MARKER = re.compile(r"\A\s*\[[ xX]?\](?=\s|\Z)")
BRACKETED_KEY = re.compile(rf"\[({SLUG})\]")
NOTE_REFERENCE_STAR = re.compile(rf"[\w{PLACEHOLDER}.!?)]\*(?!\w)")
NOTE_START = re.compile(rf"[*{PLACEHOLDER}](?=[^\s*])")
STAR_RUN = re.compile(r"[*＊∗]+")
UNDERSCORE_RUN = re.compile(r"_+")
SPACED_STARS = re.compile(rf"(?<!\S)\*[{SPACES}]+[^\W\d_][^*\n]{{0,200}}[^\s*]\*(?!\w)")
DOUBLE_BRACKET = re.compile(rf"\[\s?{PLACEHOLDER}\s?\]")
DOUBLE_BRACE = re.compile(rf"\{{\s?{PLACEHOLDER}|{PLACEHOLDER}\s?\}}")
PRIVATE_USE_CHARACTER = re.compile(f"[{PRIVATE_USE_RANGE}]")
QUOTED_NUMBER = re.compile(r"[ ]{0,3}>[ ]?[=<≥]?[ ]?\d")
BLOCK_LIKE = re.compile(r"[:：]{1,2}[ \u00a0]?[A-Za-z][a-z-]*\s*\Z|::+\s*\Z")
# A prompt of a page template, "[Say what to bring.]", or the placeholder that a new block contains. The editor matches
# the same pattern, so it must mean the same in JavaScript.
PROMPT = re.compile(r"\s*(?:…|\[[^\[\]\n]*[^\s,;\[\]] [^\[\]\n]*\])\s*")
TYPED_VALUE_MESSAGE = Wording(
    _("“%(name)s” would be shown as typed. Put it in braces: {%(value)s}."),
    _("Patients would see “%(name)s” as typed. Delete it, and insert %(label)s."),
)
CELL_SEPARATOR = re.compile(r"(?<!\\)\|")


def lint(parsed: ParsedText, context: RenderContext) -> None:
    """Add an issue for all suspicious markup in a text, up to ``MAX_ISSUES``."""
    lines = LINE_END.split(parsed.text)
    issue_count = 0
    for check in (
        _check_invisible_characters,
        _check_blocks,
        _check_lists,
        _check_tables,
        _check_inlines,
    ):
        for line, message, *fixes in check(parsed.tokens, lines, context):
            context.issues.add(line, message, fix=next(iter(fixes), None))
            issue_count += 1
            if issue_count >= MAX_ISSUES:
                return


def _check_invisible_characters(_tokens: list[Token], lines: list[str], _context: RenderContext) -> LintResults:
    for number, line in enumerate(lines, start=1):
        if found := markup.describe_invisible_character(line):
            message = _("This line contains %(found)s. Delete the word before and after it and type them again.")
            yield (
                number,
                fill(message, found=found),
                Fix(DELETE_CHARACTERS, substitute(markup.INVISIBLE_CHARACTER, "")),
            )


def _check_blocks(tokens: list[Token], lines: list[str], _context: RenderContext) -> LintResults:
    """Find paragraphs that became headings, code, or quotations."""
    for token in tokens:
        start, end = token.map or (0, 0)
        if token.type == "heading_open" and token.markup in {"=", "-"}:
            words = " ".join(lines[start].split())
            message = Wording(
                _(
                    "The line “%(line)s” turns the text above it into a heading. Put an empty line between them, or "
                    "write ## before “%(words)s”."
                ),
                _(
                    "“%(words)s” is shown as a heading. If it is one, choose a heading in the style menu; "
                    "otherwise, choose “Text”."
                ),
            )
            excerpt = make_excerpt(words, 0, len(words))
            yield (
                end,
                fill(message, line=lines[end - 1].strip(), words=excerpt),
                Fix(DELETE_LINE, delete_lines),
            )
        elif token.type == "code_block":
            fix = Fix(_("Delete the spaces"), substitute(re.compile(r"^[ \t]+", re.MULTILINE), ""), start + 1, end)
            yield (
                start + 1,
                Wording(
                    _("Four spaces or a tab at the start turn this line into code. Delete them."),
                    _("This text is shown as computer code. Delete the spaces before it."),
                ),
                fix,
            )
        elif token.type == "fence":
            message = Wording(
                _("%(sign)s turns the lines below it into code. Delete it."),
                _("This text is shown as computer code. Make it a paragraph."),
            )
            fence = re.compile(rf"^[ \t]*{re.escape(token.markup)}.*\n?", re.MULTILINE)
            fix = Fix(DELETE_CHARACTERS, substitute(fence, ""), start + 1, end)
            yield start + 1, fill(message, sign=token.markup), fix
        elif token.type == "blockquote_open" and QUOTED_NUMBER.match(lines[start]):
            yield (
                start + 1,
                Wording(
                    _("A > at the start of a line makes a quotation. Write “more than” instead."),
                    _("This is shown as a quotation. If it means “more than”, write that."),
                ),
            )
        elif token.type == "inline" and _contains_empty_link(token.children or []):
            yield (
                start + 1,
                Wording(
                    _("A link needs words that readers can see: [words](page:subject)."),
                    _("This link has no words. Delete it, and add it again to words that say where it leads."),
                ),
            )
        elif token.type == "inline" and any(child.type == "code_inline" for child in token.children or []):
            yield (
                start + 1,
                Wording(
                    _("Backticks (`) turn the text between them into code. Use quotation marks or ’ instead."),
                    _("This text is shown as computer code. Use quotation marks instead."),
                ),
                Fix(_("Use quotation marks"), substitute(r"`+([^`\n]+)`+", r"“\1”"), start + 1, end),
            )


def _contains_empty_link(children: list[Token]) -> bool:
    return ("link_open", "link_close") in pairwise(child.type for child in children)


def _check_lists(tokens: list[Token], _lines: list[str], _context: RenderContext) -> LintResults:
    """Find numbered lists that patients would see with different numbers than typed."""
    open_lists: list[list[tuple[int, int]]] = []
    last = 0
    for token in tokens:
        if token.type == "ordered_list_open":
            open_lists.append([])
        elif token.type == "list_item_open" and token.info and open_lists:
            open_lists[-1].append((line_number(token), int(token.info)))
        elif token.type == "ordered_list_close":
            items = open_lists.pop()
            yield from _check_list_numbers(items, last)
            last = items[0][1] + len(items) - 1
        elif token.type == "heading_open":
            last = 0


def _check_list_numbers(items: list[tuple[int, int]], previous_number: int) -> LintResults:
    line, first = items[0]
    # A list can continue after a figure or a paragraph.
    if first not in {1, previous_number + 1}:
        message: Message = Wording(
            _(
                "This line starts a numbered list with %(number)s. Start the list with 1; if it is not a list, write "
                "%(number)s\\. or move the number away from the start of the line."
            ),
            _(
                "This numbered list starts with %(number)s. Start it with 1; if it is not a list, write the "
                "sentence so that it does not begin with the number."
            ),
        )
        yield line, fill(message, number=first), _renumber(items, 1)
        return
    numbers = [number for _line, number in items]
    if len(set(numbers)) == 1:
        return
    for index, (line, number) in enumerate(items):
        if number != first + index:
            message = _("Patients would see %(shown)s here, not %(typed)s. Number the entries in order.")
            yield line, fill(message, shown=first + index, typed=number), _renumber(items, first)
            return


def _renumber(items: list[tuple[int, int]], first: int) -> Fix:
    """Return the correction that numbers the items (line and number) in order."""
    start, end = items[0][0], items[-1][0]

    def change(text: str) -> str:
        rows = text.split("\n")
        for index, (line, _number) in enumerate(items):
            rows[line - start] = re.sub(r"^(\W*)\d+", rf"\g<1>{first + index}", rows[line - start])
        return "\n".join(rows)

    return Fix(_("Number them in order"), change, start, end)


def _check_tables(tokens: list[Token], lines: list[str], _context: RenderContext) -> LintResults:
    """Find rows with more or fewer cells than the header row: extra cells would be lost."""
    header_count = 0
    for token in tokens:
        if token.type == "thead_open":
            header_count = 0
        if token.type != "tr_open" or not token.map:
            continue
        line = token.map[0]
        count = len(_split_cells(lines[line]))
        header_count = header_count or count
        if count != header_count:
            message = ngettext_lazy(
                "This table row has %(count)s cell, but the header row has %(wanted)s. Give them the same number; put "
                "an empty line after the table's last row.",
                "This table row has %(count)s cells, but the header row has %(wanted)s. Give them the same number; put "
                "an empty line after the table's last row.",
                count,
            )
            fix = Fix(_("Add the missing cells"), _add_cells(header_count - count)) if count < header_count else None
            yield line + 1, fill(message, count=count, wanted=header_count), fix


def _add_cells(count: int) -> Callable[[str], str]:
    return lambda row: f"{row.rstrip().removesuffix('|').rstrip()} |{'  |' * count}"


def _split_cells(row: str) -> list[str]:
    cells = CELL_SEPARATOR.split(row.strip().removeprefix(">").strip())
    return cells[(cells[0] == "") : len(cells) - (len(cells) > 1 and not cells[-1].strip())]


def _check_inlines(tokens: list[Token], lines: list[str], context: RenderContext) -> LintResults:
    before = Token("", "", 0)
    texts = [row for token in tokens if token.type == "inline" for row in token.meta["visible"]]
    # "price*" can refer to a note below, that is, a paragraph that starts with an asterisk.
    first_note_reference = next(
        (number for number, row in enumerate(texts) if NOTE_REFERENCE_STAR.search(row)), len(texts)
    )
    last_note = max((number for number, row in enumerate(texts) if NOTE_START.match(row)), default=-1)
    done = 0
    for token in tokens:
        if token.type == "inline":
            yield from _check_inline(token, before.type, lines, context)
            line = line_number(token)
            yield from _check_multiplication(token.children or [], line)
            yield from _check_emphasis(
                token.meta["visible"], line, has_note_reference=first_note_reference < done, has_note=last_note > done
            )
            done += len(token.meta["visible"])
        before = token


def _check_multiplication(children: list[Token], line: int) -> LintResults:
    """Find asterisks between numbers that became emphasis: "2*3*4" would be shown without them."""
    for index, child in enumerate(children):
        line += child.type in {"softbreak", "hardbreak"}
        if child.type not in {"em_open", "em_close", "strong_open", "strong_close"} or "*" not in child.markup:
            continue
        before = children[index - 1].content[-1:] if index else ""
        after = children[index + 1].content[:1] if index + 1 < len(children) else ""
        if before.isdigit() and after.isdigit():
            message = _("“%(text)s” would lose its asterisk. For multiplication, type × instead.")
            fix = Fix(_("Use ×"), substitute(r"(?<=\d)\*+(?=\d)", "×"))
            yield line, fill(message, text=f"{before}{child.markup}{after}"), fix
            return


def _check_inline(token: Token, opening: str, lines: list[str], context: RenderContext) -> LintResults:
    start = line_number(token)
    visible: list[str] = list(token.meta["visible"])
    outside: list[str] = list(token.meta["outside_links"])
    if opening == "heading_open":
        if TRAILING_HASHES.search(visible[-1]):
            yield (
                start,
                Wording(
                    _("Delete the # signs after the heading."),
                    _("Patients would see the number signs after this heading. Delete them."),
                ),
                Fix(DELETE_CHARACTERS, _delete_trailing_hashes),
            )
        visible[-1] = HEADING_ATTRIBUTES.sub("", visible[-1])
        outside[-1] = HEADING_ATTRIBUTES.sub("", outside[-1])
    elif opening == "paragraph_open":
        yield from _check_paragraph(visible, start, lines)
    for number, line in enumerate(visible):
        at = start + number
        # An email address can contain underscores.
        if match := markup.AUTOLINK.search(line):
            yield (
                at,
                _about(
                    match,
                    Wording(
                        _("The < and > in “%(text)s” would be shown as typed. Delete them."),
                        _("Patients would see the angle brackets in “%(text)s”. Delete them."),
                    ),
                ),
            )
        free = markup.EMAIL.sub(PLACEHOLDER, markup.AUTOLINK.sub(PLACEHOLDER, line))
        for check in LINE_CHECKS:
            for found in check(free, context):
                yield (at, *found) if isinstance(found, tuple) else (at, found)
        yield from ((at, *found) for found in _check_escaped(token.meta["literal"][number], line))
        for sentence in _check_bare_urls(markup.EMAIL.sub(PLACEHOLDER, outside[number])):
            yield at, sentence
        if "\t" in lines[at - 1].strip() and "\t" in line.strip():
            yield (
                at,
                Wording(
                    _("A tab is shown as a space. For columns, make a table: | one | two |."),
                    _("A tab is shown as a space. For columns, insert a table."),
                ),
            )


def _delete_trailing_hashes(text: str) -> str:
    start = re.match(r"\s*#+\s*", text)
    begin = start.end() if start else 0
    return text[:begin] + TRAILING_HASHES.sub(" ", text[begin:]).rstrip()


def _check_paragraph(visible: list[str], line: int, lines: list[str]) -> LintResults:
    """Find lines that were meant to start a heading, a list, a block, or a table row."""
    rows = [number for number, text in enumerate(visible) if text.count("|") >= 2]
    piped = [number for number, text in enumerate(visible) if "|" in text]
    if rows or len(piped) > 1:
        message = Wording(
            _(
                "These | characters do not form a table. Put |---|---| under the first row, and give every row the "
                "same number of cells."
            ),
            _(
                "These lines are not a table, and patients would see the vertical bars. Insert a table, and "
                "move the words into it."
            ),
        )
        yield line + (rows or piped)[0], message
    starts = [
        bullet or _classify_line_start(text)
        for text, bullet in zip(visible, _find_letter_o_bullets(visible), strict=True)
    ]
    for number, (text, start) in enumerate(zip(visible, starts, strict=True)):
        # One number or dash at the start of a line may be running text; two in a paragraph are a list.
        repeated = start in {"number", "dash"} and starts.count(start) > 1
        if sentence := _line_start_message(text, start, is_repeated=repeated):
            yield line + number, sentence, _line_start_fix(starts, number, line, lines)
        if start in {"number", "dash"} and repeated:
            return


def _line_start_fix(starts: list[str], number: int, first_line: int, lines: list[str]) -> Fix | None:
    """Return the correction for line ``number`` of a paragraph, which was meant to start a heading, list, or block."""
    start = starts[number]
    if start == "rule":
        return Fix(DELETE_LINE, delete_lines)
    if start == "heading":
        return Fix(MAKE_HEADING, _make_heading)
    if start == "block":
        return name_block(lines[first_line + number - 1])
    # All lines of the list at once.
    same = {"number"} if start == "number" else {"bullet", "tight", "wide gap", "dash"}
    indexes = [index for index, other in enumerate(starts) if other in same]
    is_after_text = indexes[0] > 0

    def change(text: str) -> str:
        rows = text.split("\n")
        for count, index in enumerate(indexes, start=1):
            mark = f"{count}." if start == "number" else "-"
            rows[index - indexes[0]] = f"{mark} {_strip_list_mark(rows[index - indexes[0]], start)}"
        return ("\n" if is_after_text else "") + "\n".join(rows)

    return Fix(MAKE_LIST, change, first_line + indexes[0], first_line + indexes[-1])


def _make_heading(text: str) -> str:
    match = HEADING_LIKE.match(text)
    if not match:
        return text
    level = min(max(len(match[2]), SECTION_LEVEL), MAX_HEADING_LEVEL)
    return f"{'#' * level} {match[3].strip(SPACES_AND_INVISIBLE)}"


def _strip_list_mark(text: str, start: str) -> str:
    if start == "number" and (number := NUMBERED_LINE.match(text)):
        return text[number.end() :].lstrip(SPACES)
    if bullet := BULLET_LIKE.match(text):
        return text[bullet.end() :].lstrip(SPACES)
    return text.lstrip(SPACES).removeprefix("o").lstrip(SPACES)


def _find_letter_o_bullets(visible: list[str]) -> list[str]:
    """Return "bullet" for each line with an "o" typed as a bullet, otherwise "".

    In Spanish, "o" is also a word: only two or more such lines in a row count, at the start of the paragraph or after
    a colon.
    """
    bullets = [""] * len(visible)
    for is_marked, run in groupby(range(len(visible)), lambda number: bool(LETTER_O_BULLET.match(visible[number]))):
        numbers = list(run)
        first = numbers[0]
        if is_marked and len(numbers) > 1 and (first == 0 or visible[first - 1].rstrip().endswith(":")):
            bullets[first : first + len(numbers)] = ["bullet"] * len(numbers)
    return bullets


def _classify_line_start(text: str) -> str:
    """Return the kind of element that a line seems to start, or ""."""
    if THEMATIC_BREAK_LIKE.match(text.strip()):
        return "rule"
    if (hashes := HEADING_LIKE.match(text)) and hashes[2]:
        return "heading"
    if BLOCK_LIKE.match(text.strip(SPACES_AND_INVISIBLE)):
        return "block"
    if bullet := BULLET_LIKE.match(text):
        return _classify_bullet(bullet)
    return "number" if (number := NUMBERED_LINE.match(text)) and _is_list_number(number) else ""


def _classify_bullet(bullet: re.Match[str]) -> str:
    sign, gap, next_character = bullet[2], bullet[3], bullet[4]
    if bullet[1]:
        return "bullet"
    if not gap:
        # "-5", "+1 303", "—Hola", and "*word*" are not list items.
        return "tight" if sign in "-+" and (next_character.isalpha() or next_character == PLACEHOLDER) else ""
    if sign in "-+*":
        return "wide gap" if gap.strip(" \t") else "dash"
    return "dash" if sign == "–" else ""


def _is_list_number(number: re.Match[str]) -> bool:
    """Return whether the match is a list number: not "1.5", "5-year", "a.m.", "2.º", or the end of "in 2019. Then"."""
    if ORDINAL_OR_VERSION.match(number.string, number.start(2)):
        return False
    return bool(number[3] or number[4]) or (number[1].isdigit() and number[5].isalpha())


def _is_malformed_list_number(text: str) -> bool:
    """Return whether the space after a number is missing, or its period has a space before or a hyphen after it."""
    number = NUMBERED_LINE.match(text)
    return (
        not number
        or not (number[3] or number[4])
        or (number[1].isdigit() and len(f"{number[2]}{number[3].strip()}") > 1)
    )


def _line_start_message(text: str, start: str, *, is_repeated: bool) -> Message:
    if start == "heading":
        return _heading_message(text)
    if start == "rule":
        message = Wording(
            _("“%(text)s” would be shown as typed. Delete it, or put an empty line before ---."),
            _("Patients would see “%(text)s” as typed. Delete it."),
        )
        return fill(message, text=text.strip()[:20])
    if start == "block":
        message = Wording(
            _("“%(text)s” is not a block. A block begins with ::: and a space: ::: note."),
            _("Patients would see “%(text)s” as typed. Delete it, and insert the block from the Insert menu."),
        )
        return fill(message, text=make_excerpt(text.strip(), 0, 40))
    if start in {"bullet", "tight", "wide gap"} or (start == "dash" and is_repeated):
        return Wording(
            _("This line is not a list entry. Start each entry on its own line with a hyphen and one space: - entry."),
            _("This looks like a list but is not one. Make it a list."),
        )
    if start == "number" and (is_repeated or _is_malformed_list_number(text)):
        return Wording(
            _(
                "This line is not a list entry. Put an empty line before the list, start it with 1, and put a period "
                "and one space after each number: 1. entry."
            ),
            _("This looks like a numbered list but is not one. Make it a numbered list."),
        )
    return ""


def _heading_message(text: str) -> Message:
    match = HEADING_LIKE.match(text)
    if not match:
        return ""
    before, hashes, rest = match.groups()
    values = {"signs": hashes, "wanted": max(2, len(hashes)) * "#"}
    if "＃" in hashes:
        return fill(
            Wording(
                _("“%(signs)s” contains a full-width ＃. Type ## with the # key."),
                _(
                    "Patients would see the signs before this line. Delete them, and choose a heading in the "
                    "style menu."
                ),
            ),
            **values,
        )
    if len(hashes) == 1 and not before and not (rest[:1].isalpha() or rest[:1] in SPACES_AND_INVISIBLE):
        return ""  # "#1" is a number
    if not rest.strip() and not before:
        return ""
    if len(hashes) > MAX_HEADING_LEVEL:
        return HEADING_TOO_DEEP_MESSAGE
    if before or rest[:1] in " \t":
        message = Wording(
            _("The characters before %(signs)s keep this line from being a heading. Start the line with %(wanted)s."),
            _("Patients would see the signs in this line. Delete them, and choose a heading in the style menu."),
        )
    elif rest[:1] in SPACES_AND_INVISIBLE:
        message = Wording(
            _(
                "The space after %(signs)s is a special one, so this is not a heading. Type a regular space: "
                "%(wanted)s Text."
            ),
            _("Patients would see the signs before this line. Delete them, and choose a heading in the style menu."),
        )
    else:
        message = Wording(
            _("Put a space after %(signs)s to make this line a heading: %(wanted)s Heading."),
            _("Patients would see the signs before this line. Delete them, and choose a heading in the style menu."),
        )
    return fill(message, **values)


def _about(match: re.Match[str], message: Message, **values: object) -> Message:
    """Return ``message`` with the matched text as the value ``text``."""
    return fill(message, text=make_excerpt(match.string, *match.span()), **values)


def _check_prompts(line: str, _context: RenderContext) -> LineResults:
    """Find template prompts and new-block placeholders that still need to be replaced."""
    if PROMPT.fullmatch(line):
        message = _("Replace “%(text)s” with your own words, or delete the line.")
        yield fill(message, text=line.strip()), Fix(DELETE_LINE, delete_lines)


def _check_braces(line: str, context: RenderContext) -> LineResults:
    rest = line
    for match in markup.BRACED_WORDS.finditer(line):
        rest = rest.replace(match[0], PLACEHOLDER)
        inside = match[1].strip()
        if "@" in inside or PLACEHOLDER in inside:
            continue
        if inside.startswith(("#", ".")):
            message = Wording(
                _(
                    "“%(text)s” is not a section address. Put it at the end of a heading, and use only lowercase "
                    "letters, digits and single hyphens: ## When to call {#when-to-call}. To fold the section, write "
                    "{#when-to-call .folded}."
                ),
                _("Patients would see “%(text)s” as typed. Delete it. A section address can only follow a heading."),
            )
            yield _about(match, message)
        else:
            yield context.unknown_value_message(match[1]), context.unknown_value_fix(match[1])
    if DOUBLE_BRACE.search(line):
        fix = Fix(_("Use one pair"), substitute(r"\{+\s*(\{[a-z._]+\})\s*\}+", r"\1"))
        yield (
            Wording(
                _("Use one pair of braces around a clinic value: {clinic.phone}, not {{clinic.phone}}."),
                _("Patients would see the braces around the clinic’s details. Delete the braces."),
            ),
            fix,
        )
    if hit := markup.UNCLOSED_BRACE.search(rest):
        yield _about(
            hit,
            Wording(
                _("Close the brace: add } at the end of “%(text)s”."),
                _(
                    "Patients would see “%(text)s” as typed. Delete it; to show a phone number or our hours, "
                    "choose it in the Insert menu."
                ),
            ),
        )
        rest = rest.replace(hit[0], PLACEHOLDER)
    if hit := markup.BARE_CLINIC_VALUE.search(rest):
        yield _typed_value(hit[0])
    if hit := markup.FULLWIDTH_BRACE.search(rest):
        fix = Fix(_("Use regular braces"), lambda text: text.translate(str.maketrans("｛｝", "{}")))
        yield (
            _about(
                hit,
                Wording(
                    _("“%(text)s” contains full-width braces. Type { and } on the keyboard."),
                    _("Patients would see the braces in “%(text)s”. Delete them."),
                ),
            ),
            fix,
        )


def _typed_value(name: str) -> tuple[Message, Fix]:
    """Return the message and the correction for the name of a clinic value that is shown as typed."""
    value = name.casefold()
    message = fill(TYPED_VALUE_MESSAGE, name=name, value=value, label=CLINIC_VALUE_NAMES[value])
    return message, insert_value_fix(value, name)


def _check_escaped(literal: str, visible: str) -> Iterator[tuple[Message, Fix | None]]:
    """Find clinic values and blocks that were typed in the visual editor, which escapes them.

    ``literal``: the line with escaped characters, which ``visible`` lacks.
    """
    if (hit := markup.BARE_CLINIC_VALUE.search(literal)) and hit[0] not in visible:
        yield _typed_value(hit[0])
    text = literal.strip(SPACES_AND_INVISIBLE)
    if text.startswith(":::") and not markup.BLOCK_FENCE.search(visible):
        message = Wording(
            _("“%(text)s” would be shown as typed. Delete the backslash before it, or the line."),
            _("Patients would see “%(text)s” as typed. Delete it, and insert the block from the Insert menu."),
        )
        yield fill(message, text=make_excerpt(text, 0, len(text))), _escaped_block_fix(text)


def _escaped_block_fix(text: str) -> Fix:
    """Return the correction for an escaped block: the block if it is one line, otherwise deletion."""
    name, *options = text.strip(":").split() or [""]
    block_type = get_block_types().get(name)
    if block_type is None or block_type.content != Content.NOTHING or block_type.is_retired:
        return Fix(DELETE_LINE, delete_lines)
    label = interpolate_lazy(_("Insert the block “%(name)s”"), name=block_type.label)
    return Fix(label, lambda _text: " ".join([":::", name, *options]))


def _check_citations(line: str, context: RenderContext) -> LineResults:
    for match in markup.CITATION_LIKE.finditer(line):
        yield _citation_message(match, context), _citation_fix(match, context)
    rest = markup.CITATION_LIKE.sub(PLACEHOLDER, line)
    for match in markup.CITATION_IN_PARENTHESES.finditer(rest):
        if _find_similar_source(match[1] or match[2], context):
            yield _citation_message(match, context), _citation_fix(match, context)
    if DOUBLE_BRACKET.search(line):
        fix = Fix(_("Use one pair"), substitute(r"\[\s?(\[@[^\]\n]+\])\s?\]", r"\1"))
        yield (
            Wording(
                _("Use one pair of brackets around a citation: [@key], not [[@key]]."),
                _("Patients would see brackets around this citation. Delete the brackets."),
            ),
            fix,
        )
    for match in BRACKETED_KEY.finditer(rest):
        if match[1] in context.resolver.list_keys("source"):
            message = Wording(
                _("“%(text)s” is not a citation. Write %(citation)s."),
                _("Patients would see “%(text)s” as typed. Delete it, and insert the citation."),
            )
            citation = f"[@{match[1]}]"
            fix = Fix(_("Insert the citation"), replace_first(match[0], citation))
            yield fill(message, text=match[0], citation=citation), fix
    if hit := markup.FOOTNOTE.search(rest):
        yield _about(
            hit,
            Wording(
                _("Footnotes such as “%(text)s” do not work here. Cite a source with [@key]."),
                _("Patients would see “%(text)s” as typed. Delete it, and insert a citation."),
            ),
        )


def _find_similar_source(key: str, context: RenderContext) -> str:
    names = context.resolver.list_keys("source")
    return find_closest(key.casefold(), names)


def _similar_citation(match: re.Match[str], context: RenderContext) -> str:
    """Return the citation that was probably meant, or ""."""
    closest = [_find_similar_source(key, context) for key in re.findall(r"[\w-]+", match[0])]
    return f"[{'; '.join(f'@{key}' for key in closest)}]" if closest and all(closest) else ""


def _citation_fix(match: re.Match[str], context: RenderContext) -> Fix | None:
    citation = _similar_citation(match, context)
    return Fix(_("Insert the citation"), replace_first(match[0], citation)) if citation else None


def _citation_message(match: re.Match[str], context: RenderContext) -> Message:
    if citation := _similar_citation(match, context):
        return _about(
            match,
            Wording(
                _("“%(text)s” is not a citation. Write %(citation)s."),
                _("Patients would see “%(text)s” as typed. Delete it, and insert the citation."),
            ),
            citation=citation,
        )
    message = Wording(
        _("“%(text)s” is not a citation. Write [@key], with the key of a source and no spaces."),
        _("Patients would see “%(text)s” as typed. Delete it, and insert a citation."),
    )
    return _about(match, message)


def _check_links(line: str, _context: RenderContext) -> LineResults:
    for match in UNPARSED_LINK.finditer(line):
        if line[: match.start()].rfind("![") > line[: match.start()].rfind("]"):
            yield PICTURE_BLOCK_MESSAGE
        elif match[2]:
            message = Wording(
                _(
                    "“%(href)s” is not an address. Links start with https:// and contain no spaces; for pages of this "
                    "site, write page:subject."
                ),
                _(
                    "“%(href)s” is not a web address. Add the link again: choose a page, or paste an address "
                    "that starts with https://."
                ),
            )
            yield fill(message, href=match[1])
        else:
            yield _about(
                match,
                Wording(
                    _("Close the link: add ) after its address, with no spaces in it (“%(text)s”)."),
                    _("Patients would see “%(text)s” as typed. Delete it, and add the link again."),
                ),
            )
    for pattern in (SPACED_LINK, REVERSED_LINK):
        if hit := pattern.search(line):
            message = Wording(
                _("“%(text)s” is not a link. Write [words](page:subject) with nothing between ] and (."),
                _("Patients would see “%(text)s” as typed. Delete it, and add the link again."),
            )
            fix = Fix(_("Delete the space"), substitute(rf"\][{SPACES}]+\(\s?(?={LINK_START})", "]("))
            yield _about(hit, message), fix if pattern is SPACED_LINK else None
    if hit := REFERENCE_LINK.search(line):
        yield _about(
            hit,
            Wording(
                _("“%(text)s” is not a link. Put the address after the words: [words](page:subject)."),
                _("Patients would see “%(text)s” as typed. Delete it, and add the link again."),
            ),
        )
    if TASK_LIST_MARKER.match(line):
        yield Wording(
            _("Checkboxes such as [ ] do not work here. Put the list in a ::: checklist block."),
            _("Patients would see the brackets as typed. Delete them, and insert a checklist."),
        )


def _check_bare_urls(outside: str) -> Iterator[Message]:
    """Find URLs that are not links."""
    if "](" in outside or SPACED_LINK.search(outside) or REVERSED_LINK.search(outside):
        return
    if match := markup.HTTP_URL.search(outside):
        yield _about(
            match,
            Wording(
                _("“%(text)s” is not a link. Write [words that say where it leads](https://…)."),
                _(
                    "Patients could not click “%(text)s”. Write words that say where it leads, and add the link "
                    "to them."
                ),
            ),
        )
    elif match := markup.PAGE_LINK.search(outside):
        yield _about(
            match,
            Wording(
                _("“%(text)s” is not a link. Write [words](page:subject)."),
                _("Patients would see “%(text)s” as typed. Delete it, and add a link to the page."),
            ),
        )


def _check_other_markup(line: str, _context: RenderContext) -> LineResults:
    """Find HTML and the markup of other dialects."""
    if match := markup.HTML_TAG.search(markup.HTTP_URL.sub(PLACEHOLDER, line)):
        message: Message = Wording(
            _("HTML such as “%(text)s” would be shown as typed. Delete it; for bold write **words**."),
            _("Patients would see the computer code in “%(text)s”. Delete it."),
        )
        yield _about(match, message), Fix(DELETE_CHARACTERS, substitute(markup.HTML_TAG, ""))
    if match := markup.ENTITY.search(line):
        fix = Fix(_("Use the character"), lambda text: markup.ENTITY.sub(lambda entity: unescape(entity[0]), text))
        yield _about(match, _("“%(text)s” would be shown as typed. Type the character itself.")), fix
    if match := markup.BLOCK_FENCE.search(line):
        message = Wording(
            _(
                "“%(text)s” does not begin a block here. Begin a block on its own line with ::: and a space, typed "
                "with regular characters."
            ),
            _("Patients would see the colons as typed. Delete them, and insert the block from the Insert menu."),
        )
        yield _about(match, message)
    if match := HASHES_IN_LINE.search(line):
        fix = Fix(MAKE_HEADING, substitute(HASHES_IN_LINE, lambda hashes: f"\n\n{hashes[0].strip(SPACES)} "))
        yield (
            _about(
                match,
                Wording(
                    _("“%(text)s” is not a heading. Start a heading on its own line."),
                    _("Patients would see the number signs in “%(text)s”. Put the heading on a line of its own."),
                ),
            ),
            fix,
        )
    if (position := line.find("\\")) >= 0:
        message = Wording(
            _("The backslash in “%(text)s” would be shown as typed. Delete it."),
            _("Patients would see the backslash in “%(text)s”. Delete it."),
        )
        fix = Fix(DELETE_CHARACTERS, replace_once(line[position : position + 2], line[position + 1 : position + 2]))
        yield fill(message, text=make_excerpt(line, position, position + 1)), fix
    if (position := line.find("`")) >= 0:
        message = Wording(
            _("The ` in “%(text)s” would be shown as typed. Write “ ” or ’ instead."),
            _("Patients would see the accent mark in “%(text)s”. Use ’ or quotation marks instead."),
        )
        fix = Fix(_("Use ’"), substitute("`", "’"))
        yield fill(message, text=make_excerpt(line, position, position + 1)), fix
    if match := PRIVATE_USE_CHARACTER.search(line):
        message = _(
            "The character U+%(code)s exists in only one font, so patients would see a box. Use a different character."
        )
        yield fill(message, code=f"{ord(match[0]):04X}")
    if match := markup.FOREIGN_MARKUP.search(line):
        message = _("“%(text)s” would be shown as typed: this markup does not work here. Use plain words instead.")
        yield _about(match, message)


def _check_patient_data(line: str, context: RenderContext) -> LineResults:
    """Find data that identify a patient, which can get into a text with a paste."""
    pattern = get_language(context.resolver.language).patient_data
    if pattern and (match := re.search(pattern, line, re.IGNORECASE)):
        message = _(
            "“%(text)s” looks like information about a patient, and this page will be public. Delete it, and any name "
            "next to it."
        )
        yield fill(message, text=match[0]), Fix(DELETE_CHARACTERS, replace_once(match[0], ""))


LINE_CHECKS: tuple[Callable[[str, RenderContext], LineResults], ...] = (
    _check_prompts,
    _check_braces,
    _check_citations,
    _check_links,
    _check_other_markup,
    _check_patient_data,
)


def _check_emphasis(visible: list[str], line: int, *, has_note_reference: bool, has_note: bool) -> LintResults:
    """Find ``*`` and ``_`` that the parser left unparsed in a paragraph."""
    text = "\n".join(markup.EMAIL.sub(_mask_match, markup.HTTP_URL.sub(_mask_match, row)) for row in visible)
    for pattern, leftover in ((STAR_RUN, _star_message), (UNDERSCORE_RUN, _underscore_message)):
        for run in pattern.finditer(text):
            if run.start() == 0 and run[0] == "*" and has_note_reference:
                continue
            if run[0] == "*" and text[run.start() - 1 : run.start()] == PLACEHOLDER and not has_note:
                message = Wording(
                    _(
                        "The * in “%(text)s” is unmatched. Delete it, or put the same number of * before and after the "
                        "words."
                    ),
                    _(
                        "Patients would see the stars in “%(text)s”. Delete them; to stress words, select them and "
                        "make them bold."
                    ),
                )
                yield line + text.count("\n", 0, run.start()), _about(run, message), _emphasis_fix(run)
                continue
            if sentence := leftover(run, text):
                yield line + text.count("\n", 0, run.start()), sentence, _emphasis_fix(run)
    if match := SPACED_STARS.search(text):
        message = Wording(
            _("Delete the space after * in “%(text)s”: *words*."),
            _(
                "Patients would see the stars in “%(text)s”. Delete them; to stress words, select them and "
                "make them bold."
            ),
        )
        fix = Fix(_("Delete the space"), replace_once(match[0], f"*{match[0][1:].lstrip(SPACES)}"))
        yield line + text.count("\n", 0, match.start()), _about(match, message), fix


def _emphasis_fix(run: re.Match[str]) -> Fix:
    """Return the correction for unmatched emphasis characters: remove the spaces inside the pair, or remove the
    characters.
    """
    signs = re.escape(run[0])
    spaced = re.compile(rf"{signs}[{SPACES}]+([^*_\n]*[^*_\s])[{SPACES}]+{signs}")

    def change(text: str) -> str:
        if spaced.search(text):
            return spaced.sub(rf"{run[0]}\1{run[0]}", text)
        return replace_once(run[0], "")(text)

    return Fix(DELETE_CHARACTERS, change)


def _mask_match(match: re.Match[str]) -> str:
    return PLACEHOLDER * len(match[0])


def _star_message(run: re.Match[str], text: str) -> Message:
    before, after = _adjacent_characters(run, text)
    if len(run[0]) == 1:
        # "5 * 3", "5*3", and "price*" contain a literal asterisk.
        is_open = not after.isspace() and (before.isspace() or before in "([{\"'“‘«¿¡-–—/:")
        return _unclosed_emphasis_message(run, "*") if is_open else ""
    if before.isspace() and after.isspace() and _is_between_numbers(run, text):
        return ""
    return _bold_message(run, before, after)


def _bold_message(run: re.Match[str], before: str, after: str) -> Message:
    signs = run[0][:2]
    if before.isspace() and after.isspace():
        message = Wording(
            _("Delete the spaces inside %(signs)s: **words**, not ** words ** (“%(text)s”)."),
            _(
                "Patients would see the signs in “%(text)s”. Delete them; to stress words, select them and "
                "make them bold."
            ),
        )
    elif not before.isspace() and (after.isspace() or not after.isalnum()):
        message = Wording(
            _(
                "The %(signs)s in “%(text)s” does not close anything. Put ** before the first bold word of this "
                "paragraph, with no space after it, or delete it."
            ),
            _(
                "Patients would see the signs in “%(text)s”. Delete them; to stress words, select them and "
                "make them bold."
            ),
        )
    elif before.isspace() or not before.isalnum():
        message = Wording(
            _("Close the bold: add %(signs)s after its last word, in the same paragraph (“%(text)s”)."),
            _(
                "Patients would see the signs in “%(text)s”. Delete them; to stress words, select them and "
                "make them bold."
            ),
        )
    else:
        message = Wording(
            _("The %(signs)s in “%(text)s” is unmatched. Put ** right before and right after the bold words."),
            _(
                "Patients would see the signs in “%(text)s”. Delete them; to stress words, select them and "
                "make them bold."
            ),
        )
    return _about(run, message, signs=signs)


def _unclosed_emphasis_message(run: re.Match[str], sign: str) -> Message:
    message = (
        Wording(
            _(
                "Close the emphasis: add %(sign)s after its last word, in the same paragraph (“%(text)s”). To "
                "show the character itself, write \\*."
            ),
            _("Patients would see the sign in “%(text)s”. Delete it; to stress words, select them and make them bold."),
        )
        if sign == "*"
        else Wording(
            _("Close the emphasis: add %(sign)s after its last word, in the same paragraph (“%(text)s”)."),
            _("Patients would see the sign in “%(text)s”. Delete it; to stress words, select them and make them bold."),
        )
    )
    return _about(run, message, sign=sign)


def _underscore_message(run: re.Match[str], text: str) -> Message:
    before, after = _adjacent_characters(run, text)
    length = len(run[0])
    if length > 2 or (length == 1 and before.isalnum() and after.isalnum()):
        return ""  # a fill-in line, or A_B
    if length == 2 and before.isalnum() and after.isalnum():
        return _about(
            run,
            Wording(
                _("Underscores inside a word are shown as typed (“%(text)s”). Write **bold** with asterisks."),
                _(
                    "Patients would see the underscores in “%(text)s”. Delete them; to stress words, select "
                    "them and make them bold."
                ),
            ),
        )
    if length == 1:
        is_open = not before.isalnum() and before != PLACEHOLDER and (after.isalnum() or after in '*[(“"')
        return _unclosed_emphasis_message(run, "_") if is_open else ""
    return _bold_message(run, before, after) if not (before.isspace() and after.isspace()) else ""


def _adjacent_characters(run: re.Match[str], text: str) -> tuple[str, str]:
    return text[run.start() - 1 : run.start()] or " ", text[run.end() : run.end() + 1] or " "


def _is_between_numbers(run: re.Match[str], text: str) -> bool:
    return text[: run.start()].rstrip()[-1:].isdigit() and text[run.end() :].lstrip()[:1].isdigit()
