"""Checks that a draft must pass before publishing: rules across rows, on top of validators and constraints."""

import re
from collections.abc import Callable, Iterator
from textwrap import shorten
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from procedures import languages
from procedures.enums import PageKind
from procedures.figures.approval import FigureVersion
from procedures.models import Page, Path, Release
from procedures.models.page import public_path
from procedures.publishing.anchor_redirects import render_draft
from procedures.publishing.warning_sign_checks import find_written_signs
from procedures.readability.scores import MAX_SENTENCE_WORDS, smog_grade, split_sentences, split_words
from procedures.rendering import Issue, ReferenceResolver, RenderedPage, released_document
from procedures.rendering.document import Block, walk
from procedures.validators import is_reserved_path, reserved_path_message

MAX_QUOTE_LENGTH = 160
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
    text, level, rules = rendered.text, rendered.reading_level, languages.get(page.language).readability
    if rules is not None and level is not None and rules.is_harder(level, rules.limit):
        reads = rules.statement.format(level=level)
        yield Issue(0, f"The text {reads}; {rules.limit_text}. Use shorter sentences and words.")
    if rules is not None and level is not None and rules.smog_limit is not None:
        grade = smog_grade(text, page.language)
        if grade > rules.smog_limit:
            message = _(
                "The text has SMOG grade %(grade)s; the limit is %(limit)s. Use fewer words of three syllables or more."
            )
            yield Issue(0, message % {"grade": grade, "limit": rules.smog_limit})
    yield from _check_sentence_length(rendered)


def _check_sentence_length(
    rendered: RenderedPage, is_exempt: Callable[[str], bool] = lambda sentence: False
) -> Iterator[Issue]:
    """Yield an issue for each sentence with too many words, except those that ``is_exempt`` accepts."""
    for block in rendered.article.blocks:
        for sentence in split_sentences(block.sentences):
            if (length := len(split_words(sentence))) > MAX_SENTENCE_WORDS and not is_exempt(sentence):
                message = ngettext(
                    "A sentence has %(count)s word; the limit is %(limit)s. Split it in two: “%(quote)s”",
                    "A sentence has %(count)s words; the limit is %(limit)s. Split it in two: “%(quote)s”",
                    length,
                )
                quote = shorten(sentence, MAX_QUOTE_LENGTH, placeholder=" …")
                values = {"count": length, "limit": MAX_SENTENCE_WORDS, "quote": quote}
                yield Issue(block.find_line(sentence), message % values)


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
