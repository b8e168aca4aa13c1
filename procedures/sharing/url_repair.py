"""Repairs URL paths that were damaged by a mail program, a chat app, or a person.

``url_candidates`` undoes damage by rule, and ``AddressIndex`` compares the candidates with every address that was
ever public. A redirect always goes to a path from the database, never to a part of the request. It must be safe: it
requires the same letters, however they are separated, or a few wrong letters and no other page that is nearly as close.
If two pages could be meant, both are suggested and the reader chooses.
"""

import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Subquery
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from portal.text import decode_text, fix_mojibake, fold, is_dictionary_word, undo_encodings, words_one_edit_away
from procedures import addresses
from procedures.languages import CODES, DEFAULT, LANGUAGES, home_path
from procedures.models import Path, ReleaseEvent

# Quoted-printable: =2D stands for a hyphen, a lone = was a soft line break.
QUOTED_PRINTABLE_RE = re.compile(r"(?:=[0-9a-f]{2})+", re.IGNORECASE)
SOFT_BREAK_RE = re.compile(r"=[ \t]*\r?\n")
# A path parameter, such as ``;jsessionid=1``.
PATH_PARAMETER_RE = re.compile(r";[a-z_][\w.-]*=[^/\s]*", re.IGNORECASE)
# Where a line may be broken within an address.
LINE_BREAK_TAG_RE = re.compile(r"<wbr\s*/?>", re.IGNORECASE)
POSSESSIVE_RE = re.compile(r"'s?(?=[/\s]|\Z)")
# The end of an address, and the query or the entity after it.
QUERY_RE = re.compile(r"[&?#\x00]")
# What programs write after an address: the same address once more, markup, or the token of a mail gateway.
APPENDIX_RE = re.compile(r"[<>\"“”`]|\]\(|__;|(?<!\A/)https?:")
# A line break after a hyphen cuts an address there.
HYPHEN_END_RE = re.compile(r"[a-z0-9]-[^a-z0-9]*\Z")
INDEX_PAGE_RE = re.compile(r"(?:index|default)\.[a-z]{3,5}\Z")
FILE_EXTENSION_RE = re.compile(r"\.(?:html?|php|aspx?|jsp|cfm|pdf)\Z")
# Below a page: its other formats, and its large pictures.
SUFFIX_RE = re.compile(
    r"(?P<base>.*[^/]/+)(?:(?P<format>booklet|plain\.txt)|picture(?:/+(?P<picture>[a-z0-9-]+))?)[\W_]*\Z",
    re.DOTALL | re.IGNORECASE,
)
FORMAT_SUFFIXES = {suffix.rstrip("/"): suffix for suffix in addresses.FORMAT_SUFFIXES}
MAX_URL_LENGTH = 300

