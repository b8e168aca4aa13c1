"""Renders a draft to a finished article for previews, publishing, content loading, and checks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from portal.text import interpolate_lazy
from procedures.enums import PageKind, SignTiming
from procedures.markup import PLACEHOLDER, Message, Wording, fill, find_markup_error
from procedures.models import Release
from procedures.phones import (
    ALLOWED_NUMBERS_HINT,
    find_emergency_number_error,
    find_emergency_numbers,
    find_linked_number,
    find_phone_error,
    find_phones,
    normalize_phone,
)
from procedures.readability.scores import compute_page_reading_level, estimate_minutes
from procedures.rendering.blocks import PLACEHOLDERS, Content, get_block_types, render_component
from procedures.rendering.blocks.figure import render_figure
from procedures.rendering.blocks.indexes import alphabetical_key, term_nodes
from procedures.rendering.blocks.warning_signs import render_emergency_signs
from procedures.rendering.context import CLINIC_VALUE_NAMES, Issue, RenderContext, insert_value_fix
from procedures.rendering.document import (
    PAGE_SIGNS,
    Article,
    Block,
    Document,
    Heading,
    List,
    ListItem,
    Node,
    Paragraph,
    Run,
    Section,
    Text,
    link_run,
    read_article,
    text_paragraph,
    walk,
)
from procedures.rendering.fixes import Fix
from procedures.rendering.html import (
    EMPTY_HTML,
    embed_article,
    extract_placeholders,
    minify,
    split_sections,
    to_html,
    write_anchors,
)
from procedures.rendering.inline import GlossaryLinker
from procedures.rendering.lint import MAX_ISSUES, lint
from procedures.rendering.parser import MAX_BODY_LENGTH, ParsedText, parse
from procedures.rendering.references import Dependency, ReferenceResolver

# Increase it when the same draft renders to different HTML or to a different tree: check_releases uses it to tell
# outdated releases from corrupted ones, and load_content rereleases outdated ones.
RENDERER_VERSION = 18

# The words in the entries of sources that are ours and not the publisher's.
OUR_WORDS_IN_SOURCES = (
    gettext_noop("(our description)"),
    gettext_noop("A hospital in the United States"),
    gettext_noop("Kyphoplasty and vertebroplasty: a page for patients"),
)

PLAIN_TEXT_FIELDS: dict[str, Promise] = {
    "title": _("The title"),
    "key_message": _("The key message"),
    "description": _("The description"),
    "next_label": _("The label of the next step"),
}
# The stage of care for each kind of page. A guide has the stage of the page that it links to next.
STAGES: dict[str, str] = {PageKind.PREPARATION: "before", PageKind.DAY: "day", PageKind.RECOVERY: "after"}
# A rendered part of the page: its HTML and its node in the tree.
RenderedPart = tuple[SafeString, Block | None]


@dataclass(frozen=True)
class RenderedPage:
    """A finished article with its issues and dependencies. Its text is read from the tree on first access."""

    html: SafeString
    document: Document
    language: str
    issues: list[Issue]
    dependencies: list[Dependency]
    thumbnail: dict[str, Any] | None
    is_empty: bool
    # Reading time of all pages of a reading list together.
    reading_list_minutes: int = 0
    anchors: frozenset[str] = frozenset()
    page_links: list[tuple[int, str, str]] = field(default_factory=list)
    # Line, explicit anchor, and actual anchor of headings whose explicit anchor already leads to another section.
    moved_anchors: list[tuple[int, str, str]] = field(default_factory=list)

    @cached_property
    def article(self) -> Article:
        """The texts, lists, and images in reading order, for readability measures."""
        return read_article(self.document)

    @property
    def sections(self) -> list[Section]:
        """The text by section, for search."""
        return self.article.sections

    @cached_property
    def text(self) -> str:
        """The text as sentences, for readability scores."""
        return self.article.text

    @property
    def reading_minutes(self) -> int:
        """Reading time in minutes. For a guide, it includes the pages of the reading list."""
        return estimate_minutes(self.text) + self.reading_list_minutes

    @cached_property
    def reading_level(self) -> float | None:
        """The reading level (``readability.scores.compute_page_reading_level``); None for an empty page."""
        return None if self.is_empty else compute_page_reading_level(self.text, self.language)


def render_page(
    content: dict[str, Any],
    *,
    kind: str,
    resolver: ReferenceResolver,
    anchor_renames: Mapping[str, str] | None = None,
    old_anchors: Mapping[str, str] | None = None,
    with_line_comments: bool = False,
    parsed: ParsedText | None = None,
) -> RenderedPage:
    """Render a draft (``Page.draft_content()``) in the language of ``resolver``.

    Never raises, whatever the text contains.

    ``parsed``: its parsed body, if the caller has it. It cannot be reused, because rendering resolves its references in
    place. ``anchor_renames`` maps heading anchors that this text alone would have to the anchors to use in their place.
    ``old_anchors`` maps anchors of earlier releases to the anchors that replace them. ``with_line_comments`` (previews
    only) puts ``<!--line N-->``, the source line, before each part of the body.
    """
    with translation.override(resolver.language):
        context = RenderContext(
            resolver.fork(),
            anchor_renames=anchor_renames or {},
            old_anchors=old_anchors or {},
            with_line_comments=with_line_comments,
        )
        return _render_in_context(content, kind, context, parsed or parse(content["body"]))


def render_fragment(text: str, resolver: ReferenceResolver) -> SafeString:
    """Render a text without the page around it, such as an example of a block, for ``replace_placeholders``."""
    with translation.override(resolver.language):
        context = RenderContext(resolver)
        html = to_html(parse(text).document.body, context)
        return format_html("{}{}", context.key_points, html)


def render_for_editor(text: str, resolver: ReferenceResolver) -> SafeString:
    """Render one block as a card of the visual editor.

    If the block has editable content, its HTML contains an element with ``data-content`` in place of that content,
    where the editor inserts it.
    """
    with translation.override(resolver.language):
        context = RenderContext(resolver)
        blocks = parse(text).document.body
        if len(blocks) != 1 or not isinstance(blocks[0], Block) or not _has_editable_content(blocks[0]):
            html = to_html(blocks, context)
            return format_html("{}{}", context.key_points, html)
        block = blocks[0]
        # Block renderers read the first node, so there must be one.
        block.nodes = block.nodes or [Paragraph()]
        html = get_block_types()[block.name].render(block, context, format_html("<div data-content>{}</div>", ""))
        return format_html("{}{}", context.key_points, html)


def _has_editable_content(block: Block) -> bool:
    block_type = get_block_types().get(block.name)
    return block_type is not None and block_type.content not in {Content.NOTHING, Content.OPTIONS}


def released_document(release: Release) -> Document:
    """Return the tree of a release as it was published.

    Releases of earlier versions of the portal have no tree, or an unreadable one. Their Markdown is rendered again with
    the stored anchors and the current values and pictures.
    """
    return Document.from_json(release.document) or _render_again(release).document


def embed_release(release: Release, prefix: str) -> SafeString:
    """Return the HTML of a release as a part of a document with several; see ``embed_article`` and
    ``released_document``.
    """
    html, stored = release.article, Document.from_json(release.document)
    if stored is None or not stored.placeholder_offsets:
        rendered = _render_again(release)
        html, stored = rendered.html, rendered.document
    return embed_article(html, stored.placeholder_offsets, prefix, release.path)


def _render_again(release: Release) -> RenderedPage:
    return render_page(
        release.revision.content,
        kind=release.page.kind,
        resolver=ReferenceResolver(release.page.language),
        anchor_renames=release.anchor_renames,
        old_anchors=release.old_anchors,
    )


def _render_in_context(content: dict[str, Any], kind: str, context: RenderContext, parsed: ParsedText) -> RenderedPage:
    resolver, document = context.resolver, parsed.document
    # The glossary page defines every term, so links to definitions would only repeat it.
    defines_terms = any(isinstance(node, Block) and node.name == "glossary" for node in document.body)
    context.glossary = GlossaryLinker([] if defines_terms else resolver.glossary_terms)
    listed_pages = [item["page"] for item in content.get("items", [])]
    resolver.prefetch_document(
        document, figure_slugs=[content["lead_figure"]], page_subjects=[content["next_page"], *listed_pages]
    )
    _check_plain_text_fields(content, context)
    # Render the picture first, because it is above the text.
    lead = _render_lead_figure(content["lead_figure"], context)
    body, rest = _render_body(parsed, context, is_guide=kind == PageKind.GUIDE)
    phone, phone_href = resolver.get_phone("clinic.phone")
    emergency = _render_emergency_signs(kind, context)
    sources, words = _render_sources(context), _render_glossary_terms(context)
    next_step, next_block = _build_next_step(content, context)
    if content["next_page"] in listed_pages:
        next_step = next_block = None
    has_phones = "phones" in context.used_once
    values: dict[str, Any] = {
        "title": content["title"],
        "key_message": content["key_message"],
        "stage": _find_stage(content, kind, context),
        "kind": kind,
        "language": resolver.language,
        "lead": lead[0],
        "key_points": context.key_points,
        "emergency": emergency[0],
        "contents": context.headings,
        "body": body,
        "rest": rest,
        "has_arrows": context.has_arrows,
        "comparison_anchor": context.comparison_anchor,
        "sources": sources[0],
        "words": words[0],
        "next": next_step,
        # A page with call buttons needs no other phone link.
        "phone": "" if has_phones else phone,
        "has_phones": has_phones,
        "phone_href": phone_href,
    }
    items = _build_reading_list(content.get("items", []), context) if kind == PageKind.GUIDE else []
    reading_list = _reading_list_block(items) if items else None
    front = [_build_header(content), context.key_points_block, emergency[1], reading_list, lead[1]]
    document.front = [part for part in front if part]
    document.back = [part for part in (next_block, words[1], sources[1]) if part]
    document.large_figures = context.large_figures
    html, document.placeholder_offsets = extract_placeholders(
        minify(render_to_string("article/page.html", {**values, "items": items, **PLACEHOLDERS}))
    )
    anchors = document.anchors()
    for line, anchor in context.fragment_links:
        if anchor not in anchors:
            context.issues.add(
                line,
                Wording(
                    _("There is no section #%(anchor)s on this page."),
                    _(
                        "This link leads to a section that is not on this page. Add the link again, and choose the "
                        "section."
                    ),
                ),
                anchor=anchor,
            )
    return RenderedPage(
        html=html,
        document=document,
        language=resolver.language,
        issues=sorted(context.issues.issues, key=lambda issue: issue.line),
        dependencies=sorted(resolver.dependencies.values(), key=lambda dependency: (dependency.kind, dependency.key)),
        thumbnail=_get_thumbnail(content["lead_figure"], resolver),
        is_empty=not content["body"].strip(),
        reading_list_minutes=sum(item["minutes"] for item in items),
        anchors=frozenset(context.anchors),
        page_links=context.page_links,
        moved_anchors=context.moved_anchors,
    )


def _check_plain_text_fields(content: dict[str, Any], context: RenderContext) -> None:
    """Check plain text fields: markup would be shown as typed, and a typed phone number would go stale."""
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
        subject = interpolate_lazy(_("The note about “%(page)s” in the reading list"), page=item["page"])
        context.check_plain_text(0, subject, item["note"])


def _render_body(parsed: ParsedText, context: RenderContext, *, is_guide: bool) -> tuple[SafeString, SafeString]:
    """Return the HTML of the body and, for a guide, of the sections after the first, which its picture precedes."""
    if len(parsed.text) > MAX_BODY_LENGTH:
        too_long = _("The text is longer than %(limit)s characters. Split it into two pages.")
        context.issues.add(0, too_long, limit=f"{MAX_BODY_LENGTH:,}")
        return EMPTY_HTML, EMPTY_HTML
    document = parsed.document
    lint(parsed, context)
    for line, message, fix in islice(_find_typed_phones(document, context), MAX_ISSUES):
        context.issues.add(line, message, fix=fix)
    sections = split_sections(document.body) if is_guide else [document.body]
    # The first entry contains the nodes before the first section.
    html = to_html([node for section in sections[:2] for node in section], context)
    rest = to_html([node for section in sections[2:] for node in section], context)
    document.body = [node for node in document.body if node is not context.key_points_block]
    # Anchors of removed sections lead to the top of the body.
    document.top_anchors = context.reserve_old_anchors("")
    return write_anchors(document.top_anchors) + html, rest


def _find_typed_phones(document: Document, context: RenderContext) -> Iterator[tuple[int, Message, Fix | None]]:
    """Yield the line, a message, and the correction for each typed phone number in a parsed text, because it would not
    change with the clinic's number.
    """
    emergency = context.resolver.clinic_values["clinic.emergency_number"]
    phone_message = Wording(
        _(
            "“%(number)s” is a typed phone number. It would not change when the clinic’s number does. Write "
            "{clinic.phone}, {clinic.after_hours_phone} or {clinic.emergency_number}. %(hint)s"
        ),
        _(
            "“%(number)s” is a typed phone number. It would not change when the clinic’s number does. Delete this "
            "number and insert %(label)s. %(hint)s"
        ),
    )
    emergency_message = Wording(
        _(
            "“%(number)s” is a typed emergency number. It would not change when the clinic’s emergency number "
            "does. Write {clinic.emergency_number}."
        ),
        _(
            "“%(number)s” is a typed emergency number. It would not change when the clinic’s emergency number does. "
            "Delete this number and insert the emergency number."
        ),
    )
    for node in walk(document.body):
        text = node.options if isinstance(node, Block) else _typed_text(node) if isinstance(node, Text) else ""
        for place, number in find_phones(text, context.clinic_phones):
            name = _find_clinic_value(number, context)
            message = fill(phone_message, number=number, label=CLINIC_VALUE_NAMES[name], hint=ALLOWED_NUMBERS_HINT)
            fix = insert_value_fix(name, number) if context.resolver.clinic_values.get(name) else None
            yield node.line + text.count("\n", 0, place), message, fix
        for place, number in find_emergency_numbers(text, emergency):
            fix = insert_value_fix("clinic.emergency_number", number)
            yield node.line + text.count("\n", 0, place), fill(emergency_message, number=number), fix


def _find_clinic_value(number: str, context: RenderContext) -> str:
    """Return the name of the clinic value to insert in place of a typed phone number."""
    after_hours = context.resolver.clinic_values.get("clinic.after_hours_phone", "")
    is_after_hours = after_hours and normalize_phone(after_hours) == normalize_phone(number)
    is_day = normalize_phone(context.resolver.clinic_values.get("clinic.phone", "")) == normalize_phone(number)
    return "clinic.after_hours_phone" if is_after_hours and not is_day else "clinic.phone"


def _typed_text(node: Text) -> str:
    """Return the text without markup, with its lines, and with the numbers of phone links."""
    pieces: list[str] = []
    called: set[int] = set()
    for run in node.runs:
        for mark in run.marks:
            if id(mark) not in called and (number := find_linked_number(mark.href)):
                called.add(id(mark))
                pieces.append(f"{PLACEHOLDER} call {number} {PLACEHOLDER}")
        is_name = run.kind in {"citation", "value"}
        pieces.append("\n" if run.kind in {"space", "break"} else PLACEHOLDER if is_name else run.text)
    return "".join(pieces)


def _build_header(content: dict[str, Any]) -> Block:
    title = Block(name="title", component="title", nodes=[Heading(level=1, runs=[Run(content["title"])])])
    message = Block(
        name="message", component="key message", nodes=[text_paragraph(content["key_message"], role="message")]
    )
    return Block(name="header", nodes=[title, message] if content["key_message"] else [title])


def _render_lead_figure(slug: str, context: RenderContext) -> RenderedPart:
    view = context.resolver.get_figure(slug) if slug else None
    if view is None:
        if slug:
            context.add_unavailable_figure(0, slug)
        return EMPTY_HTML, None
    return render_figure(view, 0, context, eager=True)


def _render_emergency_signs(kind: str, context: RenderContext) -> RenderedPart:
    """Render the emergency signs, which every topic and guide starts with, whatever its body contains."""
    if kind == PageKind.ABOUT:
        return EMPTY_HTML, None
    html, nodes = render_emergency_signs(context.signs_timing or SignTiming.BOTH, context, is_page_top=True)
    return html, Block(name=PAGE_SIGNS, component="warning signs", nodes=nodes) if nodes else None


def _get_thumbnail(slug: str, resolver: ReferenceResolver) -> dict[str, Any] | None:
    view = resolver.get_figure(slug) if slug else None
    return view.thumbnail if view else None


def _translate_our_words(text: str) -> str:
    """Translate our own words in the entry of a source. The names and titles of others stay as published."""
    for words in OUR_WORDS_IN_SOURCES:
        text = text.replace(words, gettext(words))
    return text


def _render_sources(context: RenderContext) -> RenderedPart:
    if not context.sources:
        return EMPTY_HTML, None
    rows = []
    entries: list[Node] = []
    for number, source in enumerate(context.sources, start=1):
        name = interpolate_lazy(_("The entry of the source “%(key)s”"), key=source.key)
        organisation, title = _translate_our_words(source.organisation), _translate_our_words(source.title)
        context.check_plain_text(0, name, organisation, title, source.identifier, allow_codes=True)
        row = {name: getattr(source, name) for name in ("key", "year", "url", "identifier")}
        rows.append({"number": number, "organisation": organisation, "title": title, **row})
        year = f", {source.year}" if source.year else ""
        identifier = f" {source.identifier}." if source.identifier else ""
        runs = [Run(f"{organisation}. "), link_run(title, source.url), Run(f"{year}.{identifier}")]
        entries.append(ListItem(anchor=f"source-{number}", nodes=[Paragraph(runs=runs, role="source")]))
    heading = Heading(level=2, runs=[Run(gettext("Sources"))], anchor="page-sources")
    block = Block(name="sources", nodes=[heading, List(nodes=entries, is_ordered=True)])
    return render_component("sources", sources=rows), block


def _render_glossary_terms(context: RenderContext) -> RenderedPart:
    language = context.resolver.language
    linked = context.glossary.linked_terms.values()
    terms = sorted(linked, key=lambda term: alphabetical_key(term.term, language))
    if not terms:
        return EMPTY_HTML, None
    nodes: list[Node] = [Heading(level=2, runs=[Run(gettext("Words to know"))], anchor="page-words")]
    for term in terms:
        context.resolver.record_term(term)
        name = interpolate_lazy(_("The glossary entry “%(key)s”"), key=term.key)
        context.check_plain_text(0, name, term.term, term.pronunciation, term.definition)
        nodes += term_nodes(term, f"word-{term.key}")
    return render_component("page_words", terms=terms), Block(name="page-words", component="glossary", nodes=nodes)


def _build_next_step(content: dict[str, Any], context: RenderContext) -> tuple[dict[str, str] | None, Block | None]:
    subject = content["next_page"]
    if not subject:
        return None, None
    page = context.resolver.get_titled_page(subject)
    if page is None:
        message = _("The next step links to “%(page)s”, which is not a page in this language.")
        context.issues.add(0, interpolate_lazy(message, page=subject), is_missing_content=True)
        return None, None
    context.page_links.append((0, subject, ""))
    label = content["next_label"] or page.title
    runs = [Run(f"{gettext('Read next')} "), link_run(label, page.href)]
    block = Block(name="next-step", component="next step", nodes=[Paragraph(runs=runs)])
    return {"href": page.href, "label": label, "title": page.title}, block


def _find_stage(content: dict[str, Any], kind: str, context: RenderContext) -> str:
    """Return the stage of care of the page or, for a guide, of the first page on its reading list."""
    if kind == PageKind.GUIDE and (items := content.get("items")):
        page = context.resolver.get_page(items[0]["page"])
        kind = page.kind if page else kind
    return STAGES.get(kind, "")


def _build_reading_list(items: list[dict[str, Any]], context: RenderContext) -> list[dict[str, Any]]:
    rows = []
    for number, item in enumerate(items, start=1):
        page = context.resolver.get_titled_page(item["page"], item["section"])
        if page is None:
            message = _("The reading list contains “%(page)s”, which is not a page in this language.")
            context.issues.add(0, interpolate_lazy(message, page=item["page"]), is_missing_content=True)
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


def _reading_list_block(items: list[dict[str, Any]]) -> Block:
    nodes: list[Node] = [Heading(level=2, runs=[Run(gettext("What to read"))], anchor="page-reading")]
    entries: list[Node] = []
    for item in items:
        title = f"{item['title']}: {item['section_title']}" if item["section_title"] else item["title"]
        lines = [Paragraph(runs=[link_run(title, item["href"])])]
        lines += [text_paragraph(item["note"])] if item["note"] else []
        entries.append(ListItem(nodes=list(lines)))
    nodes.append(List(nodes=entries, is_ordered=True, is_tight=False))
    return Block(name="reading-list", component="reading list", nodes=nodes)
