"""Long words that a page neither explains nor may take for granted."""

import re
from collections.abc import Iterable

from procedures.markdown.reading import WORD, quiet, sentences
from procedures.markdown.syllables import IS_CODE, is_abbreviation, syllables
from procedures.models import Term
from procedures.quality.easy_words import EASY
from procedures.quality.numbers import without_addresses

# Spanish words are longer: verbs with an ending for person and time often have four syllables.
HARD_FROM = {"en": 3, "es": 5}
SPELLED_OUT = re.compile(r"\b([A-Z]{2,5}s?) \(")
PARENTHESES = re.compile(r"\(([^()]*)\)")
# "KY-foh-plas-tee" says how to say a word.
SAID = re.compile(r"[A-ZÁÉÍÓÚÑ]{2,}-|-[A-ZÁÉÍÓÚÑ]{2,}|-\w+-")
# "Denver, CO": a state after its city.
STATE = re.compile(
    r"(?<=[a-z], )(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|PR|RI|S[CD]|T[NX]"
    r"|UT|V[AT]|W[AIVY])(?=\.?$|[.,;:)\s])"
)
# "omega-3": the number is not part of the word.
NUMBERED = re.compile(r"[-–]\d+\Z")


def hard_words(text: str, language: str, terms: Iterable[Term]) -> list[str]:
    """Hard words of ``text``, each once, in alphabetical order.

    Left out: easy words, words of a glossary term, what stands in parentheses behind the plain word, names (a capital
    letter inside a sentence), how to say a word, codes and numbers. An abbreviation counts, however short, unless it is
    a term, stands in parentheses, or has its meaning in parentheses behind it.
    """
    known = {word for term in terms for name in (term.term, *term.aliases) for word in _forms(name, language)}
    known |= {form for inside in PARENTHESES.findall(text) for form in _forms(inside, language)}
    known |= {short.casefold() for short in SPELLED_OUT.findall(text)}
    found: set[str] = set()
    text = STATE.sub(" ", without_addresses(text))
    # A word that is in lowercase elsewhere in the text is not an abbreviation.
    spelled = {word for word in WORD.findall(text) if word.islower()}
    for sentence in sentences(text):
        for place, match in enumerate(WORD.finditer(quiet(sentence, language))):
            word = match[0]
            if word[0].isdigit() or SAID.search(word) or IS_CODE.match(word):
                continue
            word = NUMBERED.sub("", word)
            if word.isupper() and word.casefold() in spelled:
                word = word.casefold()
            is_name = place > 0 and word[0].isupper() and not word.isupper()
            is_short = is_abbreviation(word, language)
            if not is_short and (is_name or syllables(word, language) < HARD_FROM[language]):
                continue
            if known.isdisjoint(_base(word, language)) and EASY[language].isdisjoint(_base(word, language)):
                found.add(word.casefold())
    return sorted(found)


def _forms(name: str, language: str) -> set[str]:
    return {form for word in WORD.findall(name) for form in _base(word, language)}


def _base(word: str, language: str) -> set[str]:
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
