"""Markdown as text to read, for screens that show what changed to people who never see Markdown."""

import re
from collections.abc import Callable

from procedures.rendering.blocks import block_label
from procedures.rendering.context import CLINIC_VALUE_NAMES
from procedures.rendering.wording import HEADING_STYLES
from procedures.revisions.diff import diff_inline

ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
# Escaped signs are replaced by private-use characters until all markup is gone.
ESCAPE_OFFSET = 0xE100
BLOCK = re.compile(r"^[ \t]*:::[ \t]*([a-z][a-z-]*)?[ \t]*(.*)$", re.MULTILINE)
HEADING = re.compile(r"^[ \t]*(#{1,6})[ \t]+(.*?)[ \t]*(?:\{#[^}\n]*\})?[ \t]*$", re.MULTILINE)
BULLET = re.compile(r"^([ \t]*)[-*+][ \t]+", re.MULTILINE)
TABLE_LINE = re.compile(r"^[ \t]*\|?[ \t]*:?-{3,}:?[ \t]*(?:\|[ \t]*:?-{3,}:?[ \t]*)*\|?[ \t]*\n?", re.MULTILINE)
TABLE_ROW = re.compile(r"^[ \t]*\|(.*)\|[ \t]*$", re.MULTILINE)
LINK = re.compile(r"!?\[([^\]\n]*)\]\(<?([^)\s>]*)>?[^)\n]*\)")
CITATION = re.compile(r"\[@([^\]\n]+)\]")
VALUE = re.compile(r"\{(clinic\.[a-z_]+)\}")
EMPHASIS = re.compile(r"(\*{1,3}|(?<!\w)_{1,3})(?=\S)(.+?)(?<=\S)\1")
QUOTE = re.compile(r"^[ \t]*>[ \t]?", re.MULTILINE)


def to_reading_text(markdown: str) -> str:
    """Return a Markdown text, or a part of one, without markup, line by line."""
    text = ESCAPE.sub(lambda match: chr(ESCAPE_OFFSET + ord(match[1])), markdown)
    text = BLOCK.sub(lambda match: _name_block(match[1], match[2]), text)
    text = HEADING.sub(lambda match: f"{_name_heading(len(match[1]))}: {match[2]}", text)
    text = QUOTE.sub("", TABLE_LINE.sub("", BULLET.sub(r"\1• ", text)))
    text = TABLE_ROW.sub(lambda match: " – ".join(cell.strip() for cell in match[1].split("|")), text)
    text = LINK.sub(lambda match: f"{match[1]} (→ {match[2].removeprefix('page:')})", text)
    text = CITATION.sub(lambda match: f"({match[1].replace('@', '')})", text)
    text = VALUE.sub(lambda match: f"({CLINIC_VALUE_NAMES.get(match[1], match[1])})", text)
    text = EMPHASIS.sub(r"\2", text)
    return re.sub(r"[\ue120-\ue17f]", lambda match: chr(ord(match[0]) - ESCAPE_OFFSET), text)


def diff_for_reading(old: str, new: str) -> list[tuple[str, str]]:
    """Compare two Markdown texts without their markup (``diff_inline``). If only markup differs, show it after all."""
    before, after = to_reading_text(old), to_reading_text(new)
    return diff_inline(before, after) if before != after or old == new else diff_inline(old, new)


def diff_function(field: str) -> Callable[[str, str], list[tuple[str, str]]]:
    """Return the comparison for a field of a page: only the body is Markdown."""
    return diff_for_reading if field == "body" else diff_inline


def _name_block(name: str | None, options: str) -> str:
    if not name:
        return ""
    label = str(block_label(name)).partition(",")[0]
    return f"[{label}: {options}]" if options else f"[{label}]"


def _name_heading(level: int) -> str:
    return str(HEADING_STYLES[min(max(level, 2), 4)])
