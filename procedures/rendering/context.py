"""What one rendering knows and finds out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from procedures.markup import find_markup_error
from procedures.models import Source
from procedures.phones import find_phone_error
from procedures.rendering.glossary import GlossaryLinker
from procedures.rendering.issues import IssueCollector
from procedures.rendering.parser import PAGE_ELEMENT_IDS, make_unique_anchor
from procedures.rendering.references import ReferenceResolver

MIN_SIMILARITY = 0.8  # of difflib's ratio: a letter or two wrong, not another word
# A text with more unknown names has other troubles, and each costs a comparison with all names there are.
MAX_SUGGESTIONS = 20


@dataclass(frozen=True, slots=True)
class Heading:
    """A second-level heading, for the contents list."""

    number: int
    title: str
    anchor: str


@dataclass
class RenderContext:
    """State of one rendering; made anew for each page."""

    resolver: ReferenceResolver
    glossary: GlossaryLinker = field(default_factory=lambda: GlossaryLinker([]))
    issues: IssueCollector = field(default_factory=IssueCollector)
    sources: list[Source] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    anchors: set[str] = field(default_factory=lambda: set(PAGE_ELEMENT_IDS))
    page_links: list[tuple[int, str, str]] = field(default_factory=list)
    # Links to sections of this page, with their lines.
    fragment_links: list[tuple[int, str]] = field(default_factory=list)
    figure_slugs: list[str] = field(default_factory=list)
    index_blocks: set[str] = field(default_factory=set)
    # Section addresses of earlier releases, each with the section it leads to now; empty for the top of the page.
    old_anchors: Mapping[str, str] = field(default_factory=dict)
    # Heading addresses derived from this text alone that must change, each with its replacement.
    anchor_renames: Mapping[str, str] = field(default_factory=dict)
    # All heading addresses derived from this text alone; then each with the address that its heading asked for.
    used_heading_anchors: set[str] = field(default_factory=lambda: set(PAGE_ELEMENT_IDS))
    heading_anchors: list[tuple[str, str]] = field(default_factory=list)
    # Line, typed address and actual address of headings whose typed address already leads to another section.
    moved_anchors: list[tuple[int, str, str]] = field(default_factory=list)
    # The timing of the full list of warning signs on this page; empty without one.
    signs_timing: str = ""
    chance_denominator: int = 0
    key_points: str = ""
    last_heading: str = ""
    last_level: int = 1
    region_labels: set[str] = field(default_factory=set)
    # Only a preview asks for them: comments that say which line of the text a part was made from.
    with_line_comments: bool = False
    # Names that lead nowhere, by kind and key, each with the one that was probably meant, or an empty text.
    suggestions: dict[tuple[str, str], str] = field(default_factory=dict)

    def add_unknown_reference(self, line: int, kind: str, key: str, message: str) -> None:
        """Note that no name of that kind (see Library.names) is ``key``, and which was probably meant."""
        if (kind, key) not in self.suggestions and len(self.suggestions) < MAX_SUGGESTIONS:
            self.suggestions[kind, key] = "".join(
                get_close_matches(key, self.resolver.list_keys(kind), 1, MIN_SIMILARITY)
            )
        meant = self.suggestions.get((kind, key))
        self.issues.add(line, f"{message} Did you mean “{meant}”?" if meant else message, is_unknown_reference=True)

    def add_unavailable_figure(self, line: int, slug: str) -> None:
        """Note that there is no picture of that name, or none that the public may see."""
        if self.resolver.is_unapproved(slug):
            sentence = f"The picture “{slug}” is not approved. A reviewer must look at it and approve this text first."
            self.issues.add(line, sentence)
        else:
            self.add_unknown_reference(line, "figure", slug, f"There is no picture “{slug}”.")

    def check_plain_text(self, line: int, name: str, *texts: str, allow_codes: bool = False) -> None:
        """Add problems for markup and phone numbers in texts of ``name`` that the page prints as typed.

        ``has_codes``: the numbers in it are a PMID, a DOI or the like.
        """
        for text in texts:
            if sentence := find_markup_error(text, name):
                self.issues.add(line, sentence)
            if not allow_codes and (sentence := find_phone_error(text, name, self.clinic_phones)):
                self.issues.add(line, sentence)

    @property
    def clinic_phones(self) -> list[str]:
        """The clinic's numbers, without recording them as printed on the page."""
        values = (self.resolver.clinic_values.get(name) for name in ("clinic.phone", "clinic.after_hours_phone"))
        return [value for value in values if value]

    def get_citation_number(self, source: Source) -> int:
        """The number of a source on this page: in order of first use."""
        if source not in self.sources:
            self.sources.append(source)
        return self.sources.index(source) + 1

    def reserve_anchor(self, wanted: str) -> str:
        """``wanted``, or the first of ``wanted-2``, ``wanted-3`` … that this page does not use yet."""
        return _reserve_unique(wanted, self.anchors, "-")

    def reserve_heading_anchor(self, wanted: str) -> str:
        """The address of a heading that asks for ``wanted``."""
        name = make_unique_anchor(wanted, self.used_heading_anchors)
        self.heading_anchors.append((name, wanted))
        return self.reserve_anchor(self.anchor_renames.get(name, name))

    def reserve_label(self, wanted: str) -> str:
        """A name for a region that no other region of this page has."""
        return _reserve_unique(wanted, self.region_labels, " ")


def _reserve_unique(wanted: str, used: set[str], separator: str) -> str:
    free, number = wanted, 1
    while free in used:
        number += 1
        free = f"{wanted}{separator}{number}"
    used.add(free)
    return free
