"""An index in memory of every address that was ever public, to find the page that a damaged address meant.

A redirect must be safe: it takes the same letters, whatever separates them, or a few wrong letters and no other page
that is nearly as close. Between two pages that could both be meant the reader chooses.
"""

import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Subquery
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from portal.dictionary import is_dictionary_word, words_one_edit_away
from procedures.languages import CODES, DEFAULT, LANGUAGES
from procedures.models import Path, ReleaseEvent
from procedures.sharing.url_repair import FILE_EXTENSION_RE, INDEX_PAGE_RE, POSSESSIVE_RE, decoded_variants

GUIDES_PREFIX = "visits"
_WORDS = [(language.code, language.address_words) for language in LANGUAGES]
GUIDES_PREFIX_WORDS = frozenset({GUIDES_PREFIX}).union(*(words.folders for _, words in _WORDS))
LANGUAGE_PREFIX_RES = {code: re.compile(rf"(?:{words.language})(?:[-_][a-z0-9]{{2,3}})?\Z") for code, words in _WORDS}
# Words around an address that name no page.
FILLER_WORDS = frozenset("amp feed html index pdf".split()).union(*(words.fillers for _, words in _WORDS))
# Words that do not change what an address means.
STOP_WORDS = frozenset[str]().union(*(words.neutral for _, words in _WORDS))
SEPARATOR_RE = re.compile(r"[\s<>\"'“”«»…()\[\]{}|,;!*/\\]+")
SCHEME_RE = re.compile(r"(?:https?|ftp|mailto):+")
HOST_RE = re.compile(
    r"(?:www\.)?[a-z0-9.-]+\.(?:app|biz|ca|care|clinic|com|dev|edu|es|example|eu|gov|health|hospital|info|internal|io|"
    r"lan|local|med|mx|net|org|test|uk|us)(?::\d+)?\Z|localhost(?::\d+)?\Z|www\Z"
)
# Characters that scanners and people confuse.
LOOKALIKES = str.maketrans("0158i|", "olsbll")
LOOKALIKE_DIGITS = frozenset("0158")
# A typing error in a shorter word leaves too little of it to tell what it was.
MIN_WORD_LETTERS = 3
# Many short words differ by one letter. Long words that do may be opposites: adduction, abduction.
MIN_LONG_WORD_LETTERS = 8
# (minimum letters of an address, maximum wrong letters): how far from it a misspelling may be.
MAX_TYPOS = ((14, 3), (8, 2), (5, 1))
# Any other page must be so many times as far from the misspelling.
MIN_RIVAL_FACTOR = 3
# A beginning with fewer letters is not taken for an address that was cut off.
MIN_PREFIX_LETTERS = 6
MAX_ADDRESS_LETTERS = 100
MAX_SUGGESTIONS = 8
# Of what is offered, letters and words.
MIN_SIMILARITY, MIN_WORD_SIMILARITY = 68, 85  # percent


def strip_separators(text: str) -> str:
    """Letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", text)


@dataclass(frozen=True, slots=True)
class Address:
    """One address and its page. ``live``: where that page is read now; None if it was withdrawn."""

    path: str
    subject: str
    language: str
    live_path: str | None
    title: str

    @property
    def slug(self) -> str:
        """The last part."""
        return self.path.rstrip("/").rsplit("/", 1)[-1]

    @property
    def is_guide(self) -> bool:
        """Whether it is a guide's."""
        return f"/{GUIDES_PREFIX}/" in self.path


@dataclass(slots=True)
class RequestedAddress:
    """What is left of a damaged address: its parts without host, language, and folder."""

    language: str = ""
    is_guide: bool = False
    parts: list[str] = field(default_factory=list)
    # Everything but hosts, also what was taken for a language, a folder or a filler word.
    all_parts: list[str] = field(default_factory=list)

    @property
    def slug(self) -> str:
        """All parts as one slug."""
        return "-".join(self.parts)


