"""The state of a single render, and the issues found in it."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.text import find_closest, interpolate_lazy
from procedures.markup import Message, Wording, fill, find_markup_error, split
from procedures.models import Source
from procedures.phones import find_phone_error
from procedures.rendering.document import Block, LargeFigure
from procedures.rendering.fixes import Fix, replace_key
from procedures.rendering.inline import GlossaryLinker
from procedures.rendering.parser import TEMPLATE_ELEMENT_IDS
from procedures.rendering.references import ReferenceResolver

# Each suggestion costs a comparison with every existing key, so a text full of unknown names must not trigger more of
# them.
MAX_SUGGESTIONS = 20
# The prefix before a record's key in Markdown.
REFERENCE_PREFIXES = {"page": "page:", "source": "@"}
CLINIC_VALUE_NAMES: dict[str, Promise] = {
    "clinic.phone": _("the clinic’s phone number"),
    "clinic.after_hours_phone": _("the clinic’s phone number after hours"),
    "clinic.emergency_number": _("the emergency number"),
    "clinic.hours": _("the clinic’s hours"),
    "clinic.name": _("the clinic’s name"),
}


def insert_value_fix(value: str, typed: str) -> Fix:
    """Return the correction that replaces the first ``typed`` by a clinic value, with any braces around it.

    The signs in ``typed`` can be escaped in the Markdown, as the visual editor writes them.
    """
    signs = r"\\?".join(re.escape(sign) for sign in typed.strip("{} "))
    link = rf"\[[^\]\n]*\]\((?:tel:|https?:)[^)\s]*?\\?{signs}[^)\s]*\)"
    pattern = re.compile(rf"{link}|(?:\\?\{{[ \u00a0]*)*\\?{signs}(?:[ \u00a0]*\\?\}})*")
    label = interpolate_lazy(_("Insert %(value)s"), value=CLINIC_VALUE_NAMES[value])
    return Fix(label, lambda text: pattern.sub(f"{{{value}}}", text, count=1))


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue. ``line`` counts from 1 in the Markdown body; 0 refers to the whole page or to ``field``.

    The message says what to fix. It is lazy if it is created while the page's language is active, because staff read it
    in their own language.
    """

    line: int
    message: str
    field: str = ""
    # The draft refers to something that does not exist or has no text, which can happen without a change to the draft.
    is_missing_content: bool = False
    # A safe correction, or the dialog of the editor that has one: "source", or "reference" to replace what the issue
    # quotes.
    fix: Fix | None = dataclasses.field(default=None, compare=False)
    dialog: str = dataclasses.field(default="", compare=False)
    # The message without markup, for people who never see any; empty if the message contains none.
    plain: str | Promise = dataclasses.field(default="", compare=False)

    @property
    def plain_message(self) -> str:
        """What to do, in words without markup."""
        return str(self.plain or self.message)

    @property
    def plain_sentence(self) -> str:
        """The plain message with its line."""
        return self._with_line(self.plain_message)

    def __str__(self) -> str:
        return self._with_line(str(self.message))

    def _with_line(self, message: str) -> str:
        return gettext("line %(line)s: %(message)s") % {"line": self.line, "message": message} if self.line else message


@dataclass(slots=True)
class IssueCollector:
    """Collects issues while a draft is rendered. An issue does not stop the rendering, so one run finds all of them."""

    issues: list[Issue] = field(default_factory=list)
    _seen: set[Issue] = field(default_factory=set)

    def add(
        self,
        line: int,
        message: Message,
        field: str = "",
        *,
        is_missing_content: bool = False,
        fix: Fix | None = None,
        dialog: str = "",
        **values: object,
    ) -> None:
        """Add an issue unless an equal one exists. ``values`` are the named values of ``message``."""
        text, plain = split(fill(message, **values) if values else message)
        issue = Issue(line, cast("str", text), field, is_missing_content, fix, dialog, plain=plain)
        if issue not in self._seen:
            self._seen.add(issue)
            self.issues.append(issue)


@dataclass(frozen=True, slots=True)
class ContentsEntry:
    """A second-level heading in the list of contents."""

    title: str
    anchor: str


