"""How many syllables a word has. Rules, not a dictionary: the same answer offline, in every thread, for any word.

English: groups of vowels, less those that are not said, plus neighbours that are said apart, and a few exceptions.
On our own texts 99 of 100 words agree with the CMU Pronouncing Dictionary (docs/quality/measures.md).
Spanish: by the rules of its spelling; a group of vowels has one syllable for each strong or stressed one.
"""

import math
import re
import warnings
from functools import cache, lru_cache
from typing import Any

from portal.dictionary import common_words

# A year has about four; a longer number is read in parts.
MAX_NUMBER_SYLLABLES = 4
MAX_ABBREVIATION_LENGTH = 5
# Spanish words are listed by frequency; after these come names and foreign words.
MAX_COMMON_WORDS = 6000
MAX_WORD_LENGTH = 60  # longer strings are not words
# "T12", "L1–L5", "M80.08", "COVID-19": names of bones, diseases and standards. Read as a letter and a number.
CODE_PATTERN = r"(?:[A-Z]{1,5}-?\d[\w.]*(?<!\.)(?:[-–/](?:[A-Z]{1,2})?\d[\w.]*(?<!\.))*)"
CODE_WORD = re.compile(rf"{CODE_PATTERN}\Z")
CODE_SYLLABLES = 2
WORD_PART = re.compile(r"\d[\d.,]*|[^\W\d_]+")

ENGLISH_VOWELS = re.compile(r"[aeiouy]+")
SILENT_VOWELS = re.compile(
    r"[^aeiouyl]e\Z|[aeiouyl]le\Z"  # bone, whole; but needle
    r"|(?:[^aeiouylcgsxzh]|[^cst]h|th|[aeiouy]l)es\Z"  # bones; but cases, inches, needles
    r"|(?:[^aeiouytdl]|[aeiouyl]l)ed\Z"  # pressed, called; but needed, settled
    r"|(?:[^aeiouyl]|[aeiouy]l)e(?:ly|ful|fully|less|ness|thing|one|body|times?|where|land|line)\Z"
    r"|[aeiouy][^aeiouyl]+ements?\Z"  # movement; but cement
    r"|\A(?:fore|home|life|there|where|base|face)(?=[bcdfghjklmnprstw][a-z])"
)
HIATUS = re.compile(
    r"(?<![cstgx])ia(?!ge)(?!\Z)|[^s]ia\Z|cia(?=te|ti)|(?<![aeioucstgxnl])io(?!us)|[^cstgx]ious|[nl]io(?!n)|iu"
    r"|(?<![aeiougq])ua(?!rd)|[^gq]uous|(?<![gs])eo(?!ple|u|n\Z)|[^gcr]eous|(?<![ctr])ie(?=t|nce|nts?\Z)"
    r"|[aeouyi]ing|uel|[ia]sm\Z|thm|crea(?=te|ti)|react|oa(?=ct|li)|oexi|[dtn]ui(?=t)|[mns]ier\Z|aero"
)
SYLLABLE_EXCEPTIONS = {
    "area": 3, "areas": 3, "being": 2, "business": 2, "diabetes": 4, "different": 3, "doctor": 2, "evening": 2,
    "evenings": 2, "every": 2, "everyone": 3, "everything": 3, "hour": 1, "hours": 1, "idea": 3, "once": 1, "one": 1,
    "people": 2, "science": 2, "something": 2, "sometimes": 2, "someone": 2, "anyone": 3, "tired": 2, "treating": 2,
    "cushion": 2, "safety": 2, "elsewhere": 2,
}  # fmt: skip

SILENT_U = re.compile(r"(?<=q)u|(?<=g)u(?=[eiéí])")
SPANISH_VOWELS = re.compile(r"(?:[aeiouáéíóúü]|y(?![aeiouáéíóú]))+")
STRONG_VOWELS = frozenset("aeoáéóíú")


def count_syllables(word: str, language: str) -> int:
    """Syllables of one word, at least 1. Parts with a hyphen add up; a number has one for each digit, 4 at most."""
    return _count_syllables(word[:MAX_WORD_LENGTH], language)


def is_abbreviation(word: str, language: str) -> bool:
    """Whether capitals spell a word out (MRI). "NOT" and "DO" are words that every reader knows."""
    letters = word.removesuffix("s") if word[:-1].isupper() else word
    is_short = letters.isalpha() and letters.isupper() and 1 < len(letters) <= MAX_ABBREVIATION_LENGTH
    return is_short and word.casefold() not in common_word_set(language)


@cache
def common_word_set(language: str) -> frozenset[str]:
    """Everyday words in small letters."""
    return frozenset(word.casefold() for word in common_words(language)[:MAX_COMMON_WORDS])


