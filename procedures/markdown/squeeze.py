"""HTML without the indentation of our templates."""

from django.utils.safestring import SafeString


def squeezed(html: SafeString) -> SafeString:
    """Lines without white space around them; a line break still separates what it separated."""
    if "<pre" in html:
        return html
    # Not a pattern such as \s*\n: on a long line of spaces that takes minutes.
    lines = filter(None, map(str.strip, html.split("\n")))
    return SafeString("\n".join(lines) + "\n")
