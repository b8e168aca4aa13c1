"""What templates ask the registry of languages."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from procedures import languages

register = template.Library()
NOTHING = SafeString("")


@register.simple_tag
def direction_of(language: str) -> SafeString:
    """``dir="rtl"`` with a space in front for a right-to-left language, otherwise nothing."""
    direction = languages.get(language).direction
    return NOTHING if direction == "ltr" else format_html(' dir="{}"', direction)


@register.simple_tag
def phone_text(number: str, language: str) -> str:
    """A phone number for text around it: in a right-to-left language it starts with a left-to-right mark."""
    return number if languages.get(language).direction == "ltr" else f"\u200e{number}"


@register.simple_tag
def home_path(language: str) -> str:
    """Address of the home page of a language."""
    return languages.home_path(language)
