"""Checks of single values that know nothing medical."""

import unicodedata

from django.core.exceptions import ValidationError

# Letters of some scripts are joined or kept apart with these two; every other invisible character only hides something.
JOINERS = frozenset("\u200c\u200d")
# Controls, format characters (text direction among them), private use, halves of pairs, unassigned, line separators.
INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


def is_invisible(character: str) -> bool:
    """Whether a character takes no room on a line, or changes how others are shown."""
    return unicodedata.category(character) in INVISIBLE_CATEGORIES and character not in JOINERS


def validate_single_line(value: str) -> None:
    """One line of visible text. Names end up in mail headers and calendars, where a line break or a change of the
    text direction could pass for something else.
    """
    if found := next((character for character in value if is_invisible(character)), None):
        name = unicodedata.name(found, "control character").lower()
        raise ValidationError(
            f"The text contains an invisible character (U+{ord(found):04X}, {name}). Delete the text and type it again."
        )
