"""The second wall: whatever the parser lets through is cut down to a short list of tags.

The only ``mark_safe`` of the project stands here. Trusted parts (figures, cards) are put in after cleaning, so that
none of their elements has to be on the list.
"""

import nh3
from django.utils.safestring import SafeString, mark_safe

TAGS = {
    "a", "blockquote", "br", "code", "em", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre", "strong", "sup",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "class", "aria-label", "id"},
    "h2": {"id"},
    "h3": {"id"},
    "h4": {"id"},
    "ol": {"start"},
    "sup": {"class"},
    "td": {"class"},
    "th": {"class", "scope"},
}
SCHEMES = {"https", "mailto", "tel"}


def clean(html: str) -> SafeString:
    """HTML that may stand in a public page, whatever ``html`` holds."""
    return mark_safe(  # noqa: S308 -- the one place: nh3 has just cleaned it
        nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel=None)
    )