GUIDES_PREFIX = addresses.VISITS.rstrip("/")
_ADDRESS_WORDS = [(language.code, language.address_words) for language in LANGUAGES]
GUIDES_PREFIX_WORDS = frozenset({GUIDES_PREFIX}).union(*(words.folders for _, words in _ADDRESS_WORDS))
LANGUAGE_PREFIX_RES = {
    code: re.compile(rf"(?:{words.language})(?:[-_][a-z0-9]{{2,3}})?\Z") for code, words in _ADDRESS_WORDS
}
# Words that surround an address in a text or are added to it, and that are not part of any slug.
FILLER_WORDS = frozenset("amp feed html index pdf".split()).union(*(words.fillers for _, words in _ADDRESS_WORDS))
# Words that can be missing or extra without changing which page an address means.
STOP_WORDS = frozenset[str]().union(*(words.neutral for _, words in _ADDRESS_WORDS))
SEPARATOR_RE = re.compile(r"[\s<>\"'“”«»…()\[\]{}|,;!*/\\]+")
SCHEME_RE = re.compile(r"(?:https?|ftp|mailto):+")
HOST_RE = re.compile(
    r"(?:www\.)?[a-z0-9.-]+\.(?:app|biz|ca|care|clinic|com|dev|edu|es|example|eu|gov|health|hospital|info|internal|io|"
    r"lan|local|med|mx|net|org|test|uk|us)(?::\d+)?\Z|localhost(?::\d+)?\Z|www\Z"
)
HOME_PATHS = frozenset(map(home_path, CODES))
# Characters that scanners and people confuse, each mapped to one representative.
LOOKALIKES = str.maketrans("0158i|", "olsbll")
LOOKALIKE_DIGITS = frozenset("0158")
# In a shorter word, a typing error leaves too little to recognize it.
MIN_WORD_LETTERS = 3
# A word of at least this length is corrected only if no other dictionary word is one edit away: adduction, abduction.
# Nearly every shorter word has such a neighbor.
MIN_LONG_WORD_LETTERS = 8
# (minimum letters of an address, maximum wrong letters).
MAX_TYPOS = ((14, 3), (8, 2), (5, 1))
# A misspelling is corrected only if every other page is at least this many times as far from it.
MIN_RIVAL_FACTOR = 3
# A shorter string is not treated as a truncated address.
MIN_PREFIX_LETTERS = 6
MAX_ADDRESS_LETTERS = 100
MAX_SUGGESTIONS = 8
# Percent, for suggestions: compared by letters, and by words.
MIN_SIMILARITY, MIN_WORD_SIMILARITY = 68, 85


def url_candidates(raw: str) -> list[str]:
    """Return the paths that ``raw`` (a path, percent-decoded once) may stand for, likeliest first, without duplicates.

    >>> url_candidates("/Kyphoplasty/).")
    ['/Kyphoplasty/).', '/kyphoplasty/']
    """
    candidates = [raw[:MAX_URL_LENGTH]]
    for variant in decoded_variants(raw):
        text = APPENDIX_RE.split(_strip_start(QUERY_RE.split(variant, maxsplit=1)[0]), maxsplit=1)[0]
        text = " ".join(POSSESSIVE_RE.sub("", text).split())
        # A space stands for a hyphen, comes from a line break, or ends the address, and the rest of a sentence follows.
        candidates.append(_normalize_path(text.replace(" ", "-")))
        # A number after a space belongs to the address, and must not be joined to another number.
        if not re.search(r" \W*\d", text):
            candidates += [_normalize_path(text.replace(" ", "")), _normalize_path(text.split(" ", 1)[0])]
    # PostgreSQL rejects parameters with a NUL character, and no path has one.
    return [path for path in dict.fromkeys(candidates) if "\0" not in path]


def decoded_variants(raw: str) -> list[str]:
    """Return ``raw`` with every encoding undone, folded: first decoded as quoted-printable, then unchanged."""
    text = LINE_BREAK_TAG_RE.sub("", PATH_PARAMETER_RE.sub("", undo_encodings(raw[:MAX_URL_LENGTH])))
    unquoted = QUOTED_PRINTABLE_RE.sub(_decode_quoted_printable, SOFT_BREAK_RE.sub("", text))
    return list(dict.fromkeys(_fold(variant).replace("=", "") for variant in (unquoted, text)))


def has_other_words(raw: str) -> bool:
    """Return whether a path contains words that some candidates leave out, and that may name another page."""
    return " " in raw.strip() or any(APPENDIX_RE.search(_strip_start(variant)) for variant in decoded_variants(raw))


def ends_with_hyphen(raw: str) -> bool:
    """Return whether a path ends with a hyphen, where mail programs break lines and cut addresses off."""
    return any(HYPHEN_END_RE.search(QUERY_RE.split(variant, maxsplit=1)[0]) for variant in decoded_variants(raw))


def normalize_language(path: str) -> str:
    """Return a normalized path in canonical form: ``/en/visits/`` is ``/visits/``, ``/visits/es-mx/`` ``/es/visits/``.

    A language in front counts more than one behind.
    """
    parts, front, back = [part for part in path.split("/") if part], "", ""
    while parts and (code := _find_language(parts[0])):
        front = code
        parts.pop(0)
    while parts and (code := _find_language(parts[-1])):
        back = code
        parts.pop()
    return "/".join([home_path(front or back or DEFAULT).rstrip("/"), *parts, ""])


