"""Field validators without medical knowledge."""

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# Zero-width joiner and non-joiner: the only invisible characters that some scripts and emoji need.
JOINERS = frozenset("\u200c\u200d")
# Control, format (includes text direction), private use, surrogate, unassigned, line and paragraph separator.
INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


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
