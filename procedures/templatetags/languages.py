"""Template tags for the language registry."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from procedures import languages

register = template.Library()
EMPTY_HTML = SafeString("")


@register.simple_tag
def direction_of(language: str) -> SafeString:
    """Return `` dir="rtl"`` with a leading space for a right-to-left language, otherwise nothing."""
    direction = languages.get(language).direction
    return EMPTY_HTML if direction == "ltr" else format_html(' dir="{}"', direction)


@register.simple_tag
def phone_text(number: str, language: str) -> str:
    """Return a phone number; in a right-to-left language, with a left-to-right mark before it."""
    return number if languages.get(language).direction == "ltr" else f"\u200e{number}"


@register.simple_tag
def home_path(language: str) -> str:
    """Return the path of the home page of a language."""
    return languages.home_path(language)