def split_suffix(raw: str) -> tuple[str, str]:
    """Split ``booklet/``, ``plain.txt``, or ``picture/needle/`` from the end of a path, damaged or not.

    Return an empty string as suffix if there is none, and ``picture/`` if the name of the picture is missing.
    """
    for path in (*url_candidates(raw)[1:], raw[:MAX_URL_LENGTH]):
        match = SUFFIX_RE.match(path)
        # “/es/picture” lacks the last letter of a page's address, not a picture's name.
        if match and (match["format"] or normalize_language(match["base"]) not in HOME_PATHS):
            picture = f"{match['picture'].lower()}/" if match["picture"] else ""
            suffix = FORMAT_SUFFIXES[match["format"].lower()] if match["format"] else addresses.PICTURE_PREFIX + picture
            return match["base"], suffix
    return raw, ""


def _fold(text: str) -> str:
    """Fold to the characters of slugs. A soft hyphen becomes a hyphen, because it may have been one."""
    return fold(fix_mojibake(text).replace("\u00ad", "-"))


def _decode_quoted_printable(match: re.Match[str]) -> str:
    return decode_text(bytes.fromhex(match[0].replace("=", "")))


def _strip_start(text: str) -> str:
    return re.sub(r"\A[\W_]+|\A(?=\w)", "/", text)


def _find_language(part: str) -> str:
    """Return the code of the language that a segment of a path names, or an empty string."""
    return next((code for code, words in LANGUAGE_PREFIX_RES.items() if words.match(part)), "")


def _normalize_path(text: str) -> str:
    stripped = (re.sub(r"\A[\W_]+|[\W_]+\Z", "", part) for part in re.split(r"[/\\]", text))
    parts = [re.sub(r"[-_+]+", "-", part) for part in stripped if part]
    if len(parts) > 2 and parts[0] in {"http", "https"}:
        del parts[:2]
    elif len(parts) > 1 and HOST_RE.match(parts[0]):
        del parts[0]
    if parts and INDEX_PAGE_RE.match(parts[-1]):
        parts.pop()
    elif parts:
        parts[-1] = FILE_EXTENSION_RE.sub("", parts[-1])
    return f"/{'/'.join(parts)}/" if parts else "/"


@dataclass(frozen=True, slots=True)
class Address:
    """One address and its page. ``live_path`` is the page's current address, or None if it was withdrawn."""

    path: str
    subject: str
    language: str
    live_path: str | None
    title: str

    @property
    def slug(self) -> str:
        """The last path segment."""
        return self.path.rstrip("/").rsplit("/", 1)[-1]

    @property
    def is_guide(self) -> bool:
        """Whether the page is a guide."""
        return f"/{GUIDES_PREFIX}/" in self.path


@dataclass(slots=True)
class RequestedAddress:
    """One interpretation of a damaged address. ``parts`` are its segments without host, language, and folder."""

    language: str = ""
    is_guide: bool = False
    parts: list[str] = field(default_factory=list)
    # All segments except hosts, including those taken for a language, a folder, or a filler word.
    all_parts: list[str] = field(default_factory=list)
    ends_with_hyphen: bool = False
    ends_with_slash: bool = False

    @property
    def slug(self) -> str:
        """All parts joined into one slug."""
        return "-".join(self.parts)

    def has_folder_of(self, address: Address) -> bool:
        """Return whether an address is in the requested folder and, if one was requested, language."""
        return address.is_guide == self.is_guide and self.language in {"", address.language}


