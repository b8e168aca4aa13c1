"""Syllables, words, sentences, reading levels, and passive sentences.

Syllables come from rules, not from a dictionary, so they cover any word and need no download. The rules of each
language are in the language registry (procedures/languages).
"""

import math
import re
import warnings
from functools import cache, lru_cache
from typing import Any

from portal.dictionary import common_words
from procedures import languages
from procedures.languages.definition import SENTENCE_ENDS

# A year has about four syllables; a longer number is read in parts.
MAX_NUMBER_SYLLABLES = 4
MAX_ABBREVIATION_LENGTH = 5
# Below this rank, frequency lists contain names and foreign words.
MAX_COMMON_WORDS = 6000
MAX_WORD_LENGTH = 60  # longer strings are not words
# "T12", "L1–L5", "M80.08", "COVID-19": names of bones, diseases, and standards, read as a letter and a number.
CODE_PATTERN = r"(?:[A-Z]{1,5}-?\d[\w.]*(?<!\.)(?:[-–/](?:[A-Z]{1,2})?\d[\w.]*(?<!\.))*)"
CODE_WORD = re.compile(rf"{CODE_PATTERN}\Z")
CODE_SYLLABLES = 2
WORD_PART = re.compile(r"\d[\d.,]*|[^\W\d_]+")


def count_syllables(word: str, language: str) -> int:
    """Return the syllables of one word, at least 1. A number has one for each digit, at most 4.

    Raises ValueError for a language without rules for syllables.
    """
    return _count_syllables(word[:MAX_WORD_LENGTH], language)


def is_abbreviation(word: str, language: str) -> bool:
    """Whether a word in capitals is spelled out (MRI). Common words such as "NOT" and "DO" are not."""
    letters = word.removesuffix("s") if word[:-1].isupper() else word
    is_short = letters.isalpha() and letters.isupper() and 1 < len(letters) <= MAX_ABBREVIATION_LENGTH
    return is_short and word.casefold() not in common_word_set(language)


@cache
def common_word_set(language: str) -> frozenset[str]:
    """Return the most common words of a language in lowercase."""
    return frozenset(word.casefold() for word in common_words(language)[:MAX_COMMON_WORDS])


@lru_cache(maxsize=8192)
def _count_syllables(word: str, language: str) -> int:
    if CODE_WORD.match(word):
        return CODE_SYLLABLES
    return max(1, sum(_part_syllables(part, language) for part in WORD_PART.findall(_remove_apostrophes(word))))


def _part_syllables(part: str, language: str) -> int:
    if part[0].isdigit():
        return _count_number_syllables(part)
    rules = languages.get(language).readability
    if rules is None:
        raise ValueError(f"There are no rules for syllables in the language “{language}”.")
    if rules.spells_abbreviations and is_abbreviation(part, language):
        return len(part)  # MRI: spelled out
    return rules.count_syllables(part)


def _remove_apostrophes(word: str) -> str:
    return word.replace("’", "'").removesuffix("'s").replace("'", "")


def _count_number_syllables(number: str) -> int:
    return min(MAX_NUMBER_SYLLABLES, sum(sign.isdigit() for sign in number))


WORDS_PER_MINUTE = 150  # slow reading with pauses for pictures
MIN_POLYSYLLABLE = 3
TEXTSTAT_SHORT_SENTENCE_WORDS = 2
MAX_SENTENCE_WORDS = 25  # words; 20 is the target

# In a shorter text, one long word would decide the level.
MIN_SCORED_WORDS = 15

WORD = re.compile(CODE_PATTERN + r"|\d(?:[\d.,-]*\d)?|[^\W\d_]+(?:['’-][^\W_]+)*")
# Consecutive words in capitals.
UPPERCASE_RUN = re.compile(
    r"\b[A-ZÁÉÍÓÚÜÑ][A-ZÁÉÍÓÚÜÑ'’-]*(?:[ ,]+[A-ZÁÉÍÓÚÜÑ][A-ZÁÉÍÓÚÜÑ'’-]*)*\b(?![a-záéíóúüñ]|-?\d)"
)
UPPERCASE_VOWEL = re.compile(r"[AEIOUÁÉÍÓÚ]")
MIN_UPPERCASE_LENGTH = 3
# Letters of scripts without capitals: Hebrew, Arabic and its neighbors, India, Southeast Asia, Ethiopia.
CASELESS = "\u05d0-\u05f2\u0620-\u08ff\u0904-\u109f\u1200-\u137f"
SENTENCE_END = re.compile(rf"(?<=[{SENTENCE_ENDS}…])[\"”’»)\]]*\s+(?=[\"“‘«(¿¡\[]*[A-ZÁÉÍÓÚÜÑ\d{CASELESS}])")
_ABBREVIATIONS = sorted({ending for language in languages.LANGUAGES for ending in language.abbreviations})
ABBREVIATION = re.compile(rf"(?:\b(?:{'|'.join(_ABBREVIATIONS)})|\b[A-Z])\.\Z")


