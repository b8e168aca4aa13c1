"""Inline content: citations, clinic values, links to pages, and links to glossary terms.

The first use of each glossary term on a page is linked to its definition, unless the sentence explains it. A term
matches across a line break, with no-break or double spaces, with any hyphen or apostrophe, with soft hyphens or
decomposed accents inside, and with part of it in bold.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from procedures.markup import PLACEHOLDER, Wording, normalize_characters, term_lookup_key
from procedures.models import GlossaryTerm
from procedures.rendering.document import Mark, Run, Text, link_run
from procedures.rendering.fixes import PICTURE_BLOCK_MESSAGE

if TYPE_CHECKING:
    from procedures.rendering.context import RenderContext

PAGE_LINK = re.compile(r"page:([a-z0-9-]+)(?:#([a-z0-9-]+))?\Z")
ALLOWED_LINK = re.compile(r"(?:https://|mailto:|tel:|#)")
CITATION_SEPARATOR = re.compile(r"\s*;\s*@")

# Inside a term, a dash without spaces is a mistyped hyphen; a dash with spaces is a real dash.
HYPHEN_PATTERN = "[-\u2012\u2013\u2212]\\s?"

# Text before a term in parentheses that names what the sentence just described: "weak bone (osteoporosis)".
OPENING_PARENTHESIS = re.compile(r"\((?:\w{1,4}\s)?\Z")

# The index of a run, and the start and end of a character in its text.
TextSpan = tuple[int, int, int]


def resolve_inline(node: Text, context: "RenderContext", *, link_terms: bool) -> None:
    """Resolve the names in the runs of ``node``. ``link_terms``: also link glossary terms."""
    line = node.line
    result: list[Run] = []
    known_marks: set[int] = set()
    for run in node.runs:
        for mark in run.marks:
            if mark.kind == "link" and id(mark) not in known_marks:
                known_marks.add(id(mark))
                _resolve_link(mark, context, line)
        if run.kind in {"space", "break"}:
            line += 1
        if run.kind == "image":
            context.issues.add(line, PICTURE_BLOCK_MESSAGE)
            result.append(Run(run.text, marks=run.marks))
        elif run.kind == "citation":
            result += _resolve_citation(run, context, line)
        elif run.kind == "value":
            result += _resolve_clinic_value(run, context, line)
        else:
            result.append(run)
    node.runs = context.glossary.link_terms(result) if link_terms else result


def _resolve_link(mark: Mark, context: "RenderContext", line: int) -> None:
    href = mark.href
    if match := PAGE_LINK.match(href):
        page = context.resolver.get_page(match[1])
        if page is None:
            missing = _("There is no page on “%(key)s” in this language.")
            context.add_unknown_reference(line, "page", match[1], missing)
        mark.href = (page.href if page else "#") + (f"#{match[2]}" if match[2] else "")
        if page:
            context.page_links.append((line, match[1], match[2] or ""))
    elif href.startswith("page:"):
        message = Wording(
            _("“%(href)s” is not a page link. Write page:subject or page:subject#section."),
            _("This link leads nowhere. Add it again, and choose the page."),
        )
        context.issues.add(line, message, href=href)
        mark.href = "#"
    elif href.startswith("#"):
        context.fragment_links.append((line, href[1:]))
    elif not ALLOWED_LINK.match(href):
        message = Wording(
            _("The link “%(href)s” must start with https://. For pages of this site, write page:subject."),
            _(
                "The link “%(href)s” leads nowhere. Add it again: choose a page, or paste an address that "
                "starts with https://."
            ),
        )
        context.issues.add(line, message, href=href)
        mark.href = "#"


def _resolve_citation(run: Run, context: "RenderContext", line: int) -> Iterator[Run]:
    for key in CITATION_SEPARATOR.split(run.text):
        source = context.resolver.get_source(key)
        if source is None:
            context.add_unknown_reference(line, "source", key, _("There is no source “%(key)s”."))
        else:
            yield Run(str(context.get_citation_number(source)), "source", run.marks)


def _resolve_clinic_value(run: Run, context: "RenderContext", line: int) -> Iterator[Run]:
    value = context.resolver.get_clinic_value(run.text)
    if value is None:
        context.add_unknown_value(line, run.text)
    elif not value:
        context.add_empty_value(line, run.text)
    elif run.href or not run.text.endswith(("phone", "number")):
        yield Run(value, marks=run.marks)
    else:
        phone = link_run(*context.resolver.get_phone(run.text))
        yield Run(phone.text, marks=(*run.marks, *phone.marks))


# Positions where a line must not break: in "X-ray", "9-minute", "rayos X", "8 am", "8 a. m.", "500 mg", and "38 °C".
# Phone numbers are kept on one line by CSS instead, because special characters would end up in copied or searched
# numbers.
NO_BREAK = re.compile(
    r"(?<![\w-][A-Z])(?<=[A-Z])-(?=[a-z])|(?<=\d)-(?=[a-z])|(?<=[a-z]) (?=[A-Z](?![\w\u2019'-]))"
    r"|(?<=\d) (?=(?:[ap]m|[km]?g|mcg|mL|cm|mm|IU|UI)\b|°|[ap]\. ?m\.)|(?<=\b[ap]\.) (?=m\.)"
)
NO_BREAK_CHARACTERS = {"-": "\u2011", " ": "\u00a0"}


def no_break(text: str) -> str:
    """Return plain text with non-breaking hyphens and spaces, before it is written as HTML."""
    return NO_BREAK.sub(lambda match: NO_BREAK_CHARACTERS[match[0]], text)


class GlossaryLinker:
    """Links each term at its first use on one page, and collects the linked terms."""

    def __init__(self, terms: Iterable[GlossaryTerm]) -> None:
        self._terms_by_name: dict[str, GlossaryTerm] = {}
        for term in terms:
            for name in (term.term, *term.aliases):
                self._terms_by_name.setdefault(term_lookup_key(name), term)
        # Longest first, so that "spinal canal" is found before "canal".
        names = sorted(self._terms_by_name, key=len, reverse=True)
        self._pattern = re.compile(
            r"(?<![\w-])(" + "|".join(map(_term_pattern, names)) + r")(?![\w-])" if names else r"(?!)",
            re.IGNORECASE,
        )
        self.linked_terms: dict[str, GlossaryTerm] = {}
        self._explained_terms: set[str] = set()

    def link_terms(self, runs: list[Run]) -> list[Run]:
        """Return the runs with a link around the first use of each term that has none yet."""
        text, text_spans = _join_runs(runs)
        matches = list(self._find_first_uses(text))
        if not matches:
            return runs
        links = [
            (text_spans[start], text_spans[end - 1], Mark("term", f"#word-{term.key}")) for start, end, term in matches
        ]
        return [piece for index, run in enumerate(runs) for piece in _split_run(run, index, links)]

    def _find_first_uses(self, text: str) -> Iterator[tuple[int, int, GlossaryTerm]]:
        for match in self._pattern.finditer(text):
            # IGNORECASE matches more than case folding: "spıne" with a dotless i matches "spine".
            term = self._terms_by_name.get(term_lookup_key(match[1]))
            if term is None or term.key in self.linked_terms or term.key in self._explained_terms:
                continue
            if _is_explained(text, *match.span(1)):
                self._explained_terms.add(term.key)
            else:
                self.linked_terms[term.key] = term
                yield match.start(1), match.end(1), term


def _is_explained(text: str, start: int, end: int) -> bool:
    """Return whether the term is in parentheses, or words in parentheses follow it."""
    is_enclosed = OPENING_PARENTHESIS.search(text[max(0, start - 6) : start]) and text[end : end + 1] == ")"
    return bool(is_enclosed) or text[end : end + 2] == " ("


def _term_pattern(name: str) -> str:
    return r"\s+".join(HYPHEN_PATTERN.join(map(re.escape, word.split("-"))) for word in name.split(" "))


def _matchable_text(run: Run) -> str:
    """Return the text that a term can match; a placeholder for links, citations, and the like."""
    if run.href:
        return PLACEHOLDER
    return "\n" if run.kind in {"space", "break"} else run.text if run.kind == "text" else PLACEHOLDER


def _join_runs(runs: list[Run]) -> tuple[str, list[TextSpan]]:
    """Return the normalized text of all runs, and the origin of each of its characters."""
    characters: list[str] = []
    text_spans: list[TextSpan] = []
    for index, run in enumerate(runs):
        for cluster in re.finditer(r"\w[\u0300-\u036f]*|[^\w]", _matchable_text(run)):
            normalized = normalize_characters(cluster[0])
            characters.append(normalized)
            text_spans += [(index, *cluster.span())] * len(normalized)
    return "".join(characters), text_spans


def _split_run(run: Run, index: int, links: list[tuple[TextSpan, TextSpan, Mark]]) -> Iterator[Run]:
    """Yield the run in pieces; the link of a term encloses the pieces that belong to it."""
    done = 0
    text = run.text
    for (first, start, _start_end), (last, _end_start, end), mark in links:
        if not first <= index <= last:
            continue
        if run.kind != "text":
            yield Run(run.text, run.kind, (mark, *run.marks))
            return
        begin, stop = start if index == first else 0, end if index == last else len(text)
        if done < begin:
            yield Run(text[done:begin], marks=run.marks)
        yield Run(text[begin:stop], marks=(mark, *run.marks))
        done = stop
    if run.kind != "text" or done < len(text):
        yield Run(text[done:], marks=run.marks) if done else run
