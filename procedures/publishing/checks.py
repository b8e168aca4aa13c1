"""What forbids publishing, in sentences. The third ring: rules across rows, after validators and constraints."""

import re
from collections.abc import Callable, Iterator
from textwrap import shorten
from typing import Any

from procedures import languages
from procedures.enums import PageKind
from procedures.figures.approval import FigureVersion
from procedures.models import Page, Path, Release
from procedures.models.page import public_path
from procedures.publishing.anchor_redirects import render_draft
from procedures.readability.scores import MAX_SENTENCE_WORDS, smog_grade, split_sentences, split_words
from procedures.rendering import Issue, ReferenceResolver, RenderedPage
from procedures.rendering.parser import extract_section_titles
from procedures.rendering.source_map import SourceMap
from procedures.rendering.text_extraction import to_sentences
from procedures.rendering.warning_sign_lint import lint_warning_signs
from procedures.validators import is_reserved_path, reserved_path_message

MAX_QUOTE_LENGTH = 160
# Pages that state no medical fact need no picture, key points or source.
NON_MEDICAL_KINDS = frozenset({PageKind.ABOUT, PageKind.GUIDE})


def check_rendered_draft(
    page: Page, content: dict[str, Any], rendered: RenderedPage, library: ReferenceResolver, *, check_links: bool = True
) -> list[Issue]:
    """Everything to fix before this text may go public; empty when it may. ``library``: the one it was rendered with.

    ``links=False`` leaves out what depends on other pages being public: a first load publishes them all at once.
    """
    problems = list(rendered.issues)
    problems += lint_warning_signs(content, kind=page.kind, triage=library.build_triage())
    problems += _check_fields(page, content)
    problems += _check_required_parts(page, content, rendered)
    problems += _check_readability(page, content, rendered)
    problems += _check_path(page, content, may_move=check_links)
    if check_links:
        problems += find_broken_links(page, rendered)
    return problems


def check_rerelease(live: Release, rendered: RenderedPage) -> list[Issue]:
    """Problems that today's values cause in a live text: what it names is gone, or a sentence is too long now.

    The words were approved and are public. A rule about words that came later, or a slightly higher reading level,
    must not hold back a new phone number.
    """
    missing = [problem for problem in rendered.issues if problem.is_unknown_reference]
    before = {_strip_numbers(sentence) for sentence in split_sentences(to_sentences(str(live.html)))}
    long = _check_sentence_length(
        live.revision.content["body"], rendered.text, lambda one: _strip_numbers(one) in before
    )
    return [*missing, *long]


def _strip_numbers(sentence: str) -> str:
    """Numbers of sources and phones change without making a sentence another one."""
    return re.sub(r"\d+", "", sentence)


def check_draft(page: Page, content: dict[str, Any]) -> list[Issue]:
    """``readiness`` of a text that is not rendered yet, with the pictures that are approved now."""
    library = ReferenceResolver(page.language, FigureVersion.APPROVED)
    return check_rendered_draft(page, content, render_draft(page, content, library=library), library)


def _check_fields(page: Page, content: dict[str, Any]) -> Iterator[Issue]:
    names = {"title": "title", "key_message": "key message", "description": "description", "slug": "address"}
    for field, name in names.items():
        if not content[field].strip():
            yield Issue(0, f"The {name} is empty. Write one.", field)
    if not content["body"].strip():
        yield Issue(0, "The text is empty.", "body")


def _check_required_parts(page: Page, content: dict[str, Any], rendered: RenderedPage) -> Iterator[Issue]:
    if page.kind not in NON_MEDICAL_KINDS:
        if not content["lead_figure"]:
            yield Issue(0, "Choose the picture that carries the message.", "lead_figure")
        if "::: key-points" not in content["body"]:
            yield Issue(0, "Put key points before the first heading: ::: key-points.", "body")
        if not any(used.kind == "source" for used in rendered.dependencies):
            yield Issue(0, "No source is cited. Cite where the facts come from: [@key].", "body")
    if not content["next_page"] and page.kind != PageKind.ABOUT:
        yield Issue(0, "Choose the next step, so that the reader knows what to do.", "next_page")
    if page.kind == PageKind.GUIDE and not content.get("items"):
        yield Issue(0, "The reading list is empty. Add at least one page.")


def _check_readability(page: Page, content: dict[str, Any], rendered: RenderedPage) -> Iterator[Issue]:
    text, level, rules = rendered.text, rendered.reading_level, languages.get(page.language).readability
    if rules is not None and level is not None and rules.is_harder(level, rules.limit):
        reads = rules.statement.format(level=level)
        yield Issue(0, f"The text {reads}; {rules.limit_text}. Use shorter sentences and words.")
    if rules is not None and level is not None and rules.smog_limit is not None:
        grade = smog_grade(text, page.language)
        if grade > rules.smog_limit:
            yield Issue(
                0,
                f"The text has SMOG grade {grade}; {rules.smog_limit} is the most. "
                "Use fewer words of three syllables or more.",
            )
    yield from _check_sentence_length(content["body"], text)


def _check_sentence_length(body: str, text: str, is_known: Callable[[str], bool] = lambda _: False) -> Iterator[Issue]:
    """Sentences of ``text`` with too many words, but those that are ``known``."""
    places = SourceMap(body)
    for sentence in split_sentences(text):
        if (length := len(split_words(sentence))) > MAX_SENTENCE_WORDS and not is_known(sentence):
            quoted = shorten(sentence, MAX_QUOTE_LENGTH, placeholder=" …")
            yield Issue(
                places.find_line(sentence),
                f"A sentence has {length} words; {MAX_SENTENCE_WORDS} is the most. Make two of it: “{quoted}”",
            )


def _check_path(page: Page, content: dict[str, Any], *, may_move: bool) -> Iterator[Issue]:
    path = public_path(page.language, page.kind, content["slug"])
    # A page that is public there from an earlier version is still rebuilt: its phone number must not grow old.
    stays = not may_move and page.live_release is not None and page.live_release.path == path
    if content["slug"] and not stays and is_reserved_path(path):
        yield Issue(0, reserved_path_message(path), "slug")
    taken = Path.objects.filter(path=path).exclude(page=page).select_related("page").first()
    if taken:
        sentence = f"The address {path} belongs to “{taken.page.title}” for ever. Choose another one."
        yield Issue(0, sentence, "slug")


def find_broken_links(page: Page, rendered: RenderedPage) -> list[Issue]:
    """Links to pages or sections that the public cannot read."""
    subjects = {subject for _, subject, _ in rendered.page_links}
    live = {
        release.page.subject: extract_section_titles(release.html).keys() | release.old_anchors.keys()
        for release in Release.objects.filter(
            live_on__subject__in=subjects, live_on__language=page.language
        ).select_related("page")
    }
    problems = []
    for line, subject, section in rendered.page_links:
        if subject == page.subject:
            known = rendered.anchors
        elif subject in live:
            known = frozenset(live[subject])
        else:
            problems.append(Issue(line, f"The link leads to “{subject}”, which is not public yet. Publish it first."))
            continue
        if section and section not in known:
            problems.append(Issue(line, f"The page “{subject}” has no section #{section}."))
    return problems