@lru_cache(maxsize=8192)
def _count_syllables(word: str, language: str) -> int:
    if CODE_WORD.match(word):
        return CODE_SYLLABLES
    count = _count_spanish_syllables if language == "es" else _count_english_syllables
    return max(
        1,
        sum(
            _count_number_syllables(part) if part[0].isdigit() else count(part)
            for part in WORD_PART.findall(_remove_apostrophes(word))
        ),
    )


def _remove_apostrophes(word: str) -> str:
    return word.replace("’", "'").removesuffix("'s").replace("'", "")


def _count_number_syllables(number: str) -> int:
    return min(MAX_NUMBER_SYLLABLES, sum(sign.isdigit() for sign in number))


def _count_english_syllables(word: str) -> int:
    if is_abbreviation(word, "en"):
        return len(word)  # MRI: spelled out
    lower = word.lower()
    if lower in SYLLABLE_EXCEPTIONS:
        return SYLLABLE_EXCEPTIONS[lower]
    groups = len(ENGLISH_VOWELS.findall(lower))
    return max(1, groups - len(SILENT_VOWELS.findall(lower)) + len(HIATUS.findall(lower)))


def _count_spanish_syllables(word: str) -> int:
    groups = SPANISH_VOWELS.findall(SILENT_U.sub("", word.lower()))
    return sum(max(1, sum(vowel in STRONG_VOWELS for vowel in group)) for group in groups)


WORDS_PER_MINUTE = 150  # slow reading with pauses for pictures
MIN_POLYSYLLABLE = 3
TEXTSTAT_LANGUAGES = {"en": "en_US", "es": "es"}
TEXTSTAT_SHORT_SENTENCE_WORDS = 2
MAX_SENTENCE_WORDS = 25  # words; 20 is the target
MAX_SMOG_GRADE = 8.0

# In a shorter text, one long word decides about the level.
MIN_SCORED_WORDS = 15

WORD = re.compile(CODE_PATTERN + r"|\d(?:[\d.,-]*\d)?|[^\W\d_]+(?:['’-][^\W_]+)*")
# Words in capitals in a row.
UPPERCASE_RUN = re.compile(
    r"\b[A-ZÁÉÍÓÚÜÑ][A-ZÁÉÍÓÚÜÑ'’-]*(?:[ ,]+[A-ZÁÉÍÓÚÜÑ][A-ZÁÉÍÓÚÜÑ'’-]*)*\b(?![a-záéíóúüñ]|-?\d)"
)
UPPERCASE_VOWEL = re.compile(r"[AEIOUÁÉÍÓÚ]")
MIN_UPPERCASE_LENGTH = 3
SENTENCE_END = re.compile(r"(?<=[.!?…])[\"”’»)\]]*\s+(?=[\"“‘«(¿¡\[]*[A-ZÁÉÍÓÚÜÑ\d])")
ABBREVIATION = re.compile(r"(?:\b(?:Dr|Dra|Drs|Mr|Mrs|Ms|Sr|Sra|St|No|vs|e\.g|i\.e|p\. ej|EE|UU)|\b[A-Z])\.\Z")


@cache
def _get_textstat(language: str) -> Any:
    """textstat, when a text is measured first: it takes 10 MB that a worker which only serves pages never needs."""
    with warnings.catch_warnings():
        # textstat 0.7.4 imports pkg_resources; newer releases fetch a word list when they run.
        warnings.simplefilter("ignore")
        from textstat.textstat import textstatistics
    # One for each language: switching a shared one would give another thread the wrong rules.
    library = textstatistics()
    library.set_lang(TEXTSTAT_LANGUAGES[language])
    return library


def split_words(text: str) -> list[str]:
    """Words and numbers; what a hyphen joins is one word."""
    return WORD.findall(text)


def split_sentences(text: str) -> list[str]:
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


def score_page(text: str, language: str) -> float | None:
    """The reading level of a page, or None where the text is too short for one. Never below 0; Spanish: 0 to 100."""
    if len(split_words(text)) < MIN_SCORED_WORDS:
        return None
    level = max(0.0, score_text(text, language))
    return min(100.0, level) if language == "es" else level


def score_text(text: str, language: str) -> float:
    """English: US school grade, lower is easier. Spanish: 0 to 100, higher is easier. 0 for a text without words."""
    found = _scorable_sentences(text, language)
    counted = [word for sentence in found for word in split_words(sentence)]
    if not counted:
        return 0.0
    length = len(counted) / len(found)
    weight = sum(count_syllables(word, language) for word in counted) / len(counted)
    theirs = _prepare_for_textstat(found)
    if language == "es":
        own = 206.84 - 60 * weight - 1.02 * length
        return round(min(own, float(_get_textstat("es").fernandez_huerta(theirs)) if theirs else own), 1)
    own = 0.39 * length + 11.8 * weight - 15.59
    return round(max(own, float(_get_textstat("en").flesch_kincaid_grade(theirs)) if theirs else own), 1)


