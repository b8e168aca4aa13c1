"""Checks that a draft must pass before publishing, and usages that prevent the deletion of a row.

These rules span several rows and supplement validators and constraints. For example, signs and their levels belong in
the list of warning signs, so no draft may say what to do about them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import pairwise, starmap, zip_longest
from typing import Any, TypeGuard

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.text import interpolate_lazy
from procedures import languages
from procedures.enums import PageKind, SignTiming
from procedures.languages.definition import is_question
from procedures.markup import Wording
from procedures.models import (
    ClinicAnswer,
    Figure,
    GlossaryTerm,
    Page,
    Path,
    Release,
    ReleaseDependency,
    Series,
    SeriesItem,
    Source,
    WarningSign,
    WarningSignRevision,
)
from procedures.models.page import public_path, without_text
from procedures.readability.scores import (
    describe_exceeded_limits,
    describe_long_sentence,
    find_long_sentences,
    smog_grade,
)
from procedures.rendering import Issue, ReferenceResolver, RenderedPage, released_document
from procedures.rendering.blocks import Content, block_label, get_block_types
from procedures.rendering.document import (
    PAGE_SIGNS,
    Article,
    Block,
    Cell,
    Code,
    Document,
    Heading,
    Image,
    List,
    ListItem,
    Node,
    Paragraph,
    Quote,
    Row,
    Table,
    Text,
    TextBlock,
    walk,
)
from procedures.rendering.fixes import Fix, delete_lines, split_sentence
from procedures.rendering.renderer import PLAIN_TEXT_FIELDS
from procedures.triage import TriageDetector
from procedures.validators import is_reserved_path, reserved_path_message

# Pages without medical claims need no picture, key points, or source.
NON_MEDICAL_KINDS = frozenset({PageKind.ABOUT, PageKind.GUIDE})
EMPTY_FIELD_MESSAGES = {
    "title": gettext_lazy("Add a title."),
    "key_message": gettext_lazy("Add the key message."),
    "description": gettext_lazy("Add the description."),
    "slug": gettext_lazy("Add the web address."),
    "body": gettext_lazy("Write the text."),
}

# The block goes to the top of the text.
KEY_POINTS_FIX = Fix(
    gettext_lazy("Insert key points"), lambda text: f"::: key-points\n- …\n- …\n:::\n\n{text}".rstrip("\n"), line=1
)

INSERT_SIGNS = gettext_lazy("Insert the warning signs")
AFTER_KINDS = frozenset({PageKind.RECOVERY, PageKind.RISKS})
BOTH_KINDS = frozenset({PageKind.PROCEDURE, PageKind.DAY, PageKind.ABOUT, PageKind.GUIDE})
MAX_NAMED_SIGNS = 3
# Replaces a heading such as “When do I call?”, so that the text below it counts as one with an instruction to call.
CALL_INSTRUCTION = "911"


def check_draft(
    page: Page,
    content: dict[str, Any],
    rendered: RenderedPage,
    resolver: ReferenceResolver,
    *,
    check_links: bool = True,
) -> list[Issue]:
    """Return the issues that must be fixed before this draft can be published; empty if there are none.

    ``resolver``: the resolver that rendered it. ``check_links=False`` skips checks that require other pages to be
    public, because the first load of a content folder publishes all pages at once.
    """
    issues = list(rendered.issues)
    issues += find_authored_sign_advice(content, rendered.document, kind=page.kind, triage=resolver.build_triage())
    issues += _find_empty_entries(rendered.document)
    issues += _check_fields(content)
    issues += _check_required_parts(page, content, rendered)
    issues += _check_emergency_signs(page, rendered)
    issues += _check_readability(page, rendered)
    issues += _check_path(page, content, is_new_release=check_links)
    if check_links:
        issues += find_broken_links(page, rendered)
    return issues


def prints_starter_signs(rendered: RenderedPage, resolver: ReferenceResolver) -> bool:
    """Return whether a page prints a list of warning signs that the clinic hasn't reviewed."""
    is_printed = any(isinstance(node, Block) and node.name == "warning-signs" for node in walk(rendered.document.body))
    return is_printed and resolver.all_warning_signs[1]


