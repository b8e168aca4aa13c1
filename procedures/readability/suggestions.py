"""Suggestions that make a draft easier to read or better sourced. None of them prevents publishing."""

from collections.abc import Iterator
from textwrap import shorten
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from procedures import languages
from procedures.models import Page
from procedures.publishing.review import latest_source_revision
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
            _(
                "Links to #%(anchor)s lead to the section that was published with it, so this section has "
                "#%(new_anchor)s. Choose another address for it."
            )
            % {"anchor": anchor, "new_anchor": new_anchor},
        )
        for line, anchor, new_anchor in rendered.moved_anchors
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
        yield Issue(0, _("Nothing tells the reader what to do. Add a card, steps, a checklist or the next step."))
    for sentence in find_shared_warnings(measures):
        yield Issue(0, _to_sentence(sentence))
    for word in measures.hard_words:
        yield Issue(0, _("Long word, neither explained nor everyday: %(word)s.") % {"word": word})


def _suggest_for_paragraphs(article: Article, source_map: SourceMap, language: str) -> Iterator[Issue]:
    rules = languages.get(language).readability
    for block in article.blocks:
        if block.tag != "p" or block.component not in {"", "card"}:
            continue
        level, count = score_text(block.text, language), len(split_sentences(block.text))
        is_hard = rules is not None and level is not None and rules.is_harder(level, rules.paragraph_limit)
        if rules is not None and is_hard and len(split_words(block.text)) >= MIN_SCORED_WORDS:
            message = _("This paragraph %(reading_level)s. Use shorter sentences and words.")
            values = {"reading_level": rules.statement.format(level=level)}
            yield Issue(source_map.find_line(block.text), message % values)
        if count > TARGET_PARAGRAPH_SENTENCES:
            message = ngettext(
                "This paragraph has %(count)s sentence; %(target)s is the target. Make two of it.",
                "This paragraph has %(count)s sentences; %(target)s is the target. Make two of it.",
                count,
            )
            values = {"count": str(count), "target": str(TARGET_PARAGRAPH_SENTENCES)}
            yield Issue(source_map.find_line(block.text), message % values)


def _suggest_for_sentences(article: Article, source_map: SourceMap) -> Iterator[Issue]:
    for sentence in find_long_sentences(article):
        length = len(split_words(sentence))
        if length <= MAX_SENTENCE_WORDS:  # publishing checks report longer ones
            message = _("%(count)s words; %(target)s is the target. Shorten: %(sentence)s")
            values = {"count": str(length), "target": str(TARGET_SENTENCE_WORDS), "sentence": _quote(sentence)}
            yield Issue(source_map.find_line(sentence), message % values)


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
            yield Issue(
                line,
                _("The number “%(number)s” has no source. Cite where it comes from: [@key].")
                % {"number": passage.detail},
            )
        else:
            yield Issue(0, _to_sentence(uncited_number_message(passage)))


def _unchecked(code: str) -> Iterator[Issue]:
    """Yield the checks that the language has no rules for, because no suggestion would read as approval."""
    language = languages.get(code)
    if language.unchecked:
        values = {"language": language.english_name, "checks": ", ".join(language.unchecked)}
        yield Issue(0, _("Not checked in %(language)s: %(checks)s.") % values)


def _suggest_for_translations(page: Page) -> Iterator[Issue]:
    if not page.subject:
        return
    rows = Page.objects.filter(subject=page.subject).exclude(language=page.language)
    existing = set(rows.values_list("language", flat=True))
    for language in languages.LANGUAGES:
        if language.code != page.language and language.code not in existing:
            yield Issue(0, _("This page is not in %(language)s yet.") % {"language": language.name})
    made_from = page.translated_from
    newest = latest_source_revision(made_from.page) if made_from else None
    if made_from and newest and newest.content_hash != made_from.content_hash:
        values = {"language": languages.get(made_from.page.language).name}
        message = _("The %(language)s text has changed since this translation was made. Compare the two.")
        yield Issue(0, message % values)


def _to_sentence(sentence: str) -> str:
    return f"{sentence[0].upper()}{sentence[1:]}."


def _quote(text: str) -> str:
    return f"“{shorten(text, MAX_QUOTE_LENGTH, placeholder=' …')}”"
