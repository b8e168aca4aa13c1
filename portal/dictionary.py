"""Word lists of the languages in use, which ship with pyspellchecker."""

import gzip
import heapq
import json
import string
from array import array
from bisect import bisect_left
from functools import cache
from importlib.resources import files

from django.conf import settings

from portal.text import fold

# The letters of folded words in addresses, which are Latin in every language.
LETTERS = string.ascii_lowercase
# Below this rank, frequency lists contain names and foreign words.
MAX_COMMON_WORDS = 6000


def is_dictionary_word(word: str) -> bool:
    """Return whether a folded word is in the dictionary of any language in use, and so is not a misspelling."""
    hashes, value = _load_hashes(), hash(word)
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
    """Return the 6,000 most common words in lowercase, the most common first; empty without a list for the language."""
    counts = _load_counts(language)
    return heapq.nlargest(MAX_COMMON_WORDS, counts, key=counts.__getitem__)


@cache
def _load_hashes() -> "array[int]":
    """Load the sorted hashes of the folded words of all languages in use on first use.

    A set of the words themselves would take 40 MB in each web process; 64-bit hashes take 2 MB.
    """
    hashes = {hash(fold(word)) for language, _ in settings.LANGUAGES for word in _load_counts(language)}
    return array("q", sorted(hashes))


def _load_counts(language: str) -> dict[str, int]:
    """Return how often each word of a language occurs in pyspellchecker's list; empty if there is none.

    The data file is read directly: the SpellChecker class takes four times as long.
    """
    file = files("spellchecker").joinpath("resources", f"{language}.json.gz")
    return json.loads(gzip.decompress(file.read_bytes())) if file.is_file() else {}
