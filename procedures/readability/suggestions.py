"""Suggestions that make a draft easier to read or better sourced. None of them prevents publishing."""

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
    """Return suggestions in the order of the text; those on the whole page come last, with line 0. No duplicates."""
    article, source_map = parse_article(rendered.html), SourceMap(content["body"])
    measures = measure_page(rendered.html, kind=page.kind, resolver=resolver, article=article)
    suggestions = [
        *_suggest_for_paragraphs(article, source_map, page.language),
        *_suggest_for_sentences(article, source_map),
    ]
    suggestions += _suggest_for_numbers(article, source_map, measures)
    suggestions += [
        Issue(
            line,
            f"Links to #{own} lead to the section that was published with it, so this section has #{actual}. "
            "Choose another address for it.",
        )
        for line, own, actual in rendered.moved_anchors
    ]
    suggestions.sort(key=lambda issue: (issue.line == 0, issue.line))
    # A sentence that occurs twice gets the line of the first occurrence, so its suggestions are equal.
    return list(
        dict.fromkeys(
            [*suggestions, *_suggest_for_page(measures), *_unchecked(page.language), *_suggest_for_translations(page)]
        )
    )


def _suggest_for_page(measures: PageMeasures) -> Iterator[Issue]:
    """Yield the suggestions that belong to no line; ``measure_content`` reports them for public pages."""
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
    for sentence in find_long_sentences(article):
        length = len(split_words(sentence))
        if length <= MAX_SENTENCE_WORDS:  # publishing checks report longer ones
            yield Issue(
                source_map.find_line(sentence),
                f"{length} words; {TARGET_SENTENCE_WORDS} is the target. Shorten: {_quote(sentence)}",
            )


def find_long_sentences(article: Article) -> list[str]:
    """Return the sentences over the target length, to highlight them."""
    sentences = (text for block in article.blocks if block.is_prose for text in split_sentences(block.text))
    return [text for text in sentences if len(split_words(text)) > TARGET_SENTENCE_WORDS]


def _suggest_for_numbers(article: Article, source_map: SourceMap, measures: PageMeasures) -> Iterator[Issue]:
    header_texts = {block.text for block in article.blocks if block.component in {"title", "key message"}}
    for passage in measures.uncited_numbers:
        # Title and key message are not in the body, but the body may contain the same sentence.
        is_in_header = not passage.section and passage.text in header_texts
        if line := 0 if is_in_header else source_map.find_line(passage.text):
            yield Issue(line, f"The number “{passage.detail}” has no source. Cite where it comes from: [@key].")
        else:
            yield Issue(0, _to_sentence(uncited_number_message(passage)))


def _unchecked(code: str) -> Iterator[Issue]:
    """Yield the checks that the language has no rules for, because no suggestion would read as approval."""
    language = languages.get(code)
    if language.unchecked:
        yield Issue(0, f"Not checked in {language.english_name}: {', '.join(language.unchecked)}.")


def _suggest_for_translations(page: Page) -> Iterator[Issue]:
    if not page.subject:
        return
    rows = Page.objects.filter(subject=page.subject).exclude(language=page.language)
    existing = set(rows.values_list("language", flat=True))
    for language in languages.LANGUAGES:
        if language.code != page.language and language.code not in existing:
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
