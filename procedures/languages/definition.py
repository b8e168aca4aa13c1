"""The parts of a language definition. A check whose rules are ``None`` is not made in that language."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

# Characters that end a sentence, in all supported scripts.
SENTENCE_ENDS = ".!?؟۔।"
# Text between a sign and an instruction within one clause (regular expression).
NEAR = r"[^.;:!?\n]{0,45}"


@dataclass(frozen=True, slots=True)
class Readability:
    """A readability formula, its limits, and the rules that its counts depend on."""

    name: str  # as reports print it
    statement: str  # what a text of a given level does; holds ``{level}``
    limit: float  # hardest level that may be published
    limit_text: str
    paragraph_limit: float  # hardest level of one paragraph without a suggestion
    higher_is_easier: bool
    # Returns the level for words per sentence and syllables per word.
    formula: Callable[[float, float], float]
    # Returns the syllables of a word that is not a number, a code, or a spelled-out abbreviation.
    count_syllables: Callable[[str], int]
    # The same formula in textstat, and textstat's name of the language; empty where textstat has none.
    textstat_formula: str = ""
    textstat_language: str = ""
    # Whether each letter of an abbreviation such as MRI counts as a syllable.
    spells_abbreviations: bool = False
    # Highest SMOG grade; None where SMOG does not apply.
    smog_limit: float | None = None
    max_level: float | None = None  # where the scale ends; None for no end

    def is_harder(self, level: float, limit: float) -> bool:
        """Whether a text of this level is harder to read than the limit."""
        return level < limit if self.higher_is_easier else level > limit

    def harder(self, first: float, second: float) -> float:
        """Return the level of the harder of two texts."""
        return min(first, second) if self.higher_is_easier else max(first, second)


@dataclass(frozen=True, slots=True)
class HardWords:
    """Which words are hard: long, and not known to every reader."""

    min_syllables: int
    easy: frozenset[str]  # lowercase
    # Returns further forms of a lowercase word, such as the singular. A word is easy if one of its forms is.
    base_forms: Callable[[str], set[str]]


@dataclass(frozen=True, slots=True)
class Search:
    """How full-text search reads the language."""

    # Name of a stemmer of tantivy; None searches for words as they are written.
    stemmer: str | None = None
    # Ignored when no section contains all words of a query.
    stopwords: frozenset[str] = frozenset()
    # Letters with an accent that are distinct from the letter without it.
    distinct_letters: str = ""


@dataclass(frozen=True, slots=True)
class AddressWords:
    """Words of the language in damaged URLs. All are folded: lowercase, without accents."""

    # Regular expression for names of the language in place of its prefix: en, eng, english.
    language: str
    # Names of the folder of guides.
    folders: frozenset[str] = frozenset()
    # Words around a path that name no page.
    fillers: frozenset[str] = frozenset()
    # Words that do not change which page is meant.
    neutral: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SpokenAlphabet:
    """How a code is spelled over the phone: ``B as in Bravo``."""

    names: Mapping[str, str]  # for each letter and digit of a code
    as_in: str


@dataclass(frozen=True, slots=True)
class TriageVocabulary:
    """Regular expressions for warning signs and for instructions; case is ignored (procedures/triage.py)."""

    # By the name of the sign, as staff read it.
    emergencies: Mapping[str, str]
    # Neither emergencies nor for office hours.
    others: Mapping[str, str]
    # Signs for office hours: only a call for an ambulance contradicts their row.
    office: Mapping[str, str]
    # Instructions: to call, to contact someone, to wait; and words for an ambulance.
    calls: str
    contacts: str
    delays: str
    ambulance: str
    # Removed before matching: calls about other matters, past events, and intended numbness.
    aside: str
    # Headings under which a list says when to call.
    headings: str
    # A sentence that refers to the one before it: “If so, call us.”
    refers_back: str
    # A sentence that says what to do about the one before it.
    continues: str
    explains: str
    # “If you leak urine, wear a pad.” “A weak leg? No rush.” Groups: first and later, or when and then.
    condition: str
    # What may follow a condition besides an explanation: a pointer to the list of signs.
    points: str


@dataclass(frozen=True, slots=True)
class ErrorNotice:
    """Sentences for the error page, which loads no translation catalog."""

    sentence: str
    home_link: str


@dataclass(frozen=True, slots=True)
class LanguageDefinition:
    """One language. ``code`` is the ISO 639-1 code, the ``lang`` attribute, and the prefix of its paths."""

    code: str
    name: str  # in the language itself
    english_name: str  # for staff
    address_words: AddressWords
    direction: str = "ltr"
    script: str = "Latn"  # ISO 15924
    # Further values of the language parameter of MedlinePlus Connect.
    infobutton_codes: frozenset[str] = frozenset()
    # Abbreviations whose period does not end a sentence, without the period (regular expressions).
    abbreviations: tuple[str, ...] = ()
    search: Search = field(default_factory=Search)
    readability: Readability | None = None
    hard_words: HardWords | None = None
    # Regular expression for a passive verb; apostrophes are straight, case is ignored.
    passive: str | None = None
    spoken_alphabet: SpokenAlphabet | None = None
    triage: TriageVocabulary | None = None
    error_notice: ErrorNotice | None = None

    @property
    def unchecked(self) -> list[str]:
        """The checks that are not made in this language, for staff."""
        checks = {
            "reading level": self.readability,
            "long words": self.hard_words,
            "passive sentences": self.passive,
            "warning signs written into the text": self.triage,
        }
        return [name for name, rules in checks.items() if rules is None]
