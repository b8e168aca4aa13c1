"""Everything that is counted on one page. ``measure`` takes finished HTML, so a draft and a release count alike."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import mean

from procedures.enums import Language, PageKind
from procedures.markdown import Library
from procedures.markdown.blocks import MAX_LIST
from procedures.markdown.plain import prose
from procedures.markdown.reading import MAX_SENTENCE, page_level, reading_level, sentences, smog, words
from procedures.publishing.readiness import PLAIN_KINDS
from procedures.quality.article import Article, Block, take_apart
from procedures.quality.hard_words import hard_words
from procedures.quality.numbers import unsourced
from procedures.quality.passive import is_passive
from procedures.validators import ALT_MAX

TARGET_SENTENCE = 20
PARAGRAPH_SENTENCES = 3
# Indexes, lists that a reader goes through one entry at a time, and the signs, of which none may be left out.
FREE_LISTS = frozenset({"series", "reading list", "warning signs"})
ACTIONS = frozenset({"card", "warning signs", "checklist", "steps", "do list", "next step"})


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of the page's text, the section it stands in, and what was counted in it."""

    section: str
    text: str
    count: float
    what: str = ""


@dataclass(frozen=True)
class PageMeasures:
    """What was counted on one page. Levels are raw: no clinical word is left out."""

    language: str
    kind: str
    level: float | None  # English: Flesch–Kincaid grade. Spanish: Fernández-Huerta, higher is easier. None: too short.
    smog: float  # English only, else 0
    paragraph_level: float | None  # level of running paragraphs alone, without lists, headings and pictures
    words: int
    longest_sentence: int
    mean_sentence: float
    long_sentences: list[Passage]  # over the mark
    sentences_over_target: int
    paragraphs: list[Passage]  # running paragraphs, each with its own level
    long_paragraphs: list[Passage]
    passive: list[Passage]
    passive_share: float  # 0 to 1, of all sentences of running text and lists
    longest_list: int
    long_lists: list[Passage]
    hard_words: list[str]
    unsourced_numbers: list[Passage]
    dead_anchors: list[str]
    has_lead_picture: bool
    has_action: bool
    has_source: bool
    wants_picture_and_source: bool
    bad_alts: list[Passage] = field(default_factory=list)


def measure(html: str, *, kind: str, library: Library, article: Article | None = None) -> PageMeasures:
    """Measure an article (``RenderedPage.html`` or ``Release.html``) in the language of ``library``.

    ``article``: the same HTML where somebody has taken it apart already.
    """
    language, article, text = library.language, article or take_apart(html), prose(html)
    read = [(block, sentence) for block in article.blocks if block.is_prose for sentence in sentences(block.text)]
    lengths = [(block, sentence, len(words(sentence))) for block, sentence in read]
    paragraphs = [block for block in article.blocks if block.tag == "p" and block.part in {"", "card"}]
    level = page_level(text, language)
    passive = [Passage(block.section, sentence, 1) for block, sentence in read if is_passive(sentence, language)]
    lists = [found for found in article.lists if found.part not in FREE_LISTS]
    return PageMeasures(
        language=language,
        kind=kind,
        level=level,
        smog=smog(text) if language == Language.ENGLISH and level is not None else 0.0,
        paragraph_level=page_level("\n".join(block.text for block in paragraphs), language),
        words=len(words(text)),
        longest_sentence=max((length for _, _, length in lengths), default=0),
        mean_sentence=round(mean(length for _, _, length in lengths), 1) if lengths else 0.0,
        long_sentences=[Passage(b.section, said, length) for b, said, length in lengths if length > MAX_SENTENCE],
        sentences_over_target=sum(length > TARGET_SENTENCE for _, _, length in lengths),
        paragraphs=[Passage(block.section, block.text, reading_level(block.text, language)) for block in paragraphs],
        long_paragraphs=list(_long_paragraphs(paragraphs)),
        passive=passive,
        passive_share=round(len(passive) / len(read), 3) if read else 0.0,
        longest_list=max((found.entries for found in lists), default=0),
        long_lists=[Passage(found.section, "", found.entries) for found in lists if found.entries > MAX_LIST],
        hard_words=hard_words(_without_addresses(article), language, library.terms),
        unsourced_numbers=[
            Passage(block.section, block.text, 1, number)
            for block, number in unsourced(article, library.clinic.values())
        ],
        dead_anchors=[link for link in article.links if link.startswith("#") and link[1:] not in article.anchors],
        has_lead_picture=article.has_lead_picture,
        has_action=not ACTIONS.isdisjoint(article.parts),
        has_source=bool(article.cited),
        wants_picture_and_source=PageKind(kind) not in PLAIN_KINDS,
        bad_alts=list(_bad_alts(article)),
    )


def _without_addresses(article: Article) -> str:
    return "\n".join(block.text for block in article.blocks if block.part != "location")


def _long_paragraphs(blocks: Iterable[Block]) -> Iterable[Passage]:
    for block in blocks:
        count = len(sentences(block.text))
        if count > PARAGRAPH_SENTENCES:
            yield Passage(block.section, block.text, count)


def _bad_alts(article: Article) -> Iterable[Passage]:
    """Pictures without words, or with more than a screen reader says in one go. Decoration has no place in articles."""
    for picture in article.pictures:
        if not 0 < len(picture.alt) <= ALT_MAX and not picture.is_thumbnail:
            yield Passage("", picture.alt, len(picture.alt), picture.src)
