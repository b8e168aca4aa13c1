"""``{% standing "site/footer.html" %}``: an include of what is the same on all pages of a language."""

from typing import Any

from django import template
from django.utils.safestring import SafeString

from procedures.views import chrome

register = template.Library()


@register.simple_tag(takes_context=True)
def standing(context: template.Context, name: str, **more: Any) -> SafeString:
    """The rendered template. It sees the clinic, the language, the main menu and ``more``, nothing else of the page."""
    return chrome.standing(name, context["language"], context["site"], **more)
