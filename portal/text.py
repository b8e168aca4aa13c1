"""Text: normalization, validation of single lines, lazily translated messages, word lists, and the encodings of URLs.

The word lists of the languages in use ship with pyspellchecker. Loading them briefly takes 30 MB, so
``prepare_word_lists`` writes what is needed to the data directory once: the sorted hashes of all words, which all
processes memory-map, and the most common words.
"""

import gzip
import hashlib
import heapq
import html
import json
import mmap
import re
import string
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.functional import Promise, lazy
from django.utils.translation import gettext_lazy as _
from rapidfuzz import fuzz, process

from portal.storage.local_storage import atomic_write

# XML 1.0 §2.2: characters that a document must not contain, not even escaped.
ILLEGAL_XML_CHARACTERS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# U+200C and U+200D (JOINERS) are not included: emoji and some scripts need these joiners.
ZERO_WIDTH_CHARACTERS = re.compile("[\u00ad\u180e\u200b\u2060\ufeff]")
# Variants that compare equal: apostrophes here, plus hyphens and dashes in PUNCTUATION.
APOSTROPHES: dict[int, str] = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\u02bc\u02b9\u2032\uff07`´", "'"))
PUNCTUATION: dict[int, str] = {
    **APOSTROPHES,
    **str.maketrans(
        dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d", "-"),
    ),
}
JOINERS = frozenset("\u200c\u200d")
# Control, format (includes text direction), private use, surrogate, and unassigned; line and paragraph separators.
INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
FORMAT_CHARACTERS = re.compile("[\u200c-\u200f\u202a-\u202e\u2061-\u2064\u2066-\u2069]")
# Spreadsheets run a cell that starts with one of these as a formula, or with a symbol after spaces.
FORMULA_START = re.compile("[\t\r\n]|[ \u00a0\ufeff]*[=+\\-@＝＋－＠]")
# The letters of folded words in URLs, which use the Latin alphabet in every language.
LETTERS = string.ascii_lowercase
# Percent: tolerates a typo or two, but not a different word.
MIN_NAME_SIMILARITY = 80
# Beyond this rank, the frequency lists contain names and foreign words.
MAX_COMMON_WORDS = 6000
# Increment this when the output of prepare_word_lists changes.
WORD_LISTS_FORMAT = 1
# What ``undo_encodings`` undoes.
PERCENT_ESCAPE_RE = re.compile(r"(?:%[0-9a-f]{2})+", re.IGNORECASE)
TRUNCATED_ESCAPE_RE = re.compile(r"%[0-9a-f]?\Z", re.IGNORECASE)
# Escapes of old JavaScript, except surrogates, which are not characters by themselves.
UNICODE_ESCAPE_RE = re.compile(r"%u(?!d[89a-f])([0-9a-f]{4})", re.IGNORECASE)
# The first bytes of a truncated UTF-8 character, except bytes that are accented letters in Latin-1.
TRUNCATED_UTF8_RE = re.compile(
    rb"(?:[\xc2-\xc8\xca-\xcc\xce-\xd0\xd2\xd4-\xd9\xdb\xdd-\xdf]|[\xe0\xe2-\xe8\xea-\xec\xee\xef]|"
    rb"[\xe0-\xef][\x80-\xbf]|\xf0[\x80-\xbf]{0,2})\Z"
)
HTML_ENTITY_RE = re.compile(r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8}[0-9]{0,2});", re.IGNORECASE)
NON_ASCII_RE = re.compile("[^\x00-\x7f]{2,}")
# Each program that an address passes through may encode it once more.
MAX_ENCODING_LAYERS = 3


def remove_illegal_xml_characters(text: str) -> str:
    """Return the text without characters that XML 1.0 forbids."""
    return ILLEGAL_XML_CHARACTERS.sub("", text)


def parse_int_or_zero(text: str) -> int:
    """Parse a number from a form. Anything else is 0, as are numbers of ten or more digits, which databases refuse."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def normalize(text: str) -> str:
    """Return the text as it is stored: composed (NFC), without soft hyphens and other zero-width characters."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", ZERO_WIDTH_CHARACTERS.sub("", text))


def map_strings(value: Any, change: Callable[[str], str]) -> Any:
    """Apply ``change`` to every string in ``value``, including those nested in lists and dicts, and keys."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [map_strings(item, change) for item in value]
    if isinstance(value, dict):
        return {map_strings(key, change): map_strings(item, change) for key, item in value.items()}
    return value


def without_nul(value: Any) -> Any:
    """Return the value without NUL characters, which PostgreSQL does not store, in any of its strings."""
    return map_strings(value, lambda text: text.replace("\0", ""))


def fold(text: str) -> str:
    """Return the text for comparison, ignoring case, accents, compatibility forms, and apostrophe and dash variants.

    ``portal.admin_site.Fold`` does the same in PostgreSQL.
    """
    if text.isascii():
        return text.lower().replace("`", "'")
    visible = FORMAT_CHARACTERS.sub("", ZERO_WIDTH_CHARACTERS.sub("", text))
    decomposed = unicodedata.normalize("NFKD", visible.translate(PUNCTUATION))
    # Case folding comes last: 𝐀 has no lower case, but the A it decomposes to does.
    return "".join(character for character in decomposed if not unicodedata.combining(character)).casefold()


def remove_hyphens(folded: str) -> str:
    """Return folded text without hyphens, so that “x-ray” and “xray” are equal."""
    return folded.replace("-", "")


def find_closest(name: str, names: Iterable[str], min_similarity: int = MIN_NAME_SIMILARITY) -> str:
    """Return the name that was probably meant, or an empty string if none is similar enough (in percent)."""
    closest = process.extractOne(name, list(names), scorer=fuzz.ratio, score_cutoff=min_similarity)
    return closest[0] if closest else ""


