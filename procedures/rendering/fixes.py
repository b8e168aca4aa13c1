"""Corrections that are safe to apply without reviewing the rest of the text.

Each one belongs to one issue and resolves it. A correction changes whole lines of the Markdown. It is stored as a
function of their text, because the checks work on parsed text, and is resolved only when an editor shows the issue
(``resolve``).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.text import interpolate_lazy
from procedures.markup import SPACES_AND_INVISIBLE, Wording
from procedures.rendering.blocks import block_label, get_block_types

DELETE_LINE = _("Delete the line")
DELETE_CHARACTERS = _("Delete the characters")
MAKE_HEADING = _("Make it a heading")
MAKE_LIST = _("Make it a list")
SECTION_LEVEL, MAX_HEADING_LEVEL = 2, 4
HEADING_TOO_DEEP_MESSAGE = Wording(
    _("A heading can have at most four # signs: ####."),
    _("This heading is too small. Choose “Small heading” in the style menu."),
)
PICTURE_BLOCK_MESSAGE = Wording(
    _("Add a picture with a block: ::: figure, followed by the slug of the picture."),
    _("This picture is not shown. Delete this line, and insert the picture from the Insert menu."),
)
# Minimum length of each half when a long sentence is split.
MIN_CLAUSE_WORDS = 4


@dataclass(frozen=True, slots=True)
class Fix:
    """A correction. ``label`` is its button.

    ``change`` returns the new text of the lines ``line`` to ``end`` from their old text, None to delete them, or the
    old text if it cannot correct it after all. Without ``line``, they are the line of the issue.
    """

    label: str | Promise
    change: Callable[[str], str | None]
    line: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class ResolvedFix:
    """A correction of a known text: the lines ``line`` to ``end``, counted from 1, change from ``old`` to ``text``."""

    label: str
    line: int
    end: int
    old: str
    text: str


def resolve(fix: Fix, issue_line: int, lines: list[str]) -> ResolvedFix | None:
    """Return the correction for the text with these ``lines``; None if it would change nothing."""
    start = fix.line or issue_line
    end = fix.end or start
    if not 1 <= start <= end <= len(lines):
        return None
    old = "\n".join(lines[start - 1 : end])
    new = fix.change(old)
    if new == old:
        return None
    if new is None:
        # Keep the line break of the previous line, so that no empty line is left behind.
        if start > 1:
            start -= 1
            old, new = f"{lines[start - 1]}\n{old}", lines[start - 1]
        elif end < len(lines):
            end += 1
            old, new = f"{old}\n{lines[end - 1]}", lines[end - 1]
        else:
            new = ""
    return ResolvedFix(str(fix.label), start, end, old, new)


def replace_once(old: str, new: str) -> Callable[[str], str]:
    """Replace ``old`` where it occurs exactly once."""
    return lambda text: text.replace(old, new) if text.count(old) == 1 else text


def replace_first(old: str, new: str) -> Callable[[str], str]:
    """Replace the first occurrence of ``old``."""
    return lambda text: text.replace(old, new, 1)


def replace_key(prefix: str, old: str, new: str) -> Callable[[str], str]:
    """Return a function that replaces the record key ``old`` after ``prefix``, but not longer words that contain it."""
    pattern = re.compile(rf"{re.escape(prefix)}(?<![\w-]){re.escape(old)}(?![\w-])")
    return lambda text: pattern.sub(prefix + new, text, count=1)


def substitute(pattern: str | re.Pattern[str], new: str | Callable[[re.Match[str]], str]) -> Callable[[str], str]:
    """Replace every match of ``pattern``."""
    return lambda text: re.sub(pattern, new, text)


def delete_lines(_text: str) -> None:
    """Return None, which makes ``resolve`` delete the lines."""
    return


def name_block(line: str) -> Fix | None:
    """Return the correction of a line that was meant to start a block: the block that its first word names, or deletion
    if it has no words. None for any other word.
    """
    words = line.strip(f"{SPACES_AND_INVISIBLE}:：").casefold().split()
    if not words:
        return Fix(DELETE_LINE, delete_lines)
    if words[0] not in get_block_types():
        return None
    label = interpolate_lazy(_("Insert the block “%(name)s”"), name=block_label(words[0]))
    return Fix(label, lambda _text: f"::: {' '.join(words)}")


def split_sentence(sentence: str, break_pattern: str | None) -> Fix | None:
    """Return the correction that splits a sentence at the clause break nearest to its middle, or None if there is no
    safe break.

    ``break_pattern`` is that of the language (``LanguageDefinition.clause_break``).
    """
    if break_pattern is None:
        return None
    matches = [
        match
        for match in re.finditer(break_pattern, sentence, re.IGNORECASE)
        if min(len(sentence[: match.start()].split()), len(sentence[match.end() :].split())) >= MIN_CLAUSE_WORDS
    ]
    if not matches:
        return None
    middle = len(sentence) / 2
    match = min(matches, key=lambda match: abs(match.start() - middle))
    before = sentence[: match.start()].split()[-1]
    after = sentence[match.end() :].split()[0]
    change = replace_once(f"{before}{match[0]}{after}", f"{before}. {after[:1].upper()}{after[1:]}")
    return Fix(_("Split this sentence"), change)
