"""The parts of a language definition. A check whose rules are ``None`` is skipped in that language."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext as _

# Characters that end a sentence, in all supported scripts.
SENTENCE_ENDS = ".!?؟۔।"
QUESTION_MARKS = ("?", "؟")
# Names of codes and identifiers, the same in all languages.
CODE_SYSTEMS = r"CPT|DOI|DRG|HCPCS|ICD|ISBN|ISSN|LOINC|MRN|NCT|NDC|NPI|PMC|PMID|RxNorm|SNOMED(?: CT)?"
TIME_OF_DAY = r"\d{1,2}(?:[:.]\d\d)?"
# Text between a sign and an instruction within one clause (regular expression).
NEAR = r"[^.;:!?\n]{0,45}"


def ends_sentence(text: str) -> bool:
    """Return whether ``text`` has final punctuation."""
    return text.endswith((*SENTENCE_ENDS, "…"))


def is_question(sentence: str) -> bool:
    """Return whether a sentence ends with a question mark, also inside quotation marks."""
    return sentence.rstrip('"”»)').endswith(QUESTION_MARKS)


@dataclass(frozen=True, slots=True)
class Readability:
    """A readability formula, the counts that it depends on, its limits, and the related messages for staff."""

    name: str  # as reports print it
    # Returns the level for words per sentence and syllables per word.
    formula: Callable[[float, float], float]
    # Returns the syllables of a lowercase word with straight apostrophes: no number, code, or spelled-out abbreviation.
    count_syllables: Callable[[str], int]
    higher_is_easier: bool
    limit: float  # hardest level that can be published
    paragraph_limit: float  # hardest level of one paragraph without a suggestion
    floor: float | None  # easiest level without a suggestion; None for no floor
    # Whole sentences for staff: a text over the limit, a paragraph over its limit, a text below the floor. They contain
    # %(level)s, and %(limit)s where a limit is named.
    too_hard: str | Promise
    hard_paragraph: str | Promise
    too_easy: str | Promise
    # A level for staff, with what it means. Contains %(level)s.
    level_label: str | Promise = ""
    max_level: float | None = None  # where the scale ends; None for no end
    # Flesch's reading ease or its equivalent, 0 (hard) to 100 (easy), by the same two values; reported only.
    reading_ease: Callable[[float, float], float] | None = None
    # Returns the SMOG grade for the numbers of polysyllables and of sentences; None where SMOG does not apply.
    smog: Callable[[int, int], float] | None = None
    smog_limit: float = 0.0
    # Whether each letter of an abbreviation such as MRI counts as a syllable.
    spells_abbreviations: bool = False

    def is_harder(self, level: float, limit: float) -> bool:
        """Return whether a text of this level is harder to read than the limit."""
        return level < limit if self.higher_is_easier else level > limit


@dataclass(frozen=True, slots=True)
class HardWords:
    """Which words are hard: long, and not known to every reader."""

    min_syllables: int
    easy: frozenset[str]  # lowercase
    # Returns further forms of a lowercase word, such as the singular. A word is easy if one of its forms is.
    base_forms: Callable[[str], set[str]]


@dataclass(frozen=True, slots=True)
class Search:
    """Full-text search settings for the language."""

    # Name of a tantivy stemmer; None disables stemming.
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

    # Keyed by the name of the sign, as shown to staff.
    emergencies: Mapping[str, str]
    # Signs that are neither emergencies nor for office hours.
    non_emergencies: Mapping[str, str]
    # Signs for office hours: only calling an ambulance contradicts their level.
    office_hours_signs: Mapping[str, str]
    # Instructions: to call, to contact someone, to wait; and words for an ambulance.
    call_phrases: str
    contact_phrases: str
    delay_phrases: str
    ambulance: str
    # Removed before matching: calls about other matters, past events, and intended numbness.
    ignored_phrases: str
    # Headings under which a list says when to call.
    call_headings: str
    # A sentence that refers to the one before it: “If so, call us.”
    back_references: str
    # A sentence that says what to do about the one before it.
    advice_on_previous: str
    explanation_words: str
    # “If you leak urine, wear a pad.” “A weak leg? No rush.” Groups: first and later, or when and then.
    condition: str
    # What may follow a condition other than an explanation: a reference to the list of signs.
    list_references: str


@dataclass(frozen=True, slots=True)
class NumberVocabulary:
    """The words around numbers: regular expressions without capturing groups. Case is ignored, except as noted.

    Every text is read with the vocabularies of all languages, because a page can quote another language. They are
    used to find phone numbers (procedures/phones.py), numbers without a source
    (procedures/readability/measures.py), personal data (procedures/feedback.py), and ends of
    sentences. An empty pattern matches nothing.
    """

    # Months and weekdays, with abbreviations and with case.
    months: str
    weekdays: str
    # Between the parts of a date: “the 2nd of May”; also between a share and its whole.
    of: str = ""
    # Between two numbers: “5 to 7”, “5 or 7”.
    between: str = ""
    # After the digits of an ordinal: 2nd, 3.er.
    ordinal_suffixes: str = ""
    # After the number of people or cases, and after other amounts.
    counted: str = ""
    units: str = ""
    # Shares and multiples in words: “about half”, “twice as”.
    quantities: str = ""
    # Before a number that names something: a part of a text (“step 3”), a document (“form 27”), a class (“type 2”);
    # and other names with a number.
    items: str = ""
    documents: str = ""
    classes: str = ""
    names: str = ""
    code_words: str = ""
    # After a number of things that readers see: “5 lines”.
    visible_things: str = ""
    # Before the number that others are counted out of.
    denominators: str = ""
    # At the start of a sentence that tells readers to write on paper; with case.
    writing_verbs: str = ""
    # Times of day in words: “8 o’clock”.
    clock_times: str = ""
    # Around opening hours: before them, at the start of a sentence, and after them; and hours without digits.
    open_words: str = ""
    hours_lead: str = ""
    hours_follow: str = ""
    always_open: str = ""
    # Street and postal addresses, roads, and rooms; with case.
    addresses: str = ""
    # Near a phone number; directly before a short number, and between the two; before an extension or a key.
    call_words: str = ""
    dial_words: str = ""
    dial_links: str = ""
    extension_words: str = ""
    # Typed directly after a phone number, before the digits of an extension: “x22”, “ext.22”.
    glued_extensions: str = ""
    # After an emergency number that is meant to be called: “911 right away”.
    after_emergency_number: str = ""
    # Personal data: words about birth, the name of a personal number, of a record, and words between it and its number.
    birth_words: str = ""
    personal_numbers: str = ""
    record_words: str = ""
    number_links: str = ""
    # “at” and “dot” in a spelled-out email address.
    email_at: str = ""
    email_dot: str = ""


@dataclass(frozen=True, slots=True)
class RaisedOrdinals:
    """Superscript letters that turn a number into an ordinal in pasted text: 3 with a superscript a is 3ª.

    Text counts as being in the language if it contains one of the characters or words, or is marked with the ``lang``
    attribute.
    """

    letters: Mapping[str, str]  # as they are typed and as they are printed
    characters: str
    words: tuple[str, ...]


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
    # Abbreviations whose period does not end a sentence, without the period (regular expressions, with case).
    abbreviations: tuple[str, ...] = ()
    # The same, but only before a number: “No. 5”, and not “No. It is safe.”
    number_abbreviations: tuple[str, ...] = ()
    search: Search = field(default_factory=Search)
    readability: Readability | None = None
    hard_words: HardWords | None = None
    # Regular expression for a passive verb; apostrophes are straight, case is ignored.
    passive: str | None = None
    spoken_alphabet: SpokenAlphabet | None = None
    triage: TriageVocabulary | None = None
    numbers: NumberVocabulary | None = None
    raised_ordinals: RaisedOrdinals | None = None
    # Regular expression for a place between two clauses at which a sentence can be split in two; case is ignored.
    clause_break: str | None = None
    # Regular expression for link text that does not say where the link leads; case and final punctuation are ignored.
    vague_links: str = ""
    # Regular expression for data that identify a patient, such as a record number after its label; case is ignored.
    patient_data: str = ""
    error_notice: ErrorNotice | None = None

    @property
    def unchecked(self) -> list[str]:
        """The checks that are skipped in this language, in the staff member's language."""
        checks = (
            (_("reading level"), self.readability),
            (_("long words"), self.hard_words),
            (_("passive sentences"), self.passive),
            (_("warning signs written into the text"), self.triage),
            (_("words around numbers"), self.numbers),
        )
        return [str(name) for name, rules in checks if rules is None]
