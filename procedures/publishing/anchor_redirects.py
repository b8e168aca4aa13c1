"""Section addresses follow the section, not its heading: a link once sent opens the same words in every later release.

A release is compared with the one before it. Sections are matched by their words and order; an address stays with the
section that continues the one it was published for. A new section whose heading would take such an address gets another
one. The result is stored with the release, so that rendering it again gives the same HTML.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property
from html import unescape
from itertools import pairwise
from typing import Any

from django.utils.html import strip_tags

from procedures.models import Page, Release
from procedures.rendering import ReferenceResolver, RenderedPage, render_page
from procedures.rendering.parser import (
    GENERATED_ANCHOR,
    HEADING_HTML,
    PAGE_ELEMENT_IDS,
    avoid_reserved_anchor,
    iter_anchor_candidates,
)

# From this likeness on, a section continues another. The text counts more than the heading.
MIN_SIMILARITY = 0.35
# A section whose words are mostly found in another one was merged into it. Few words are found anywhere.
MIN_MERGED_SHARE, MIN_MERGED_PAIRS = 0.6, 4
# What the page adds below the author's text.
AFTER_BODY = re.compile(r'</div>\s*(?=<[a-z]+ class="(?:ask-us|next-step|page-words|sources)["\s]|</article>)')
TEXT_WEIGHT, TITLE_WEIGHT = 0.7, 0.3


@dataclass(frozen=True)
class AnchorPlan:
    """Where the section addresses of a new release lead."""

    # Heading addresses derived from the text alone that must change, each with its replacement.
    anchor_renames: dict[str, str] = field(default_factory=dict)
    # Addresses that no heading has any more, each with the section it leads to; empty for the top of the page.
    old_anchors: dict[str, str] = field(default_factory=dict)
    # Those whose section is gone, each with the last address that section had. It may come back.
    lost_anchors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Section:
    level: int
    anchor: str
    title: str
    text: str

    @cached_property
    def word_counts(self) -> Counter[tuple[str, ...]]:
        """Words and pairs of neighbors: unrelated texts share words, but hardly any pairs."""
        return _count_words(self.text)

    @cached_property
    def title_word_counts(self) -> Counter[tuple[str, ...]]:
        """The same of the heading."""
        return _count_words(self.title)


def _count_words(text: str) -> Counter[tuple[str, ...]]:
    found = text.casefold().split()
    return Counter([*zip(found), *pairwise(found)])


def render_draft(
    page: Page, content: dict[str, Any], *, library: ReferenceResolver | None = None, with_lines: bool = False
) -> RenderedPage:
    """A draft as it would be released next, with the section addresses that it would have."""
    return render_with_anchor_plan(page, content, library=library, with_lines=with_lines)[0]


def render_with_anchor_plan(
    page: Page, content: dict[str, Any], *, library: ReferenceResolver | None = None, with_lines: bool = False
) -> tuple[RenderedPage, AnchorPlan]:
    """A draft rendered after this page's last release, and what became of that release's section addresses."""
    library = library or ReferenceResolver(page.language)
    rendered = render_page(content, kind=page.kind, resolver=library, with_line_comments=with_lines)
    before = page.releases.order_by("-number").first() if page.pk else None
    plan = plan_anchors(before, rendered)
    if plan.anchor_renames or plan.old_anchors:
        rendered = render_page(
            content,
            kind=page.kind,
            resolver=library,
            anchor_renames=plan.anchor_renames,
            old_anchors=plan.old_anchors,
            with_line_comments=with_lines,
        )
    return rendered, plan


def plan_anchors(
    previous: Release | None, rendered: RenderedPage, earlier_releases: Iterable[Release] | None = None
) -> AnchorPlan:
    """Match the sections of a text, rendered without a plan, with those of the release before it.

    ``earlier``: that release and those before it, newest first, where they are not stored.
    """
    if previous is None:
        return AnchorPlan()
    if earlier_releases is None:
        earlier_releases = previous.page.releases.filter(number__lte=previous.number).order_by("-number")
    wanted = dict(rendered.heading_anchors)
    then = _extract_sections(previous.html)
    now = [section for section in _extract_sections(rendered.html) if section.anchor in wanted]
    follows = _match_sections(then, now)
    targets = _resolve_targets(previous, then, now, follows)
    lost = dict(previous.lost_anchors)
    for old, section in enumerate(then):
        if old not in follows:
            own = {name for name, target in previous.old_anchors.items() if target == section.anchor}
            lost |= dict.fromkeys({section.anchor, *own}, section.anchor)
    for name, place in _find_returned_sections(now, wanted, follows, lost, earlier_releases).items():
        targets |= dict.fromkeys([former for former, last in lost.items() if last == lost[name]], place)
    finals = _assign_anchors(now, wanted, targets)
    used = set(finals)
    return AnchorPlan(
        anchor_renames={
            section.anchor: final for section, final in zip(now, finals, strict=True) if section.anchor != final
        },
        old_anchors={
            name: "" if target is None else finals[target] for name, target in targets.items() if name not in used
        },
        lost_anchors={name: last for name, last in lost.items() if name not in used},
    )


def _extract_sections(html: str) -> list[_Section]:
    """Sections that the author named, in order."""
    html = AFTER_BODY.split(html, maxsplit=1)[0]
    found = list(HEADING_HTML.finditer(html))
    ends = [*(match.start() for match in found), len(html)][1:]
    return [
        _Section(int(match[1]), match[2], _to_text(match[3]), _to_text(html[match.end() : end]))
        for match, end in zip(found, ends, strict=True)
        if not GENERATED_ANCHOR.match(match[2])
    ]


def _to_text(html: str) -> str:
    return " ".join(unescape(strip_tags(html)).split())


def _match_sections(old_sections: list[_Section], new_sections: list[_Section]) -> dict[int, int]:
    """Which section of ``now`` continues which of ``then``, by their places."""
    before, after = (
        [(section.title, section.text) for section in sections] for sections in (old_sections, new_sections)
    )
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    # What did not change keeps its order; so equal sections are not taken for each other.
    follows = {block.a + step: block.b + step for block in matcher.get_matching_blocks() for step in range(block.size)}
    taken = set(follows.values())
    scored = sorted(
        (-_similarity(old_sections[old], new_sections[new]), abs(old - new), old, new)
        for old in range(len(old_sections))
        for new in range(len(new_sections))
        if old not in follows and new not in taken
    )
    for score, _, old, new in scored:
        same_title = old_sections[old].title == new_sections[new].title
        if (-score >= MIN_SIMILARITY or same_title) and old not in follows and new not in taken:
            follows[old] = new
            taken.add(new)
    return follows


def _find_returned_sections(
    new_sections: list[_Section],
    wanted: dict[str, str],
    successors: dict[int, int],
    lost: dict[str, str],
    earlier_releases: Iterable[Release],
) -> dict[str, int]:
    """Lost addresses whose section comes back, each with its place."""
    found: dict[str, int] = {}
    for place, section in enumerate(new_sections):
        name = avoid_reserved_anchor(wanted[section.anchor])
        if name not in lost or name in found or place in successors.values():
            continue
        if _has_returned(section, _find_last_version(lost[name], earlier_releases)):
            found[name] = place
    return found


def _find_last_version(anchor: str, earlier_releases: Iterable[Release]) -> _Section | None:
    """A lost section as the last release that had it shows it."""
    found = (
        section
        for release in earlier_releases
        for section in _extract_sections(release.html)
        if section.anchor == anchor
    )
    return next(found, None)


def _has_returned(section: _Section, lost: _Section | None) -> bool:
    """Whether a new section is the lost one again. The same heading is not enough: it may be about something else."""
    if lost is None:
        return False
    return (
        _overlap(lost.word_counts, section.word_counts) >= MIN_SIMILARITY
        if lost.text or section.text
        else lost.title == section.title
    )


def _similarity(one: _Section, other: _Section) -> float:
    title = _overlap(one.title_word_counts, other.title_word_counts)
    if not one.text and not other.text:
        return title
    return TEXT_WEIGHT * _overlap(one.word_counts, other.word_counts) + TITLE_WEIGHT * title


def _overlap(one: Counter[tuple[str, ...]], other: Counter[tuple[str, ...]]) -> float:
    """Share of what two texts have in common: 0 to 1."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0


