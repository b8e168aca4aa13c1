"""Recognizes text that pairs warning signs with instructions: signs and their levels belong in one list.

Patterns are families of everyday wordings, in the registry of languages (procedures/languages). An emergency sign must
not be combined with any instruction, neither to call nor to wait. Any other sign must not be combined with a level:
911, office hours, a delay or a reassurance; two of them must not be combined with a call either. Text that only
explains signs is fine.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from portal.text import APOSTROPHES, normalize
from procedures.languages import LANGUAGES
from procedures.languages.definition import SENTENCE_ENDS, TriageVocabulary

# Also at a semicolon: a clause of its own says enough.
SENTENCE_BREAK = re.compile(rf"(?<=[{SENTENCE_ENDS};])[\s*_\"”»)]+|\n+")
WORD = re.compile(r"[^\W_]{3,}")
# Readers do not see the address of a link.
LINK_TARGET = re.compile(r"\]\([^)\n]{0,300}\)")
MIN_SHARED_WORDS, MIN_SHARED_RATIO = 3, 0.75


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    """Compiled when it is first used: most processes never compare a text."""
    return re.compile(pattern, re.IGNORECASE)


@cache
def _compiled_condition(pattern: str) -> re.Pattern[str]:
    """A condition and what follows it may be on several lines."""
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


class TriageDetector:
    """Looks for signs in texts of one language. ``rows``: text of each sign, and whether it is an emergency.

    In a language without a vocabulary no instruction is recognized and nothing is found; staff read that this is not
    checked (``LanguageDefinition.unchecked``).
    """

    def __init__(self, language: str, signs: Iterable[tuple[str, bool]] = ()) -> None:
        self._vocabulary = next((entry.triage for entry in LANGUAGES if entry.code == language), None)
        self._signs = [(text, _extract_words(text), emergency) for text, emergency in signs]

    def find_emergencies(self, text: str) -> set[str]:
        """Names of the emergency signs in ``text``."""
        found = self._match_families(self._vocabulary.emergencies, text) if self._vocabulary else set()
        return found | self._match_signs(text, emergency=True)

    def find_signs(self, text: str) -> set[str]:
        """Names of all signs in ``text``."""
        found = self._match_families(self._vocabulary.others, text) if self._vocabulary else set()
        return self.find_emergencies(text) | found | self._match_signs(text, emergency=False)

    def says_to_call(self, text: str) -> bool:
        """Whether ``text`` says to call, or how urgent something is."""
        return self._vocabulary is not None and _says(self._vocabulary.calls, text)

    def gives_advice(self, text: str) -> bool:
        """Whether ``text`` says what to do about something: call, tell, see, wait, rest; or that it is normal."""
        words = self._vocabulary
        return words is not None and (self.says_to_call(text) or _says(words.contacts, text) or _levels(words, text))

    def is_call_heading(self, heading: str) -> bool:
        """Whether a list under ``heading`` says when to call."""
        return self._vocabulary is not None and _says(self._vocabulary.headings, heading)

    def find_advised_signs(self, text: str) -> set[str]:
        """Signs that ``text``, one paragraph or list entry, pairs with an instruction; empty for none."""
        if found := self.find_paired_signs(text):
            return found
        found = self.find_signs(text)
        return found if len(found) > 1 and self.says_to_call(text) else set()

    def find_paired_signs(self, text: str) -> set[str]:
        """Signs that a sentence of ``text``, or several that belong together, pair with an instruction."""
        words = self._vocabulary
        if words is None:
            return set()
        for passage in (_compile(words.aside).sub(" ", _to_plain_text(passage)) for passage in _passages(words, text)):
            if self.gives_advice(passage) and (found := self.find_emergencies(passage)):
                return found
            if found := self._find_conditional_advice(words, passage):
                return found
            if _levels(words, passage) and (found := self.find_signs(passage)):
                return found
            if _says(words.ambulance, passage) and (found := self._match_families(words.office, passage)):
                return found
        return set()

    def _find_conditional_advice(self, words: TriageVocabulary, passage: str) -> set[str]:
        """Emergency signs in a condition or short question, unless an explanation or a pointer to the list follows."""
        match = _compiled_condition(words.condition).match(passage)
        if match is None:
            return set()
        said, sign = match["first"] or match["then"], match["later"] or match["when"]
        explained = _compile(words.points).search(said) or _compile(words.explains).search(said)
        return set() if explained else self.find_emergencies(sign)

    def _match_families(self, families: Mapping[str, str], text: str) -> set[str]:
        text = _to_plain_text(text)
        return {name for name, pattern in families.items() if _compile(pattern).search(text)}

    def _match_signs(self, text: str, *, emergency: bool) -> set[str]:
        said = _extract_words(text)
        return {
            row
            for row, words, is_emergency in self._signs
            if is_emergency == emergency
            and len(words & said) >= MIN_SHARED_WORDS
            and len(words & said) >= MIN_SHARED_RATIO * len(words)
            and len(said) <= 3 * len(words)
        }


def _says(pattern: str, text: str) -> bool:
    return bool(_compile(pattern).search(_to_plain_text(text)))


def _levels(words: TriageVocabulary, text: str) -> bool:
    """Whether ``text`` says how urgent something is: an ambulance, a delay, or no need for help."""
    return _says(words.ambulance, text) or _says(words.delays, text)


def _passages(words: TriageVocabulary, text: str) -> Iterator[str]:
    """Sentences; a question with its answer, a sentence with those that refer to it or say what to do about it."""
    passage: list[str] = []
    is_asked = is_explained = False
    for sentence in filter(None, (part.strip() for part in SENTENCE_BREAK.split(text))):
        refers_back = is_asked or _compile(words.refers_back).match(sentence)
        if passage and not (refers_back or _continues(words, sentence, is_explained)):
            yield " ".join(passage)
            passage, is_explained = [], False
        passage.append(sentence)
        is_asked = sentence.rstrip('*_"”»)').endswith(("?", "؟"))
        is_explained = is_explained or bool(_compile(words.explains).search(sentence))
    if passage:
        yield " ".join(passage)


def _continues(words: TriageVocabulary, sentence: str, is_explained: bool) -> bool:
    """Whether ``sentence`` says what to do about a sign before it; an explanation is followed by no call."""
    if not _compile(words.continues).match(sentence):
        return False
    return _says(words.delays, sentence) or not is_explained


def _to_plain_text(text: str) -> str:
    return LINK_TARGET.sub("]", normalize(text)).translate(APOSTROPHES).replace("*", "").replace("\u00a0", " ")


def _extract_words(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in WORD.findall(text))
