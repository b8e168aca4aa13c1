"""What must be fixed before a draft can be published, and what still uses a row that staff want to delete.

These are rules across rows, on top of validators and constraints.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.enums import PageKind
from procedures.figures.approval import FigureVersion
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
from procedures.models.page import public_path
from procedures.publishing.anchor_redirects import render_draft
from procedures.publishing.warning_sign_checks import find_written_signs
from procedures.readability.scores import smog_grade, split_sentences, split_words
from procedures.readability.thresholds import MAX_SENTENCE_WORDS, describe_exceeded_limits, describe_long_sentence
from procedures.rendering import Issue, ReferenceResolver, RenderedPage, released_document
from procedures.rendering.document import Block, walk
from procedures.validators import is_reserved_path, reserved_path_message

# Pages without medical claims need no picture, key points, or source.
NON_MEDICAL_KINDS = frozenset({PageKind.ABOUT, PageKind.GUIDE})
EMPTY_FIELD_MESSAGES = {
    "title": gettext_lazy("The title is empty. Write one."),
    "key_message": gettext_lazy("The key message is empty. Write one."),
    "description": gettext_lazy("The description is empty. Write one."),
    "slug": gettext_lazy("The address is empty. Write one."),
    "body": gettext_lazy("The text is empty."),
}


def check_draft(page: Page, content: dict[str, Any]) -> list[Issue]:
    """Render a draft with the currently approved pictures and check it; see ``check_rendered_draft``."""
    resolver = ReferenceResolver(page.language, FigureVersion.APPROVED)
    return check_rendered_draft(page, content, render_draft(page, content, resolver=resolver), resolver)


def check_rendered_draft(
    page: Page,
    content: dict[str, Any],
    rendered: RenderedPage,
    resolver: ReferenceResolver,
    *,
    check_links: bool = True,
) -> list[Issue]:
    """Return everything to fix before this draft can be published; empty when it is ready.

    ``resolver``: the one that rendered it. ``check_links=False`` skips checks that require other pages to be public,
    because the first load of a content folder publishes all pages at once.
    """
    issues = list(rendered.issues)
    issues += find_written_signs(content, rendered.document, kind=page.kind, triage=resolver.build_triage())
    issues += _check_fields(content)
    issues += _check_required_parts(page, content, rendered)
    issues += _check_readability(page, rendered)
    issues += _check_path(page, content, is_new_release=check_links)
    if check_links:
        issues += find_broken_links(page, rendered)
    return issues


def check_rerelease(live: Release, rendered: RenderedPage) -> list[Issue]:
    """Return issues that current values cause in a live text: a missing reference, or a sentence that became too long.

    The text itself was approved and is public. A rule added later, or a slightly higher reading level, must not hold
    back a new phone number.
    """
    missing = [issue for issue in rendered.issues if issue.is_unknown_reference]
    live_lines = [line for section in live.sections for line in (section["title"], *section["text"].split("\n"))]
    live_sentences = {_strip_numbers(sentence) for line in live_lines for sentence in split_sentences(line)}
    too_long = _check_sentence_length(rendered, lambda sentence: _strip_numbers(sentence) in live_sentences)
    return [*missing, *too_long]


def _strip_numbers(sentence: str) -> str:
    """Remove digits: a new source number or phone number does not make it another sentence; nor does an end mark."""
    return re.sub(r"\d+", "", sentence).rstrip(".")


def _check_fields(content: dict[str, Any]) -> Iterator[Issue]:
    for field, message in EMPTY_FIELD_MESSAGES.items():
        if not content[field].strip():
            yield Issue(0, str(message), field)


def _check_required_parts(page: Page, content: dict[str, Any], rendered: RenderedPage) -> Iterator[Issue]:
    if page.kind not in NON_MEDICAL_KINDS:
        if not content["lead_figure"]:
            yield Issue(0, _("Choose the picture that carries the message."), "lead_figure")
        if not any(isinstance(node, Block) and node.name == "key-points" for node in walk(rendered.document.nodes)):
            yield Issue(0, _("Put key points before the first heading: ::: key-points."), "body")
        if not any(dependency.kind == "source" for dependency in rendered.dependencies):
            yield Issue(0, _("No source is cited. Cite where the facts come from: [@key]."), "body")
    if not content["next_page"] and page.kind != PageKind.ABOUT:
        yield Issue(0, _("Choose the next step, so that the reader knows what to do."), "next_page")
    if page.kind == PageKind.GUIDE and not content.get("items"):
        yield Issue(0, _("The reading list is empty. Add at least one page."))


def _check_readability(page: Page, rendered: RenderedPage) -> Iterator[Issue]:
    level, smog = rendered.reading_level, smog_grade(rendered.text, page.language)
    for sentence in describe_exceeded_limits(level, smog, page.language):
        yield Issue(0, sentence)
    yield from _check_sentence_length(rendered)


def _check_sentence_length(
    rendered: RenderedPage, is_exempt: Callable[[str], bool] = lambda sentence: False
) -> Iterator[Issue]:
    """Yield an issue for each sentence with too many words, except those that ``is_exempt`` accepts."""
    for block in rendered.article.blocks:
        for sentence in split_sentences(block.sentences):
            if (length := len(split_words(sentence))) > MAX_SENTENCE_WORDS and not is_exempt(sentence):
                yield Issue(block.find_line(sentence), describe_long_sentence(sentence, length))


def _check_path(page: Page, content: dict[str, Any], *, is_new_release: bool) -> Iterator[Issue]:
    path = public_path(page.language, page.kind, content["slug"])
    # A page already public at a path that became reserved later can still be rebuilt, so that its values stay current.
    is_unchanged = not is_new_release and page.live_release is not None and page.live_release.path == path
    if content["slug"] and not is_unchanged and is_reserved_path(path):
        yield Issue(0, reserved_path_message(path), "slug")
    existing = Path.objects.filter(path=path).exclude(page=page).select_related("page").first()
    if existing:
        message = _("The address %(path)s belongs permanently to “%(title)s”. Choose another one.")
        yield Issue(0, message % {"path": path, "title": existing.page.title}, "slug")


def find_broken_links(page: Page, rendered: RenderedPage) -> list[Issue]:
    """Return an issue for each link to a page or section that is not public."""
    subjects = {subject for _, subject, _ in rendered.page_links}
    live_anchors = {
        release.page.subject: released_document(release).anchors()
        for release in Release.objects.filter(live_on__subject__in=subjects, live_on__language=page.language)
        .select_related("page", "revision")
        .defer("html")
    }
    issues = []
    for line, subject, section in rendered.page_links:
        if subject == page.subject:
            anchors = set(rendered.anchors)
        elif subject in live_anchors:
            anchors = live_anchors[subject]
        else:
            message = _("The link leads to “%(subject)s”, which is not public yet. Publish it first.")
            issues.append(Issue(line, message % {"subject": subject}))
            continue
        if section and section not in anchors:
            message = _("The page “%(subject)s” has no section #%(section)s.")
            issues.append(Issue(line, message % {"subject": subject, "section": section}))
    return issues


Referenceable = Figure | Series | Source | ClinicAnswer | GlossaryTerm
# Broader than the parser, such as for a block inside a list: a row may be kept needlessly, but never deleted in use.
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


def deletion_blockers(row: Referenceable) -> list[str]:
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
    sources = sources.select_related("live_release__revision").defer("body", "live_release__html")
    return [IncomingLink(source, _link_types(source, page.subject)) for source in sources.order_by("title")]


def _link_types(page: Page, subject: str) -> list[str]:
    content = page.live_release.revision.content if page.live_release else {}
    link_types = {
        _("next step"): content.get("next_page") == subject,
        _("reading list"): any(item["page"] == subject for item in content.get("items", [])),
        _("link in the text"): re.search(rf"\(page:{re.escape(subject)}(?![\w-])", content.get("body", "")) is not None,
    }
    return [name for name, is_used in link_types.items() if is_used]
