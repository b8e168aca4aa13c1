"""How many syllables a word has. Rules, not a dictionary: the same answer offline, in every thread, for any word.

English: groups of vowels, less those that are not said, plus neighbours that are said apart, and a few exceptions.
On our own texts 99 of 100 words agree with the CMU Pronouncing Dictionary (docs/quality/measures.md).
Spanish: by the rules of its spelling; a group of vowels has one syllable for each strong or stressed one.
"""

import re
from functools import cache, lru_cache

from portal.dictionary import easy_words

# A year has about four; a longer number is read in parts.
MAX_DIGITS = 4
MAX_ABBREVIATION = 5
# Spanish words are listed by frequency; after these come names and foreign words.
MAX_KNOWN_WORDS = 6000
MAX_WORD = 60  # longer strings are not words
# "T12", "L1–L5", "M80.08", "COVID-19": names of bones, diseases and standards. Read as a letter and a number.
CODE = r"(?:[A-Z]{1,5}-?\d[\w.]*(?<!\.)(?:[-–/](?:[A-Z]{1,2})?\d[\w.]*(?<!\.))*)"
IS_CODE = re.compile(rf"{CODE}\Z")
CODE_SYLLABLES = 2
PART = re.compile(r"\d[\d.,]*|[^\W\d_]+")

VOWELS = re.compile(r"[aeiouy]+")
NOT_SAID = re.compile(
    r"[^aeiouyl]e\Z|[aeiouyl]le\Z"  # bone, whole; but needle
    r"|(?:[^aeiouylcgsxzh]|[^cst]h|th|[aeiouy]l)es\Z"  # bones; but cases, inches, needles
    r"|(?:[^aeiouytdl]|[aeiouyl]l)ed\Z"  # pressed, called; but needed, settled
    r"|(?:[^aeiouyl]|[aeiouy]l)e(?:ly|ful|fully|less|ness|thing|one|body|times?|where|land|line)\Z"
    r"|[aeiouy][^aeiouyl]+ements?\Z"  # movement; but cement
    r"|\A(?:fore|home|life|there|where|base|face)(?=[bcdfghjklmnprstw][a-z])"
)
SAID_APART = re.compile(
    r"(?<![cstgx])ia(?!ge)(?!\Z)|[^s]ia\Z|cia(?=te|ti)|(?<![aeioucstgxnl])io(?!us)|[^cstgx]ious|[nl]io(?!n)|iu"
    r"|(?<![aeiougq])ua(?!rd)|[^gq]uous|(?<![gs])eo(?!ple|u|n\Z)|[^gcr]eous|(?<![ctr])ie(?=t|nce|nts?\Z)"
    r"|[aeouyi]ing|uel|[ia]sm\Z|thm|crea(?=te|ti)|react|oa(?=ct|li)|oexi|[dtn]ui(?=t)|[mns]ier\Z|aero"
)
EXCEPTIONS = {
    "area": 3, "areas": 3, "being": 2, "business": 2, "diabetes": 4, "different": 3, "doctor": 2, "evening": 2,
    "evenings": 2, "every": 2, "everyone": 3, "everything": 3, "hour": 1, "hours": 1, "idea": 3, "once": 1, "one": 1,
    "people": 2, "science": 2, "something": 2, "sometimes": 2, "someone": 2, "anyone": 3, "tired": 2, "treating": 2,
    "cushion": 2, "safety": 2, "elsewhere": 2,
}  # fmt: skip

QUIET_U = re.compile(r"(?<=q)u|(?<=g)u(?=[eiéí])")
SPANISH_VOWELS = re.compile(r"(?:[aeiouáéíóúü]|y(?![aeiouáéíóú]))+")
STRONG = frozenset("aeoáéóíú")


def syllables(word: str, language: str) -> int:
    """Syllables of one word, at least 1. Parts with a hyphen add up; a number has one for each digit, 4 at most."""
    return _syllables(word[:MAX_WORD], language)


def is_abbreviation(word: str, language: str) -> bool:
    """Whether capitals spell a word out (MRI). "NOT" and "DO" are words that every reader knows."""
    letters = word.removesuffix("s") if word[:-1].isupper() else word
    is_short = letters.isalpha() and letters.isupper() and 1 < len(letters) <= MAX_ABBREVIATION
    return is_short and word.casefold() not in known_words(language)


@cache
def known_words(language: str) -> frozenset[str]:
    """Everyday words in small letters."""
    return frozenset(word.casefold() for word in easy_words(language)[:MAX_KNOWN_WORDS])


@lru_cache(maxsize=8192)
def _syllables(word: str, language: str) -> int:
    if IS_CODE.match(word):
        return CODE_SYLLABLES
    count = _spanish if language == "es" else _english
    return max(1, sum(_digits(part) if part[0].isdigit() else count(part) for part in PART.findall(_joined(word))))


def _joined(word: str) -> str:
    return word.replace("’", "'").removesuffix("'s").replace("'", "")


def _digits(number: str) -> int:
    return min(MAX_DIGITS, sum(sign.isdigit() for sign in number))


def _english(word: str) -> int:
    if is_abbreviation(word, "en"):
        return len(word)  # MRI: spelled out
    lower = word.lower()
    if lower in EXCEPTIONS:
        return EXCEPTIONS[lower]
    groups = len(VOWELS.findall(lower))
    return max(1, groups - len(NOT_SAID.findall(lower)) + len(SAID_APART.findall(lower)))


def _spanish(word: str) -> int:
    groups = SPANISH_VOWELS.findall(QUIET_U.sub("", word.lower()))
    return sum(max(1, sum(vowel in STRONG for vowel in group)) for group in groups)
