"""Section addresses that survive a heading's rewording: the old one leads to where its words stand now."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from django.utils.html import strip_tags

from procedures.markdown.headings import TAKEN
from procedures.models import Release

HEADING = re.compile(r'<h([234])(?:\s[^>]*)?\sid="([^"]+)"[^>]*>(.*?)</h\1>', re.DOTALL)
ALIKE = 0.5  # share of common words from which on a section counts as the same one, reworded


@dataclass(frozen=True)
class _Section:
    anchor: str
    html: str

    @cached_property
    def words(self) -> list[str]:
        """Title and text. Most sections are never asked for them."""
        return strip_tags(self.html).split()


def old_anchors(before: Release | None, html: str) -> dict[str, str]:
    """Every section address that ``before`` had and ``html`` has not, with the section that stands for it now.

    Addresses that ``before`` kept from still earlier releases are among them. Empty where nothing was lost.
    """
    if before is None:
        return {}
    now, then = _sections(html), _sections(before.html)
    present = {section.anchor for section in now}
    if not present:
        return {}
    heirs = _heirs(then, now)
    known = {**{section.anchor: section.anchor for section in then}, **before.old_anchors}
    return {
        old: target if target in present else heirs[target]
        for old, target in known.items()
        if old not in present and (target in present or target in heirs)
    }


def _sections(html: str) -> list[_Section]:
    """Sections that the author named, in order."""
    found = list(HEADING.finditer(html))
    ends = [*(match.start() for match in found), len(html)][1:]
    return [
        _Section(match[2], f"{match[3]} {html[match.end() : end]}")
        for match, end in zip(found, ends, strict=True)
        if not TAKEN.match(match[2])
    ]


def _heirs(then: list[_Section], now: list[_Section]) -> dict[str, str]:
    """For each section that is gone: the new one with the same words, else the one in its place or just before it."""
    old, new = [section.anchor for section in then], [section.anchor for section in now]
    fresh = [section for section in now if section.anchor not in old]
    heirs: dict[str, str] = {}
    for kind, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind not in {"replace", "delete"}:
            continue
        for index in range(start, end):
            if old[index] in new:  # it only moved
                continue
            in_place = min(new_start + index - start, new_end - 1) if kind == "replace" else new_start - 1
            heirs[old[index]] = _reworded(then[index], fresh) or new[max(0, in_place)]
    return heirs


def _reworded(section: _Section, fresh: list[_Section]) -> str:
    """Anchor of the new section that has most of these words, or nothing."""
    alike = [
        (SequenceMatcher(None, section.words, other.words, autojunk=False).ratio(), other.anchor) for other in fresh
    ]
    best, anchor = max(alike, default=(0.0, ""))
    return anchor if best >= ALIKE else ""
