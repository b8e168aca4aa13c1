"""Rendering of a draft to a finished article, for previews, publishing, content loading, and checks."""

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
from procedures.markup import find_markup_error
from procedures.phones import find_emergency_number_error, find_phone_error
from procedures.readability.scores import estimate_minutes, score_page
from procedures.rendering import blocks
from procedures.rendering.context import RenderContext
from procedures.rendering.glossary import GlossaryLinker
from procedures.rendering.html import EMPTY_HTML, collect_old_anchors, to_html
from procedures.rendering.issues import Issue
from procedures.rendering.lint import lint
from procedures.rendering.parser import MAX_BODY_LENGTH, get_parser
from procedures.rendering.references import Dependency, ReferenceResolver
from procedures.rendering.sanitizer import minify
from procedures.rendering.text_extraction import Section, extract_text

# Increase it when the same draft renders to different HTML: check_releases tells old releases from broken ones by it.
RENDERER_VERSION = 7

PLAIN_TEXT_FIELDS = {
    "title": "The title",
    "key_message": "The key message",
    "description": "The description",
    "next_label": "The label of the next step",
}


@dataclass(frozen=True)
class RenderedPage:
    """A finished article with its issues and dependencies. Its text is extracted and measured on first access."""

    html: SafeString
    language: str
    issues: list[Issue]
    dependencies: list[Dependency]
    thumbnail: dict[str, Any] | None
    is_empty: bool
    # Reading time of all pages of a reading list together.
    reading_list_minutes: int = 0
    anchors: frozenset[str] = frozenset()
    page_links: list[tuple[int, str, str]] = field(default_factory=list)
    # For each heading, the anchor that this text alone would give it and the anchor that it prefers.
    heading_anchors: list[tuple[str, str]] = field(default_factory=list)
    # Line, explicit anchor, and actual anchor of headings whose explicit anchor already leads to another section.
    moved_anchors: list[tuple[int, str, str]] = field(default_factory=list)

    @cached_property
    def _extracted_text(self) -> tuple[list[Section], str]:
        return extract_text(self.html)

    @property
    def sections(self) -> list[Section]:
        """The text by section, for search."""
        return self._extracted_text[0]

    @property
    def text(self) -> str:
        """The text as sentences, for readability scores."""
        return self._extracted_text[1]

    @property
    def reading_minutes(self) -> int:
        """Reading time in minutes. For a guide, it includes the pages of the reading list."""
        return estimate_minutes(self.text) + self.reading_list_minutes

    @cached_property
    def reading_level(self) -> float | None:
        """The reading level (``readability.scores.score_page``); None for an empty page."""
        return None if self.is_empty else score_page(self.text, self.language)


def render_page(
    content: dict[str, Any],
    *,
    kind: str,
    resolver: ReferenceResolver,
    anchor_renames: Mapping[str, str] | None = None,
    old_anchors: Mapping[str, str] | None = None,
    with_line_comments: bool = False,
) -> RenderedPage:
    """Render a draft (``Page.draft_content()``) in the language of ``resolver``. Never raises for any typed text.

    ``anchor_renames`` maps heading anchors that this text alone would have to the anchors to use in their place.
    ``old_anchors`` maps anchors of earlier releases to the anchors that replace them.
    ``with_line_comments`` (previews only) puts ``<!--line N-->``, the source line, before each part of the body.
    """
    with translation.override(resolver.language):
        context = RenderContext(
            resolver.fork(),
            anchor_renames=anchor_renames or {},
            old_anchors=old_anchors or {},
            with_line_comments=with_line_comments,
        )
        return _render_in_context(content, kind, context)


