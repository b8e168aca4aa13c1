"""Detection of text that pairs warning signs with instructions: signs and their levels belong in one list.

The patterns cover families of everyday phrasings and are in the language registry (procedures/languages). An emergency
sign must not be combined with any instruction, neither to call nor to wait. No other sign may be combined with a level
(911, office hours, a delay, or a reassurance), and two of them may not be combined with an instruction to call. Text
that only explains signs is fine.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache

from portal.text import APOSTROPHES, normalize
from procedures.languages import LANGUAGES
from procedures.languages.definition import TriageVocabulary, ends_sentence, is_question
from procedures.readability.scores import split_sentences

# A clause can be an instruction by itself.
CLAUSE_END = re.compile(r"(?<=;)[\s\"”»)]+")
WORD = re.compile(r"[^\W_]{3,}")
# Readers do not see the target of a link or the keys of a citation.
LINK_TARGET = re.compile(r"\]\([^)\n]{0,300}\)")
CITATION = re.compile(r" ?\[@[^\]\n]{0,300}\]")
MIN_SHARED_WORDS, MIN_SHARED_RATIO = 3, 0.75
MAX_ENTRY_WORDS = 20


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    """Compile a pattern on first use: most processes never check a text."""
    return re.compile(pattern, re.IGNORECASE)


@cache
def _compile_multiline(pattern: str) -> re.Pattern[str]:
    """Like ``_compile``, for a pattern that matches across lines."""
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


class TriageDetector:
    """Finds warning signs in text of one language. ``signs``: the text of each sign, and whether it is an emergency.

    In a language without a vocabulary, it recognizes no instruction and therefore finds nothing; staff see that this is
    not checked (``LanguageDefinition.unchecked``).
    """

    def __init__(self, language: str, signs: Iterable[tuple[str, bool]] = ()) -> None:
        self._vocabulary = next((entry.triage for entry in LANGUAGES if entry.code == language), None)
        self._signs = [(text, _extract_words(text), emergency) for text, emergency in signs]

    def find_emergencies(self, text: str) -> set[str]:
        """Return the names of the emergency signs in ``text``."""
        found = self._match_families(self._vocabulary.emergencies, text) if self._vocabulary else set()
        return found | self._match_signs(text, emergency=True)

    def find_signs(self, text: str) -> set[str]:
        """Return the names of all signs in ``text``."""
        found = self._match_families(self._vocabulary.non_emergencies, text) if self._vocabulary else set()
        return self.find_emergencies(text) | found | self._match_signs(text, emergency=False)

    def says_to_call(self, text: str) -> bool:
        """Return whether ``text`` says to call, or how urgent something is."""
        return self._vocabulary is not None and _matches(self._vocabulary.call_phrases, text)

    def gives_advice(self, text: str) -> bool:
        """Return whether ``text`` says what to do (call, tell, see, wait, or rest) or that something is normal."""
        vocabulary = self._vocabulary
        if vocabulary is None:
            return False
        return (
            self.says_to_call(text) or _matches(vocabulary.contact_phrases, text) or _states_urgency(vocabulary, text)
        )

    def is_call_heading(self, heading: str) -> bool:
        """Return whether a list under ``heading`` says when to call."""
        return self._vocabulary is not None and _matches(self._vocabulary.call_headings, heading)

    def find_advised_signs(self, text: str) -> set[str]:
        """Return the signs that ``text``, one paragraph or list entry, pairs with an instruction."""
        if found := self.find_paired_signs(text) or ("\n" in text and self.find_listed_signs([text])):
            return found
        if not self.says_to_call(text):
            return set()
        found = self.find_signs(text)
        return found if len(found) > 1 else set()

    def find_paired_signs(self, text: str) -> set[str]:
        """Return the signs that one sentence of ``text``, or several that belong together, pair with an instruction."""
        vocabulary = self._vocabulary
        if vocabulary is None:
            return set()
        for passage in (_ignore(vocabulary, passage) for passage in _split_passages(vocabulary, text)):
            if self.gives_advice(passage) and (found := self.find_emergencies(passage)):
                return found
            if found := self._find_conditional_advice(vocabulary, passage):
                return found
            if _states_urgency(vocabulary, passage) and (found := self.find_signs(passage)):
                return found
            if _matches(vocabulary.ambulance, passage) and (
                found := self._match_families(vocabulary.office_hours_signs, passage)
            ):
                return found
        return set()

    def find_listed_signs(self, texts: Iterable[str]) -> set[str]:
        """Return the signs in successive entries or lines that an entry before them gives advice on."""
        lead = ""
        for text in texts:
            for line in text.split("\n"):
                if found := self.find_introduced_signs(lead, line):
                    return found
                lead = self.find_introduction(line) or (lead if self.is_entry(line) else "")
        return set()

    def find_introduced_signs(self, lead: str, text: str) -> set[str]:
        """Return the signs in ``text``, an entry, that ``lead`` gives advice on: a heading, an introduction, or a
        closing sentence.

        “Call us if” may introduce a sign that is not an emergency; a level may not.
        """
        vocabulary = self._vocabulary
        if vocabulary is None or not lead or not self.gives_advice(_ignore(vocabulary, lead)):
            return set()
        find = self.find_signs if _states_urgency(vocabulary, lead) else self.find_emergencies
        return find(_ignore(vocabulary, f"{lead.rstrip(' *:')}: {text}")) - find(lead)

    def find_introduction(self, paragraph: str, *, of_list: bool = False) -> str:
        """Return the last sentence of a paragraph if it is about what follows: “These can wait:”; otherwise "".

        ``of_list``: whether a list follows. Only then can the last of several complete sentences be about it.
        """
        *others, last = _split_clauses(paragraph) or ("",)
        is_open = last != "" and not ends_sentence(last)
        return last if is_open or ((of_list or not others) and self._delays_others(last)) else ""

    def find_closing_sentence(self, paragraph: str, above: str = "") -> str:
        """Return the first sentence of a paragraph if it is about what is above: “All of these can wait.”; otherwise
        "".

        ``above``: the paragraph above, if it is not a list. Only if it is short does “Rest at home.” refer to it.
        """
        vocabulary = self._vocabulary
        first = next(iter(_split_clauses(paragraph)), "")
        if vocabulary is None or first.endswith(":"):
            return ""
        if _compile(vocabulary.back_references).match(first):
            return first
        is_list = not above or self.is_entry(above)
        return first if is_list and (is_question(above) or self._delays_others(first)) else ""

    def is_entry(self, text: str) -> bool:
        """Return whether a paragraph is as short as an entry of a list, and doesn't explain."""
        vocabulary = self._vocabulary
        if vocabulary is None or len(text.split()) > MAX_ENTRY_WORDS:
            return False
        return not _matches(vocabulary.explanation_words, text) and not _matches(vocabulary.list_references, text)

    def _delays_others(self, sentence: str) -> bool:
        """Return whether a sentence delays or reassures about something that another sentence names."""
        vocabulary = self._vocabulary
        if vocabulary is None or not _matches(vocabulary.delay_phrases, sentence):
            return False
        return any(
            _compile(pattern).match(sentence) for pattern in (vocabulary.back_references, vocabulary.advice_on_previous)
        )

    def _find_conditional_advice(self, vocabulary: TriageVocabulary, passage: str) -> set[str]:
        """Return the emergency signs in a condition or short question, unless an explanation or a reference to the list
        follows it.
        """
        match = _compile_multiline(vocabulary.condition).match(passage)
        if match is None:
            return set()
        statement, sign = match["first"] or match["then"], match["later"] or match["when"]
        explained = _compile(vocabulary.list_references).search(statement) or _compile(
            vocabulary.explanation_words
        ).search(statement)
        return set() if explained else self.find_emergencies(sign)

    def _match_families(self, families: Mapping[str, str], text: str) -> set[str]:
        text = _to_plain_text(text)
        return {name for name, pattern in families.items() if _compile(pattern).search(text)}

    def _match_signs(self, text: str, *, emergency: bool) -> set[str]:
        text_words = _extract_words(text)
        return {
            sign
            for sign, words, is_emergency in self._signs
            if is_emergency == emergency
            and len(words & text_words) >= MIN_SHARED_WORDS
            and len(words & text_words) >= MIN_SHARED_RATIO * len(words)
            and len(text_words) <= 3 * len(words)
        }


