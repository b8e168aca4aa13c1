"""``{% standing "site/footer.html" %}``: an include of what is the same on all pages of a language."""

from typing import Any

from django import template
from django.conf import settings
from django.utils.safestring import SafeString

from procedures.views import chrome

register = template.Library()


@register.simple_tag(takes_context=True)
def standing(context: template.Context, name: str, **more: Any) -> SafeString:
    """The rendered template. It sees the clinic, the language, the main menu and ``more``, nothing else of the page."""
    # Who changes templates wants to see it.
    render = chrome.standing.__wrapped__ if settings.DEBUG else chrome.standing
    return render(name, context["language"], context["site"], **more)
