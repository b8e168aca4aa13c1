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

from procedures.markdown import Library, RenderedPage, render_page
from procedures.markdown.outline import HEADING_HTML, PAGE_ANCHORS, PAGE_HEADING, candidates, safe_anchor
from procedures.models import Page, Release

# From this likeness on, a section continues another. The text counts more than the heading.
ALIKE = 0.35
# A section whose words are mostly found in another one was merged into it. Few words are found anywhere.
MERGED, MIN_MERGED_PAIRS = 0.6, 4
# What the page adds below the author's text.
BEHIND_BODY = re.compile(r'</div>\s*(?=<[a-z]+ class="(?:ask-us|next|words|sources)["\s]|</article>)')
TEXT_WEIGHT, TITLE_WEIGHT = 0.7, 0.3


@dataclass(frozen=True)
class AnchorPlan:
    """Where the section addresses of a new release lead."""

    # Heading addresses derived from the text alone that must change, each with its replacement.
    ids: dict[str, str] = field(default_factory=dict)
    # Addresses that no heading has any more, each with the section it leads to; empty for the top of the page.
    old_anchors: dict[str, str] = field(default_factory=dict)
    # Those whose section is gone, each with the last address that section had. It may come back.
    lost: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Section:
    level: int
    anchor: str
    title: str
    text: str

    @cached_property
    def words(self) -> Counter[tuple[str, ...]]:
        """Words and pairs of neighbors: unrelated texts share words, but hardly any pairs."""
        return _words(self.text)

    @cached_property
    def title_words(self) -> Counter[tuple[str, ...]]:
        """The same of the heading."""
        return _words(self.title)


def _words(text: str) -> Counter[tuple[str, ...]]:
    found = text.casefold().split()
    return Counter([*zip(found), *pairwise(found)])


def render_draft(
    page: Page, content: dict[str, Any], *, library: Library | None = None, with_lines: bool = False
) -> RenderedPage:
    """A draft as it would be released next, with the section addresses that it would have."""
    return planned(page, content, library=library, with_lines=with_lines)[0]


def planned(
    page: Page, content: dict[str, Any], *, library: Library | None = None, with_lines: bool = False
) -> tuple[RenderedPage, AnchorPlan]:
    """A draft rendered after this page's last release, and what became of that release's section addresses."""
    library = library or Library(page.language)
    rendered = render_page(content, kind=page.kind, library=library, with_lines=with_lines)
    before = page.releases.order_by("-number").first() if page.pk else None
    plan = plan_anchors(before, rendered)
    if plan.ids or plan.old_anchors:
        rendered = render_page(
            content,
            kind=page.kind,
            library=library,
            anchors=plan.ids,
            old_anchors=plan.old_anchors,
            with_lines=with_lines,
        )
    return rendered, plan


def plan_anchors(
    before: Release | None, rendered: RenderedPage, earlier: Iterable[Release] | None = None
) -> AnchorPlan:
    """Match the sections of a text, rendered without a plan, with those of the release before it.

    ``earlier``: that release and those before it, newest first, where they are not stored.
    """
    if before is None:
        return AnchorPlan()
    if earlier is None:
        earlier = before.page.releases.filter(number__lte=before.number).order_by("-number")
    wanted = dict(rendered.heading_ids)
    then = _sections(before.html)
    now = [section for section in _sections(rendered.html) if section.anchor in wanted]
    follows = _matched(then, now)
    targets = _targets(before, then, now, follows)
    lost = dict(before.lost_anchors)
    for old, section in enumerate(then):
        if old not in follows:
            own = {name for name, target in before.old_anchors.items() if target == section.anchor}
            lost |= dict.fromkeys({section.anchor, *own}, section.anchor)
    for name, place in _returned(now, wanted, follows, lost, earlier).items():
        targets |= dict.fromkeys([former for former, last in lost.items() if last == lost[name]], place)
    finals = _finals(now, wanted, targets)
    used = set(finals)
    return AnchorPlan(
        ids={section.anchor: final for section, final in zip(now, finals, strict=True) if section.anchor != final},
        old_anchors={
            name: "" if target is None else finals[target] for name, target in targets.items() if name not in used
        },
        lost={name: last for name, last in lost.items() if name not in used},
    )


def _sections(html: str) -> list[_Section]:
    """Sections that the author named, in order."""
    html = BEHIND_BODY.split(html, maxsplit=1)[0]
    found = list(HEADING_HTML.finditer(html))
    ends = [*(match.start() for match in found), len(html)][1:]
    return [
        _Section(int(match[1]), match[2], _plain(match[3]), _plain(html[match.end() : end]))
        for match, end in zip(found, ends, strict=True)
        if not PAGE_HEADING.match(match[2])
    ]