class AddressIndex:
    """All addresses, by their letters and by their words."""

    def __init__(self, addresses: Iterable[Address]) -> None:
        self._by_letters: dict[str, list[Address]] = {}
        self._by_lookalike_letters: dict[str, list[Address]] = {}
        self._by_words: dict[str, list[Address]] = {}
        self._slug_words: set[str] = set()
        self._by_subject: dict[tuple[str, str], Address] = {}
        for address in addresses:
            letters = strip_separators(address.slug)
            self._by_letters.setdefault(letters, []).append(address)
            self._by_lookalike_letters.setdefault(letters.translate(LOOKALIKES), []).append(address)
            self._by_words.setdefault(address.slug.replace("-", " "), []).append(address)
            self._slug_words.update(address.slug.split("-"))
            if address.live_path == address.path:
                self._by_subject[address.subject, address.language] = address

    def find_same_letters(self, raw: str) -> str | None:
        """The address with the same letters: only separators, accents, folders, or words around it differ."""
        for asked in self._parse(raw):
            whole, each = self._find_known(asked.slug), [self._find_known(part) for part in asked.parts]
            if whole:
                found = whole
            elif found := self._find_known("-".join(_strip_prefixes(asked.all_parts))):
                # What was taken for a language or a folder was a word of the address: ``dano/en/los/nervios``.
                asked.language = _leading_language(asked)
            elif each and all(each):
                found = [address for known in each for address in known]
            else:
                continue
            chosen = self._choose_path(asked, found)
            if chosen:
                return chosen
        return None

    def find_all_words(self, raw: str) -> str | None:
        """The address with all letters and words of ``raw``: “/rest home” is rest-home, not rest."""
        for asked in self._parse(raw):
            every = "-".join(_strip_prefixes(asked.all_parts))
            found = self._find_exact(asked.slug, strip_separators(asked.slug))
            if strip_separators(asked.slug) != strip_separators(every):
                # What was taken for a language or a folder was a word of the address: “dano en los nervios”.
                asked.language = _leading_language(asked)
                found = self._find_exact(every, strip_separators(every)) or found
            chosen = self._choose_path(asked, found)
            if chosen:
                return chosen
        return None

    def names_other_page(self, raw: str, subject: str) -> bool:
        """Whether ``raw`` also names a page on another subject, misspelled or not."""
        parts = [part for asked in self._parse(raw) for part in asked.parts]
        found = (
            self._find_known(part) or self._find_near(strip_separators(part).translate(LOOKALIKES)) for part in parts
        )
        return any(rows and subject not in {row.subject for row in rows} for rows in found)

    def _find_near(self, letters: str) -> list[Address]:
        """Addresses with nearly these letters."""
        found = process.extractOne(
            letters, list(self._by_lookalike_letters), scorer=OSA.distance, score_cutoff=_max_typos(letters)
        )
        return self._by_lookalike_letters[found[0]] if found else []

    def find_closest(self, raw: str) -> tuple[str | None, list[Address]]:
        """The address that a cut or misspelled one must have been; otherwise those to offer, likeliest first."""
        asked_forms = list(self._parse(raw))
        for asked in asked_forms:
            chosen = (
                self._complete_truncated(asked) if self._find_by_prefix(asked) else self._correct_misspelling(asked)
            )
            if chosen:
                return chosen, []
        return None, self._suggest(asked_forms[0]) if asked_forms else []

    def _parse(self, raw: str) -> Iterator[RequestedAddress]:
        """One for each way to decode ``raw``."""
        for text in decoded_variants(raw):
            path = re.split(r"[&?#\x00]", text, maxsplit=1)[0]
            parts = SEPARATOR_RE.split(POSSESSIVE_RE.sub(" ", SCHEME_RE.sub(" ", path)))
            asked = RequestedAddress()
            for part in parts:
                self._classify_part(
                    asked, FILE_EXTENSION_RE.sub("", "" if INDEX_PAGE_RE.match(part) else part.strip("._-+~:^$%@"))
                )
            if (asked.parts or asked.all_parts) and len("-".join(asked.all_parts)) <= MAX_ADDRESS_LETTERS:
                yield asked

    def _classify_part(self, requested: RequestedAddress, part: str) -> None:
        """Sort a part into ``asked``. The name of a page is never taken for a language or a filler word."""
        known = strip_separators(part) in self._by_letters
        if part and not HOST_RE.match(part):
            requested.all_parts.append(part)
        if known and part not in GUIDES_PREFIX_WORDS:
            requested.parts.append(part)
            return
        language = next((code for code, words in LANGUAGE_PREFIX_RES.items() if words.match(part)), "")
        if language:
            requested.language = language
        elif part in GUIDES_PREFIX_WORDS:
            requested.is_guide = True
        elif (len(part) > 2 or part.isdigit()) and part not in FILLER_WORDS and not HOST_RE.match(part):
            requested.parts.append(part)

    def _find_known(self, part: str) -> list[Address]:
        """Addresses with these letters, if necessary without filler words at either end."""
        for letters in _strip_fillers([word for word in re.split(r"[^a-z0-9]+", part) if word]):
            found = self._find_exact(part, letters) or [
                address
                for address in self._by_lookalike_letters.get(letters.translate(LOOKALIKES), ())
                if _differs_only_in_lookalikes(part, address)
            ]
            if found:
                return found
        return []

    def _find_exact(self, part: str, letters: str) -> list[Address]:
        """Addresses with these letters. A lost sign between two digits may have been any: 1-1 is not 11."""
        numbers = re.findall(r"\d+", part)
        return [a for a in self._by_letters.get(letters, ()) if not numbers or re.findall(r"\d+", a.slug) == numbers]

    def _choose_path(self, requested: RequestedAddress, found: list[Address]) -> str | None:
        """One of several addresses of one page; None where they belong to different pages."""
        if len({address.subject for address in found}) > 1:
            found = [address for address in found if address.is_guide == requested.is_guide]
        if len({address.subject for address in found}) > 1:
            found = [address for address in found if address.slug == requested.slug]
        if len({address.subject for address in found}) != 1:
            return None
        translated = self._by_subject.get((found[0].subject, requested.language))
        if translated:
            return translated.path
        return next((a for a in found if a.language == (requested.language or DEFAULT)), found[0]).path

    def _find_by_prefix(self, requested: RequestedAddress) -> list[Address]:
        """Addresses that begin so: this one may have been cut off."""
        letters = strip_separators(requested.slug)
        if len(letters) < MIN_PREFIX_LETTERS:
            return []
        # “stage-1” is no beginning of “stage-12”.
        begins = re.compile(re.escape(letters) + (r"(?!\d)" if letters[-1].isdigit() else ""))
        begun = [address for key, rows in self._by_letters.items() if begins.match(key) for address in rows]
        # Only the end is cut off: language and folder are still there, unless they were left out.
        whole = [a for a in begun if (a.is_guide, a.language) == (requested.is_guide, requested.language or DEFAULT)]
        return whole or begun

    def _complete_truncated(self, requested: RequestedAddress) -> str | None:
        """Completes an address only if a single page ever began so, and that page is public."""
        begun = self._find_by_prefix(requested)
        if len({address.subject for address in begun}) != 1 or not any(address.live_path for address in begun):
            return None
        slug = next(iter(begun)).slug
        numbers = re.findall(r"\d+", requested.slug)
        if numbers != re.findall(r"\d+", slug)[: len(numbers)] or _ends_with_whole_word(requested.slug, slug):
            return None
        return self._prefer_english(requested, begun, 1)

    def _prefer_english(self, requested: RequestedAddress, found: list[Address], distance: int) -> str | None:
        """For a guess: unless a language was asked for, the address in the default language wins if it is about
        as close."""
        default = None if requested.language else self._by_subject.get((found[0].subject, DEFAULT))
        if default:
            letters, own = strip_separators(requested.slug), strip_separators(default.slug)
            if OSA.distance(letters, own) <= min(distance + 1, _max_typos(own)):
                return default.path
        return self._choose_path(requested, found)

    def _correct_misspelling(self, requested: RequestedAddress) -> str | None:
        plain = strip_separators(requested.slug)
        letters = plain.translate(LOOKALIKES)
        farthest = MIN_RIVAL_FACTOR * MAX_TYPOS[0][1]
        near = process.extract(
            letters,
            list(self._by_lookalike_letters),
            scorer=OSA.distance,
            score_cutoff=farthest,
            limit=None,
            processor=None,
        )
        if not near:
            return None
        key, distance, _ = near[0]
        best = self._by_lookalike_letters[key]
        subjects = {address.subject for address in best}
        allowed = _max_typos(key)
        rivals = (
            other
            for name, other, _ in near[1:]
            if not subjects.issuperset(address.subject for address in self._by_lookalike_letters[name])
        )
        rival = next(rivals, farthest + 1)
        if not 0 < distance <= allowed or rival < max(MIN_RIVAL_FACTOR * distance, distance + 2):
            return None
        return (
            self._prefer_english(requested, best, distance)
            if self._is_plausible(requested.slug, best[0].slug)
            else None
        )

    def _is_plausible(self, typed: str, slug: str) -> bool:
        """Whether a spelling may mean an address: the same words, each with at most one typing error.

        A word in place of another word is another page, however few letters differ: unsafe, safe; start, stop.
        """
        words, own_words = _significant_words(typed), _significant_words(slug)
        return len(words) == len(own_words) and all(
            word == own or self._is_typo(word, own) for word, own in zip(words, own_words, strict=True)
        )

    def _is_typo(self, word: str, own: str) -> bool:
        """Whether a word can only have been meant to be ``own``."""
        if len(own) < MIN_WORD_LETTERS or any(sign.isdigit() for sign in word + own):
            return False
        if self._is_known_word(word) or OSA.distance(word, own) > 1:
            return False
        return len(word) < MIN_LONG_WORD_LETTERS or not words_one_edit_away(word) - {own}

    def _is_known_word(self, word: str) -> bool:
        return word in self._slug_words or is_dictionary_word(word)

    def _suggest(self, requested: RequestedAddress) -> list[Address]:
        """Public pages with a similar spelling or the same words."""
        scores: dict[str, float] = {}
        by_subject: dict[str, Address] = {}

        def note(rows: list[Address], score: float) -> None:
            for address in rows:
                if address.live_path and score > scores.get(address.subject, 0):
                    scores[address.subject] = score
                    by_subject[address.subject] = address

        letters = strip_separators(requested.slug)
        note(self._find_by_prefix(requested), 100)
        words = " ".join(word for word in re.split(r"[^a-z0-9]+", requested.slug) if word not in FILLER_WORDS)
        for scorer, query, choices, least in (
            (fuzz.ratio, letters, self._by_letters, MIN_SIMILARITY),
            (fuzz.token_set_ratio, words, self._by_words, MIN_WORD_SIMILARITY),
            *(
                (fuzz.ratio, strip_separators(part), self._by_letters, MIN_WORD_SIMILARITY)
                for part in requested.parts[:4]
            ),
        ):
            if len(query) > 3:
                rows = process.extract(query, list(choices), scorer=scorer, score_cutoff=least, limit=MAX_SUGGESTIONS)
                for key, score, _ in rows:
                    note(choices[key], score)
        best = sorted(scores, key=lambda subject: (-scores[subject], subject))[:MAX_SUGGESTIONS]
        has_default = any(by_subject[name].language == DEFAULT for name in best)
        language = requested.language or (DEFAULT if has_default else "")
        return [self._by_subject.get((name, language)) or by_subject[name] for name in best]


