"""The state of one rendering."""

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
# Each suggestion costs a comparison with every existing key, so a text full of unknown names must not ask for more.
MAX_SUGGESTIONS = 20


@dataclass(frozen=True, slots=True)
class Heading:
    """A second-level heading in the list of contents."""

    number: int
    title: str
    anchor: str


@dataclass
class RenderContext:
    """State of the rendering of one page. Never reused."""

    resolver: ReferenceResolver
    glossary: GlossaryLinker = field(default_factory=lambda: GlossaryLinker([]))
    issues: IssueCollector = field(default_factory=IssueCollector)
    sources: list[Source] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    anchors: set[str] = field(default_factory=lambda: set(PAGE_ELEMENT_IDS))
    page_links: list[tuple[int, str, str]] = field(default_factory=list)
    # Line and anchor of each link to a section of the same page.
    fragment_links: list[tuple[int, str]] = field(default_factory=list)
    figure_slugs: list[str] = field(default_factory=list)
    index_blocks: set[str] = field(default_factory=set)
    # Anchors of earlier releases, each with the anchor that replaces it; an empty one stands for the top of the page.
    old_anchors: Mapping[str, str] = field(default_factory=dict)
    # Heading anchors that this text alone would have, each with the anchor to use in its place.
    anchor_renames: Mapping[str, str] = field(default_factory=dict)
    # Heading anchors that this text alone would have; then each with the anchor that its heading prefers.
    used_heading_anchors: set[str] = field(default_factory=lambda: set(PAGE_ELEMENT_IDS))
    heading_anchors: list[tuple[str, str]] = field(default_factory=list)
    # Line, explicit anchor, and actual anchor of headings whose explicit anchor already leads to another section.
    moved_anchors: list[tuple[int, str, str]] = field(default_factory=list)
    # The timing of the full list of warning signs on this page; empty if there is no such list.
    signs_timing: str = ""
    chance_denominator: int = 0
    key_points: str = ""
    last_heading: str = ""
    last_level: int = 1
    region_labels: set[str] = field(default_factory=set)
    # Whether to put the source line of each part into an HTML comment. For previews only.
    with_line_comments: bool = False
    # The closest existing key, or "", for each unknown reference by kind and key.
    suggestions: dict[tuple[str, str], str] = field(default_factory=dict)

    def add_unknown_reference(self, line: int, kind: str, key: str, message: str) -> None:
        """Add an issue for a ``key`` that does not exist, with the closest key of that kind (``list_keys``)."""
        if (kind, key) not in self.suggestions and len(self.suggestions) < MAX_SUGGESTIONS:
            self.suggestions[kind, key] = "".join(
                get_close_matches(key, self.resolver.list_keys(kind), 1, MIN_SIMILARITY)
            )
        closest = self.suggestions.get((kind, key))
        self.issues.add(line, f"{message} Did you mean “{closest}”?" if closest else message, is_unknown_reference=True)

    def add_unavailable_figure(self, line: int, slug: str) -> None:
        """Add an issue for a figure that does not exist or has no approved version."""
        if self.resolver.is_unapproved(slug):
            message = f"The picture “{slug}” is not approved. A reviewer must look at it and approve this text first."
            self.issues.add(line, message)
        else:
            self.add_unknown_reference(line, "figure", slug, f"There is no picture “{slug}”.")

    def check_plain_text(self, line: int, name: str, *texts: str, allow_codes: bool = False) -> None:
        """Add issues for markup and phone numbers in plain text that the page prints as typed.

        ``name`` is the subject of the messages. ``allow_codes``: numbers are a PMID, a DOI, or the like.
        """
        for text in texts:
            if message := find_markup_error(text, name):
                self.issues.add(line, message)
            if not allow_codes and (message := find_phone_error(text, name, self.clinic_phones)):
                self.issues.add(line, message)

    @property
    def clinic_phones(self) -> list[str]:
        """The clinic's phone numbers. Unlike ``resolver.get_phone``, this records no dependency."""
        numbers = (self.resolver.clinic_values.get(name) for name in ("clinic.phone", "clinic.after_hours_phone"))
        return [number for number in numbers if number]

    def get_citation_number(self, source: Source) -> int:
        """Return the number of a source on this page; sources are numbered in order of first use."""
        if source not in self.sources:
            self.sources.append(source)
        return self.sources.index(source) + 1

    def reserve_anchor(self, wanted: str) -> str:
        """Reserve and return ``wanted``, or the first free one of ``wanted-2``, ``wanted-3`` …."""
        return _reserve_unique(wanted, self.anchors, "-")

    def reserve_heading_anchor(self, wanted: str) -> str:
        """Reserve and return the anchor of a heading that prefers ``wanted``."""
        anchor = make_unique_anchor(wanted, self.used_heading_anchors)
        self.heading_anchors.append((anchor, wanted))
        return self.reserve_anchor(self.anchor_renames.get(anchor, anchor))

    def reserve_label(self, wanted: str) -> str:
        """Reserve and return an accessible name that no other region of this page has."""
        return _reserve_unique(wanted, self.region_labels, " ")


def _reserve_unique(wanted: str, used: set[str], separator: str) -> str:
    name, number = wanted, 1
    while name in used:
        number += 1
        name = f"{wanted}{separator}{number}"
    used.add(name)
    return name
