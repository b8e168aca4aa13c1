"""What would make a draft easier to read or safer to believe, with its line. Nothing here forbids publishing."""

from collections.abc import Iterator
from textwrap import shorten
from typing import Any

from procedures import languages
from procedures.models import Page
from procedures.publishing.translations import latest_source_revision
from procedures.readability.measures import (
    TARGET_PARAGRAPH_SENTENCES,
    TARGET_SENTENCE_WORDS,
    PageMeasures,
    find_shared_warnings,
    measure_page,
    uncited_number_message,
)
from procedures.readability.scores import MAX_SENTENCE_WORDS, MIN_SCORED_WORDS, score_text, split_sentences, split_words
from procedures.rendering import Issue, ReferenceResolver, RenderedPage
from procedures.rendering.source_map import SourceMap
from procedures.rendering.text_extraction import Article, parse_article

MAX_QUOTE_LENGTH = 70


def build_suggestions(
    page: Page, content: dict[str, Any], rendered: RenderedPage, resolver: ReferenceResolver
) -> list[Issue]:
    """In the order of the text; what concerns the whole page comes last, with line 0. Everything is said once."""
    article, places = parse_article(rendered.html), SourceMap(content["body"])
    measures = measure_page(rendered.html, kind=page.kind, resolver=resolver, article=article)
    found = [*_suggest_for_paragraphs(article, places, page.language), *_suggest_for_sentences(article, places)]
    found += _suggest_for_numbers(article, places, measures)
    found += [
        Issue(
            line,
            f"Links to #{own} lead to the section that was published with it, so this section has #{actual}. "
            "Choose another address for it.",
        )
        for line, own, actual in rendered.moved_anchors
    ]
    found.sort(key=lambda problem: (problem.line == 0, problem.line))
    # A sentence that stands in the text twice has the line of the first: one thing to mend.
    return list(
        dict.fromkeys(
            [*found, *_suggest_for_page(measures), *_unchecked(page.language), *_suggest_for_translations(page)]
        )
    )


def _suggest_for_page(measures: PageMeasures) -> Iterator[Issue]:
    """What ``measure_content`` says of public pages, too: as far as it belongs to no line of the text."""
    if not measures.has_action:
        yield Issue(0, "Nothing tells the reader what to do. Add a card, steps, a checklist or the next step.")
    for sentence in find_shared_warnings(measures):
        yield Issue(0, _to_sentence(sentence))
    for word in measures.hard_words:
        yield Issue(0, f"Long word, neither explained nor everyday: {word}.")


def _suggest_for_paragraphs(article: Article, source_map: SourceMap, language: str) -> Iterator[Issue]:
    rules = languages.get(language).readability
    for block in article.blocks:
        if block.tag != "p" or block.component not in {"", "card"}:
            continue
        level, count = score_text(block.text, language), len(split_sentences(block.text))
        is_hard = rules is not None and level is not None and rules.is_harder(level, rules.paragraph_limit)
        if rules is not None and is_hard and len(split_words(block.text)) >= MIN_SCORED_WORDS:
            reads = rules.statement.format(level=level)
            yield Issue(source_map.find_line(block.text), f"This paragraph {reads}. Use shorter sentences and words.")
        if count > TARGET_PARAGRAPH_SENTENCES:
            yield Issue(
                source_map.find_line(block.text),
                f"This paragraph has {count} sentences; {TARGET_PARAGRAPH_SENTENCES} is the target. Make two of it.",
            )


def _suggest_for_sentences(article: Article, source_map: SourceMap) -> Iterator[Issue]:
    for said in find_long_sentences(article):
        length = len(split_words(said))
        if length <= MAX_SENTENCE_WORDS:  # longer ones forbid publishing: readiness names them
            yield Issue(
                source_map.find_line(said),
                f"{length} words; {TARGET_SENTENCE_WORDS} is the target. Shorten: {_quote(said)}",
            )


def find_long_sentences(article: Article) -> list[str]:
    """Sentences over the target, for marking them."""
    read = (said for block in article.blocks if block.is_prose for said in split_sentences(block.text))
    return [said for said in read if len(split_words(said)) > TARGET_SENTENCE_WORDS]


def _suggest_for_numbers(article: Article, source_map: SourceMap, measures: PageMeasures) -> Iterator[Issue]:
    heads = {block.text for block in article.blocks if block.component in {"title", "key message"}}
    for passage in measures.uncited_numbers:
        # These stand above the text, which may say the same again.
        is_head = not passage.section and passage.text in heads
        if line := 0 if is_head else source_map.find_line(passage.text):
            yield Issue(line, f"The number “{passage.detail}” has no source. Cite where it comes from: [@key].")
        else:
            yield Issue(0, _to_sentence(uncited_number_message(passage)))


def _unchecked(code: str) -> Iterator[Issue]:
    """What the registry has no rules for: silence about it would read as approval."""
    language = languages.get(code)
    if language.unchecked:
        yield Issue(0, f"Not checked in {language.english_name}: {', '.join(language.unchecked)}.")


def _suggest_for_translations(page: Page) -> Iterator[Issue]:
    if not page.subject:
        return
    rows = Page.objects.filter(subject=page.subject).exclude(language=page.language)
    there = set(rows.values_list("language", flat=True))
    for language in languages.LANGUAGES:
        if language.code != page.language and language.code not in there:
            yield Issue(0, f"This page is not in {language.name} yet.")
    made_from = page.translated_from
    newest = latest_source_revision(made_from.page) if made_from else None
    if made_from and newest and newest.content_hash != made_from.content_hash:
        label = languages.get(made_from.page.language).name
        yield Issue(0, f"The {label} text has changed since this translation was made. Compare the two.")


def _to_sentence(sentence: str) -> str:
    return f"{sentence[0].upper()}{sentence[1:]}."


def _quote(text: str) -> str:
    return f"“{shorten(text, MAX_QUOTE_LENGTH, placeholder=' …')}”"
