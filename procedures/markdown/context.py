"""What one rendering knows and finds out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from procedures.markdown.library import Library
from procedures.markdown.outline import PAGE_ANCHORS, heading_name
from procedures.markdown.problems import Problems
from procedures.markdown.words import WordFinder
from procedures.markup import markup_in_plain_text
from procedures.models import Source
from procedures.phones import phone_in_plain_text

LIKE = 0.8  # of difflib's ratio: a letter or two wrong, not another word
# A text with more unknown names has other troubles, and each costs a comparison with all names there are.
MAX_SLIPS = 20


@dataclass(frozen=True, slots=True)
class Heading:
    """A second-level heading, for the contents list."""

    number: int
    title: str
    anchor: str


@dataclass
class Context:
    """State of one rendering; made anew for each page."""

    library: Library
    words: WordFinder = field(default_factory=lambda: WordFinder([]))
    problems: Problems = field(default_factory=Problems)
    sources: list[Source] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    anchors: set[str] = field(default_factory=lambda: set(PAGE_ANCHORS))
    page_links: list[tuple[int, str, str]] = field(default_factory=list)
    # Links to sections of this page, with their lines.
    own_links: list[tuple[int, str]] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    indexes: set[str] = field(default_factory=set)
    # Section addresses of earlier releases, each with the section it leads to now; empty for the top of the page.
    old_anchors: Mapping[str, str] = field(default_factory=dict)
    # Heading addresses derived from this text alone that must change, each with its replacement.
    anchor_plan: Mapping[str, str] = field(default_factory=dict)
    # All heading addresses derived from this text alone; then each with the address that its heading asked for.
    heading_names: set[str] = field(default_factory=lambda: set(PAGE_ANCHORS))
    heading_ids: list[tuple[str, str]] = field(default_factory=list)
    # Line, typed address and actual address of headings whose typed address already leads to another section.
    moved_anchors: list[tuple[int, str, str]] = field(default_factory=list)
    # The timing of the full list of warning signs on this page; empty without one.
    signs_when: str = ""
    out_of: int = 0
    key_points: str = ""
    last_heading: str = ""
    last_level: int = 1
    labels: set[str] = field(default_factory=set)
    # Only a preview asks for them: comments that say which line of the text a part was made from.
    with_lines: bool = False
    # Names that lead nowhere, by kind and key, each with the one that was probably meant, or an empty text.
    slips: dict[tuple[str, str], str] = field(default_factory=dict)

    def missing(self, line: int, kind: str, key: str, sentence: str) -> None:
        """Note that no name of that kind (see Library.names) is ``key``, and which was probably meant."""
        if (kind, key) not in self.slips and len(self.slips) < MAX_SLIPS:
            self.slips[kind, key] = "".join(get_close_matches(key, self.library.names(kind), 1, LIKE))
        meant = self.slips.get((kind, key))
        self.problems.add(line, f"{sentence} Did you mean “{meant}”?" if meant else sentence, missing=True)

    def missing_figure(self, line: int, slug: str) -> None:
        """Note that there is no picture of that name, or none that the public may see."""
        if self.library.is_unapproved(slug):
            sentence = f"The picture “{slug}” is not approved. A reviewer must look at it and approve this text first."
            self.problems.add(line, sentence)
        else:
            self.missing(line, "figure", slug, f"There is no picture “{slug}”.")

    def check_plain(self, line: int, name: str, *texts: str, has_codes: bool = False) -> None:
        """Add problems for markup and phone numbers in texts of ``name`` that the page prints as typed.

        ``has_codes``: the numbers in it are a PMID, a DOI or the like.
        """
        for text in texts:
            if sentence := markup_in_plain_text(text, name):
                self.problems.add(line, sentence)
            if not has_codes and (sentence := phone_in_plain_text(text, name, self.own_phones)):
                self.problems.add(line, sentence)

    @property
    def own_phones(self) -> list[str]:
        """The clinic's numbers, without recording them as printed on the page."""
        values = (self.library.clinic.get(name) for name in ("clinic.phone", "clinic.after_hours_phone"))
        return [value for value in values if value]

    def number_of(self, source: Source) -> int:
        """The number of a source on this page: in order of first use."""
        if source not in self.sources:
            self.sources.append(source)
        return self.sources.index(source) + 1

    def free_anchor(self, wanted: str) -> str:
        """``wanted``, or the first of ``wanted-2``, ``wanted-3`` … that this page does not use yet."""
        return _free(wanted, self.anchors, "-")

    def heading_anchor(self, wanted: str) -> str:
        """The address of a heading that asks for ``wanted``."""
        name = heading_name(wanted, self.heading_names)
        self.heading_ids.append((name, wanted))
        return self.free_anchor(self.anchor_plan.get(name, name))

    def free_label(self, wanted: str) -> str:
        """A name for a region that no other region of this page has."""
        return _free(wanted, self.labels, " ")


def _free(wanted: str, taken: set[str], joint: str) -> str:
    free, number = wanted, 1
    while free in taken:
        number += 1
        free = f"{wanted}{joint}{number}"
    taken.add(free)
    return free