def _plain(html: str) -> str:
    return " ".join(unescape(strip_tags(html)).split())


def _matched(then: list[_Section], now: list[_Section]) -> dict[int, int]:
    """Which section of ``now`` continues which of ``then``, by their places."""
    before, after = ([(section.title, section.text) for section in sections] for sections in (then, now))
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    # What did not change keeps its order; so equal sections are not taken for each other.
    follows = {block.a + step: block.b + step for block in matcher.get_matching_blocks() for step in range(block.size)}
    taken = set(follows.values())
    scored = sorted(
        (-_likeness(then[old], now[new]), abs(old - new), old, new)
        for old in range(len(then))
        for new in range(len(now))
        if old not in follows and new not in taken
    )
    for score, _, old, new in scored:
        same_title = then[old].title == now[new].title
        if (-score >= ALIKE or same_title) and old not in follows and new not in taken:
            follows[old] = new
            taken.add(new)
    return follows


def _returned(
    now: list[_Section],
    wanted: dict[str, str],
    follows: dict[int, int],
    lost: dict[str, str],
    earlier: Iterable[Release],
) -> dict[str, int]:
    """Lost addresses whose section comes back, each with its place."""
    found: dict[str, int] = {}
    for place, section in enumerate(now):
        name = safe_anchor(wanted[section.anchor])
        if name not in lost or name in found or place in follows.values():
            continue
        if _is_back(section, _last_seen(lost[name], earlier)):
            found[name] = place
    return found


def _last_seen(anchor: str, earlier: Iterable[Release]) -> _Section | None:
    """A lost section as the last release that had it shows it."""
    found = (section for release in earlier for section in _sections(release.html) if section.anchor == anchor)
    return next(found, None)


def _is_back(section: _Section, lost: _Section | None) -> bool:
    """Whether a new section is the lost one again. The same heading is not enough: it may be about something else."""
    if lost is None:
        return False
    return _common(lost.words, section.words) >= ALIKE if lost.text or section.text else lost.title == section.title


def _likeness(one: _Section, other: _Section) -> float:
    title = _common(one.title_words, other.title_words)
    if not one.text and not other.text:
        return title
    return TEXT_WEIGHT * _common(one.words, other.words) + TITLE_WEIGHT * title


def _common(one: Counter[tuple[str, ...]], other: Counter[tuple[str, ...]]) -> float:
    """Share of what two texts have in common: 0 to 1."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0


def _targets(
    before: Release, then: list[_Section], now: list[_Section], follows: dict[int, int]
) -> dict[str, int | None]:
    """Every address known so far, with the place of the section that it leads to now; None is the top of the page."""
    targets: dict[str, int | None] = {}
    for old, section in enumerate(then):
        targets[section.anchor] = follows.get(old, _successor(old, then, now, follows))
    for name, target in before.old_anchors.items():
        targets[name] = targets.get(target)
    return targets


def _successor(old: int, then: list[_Section], now: list[_Section], follows: dict[int, int]) -> int | None:
    """For a section that is gone: the one it was merged into, else the section it was a part of, else nothing.

    Text written in its place does not count: a reader of the old address would find different content.
    """
    if (merged := _merged_into(then[old], now)) is not None:
        return merged
    level = then[old].level
    for place in range(old - 1, -1, -1):
        if then[place].level < level:
            return follows[place] if place in follows else _successor(place, then, now, follows)
    return None


def _merged_into(gone: _Section, now: list[_Section]) -> int | None:
    """The section that holds most of the words of one that is gone, in their order."""
    pairs = Counter({words: count for words, count in gone.words.items() if len(words) > 1})
    if pairs.total() < MIN_MERGED_PAIRS:
        return None
    shares = [((pairs & section.words).total() / pairs.total(), -place) for place, section in enumerate(now)]
    share, place = max(shares, default=(0.0, 0))
    return -place if share >= MERGED else None


def _finals(
    now: list[_Section],
    wanted: dict[str, str],
    targets: dict[str, int | None],
) -> list[str]:
    """The address of each new section."""
    used = set(PAGE_ANCHORS)
    finals: list[str] = [""] * len(now)
    # First those that may take an address which is known: none of them may lose it to another.
    for place, section in enumerate(now):
        name = safe_anchor(wanted[section.anchor])
        if name in used:
            continue
        if targets.get(name) == place:
            finals[place] = name
            used.add(name)
    for place, section in enumerate(now):
        if not finals[place]:
            finals[place] = _free(wanted[section.anchor], place, targets, used)
            used.add(finals[place])
    return finals


def _free(wanted: str, place: int, targets: dict[str, int | None], used: set[str]) -> str:
    """The first address for a heading that does not lead to another section."""
    return next(
        name for name in candidates(wanted) if name not in used and (name not in targets or targets[name] == place)
    )
