"""How hard a text is to read, and how long it takes. All formulas are explained in docs/quality/measures.md.

Each level is taken twice, with textstat's counts and with our own, and the harder one holds: textstat takes a word for
its places of hyphenation and rounds the mean, so that a text may pass by rounding alone.
Nothing is taken out beforehand: a clinical word counts as hard even where the page explains it.
"""

import math
import re
import warnings
from functools import cache
from typing import Any

from procedures.markdown.syllables import CODE, IS_CODE, MAX_ABBREVIATION, known_words, syllables

WORDS_A_MINUTE = 150  # slow reading with pauses for pictures
POLYSYLLABLE = 3
TEXTSTAT = {"en": "en_US", "es": "es"}
TEXTSTAT_SHORT = 2
MAX_SENTENCE = 25  # words; 20 is the target
HARDEST_SMOG = 8.0

# In a shorter text, one long word decides about the level.
MIN_WORDS = 15

WORD = re.compile(CODE + r"|\d(?:[\d.,-]*\d)?|[^\W\d_]+(?:['’-][^\W_]+)*")
# Words in capitals in a row.
CAPITALS = re.compile(r"\b[A-ZÁÉÍÓÚÜÑ][A-ZÁÉÍÓÚÜÑ'’-]*(?:[ ,]+[A-ZÁÉÍÓÚÜÑ][A-ZÁÉÍÓÚÜÑ'’-]*)*\b(?![a-záéíóúüñ]|-?\d)")
VOWEL = re.compile(r"[AEIOUÁÉÍÓÚ]")
MIN_SHOUTED = 3
SENTENCE_END = re.compile(r"(?<=[.!?…])[\"”’»)\]]*\s+(?=[\"“‘«(¿¡\[]*[A-ZÁÉÍÓÚÜÑ\d])")
ABBREVIATION = re.compile(r"(?:\b(?:Dr|Dra|Drs|Mr|Mrs|Ms|Sr|Sra|St|No|vs|e\.g|i\.e|p\. ej|EE|UU)|\b[A-Z])\.\Z")


@cache
def _library(language: str) -> Any:
    """textstat, when a text is measured first: it takes 10 MB that a worker which only serves pages never needs."""
    with warnings.catch_warnings():
        # textstat 0.7.4 imports pkg_resources; newer releases fetch a word list when they run.
        warnings.simplefilter("ignore")
        from textstat.textstat import textstatistics
    # One for each language: switching a shared one would give another thread the wrong rules.
    library = textstatistics()
    library.set_lang(TEXTSTAT[language])
    return library


def words(text: str) -> list[str]:
    """Words and numbers; what a hyphen joins is one word."""
    return WORD.findall(text)


def sentences(text: str) -> list[str]:
    """Sentences with at least one word. A line is never part of two sentences."""
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


def page_level(text: str, language: str) -> float | None:
    """The reading level of a page, or None where the text is too short for one. Never below 0; Spanish: 0 to 100."""
    if len(words(text)) < MIN_WORDS:
        return None
    level = max(0.0, reading_level(text, language))
    return min(100.0, level) if language == "es" else level


def reading_level(text: str, language: str) -> float:
    """English: US school grade, lower is easier. Spanish: 0 to 100, higher is easier. 0 for a text without words."""
    found = _worded(text, language)
    counted = [word for sentence in found for word in words(sentence)]
    if not counted:
        return 0.0
    length = len(counted) / len(found)
    weight = sum(syllables(word, language) for word in counted) / len(counted)
    theirs = _for_textstat(found)
    if language == "es":
        own = 206.84 - 60 * weight - 1.02 * length
        return round(min(own, float(_library("es").fernandez_huerta(theirs)) if theirs else own), 1)
    own = 0.39 * length + 11.8 * weight - 15.59
    return round(max(own, float(_library("en").flesch_kincaid_grade(theirs)) if theirs else own), 1)


def smog(text: str) -> float:
    """SMOG grade of an English text, McLaughlin's precise form; any number of sentences is scaled to 30."""
    found = _worded(text, "en")
    if not found:
        return 0.0
    hard = sum(syllables(word, "en") >= POLYSYLLABLE for sentence in found for word in words(sentence))
    own = 1.043 * math.sqrt(hard * 30 / len(found)) + 3.1291
    return round(max(own, float(_library("en").smog_index(_for_textstat(found)))), 1)


def _worded(text: str, language: str) -> list[str]:
    """Sentences with at least one word that is neither number nor code; words in capitals as words."""
    return [
        quiet(sentence, language)
        for sentence in sentences(text)
        if any(word[0].isalpha() and not IS_CODE.match(word) for word in words(sentence))
    ]


def quiet(sentence: str, language: str) -> str:
    """The sentence with words in capitals as lowercase: "DO NOT EAT" is not a row of abbreviations."""
    return CAPITALS.sub(lambda run: _lowered(run[0], language), sentence)


def _lowered(run: str, language: str) -> str:
    known = known_words(language)
    found = [word for word in WORD.findall(run) if len(word) > 1]
    is_shouted = len(found) > 1 and any(word.casefold() in known or len(word) > MAX_ABBREVIATION for word in found)

    def lower(match: re.Match[str]) -> str:
        word = match[0]
        is_word = word.casefold() in known or (is_shouted and len(word) > MIN_SHOUTED and bool(VOWEL.search(word)))
        return word.lower() if is_word and not IS_CODE.match(word) else word

    return WORD.sub(lower, run)


def _for_textstat(found: list[str]) -> str:
    """It leaves short sentences out of the number of sentences but not their words; here they are left out whole."""
    return "\n".join(
        sentence for sentence in found if min(len(words(sentence)), len(sentence.split())) > TEXTSTAT_SHORT
    )


def minutes(text: str) -> int:
    """Whole minutes to read ``text`` at an unhurried pace, at least 1."""
    return max(1, round(len(text.split()) / WORDS_A_MINUTE))
