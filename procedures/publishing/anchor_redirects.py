"""Keep section anchors stable across releases, so that a link to a section still opens the same content.

An anchor follows its section, not the heading. A release is compared with the previous one: sections are matched by
text and order, and an anchor stays with the section that continues the one it was published for. A new section whose
heading would produce such an anchor gets another one. The plan is stored with the release, so that rendering the
release again gives the same HTML. The sections are those of the Markdown as typed, because the values that a page
prints can change without any change to its sections.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import cached_property
from itertools import pairwise
from typing import Any

from procedures.models import Page, Release
from procedures.rendering import RENDERER_VERSION, ReferenceResolver, RenderedPage, render_page
from procedures.rendering.document import Block, Document, Heading, Text, walk
from procedures.rendering.parser import TEMPLATE_ELEMENT_IDS, avoid_reserved_anchor, iter_anchor_candidates, parse

# The minimum similarity (0 to 1) at which one section continues another. The text counts more than the heading.
MIN_SIMILARITY = 0.35
TEXT_WEIGHT, TITLE_WEIGHT = 0.7, 0.3
# A section was merged into another one that contains most of its word pairs. Unrelated texts share hardly any pairs.
MIN_MERGED_SHARE, MIN_MERGED_PAIRS = 0.6, 4


@dataclass(frozen=True)
class AnchorPlan:
    """The targets of all section anchors, past and present, in a new release."""

    # Anchors that the text alone would produce and that must change, each with its replacement.
    anchor_renames: dict[str, str] = field(default_factory=dict)
    # Anchors that no heading has any longer, each with the anchor it redirects to; empty for the top of the page.
    old_anchors: dict[str, str] = field(default_factory=dict)
    # Old anchors whose section no longer exists, each with the last anchor of that section, which may come back.
    lost_anchors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """A heading and the text up to the next one, as typed."""

    level: int
    anchor: str
    wanted_anchor: str
    title: str
    text: str

    @cached_property
    def word_counts(self) -> Counter[tuple[str, ...]]:
        """Words and pairs of adjacent words of the text: unrelated texts share words, but hardly any pairs."""
        return _count_words(self.text)

    @cached_property
    def title_word_counts(self) -> Counter[tuple[str, ...]]:
        """Words and pairs of adjacent words of the heading."""
        return _count_words(self.title)


def _count_words(text: str) -> Counter[tuple[str, ...]]:
    words = text.casefold().split()
    return Counter([*zip(words), *pairwise(words)])


def render_draft(
    page: Page,
    content: dict[str, Any],
    *,
    resolver: ReferenceResolver,
    with_line_comments: bool = False,
) -> RenderedPage:
    """Render a draft with the anchors that it would have as the next release."""
    return render_with_anchor_plan(page, content, resolver=resolver, with_line_comments=with_line_comments)[0]


def render_with_anchor_plan(
    page: Page,
    content: dict[str, Any],
    *,
    resolver: ReferenceResolver,
    with_line_comments: bool = False,
) -> tuple[RenderedPage, AnchorPlan]:
    """Render a draft as the next release of the page; also return the plan for the previous release's anchors."""
    parsed = parse(content["body"])
    previous = page.releases.select_related("revision").order_by("-number").first() if page.pk else None
    plan = plan_anchors(previous, parsed.document)
    rendered = render_page(
        content,
        kind=page.kind,
        resolver=resolver,
        anchor_renames=plan.anchor_renames,
        old_anchors=plan.old_anchors,
        with_line_comments=with_line_comments,
        parsed=parsed,
    )
    return rendered, plan