def _max_typos(letters: str) -> int:
    """How many wrong letters a misspelling of these letters may have."""
    return next((most for least, most in MAX_TYPOS if len(letters) >= least), 0)


def _leading_language(requested: RequestedAddress) -> str:
    """The language that an address begins with."""
    return next((code for code in CODES if [code] == requested.all_parts[:1]), "")


def _strip_prefixes(parts: list[str]) -> list[str]:
    """Without languages and folders at the start."""
    kept = list(parts)
    while kept and (
        kept[0] in GUIDES_PREFIX_WORDS or any(words.match(kept[0]) for words in LANGUAGE_PREFIX_RES.values())
    ):
        kept.pop(0)
    return kept


def _strip_fillers(words: list[str]) -> Iterator[str]:
    """The letters of all words, then with fewer and fewer filler words at the end and at the start."""
    first = next((at for at, word in enumerate(words) if word not in FILLER_WORDS), 0)
    last = next((at for at in range(len(words), 0, -1) if words[at - 1] not in FILLER_WORDS), len(words))
    for start in range(first + 1):
        for end in range(len(words), last - 1, -1):
            yield "".join(words[start:end])


def _significant_words(text: str) -> list[str]:
    """The words of an address without those that change nothing."""
    return [word for word in re.split(r"[^a-z0-9]+", text) if word and word not in STOP_WORDS]