class AddressIndex:
    """All addresses, by their letters and by their words. Immutable, so threads can share it."""

    def __init__(self, addresses: Iterable[Address]) -> None:
        self._by_letters: dict[str, list[Address]] = {}
        self._by_lookalike_letters: dict[str, list[Address]] = {}
        self._by_words: dict[str, list[Address]] = {}
        self._slug_words: set[str] = set()
        # Live addresses, by subject and language.
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
        """Return the path with the same letters: only separators, accents, folders, or surrounding words differ."""
        for requested in self._parse(raw):
            by_slug = self._find_known(requested.slug)
            by_part = [self._find_known(part) for part in requested.parts]
            if by_slug:
                matches = by_slug
            elif matches := self._find_known("-".join(_strip_prefixes(requested.all_parts))):
                # What looked like a language or a folder was a word of the slug: ``dano/en/los/nervios``.
                requested.language = _leading_language(requested)
            elif by_part and all(by_part):
                matches = [address for addresses in by_part for address in addresses]
            else:
                continue
            path = None if self._may_be_truncated(requested, matches) else self._choose_path(requested, matches)
            if path:
                return path
        return None

    def find_all_words(self, raw: str) -> str | None:
        """Return the path that accounts for all letters and words of ``raw``: “/rest home” is rest-home, not rest."""
        for requested in self._parse(raw):
            full_slug = "-".join(_strip_prefixes(requested.all_parts))
            matches = self._find_exact(requested.slug, strip_separators(requested.slug))
            if strip_separators(requested.slug) != strip_separators(full_slug):
                # What looked like a language or a folder was a word of the slug: “dano en los nervios”.
                requested.language = _leading_language(requested)
                matches = self._find_exact(full_slug, strip_separators(full_slug)) or matches
            path = self._choose_path(requested, matches)
            if path:
                return path
        return None

    def find_closest(self, raw: str) -> tuple[str | None, list[Address]]:
        """Return the path that a truncated or misspelled address must have been, or suggestions, likeliest first."""
        readings = list(self._parse(raw))
        for requested in readings:
            is_prefix = bool(self._find_by_prefix(requested))
            path = self._complete_truncated(requested) if is_prefix else self._correct_misspelling(requested)
            if path:
                return path, []
        return None, self._suggest(readings[0]) if readings else []

    def names_other_page(self, raw: str, subject: str) -> bool:
        """Return whether ``raw`` also names a page on another subject, possibly misspelled."""
        parts = [part for requested in self._parse(raw) for part in requested.parts]
        matches = (
            self._find_known(part) or self._find_near(strip_separators(part).translate(LOOKALIKES)) for part in parts
        )
        return any(addresses and subject not in {address.subject for address in addresses} for addresses in matches)

    def _parse(self, raw: str) -> Iterator[RequestedAddress]:
        """Yield one interpretation for each way to decode ``raw``."""
        for text in decoded_variants(raw):
            path = QUERY_RE.split(text, maxsplit=1)[0]
            requested = RequestedAddress(
                ends_with_hyphen=bool(HYPHEN_END_RE.search(path)),
                ends_with_slash=bool(re.search(r"[^-/]/[^a-z0-9-]*\Z", path)),
            )
            for part in SEPARATOR_RE.split(POSSESSIVE_RE.sub(" ", SCHEME_RE.sub(" ", path))):
                name = "" if INDEX_PAGE_RE.match(part) else part.strip("._-+~:^$%@")
                self._classify_part(requested, FILE_EXTENSION_RE.sub("", name))
            if (requested.parts or requested.all_parts) and len("-".join(requested.all_parts)) <= MAX_ADDRESS_LETTERS:
                yield requested

    def _classify_part(self, requested: RequestedAddress, part: str) -> None:
        """Add a part to ``requested``. The slug of a page is never taken for a language or a filler word."""
        is_slug = strip_separators(part) in self._by_letters
        if part and not HOST_RE.match(part):
            requested.all_parts.append(part)
        if is_slug and part not in GUIDES_PREFIX_WORDS:
            requested.parts.append(part)
            return
        if language := _find_language(part):
            requested.language = language
        elif part in GUIDES_PREFIX_WORDS:
            requested.is_guide = True
        elif (len(part) > 2 or part.isdigit()) and part not in FILLER_WORDS and not HOST_RE.match(part):
            requested.parts.append(part)

    def _find_known(self, part: str) -> list[Address]:
        """Return the addresses with these letters, if necessary without filler words at either end."""
        for letters in _strip_fillers([word for word in re.split(r"[^a-z0-9]+", part) if word]):
            matches = self._find_exact(part, letters) or [
                address
                for address in self._by_lookalike_letters.get(letters.translate(LOOKALIKES), ())
                if _differs_only_in_lookalikes(part, address)
            ]
            if matches:
                return matches
        return []

    def _find_exact(self, part: str, letters: str) -> list[Address]:
        """Return the addresses with these letters and the same numbers: 1-1 is not 11."""
        numbers = re.findall(r"\d+", part)
        return [a for a in self._by_letters.get(letters, ()) if not numbers or re.findall(r"\d+", a.slug) == numbers]

    def _find_near(self, letters: str) -> list[Address]:
        """Return the addresses whose letters are closest to these, if they are within the allowed typos."""
        match = process.extractOne(
            letters, list(self._by_lookalike_letters), scorer=OSA.distance, score_cutoff=_max_typos(letters)
        )
        return self._by_lookalike_letters[match[0]] if match else []

    def _choose_path(self, requested: RequestedAddress, matches: list[Address]) -> str | None:
        """Choose one of several addresses of the same page. Return None if they belong to different pages."""
        if len({address.subject for address in matches}) > 1:
            matches = [address for address in matches if address.is_guide == requested.is_guide]
        if len({address.subject for address in matches}) > 1:
            matches = [address for address in matches if address.slug == requested.slug]
        if len({address.subject for address in matches}) != 1:
            return None
        translated = self._by_subject.get((matches[0].subject, requested.language))
        if translated:
            return translated.path
        return next((a for a in matches if a.language == (requested.language or DEFAULT)), matches[0]).path

    def _may_be_truncated(self, requested: RequestedAddress, matches: list[Address]) -> bool:
        """Return whether the address of another page begins like this one, and is at least as likely as ``matches``.

        “/visits/mri-” may be the start of a guide's address, even if there is a topic “/mri/”.
        """
        letters = strip_separators(requested.slug)
        has_folder = requested.is_guide or requested.language != ""
        is_whole = any(
            strip_separators(address.slug) == letters and (not has_folder or requested.has_folder_of(address))
            for address in matches
        )
        if not letters or (is_whole and not requested.ends_with_hyphen):
            return False
        subjects = {address.subject for address in matches}
        return any(
            address.subject not in subjects and requested.has_folder_of(address)
            for address in self._find_by_prefix(requested, 1)
        )

    def _find_by_prefix(self, requested: RequestedAddress, min_letters: int = MIN_PREFIX_LETTERS) -> list[Address]:
        """Return the addresses that start with this one, which may have been truncated."""
        letters = strip_separators(requested.slug)
        if len(letters) < min_letters:
            return []
        # “stage-1” is not a prefix of “stage-12”.
        prefix = re.compile(re.escape(letters) + (r"(?!\d)" if letters[-1].isdigit() else ""))
        matches = [address for key, rows in self._by_letters.items() if prefix.match(key) for address in rows]
        # Truncation removes the end only, so language and folder count, unless no address has them.
        in_same_folder = [
            a for a in matches if (a.is_guide, a.language) == (requested.is_guide, requested.language or DEFAULT)
        ]
        return in_same_folder or matches

    def _complete_truncated(self, requested: RequestedAddress) -> str | None:
        """Complete an address only if all addresses that start with it belong to one page, and that page is public."""
        matches = self._find_by_prefix(requested)
        if len({address.subject for address in matches}) != 1 or not any(address.live_path for address in matches):
            return None
        if requested.ends_with_slash and self._find_known(requested.slug):
            return None
        slug = matches[0].slug
        numbers = re.findall(r"\d+", requested.slug)
        if numbers != re.findall(r"\d+", slug)[: len(numbers)] or _ends_with_whole_word(requested.slug, slug):
            return None
        return self._prefer_default_language(requested, matches, 1)

    def _prefer_default_language(
        self, requested: RequestedAddress, matches: list[Address], distance: int
    ) -> str | None:
        """Choose a path for a guess: the default language, if it is about as close and no language was requested."""
        default = None if requested.language else self._by_subject.get((matches[0].subject, DEFAULT))
        if default:
            letters, default_letters = strip_separators(requested.slug), strip_separators(default.slug)
            if OSA.distance(letters, default_letters) <= min(distance + 1, _max_typos(default_letters)):
                return default.path
        return self._choose_path(requested, matches)

    def _correct_misspelling(self, requested: RequestedAddress) -> str | None:
        letters = strip_separators(requested.slug).translate(LOOKALIKES)
        max_distance = MIN_RIVAL_FACTOR * MAX_TYPOS[0][1]
        candidates = process.extract(
            letters,
            list(self._by_lookalike_letters),
            scorer=OSA.distance,
            score_cutoff=max_distance,
            limit=None,
            processor=None,
        )
        if not candidates:
            return None
        best_letters, distance, _ = candidates[0]
        best = self._by_lookalike_letters[best_letters]
        subjects = {address.subject for address in best}
        rival_distances = (
            rival_distance
            for rival_letters, rival_distance, _ in candidates[1:]
            if not subjects.issuperset(address.subject for address in self._by_lookalike_letters[rival_letters])
        )
        rival_distance = next(rival_distances, max_distance + 1)
        if not 0 < distance <= _max_typos(best_letters):
            return None
        if rival_distance < max(MIN_RIVAL_FACTOR * distance, distance + 2):
            return None
        if not self._is_plausible(requested.slug, best[0].slug):
            return None
        return self._prefer_default_language(requested, best, distance)

    def _is_plausible(self, typed: str, slug: str) -> bool:
        """Return whether a spelling may mean a slug: the same words, each with at most one typing error.

        A different word means a different page, however few letters differ: unsafe, safe; start, stop.
        """
        words, slug_words = _significant_words(typed), _significant_words(slug)
        return len(words) == len(slug_words) and all(
            word == slug_word or self._is_typo(word, slug_word)
            for word, slug_word in zip(words, slug_words, strict=True)
        )

    def _is_typo(self, word: str, slug_word: str) -> bool:
        """Return whether a word can only be a misspelling of ``slug_word``."""
        if len(slug_word) < MIN_WORD_LETTERS or any(character.isdigit() for character in word + slug_word):
            return False
        if self._is_known_word(word) or OSA.distance(word, slug_word) > 1:
            return False
        return len(word) < MIN_LONG_WORD_LETTERS or not words_one_edit_away(word) - {slug_word}

    def _is_known_word(self, word: str) -> bool:
        return word in self._slug_words or is_dictionary_word(word)

    def _suggest(self, requested: RequestedAddress) -> list[Address]:
        """Return public pages with a similar spelling or the same words, best first."""
        scores: dict[str, float] = {}
        by_subject: dict[str, Address] = {}

        def add(addresses: list[Address], score: float) -> None:
            for address in addresses:
                if address.live_path and score > scores.get(address.subject, 0):
                    scores[address.subject] = score
                    by_subject[address.subject] = address

        letters = strip_separators(requested.slug)
        add(self._find_by_prefix(requested, MIN_WORD_LETTERS) + self._find_known(requested.slug), 100)
        words = " ".join(word for word in re.split(r"[^a-z0-9]+", requested.slug) if word not in FILLER_WORDS)
        for scorer, query, choices, min_score in (
            (fuzz.ratio, letters, self._by_letters, MIN_SIMILARITY),
            (fuzz.token_set_ratio, words, self._by_words, MIN_WORD_SIMILARITY),
            *(
                (fuzz.ratio, strip_separators(part), self._by_letters, MIN_WORD_SIMILARITY)
                for part in requested.parts[:4]
            ),
        ):
            if len(query) > 3:
                matches = process.extract(
                    query, list(choices), scorer=scorer, score_cutoff=min_score, limit=MAX_SUGGESTIONS
                )
                for key, score, _ in matches:
                    add(choices[key], score)
        best = sorted(scores, key=lambda subject: (-scores[subject], subject))[:MAX_SUGGESTIONS]
        has_default = any(by_subject[subject].language == DEFAULT for subject in best)
        language = requested.language or (DEFAULT if has_default else "")
        return [self._by_subject.get((subject, language)) or by_subject[subject] for subject in best]


