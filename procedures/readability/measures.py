"""Measures one page, and finds hard words and numbers without a source.

Reads the document tree, so that drafts and releases get the same results. docs/quality/measures.md lists the numbers
that need no source.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import mean

from portal.text import APOSTROPHES
from procedures import languages
from procedures.enums import PageKind
from procedures.languages import number_pattern
from procedures.languages.definition import CODE_SYSTEMS, TIME_OF_DAY, HardWords, is_question
from procedures.phones import remove_phones
from procedures.publishing.checks import NON_MEDICAL_KINDS, find_long_sentences_by_block
from procedures.readability.scores import (
    CAPITALS,
    CODE_WORD,
    MAX_LIST_ITEMS,
    TARGET_PARAGRAPH_SENTENCES,
    TARGET_SENTENCE_WORDS,
    WORD,
    compute_page_reading_level,
    compute_reading_level,
    count_syllables,
    is_abbreviation,
    is_passive,
    lowercase_shouting,
    score_reading_ease,
    smog_grade,
    split_sentences,
    split_words,
)
from procedures.rendering import ReferenceResolver
from procedures.rendering.document import HEADING_TAGS, Article, TextBlock
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

BETWEEN = rf"(?:-|–|{number_pattern('between')})"
NUMBER = re.compile(
    # L3, T12, and COVID-19 are names; "2.º" and "1.er" are ordinals. "-2.5" is a number, "6-8" a range.
    r"(?<![\w.,–−-])(?:[-–−](?=\d))?\d[\d.,]*(?<![.,])"
    rf"(?!\w|\.?[ºª°](?!\w)|\.(?:{number_pattern('ordinal_suffixes')})\b)(?:[ \u00a0]?%)?"
    rf"|{number_pattern('quantities')}",
    re.IGNORECASE,
)
UNIT_AFTER_NUMBER = re.compile(
    rf"[\s)]*(?:(?:{number_pattern('between')})\b|–|-)?\s*(?:\d[\d.,]*)?\s*([^\W\d_]*)", re.IGNORECASE
)
YEAR = re.compile(r"(?:19|20)\d\d\Z")
LIST_NUMBER = re.compile(r"\A\d+[.)]?\s")
MERIDIEM = r"(?:[ap]\. ?m\.|[ap]m\b)"
CLOCK_TIME = re.compile(
    rf"\b(?:{TIME_OF_DAY} ?{BETWEEN} ?)?{TIME_OF_DAY} ?{MERIDIEM}"
    rf"|\b(?:[01]?\d|2[0-4]):[0-5]\d(?: ?h(?:rs?)?\b)?(?![\d%])|{number_pattern('clock_times')}",
    re.IGNORECASE,
)
# "8 to 5" is a time of day only next to a weekday or a word such as "open", and not before a unit.
WEEKDAY = rf"(?:{number_pattern('weekdays')})"
HOUR_RANGE = (
    rf"{TIME_OF_DAY} ?{BETWEEN} ?{TIME_OF_DAY}"
    rf"(?=\s*(?:[;,)!]|\.(?!\d)|$|(?:{number_pattern('hours_follow')}|{WEEKDAY})\b|[ap]\.? ?m\b))"
)
OPENING_HOURS = re.compile(
    rf"\b(?:{WEEKDAY}|{number_pattern('open_words')})\b[^!?\d]{{0,25}}?\b{HOUR_RANGE}"
    rf"|\b{HOUR_RANGE},?(?: (?:{number_pattern('hours_follow')}))? ?{WEEKDAY}\b"
    rf"|(?:^|(?<=[.!?:;] ))(?:{number_pattern('hours_lead')}) {HOUR_RANGE}(?=[.;]|$)"
    rf"|\b24 ?/ ?7(?: ?/ ?365)?\b|{number_pattern('always_open')}",
    re.IGNORECASE,
)
MONTH = rf"(?:{number_pattern('months')})\b\.?"
OF = rf"(?:(?:{number_pattern('of')}) )?"
DAY = rf"\d{{1,2}}(?:\.?(?:{number_pattern('ordinal_suffixes')})\b|\.?[ºo°]\b|\.?[º°])?"
# Bounded, because the search starts again at each number of a long list.
DAY_RANGE = rf"{DAY}(?:(?: ?[-–] ?|, | (?:{number_pattern('between')}) ){DAY}){{0,30}}"
DATE = re.compile(
    rf"\b{MONTH} {DAY_RANGE}(?!\w)(?:,? \d{{4}}\b)?|\b{DAY_RANGE} {OF}{MONTH}(?:,? {OF}\d{{4}}\b)?"
    rf"|\b\d{{1,2}}[-/.]{MONTH}[-/.](?:\d{{4}}|\d\d)\b"
    r"|\b\d{4}-\d\d?-\d\d?\b|\b\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d\d)\b"
)
# A number before one of these is not a phone number or a name.
NOT_BEFORE_UNIT = rf"(?! ?(?:%|(?:{number_pattern('counted', 'of')})\b))"
# Short numbers to dial, emergency numbers, and extensions. ``phones.remove_phones`` finds the others.
SHORT_PHONE = re.compile(
    rf"\b(?:{number_pattern('dial_words')})\b:? ?(?:[\"“«']?(?-i:[A-Z]{{2,12}})[\"”»']? )?"
    rf"(?:(?:{number_pattern('dial_links')}) )*"
    rf"\d{{3,11}}\b(?:[ .-]\d{{2,4}}\b)*(?:(?:,| ?/| (?:{number_pattern('between')})) ?\d{{3}}\b)*{NOT_BEFORE_UNIT}"
    rf"|\b(?:911|988|112)\b{NOT_BEFORE_UNIT}|\b(?:{number_pattern('extension_words')}) ?#?\d{{1,6}}\b(?! ?%)",
    re.IGNORECASE,
)
POSTAL_ADDRESS = re.compile(number_pattern("addresses"))
# Codes, versions, and other names that contain a number: "type 2 diabetes", "12-gauge".
NUMBERED_NAME = re.compile(
    rf"\b(?:{CODE_SYSTEMS}|{number_pattern('code_words', 'documents')}):? ?(?:number |no\. |n\.?º ?|#)?\d[\w.-]*"
    rf"|\b(?:{number_pattern('classes')}) \d{{1,2}}[a-d]?\b"
    rf"(?:(?:,| ?[-–]| (?:{number_pattern('between')})) ?\d{{1,2}}[a-d]?\b)*{NOT_BEFORE_UNIT}"
    rf"|{number_pattern('names')}|#\d+|\b(?-i:No)\. \d+|(?<!\w)\(\d\)(?!\w)",
    re.IGNORECASE,
)
# "number 1", "step 3 of 8": refers to an item of the page.
ITEM_REFERENCE = re.compile(
    rf"\b(?:{number_pattern('items')}) \d+(?:(?:,| (?:{number_pattern('of', 'between')})) \d+)*\b",
    re.IGNORECASE,
)
# "5 lines", "3 questions": counts something that readers see.
VISIBLE_COUNT = re.compile(rf"\b\d{{1,2}} (?:{number_pattern('visible_things')})\b", re.IGNORECASE)
CODE_SYSTEM_NAME = re.compile(rf"\b(?:{CODE_SYSTEMS}|{number_pattern('code_words')})\b", re.IGNORECASE)
CODE_CELL = re.compile(r"\d{4,9}(?:[,;/ –-]+\d{4,9})*\Z")
# Instructions to write something on paper.
WRITING_INSTRUCTION = re.compile(rf"(?:{number_pattern('writing_verbs')}) ")
# "count out of 100", "think of 100 people": says how to read numbers.
DENOMINATOR = re.compile(rf"\b(?:{number_pattern('denominators')}) (?:10|100|1,?000)\b", re.IGNORECASE)
# Components whose source is the clinic itself.
CLINIC_COMPONENTS = frozenset({"clinic answer", "location", "reading list"})
# Text that cannot contain a citation; the same number may be cited elsewhere on the page.
UNCITABLE_COMPONENTS = frozenset({"picture", "series", "title", "key message", "glossary"})


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a page, its section, and a count."""

    section: str
    text: str
    count: float
    detail: str = ""
    line: int = 0  # in the Markdown body; 0 for text that is not in it
    component: str = ""


