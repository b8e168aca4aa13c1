"""``{% cached_include "site/footer.html" %}``: include a template that is the same on all pages of a language."""

from typing import Any

from django import template
from django.conf import settings
from django.utils.safestring import SafeString

from procedures.views import layout

register = template.Library()


@register.simple_tag(takes_context=True)
def cached_include(context: template.Context, template_name: str, **more: Any) -> SafeString:
    """Render a template with the clinic, the language, the main menu, and ``more``, without the context of the page."""
    # With DEBUG, changes to templates show at once.
    render = layout.cached_include.__wrapped__ if settings.DEBUG else layout.cached_include
    return render(template_name, context["language"], context["site"], **more)