def _resolve_targets(
    previous: Release, old_sections: list[_Section], new_sections: list[_Section], successors: dict[int, int]
) -> dict[str, int | None]:
    """Every address known so far, with the place of the section that it leads to now; None is the top of the page."""
    targets: dict[str, int | None] = {}
    for old, section in enumerate(old_sections):
        targets[section.anchor] = successors.get(old, _find_successor(old, old_sections, new_sections, successors))
    for name, target in previous.old_anchors.items():
        targets[name] = targets.get(target)
    return targets


def _find_successor(
    old: int, old_sections: list[_Section], new_sections: list[_Section], successors: dict[int, int]
) -> int | None:
    """For a section that is gone: the one it was merged into, else the section it was a part of, else nothing.

    Text written in its place does not count: a reader of the old address would find different content.
    """
    if (merged := _find_merge_target(old_sections[old], new_sections)) is not None:
        return merged
    level = old_sections[old].level
    for place in range(old - 1, -1, -1):
        if old_sections[place].level < level:
            return (
                successors[place]
                if place in successors
                else _find_successor(place, old_sections, new_sections, successors)
            )
    return None


def _find_merge_target(gone: _Section, new_sections: list[_Section]) -> int | None:
    """The section that holds most of the words of one that is gone, in their order."""
    pairs = Counter({words: count for words, count in gone.word_counts.items() if len(words) > 1})
    if pairs.total() < MIN_MERGED_PAIRS:
        return None
    shares = [
        ((pairs & section.word_counts).total() / pairs.total(), -place) for place, section in enumerate(new_sections)
    ]
    share, place = max(shares, default=(0.0, 0))
    return -place if share >= MIN_MERGED_SHARE else None


def _assign_anchors(
    new_sections: list[_Section],
    wanted: dict[str, str],
    targets: dict[str, int | None],
) -> list[str]:
    """The address of each new section."""
    used = set(PAGE_ELEMENT_IDS)
    finals: list[str] = [""] * len(new_sections)
    # First those that may take an address which is known: none of them may lose it to another.
    for place, section in enumerate(new_sections):
        name = avoid_reserved_anchor(wanted[section.anchor])
        if name in used:
            continue
        if targets.get(name) == place:
            finals[place] = name
            used.add(name)
    for place, section in enumerate(new_sections):
        if not finals[place]:
            finals[place] = _first_free_anchor(wanted[section.anchor], place, targets, used)
            used.add(finals[place])
    return finals


def _first_free_anchor(wanted: str, place: int, targets: dict[str, int | None], taken: set[str]) -> str:
    """The first address for a heading that does not lead to another section."""
    return next(
        name
        for name in iter_anchor_candidates(wanted)
        if name not in taken and (name not in targets or targets[name] == place)
    )