def check_rerelease(live: Release, rendered: RenderedPage) -> list[Issue]:
    """Return issues that current values cause in a live text: a missing or empty value.

    The text itself was approved and is public. A rule added later, a long sentence, or a slightly higher reading level
    must not hold back a new phone number.
    """
    missing = [issue for issue in rendered.issues if issue.is_missing_content]
    return [*missing, *_check_emergency_signs(live.page, rendered)]


def _find_empty_entries(document: Document) -> Iterator[Issue]:
    """Yield an issue for each entry of the author's lists that has no text: patients would see an empty box or dot.

    A block whose only entry is empty is deleted as a whole, because it cannot be empty.
    """
    blocks: dict[int, Block] = {}
    for node in walk(document.body):
        if isinstance(node, Block) and (block_type := get_block_types().get(node.name)):
            entries = [child.line for child in walk(node.nodes) if isinstance(child, ListItem) and child.line]
            if block_type.content in {Content.BULLETS, Content.NUMBERS} and len(entries) == 1:
                blocks[entries[0]] = node
        if isinstance(node, ListItem) and node.line and not any(_has_content(child) for child in walk(node.nodes)):
            message = _("This entry of a list is empty, and patients would see it. Write something, or delete it.")
            if block := blocks.get(node.line):
                fix = Fix(_("Delete the block"), delete_lines, block.line, block.end + block.has_end)
            else:
                fix = Fix(_("Delete the entry"), delete_lines, node.line, node.line)
            yield Issue(node.line, message, fix=fix)


def _has_content(node: Node) -> bool:
    return bool(node.text.strip()) if isinstance(node, Text) else isinstance(node, Code | Image | Table | Block)


def _check_fields(content: dict[str, Any]) -> Iterator[Issue]:
    for field, message in EMPTY_FIELD_MESSAGES.items():
        if not content[field].strip():
            yield Issue(0, str(message), field)


def _check_required_parts(page: Page, content: dict[str, Any], rendered: RenderedPage) -> Iterator[Issue]:
    if page.kind not in NON_MEDICAL_KINDS:
        if not content["lead_figure"]:
            yield Issue(0, _("Choose the main picture."), "lead_figure")
        if not any(isinstance(node, Block) and node.name == "key-points" for node in walk(rendered.document.nodes)):
            yield Issue(0, _("Add key points before the first heading."), "body", fix=KEY_POINTS_FIX)
        if not any(dependency.kind == "source" for dependency in rendered.dependencies):
            yield Issue(0, _("Add a source for the facts."), "body", dialog="source")
    if not content["next_page"] and page.kind != PageKind.ABOUT:
        yield Issue(0, _("Choose the next page, so that readers know what to do."), "next_page")
    if page.kind == PageKind.GUIDE and not content.get("items"):
        yield Issue(0, _("The reading list is empty. Add at least one page."))


def _check_emergency_signs(page: Page, rendered: RenderedPage) -> Iterator[Issue]:
    """Yield an issue if the box with the emergency signs at the top of a topic or guide would be empty."""
    has_box = any(isinstance(node, Block) and node.name == PAGE_SIGNS for node in rendered.document.front)
    if page.kind != PageKind.ABOUT and not has_box:
        message = _(
            "The top of this page must show emergency signs, but the list has none in %(language)s for the time when "
            "patients read this page. Add one under Warning signs."
        )
        yield Issue(0, message % {"language": page.get_language_display()})


def _check_readability(page: Page, rendered: RenderedPage) -> Iterator[Issue]:
    level, smog = rendered.reading_level, smog_grade(rendered.text, page.language)
    for sentence in describe_exceeded_limits(level, smog, page.language):
        yield Issue(0, sentence)
    yield from _check_sentence_length(rendered)


