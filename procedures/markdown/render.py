"""THE renderer: from a draft to the finished article. Preview, publishing, loader and checks all call it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from procedures.enums import PageKind, SignTiming
from procedures.markdown import blocks, headings
from procedures.markdown.assemble import EMPTY, assemble
from procedures.markdown.context import Context
from procedures.markdown.library import Input, Library
from procedures.markdown.lint import lint
from procedures.markdown.parser import MAX_TEXT, parser
from procedures.markdown.plain import Section, read_article
from procedures.markdown.problems import Problem
from procedures.markdown.reading import minutes, page_level
from procedures.markdown.squeeze import squeezed
from procedures.markdown.words import WordFinder
from procedures.markup import markup_in_plain_text
from procedures.phones import emergency_in_plain_text, phone_in_plain_text

# Raise it when the same text gives other HTML: check_releases then tells old releases from broken ones.
RENDERER_VERSION = 5


PLAIN_FIELDS = {
    "title": "The title",
    "key_message": "The key message",
    "description": "The description",
    "next_label": "The label of the next step",
}


@dataclass(frozen=True)
class RenderedPage:
    """A finished article and what was found out on the way. Its text is measured when it is first asked for."""

    html: SafeString
    language: str
    problems: list[Problem]
    inputs: list[Input]
    thumbnail: dict[str, Any] | None
    is_empty: bool
    # For all pages of a reading list together.
    listed_minutes: int = 0
    anchors: frozenset[str] = frozenset()
    page_links: list[tuple[int, str, str]] = field(default_factory=list)
    # Each heading's address derived from this text alone, and the address that the heading asked for.
    heading_ids: list[tuple[str, str]] = field(default_factory=list)
    # Line, typed address and actual address of headings whose typed address already leads to another section.
    moved_anchors: list[tuple[int, str, str]] = field(default_factory=list)

    @cached_property
    def _text(self) -> tuple[list[Section], str]:
        return read_article(self.html)

    @property
    def sections(self) -> list[Section]:
        """The text by section."""
        return self._text[0]

    @property
    def prose(self) -> str:
        """The text as sentences."""
        return self._text[1]

    @property
    def minutes(self) -> int:
        """How long it takes to read. A guide takes as long as what it asks to read."""
        return minutes(self.prose) + self.listed_minutes

    @cached_property
    def level(self) -> float | None:
        """How hard it is to read (see ``page_level``)."""
        return None if self.is_empty else page_level(self.prose, self.language)


def render_page(
    content: dict[str, Any],
    *,
    kind: str,
    library: Library,
    anchors: Mapping[str, str] | None = None,
    old_anchors: Mapping[str, str] | None = None,
    with_lines: bool = False,
) -> RenderedPage:
    """Render a draft (``Page.draft()``) in the language of ``library``. Never raises for what is typed.

    ``anchors`` are heading addresses derived from this text alone that must change, each with its replacement.
    ``old_anchors`` are section addresses of earlier releases, each with the section it leads to now.
    ``with_lines`` (previews only) puts ``<!--line N-->`` before each part of the body: the line it was made from.
    """
    with translation.override(library.language):
        context = Context(
            library.fresh(), anchor_plan=anchors or {}, old_anchors=old_anchors or {}, with_lines=with_lines
        )
        return _render(content, kind, context)


def _render(content: dict[str, Any], kind: str, context: Context) -> RenderedPage:
    library = context.library
    # The indexes list every word themselves; marking them again would only repeat the list.
    context.words = WordFinder([] if "::: glossary" in content["body"] else library.terms)
    named = [item["page"] for item in content.get("items", [])]
    library.preload(content["body"], figures=[content["lead_figure"]], pages=[content["next_page"], *named])
    _check_fields(content, context)
    body = _body(content["body"], context)
    lead = _lead(content["lead_figure"], context)
    phone, phone_href = library.phone("clinic.phone")
    values: dict[str, Any] = {
        "title": content["title"],
        "key_message": content["key_message"],
        "kind": kind,
        "language": library.language,
        "lead": lead,
        "key_points": context.key_points,
        # Every topic and guide begins with the emergency signs, no matter what its author wrote.
        "emergency": blocks.emergency_line(context.signs_when or SignTiming.BOTH, context, is_top=True)
        if kind != PageKind.ABOUT
        else EMPTY,
        "contents": context.headings,
        "body": body,
        "sources": _sources(context),
        "words": _words(context),
        "next": _next(content, context),
        "phone": phone,
        "phone_href": phone_href,
    }
    template = "article/page.html"
    if kind == PageKind.GUIDE:
        template = "article/guide.html"
        values["items"] = _items(content.get("items", []), context)
        values["total_minutes"] = sum(item["minutes"] for item in values["items"])
    html = squeezed(render_to_string(template, values))
    ids = set(re.findall(r'\sid="([^"]+)"', html))
    for line, anchor in context.own_links:
        if anchor not in ids:
            context.problems.add(line, f"There is no section #{anchor} on this page.")
    return RenderedPage(
        html=html,
        language=library.language,
        problems=sorted(context.problems.found, key=lambda problem: problem.line),
        inputs=sorted(library.used.values(), key=lambda used: (used.kind, used.key)),
        thumbnail=_thumbnail(content["lead_figure"], library),
        is_empty=not content["body"].strip(),
        listed_minutes=values.get("total_minutes", 0),
        anchors=frozenset(context.anchors),
        page_links=context.page_links,
        heading_ids=context.heading_ids,
        moved_anchors=context.moved_anchors,
    )


def _check_fields(content: dict[str, Any], context: Context) -> None:
    """Fields that are plain text: markup in them would be shown as typed, a phone number would not change."""
    emergency = context.library.clinic["clinic.emergency_number"]
    for field_name, name in PLAIN_FIELDS.items():
        text = content.get(field_name, "")
        for sentence in (
            markup_in_plain_text(text, name),
            phone_in_plain_text(text, name, context.own_phones),
            emergency_in_plain_text(text, name, emergency),
        ):
            if sentence:
                context.problems.add(0, sentence, field_name)
    for item in content.get("items", []):
        context.check_plain(0, f"The note on “{item['page']}” in the reading list", item["note"])


def _body(text: str, context: Context) -> SafeString:
    if len(text) > MAX_TEXT:
        context.problems.add(0, f"The text is longer than {MAX_TEXT:,} letters. Make two pages of it.")
        return EMPTY
    tokens = parser().parse(text)
    lint(tokens, text, context)
    html = assemble(tokens, context)
    # Addresses of sections that are gone lead to the top of the text.
    top = headings.old_anchors("", context)
    return format_html_join("", '<a id="{}"></a>', ((old,) for old in top)) + html


def _lead(slug: str, context: Context) -> SafeString:
    if not slug:
        return EMPTY
    view = context.library.figure(slug)
    if view is None:
        context.missing_figure(0, slug)
        return EMPTY
    return blocks.figure_html(view, 0, context, eager=True)


def _thumbnail(slug: str, library: Library) -> dict[str, Any] | None:
    view = library.figure(slug) if slug else None
    return view.thumbnail if view else None


def _sources(context: Context) -> SafeString:
    if not context.sources:
        return EMPTY
    for source in context.sources:
        name = f"The entry of the source “{source.key}”"
        context.check_plain(0, name, source.organisation, source.title, source.identifier, has_codes=True)
    rows = [
        {
            "number": number,
            "key": source.key,
            "organisation": source.organisation,
            "title": source.title,
            "year": source.year,
            "url": source.url,
            "identifier": source.identifier,
        }
        for number, source in enumerate(context.sources, start=1)
    ]
    return blocks.component("sources", sources=rows)


def _words(context: Context) -> SafeString:
    found = sorted(context.words.found.values(), key=lambda term: term.term.casefold())
    for term in found:
        context.library.note_term(term)
        context.check_plain(0, f"The glossary entry “{term.key}”", term.term, term.say, term.definition)
    return blocks.component("words", terms=found) if found else EMPTY


def _next(content: dict[str, Any], context: Context) -> dict[str, str] | None:
    subject = content["next_page"]
    if not subject:
        return None
    page = context.library.named_page(subject)
    if page is None:
        sentence = f"The next step leads to “{subject}”, which is no page in this language."
        context.problems.add(0, sentence, missing=True)
        return None
    context.page_links.append((0, subject, ""))
    return {"href": page.href, "label": content["next_label"] or page.title, "title": page.title}


def _items(items: list[dict[str, Any]], context: Context) -> list[dict[str, Any]]:
    rows = []
    for number, item in enumerate(items, start=1):
        page = context.library.named_page(item["page"], item["section"])
        if page is None:
            sentence = f"The reading list names “{item['page']}”, which is no page in this language."
            context.problems.add(0, sentence, missing=True)
            continue
        context.page_links.append((0, item["page"], item["section"]))
        anchor = f"#{item['section']}" if item["section"] else ""
        rows.append(
            {
                "number": number,
                "title": page.title,
                "href": page.href + anchor,
                "section_title": page.section_title(item["section"]),
                "minutes": item["minutes"],
                "note": item["note"],
            }
        )
    return rows