_lock = threading.Lock()
_cached_index: tuple[Any, AddressIndex] = (None, AddressIndex(()))


def get_address_index() -> AddressIndex:
    """Return the current index; rebuild it after a page was published or withdrawn. One query if nothing changed."""
    global _cached_index
    newest_path = Path.objects.order_by("-pk").values("pk")[:1]
    events = ReleaseEvent.objects.public().values_list("pk", "created_at", Subquery(newest_path))
    version = events.first()
    with _lock:
        if _cached_index[0] != version or version is None:
            rows = Path.objects.order_by("path").values_list(
                "path",
                "page__subject",
                "page__language",
                "page__live_release__path",
                "page__live_release__title",
            )
            _cached_index = (version, AddressIndex(Address(*row[:4], row[4] or "") for row in rows.iterator()))
        return _cached_index[1]


def strip_separators(text: str) -> str:
    """Return only the letters and digits of a folded text."""
    return re.sub(r"[^a-z0-9]", "", text)


def _max_typos(letters: str) -> int:
    """Return how many wrong letters an address of this length may have."""
    return next((max_typos for min_letters, max_typos in MAX_TYPOS if len(letters) >= min_letters), 0)


def _leading_language(requested: RequestedAddress) -> str:
    """Return the language code that is the first segment, or an empty string."""
    return next((code for code in CODES if [code] == requested.all_parts[:1]), "")


