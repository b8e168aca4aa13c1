"""Checks for drafts that say what to do about warning signs. Signs and their levels belong in one list."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeGuard

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.text import interpolate_lazy
from procedures.enums import PageKind, SignTiming
from procedures.rendering import Issue
from procedures.rendering.blocks import get_block_types
from procedures.rendering.document import (
    Block,
    Document,
    Heading,
    List,
    ListItem,
    Node,
    Paragraph,
    Quote,
    Row,
    Table,
    Text,
    walk,
)
from procedures.rendering.renderer import PLAIN_TEXT_FIELDS
from procedures.triage import TriageDetector

AFTER_KINDS = frozenset({PageKind.RECOVERY, PageKind.RISKS})
BOTH_KINDS = frozenset({PageKind.PROCEDURE, PageKind.ABOUT, PageKind.GUIDE})
MAX_NAMED_SIGNS = 3
# Replaces a heading such as “When do I call?”, so that the text below it counts as one with an instruction to call.
CALL_INSTRUCTION = "911"


@dataclass
class _TextUnit:
    """A paragraph, list, or table, and the text around it."""

    line: int
    texts: list[str]
    surrounding_text: str  # the heading and the paragraphs before and after
    is_card: bool
    is_list: bool
    heading: str = ""  # the full heading, if the unit comes directly below it


def find_written_signs(
    content: dict[str, Any], document: Document, *, kind: str, triage: TriageDetector
) -> list[Issue]:
    """Return an issue for each field or passage of a draft that says what to do about warning signs.

    ``document``: its tree, parsed or rendered. Only what the author wrote counts, which is what has a line.
    """
    timing = SignTiming.AFTER if kind in AFTER_KINDS else SignTiming.BOTH if kind in BOTH_KINDS else SignTiming.BEFORE
    fix = interpolate_lazy(_("Use ::: warning-signs %(timing)s instead."), timing=timing.value)
    issues = [
        _make_issue(0, found, _("%(name)s %(signs)s Leave the signs out; the page prints them."), field, name=name)
        for field, name in PLAIN_TEXT_FIELDS.items()
        if (found := triage.find_advised_signs(content.get(field, "")))
    ]
    note = _("The note on “%(page)s” in the reading list %(signs)s Leave the signs out of it.")
    issues += [
        _make_issue(0, found, note, page=item["page"])
        for item in content.get("items", ())
        if (found := triage.find_advised_signs(item["note"]))
    ]
    seen: set[int] = set()
    for node in walk(document.nodes):
        if _is_retired(node):
            seen |= set(range(node.line, node.end + 2))
            message = _("::: %(name)s is no longer used: signs and their levels come from one list. %(fix)s")
            issues.append(Issue(node.line, interpolate_lazy(message, name=node.name, fix=fix)))
    for unit in _iter_units(document.nodes, triage):
        if unit.line not in seen and (found := _find_own_signs(unit, triage)):
            seen.add(unit.line)
            message = _("This list %(signs)s %(fix)s") if unit.is_list else _("This text %(signs)s %(fix)s")
            issues.append(_make_issue(unit.line, found, message, fix=fix))
    return issues


def _make_issue(line: int, signs: set[str], message: Promise, field: str = "", **values: object) -> Issue:
    named = "; ".join(sorted(signs, key=len)[:MAX_NAMED_SIGNS])
    description = _("says what to do about warning signs (%(names)s). Signs come from one list.")
    return Issue(line, interpolate_lazy(message, signs=interpolate_lazy(description, names=named), **values), field)


def _is_retired(node: Node) -> TypeGuard[Block]:
    """Whether a node is a block for handwritten signs."""
    block_type = get_block_types().get(node.name) if isinstance(node, Block) else None
    return block_type is not None and block_type.is_retired


def _find_own_signs(unit: _TextUnit, triage: TriageDetector) -> set[str]:
    together = "\n".join(unit.texts)
    says_to_call, is_led = triage.says_to_call(together), unit.is_card or triage.says_to_call(unit.surrounding_text)
    # One entry may name the sign and the next one say what to do; so may a heading and the text below it.
    pairs = ["\n".join(pair) for pair in pairwise([unit.heading, *unit.texts] if unit.heading else unit.texts)]
    for text in unit.texts:
        if found := triage.find_advised_signs(text):
            return found
    for text in pairs:
        if found := triage.find_paired_signs(text):
            return found
    if unit.is_card and (found := triage.find_signs(together)):
        return found
    if CALL_INSTRUCTION in unit.surrounding_text.split("\n") and (found := triage.find_emergencies(together)):
        return found
    if not (unit.is_list or unit.is_card) or not (says_to_call or is_led):
        return set()
    signs_by_entry = [signs for text in unit.texts if (signs := triage.find_signs(text))]
    found = set().union(*signs_by_entry)
    # One entry may explain several signs while another one says whom to call; two entries with signs are a list.
    return found if len(found) > 1 and (is_led or len(signs_by_entry) > 1) else set()


def _iter_units(nodes: Sequence[Node], triage: TriageDetector) -> Iterator[_TextUnit]:
    """Yield paragraphs, lists, and tables in order, outermost first. A card is one unit with its list."""
    heading, title, before = "", "", ""
    nodes = [node for node in nodes if node.line]
    for position, node in enumerate(nodes):
        if isinstance(node, Heading):
            title = node.text
            # A heading that introduces a list: “When do I call?”
            heading = CALL_INSTRUCTION if triage.is_call_heading(title) else ""
            before = ""
            yield _TextUnit(node.line, [title], "", is_card=False, is_list=False)
            continue
        if isinstance(node, Block) and node.nodes and not _is_retired(node):
            if node.name == "call":
                yield _TextUnit(node.line, _split_texts(node.nodes), "", is_card=True, is_list=False)
            else:
                after = _paragraph_at(nodes, position + 1)
                yield from _iter_block_units(node.nodes, heading, title, before, after, triage)
            before = ""
        elif isinstance(node, List | Table | Quote):
            context = "\n".join([heading, before, _paragraph_at(nodes, position + 1)])
            yield _TextUnit(node.line, _split_texts([node]), context, is_card=False, is_list=True, heading=title)
            before = ""
        elif isinstance(node, Paragraph):
            before = node.source
            yield _TextUnit(node.line, [before], "", is_card=False, is_list=False, heading=title)
        title = ""


def _iter_block_units(
    nodes: Sequence[Node], heading: str, title: str, before: str, after: str, triage: TriageDetector
) -> Iterator[_TextUnit]:
    """Yield the units of a block such as a checklist; the text around the block counts as text around each unit."""
    for unit in _iter_units(nodes, triage):
        surrounding = "\n".join([unit.surrounding_text, heading, before, after])
        yield _TextUnit(unit.line, unit.texts, surrounding, unit.is_card, unit.is_list, unit.heading or title)
        title = ""


def _split_texts(nodes: Sequence[Node]) -> list[str]:
    """Return one text for each list entry, table row, or paragraph."""
    texts: list[list[str]] = [[]]
    for node in walk(nodes):
        if isinstance(node, ListItem | Row | Paragraph):
            texts.append([])
        if isinstance(node, Text):
            texts[-1].append(node.source)
    return [" ".join(parts) for parts in texts if parts]


def _paragraph_at(nodes: Sequence[Node], position: int) -> str:
    """Return the paragraph at ``position``, or ""."""
    node = nodes[position] if position < len(nodes) else None
    return node.source if isinstance(node, Paragraph) else ""