def _check_sentence_length(rendered: RenderedPage) -> Iterator[Issue]:
    """Yield an issue for each sentence with too many words."""
    for block, sentence, length in find_long_sentences_by_block(rendered.article):
        fix = split_sentence(sentence, languages.get(rendered.language).clause_break)
        yield Issue(block.find_line(sentence), describe_long_sentence(sentence, length), fix=fix)


def find_long_sentences_by_block(article: Article) -> Iterator[tuple[TextBlock, str, int]]:
    """Yield each sentence with too many words, with its block and their number; headings and cells count as well."""
    for block in article.blocks:
        for sentence, length in find_long_sentences(block.sentences):
            yield block, sentence, length


def _check_path(page: Page, content: dict[str, Any], *, is_new_release: bool) -> Iterator[Issue]:
    path = public_path(page.language, page.kind, content["slug"])
    # A page already public at a path that became reserved later can still be rebuilt, so that its values stay current.
    is_unchanged = not is_new_release and page.live_release is not None and page.live_release.path == path
    if content["slug"] and not is_unchanged and is_reserved_path(path):
        yield Issue(0, reserved_path_message(path), "slug")
    existing = Path.objects.filter(path=path).exclude(page=page).select_related("page").first()
    if existing:
        message = _("The web address %(path)s belongs to “%(title)s”. Choose another one.")
        yield Issue(0, message % {"path": path, "title": existing.page.title}, "slug")


def find_broken_links(page: Page, rendered: RenderedPage) -> list[Issue]:
    """Return an issue for each link to a page or section that is not public."""
    others = [link for link in rendered.page_links if link[1] != page.subject]
    live = Release.objects.filter(
        live_on__subject__in={subject for _, subject, _ in others}, live_on__language=page.language
    )
    public = set(live.values_list("page__subject", flat=True))
    # Reading a document is slow, so read only those that a link to a section needs.
    with_sections = live.filter(live_on__subject__in={subject for _, subject, section in others if section})
    anchors = {
        release.page.subject: released_document(release).anchors()
        for release in with_sections.select_related("page", "revision").defer("html", "sections")
    } | {page.subject: set(rendered.anchors)}
    issues = []
    for line, subject, section in rendered.page_links:
        if subject != page.subject and subject not in public:
            message = _("The link points to “%(subject)s”, which is not public yet. Publish that page first.")
            issues.append(Issue(line, message % {"subject": subject}))
            continue
        if section and section not in anchors[subject]:
            values = {"subject": subject, "section": section}
            message = _("The page “%(subject)s” has no section #%(section)s.") % values
            plain = _(
                "The link leads to a section that the page “%(subject)s” does not have. Choose the section again."
            )
            issues.append(Issue(line, message, plain=plain % values))
    return issues


Referenceable = Figure | Series | Source | ClinicAnswer | GlossaryTerm
# Deliberately broader than the parser (for example, a block inside a list also matches): keeping an unused row is
# harmless, deleting a used one is not.
REFERENCE_PATTERNS = {
    "figure": r":::[ \t]*(?:figure|compare)[ \t][^\n]*(?<![\w-]){key}(?![\w-])",
    "series": r":::[ \t]*series[ \t]+{key}[ \t]*$",
    "care": r":::[ \t]*care\b[^\n]*(?<![\w-]){key}(?![\w-])",
    "source": r"\[@[^\]\n]*(?<![\w-]){key}(?![\w-])",
}


