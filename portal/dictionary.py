"""Ordinary words of the languages in use, from lists that come with pyspellchecker and textstat."""

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
    """Whether a folded word is an ordinary word of any language in use, and so no misspelling of another word."""
    return word in _load_words()


def words_one_edit_away(word: str) -> set[str]:
    """Ordinary words that are one typing error away from a folded word."""
    halves = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    slips = {head + tail[1:] for head, tail in halves if tail}
    slips |= {head + tail[1] + tail[0] + tail[2:] for head, tail in halves if len(tail) > 1}
    slips |= {head + letter + tail[1:] for head, tail in halves if tail for letter in LETTERS}
    slips |= {head + letter + tail for head, tail in halves for letter in LETTERS}
    return (slips & _load_words()) - {word}


def common_words(language: str) -> list[str]:
    """Everyday words, the most common first; empty for a language of which textstat has no list.

    English has Dale and Chall's 3,000 words, in alphabetical order; Spanish has 20,000 forms.
    """
    # Not importlib.resources: it would import textstat, 10 MB that a worker which only serves pages never needs.
    library = find_spec("textstat")
    if library is None or library.origin is None:
        raise ModuleNotFoundError("textstat")
    file = Path(library.origin).parent / "resources" / language / "easy_words.txt"
    return [line.strip() for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []


@cache
def _load_words() -> frozenset[str]:
    """Read when it is first needed. SpellChecker itself takes four times as long: it counts words and letters."""
    found: set[str] = set()
    for language, _ in settings.LANGUAGES:
        packed = files("spellchecker").joinpath("resources", f"{language}.json.gz")
        # pyspellchecker has lists of a dozen languages.
        if packed.is_file():
            found.update(fold(word) for word in json.loads(gzip.decompress(packed.read_bytes())))
    return frozenset(found)
