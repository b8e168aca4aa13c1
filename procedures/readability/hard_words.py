"""Long words and abbreviations that every reader knows, chosen one by one. No clinical word is among them."""

import re
from collections.abc import Iterable

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

COMMON_LONG_WORDS = {
    "en": frozenset(
        """
        activity afterward alphabet am ambulance another asap anything area capital carry company condition
        computer decision description different direct disagree easier easily elevator emergency er everyone
        everything exact example
        exercise family hospital illness important information injury insurance interpreter location medicine national
        nobody ok omega operation pm previous recover serious similar simulated society together tomorrow tv uncommon
        understand uneven unsteady usual whenever yesterday
        """.split()
    ),
    "es": frozenset(
        """
        aconsejaron am pm tv actividad actividades alfabético calificado computadora directamente electrónico elegirían
        embarazada emergencia estacionamiento examinamos examinarle levántese necesario necesitamos necesitaron
        participaron preguntarnos recuperarse significado
        """.split()
    ),
}


# Spanish words are longer: verbs with an ending for person and time often have four syllables.
MIN_HARD_SYLLABLES = {"en": 3, "es": 5}
EXPLAINED_ABBREVIATION = re.compile(r"\b([A-Z]{2,5}s?) \(")
PARENTHESES = re.compile(r"\(([^()]*)\)")
# "KY-foh-plas-tee" says how to say a word.
PRONUNCIATION = re.compile(r"[A-ZÁÉÍÓÚÑ]{2,}-|-[A-ZÁÉÍÓÚÑ]{2,}|-\w+-")
# "Denver, CO": a state after its city.
STATE_ABBREVIATION = re.compile(
    r"(?<=[a-z], )(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|PR|RI|S[CD]|T[NX]"
    r"|UT|V[AT]|W[AIVY])(?=\.?$|[.,;:)\s])"
)
# "omega-3": the number is not part of the word.
NUMBER_SUFFIX = re.compile(r"[-–]\d+\Z")


def find_hard_words(text: str, language: str, terms: Iterable[GlossaryTerm]) -> list[str]:
    """Hard words of ``text``, each once, in alphabetical order.

    Left out: easy words, words of a glossary term, what stands in parentheses behind the plain word, names (a capital
    letter inside a sentence), how to say a word, codes and numbers. An abbreviation counts, however short, unless it is
    a term, stands in parentheses, or has its meaning in parentheses behind it.
    """
    known = {
        word for term in terms for name in (term.term, *term.aliases) for word in _split_base_forms(name, language)
    }
    known |= {form for inside in PARENTHESES.findall(text) for form in _split_base_forms(inside, language)}
    known |= {short.casefold() for short in EXPLAINED_ABBREVIATION.findall(text)}
    found: set[str] = set()
    text = STATE_ABBREVIATION.sub(" ", strip_contact_details(text))
    # A word that is in lowercase elsewhere in the text is not an abbreviation.
    spelled = {word for word in WORD.findall(text) if word.islower()}
    for sentence in split_sentences(text):
        for place, match in enumerate(WORD.finditer(lowercase_shouting(sentence, language))):
            word = match[0]
            if word[0].isdigit() or PRONUNCIATION.search(word) or CODE_WORD.match(word):
                continue
            word = NUMBER_SUFFIX.sub("", word)
            if word.isupper() and word.casefold() in spelled:
                word = word.casefold()
            is_name = place > 0 and word[0].isupper() and not word.isupper()
            is_short = is_abbreviation(word, language)
            if not is_short and (is_name or count_syllables(word, language) < MIN_HARD_SYLLABLES[language]):
                continue
            if known.isdisjoint(_base_forms(word, language)) and COMMON_LONG_WORDS[language].isdisjoint(
                _base_forms(word, language)
            ):
                found.add(word.casefold())
    return sorted(found)


def _split_base_forms(name: str, language: str) -> set[str]:
    return {form for word in WORD.findall(name) for form in _base_forms(word, language)}


def _base_forms(word: str, language: str) -> set[str]:
    """The word itself and without the endings that do not make it harder."""
    word = word.casefold().replace("’", "'").removesuffix("'s")
    endings = ("es", "s") if language == "es" else ("ies", "es", "s", "ed", "d", "ing", "ly")
    forms = {word}
    for ending in endings:
        if word.endswith(ending):
            stem = word.removesuffix(ending)
            forms |= {stem, f"{stem}y"} if ending == "ies" else {stem, f"{stem}e"} if ending == "ing" else {stem}
    if language == "es":
        forms |= {f"{form[:-1]}o" for form in forms if form.endswith("a")}
    return forms
