"""What forbids publishing, in sentences. The third ring: rules across rows, after validators and constraints."""

import re
from collections.abc import Callable, Iterator
from textwrap import shorten
from typing import Any

from procedures.enums import Language, PageKind
from procedures.figures.approval import Pictures
from procedures.markdown import Library, Problem, RenderedPage
from procedures.markdown.outline import section_titles
from procedures.markdown.plain import prose
from procedures.markdown.reading import HARDEST_SMOG, MAX_SENTENCE, sentences, smog, words
from procedures.markdown.sign_lists import sign_list_problems
from procedures.markdown.where import Places
from procedures.models import Page, Path, Release
from procedures.models.page import public_path
from procedures.publishing.anchors import render_draft
from procedures.validators import is_reserved, reserved_sentence

HARDEST_GRADE = 6.0
HARDEST_SPANISH = 70.0
MAX_QUOTE = 160
# Pages that state no medical fact need no picture, key points or source.
PLAIN_KINDS = frozenset({PageKind.ABOUT, PageKind.GUIDE})


def readiness(
    page: Page, content: dict[str, Any], rendered: RenderedPage, library: Library, *, links: bool = True
) -> list[Problem]:
    """Everything to fix before this text may go public; empty when it may. ``library``: the one it was rendered with.

    ``links=False`` leaves out what depends on other pages being public: a first load publishes them all at once.
    """
    problems = list(rendered.problems)
    problems += sign_list_problems(content, kind=page.kind, triage=library.triage())
    problems += _fields(page, content)
    problems += _parts(page, content, rendered)
    problems += _reading(page, content, rendered)
    problems += _address(page, content, moves=links)
    if links:
        problems += broken_links(page, rendered)
    return problems


def caused_by_values(live: Release, rendered: RenderedPage) -> list[Problem]:
    """Problems that today's values cause in a live text: what it names is gone, or a sentence is too long now.

    The words were approved and are public. A rule about words that came later, or a slightly higher reading level,
    must not hold back a new phone number.
    """
    missing = [problem for problem in rendered.problems if problem.missing]
    before = {_without_numbers(sentence) for sentence in sentences(prose(str(live.html)))}
    long = _long_sentences(live.revision.content["body"], rendered.prose, lambda one: _without_numbers(one) in before)
    return [*missing, *long]


def _without_numbers(sentence: str) -> str:
    """Numbers of sources and phones change without making a sentence another one."""
    return re.sub(r"\d+", "", sentence)


def forbidding(page: Page, content: dict[str, Any]) -> list[Problem]:
    """``readiness`` of a text that is not rendered yet, with the pictures that are approved now."""
    library = Library(page.language, Pictures.APPROVED)
    return readiness(page, content, render_draft(page, content, library=library), library)


def _fields(page: Page, content: dict[str, Any]) -> Iterator[Problem]:
    names = {"title": "title", "key_message": "key message", "description": "description", "slug": "address"}
    for field, name in names.items():
        if not content[field].strip():
            yield Problem(0, f"The {name} is empty. Write one.", field)
    if not content["body"].strip():
        yield Problem(0, "The text is empty.", "body")


def _parts(page: Page, content: dict[str, Any], rendered: RenderedPage) -> Iterator[Problem]:
    if page.kind not in PLAIN_KINDS:
        if not content["lead_figure"]:
            yield Problem(0, "Choose the picture that carries the message.", "lead_figure")
        if "::: key-points" not in content["body"]:
            yield Problem(0, "Put key points before the first heading: ::: key-points.", "body")
        if not any(used.kind == "source" for used in rendered.inputs):
            yield Problem(0, "No source is cited. Cite where the facts come from: [@key].", "body")
    if not content["next_page"] and page.kind != PageKind.ABOUT:
        yield Problem(0, "Choose the next step, so that the reader knows what to do.", "next_page")
    if page.kind == PageKind.GUIDE and not content.get("items"):
        yield Problem(0, "The reading list is empty. Add at least one page.")


def _reading(page: Page, content: dict[str, Any], rendered: RenderedPage) -> Iterator[Problem]:
    level = rendered.level
    if level is not None and page.language == Language.ENGLISH and level > HARDEST_GRADE:
        yield Problem(
            0,
            f"The text reads at grade {level}; {HARDEST_GRADE} is the most. Use shorter sentences and words.",
        )
    if level is not None and page.language == Language.SPANISH and level < HARDEST_SPANISH:
        yield Problem(
            0,
            f"The text has a Fernández-Huerta value of {level}; {HARDEST_SPANISH:.0f} is the least. "
            "Use shorter sentences and words.",
        )
    text = rendered.prose
    if level is not None and page.language == Language.ENGLISH and (grade := smog(text)) > HARDEST_SMOG:
        yield Problem(
            0,
            f"The text has SMOG grade {grade}; {HARDEST_SMOG} is the most. Use fewer words of three syllables or more.",
        )
    yield from _long_sentences(content["body"], text)


def _long_sentences(body: str, text: str, known: Callable[[str], bool] = lambda _: False) -> Iterator[Problem]:
    """Sentences of ``text`` with too many words, but those that are ``known``."""
    places = Places(body)
    for sentence in sentences(text):
        if (length := len(words(sentence))) > MAX_SENTENCE and not known(sentence):
            quoted = shorten(sentence, MAX_QUOTE, placeholder=" …")
            yield Problem(
                places.line_of(sentence),
                f"A sentence has {length} words; {MAX_SENTENCE} is the most. Make two of it: “{quoted}”",
            )


def _address(page: Page, content: dict[str, Any], *, moves: bool) -> Iterator[Problem]:
    path = public_path(page.language, page.kind, content["slug"])
    # A page that is public there from an earlier version is still rebuilt: its phone number must not grow old.
    stays = not moves and page.live_release is not None and page.live_release.path == path
    if content["slug"] and not stays and is_reserved(path):
        yield Problem(0, reserved_sentence(path), "slug")
    taken = Path.objects.filter(path=path).exclude(page=page).select_related("page").first()
    if taken:
        sentence = f"The address {path} belongs to “{taken.page.title}” for ever. Choose another one."
        yield Problem(0, sentence, "slug")


def broken_links(page: Page, rendered: RenderedPage) -> list[Problem]:
    """Links to pages or sections that the public cannot read."""
    subjects = {subject for _, subject, _ in rendered.page_links}
    live = {
        release.page.subject: section_titles(release.html).keys() | release.old_anchors.keys()
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
            problems.append(Problem(line, f"The link leads to “{subject}”, which is not public yet. Publish it first."))
            continue
        if section and section not in known:
            problems.append(Problem(line, f"The page “{subject}” has no section #{section}."))
    return problems