@dataclass
class RenderContext:
    """State of the rendering of one page. Never reused."""

    resolver: ReferenceResolver
    glossary: GlossaryLinker = field(default_factory=lambda: GlossaryLinker([]))
    issues: IssueCollector = field(default_factory=IssueCollector)
    sources: list[Source] = field(default_factory=list)
    headings: list[ContentsEntry] = field(default_factory=list)
    anchors: set[str] = field(default_factory=lambda: set(TEMPLATE_ELEMENT_IDS))
    page_links: list[tuple[int, str, str]] = field(default_factory=list)
    # Line and anchor of each link to a section of the same page.
    fragment_links: list[tuple[int, str]] = field(default_factory=list)
    figure_slugs: list[str] = field(default_factory=list)
    # The first occurrence of each picture that has its own page, by slug.
    large_figures: dict[str, LargeFigure] = field(default_factory=dict)
    # Names of blocks that a page can have only once.
    used_once: set[str] = field(default_factory=set)
    # Anchors of earlier releases, each with the anchor that replaces it; an empty string means the top of the page.
    old_anchors: Mapping[str, str] = field(default_factory=dict)
    # Heading anchors that this text alone would have, each with the anchor to use in its place.
    anchor_renames: Mapping[str, str] = field(default_factory=dict)
    # Line, explicit anchor, and actual anchor of headings whose explicit anchor already leads to another section.
    moved_anchors: list[tuple[int, str, str]] = field(default_factory=list)
    # The timing of the full list of warning signs on this page; empty if there is no such list.
    signs_timing: str = ""
    chance_denominator: int = 0
    # The anchor of the comparison of choices, to which a link at the top of the page leads.
    comparison_anchor: str = ""
    key_points: str = ""
    # The block of the key points, which moves to the top of the page.
    key_points_block: Block | None = None
    last_heading: str = ""
    last_level: int = 1
    # Notes about pictures that the page already contains and must not repeat, such as that an image is simulated.
    printed_notes: set[str] = field(default_factory=set)
    # Whether any picture has an arrow marker.
    has_arrows: bool = False
    region_labels: set[str] = field(default_factory=set)
    # Whether to put the source line of each part into an HTML comment. For previews only.
    with_line_comments: bool = False
    # The closest existing key, or "", for each unknown reference by kind and key.
    suggestions: dict[tuple[str, str], str] = field(default_factory=dict)

    def add_unknown_reference(self, line: int, kind: str, key: str, message: str | Promise, **values: object) -> None:
        """Add an issue for a ``key`` that does not exist, with the closest key of that kind (``list_keys``)."""
        if (kind, key) not in self.suggestions and len(self.suggestions) < MAX_SUGGESTIONS:
            self.suggestions[kind, key] = find_closest(key, self.resolver.list_keys(kind))
        text = interpolate_lazy(message, key=key, **values)
        fix = None
        if closest := self.suggestions.get((kind, key)):
            text = interpolate_lazy(_("%(message)s Did you mean “%(name)s”?"), message=text, name=closest)
            label = interpolate_lazy(_("Use “%(name)s”"), name=closest)
            fix = Fix(label, replace_key(REFERENCE_PREFIXES.get(kind, ""), key, closest))
        self.issues.add(line, text, is_missing_content=True, fix=fix, dialog="" if fix else "reference")

    def add_unavailable_figure(self, line: int, slug: str) -> None:
        """Add an issue for a figure that does not exist or has no approved version."""
        if self.resolver.is_unapproved(slug):
            message = _(
                "The picture “%(key)s” is not approved. A reviewer must look at it and approve this text first."
            )
            self.issues.add(line, message, key=slug)
        else:
            self.add_unknown_reference(line, "figure", slug, _("There is no picture “%(key)s”."))

    def add_unknown_value(self, line: int, name: str) -> None:
        """Add an issue for braces that contain no clinic value."""
        self.issues.add(line, self.unknown_value_message(name), fix=self.unknown_value_fix(name))

    def add_empty_value(self, line: int, name: str) -> None:
        """Add an issue for a clinic value that has not been entered: the sentence would be incomplete."""
        message = Wording(
            _("{%(name)s} is empty in this language. Enter it under Clinic, or remove it from the text."),
            _("The text prints %(label)s, but nothing is entered in this language. Fill it in under Clinic."),
        )
        self.issues.add(line, message, is_missing_content=True, name=name, label=CLINIC_VALUE_NAMES[name])

    def unknown_value_message(self, name: str) -> Message:
        """Return the message for braces that contain no clinic value, with the value that was probably meant."""
        names = list(self.resolver.clinic_values)
        if name.strip() in names:
            message = Wording(
                _("Remove the spaces from “{%(name)s}” and use one pair of braces: {%(value)s}."),
                _("Patients would see “%(name)s” as typed. Delete it, and insert %(label)s."),
            )
            return fill(message, name=name, value=name.strip(), label=CLINIC_VALUE_NAMES[name.strip()])
        typed = " ".join(name.split())
        if closest := self._closest_clinic_value(name):
            message = Wording(
                _("Unknown clinic value {%(name)s}. Did you mean {%(value)s}?"),
                _("“%(name)s” is not one of the clinic’s details. Delete it, and insert %(label)s."),
            )
            return fill(message, name=typed, value=closest, label=CLINIC_VALUE_NAMES[closest])
        known = ", ".join(f"{{{value}}}" for value in names)
        message = Wording(
            _("Unknown clinic value {%(name)s}. The clinic's values are %(known)s."),
            _(
                "“%(name)s” is not one of the clinic’s details. Delete it; to show a phone number or our "
                "hours, choose it in the Insert menu."
            ),
        )
        return fill(message, name=typed, known=known)

    def unknown_value_fix(self, name: str) -> Fix | None:
        """Return the correction of braces that contain no clinic value, with the value that was probably meant."""
        value = name.strip()
        if value not in self.resolver.clinic_values:
            value = self._closest_clinic_value(name)
        return insert_value_fix(value, f"{{{name}}}") if value else None

    def _closest_clinic_value(self, name: str) -> str:
        """Return the clinic value that was probably meant, or ""."""
        letters = re.sub(r"[^a-z]", "", name.casefold())
        values_by_letters = {
            re.sub(r"[^a-z]", "", form): value
            for value in self.resolver.clinic_values
            for form in (value, value.partition(".")[2])
        }
        return values_by_letters.get(find_closest(letters, values_by_letters), "")

    def check_plain_text(self, line: int, name: str | Promise, *texts: str, allow_codes: bool = False) -> None:
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

    def reserve_old_anchors(self, current_anchor: str) -> list[str]:
        """Reserve and return the earlier anchors of a section; those of all removed sections for an empty anchor."""
        # Sorted, because databases return the keys of a JSON object in any order.
        old_anchors = sorted(old for old, target in self.old_anchors.items() if target == current_anchor)
        self.anchors.update(old_anchors)
        return old_anchors

    def reserve_heading_anchor(self, natural_anchor: str) -> str:
        """Reserve and return the anchor of a heading to which the text alone gives ``natural_anchor``."""
        return self.reserve_anchor(self.anchor_renames.get(natural_anchor, natural_anchor))

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
