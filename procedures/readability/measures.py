"""Everything that is counted on one page. ``measure`` takes finished HTML, so a draft and a release count alike."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import mean
from textwrap import shorten

from procedures import languages
from procedures.enums import PageKind
from procedures.publishing.checks import MAX_QUOTE_LENGTH, NON_MEDICAL_KINDS
from procedures.readability.hard_words import find_hard_words
from procedures.readability.scores import (
    MAX_SENTENCE_WORDS,
    is_passive,
    score_page,
    score_text,
    smog_grade,
    split_sentences,
    split_words,
)
from procedures.readability.uncited_numbers import find_uncited_numbers
from procedures.rendering import ReferenceResolver
from procedures.rendering.blocks import MAX_LIST_ITEMS
from procedures.rendering.text_extraction import Article, TextBlock, parse_article, to_sentences
from procedures.validators import MAX_ALT_LENGTH

TARGET_SENTENCE_WORDS = 20
TARGET_PARAGRAPH_SENTENCES = 3
# Indexes, lists that a reader goes through one entry at a time, and the signs, of which none may be left out.
UNLIMITED_LISTS = frozenset({"series", "reading list", "warning signs"})
ACTION_COMPONENTS = frozenset({"card", "warning signs", "checklist", "steps", "do list", "next step"})


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of the page's text, the section it stands in, and what was counted in it."""

    section: str
    text: str
    count: float
    detail: str = ""


@dataclass(frozen=True)
class PageMeasures:
    """What was counted on one page. Levels are raw: no clinical word is left out."""

    language: str
    kind: str
    reading_level: float | None  # by the formula of the language; None: text too short, or no formula
    smog_grade: float  # 0 where it does not apply
    paragraph_reading_level: float | None  # level of running paragraphs alone, without lists, headings and pictures
    word_count: int
    longest_sentence: int
    mean_sentence_length: float
    long_sentences: list[Passage]  # over the mark
    sentences_over_target: int
    paragraphs: list[Passage]  # running paragraphs, each with its own level
    long_paragraphs: list[Passage]
    passive_sentences: list[Passage]
    passive_share: float  # 0 to 1, of all sentences of running text and lists
    longest_list: int
    long_lists: list[Passage]
    hard_words: list[str]
    uncited_numbers: list[Passage]
    broken_anchors: list[str]
    has_lead_figure: bool
    has_action: bool
    has_source: bool
    requires_figure_and_source: bool
    invalid_alt_texts: list[Passage] = field(default_factory=list)


def measure_page(html: str, *, kind: str, resolver: ReferenceResolver, article: Article | None = None) -> PageMeasures:
    """Measure an article (``RenderedPage.html`` or ``Release.html``) in the language of ``library``.

    ``article``: the same HTML where somebody has taken it apart already.
    """
    language, article, text = resolver.language, article or parse_article(html), to_sentences(html)
    read = [(block, sentence) for block in article.blocks if block.is_prose for sentence in split_sentences(block.text)]
    lengths = [(block, sentence, len(split_words(sentence))) for block, sentence in read]
    paragraphs = [block for block in article.blocks if block.tag == "p" and block.component in {"", "card"}]
    level = score_page(text, language)
    passive = [Passage(block.section, sentence, 1) for block, sentence in read if is_passive(sentence, language)]
    lists = [found for found in article.lists if found.component not in UNLIMITED_LISTS]
    return PageMeasures(
        language=language,
        kind=kind,
        reading_level=level,
        smog_grade=0.0 if level is None else smog_grade(text, language),
        paragraph_reading_level=score_page("\n".join(block.text for block in paragraphs), language),
        word_count=len(split_words(text)),
        longest_sentence=max((length for _, _, length in lengths), default=0),
        mean_sentence_length=round(mean(length for _, _, length in lengths), 1) if lengths else 0.0,
        long_sentences=[Passage(b.section, said, length) for b, said, length in lengths if length > MAX_SENTENCE_WORDS],
        sentences_over_target=sum(length > TARGET_SENTENCE_WORDS for _, _, length in lengths),
        paragraphs=[
            Passage(block.section, block.text, score_text(block.text, language) or 0.0) for block in paragraphs
        ],
        long_paragraphs=list(_find_long_paragraphs(paragraphs)),
        passive_sentences=passive,
        passive_share=round(len(passive) / len(read), 3) if read else 0.0,
        longest_list=max((found.item_count for found in lists), default=0),
        long_lists=[
            Passage(found.section, "", found.item_count) for found in lists if found.item_count > MAX_LIST_ITEMS
        ],
        hard_words=find_hard_words(_text_outside_locations(article), language, resolver.glossary_terms),
        uncited_numbers=[
            Passage(block.section, block.text, 1, number)
            for block, number in find_uncited_numbers(article, resolver.clinic_values.values())
        ],
        broken_anchors=[link for link in article.links if link.startswith("#") and link[1:] not in article.anchors],
        has_lead_figure=article.has_lead_figure,
        has_action=not ACTION_COMPONENTS.isdisjoint(article.components),
        has_source=bool(article.cited_statements),
        requires_figure_and_source=PageKind(kind) not in NON_MEDICAL_KINDS,
        invalid_alt_texts=list(_find_invalid_alt_texts(article)),
    )


