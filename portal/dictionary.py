"""Ordinary words of English and Spanish: a word that is one of them is no misspelling of another word."""

import gzip
import json
import string
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from portal.text import fold

LANGUAGES = ("en", "es")
LETTERS = string.ascii_lowercase


def is_word(word: str) -> bool:
    """Whether a folded word is an ordinary word of either language."""
    return word in _words()


def neighbors(word: str) -> set[str]:
    """Ordinary words that are one slip of the finger away from a folded word."""
    halves = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    slips = {head + tail[1:] for head, tail in halves if tail}
    slips |= {head + tail[1] + tail[0] + tail[2:] for head, tail in halves if len(tail) > 1}
    slips |= {head + letter + tail[1:] for head, tail in halves if tail for letter in LETTERS}
    slips |= {head + letter + tail for head, tail in halves for letter in LETTERS}
    return (slips & _words()) - {word}


@cache
def _words() -> frozenset[str]:
    """The lists that come with pyspellchecker, read when the first word is in doubt."""
    library = find_spec("spellchecker")
    if library is None or library.origin is None:
        raise ModuleNotFoundError("spellchecker")
    resources = Path(library.origin).parent / "resources"
    found: set[str] = set()
    for language in LANGUAGES:
        with gzip.open(resources / f"{language}.json.gz", "rt", encoding="utf-8") as file:
            found.update(fold(word) for word in json.load(file))
    return frozenset(found)