def plan_anchors(
    previous: Release | None, document: Document, earlier_releases: Iterable[Release] | None = None
) -> AnchorPlan:
    """Match the sections of a parsed text with those of the previous release.

    ``earlier_releases``: ``previous`` and the releases before it, newest first; loaded from the database by default.
    """
    if previous is None:
        return AnchorPlan()
    if earlier_releases is None:
        earlier_releases = (
            previous.page.releases.filter(number__lte=previous.number).select_related("revision").order_by("-number")
        )
    old_sections, new_sections = released_sections(previous), read_sections(document)
    preferred = {section.anchor: section.wanted_anchor for section in new_sections}
    successors = _match_sections(old_sections, new_sections)
    targets = _resolve_targets(previous, old_sections, new_sections, successors)
    lost = dict(previous.lost_anchors)
    for index, section in enumerate(old_sections):
        if index not in successors:
            redirects = {anchor for anchor, target in previous.old_anchors.items() if target == section.anchor}
            lost |= dict.fromkeys({section.anchor, *redirects}, section.anchor)
    returned = _find_returned_sections(new_sections, preferred, successors, lost, earlier_releases)
    for anchor, index in returned.items():
        targets |= dict.fromkeys([other for other, last in lost.items() if last == lost[anchor]], index)
    final_anchors = _assign_anchors(new_sections, preferred, targets)
    used = set(final_anchors)
    return AnchorPlan(
        anchor_renames={
            section.anchor: final
            for section, final in zip(new_sections, final_anchors, strict=True)
            if section.anchor != final
        },
        old_anchors={
            anchor: "" if target is None else final_anchors[target]
            for anchor, target in targets.items()
            if anchor not in used
        },
        lost_anchors={anchor: last for anchor, last in lost.items() if anchor not in used},
    )


def read_sections(document: Document) -> list[Section]:
    """Return the sections of a parsed text, in order. A section ends at the next heading of any level."""
    found: list[tuple[Heading, list[str]]] = []
    for node in walk(document.body):
        if isinstance(node, Heading) and node.natural_anchor:
            found.append((node, []))
        elif found and isinstance(node, Text):
            found[-1][1].append(node.source)
        elif found and isinstance(node, Block):
            found[-1][1].append(f"{node.name} {node.options}")
    return [
        Section(node.level, node.anchor, node.wanted_anchor, node.text, " ".join(" ".join(texts).split()))
        for node, texts in found
    ]


def released_sections(release: Release) -> list[Section]:
    """Return the sections of a release with the anchors that readers know."""
    sections = [
        replace(section, anchor=release.anchor_renames.get(section.anchor, section.anchor))
        for section in read_sections(parse(release.revision.content["body"]).document)
    ]
    if release.renderer_version == RENDERER_VERSION:
        return sections
    # An earlier renderer may have generated other anchors for the same headings. The release itself lists the anchors
    # of its main sections.
    published = {row["title"]: row["anchor"] for row in release.sections}
    known = {section.anchor for section in sections}
    return [
        replace(section, anchor=published[section.title])
        if section.title in published
        and section.anchor not in published.values()
        and published[section.title] not in known
        else section
        for section in sections
    ]


def _match_sections(old_sections: list[Section], new_sections: list[Section]) -> dict[int, int]:
    """Map the index of each old section to the index of the new section that continues it."""
    old_keys, new_keys = (
        [(section.title, section.text) for section in sections] for sections in (old_sections, new_sections)
    )
    matcher = SequenceMatcher(None, old_keys, new_keys, autojunk=False)
    # Unchanged sections keep their order, so that sections with equal text are not confused with each other.
    successors = {
        block.a + step: block.b + step for block in matcher.get_matching_blocks() for step in range(block.size)
    }
    matched = set(successors.values())
    scored = sorted(
        (-_similarity(old_sections[old], new_sections[new]), abs(old - new), old, new)
        for old in range(len(old_sections))
        for new in range(len(new_sections))
        if old not in successors and new not in matched
    )
    for score, _, old, new in scored:
        same_title = old_sections[old].title == new_sections[new].title
        if (-score >= MIN_SIMILARITY or same_title) and old not in successors and new not in matched:
            successors[old] = new
            matched.add(new)
    return successors


def _find_returned_sections(
    new_sections: list[Section],
    preferred: dict[str, str],
    successors: dict[int, int],
    lost: dict[str, str],
    earlier_releases: Iterable[Release],
) -> dict[str, int]:
    """Map each lost anchor whose section is back to the index of that section."""
    returned: dict[str, int] = {}
    for index, section in enumerate(new_sections):
        anchor = avoid_reserved_anchor(preferred[section.anchor])
        if anchor not in lost or anchor in returned or index in successors.values():
            continue
        if _has_returned(section, _find_last_version(lost[anchor], earlier_releases)):
            returned[anchor] = index
    return returned