def smog_grade(text: str) -> float:
    """SMOG grade of an English text, McLaughlin's precise form; any number of sentences is scaled to 30."""
    found = _scorable_sentences(text, "en")
    if not found:
        return 0.0
    hard = sum(count_syllables(word, "en") >= MIN_POLYSYLLABLE for sentence in found for word in split_words(sentence))
    own = 1.043 * math.sqrt(hard * 30 / len(found)) + 3.1291
    return round(max(own, float(_get_textstat("en").smog_index(_prepare_for_textstat(found)))), 1)


def _scorable_sentences(text: str, language: str) -> list[str]:
    """Sentences with at least one word that is neither number nor code; words in capitals as words."""
    return [
        lowercase_shouting(sentence, language)
        for sentence in split_sentences(text)
        if any(word[0].isalpha() and not CODE_WORD.match(word) for word in split_words(sentence))
    ]


def lowercase_shouting(sentence: str, language: str) -> str:
    """The sentence with words in capitals as lowercase: "DO NOT EAT" is not a row of abbreviations."""
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


def _prepare_for_textstat(found: list[str]) -> str:
    """It leaves short sentences out of the number of sentences but not their words; here they are left out whole."""
    return "\n".join(
        sentence
        for sentence in found
        if min(len(split_words(sentence)), len(sentence.split())) > TEXTSTAT_SHORT_SENTENCE_WORDS
    )


def estimate_minutes(text: str) -> int:
    """Whole minutes to read ``text`` at an unhurried pace, at least 1."""
    return max(1, round(len(text.split()) / WORDS_PER_MINUTE))


IRREGULAR_PARTICIPLES = (
    "beaten begun bent bitten blown bought bound broken brought built burnt caught chosen cut dealt done drawn "
    "driven eaten fed felt found forgotten frozen given ground held heard hidden hit hurt kept known laid led "
    "left lent lost made meant met paid put read said seen sent set shaken shown shut sold spent split spread "
    "stolen struck stuck taken taught told thought thrown torn understood woken won worn written"
)
# How someone or something is, not what is done to it.
STATIVE_ADJECTIVES = (
    "tired worried scared swollen broken pleased relaxed experienced married supposed red bed need indeed hundred"
)
BE_FORMS = (
    r"(?:am|is|are|was|were|be|been|being|isn't|aren't|wasn't|weren't|(?<=you)'re|(?<=they)'re|(?<=we)'re|(?<=I)'m)"
)
OPTIONAL_ADVERBS = (
    r"(?:(?:not|never|also|often|usually|always|then|now|only|just|still|most|all|both|already|once|\w+ly)\s+){0,2}"
)
ENGLISH_PASSIVE = re.compile(
    rf"\b{BE_FORMS}\s+(?:(?:it|they|this|that|you|we)\s+)?{OPTIONAL_ADVERBS}(?!(?:{STATIVE_ADJECTIVES.replace(' ', '|')})\b)"
    rf"(?:[a-z]{{3,}}ed|{IRREGULAR_PARTICIPLES.replace(' ', '|')})\b",
    re.IGNORECASE,
)

SER_FORMS = (
    "soy eres es somos son era eras éramos eran fui fuiste fue fuimos fueron seré será seremos serán sería serían "
    "sea seas seamos sean fuera fueran fuese fuesen ser sido siendo"
)
SPANISH_IRREGULAR_PARTICIPLES = "hech|dich|escrit|puest|vist|abiert|resuelt|cubiert|impres|descrit|compuest"
SPANISH_STATIVE_ADJECTIVES = (
    "demasiad[oa]s?|adecuad[oa]s?|complicad[oa]s?|delicad[oa]s?|privad[oa]s?|debid[oa]s?|parecid[oa]s?"
    "|cuidado|lado|grado|sentido|marido|partido"
)
SPANISH_PASSIVE = re.compile(
    rf"\b(?:{SER_FORMS.replace(' ', '|')})\s+(?:(?:no|ya|siempre|nunca|también|solo|todos|todas|\w+mente)\s+){{0,2}}"
    rf"(?!(?:{SPANISH_STATIVE_ADJECTIVES})\b)(?:\w{{2,}}[aií]d[oa]s?|(?:{SPANISH_IRREGULAR_PARTICIPLES})[oa]s?)\b",
    re.IGNORECASE,
)


def is_passive(sentence: str, language: str) -> bool:
    """Whether a sentence has a passive verb in it."""
    pattern = SPANISH_PASSIVE if language == "es" else ENGLISH_PASSIVE
    return pattern.search(sentence.replace("’", "'")) is not None
