"""Measures of one page, taken from its document tree, so that drafts and releases are measured alike."""

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
from procedures.rendering.document import Article, TextBlock
from procedures.validators import MAX_ALT_LENGTH

TARGET_SENTENCE_WORDS = 20
TARGET_PARAGRAPH_SENTENCES = 3
# Components whose lists can have any length: readers go through them entry by entry, and every warning sign counts.
UNLIMITED_LISTS = frozenset({"series", "reading list", "warning signs"})
ACTION_COMPONENTS = frozenset({"card", "warning signs", "checklist", "steps", "do list", "next step"})


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a page, its section, and a count."""

    section: str
    text: str
    count: float
    detail: str = ""
    line: int = 0  # in the source


@dataclass(frozen=True)
class PageMeasures:
    """The measures of one page. Reading levels include clinical terms."""

    language: str
    kind: str
    reading_level: float | None  # by the formula of the language; None: text too short, or no formula
    smog_grade: float  # 0 where it does not apply
    paragraph_reading_level: float | None  # level of running paragraphs alone, without lists, headings and pictures
    word_count: int
    longest_sentence: int
    mean_sentence_length: float
    long_sentences: list[Passage]  # over the limit
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


def measure_page(article: Article, *, kind: str, resolver: ReferenceResolver) -> PageMeasures:
    """Measure an article in the language of ``resolver``."""
    language, text = resolver.language, article.text
    sentences = [
        (block, sentence) for block in article.blocks if block.is_prose for sentence in split_sentences(block.text)
    ]
    lengths = [(block, sentence, len(split_words(sentence))) for block, sentence in sentences]
    paragraphs = [block for block in article.blocks if block.tag == "p" and block.component in {"", "card"}]
    level = score_page(text, language)
    passive = [Passage(block.section, sentence, 1) for block, sentence in sentences if is_passive(sentence, language)]
    lists = [one for one in article.lists if one.component not in UNLIMITED_LISTS]
    return PageMeasures(
        language=language,
        kind=kind,
        reading_level=level,
        smog_grade=0.0 if level is None else smog_grade(text, language),
        paragraph_reading_level=score_page("\n".join(block.text for block in paragraphs), language),
        word_count=len(split_words(text)),
        longest_sentence=max((length for _, _, length in lengths), default=0),
        mean_sentence_length=round(mean(length for _, _, length in lengths), 1) if lengths else 0.0,
        long_sentences=[Passage(b.section, text, length) for b, text, length in lengths if length > MAX_SENTENCE_WORDS],
        sentences_over_target=sum(length > TARGET_SENTENCE_WORDS for _, _, length in lengths),
        paragraphs=[
            Passage(block.section, block.text, score_text(block.text, language) or 0.0) for block in paragraphs
        ],
        long_paragraphs=list(_find_long_paragraphs(paragraphs)),
        passive_sentences=passive,
        passive_share=round(len(passive) / len(sentences), 3) if sentences else 0.0,
        longest_list=max((one.item_count for one in lists), default=0),
        long_lists=[Passage(one.section, "", one.item_count) for one in lists if one.item_count > MAX_LIST_ITEMS],
        hard_words=find_hard_words(_text_outside_locations(article), language, resolver.glossary_terms),
        uncited_numbers=[
            Passage(block.section, block.text, 1, number, block.line)
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
    """Yield images without alternative text, or with one that is too long. Articles contain no decorative images."""
    for picture in article.images:
        if not 0 < len(picture.alt) <= MAX_ALT_LENGTH:
            yield Passage("", picture.alt, len(picture.alt), picture.src)


def find_failures(measures: PageMeasures) -> Iterator[str]:
    """Yield a message for each limit that the page exceeds."""
    yield from _find_reading_level_failures(measures)
    for passage in measures.long_sentences:
        yield (
            f"a sentence of {passage.count:.0f} words, the limit is {MAX_SENTENCE_WORDS}; "
            f"make two of it{_section_suffix(passage)}: {quote(passage.text)}"
        )
    if measures.requires_figure_and_source and not measures.has_lead_figure:
        yield "no picture carries the message; choose one at the top"
    if measures.requires_figure_and_source and not measures.has_source:
        yield "no source is cited; cite where the facts come from: [@key]"
    yield from find_warnings(measures)


def find_warnings(measures: PageMeasures) -> Iterator[str]:
    """Yield a message for each exceeded limit that does not prevent publishing; editors get a suggestion for it."""
    yield from map(uncited_number_message, measures.uncited_numbers)
    yield from find_shared_warnings(measures)
    if not measures.has_action:
        yield "nothing tells the reader what to do; add a card, steps, a checklist or the next step"


def uncited_number_message(passage: Passage) -> str:
    """Return the message for a number without a source."""
    advice = "cite it [@key] or take it out"
    return f"the number “{passage.detail}” has no source; {advice}{_section_suffix(passage)}: {quote(passage.text)}"


def find_shared_warnings(measures: PageMeasures) -> Iterator[str]:
    """Yield the warnings that editors read in the same words."""
    for passage in measures.long_lists:
        yield (
            f"a list of {passage.count:.0f} entries, the limit is {MAX_LIST_ITEMS}; "
            f"group or shorten it{_section_suffix(passage)}"
        )
    for link in measures.broken_anchors:
        yield f"a link leads to {link}, which is not on this page; fix the link or the section address"
    for passage in measures.invalid_alt_texts:
        problem = (
            f"{passage.count:.0f} letters, the limit is {MAX_ALT_LENGTH}; shorten it"
            if passage.count
            else "no words; write it"
        )
        yield f"the alternative text of the picture {passage.detail} has {problem}"


def _find_reading_level_failures(measures: PageMeasures) -> Iterator[str]:
    advice = "use shorter sentences and words"
    rules = languages.get(measures.language).readability
    if rules is None or measures.reading_level is None:
        return
    if rules.is_harder(measures.reading_level, rules.limit):
        yield f"{rules.name} {measures.reading_level}, {rules.limit_text}; {advice}"
    if rules.smog_limit is not None and measures.smog_grade > rules.smog_limit:
        yield (
            f"SMOG grade {measures.smog_grade}, the limit is {rules.smog_limit}; "
            "use fewer words of three syllables or more"
        )


def find_notes(measures: PageMeasures) -> Iterator[str]:
    """Yield messages for what has no limit, or exceeds a target but not its limit."""
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
    """Return the text in quotation marks, shortened to fit on a terminal."""
    return f"“{shorten(text, MAX_QUOTE_LENGTH, placeholder=' …')}”"
