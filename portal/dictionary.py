"""Word lists of the languages in use, which ship with pyspellchecker and textstat."""

import gzip
import json
import string
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from portal.text import fold

LETTERS = string.ascii_lowercase


def is_dictionary_word(word: str) -> bool:
    """Return whether a folded word is in the dictionary of any language in use, and so is not a misspelling."""
    return word in _load_words()


def words_one_edit_away(word: str) -> set[str]:
    """Return the dictionary words one edit (deletion, transposition, replacement, insertion) from a folded word."""
    splits = [(word[:position], word[position:]) for position in range(len(word) + 1)]
    edits = {head + tail[1:] for head, tail in splits if tail}
    edits |= {head + tail[1] + tail[0] + tail[2:] for head, tail in splits if len(tail) > 1}
    edits |= {head + letter + tail[1:] for head, tail in splits if tail for letter in LETTERS}
    edits |= {head + letter + tail for head, tail in splits for letter in LETTERS}
    return (edits & _load_words()) - {word}


def common_words(language: str) -> list[str]:
    """Return everyday words, the most common first; empty for a language of which textstat has no list.

    English has the 3,000 Dale–Chall words in alphabetical order; Spanish has 20,000 forms.
    """
    # importlib.resources would import textstat, 10 MB that a worker that only serves pages does not need.
    library = find_spec("textstat")
    if library is None or library.origin is None:
        raise ModuleNotFoundError("textstat")
    file = Path(library.origin).parent / "resources" / language / "easy_words.txt"
    return [line.strip() for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []


@cache
def _load_words() -> frozenset[str]:
    """Load the folded words of all languages in use on first use.

    pyspellchecker's data files are read directly: its SpellChecker class also counts frequencies, which takes four
    times as long.
    """
    words: set[str] = set()
    for language, _ in settings.LANGUAGES:
        compressed = files("spellchecker").joinpath("resources", f"{language}.json.gz")
        # pyspellchecker has lists of a dozen languages.
        if compressed.is_file():
            words.update(fold(word) for word in json.loads(gzip.decompress(compressed.read_bytes())))
    return frozenset(words)
