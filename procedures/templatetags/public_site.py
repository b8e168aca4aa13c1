"""Template tags of the public site: languages, and includes that are the same on all pages."""

from typing import Any, cast

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from procedures import languages
from procedures.rendering.html import complete_article
from procedures.rendering.inline import no_break
from procedures.views import layout

register = template.Library()
EMPTY_HTML = SafeString("")
TOOLS = "components/reader_tools.html"


register.filter("no_break", no_break)


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
def phone_number(number: str) -> SafeString:
    """Return a phone number that is not broken over two lines unless its type is very large."""
    return format_html('<span class="phone-number">{}</span>', number)


@register.simple_tag
def home_path(language: str) -> str:
    """Return the path of the home page of a language."""
    return languages.home_path(language)


@register.simple_tag(takes_context=True)
def article(context: template.Context, html: SafeString) -> SafeString:
    """Return an article with the parts that are not stored with it: its status below the title, and the reader
    tools.
    """
    status = render_to_string("components/page_status.html", cast("dict[str, Any]", context.flatten()))
    release = context["release"]
    values = {"minutes": release["minutes"], "path": release["path"], "booklet": context["is_guide"]}
    tools = EMPTY_HTML if context.get("preview") else render_to_string(TOOLS, values)
    return complete_article(html, status=status, tools=tools)


@register.simple_tag(takes_context=True)
def booklet_part(context: template.Context, html: SafeString, release: dict[str, Any]) -> SafeString:
    """Return the article of one part of a booklet, with its own review status below its title."""
    values = {"release": release, "is_translation": context["is_translation"]}
    return complete_article(html, status=render_to_string("components/part_status.html", values), tools=EMPTY_HTML)


@register.simple_tag(takes_context=True)
def cached_include(context: template.Context, template_name: str, **more: Any) -> SafeString:
    """Render a template with the clinic, the language, the main menu, and ``more``, without the context of the page.

    ``{% cached_include "site/footer.html" %}``
    """
    # With DEBUG, template changes take effect immediately.
    render = layout.cached_include.__wrapped__ if settings.DEBUG else layout.cached_include
    return render(template_name, context["language"], context["site"], **more)