@dataclass(frozen=True)
class PageMeasures:
    """The measures of one page. Reading levels include clinical terms."""

    language: str
    kind: str
    reading_level: float | None  # by the formula of the language; None: text too short, or no formula
    smog_grade: float  # 0 where it does not apply
    reading_ease: float | None  # 0 (hard) to 100 (easy)
    paragraph_reading_level: float | None  # level of running paragraphs alone, without lists, headings, and pictures
    word_count: int
    longest_sentence: int
    mean_sentence_length: float
    long_sentences: list[Passage]  # over the limit
    sentences_over_target: list[Passage]  # includes those over the limit
    paragraphs: list[Passage]  # running paragraphs, each with its own level
    long_paragraphs: list[Passage]
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
    level = compute_page_reading_level(text, language)
    known_names = [name for term in resolver.glossary_terms for name in (term.term, *term.aliases)]
    passive_count = sum(is_passive(sentence, language) for _block, sentence in sentences)
    lists = [item for item in article.lists if item.component not in UNLIMITED_LISTS]
    return PageMeasures(
        language=language,
        kind=kind,
        reading_level=level,
        smog_grade=0.0 if level is None else smog_grade(text, language),
        reading_ease=None if level is None else score_reading_ease(text, language),
        paragraph_reading_level=compute_page_reading_level("\n".join(block.text for block in paragraphs), language),
        word_count=len(split_words(text)),
        longest_sentence=max((length for _, _, length in lengths), default=0),
        mean_sentence_length=round(mean(length for _, _, length in lengths), 1) if lengths else 0.0,
        long_sentences=[
            Passage(block.section, sentence, length)
            for block, sentence, length in find_long_sentences_by_block(article)
        ],
        sentences_over_target=[
            Passage(b.section, text, length, line=b.find_line(text), component=b.component)
            for b, text, length in lengths
            if length > TARGET_SENTENCE_WORDS
        ],
        paragraphs=[
            Passage(block.section, block.text, compute_reading_level(block.text, language) or 0.0, line=block.line)
            for block in paragraphs
        ],
        long_paragraphs=list(_find_long_paragraphs(paragraphs)),
        passive_share=round(passive_count / len(sentences), 3) if sentences else 0.0,
        longest_list=max((item.item_count for item in lists), default=0),
        long_lists=[
            Passage(item.section, "", item.item_count, line=item.line)
            for item in lists
            if item.item_count > MAX_LIST_ITEMS
        ],
        hard_words=find_hard_words(_text_outside_locations(article), language, known_names),
        uncited_numbers=[
            Passage(block.section, block.text, 1, number, block.line, block.component)
            for block, number in find_uncited_numbers(article, resolver.clinic_values.values())
        ],
        broken_anchors=_find_broken_anchors(article),
        has_lead_figure=article.has_lead_figure,
        has_action=not ACTION_COMPONENTS.isdisjoint(article.components),
        has_source=bool(article.cited_statements),
        requires_figure_and_source=PageKind(kind) not in NON_MEDICAL_KINDS,
        invalid_alt_texts=list(_find_invalid_alt_texts(article)),
    )


