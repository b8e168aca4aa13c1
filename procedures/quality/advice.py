"""What would make a draft easier to read or safer to believe, with its line. Nothing here forbids publishing."""

from collections.abc import Iterator
from textwrap import shorten
from typing import Any

from procedures.enums import Language, PageKind
from procedures.markdown import Library, Problem, RenderedPage
from procedures.markdown.reading import LONGEST_SENTENCE, reading_level, sentences, words
from procedures.markdown.where import Places
from procedures.models import Page
from procedures.publishing.readiness import PLAIN_KINDS
from procedures.quality.article import Article, Block, take_apart
from procedures.quality.marks import mendable, notes
from procedures.quality.measure import ACTIONS, PARAGRAPH_SENTENCES, TARGET_SENTENCE, measure
from procedures.quality.numbers import unsourced

# A paragraph may be harder than its page, but not by much. Spanish counts the other way round.
HARD_PARAGRAPH, HARD_SPANISH_PARAGRAPH = 8.0, 60.0
# Below this, one long word makes a paragraph look hard.
FEWEST_WORDS = 15
LONGEST_QUOTE = 70


def advice(page: Page, content: dict[str, Any], rendered: RenderedPage, library: Library) -> list[Problem]:
    """In the order of the text; what concerns the whole page comes last, with line 0."""
    article, places = take_apart(rendered.html), Places(content["body"])
    found = [*_paragraphs(article, places, page.language), *_sentences(article, places)]
    if page.kind not in PLAIN_KINDS:
        found += _numbers(article, places, library)
    found.sort(key=lambda problem: (problem.line == 0, problem.line))
    if ACTIONS.isdisjoint(article.parts) and page.kind != PageKind.ABOUT:
        found.append(
            Problem(0, "Nothing tells the reader what to do. Add a card, steps, a checklist or the next step.")
        )
    return [*found, *_measures(page, rendered, library), *_translations(page)]


def _measures(page: Page, rendered: RenderedPage, library: Library) -> Iterator[Problem]:
    """The same counts as ``measure_content`` prints of the public pages."""
    measures = measure(rendered.html, kind=page.kind, library=library)
    for sentence in (*mendable(measures), *notes(measures)):
        yield Problem(0, f"{sentence[0].upper()}{sentence[1:]}.")
    for word in measures.hard_words:
        yield Problem(0, f"Long word, neither explained nor everyday: {word}.")


def _paragraphs(article: Article, places: Places, language: str) -> Iterator[Problem]:
    for block in article.blocks:
        if block.tag != "p" or block.part not in {"", "card"}:
            continue
        level, count = reading_level(block.text, language), len(sentences(block.text))
        spanish = language == Language.SPANISH
        hard = level < HARD_SPANISH_PARAGRAPH if spanish else level > HARD_PARAGRAPH
        if hard and len(words(block.text)) >= FEWEST_WORDS:
            reads = f"has a Fernández-Huerta value of {level}" if spanish else f"reads at grade {level}"
            yield Problem(places.line_of(block.text), f"This paragraph {reads}. Use shorter sentences and words.")
        if count > PARAGRAPH_SENTENCES:
            yield Problem(
                places.line_of(block.text),
                f"This paragraph has {count} sentences; {PARAGRAPH_SENTENCES} is the target. Make two of it.",
            )


def _sentences(article: Article, places: Places) -> Iterator[Problem]:
    for said in long_sentences(article):
        length = len(words(said))
        if length <= LONGEST_SENTENCE:  # longer ones forbid publishing: readiness names them
            yield Problem(
                places.line_of(said), f"{length} words; {TARGET_SENTENCE} is the target. Shorten: {_quoted(said)}"
            )


def long_sentences(article: Article) -> list[str]:
    """Sentences over the target, for marking them."""
    read = (said for block in article.blocks if block.is_prose for said in sentences(block.text))
    return [said for said in read if len(words(said)) > TARGET_SENTENCE]


def _numbers(article: Article, places: Places, library: Library) -> Iterator[Problem]:
    seen: set[tuple[str, str]] = set()
    for block, number in unsourced(article, library.clinic.values()):
        # A clinic's picture or glossary is mended there, not in this text.
        line = _line(block, places)
        if line and (block.text, number) not in seen:
            seen.add((block.text, number))
            yield Problem(line, f"The number “{number}” has no source. Cite where it comes from: [@key].")


def _line(block: Block, places: Places) -> int:
    return places.line_of(block.text) if block.part not in {"title", "key message"} else 0


def _translations(page: Page) -> Iterator[Problem]:
    if not page.subject:
        return
    rows = Page.objects.filter(subject=page.subject).exclude(language=page.language)
    there = set(rows.values_list("language", flat=True))
    for language in Language:
        if language != page.language and language not in there:
            yield Problem(0, f"This page is not in {language.label} yet.")
    made_from = page.translated_from
    if made_from and made_from.page.revisions.latest("number").content_hash != made_from.content_hash:
        label = Language(made_from.page.language).label
        yield Problem(0, f"The {label} text has changed since this translation was made. Compare the two.")


def _quoted(text: str) -> str:
    return f"“{shorten(text, LONGEST_QUOTE, placeholder=' …')}”"