def _render_in_context(content: dict[str, Any], kind: str, context: RenderContext) -> RenderedPage:
    resolver = context.resolver
    # The glossary page defines every term, so links to definitions would only repeat it.
    context.glossary = GlossaryLinker([] if "::: glossary" in content["body"] else resolver.glossary_terms)
    listed_pages = [item["page"] for item in content.get("items", [])]
    resolver.prefetch_text(
        content["body"], figure_slugs=[content["lead_figure"]], page_subjects=[content["next_page"], *listed_pages]
    )
    _check_plain_text_fields(content, context)
    body = _render_body(content["body"], context)
    lead = _render_lead_figure(content["lead_figure"], context)
    phone, phone_href = resolver.get_phone("clinic.phone")
    values: dict[str, Any] = {
        "title": content["title"],
        "key_message": content["key_message"],
        "kind": kind,
        "language": resolver.language,
        "lead": lead,
        "key_points": context.key_points,
        # Every topic and guide starts with the emergency signs, whatever its body contains.
        "emergency": blocks.render_emergency_signs(context.signs_timing or SignTiming.BOTH, context, is_page_top=True)
        if kind != PageKind.ABOUT
        else EMPTY_HTML,
        "contents": context.headings,
        "body": body,
        "sources": _render_sources(context),
        "words": _render_glossary_terms(context),
        "next": _build_next_step(content, context),
        "phone": phone,
        "phone_href": phone_href,
    }
    template = "article/page.html"
    if kind == PageKind.GUIDE:
        template = "article/guide.html"
        values["items"] = _build_reading_list(content.get("items", []), context)
        values["total_minutes"] = sum(item["minutes"] for item in values["items"])
    html = minify(render_to_string(template, values))
    ids = set(re.findall(r'\sid="([^"]+)"', html))
    for line, anchor in context.fragment_links:
        if anchor not in ids:
            context.issues.add(line, f"There is no section #{anchor} on this page.")
    return RenderedPage(
        html=html,
        language=resolver.language,
        issues=sorted(context.issues.issues, key=lambda issue: issue.line),
        dependencies=sorted(resolver.dependencies.values(), key=lambda dependency: (dependency.kind, dependency.key)),
        thumbnail=_get_thumbnail(content["lead_figure"], resolver),
        is_empty=not content["body"].strip(),
        reading_list_minutes=values.get("total_minutes", 0),
        anchors=frozenset(context.anchors),
        page_links=context.page_links,
        heading_anchors=context.heading_anchors,
        moved_anchors=context.moved_anchors,
    )


def _check_plain_text_fields(content: dict[str, Any], context: RenderContext) -> None:
    """Check plain text fields: markup would be shown as typed, and a typed phone number would become outdated."""
    emergency = context.resolver.clinic_values["clinic.emergency_number"]
    for field_name, name in PLAIN_TEXT_FIELDS.items():
        text = content.get(field_name, "")
        for message in (
            find_markup_error(text, name),
            find_phone_error(text, name, context.clinic_phones),
            find_emergency_number_error(text, name, emergency),
        ):
            if message:
                context.issues.add(0, message, field_name)
    for item in content.get("items", []):
        context.check_plain_text(0, f"The note on “{item['page']}” in the reading list", item["note"])


def _render_body(text: str, context: RenderContext) -> SafeString:
    if len(text) > MAX_BODY_LENGTH:
        context.issues.add(0, f"The text is longer than {MAX_BODY_LENGTH:,} letters. Make two pages of it.")
        return EMPTY_HTML
    tokens = get_parser().parse(text)
    lint(tokens, text, context)
    html = to_html(tokens, context)
    # Anchors of removed sections lead to the top of the body.
    top = collect_old_anchors("", context)
    return format_html_join("", '<a id="{}"></a>', ((old,) for old in top)) + html


def _render_lead_figure(slug: str, context: RenderContext) -> SafeString:
    if not slug:
        return EMPTY_HTML
    view = context.resolver.get_figure(slug)
    if view is None:
        context.add_unavailable_figure(0, slug)
        return EMPTY_HTML
    return blocks.render_figure(view, 0, context, eager=True)


def _get_thumbnail(slug: str, resolver: ReferenceResolver) -> dict[str, Any] | None:
    view = resolver.get_figure(slug) if slug else None
    return view.thumbnail if view else None


def _render_sources(context: RenderContext) -> SafeString:
    if not context.sources:
        return EMPTY_HTML
    for source in context.sources:
        name = f"The entry of the source “{source.key}”"
        context.check_plain_text(0, name, source.organisation, source.title, source.identifier, allow_codes=True)
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
    return blocks.render_component("sources", sources=rows)


def _render_glossary_terms(context: RenderContext) -> SafeString:
    terms = sorted(context.glossary.linked_terms.values(), key=lambda term: term.term.casefold())
    for term in terms:
        context.resolver.record_term(term)
        context.check_plain_text(0, f"The glossary entry “{term.key}”", term.term, term.pronunciation, term.definition)
    return blocks.render_component("page_words", terms=terms) if terms else EMPTY_HTML


def _build_next_step(content: dict[str, Any], context: RenderContext) -> dict[str, str] | None:
    subject = content["next_page"]
    if not subject:
        return None
    page = context.resolver.get_titled_page(subject)
    if page is None:
        message = f"The next step leads to “{subject}”, which is no page in this language."
        context.issues.add(0, message, is_unknown_reference=True)
        return None
    context.page_links.append((0, subject, ""))
    return {"href": page.href, "label": content["next_label"] or page.title, "title": page.title}


def _build_reading_list(items: list[dict[str, Any]], context: RenderContext) -> list[dict[str, Any]]:
    rows = []
    for number, item in enumerate(items, start=1):
        page = context.resolver.get_titled_page(item["page"], item["section"])
        if page is None:
            message = f"The reading list names “{item['page']}”, which is no page in this language."
            context.issues.add(0, message, is_unknown_reference=True)
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