def _text_outside_locations(article: Article) -> str:
    return "\n".join(block.text for block in article.blocks if block.component != "location")


def _find_long_paragraphs(blocks: Iterable[TextBlock]) -> Iterable[Passage]:
    for block in blocks:
        count = len(split_sentences(block.text))
        if count > TARGET_PARAGRAPH_SENTENCES:
            yield Passage(block.section, block.text, count)


def _find_invalid_alt_texts(article: Article) -> Iterable[Passage]:
    """Pictures without words, or with more than a screen reader says in one go. Decoration has no place in articles."""
    for picture in article.images:
        if not 0 < len(picture.alt) <= MAX_ALT_LENGTH and not picture.is_thumbnail:
            yield Passage("", picture.alt, len(picture.alt), picture.src)


def find_failures(measures: PageMeasures) -> Iterator[str]:
    """Sentences for what is beyond a mark; none when the page holds all of them."""
    yield from _find_reading_level_failures(measures)
    for passage in measures.long_sentences:
        yield (
            f"a sentence of {passage.count:.0f} words, {MAX_SENTENCE_WORDS} is the most; "
            f"make two of it{_section_suffix(passage)}: {quote(passage.text)}"
        )
    if measures.requires_figure_and_source and not measures.has_lead_figure:
        yield "no picture carries the message; choose one at the top"
    if measures.requires_figure_and_source and not measures.has_source:
        yield "no source is cited; cite where the facts come from: [@key]"
    yield from find_warnings(measures)


def find_warnings(measures: PageMeasures) -> Iterator[str]:
    """What is beyond a mark and does not forbid publishing: the editor is told, with lines (``advice``)."""
    yield from map(uncited_number_message, measures.uncited_numbers)
    yield from find_shared_warnings(measures)
    if not measures.has_action:
        yield "nothing tells the reader what to do; add a card, steps, a checklist or the next step"


def uncited_number_message(passage: Passage) -> str:
    """A number that nothing stands behind."""
    advice = "cite it [@key] or take it out"
    return f"the number “{passage.detail}” has no source; {advice}{_section_suffix(passage)}: {quote(passage.text)}"


def find_shared_warnings(measures: PageMeasures) -> Iterator[str]:
    """The part of ``mendable`` that the editor reads in these same words."""
    for passage in measures.long_lists:
        yield f"a list of {passage.count:.0f} entries, {MAX_LIST_ITEMS} is the most; group or shorten it{_section_suffix(passage)}"
    for link in measures.broken_anchors:
        yield f"a link leads to {link}, which is nowhere on this page; mend the link or the heading's address"
    for passage in measures.invalid_alt_texts:
        wrong = (
            f"{passage.count:.0f} letters, {MAX_ALT_LENGTH} is the most; shorten it"
            if passage.count
            else "no words; write it"
        )
        yield f"the text instead of the picture {passage.detail} has {wrong}"


def _find_reading_level_failures(measures: PageMeasures) -> Iterator[str]:
    advice = "use shorter sentences and words"
    rules = languages.get(measures.language).readability
    if rules is None or measures.reading_level is None:
        return
    if rules.is_harder(measures.reading_level, rules.limit):
        yield f"{rules.name} {measures.reading_level}, {rules.limit_text}; {advice}"
    if rules.smog_limit is not None and measures.smog_grade > rules.smog_limit:
        yield f"SMOG grade {measures.smog_grade}, {rules.smog_limit} is the most; use fewer words of three syllables or more"


def find_notes(measures: PageMeasures) -> Iterator[str]:
    """Sentences for what has no mark, or is beyond a target but not beyond the mark."""
    language = languages.get(measures.language)
    if language.unchecked:
        yield f"not checked in {language.english_name}: {', '.join(language.unchecked)}"
    if measures.sentences_over_target:
        yield f"sentences of more than {TARGET_SENTENCE_WORDS} words: {measures.sentences_over_target}"
    for passage in measures.long_paragraphs:
        yield (
            f"a paragraph of {passage.count:.0f} sentences, {TARGET_PARAGRAPH_SENTENCES} is the target"
            f"{_section_suffix(passage)}: {quote(passage.text)}"
        )


def _section_suffix(passage: Passage) -> str:
    return f", under “{passage.section}”" if passage.section else ""


def quote(text: str) -> str:
    """The text in quotation marks, cut where a line of a terminal would be lost."""
    return f"“{shorten(text, MAX_QUOTE_LENGTH, placeholder=' …')}”"