def _differs_only_in_lookalikes(typed: str, address: Address) -> bool:
    """Whether only lookalikes differ: numbers must be the same, and ordinary words must be in the address."""
    numbers, own = re.findall(r"\d+", typed), re.findall(r"\d+", address.slug)
    if numbers != own and (own or not LOOKALIKE_DIGITS.issuperset("".join(numbers))):
        return False
    own_words = _significant_words(address.slug)
    return not any(
        is_dictionary_word(word) and word.isalpha() and word not in own_words for word in _significant_words(typed)
    )


def _ends_with_whole_word(typed: str, slug: str) -> bool:
    """Whether the last word of a cut-off address is itself a word: “with” is not taken for the start of “without”."""
    words, own_words = re.split(r"[^a-z0-9]+", typed), slug.split("-")
    at = len(words) - 1
    if at >= len(own_words) or words[:at] != own_words[:at] or words[at] == own_words[at]:
        return False
    return len(words[at]) > 1 and is_dictionary_word(words[at])


_lock = threading.Lock()
_cached_index: tuple[Any, AddressIndex] = (None, AddressIndex(()))


def get_address_index() -> AddressIndex:
    """The current index, rebuilt after a publication or a withdrawal. One query if nothing has changed."""
    global _cached_index
    newest_path = Path.objects.order_by("-pk").values("pk")[:1]
    events = ReleaseEvent.objects.order_by("-pk").values_list("pk", "created_at", Subquery(newest_path))
    state = events.first()
    with _lock:
        if _cached_index[0] != state or state is None:
            rows = Path.objects.order_by("path").values_list(
                "path",
                "page__subject",
                "page__language",
                "page__live_release__path",
                "page__live_release__title",
            )
            _cached_index = (state, AddressIndex(Address(*row[:4], row[4] or "") for row in rows.iterator()))
        return _cached_index[1]
