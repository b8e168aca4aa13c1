"""The language registry: everything the code knows about a language is in one entry here.

To add a language, write a module like ``spanish.py`` and list it below (docs/howto/add-a-language.md).
"""

import re

from procedures.languages.definition import LanguageDefinition
from procedures.languages.english import ENGLISH
from procedures.languages.spanish import SPANISH

# In the order used by menus and lists. The first one is the source of all translations, and its paths have no prefix.
LANGUAGES: tuple[LanguageDefinition, ...] = (ENGLISH, SPANISH)
DEFAULT = LANGUAGES[0].code
CODES = tuple(language.code for language in LANGUAGES)
# For Django's setting of the same name.
DJANGO_LANGUAGES = [(language.code, language.name) for language in LANGUAGES]
_BY_CODE = {language.code: language for language in LANGUAGES}


def get(code: str) -> LanguageDefinition:
    """Return the definition of a language. Raise KeyError for a code that is not in the registry."""
    return _BY_CODE[code]


def home_path(code: str) -> str:
    """Return the home page of a language, which is also the prefix of all its paths: ``/`` or ``/es/``."""
    return "/" if code == DEFAULT else f"/{code}/"


def language_of_path(path: str) -> str:
    """Return the code of the language that a path belongs to."""
    return next((code for code in CODES if code != DEFAULT and path.startswith(home_path(code))), DEFAULT)


def language_of_infobutton(value: str) -> str:
    """Return the code for a language parameter of MedlinePlus Connect, such as ``es``, ``es-US``, or ``spa``.

    Only the primary subtag counts (RFC 5646). Unknown languages get the default.
    """
    primary = re.split(r"[-_]", value.strip().lower(), maxsplit=1)[0]
    matches = (language.code for language in LANGUAGES if primary in {language.code, *language.infobutton_codes})
    return next(matches, DEFAULT)


def number_pattern(*names: str) -> str:
    """Return the patterns of these fields of NumberVocabulary in all languages, as alternatives.

    If there are none, the result matches nothing.
    """
    vocabularies = [language.numbers for language in LANGUAGES if language.numbers]
    return "|".join(pattern for name in names for words in vocabularies if (pattern := getattr(words, name))) or "(?!)"