def _strip_prefixes(parts: list[str]) -> list[str]:
    """Return the parts without languages and folders at the start."""
    remaining = list(parts)
    while remaining and (remaining[0] in GUIDES_PREFIX_WORDS or _find_language(remaining[0])):
        remaining.pop(0)
    return remaining


def _strip_fillers(words: list[str]) -> Iterator[str]:
    """Yield the letters of all words, then with fewer and fewer filler words at the end and at the start."""
    first = next((index for index, word in enumerate(words) if word not in FILLER_WORDS), 0)
    last = next((index for index in range(len(words), 0, -1) if words[index - 1] not in FILLER_WORDS), len(words))
    for start in range(first + 1):
        for end in range(len(words), last - 1, -1):
            yield "".join(words[start:end])


def _significant_words(text: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", text) if word and word not in STOP_WORDS]


def _differs_only_in_lookalikes(typed: str, address: Address) -> bool:
    """Return whether only lookalike characters differ.

    Numbers must be the same, and ordinary words that were typed must be in the slug.
    """
    numbers, slug_numbers = re.findall(r"\d+", typed), re.findall(r"\d+", address.slug)
    if numbers != slug_numbers and (slug_numbers or not LOOKALIKE_DIGITS.issuperset("".join(numbers))):
        return False
    slug_words = _significant_words(address.slug)
    return not any(
        is_dictionary_word(word) and word.isalpha() and word not in slug_words for word in _significant_words(typed)
    )


def _ends_with_whole_word(typed: str, slug: str) -> bool:
    """Return whether a truncated address ends with a word of its own: “with” is not the start of “without”.

    A singular is the start of its plural.
    """
    words, slug_words = re.split(r"[^a-z0-9]+", typed), slug.split("-")
    last = len(words) - 1
    if last >= len(slug_words) or words[:last] != slug_words[:last]:
        return False
    if slug_words[last] in {words[last], f"{words[last]}s"}:
        return False
    return len(words[last]) > 1 and is_dictionary_word(words[last])