def _find_last_version(anchor: str, earlier_releases: Iterable[Release]) -> Section | None:
    """Return a lost section as it was in the last release that had it."""
    versions = (
        section for release in earlier_releases for section in released_sections(release) if section.anchor == anchor
    )
    return next(versions, None)


def _has_returned(section: Section, lost: Section | None) -> bool:
    """Return whether a new section is the lost one coming back.

    An identical heading is not enough, because the topic may be different.
    """
    if lost is None:
        return False
    return (
        _overlap(lost.word_counts, section.word_counts) >= MIN_SIMILARITY
        if lost.text or section.text
        else lost.title == section.title
    )


def _similarity(a: Section, b: Section) -> float:
    title = _overlap(a.title_word_counts, b.title_word_counts)
    if not a.text and not b.text:
        return title
    return TEXT_WEIGHT * _overlap(a.word_counts, b.word_counts) + TITLE_WEIGHT * title


def _overlap(a: Counter[tuple[str, ...]], b: Counter[tuple[str, ...]]) -> float:
    """Return the Dice coefficient of two multisets: 0 to 1."""
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 0.0


def _resolve_targets(
    previous: Release, old_sections: list[Section], new_sections: list[Section], successors: dict[int, int]
) -> dict[str, int | None]:
    """Map every anchor known so far to the index of the section it leads to now; None is the top of the page."""
    targets: dict[str, int | None] = {}
    for index, section in enumerate(old_sections):
        targets[section.anchor] = successors.get(index, _find_fallback(index, old_sections, new_sections, successors))
    for anchor, target in previous.old_anchors.items():
        targets[anchor] = targets.get(target)
    return targets


def _find_fallback(
    removed: int, old_sections: list[Section], new_sections: list[Section], successors: dict[int, int]
) -> int | None:
    """For a removed section: the one it was merged into, else the section that contained it, else None.

    Other text in the same position does not count: readers who follow the old link would find different content.
    """
    if (merged := _find_merge_target(old_sections[removed], new_sections)) is not None:
        return merged
    level = old_sections[removed].level
    for index in range(removed - 1, -1, -1):
        if old_sections[index].level < level:
            return (
                successors[index]
                if index in successors
                else _find_fallback(index, old_sections, new_sections, successors)
            )
    return None


def _find_merge_target(removed: Section, new_sections: list[Section]) -> int | None:
    """Return the index of the section that contains most of the word pairs of a removed one."""
    pairs = Counter({words: count for words, count in removed.word_counts.items() if len(words) > 1})
    if pairs.total() < MIN_MERGED_PAIRS:
        return None
    shares = [
        ((pairs & section.word_counts).total() / pairs.total(), -index) for index, section in enumerate(new_sections)
    ]
    share, negative_index = max(shares, default=(0.0, 0))
    return -negative_index if share >= MIN_MERGED_SHARE else None


def _assign_anchors(
    new_sections: list[Section],
    preferred: dict[str, str],
    targets: dict[str, int | None],
) -> list[str]:
    """Return the anchor of each new section."""
    used = set(TEMPLATE_ELEMENT_IDS)
    anchors: list[str] = [""] * len(new_sections)
    # First the sections that continue to use a known anchor, so that none of them loses it to another section.
    for index, section in enumerate(new_sections):
        anchor = avoid_reserved_anchor(preferred[section.anchor])
        if anchor in used:
            continue
        if targets.get(anchor) == index:
            anchors[index] = anchor
            used.add(anchor)
    for index, section in enumerate(new_sections):
        if not anchors[index]:
            anchors[index] = _first_free_anchor(preferred[section.anchor], index, targets, used)
            used.add(anchors[index])
    return anchors


def _first_free_anchor(preferred: str, index: int, targets: dict[str, int | None], used: set[str]) -> str:
    """Return the first anchor for a heading that does not lead to another section."""
    return next(
        anchor
        for anchor in iter_anchor_candidates(preferred)
        if anchor not in used and (anchor not in targets or targets[anchor] == index)
    )