def escape_formula(cell: str) -> str:
    """Return the text of a CSV cell, with a leading apostrophe if a spreadsheet would run it as a formula."""
    return f"'{cell}" if FORMULA_START.match(cell) else cell


def is_invisible(character: str) -> bool:
    """Return whether a character has no width or changes how other characters are displayed."""
    return unicodedata.category(character) in INVISIBLE_CATEGORIES and character not in JOINERS


def validate_single_line(value: str) -> None:
    """Reject line breaks and other invisible characters.

    The values are used in email headers and calendar files, where a line break or a change of the text direction can
    forge other content.
    """
    if character := next((character for character in value if is_invisible(character)), None):
        name = unicodedata.name(character, "control character").lower()
        raise ValidationError(
            _("The text contains an invisible character (U+%(code)s, %(name)s). Delete the text and type it again."),
            params={"code": f"{ord(character):04X}", "name": name},
        )


def _interpolate(message: object, values: dict[str, object]) -> str:
    return str(message) % values


_interpolate_lazy = lazy(_interpolate, str)


def interpolate_lazy(message: str | Promise, /, **values: object) -> str:
    """Return ``message`` as a lazy string: its values are filled in when it is shown, in the language active then."""
    return _interpolate_lazy(message, values)


def is_dictionary_word(word: str) -> bool:
    """Return whether a folded word is in the dictionary of any language in use, and so is not a misspelling."""
    hashes, value = _load_hashes(), _hash(word)
    index = bisect_left(hashes, value)
    return index < len(hashes) and hashes[index] == value


def words_one_edit_away(word: str) -> set[str]:
    """Return the dictionary words one edit (deletion, transposition, replacement, insertion) from a folded word."""
    splits = [(word[:position], word[position:]) for position in range(len(word) + 1)]
    edits = {head + tail[1:] for head, tail in splits if tail}
    edits |= {head + tail[1] + tail[0] + tail[2:] for head, tail in splits if len(tail) > 1}
    edits |= {head + letter + tail[1:] for head, tail in splits if tail for letter in LETTERS}
    edits |= {head + letter + tail for head, tail in splits for letter in LETTERS}
    return {edit for edit in edits if edit != word and is_dictionary_word(edit)}


def common_words(language: str) -> list[str]:
    """Return the 6,000 most common words in lowercase, the most common first.

    The list is empty if the language has no word list.
    """
    found: list[str] = json.loads((prepare_word_lists() / "common.json").read_text())[language]
    return found


def prepare_word_lists() -> Path:
    """Return the folder of the word lists of this version of pyspellchecker; write them if they are not there."""
    languages = sorted(language for language, _name in settings.LANGUAGES)
    name = f"{WORD_LISTS_FORMAT}-{version('pyspellchecker')}-{'-'.join(languages)}"
    folder = Path(settings.DATA_DIR) / "words" / name
    if not (folder / "common.json").exists():
        counts = {language: _load_counts(language) for language in languages}
        hashes = array("Q", sorted({_hash(fold(word)) for words in counts.values() for word in words}))
        common = {
            language: heapq.nlargest(MAX_COMMON_WORDS, words, key=words.__getitem__)
            for language, words in counts.items()
        }
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / "hashes", [hashes.tobytes()])
        # Written last: its presence means that all files are complete.
        atomic_write(folder / "common.json", [json.dumps(common).encode()])
    return folder


def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big")


@cache
def _load_hashes() -> memoryview:
    with (prepare_word_lists() / "hashes").open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)).cast("Q")


def _load_counts(language: str) -> dict[str, int]:
    """Return how often each word of a language occurs in pyspellchecker's list, or an empty mapping if there is none.

    The data file is read directly: the SpellChecker class takes four times as long.
    """
    file = files("spellchecker").joinpath("resources", f"{language}.json.gz")
    return json.loads(gzip.decompress(file.read_bytes())) if file.is_file() else {}


def undo_encodings(text: str) -> str:
    """Return a URL without the encodings that programs add to it on its way, also several times.

    These are percent, HTML, and JavaScript escapes, and wrong charsets.
    """
    for _layer in range(MAX_ENCODING_LAYERS):
        complete = TRUNCATED_ESCAPE_RE.sub("", _unescape(text))
        decoded = fix_mojibake(PERCENT_ESCAPE_RE.sub(_decode_percent, complete))
        if decoded == text:
            break
        text = decoded
    return text


def _unescape(text: str) -> str:
    return UNICODE_ESCAPE_RE.sub(lambda match: chr(int(match[1], 16)), HTML_ENTITY_RE.sub(_decode_entity, text))


def _decode_entity(match: re.Match[str]) -> str:
    return html.unescape(match[0])


def _decode_percent(match: re.Match[str]) -> str:
    data = bytes.fromhex(match[0].replace("%", ""))
    if not match.string[match.end() :].strip("/ "):
        data = _strip_truncated_character(data)
    return decode_text(data)


def _strip_truncated_character(data: bytes) -> bytes:
    """Remove an incomplete character at the end."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return TRUNCATED_UTF8_RE.sub(b"", data)
    return data


def decode_text(data: bytes) -> str:
    """Decode as UTF-8, or else as cp1252, which Western mail programs used before UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def fix_mojibake(text: str) -> str:
    """Repair UTF-8 that was read as Latin-1: ``Ã³`` was ``ó``."""
    return NON_ASCII_RE.sub(_fix_mojibake, text)


def _fix_mojibake(match: re.Match[str]) -> str:
    try:
        return b"".join(_encode_byte(character) for character in match[0]).decode()
    except UnicodeError:
        return match[0]


def _encode_byte(character: str) -> bytes:
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")