class UsageKind(StrEnum):
    """Where a row is used."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SERIES = "series"
    SIGNS = "signs"
    LIVE = "live"
    HISTORY = "history"


# Reasons not to delete a row.
USAGE_MESSAGES: dict[UsageKind, Promise] = {
    UsageKind.DRAFT: gettext_lazy("The draft of “%(title)s” shows it."),
    UsageKind.SCHEDULED: gettext_lazy("The scheduled text of “%(title)s” shows it."),
    UsageKind.SERIES: gettext_lazy("The series “%(title)s” shows it."),
    UsageKind.SIGNS: gettext_lazy("The warning signs cite it as a source."),
    UsageKind.LIVE: gettext_lazy("Patients see it on “%(title)s”."),
    UsageKind.HISTORY: gettext_lazy("Patients once saw it on “%(title)s”."),
}


@dataclass(frozen=True, slots=True)
class Usage:
    """One usage. ``page`` is None for a series and the warning signs; ``href`` is set only for a live page."""

    kind: UsageKind
    title: str
    page: Page | None = None
    href: str = ""

    def __str__(self) -> str:
        return str(USAGE_MESSAGES[self.kind]) % {"title": self.title}


def dependency_key(row: Referenceable) -> tuple[str, str]:
    """Return the kind and key of a row, as in ReleaseDependency."""
    match row:
        case Figure():
            return "figure", row.slug
        case Series():
            return "series", row.slug
        case Source():
            return "source", row.key
        case ClinicAnswer():
            return "care", row.key
        case GlossaryTerm():
            return "term", row.key


def find_deletion_blockers(row: Referenceable) -> list[str]:
    """Return why ``row`` cannot be deleted, one sentence for each usage; empty if nothing uses it."""
    return [str(usage) for usage in find_usages(row)]


def find_usages(row: Referenceable) -> list[Usage]:
    """Return every usage, one for each page and kind, starting with those that staff can remove.

    A glossary term can always be deleted: pages then simply have no link to it.
    """
    if isinstance(row, GlossaryTerm):
        return []
    language = getattr(row, "language", "")
    pages = Page.objects.in_language(language) if language else Page.objects.all()
    scheduled = pages.filter(scheduled_revision__isnull=False)
    return [
        *(Usage(UsageKind.DRAFT, page.title, page) for page in _find_referencing_pages(pages, row, "")),
        *(
            Usage(UsageKind.SCHEDULED, page.title, page)
            for page in _find_referencing_pages(scheduled, row, "scheduled_revision__content__")
        ),
        *_series_usages(row),
        *_warning_sign_usages(row),
        *_release_usages(row, language),
    ]


def _series_usages(row: Referenceable) -> list[Usage]:
    if not isinstance(row, Figure):
        return []
    items = SeriesItem.objects.filter(figure=row).select_related("series").order_by("series__slug", "series__language")
    return [Usage(UsageKind.SERIES, name) for name in dict.fromkeys(str(item.series) for item in items)]


def _warning_sign_usages(row: Referenceable) -> list[Usage]:
    """Return a usage if the live list or the newest proposed one cites the source."""
    if not isinstance(row, Source):
        return []
    newest = WarningSignRevision.objects.first()
    cited = {key for keys in WarningSign.objects.values_list("sources", flat=True) for key in keys}
    cited |= {key for sign in (newest.content if newest else []) for key in sign["sources"]}
    return [Usage(UsageKind.SIGNS, _("Warning signs"))] if row.key in cited else []


def _find_referencing_pages(pages: Any, row: Referenceable, prefix: str) -> list[Page]:
    """Return pages whose text references the row, in the body or as the lead figure.

    ``prefix``: the lookup of the text's fields; empty for the draft.
    """
    kind, key = dependency_key(row)
    pattern = re.compile(REFERENCE_PATTERNS[kind].replace("{key}", re.escape(key)), re.MULTILINE)
    lead_figure = f"{prefix}lead_figure" if prefix else "lead_figure__slug"
    rows = pages.order_by("title", "language").values_list("pk", f"{prefix}body", lead_figure)
    pks = [pk for pk, body, slug in rows if (kind == "figure" and slug == key) or pattern.search(body or "")]
    by_pk = Page.objects.in_bulk(pks)
    return [by_pk[pk] for pk in pks]


def _release_usages(row: Referenceable, language: str) -> list[Usage]:
    kind, key = dependency_key(row)
    if isinstance(row, Figure):
        dependencies = ReleaseDependency.objects.filter(figure=row)
    else:
        dependencies = ReleaseDependency.objects.filter(kind=kind, key=key)
    if language:
        dependencies = dependencies.filter(release__page__language=language)
    live: dict[int, Usage] = {}
    history: dict[int, Usage] = {}
    for dependency in dependencies.select_related("release__page"):
        release, page = dependency.release, dependency.release.page
        if page.live_release_id == release.pk:
            live[page.pk] = Usage(UsageKind.LIVE, release.title, page, release.path)
        elif isinstance(row, Figure):
            # A release stores its own text, so past releases need only the picture files.
            history[page.pk] = Usage(UsageKind.HISTORY, page.title, page)
    past = [usage for pk, usage in history.items() if pk not in live]
    return [*sorted(live.values(), key=lambda usage: usage.title), *sorted(past, key=lambda usage: usage.title)]


@dataclass(frozen=True, slots=True)
class IncomingLink:
    """A public page that links to another one, and the names of the kinds of links."""

    page: Page
    link_types: list[str]


def find_incoming_links(page: Page) -> list[IncomingLink]:
    """Return public pages that link to ``page``: in the text, as the next step, or in a reading list.

    Links always stay within one language.
    """
    dependencies = ReleaseDependency.objects.filter(kind="page", key=page.subject)
    sources = Page.objects.published().in_language(page.language)
    sources = sources.filter(live_release__in=dependencies.values("release")).exclude(pk=page.pk)
    sources = without_text(sources.select_related("live_release__revision").defer("body"))
    return [IncomingLink(source, _link_types(source, page.subject)) for source in sources.order_by("title")]


def _link_types(page: Page, subject: str) -> list[str]:
    content = page.live_release.revision.content if page.live_release else {}
    link_types = {
        _("next step"): content.get("next_page") == subject,
        _("reading list"): any(item["page"] == subject for item in content.get("items", [])),
        _("link in the text"): re.search(rf"\(page:{re.escape(subject)}(?![\w-])", content.get("body", "")) is not None,
    }
    return [name for name, is_used in link_types.items() if is_used]


@dataclass
class _TextUnit:
    """A paragraph, list, or table, and the text around it."""

    line: int
    texts: list[str]
    surrounding_text: str  # the heading and the paragraphs before and after
    is_card: bool
    is_list: bool
    heading: str = ""  # the full heading, if the unit comes directly below it
    # Sentences about the unit: its headings, the one that introduces it, and the one that closes it.
    leads: tuple[str, ...] = ()
    cells: tuple[tuple[str, str], ...] = ()  # the head of a column or row, and a cell


def find_authored_sign_advice(
    content: dict[str, Any], document: Document, *, kind: str, triage: TriageDetector
) -> list[Issue]:
    """Return an issue for each field or passage of a draft that says what to do about warning signs.

    ``document``: its tree, parsed or rendered. Only the author's own text counts, that is, nodes with a line number.
    """
    timing = SignTiming.AFTER if kind in AFTER_KINDS else SignTiming.BOTH if kind in BOTH_KINDS else SignTiming.BEFORE
    is_printed = any(isinstance(node, Block) and node.name == "warning-signs" for node in walk(document.nodes))
    advice = Wording(
        interpolate_lazy(gettext_lazy("Use ::: warning-signs %(timing)s instead."), timing=timing.value),
        gettext_lazy("Delete it; the page already prints the warning signs.")
        if is_printed
        else gettext_lazy("Delete it, and insert the warning signs instead."),
    )
    issues = [
        _make_issue(
            found, gettext_lazy("%(name)s %(signs)s Leave the signs out; the page prints them."), field, name=name
        )
        for field, name in PLAIN_TEXT_FIELDS.items()
        if (found := triage.find_advised_signs(content.get(field, "")))
    ]
    note = gettext_lazy("The note about “%(page)s” in the reading list %(signs)s Leave the signs out of it.")
    issues += [
        _make_issue(found, note, page=item["page"])
        for item in content.get("items", ())
        if (found := triage.find_advised_signs(item["note"]))
    ]
    seen: set[int] = set()
    insert: Callable[[int], Fix | None] = (
        (lambda _line: None) if is_printed else partial(_insert_signs_fix, document, timing)
    )
    for node in walk(document.nodes):
        if _is_retired(node):
            seen |= set(range(node.line, node.end + 2))
            message = Wording(
                gettext_lazy("::: %(name)s is no longer used: signs and their levels come from one list. %(fix)s"),
                gettext_lazy(
                    "The block “%(label)s” is no longer used: signs and their levels come from one list. %(fix)s"
                ),
            )
            values = {"name": node.name, "label": block_label(node.name)}
            issues.append(_make_advice_issue(node.line, message, advice, insert(node.line), **values))
    for unit in _iter_units(document.nodes, triage, (content.get("title", ""),)):
        if unit.line not in seen and (found := _find_own_signs(unit, triage)):
            seen.add(unit.line)
            text = (
                gettext_lazy("This list %(signs)s %(fix)s")
                if unit.is_list
                else gettext_lazy("This text %(signs)s %(fix)s")
            )
            fix = insert(unit.line)
            issues.append(_make_advice_issue(unit.line, Wording(text, text), advice, fix, signs=_describe_signs(found)))
    return issues


def _make_issue(signs: set[str], message: Promise, field: str = "", **values: object) -> Issue:
    return Issue(0, interpolate_lazy(message, signs=_describe_signs(signs), **values), field)


def _make_advice_issue(line: int, message: Wording, advice: Wording, fix: Fix | None, **values: object) -> Issue:
    """Return an issue in both wordings, each with its own advice as the value ``fix`` of the message."""
    source = interpolate_lazy(message.source, fix=advice.source, **values)
    return Issue(line, source, fix=fix, plain=interpolate_lazy(message.plain, fix=advice.plain, **values))


def _describe_signs(signs: set[str]) -> str:
    named = "; ".join(sorted(signs, key=len)[:MAX_NAMED_SIGNS])
    description = gettext_lazy("says what to do about warning signs (%(names)s). Signs come from one list.")
    return interpolate_lazy(description, names=named)


def _insert_signs_fix(document: Document, timing: SignTiming, line: int) -> Fix:
    """Return the correction that inserts the warning signs before the part of the text at ``line``, or after a heading.

    The text stays for the author to delete: it may say more than the list does.
    """
    block = f"::: warning-signs {timing.value}"
    part = max((node for node in document.nodes if 0 < node.line <= line), key=lambda node: node.line, default=None)
    if isinstance(part, Heading):
        return Fix(INSERT_SIGNS, lambda text: f"{text}\n\n{block}", part.line)
    return Fix(INSERT_SIGNS, lambda text: f"{block}\n\n{text}", part.line if part else line)


def _is_retired(node: Node) -> TypeGuard[Block]:
    """Return whether a node is a block for handwritten signs."""
    block_type = get_block_types().get(node.name) if isinstance(node, Block) else None
    return block_type is not None and block_type.is_retired


def _find_own_signs(unit: _TextUnit, triage: TriageDetector) -> set[str]:
    together = "\n".join(unit.texts)
    says_to_call, is_introduced_by_call = (
        triage.says_to_call(together),
        unit.is_card or triage.says_to_call(unit.surrounding_text),
    )
    if found := next(filter(None, _find_advised_signs(unit, triage)), None):
        return found
    if unit.is_card and (found := triage.find_signs(together)):
        return found
    if CALL_INSTRUCTION in unit.surrounding_text.split("\n") and (found := triage.find_emergencies(together)):
        return found
    if not (unit.is_list or unit.is_card) or not (says_to_call or is_introduced_by_call):
        return set()
    signs_by_entry = [signs for text in unit.texts if (signs := triage.find_signs(text))]
    found = set().union(*signs_by_entry)
    # One entry may explain several signs while another says whom to call, but two entries with signs make a list.
    return found if len(found) > 1 and (is_introduced_by_call or len(signs_by_entry) > 1) else set()


def _find_advised_signs(unit: _TextUnit, triage: TriageDetector) -> Iterator[set[str]]:
    """Yield the signs of each text of a unit, alone and together with each text around it."""
    yield from map(triage.find_advised_signs, unit.texts)
    # One entry may name the sign and the next one say what to do; so may a heading and the text below it.
    pairs = pairwise([unit.heading, *unit.texts] if unit.heading else unit.texts)
    yield from (triage.find_paired_signs("\n".join(pair)) for pair in pairs)
    yield triage.find_listed_signs(unit.texts)
    for lead in unit.leads:
        yield from (triage.find_introduced_signs(lead, text) for text in unit.texts)
    yield from starmap(triage.find_introduced_signs, unit.cells)


def _iter_units(nodes: Sequence[Node], triage: TriageDetector, headings: tuple[str, ...] = ()) -> Iterator[_TextUnit]:
    """Yield paragraphs, lists, and tables in order, outermost first. A card is one unit with its list.

    ``headings``: the title of the page and the headings above the nodes.
    """
    heading, title, before, intro = "", "", "", ""
    levels: dict[int, str] = {}
    nodes = [node for node in nodes if node.line]
    for position, node in enumerate(nodes):
        above = (*headings, *levels.values())
        if isinstance(node, Heading):
            title = node.text
            # A heading that introduces a list: “When do I call?”
            heading = CALL_INSTRUCTION if triage.is_call_heading(title) else ""
            before = intro = ""
            levels = {level: text for level, text in levels.items() if level < node.level}
            above = (*headings, *levels.values())
            levels[node.level] = title
            yield _TextUnit(node.line, [title], "", is_card=False, is_list=False, leads=_statements(above))
            continue
        after = _paragraph_at(nodes, position + 1)
        leads = (*above, intro, triage.find_introduction(before, of_list=True), triage.find_closing_sentence(after))
        if isinstance(node, Block) and node.nodes and not _is_retired(node):
            if node.name == "call":
                yield _TextUnit(node.line, _split_texts(node.nodes), "", is_card=True, is_list=False)
            else:
                for unit in _iter_units(node.nodes, triage):
                    # The text around the block is also text around each unit in it.
                    unit.surrounding_text = "\n".join([unit.surrounding_text, heading, before, after])
                    unit.heading = unit.heading or title
                    unit.leads += leads if unit.is_list or triage.is_entry(unit.texts[0]) else ()
                    title = ""
                    yield unit
            before = intro = ""
        elif isinstance(node, List | Table | Quote):
            context = "\n".join([heading, before, after])
            cells = tuple(_pair_cells(node)) if isinstance(node, Table) else ()
            yield _TextUnit(
                node.line, _split_texts([node]), context, False, True, heading=title, leads=leads, cells=cells
            )
            before = intro = ""
        elif isinstance(node, Paragraph):
            is_entry = triage.is_entry(node.source)
            leads = (*_statements(above), intro) if is_entry else ()
            leads += (triage.find_closing_sentence(after, above=node.source),)
            yield _TextUnit(
                node.line,
                [node.source],
                "",
                is_card=False,
                is_list=False,
                heading=title,
                leads=leads,
            )
            before = node.source
            intro = triage.find_introduction(before) or (intro if is_entry else "")
        title = ""


def _statements(headings: Sequence[str]) -> tuple[str, ...]:
    """Return the headings that are not questions: a paragraph below a question answers it."""
    return tuple(heading for heading in headings if not is_question(heading))


def _pair_cells(table: Table) -> Iterator[tuple[str, str]]:
    """Yield the head of each column, and the first cell of each row, with each cell below or next to it."""
    rows = [[cell.source for cell in row.children if isinstance(cell, Cell)] for row in table.nodes]
    for head, *cells in zip_longest(*rows, fillvalue=""):
        yield from ((head, cell) for cell in cells)
    for first, *cells in filter(None, rows[1:]):
        yield from ((first, cell) for cell in cells)


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
