"""What would make a draft easier to read or safer to believe, with its line. Nothing here forbids publishing."""

from collections.abc import Iterator
from textwrap import shorten
from typing import Any

from procedures.enums import Language
from procedures.markdown import Library, Problem, RenderedPage
from procedures.markdown.reading import MAX_SENTENCE, MIN_WORDS, reading_level, sentences, words
from procedures.markdown.where import Places
from procedures.models import Page
from procedures.publishing.translations import newest_source
from procedures.quality.article import Article, take_apart
from procedures.quality.marks import only_marks, without_source
from procedures.quality.measure import PARAGRAPH_SENTENCES, TARGET_SENTENCE, PageMeasures, measure

# A paragraph may be harder than its page, but not by much. Spanish counts the other way round.
HARD_PARAGRAPH, HARD_SPANISH_PARAGRAPH = 8.0, 60.0
MAX_QUOTE = 70


def advice(page: Page, content: dict[str, Any], rendered: RenderedPage, library: Library) -> list[Problem]:
    """In the order of the text; what concerns the whole page comes last, with line 0. Everything is said once."""
    article, places = take_apart(rendered.html), Places(content["body"])
    measures = measure(rendered.html, kind=page.kind, library=library, article=article)
    found = [*_paragraphs(article, places, page.language), *_sentences(article, places)]
    found += _numbers(article, places, measures)
    found += [
        Problem(
            line,
            f"Links to #{own} lead to the section that was published with it, so this section has #{actual}. "
            "Choose another address for it.",
        )
        for line, own, actual in rendered.moved_anchors
    ]
    found.sort(key=lambda problem: (problem.line == 0, problem.line))
    # A sentence that stands in the text twice has the line of the first: one thing to mend.
    return list(dict.fromkeys([*found, *_measures(measures), *_translations(page)]))


def _measures(measures: PageMeasures) -> Iterator[Problem]:
    """What ``measure_content`` says of public pages, too: as far as it belongs to no line of the text."""
    if not measures.has_action:
        yield Problem(0, "Nothing tells the reader what to do. Add a card, steps, a checklist or the next step.")
    for sentence in only_marks(measures):
        yield Problem(0, _whole(sentence))
    for word in measures.hard_words:
        yield Problem(0, f"Long word, neither explained nor everyday: {word}.")


def _paragraphs(article: Article, places: Places, language: str) -> Iterator[Problem]:
    for block in article.blocks:
        if block.tag != "p" or block.part not in {"", "card"}:
            continue
        level, count = reading_level(block.text, language), len(sentences(block.text))
        spanish = language == Language.SPANISH
        hard = level < HARD_SPANISH_PARAGRAPH if spanish else level > HARD_PARAGRAPH
        if hard and len(words(block.text)) >= MIN_WORDS:
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
        if length <= MAX_SENTENCE:  # longer ones forbid publishing: readiness names them
            yield Problem(
                places.line_of(said), f"{length} words; {TARGET_SENTENCE} is the target. Shorten: {_quoted(said)}"
            )


def long_sentences(article: Article) -> list[str]:
    """Sentences over the target, for marking them."""
    read = (said for block in article.blocks if block.is_prose for said in sentences(block.text))
    return [said for said in read if len(words(said)) > TARGET_SENTENCE]


def _numbers(article: Article, places: Places, measures: PageMeasures) -> Iterator[Problem]:
    heads = {block.text for block in article.blocks if block.part in {"title", "key message"}}
    for passage in measures.unsourced_numbers:
        # These stand above the text, which may say the same again.
        is_head = not passage.section and passage.text in heads
        if line := 0 if is_head else places.line_of(passage.text):
            yield Problem(line, f"The number “{passage.what}” has no source. Cite where it comes from: [@key].")
        else:
            yield Problem(0, _whole(without_source(passage)))


def _translations(page: Page) -> Iterator[Problem]:
    if not page.subject:
        return
    rows = Page.objects.filter(subject=page.subject).exclude(language=page.language)
    there = set(rows.values_list("language", flat=True))
    for language in Language:
        if language != page.language and language not in there:
            yield Problem(0, f"This page is not in {language.label} yet.")
    made_from = page.translated_from
    newest = newest_source(made_from.page) if made_from else None
    if made_from and newest and newest.content_hash != made_from.content_hash:
        label = Language(made_from.page.language).label
        yield Problem(0, f"The {label} text has changed since this translation was made. Compare the two.")


def _whole(sentence: str) -> str:
    return f"{sentence[0].upper()}{sentence[1:]}."


def _quoted(text: str) -> str:
    return f"“{shorten(text, MAX_QUOTE, placeholder=' …')}”"
