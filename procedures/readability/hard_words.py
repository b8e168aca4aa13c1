"""Hard words: long words that are neither common nor explained on the page."""

import re
from collections.abc import Iterable

from procedures import languages
from procedures.languages.definition import HardWords
from procedures.models import GlossaryTerm
from procedures.readability.scores import (
    CODE_WORD,
    WORD,
    count_syllables,
    is_abbreviation,
    lowercase_shouting,
    split_sentences,
)
from procedures.readability.uncited_numbers import strip_contact_details

EXPLAINED_ABBREVIATION = re.compile(r"\b([A-Z]{2,5}s?) \(")
PARENTHESES = re.compile(r"\(([^()]*)\)")
# A pronunciation such as "KY-foh-plas-tee".
PRONUNCIATION = re.compile(r"[A-ZÁÉÍÓÚÑ]{2,}-|-[A-ZÁÉÍÓÚÑ]{2,}|-\w+-")
# "Denver, CO": a state after its city.
STATE_ABBREVIATION = re.compile(
    r"(?<=[a-z], )(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|PR|RI|S[CD]|T[NX]"
    r"|UT|V[AT]|W[AIVY])(?=\.?$|[.,;:)\s])"
)
# "omega-3": the number is not part of the word.
NUMBER_SUFFIX = re.compile(r"[-–]\d+\Z")


def find_hard_words(text: str, language: str, terms: Iterable[GlossaryTerm]) -> list[str]:
    """Return the hard words of ``text`` in alphabetical order, in lowercase and without duplicates.

    Words that do not count: easy words, words of glossary terms, text in parentheses, names (capitalized inside a
    sentence), pronunciations, codes, and numbers. Every abbreviation counts unless it is a term, is in parentheses, or
    is followed by its meaning in parentheses.
    Empty in a language without rules for hard words.
    """
    rules = languages.get(language).hard_words
    if rules is None:
        return []
    known = {word for term in terms for name in (term.term, *term.aliases) for word in _split_base_forms(name, rules)}
    known |= {form for content in PARENTHESES.findall(text) for form in _split_base_forms(content, rules)}
    known |= {abbreviation.casefold() for abbreviation in EXPLAINED_ABBREVIATION.findall(text)}
    easy = known | rules.easy
    hard_words: set[str] = set()
    text = STATE_ABBREVIATION.sub(" ", strip_contact_details(text))
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