def _find_broken_anchors(article: Article) -> list[str]:
    """Return the links to sections that the page lacks.

    A link that the renderer refused leads to "#", or "##section", and is already an issue.
    """
    links = [link for link in article.links if link.startswith("#") and link != "#" and not link.startswith("##")]
    return [link for link in links if link[1:] not in article.anchors]


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
    # A word that also occurs in lowercase in the text is not an abbreviation.
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
    word = word.casefold().translate(APOSTROPHES).removesuffix("'s")
    return {word} | rules.base_forms(word)


def find_uncited_numbers(article: Article, clinic_values: Iterable[str]) -> list[tuple[TextBlock, str]]:
    """Return the blocks with a number that needs a source and has none, each with its first such number."""
    values = sorted((value for value in clinic_values if value), key=len, reverse=True)
    clinic_numbers = {
        unit
        for block in article.blocks
        if block.component in CLINIC_COMPONENTS
        for unit in _find_numbers_with_units(block.text)
    }
    cited_numbers = {
        unit for block in article.blocks if article.is_cited(block) for unit in _find_numbers_with_units(block.text)
    }
    codes = _find_code_cells(article)
    results = []
    for block in article.blocks:
        if id(block) in codes or block.component in CLINIC_COMPONENTS or article.is_cited(block):
            continue
        exempt = clinic_numbers | cited_numbers if block.component in UNCITABLE_COMPONENTS else clinic_numbers
        uncited = [
            number for number in _find_numbers_with_units(_strip_exempt_numbers(block, values)) if number not in exempt
        ]
        if uncited:
            results.append((block, uncited[0]))
    return results


