"""Measures of one page, taken from its tree, so that they are the same for a draft and a release; and hard words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import mean

from procedures import languages
from procedures.enums import PageKind
from procedures.languages.definition import HardWords
from procedures.publishing.checks import NON_MEDICAL_KINDS
from procedures.readability.scores import (
    CAPITALS,
    CODE_WORD,
    WORD,
    count_syllables,
    is_abbreviation,
    is_passive,
    lowercase_shouting,
    score_page,
    score_reading_ease,
    score_text,
    smog_grade,
    split_sentences,
    split_words,
)
from procedures.readability.thresholds import (
    MAX_LIST_ITEMS,
    MAX_SENTENCE_WORDS,
    TARGET_PARAGRAPH_SENTENCES,
    TARGET_SENTENCE_WORDS,
)
from procedures.readability.uncited_numbers import find_uncited_numbers, strip_contact_details
from procedures.rendering import ReferenceResolver
from procedures.rendering.document import Article, TextBlock
from procedures.validators import MAX_ALT_LENGTH

# Components whose lists can have any length: readers go through them entry by entry, and every warning sign counts.
UNLIMITED_LISTS = frozenset({"series", "reading list", "warning signs"})
ACTION_COMPONENTS = frozenset({"card", "warning signs", "checklist", "steps", "do list", "next step"})
EXPLAINED_ABBREVIATION = re.compile(r"\b([A-Z]{2,5}s?) \(")
PARENTHESES = re.compile(r"\(([^()]*)\)")
# A pronunciation such as "KY-foh-plas-tee".
PRONUNCIATION = re.compile(rf"[{CAPITALS}]{{2,}}-|-[{CAPITALS}]{{2,}}|-\w+-")
# "omega-3": the number is not part of the word.
NUMBER_SUFFIX = re.compile(r"[-–]\d+\Z")


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a page, its section, and a count."""

    section: str
    text: str
    count: float
    detail: str = ""
    line: int = 0  # in the Markdown body; 0 for text that is not in it


@dataclass(frozen=True)
class PageMeasures:
    """The measures of one page. Reading levels include clinical terms."""

    language: str
    kind: str
    reading_level: float | None  # by the formula of the language; None: text too short, or no formula
    smog_grade: float  # 0 where it does not apply
    reading_ease: float | None  # 0 (hard) to 100 (easy)
    paragraph_reading_level: float | None  # level of running paragraphs alone, without lists, headings and pictures
    word_count: int
    longest_sentence: int
    mean_sentence_length: float
    long_sentences: list[Passage]  # over the limit
    sentences_over_target: list[Passage]  # includes those over the limit
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
    known_names = [name for term in resolver.glossary_terms for name in (term.term, *term.aliases)]
    passive = [Passage(block.section, sentence, 1) for block, sentence in sentences if is_passive(sentence, language)]
    lists = [one for one in article.lists if one.component not in UNLIMITED_LISTS]
    return PageMeasures(
        language=language,
        kind=kind,
        reading_level=level,
        smog_grade=0.0 if level is None else smog_grade(text, language),
        reading_ease=None if level is None else score_reading_ease(text, language),
        paragraph_reading_level=score_page("\n".join(block.text for block in paragraphs), language),
        word_count=len(split_words(text)),
        longest_sentence=max((length for _, _, length in lengths), default=0),
        mean_sentence_length=round(mean(length for _, _, length in lengths), 1) if lengths else 0.0,
        long_sentences=[Passage(b.section, text, length) for b, text, length in lengths if length > MAX_SENTENCE_WORDS],
        sentences_over_target=[
            Passage(b.section, text, length, line=b.find_line(text))
            for b, text, length in lengths
            if length > TARGET_SENTENCE_WORDS
        ],
        paragraphs=[
            Passage(block.section, block.text, score_text(block.text, language) or 0.0, line=block.line)
            for block in paragraphs
        ],
        long_paragraphs=list(_find_long_paragraphs(paragraphs)),
        passive_sentences=passive,
        passive_share=round(len(passive) / len(sentences), 3) if sentences else 0.0,
        longest_list=max((one.item_count for one in lists), default=0),
        long_lists=[Passage(one.section, "", one.item_count) for one in lists if one.item_count > MAX_LIST_ITEMS],
        hard_words=find_hard_words(_text_outside_locations(article), language, known_names),
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
            yield Passage(block.section, block.text, count, line=block.line)


def _find_invalid_alt_texts(article: Article) -> Iterable[Passage]:
    """Yield images without alternative text, or with one that is too long. Articles contain no decorative images."""
    for picture in article.images:
        if not 0 < len(picture.alt) <= MAX_ALT_LENGTH:
            yield Passage("", picture.alt, len(picture.alt), picture.src)


def find_hard_words(text: str, language: str, known_names: Iterable[str]) -> list[str]:
    """Return the hard words of ``text`` in alphabetical order, in lowercase and without duplicates.

    Words that do not count: easy words, words of glossary terms, text in parentheses, names (capitalized inside a
    sentence), pronunciations, codes, and numbers. Every abbreviation counts unless it is a term, is in parentheses, or
    is followed by its meaning in parentheses.
    Empty in a language without rules for hard words.
    """
    rules = languages.get(language).hard_words
    if rules is None:
        return []
    known = {word for name in known_names for word in _split_base_forms(name, rules)}
    known |= {form for content in PARENTHESES.findall(text) for form in _split_base_forms(content, rules)}
    known |= {abbreviation.casefold() for abbreviation in EXPLAINED_ABBREVIATION.findall(text)}
    easy = known | rules.easy
    hard_words: set[str] = set()
    text = strip_contact_details(text)
    # A word that is also in lowercase in the text is no abbreviation.
    lowercase_words = {word for word in WORD.findall(text) if word.islower()}
    for sentence in split_sentences(text):
        for position, match in enumerate(WORD.finditer(lowercase_shouting(sentence, language))):
            word = match[0]
            if word[0].isdigit() or PRONUNCIATION.search(word) or CODE_WORD.match(word):
                continue
            word = NUMBER_SUFFIX.sub("", word)
            if word.isupper() and word.casefold() in lowercase_words:
                word = word.casefold()
            is_name = position > 0 and word[0].isupper() and not word.isupper()
            if not is_abbreviation(word, language) and (
                is_name or count_syllables(word, language) < rules.min_syllables
            ):
                continue
            if easy.isdisjoint(_base_forms(word, rules)):
                hard_words.add(word.casefold())
    return sorted(hard_words)


def _split_base_forms(name: str, rules: HardWords) -> set[str]:
    return {form for word in WORD.findall(name) for form in _base_forms(word, rules)}


def _base_forms(word: str, rules: HardWords) -> set[str]:
    """Return the word and its forms without endings that do not make it harder."""
    word = word.casefold().replace("’", "'").removesuffix("'s")
    return {word} | rules.base_forms(word)