@lru_cache(maxsize=4096)
def _matches(pattern: str, text: str) -> bool:
    return bool(_compile(pattern).search(_to_plain_text(text)))


def _ignore(vocabulary: TriageVocabulary, text: str) -> str:
    """Return ``text`` without phrases that are not about a present sign."""
    return _compile(vocabulary.ignored_phrases).sub(" ", _to_plain_text(text))


def _states_urgency(vocabulary: TriageVocabulary, text: str) -> bool:
    """Return whether ``text`` says how urgent something is: an ambulance, a delay, or no need for help."""
    return _matches(vocabulary.ambulance, text) or _matches(vocabulary.delay_phrases, text)


def _split_passages(vocabulary: TriageVocabulary, text: str) -> Iterator[str]:
    """Yield passages: a sentence together with the sentences that refer to it or give advice on it, and a question
    together with its answer.
    """
    passage: list[str] = []
    follows_question = is_explained = False
    for sentence in _split_clauses(text):
        refers_back = follows_question or _compile(vocabulary.back_references).match(sentence)
        if passage and not (refers_back or _continues(vocabulary, sentence, is_explained)):
            yield " ".join(passage)
            passage, is_explained = [], False
        passage.append(sentence)
        follows_question = is_question(sentence)
        is_explained = is_explained or bool(_compile(vocabulary.explanation_words).search(sentence))
    if passage:
        yield " ".join(passage)


def _split_clauses(text: str) -> list[str]:
    return [clause for sentence in split_sentences(_to_plain_text(text)) for clause in CLAUSE_END.split(sentence)]


def _continues(vocabulary: TriageVocabulary, sentence: str, is_explained: bool) -> bool:
    """Return whether ``sentence`` gives advice on a sign before it. A call after an explanation does not count."""
    if not _compile(vocabulary.advice_on_previous).match(sentence):
        return False
    return _matches(vocabulary.delay_phrases, sentence) or not is_explained


@lru_cache(maxsize=512)
def _to_plain_text(text: str) -> str:
    text = CITATION.sub("", normalize(text))
    return LINK_TARGET.sub("]", text).translate(APOSTROPHES).replace("*", "").replace("\u00a0", " ")


def _extract_words(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in WORD.findall(text))
