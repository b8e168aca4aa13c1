"""Lint for drafts that say what to do about warning signs. Signs and their levels belong in one list."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markdown_it.token import Token

from procedures.enums import PageKind, SignTiming
from procedures.rendering.issues import Issue
from procedures.rendering.parser import MAX_BODY_LENGTH, find_closing_token, get_parser, inline_text, line_number
from procedures.rendering.renderer import PLAIN_TEXT_FIELDS
from procedures.triage import TriageDetector

# Blocks for handwritten signs. New drafts cannot use them, but the renderer supports them for earlier revisions.
RETIRED_BLOCKS = frozenset({"emergency", "urgent"})
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


def lint_warning_signs(content: dict[str, Any], *, kind: str, triage: TriageDetector) -> list[Issue]:
    """Return an issue for each field or passage of a draft that says what to do about warning signs."""
    timing = SignTiming.AFTER if kind in AFTER_KINDS else SignTiming.BOTH if kind in BOTH_KINDS else SignTiming.BEFORE
    fix = f"Use ::: warning-signs {timing.value} instead."
    issues = [
        Issue(0, f"{name} {_describe_signs(found)} Leave the signs out; the page prints them.", field)
        for field, name in PLAIN_TEXT_FIELDS.items()
        if (found := triage.find_advised_signs(content.get(field, "")))
    ]
    issues += [
        Issue(
            0, f"The note on “{item['page']}” in the reading list {_describe_signs(found)} Leave the signs out of it."
        )
        for item in content.get("items", ())
        if (found := triage.find_advised_signs(item["note"]))
    ]
    body = content["body"]
    if len(body) > MAX_BODY_LENGTH:
        return issues
    tokens = get_parser().parse(body)
    seen: set[int] = set()
    for token in tokens:
        if token.type == "directive_open" and token.meta["name"] in RETIRED_BLOCKS:
            line = line_number(token)
            seen |= set(range(line, (token.map or [0, 0])[1] + 2))
            name = token.meta["name"]
            issues.append(
                Issue(line, f"::: {name} is no longer used: signs and their levels come from one list. {fix}")
            )
    for unit in _iter_units(tokens, triage):
        if unit.line not in seen and (found := _find_own_signs(unit, triage)):
            seen.add(unit.line)
            issues.append(Issue(unit.line, f"This {'list' if unit.is_list else 'text'} {_describe_signs(found)} {fix}"))
    return issues


def _describe_signs(signs: set[str]) -> str:
    shortest = sorted(signs, key=len)[:MAX_NAMED_SIGNS]
    return f"says what to do about warning signs ({'; '.join(shortest)}). Signs come from one list."


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


def _iter_units(tokens: list[Token], triage: TriageDetector) -> Iterator[_TextUnit]:
    """Yield paragraphs, lists, and tables in order, outermost first. A card is one unit with its list."""
    heading, title, before = "", "", ""
    position = 0
    while position < len(tokens):
        token = tokens[position]
        end = find_closing_token(tokens, position)
        if token.type == "heading_open":
            title = inline_text(tokens[position + 1])
            # A heading that introduces a list: “When do I call?”
            heading = CALL_INSTRUCTION if triage.is_call_heading(title) else ""
            before = ""
            yield _TextUnit(line_number(token), [title], "", is_card=False, is_list=False)
            position = end + 1
            continue
        elif token.type == "directive_open" and token.meta["name"] not in RETIRED_BLOCKS:
            is_card = token.meta["name"] == "call"
            inner = tokens[position + 1 : end]
            if is_card:
                yield _TextUnit(line_number(token), _split_texts(inner), "", is_card=True, is_list=False)
            else:
                after = _paragraph_at(tokens, end + 1)
                yield from _iter_block_units(inner, heading, title, before, after, triage)
            before = ""
        elif token.type in {"bullet_list_open", "ordered_list_open", "table_open", "blockquote_open"}:
            context = "\n".join([heading, before, _paragraph_at(tokens, end + 1)])
            texts = _split_texts(tokens[position : end + 1])
            yield _TextUnit(line_number(token), texts, context, is_card=False, is_list=True, heading=title)
            before = ""
        elif token.type == "paragraph_open":
            before = tokens[position + 1].content
            yield _TextUnit(line_number(token), [before], "", is_card=False, is_list=False, heading=title)
        title = ""
        position = end + 1


def _iter_block_units(
    tokens: list[Token], heading: str, title: str, before: str, after: str, triage: TriageDetector
) -> Iterator[_TextUnit]:
    """Yield the units of a block such as a checklist; the text around the block counts as text around each unit."""
    for unit in _iter_units(tokens, triage):
        surrounding = "\n".join([unit.surrounding_text, heading, before, after])
        yield _TextUnit(unit.line, unit.texts, surrounding, unit.is_card, unit.is_list, unit.heading or title)
        title = ""


def _split_texts(tokens: list[Token]) -> list[str]:
    """Return one text for each list entry, table row, or paragraph."""
    texts: list[list[str]] = [[]]
    for token in tokens:
        if token.type in {"list_item_open", "tr_open", "paragraph_open"}:
            texts.append([])
        elif token.type == "inline":
            texts[-1].append(token.content)
    return [" ".join(parts) for parts in texts if parts]


def _paragraph_at(tokens: list[Token], position: int) -> str:
    """Return the paragraph that starts at ``position``, or ""."""
    if position < len(tokens) and tokens[position].type == "paragraph_open":
        return tokens[position + 1].content
    return ""