@cache
def _textstat(language: str) -> Any:
    """Import textstat on first use: it takes 10 MB that a worker which only serves pages never needs."""
    with warnings.catch_warnings():
        # textstat 0.7.4 imports pkg_resources; newer releases fetch a word list when they run.
        warnings.simplefilter("ignore")
        from textstat.textstat import textstatistics
    # One instance for each language: set_lang on a shared one would change the rules for other threads.
    library = textstatistics()
    library.set_lang(language)
    return library


def split_words(text: str) -> list[str]:
    """Return words and numbers; a word with hyphens is one word."""
    return WORD.findall(text)


def split_sentences(text: str) -> list[str]:
    """Return sentences with at least one word. A sentence never continues on the next line."""
    found: list[str] = []
    for line in text.split("\n"):
        pieces: list[str] = []
        for piece in SENTENCE_END.split(line.strip()):
            if pieces and ABBREVIATION.search(pieces[-1]):
                pieces[-1] += f" {piece}"
            else:
                pieces.append(piece)
        found += [piece for piece in pieces if WORD.search(piece)]
    return found


def score_page(text: str, language: str) -> float | None:
    """Return the reading level of a page, clamped to the scale of its formula.

    None if the text is too short or the language has no formula.
    """
    level = score_text(text, language) if len(split_words(text)) >= MIN_SCORED_WORDS else None
    rules = languages.get(language).readability
    if level is None or rules is None:
        return None
    return max(0.0, level) if rules.max_level is None else min(rules.max_level, max(0.0, level))


def score_text(text: str, language: str) -> float | None:
    """Return the level by the formula of the language; 0 for a text without words, None without a formula."""
    rules = languages.get(language).readability
    if rules is None:
        return None
    sentences = _scorable_sentences(text, language)
    words = [word for sentence in sentences for word in split_words(sentence)]
    if not words:
        return 0.0
    words_per_sentence = len(words) / len(sentences)
    syllables_per_word = sum(count_syllables(word, language) for word in words) / len(words)
    level = rules.formula(words_per_sentence, syllables_per_word)
    if rules.textstat_formula and (textstat_input := _prepare_for_textstat(sentences)):
        formula = getattr(_textstat(rules.textstat_language), rules.textstat_formula)
        level = rules.harder(level, float(formula(textstat_input)))
    return round(level, 1)


def smog_grade(text: str, language: str) -> float:
    """Return the SMOG grade by McLaughlin's precise formula; the number of sentences is scaled to 30.

    0 for a text without words, and in a language that SMOG does not apply to.
    """
    rules = languages.get(language).readability
    if rules is None or rules.smog_limit is None:
        return 0.0
    sentences = _scorable_sentences(text, language)
    if not sentences:
        return 0.0
    polysyllables = sum(
        count_syllables(word, language) >= MIN_POLYSYLLABLE for sentence in sentences for word in split_words(sentence)
    )
    grade = 1.043 * math.sqrt(polysyllables * 30 / len(sentences)) + 3.1291
    if rules.textstat_language:
        grade = max(grade, float(_textstat(rules.textstat_language).smog_index(_prepare_for_textstat(sentences))))
    return round(grade, 1)


def _scorable_sentences(text: str, language: str) -> list[str]:
    """Return sentences with at least one word that is no number or code, with shouted words in lowercase."""
    return [
        lowercase_shouting(sentence, language)
        for sentence in split_sentences(text)
        if any(word[0].isalpha() and not CODE_WORD.match(word) for word in split_words(sentence))
    ]


def lowercase_shouting(sentence: str, language: str) -> str:
    """Return the sentence with shouted words in lowercase: "DO NOT EAT" does not contain abbreviations."""
    return UPPERCASE_RUN.sub(lambda run: _lowercase_run(run[0], language), sentence)


def _lowercase_run(run: str, language: str) -> str:
    known = common_word_set(language)
    found = [word for word in WORD.findall(run) if len(word) > 1]
    is_shouted = len(found) > 1 and any(
        word.casefold() in known or len(word) > MAX_ABBREVIATION_LENGTH for word in found
    )

    def lower(match: re.Match[str]) -> str:
        word = match[0]
        is_word = word.casefold() in known or (
            is_shouted and len(word) > MIN_UPPERCASE_LENGTH and bool(UPPERCASE_VOWEL.search(word))
        )
        return word.lower() if is_word and not CODE_WORD.match(word) else word

    return WORD.sub(lower, run)


def _prepare_for_textstat(sentences: list[str]) -> str:
    """Join the sentences without short ones: textstat does not count short sentences, but counts their words."""
    return "\n".join(
        sentence
        for sentence in sentences
        if min(len(split_words(sentence)), len(sentence.split())) > TEXTSTAT_SHORT_SENTENCE_WORDS
    )


def estimate_minutes(text: str) -> int:
    """Return the minutes to read ``text`` slowly, at least 1."""
    return max(1, round(len(text.split()) / WORDS_PER_MINUTE))


def is_passive(sentence: str, language: str) -> bool:
    """Whether a sentence contains a passive verb. False in a language without a pattern."""
    pattern = languages.get(language).passive
    return pattern is not None and _compiled(pattern).search(sentence.replace("’", "'")) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)