def _find_code_cells(article: Article) -> set[int]:
    """Return the ``id()`` of table cells with only a code, according to the column header or a cell of the row."""
    is_code_column, code_rows, code_cells = False, set[int](), set[int]()
    previous_tag = ""
    for block in article.blocks:
        names_codes = bool(CODE_SYSTEM_NAME.search(block.text))
        if block.tag == "th":
            is_code_column = names_codes or (is_code_column and previous_tag == "th")
        if block.tag in {"td", "th"}:
            code_rows |= {block.statement_id} if names_codes else set()
            if CODE_CELL.match(block.text) and (is_code_column or block.statement_id in code_rows):
                code_cells.add(id(block))
        else:
            is_code_column = False
        previous_tag = block.tag
    return code_cells


def strip_contact_details(text: str) -> str:
    """Return the text without phone numbers, times, and addresses."""
    text = remove_phones(text)
    for pattern in (SHORT_PHONE, CLOCK_TIME, POSTAL_ADDRESS):
        text = pattern.sub(" ", text)
    return text


def _strip_exempt_numbers(block: TextBlock, clinic_values: list[str]) -> str:
    """Return the text of a block without the numbers that need no source."""
    text = block.text
    for value in [*block.phones, *clinic_values]:
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w){NOT_BEFORE_UNIT}", " ", text)
    if block.tag in HEADING_TAGS:
        text = LIST_NUMBER.sub("", text)
    text = " ".join(sentence for sentence in split_sentences(text) if not is_question(sentence))
    text = " ".join(sentence for sentence in split_sentences(text) if not WRITING_INSTRUCTION.match(sentence))
    text = remove_phones(text)
    for pattern in (
        SHORT_PHONE,
        DATE,
        OPENING_HOURS,
        CLOCK_TIME,
        POSTAL_ADDRESS,
        NUMBERED_NAME,
        ITEM_REFERENCE,
        VISIBLE_COUNT,
        DENOMINATOR,
    ):
        text = pattern.sub(" ", text)
    return text


def _find_numbers_with_units(text: str) -> list[str]:
    """Return numbers with the word after them, because "24 hours" is not "24 people". Both ends of a range get it."""
    numbers = []
    for match in NUMBER.finditer(text):
        if YEAR.match(match[0]):
            continue
        unit = UNIT_AFTER_NUMBER.match(text, match.end())
        numbers.append(f"{match[0].rstrip('.,')} {unit[1] if unit else ''}".strip().casefold())
    return numbers
