"""All limits and targets of readability, and what staff read where a text exceeds one.

A limit blocks publishing; a target only leads to a suggestion. The limits of a reading level depend on its formula and
are in the language registry (``Readability`` in procedures/languages/definition.py).
"""

from collections.abc import Iterator
from textwrap import shorten

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from procedures import languages

MAX_SENTENCE_WORDS = 25
TARGET_SENTENCE_WORDS = 20
TARGET_PARAGRAPH_SENTENCES = 3
MAX_LIST_ITEMS = 7
# Of the first paragraph under a heading of an option: it is a cell of the comparison.
TARGET_CELL_WORDS = 12
# In a shorter text, one long word would decide the level.
MIN_SCORED_WORDS = 15
# Shorter table cells without an end mark are labels and values, not sentences.
MIN_CELL_WORDS = 5
# SMOG requires full understanding and is about two grades above other formulas. False makes its limit a suggestion.
SMOG_BLOCKS_PUBLISHING = True
# Whether a text that is easier than the floor of its language gets a suggestion.
SUGGEST_ABOVE_FLOOR = False

MAX_QUOTE_LENGTH = 160


def describe_exceeded_limits(level: float | None, smog_grade: float, language: str) -> Iterator[str]:
    """Yield a sentence for each limit on reading levels that a page exceeds. A page without a level exceeds none."""
    rules = languages.get(language).readability
    if rules is None or level is None:
        return
    if rules.is_harder(level, rules.limit):
        yield str(rules.too_hard) % {"level": level, "limit": rules.limit}
    if SMOG_BLOCKS_PUBLISHING:
        yield from _describe_smog(smog_grade, language)


def describe_missed_targets(level: float | None, smog_grade: float, language: str) -> Iterator[str]:
    """Yield a sentence for each target for reading levels that a page misses."""
    rules = languages.get(language).readability
    if rules is None or level is None:
        return
    if SUGGEST_ABOVE_FLOOR and rules.floor is not None and rules.is_harder(rules.floor, level):
        yield str(rules.too_easy) % {"level": level, "limit": rules.floor}
    if not SMOG_BLOCKS_PUBLISHING:
        yield from _describe_smog(smog_grade, language)


def _describe_smog(grade: float, language: str) -> Iterator[str]:
    rules = languages.get(language).readability
    if rules and rules.smog and grade > rules.smog_limit:
        message = _(
            "The text has SMOG grade %(grade)s; the limit is %(limit)s. Use fewer words of three syllables or more."
        )
        yield message % {"grade": grade, "limit": rules.smog_limit}


def describe_hard_paragraph(level: float | None, language: str) -> str:
    """Return the suggestion for a paragraph of this level; empty for none."""
    rules = languages.get(language).readability
    if rules is None or level is None or not rules.is_harder(level, rules.paragraph_limit):
        return ""
    return str(rules.hard_paragraph) % {"level": level}


def describe_long_sentence(sentence: str, word_count: int) -> str:
    """Return what to do about a sentence that is over the limit."""
    message = ngettext(
        "A sentence has %(count)s word; the limit is %(limit)s. Split it in two: “%(quote)s”",
        "A sentence has %(count)s words; the limit is %(limit)s. Split it in two: “%(quote)s”",
        word_count,
    )
    return message % {"count": word_count, "limit": MAX_SENTENCE_WORDS, "quote": shorten_quote(sentence)}


def shorten_quote(text: str, length: int = MAX_QUOTE_LENGTH) -> str:
    """Return a quotation of at most ``length`` characters."""
    return shorten(text, length, placeholder=" …")
