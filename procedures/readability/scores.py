"""Words, sentences, syllables, and reading levels of a text; all limits and targets, and the messages that staff see
when a text misses them.

All rules of a language are in the language registry (procedures/languages), and so are the limits of its reading
levels, which depend on the formula. A limit blocks publishing; a target only leads to a suggestion. A text is a string
with one block (paragraph, heading, list item, table cell) on each line.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from textwrap import shorten

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.text import APOSTROPHES, common_words, fold
from procedures import languages
from procedures.languages.definition import SENTENCE_ENDS

WORDS_PER_MINUTE = 150  # slow reading with pauses for pictures
MIN_POLYSYLLABLE = 3
# A year has about four syllables; a longer number is read in parts.
MAX_NUMBER_SYLLABLES = 4
MAX_ABBREVIATION_LENGTH = 5
MAX_WORD_LENGTH = 60  # longer strings are not words
# "T12", "L1–L5", "M80.08XA", "COVID-19", "ICD-10-CM": bones, diseases, and standards, read as a letter and a number.
CODE_PATTERN = r"(?:[A-Z]{1,5}-?\d[\w.]*(?<!\.)(?:[-–/](?:[A-Z]{1,2})?\d[\w.]*(?<!\.))*(?:-[A-Z]{1,3}(?![^\W\d_]))?)"
CODE_WORD = re.compile(rf"{CODE_PATTERN}\Z")
CODE_SYLLABLES = 2
WORD = re.compile(CODE_PATTERN + r"|\d(?:[\d.,-]*\d)?|[^\W\d_]+(?:['’-][^\W_]+)*")
WORD_PART = re.compile(r"\d[\d.,]*|[^\W\d_]+(?:'[^\W\d_]+)*")
# Uppercase letters of Latin, Greek, Cyrillic, and other European scripts.
CAPITALS = "".join(letter for letter in map(chr, range(0x2000)) if letter.isupper())
# Consecutive words in capitals.
UPPERCASE_RUN = re.compile(rf"\b[{CAPITALS}][{CAPITALS}'’-]*(?:[ ,]+[{CAPITALS}][{CAPITALS}'’-]*)*\b(?![^\W\d_]|-?\d)")
LATIN_VOWEL = re.compile(r"[aeiou]")
MIN_UPPERCASE_LENGTH = 3

OPENING_MARKS = '"“‘«(¿¡['
# The next sentence must not start with a lowercase letter. (Scripts without capitals have no lowercase letters.)
SENTENCE_END = re.compile(rf"(?<=[{SENTENCE_ENDS}…])[\"”’»)\]]*\s+(?=[{re.escape(OPENING_MARKS)}]*(?P<first>[^\W_]))")
# The following do not end a sentence: "1. You get ready", "Dr. Lee", "No. 5", "J. Lee", "8 a.m. Monday".
LIST_NUMBER = re.compile(r"\A\(?\d{1,3}\.\Z")
ABBREVIATION = re.compile(
    rf"(?<!\w)(?:{'|'.join(ending for language in languages.LANGUAGES for ending in language.abbreviations)})\.\Z"
)
NUMBER_ABBREVIATION = re.compile(
    rf"(?<!\w)(?:{'|'.join(word for language in languages.LANGUAGES for word in language.number_abbreviations)})\.\Z"
)
INITIAL = re.compile(rf"(?:\A|[{CAPITALS}]\w*\.? |\b[{CAPITALS}]\.)[{CAPITALS}]\.\Z")
MERIDIEM = re.compile(r"\b[ap]\. ?m\.\Z")
MAX_CONTEXT = 40  # characters
DATE_WORD = re.compile(rf"(?:{languages.number_pattern('weekdays', 'months')})\b")

MAX_SENTENCE_WORDS = 25
TARGET_SENTENCE_WORDS = 20
TARGET_PARAGRAPH_SENTENCES = 3
MAX_LIST_ITEMS = 7
# Target length of the first paragraph under an option's heading, which becomes a cell of the comparison.
TARGET_CELL_WORDS = 12
# In a shorter text, one long word would decide the level.
MIN_SCORED_WORDS = 15
# Shorter table cells without an end mark are labels and values, not sentences.
MIN_CELL_WORDS = 5
# SMOG assumes full comprehension, so its grades are about two above those of other formulas. False turns its limit into
# a suggestion.
SMOG_BLOCKS_PUBLISHING = True
# Whether a text that is easier than the floor of its language gets a suggestion.
SUGGEST_ABOVE_FLOOR = False

MAX_QUOTE_LENGTH = 160


def split_words(text: str) -> list[str]:
    """Return words and numbers; a word with hyphens is one word."""
    return WORD.findall(text)


def split_sentences(text: str) -> list[str]:
    """Return sentences with at least one word. A sentence never continues on the next line."""
    found: list[str] = []
    for line in text.split("\n"):
        start = 0
        for end in SENTENCE_END.finditer(line):
            # Look only near the period, so that the run time stays proportional to the length of the line.
            before = line[max(start, end.start() - MAX_CONTEXT) : end.start()].lstrip()
            if not end["first"].islower() and not _continues(before, line[end.end() : end.end() + MAX_CONTEXT]):
                found.append(line[start : end.start()])
                start = end.end()
        found.append(line[start:])
    return [sentence for sentence in map(str.strip, found) if WORD.search(sentence)]


def _continues(before: str, after: str) -> bool:
    """Return whether the period between two parts of a line does not end a sentence."""
    return bool(
        LIST_NUMBER.match(before)
        or ABBREVIATION.search(before)
        or (NUMBER_ABBREVIATION.search(before) and after[0].isdigit())
        or (INITIAL.search(before) and not after[0].isdigit())
        or (MERIDIEM.search(before) and DATE_WORD.match(after))
    )


def count_syllables(word: str, language: str) -> int:
    """Return the syllables of one word, at least 1. A number has one for each digit, at most 4.

    Raise ValueError for a language without rules for syllables.
    """
    return _count_syllables(word[:MAX_WORD_LENGTH], language)


@lru_cache(maxsize=8192)
def _count_syllables(word: str, language: str) -> int:
    if CODE_WORD.match(word):
        return CODE_SYLLABLES
    return max(1, sum(_part_syllables(part, language) for part in WORD_PART.findall(word.translate(APOSTROPHES))))


def _part_syllables(part: str, language: str) -> int:
    if part[0].isdigit():
        return min(MAX_NUMBER_SYLLABLES, sum(char.isdigit() for char in part))
    rules = languages.get(language).readability
    if rules is None:
        raise ValueError(f"There are no rules for syllables in the language “{language}”.")
    letters = part.removesuffix("'s")
    if rules.spells_abbreviations and is_abbreviation(letters, language):
        return sum(letter.isupper() for letter in letters)  # MRI: spelled out
    return rules.count_syllables(part.lower())


def is_abbreviation(word: str, language: str) -> bool:
    """Return whether a word in capitals is spelled out (MRI). Common words such as "NOT" and "DO" are not."""
    letters = word.removesuffix("s") if word[:-1].isupper() else word
    is_short = letters.isalpha() and letters.isupper() and 1 < len(letters) <= MAX_ABBREVIATION_LENGTH
    return is_short and word.casefold() not in _common_words(language)


@cache
def _common_words(language: str) -> frozenset[str]:
    return frozenset(common_words(language))


def compute_page_reading_level(text: str, language: str) -> float | None:
    """Return the reading level of a page, clamped to the scale of its formula.

    None if the text is too short or the language has no formula.
    """
    level = compute_reading_level(text, language) if len(split_words(text)) >= MIN_SCORED_WORDS else None
    rules = languages.get(language).readability
    if level is None or rules is None:
        return None
    return max(0.0, level) if rules.max_level is None else min(rules.max_level, max(0.0, level))


def compute_reading_level(text: str, language: str) -> float | None:
    """Return the level by the formula of the language; 0 for a text without words, None without a formula."""
    rules = languages.get(language).readability
    if rules is None:
        return None
    ratios = _ratios(text, language)
    return round(rules.formula(*ratios), 1) if ratios else 0.0


def score_reading_ease(text: str, language: str) -> float | None:
    """Return the reading ease, 0 to 100; None for a text without words, or without a formula."""
    rules = languages.get(language).readability
    ratios = _ratios(text, language) if rules and rules.reading_ease else None
    if rules is None or rules.reading_ease is None or ratios is None:
        return None
    return round(min(100.0, max(0.0, rules.reading_ease(*ratios))), 1)


def _ratios(text: str, language: str) -> tuple[float, float] | None:
    """Return words per sentence and syllables per word; None for a text without words."""
    sentences = _scorable_sentences(text, language)
    words = [word for sentence in sentences for word in split_words(sentence)]
    if not words:
        return None
    return len(words) / len(sentences), sum(count_syllables(word, language) for word in words) / len(words)


def smog_grade(text: str, language: str) -> float:
    """Return the SMOG grade; 0 for a text without words, and in a language that SMOG does not apply to."""
    rules = languages.get(language).readability
    sentences = _scorable_sentences(text, language)
    if rules is None or rules.smog is None or not sentences:
        return 0.0
    polysyllables = sum(
        count_syllables(word, language) >= MIN_POLYSYLLABLE for sentence in sentences for word in split_words(sentence)
    )
    return round(rules.smog(polysyllables, len(sentences)), 1)


def _scorable_sentences(text: str, language: str) -> list[str]:
    """Return the sentences with at least one word that is not a number or code, with all-caps words in lowercase."""
    return [
        lowercase_shouting(sentence, language)
        for sentence in split_sentences(text)
        if any(word[0].isalpha() and not CODE_WORD.match(word) for word in split_words(sentence))
    ]


def lowercase_shouting(sentence: str, language: str) -> str:
    """Return the sentence with all-caps words in lowercase, because the words of "DO NOT EAT" are not abbreviations."""
    return UPPERCASE_RUN.sub(lambda run: _lowercase_run(run[0], language), sentence)


def _lowercase_run(run: str, language: str) -> str:
    known = _common_words(language)
    found = [word for word in WORD.findall(run) if len(word) > 1]
    is_shouted = len(found) > 1 and any(
        word.casefold() in known or len(word) > MAX_ABBREVIATION_LENGTH for word in found
    )

    def lower(match: re.Match[str]) -> str:
        word = match[0]
        is_word = word.casefold() in known or (
            is_shouted and len(word) > MIN_UPPERCASE_LENGTH and bool(LATIN_VOWEL.search(fold(word)))
        )
        return word.lower() if is_word and not CODE_WORD.match(word) else word

    return WORD.sub(lower, run)


def estimate_minutes(text: str) -> int:
    """Return the minutes to read ``text`` slowly, at least 1."""
    return max(1, round(len(text.split()) / WORDS_PER_MINUTE))


def is_passive(sentence: str, language: str) -> bool:
    """Return whether a sentence contains a passive verb. False in a language without a pattern."""
    pattern = languages.get(language).passive
    return pattern is not None and _compiled(pattern).search(sentence.translate(APOSTROPHES)) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def describe_level(level: float | None, language: str) -> str:
    """Return the reading level in words; empty if there is none."""
    readability = languages.get(language).readability
    if level is None or readability is None:
        return ""
    return str(readability.level_label) % {"level": level}


def describe_exceeded_limits(level: float | None, smog_grade: float, language: str) -> Iterator[str]:
    """Yield a sentence for each limit on reading levels that a page exceeds. A page without a level exceeds none."""
    rules = languages.get(language).readability
    if rules is None or level is None:
        return
    if rules.is_harder(level, rules.limit):
        yield str(rules.too_hard) % {"level": level, "limit": rules.limit}
    if SMOG_BLOCKS_PUBLISHING:
        yield from _describe_smog(smog_grade, language)


def describe_missed_targets(level: float | None, smog_grade: float, language: str) -> Iterator[str]:
    """Yield a sentence for each target for reading levels that a page misses."""
    rules = languages.get(language).readability
    if rules is None or level is None:
        return
    if SUGGEST_ABOVE_FLOOR and rules.floor is not None and rules.is_harder(rules.floor, level):
        yield str(rules.too_easy) % {"level": level, "limit": rules.floor}
    if not SMOG_BLOCKS_PUBLISHING:
        yield from _describe_smog(smog_grade, language)


def _describe_smog(grade: float, language: str) -> Iterator[str]:
    rules = languages.get(language).readability
    if rules and rules.smog and grade > rules.smog_limit:
        message = _(
            "The text's SMOG grade is %(grade)s; the limit is %(limit)s. Use fewer words of three syllables or more."
        )
        yield message % {"grade": grade, "limit": rules.smog_limit}


def describe_hard_paragraph(level: float | None, language: str) -> str:
    """Return the suggestion for a paragraph of this level; empty for none."""
    rules = languages.get(language).readability
    if rules is None or level is None or not rules.is_harder(level, rules.paragraph_limit):
        return ""
    return str(rules.hard_paragraph) % {"level": level}


def find_long_sentences(text: str) -> Iterator[tuple[str, int]]:
    """Yield each sentence of a text with too many words, and their number."""
    for sentence in split_sentences(text):
        if (length := len(split_words(sentence))) > MAX_SENTENCE_WORDS:
            yield sentence, length


def describe_long_sentence(sentence: str, word_count: int) -> str:
    """Return the message for a sentence that is over the limit."""
    message = ngettext(
        "A sentence has %(count)s word; the limit is %(limit)s. Split it in two: “%(quote)s”",
        "A sentence has %(count)s words; the limit is %(limit)s. Split it in two: “%(quote)s”",
        word_count,
    )
    return message % {"count": word_count, "limit": MAX_SENTENCE_WORDS, "quote": shorten_quote(sentence)}


def shorten_quote(text: str, length: int = MAX_QUOTE_LENGTH) -> str:
    """Return a quotation of at most ``length`` characters."""
    return shorten(text, length, placeholder=" …")
