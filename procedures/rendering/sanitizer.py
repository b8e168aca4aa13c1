"""Sanitizing of rendered Markdown, and changes to HTML that is already safe.

The parser escapes raw HTML; sanitizing is the second line of defense. This module contains the only ``mark_safe`` of
the project. Components such as figures are inserted after sanitizing, so their tags do not have to be allowed.
"""

import re
from html import escape
from html.parser import HTMLParser

import nh3
from django.utils.safestring import SafeString, mark_safe

ALLOWED_TAGS = {
    "a", "blockquote", "br", "code", "em", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre", "strong", "sup",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ALLOWED_ATTRIBUTES = {
    "a": {"href", "class", "aria-label", "id"},
    "h2": {"id"},
    "h3": {"id"},
    "h4": {"id"},
    "ol": {"start"},
    "sup": {"class"},
    "td": {"class"},
    "th": {"class", "scope"},
}
ALLOWED_URL_SCHEMES = {"https", "mailto", "tel"}


def sanitize(html: str) -> SafeString:
    """Return ``html`` reduced to the allowed tags, attributes, and URL schemes."""
    return mark_safe(  # noqa: S308 -- the only place; nh3 has just cleaned it
        nh3.clean(
            html, tags=ALLOWED_TAGS, attributes=ALLOWED_ATTRIBUTES, url_schemes=ALLOWED_URL_SCHEMES, link_rel=None
        )
    )


# A tag on several lines of a template. Values are escaped, so the first ">" ends it.
BROKEN_TAG = re.compile(r"</?[a-z][^<>\n]*\n[^<>]*>")


def minify(html: SafeString) -> SafeString:
    """Remove indentation and blank lines. Line breaks between elements stay, because they separate words.

    Inside a tag, a line break becomes a space, or nothing before the end of the tag. HTML with ``<pre>`` is unchanged.
    """
    if "<pre" in html:
        return html
    # A pattern such as \s*\n would take minutes on a long line of spaces.
    lines = filter(None, map(str.strip, html.split("\n")))
    joined = "\n".join(lines) + "\n"
    return SafeString(BROKEN_TAG.sub(_on_one_line, joined))


def _on_one_line(tag: re.Match[str]) -> str:
    return tag[0].replace("\n>", ">").replace("\n/>", "/>").replace("\n", " ")


# Between the prefix and an id. No slug contains it, so two parts never share an id: with a hyphen, "rest" and
# "home-driving" would give the same id as "rest-home" and "driving".
NAMESPACE_SEPARATOR = "__"
# Attributes that contain ids of the same article.
ID_ATTRIBUTES = frozenset({"id", "for", "name", "aria-labelledby", "aria-describedby", "aria-controls"})
HEADING_TAG = re.compile(r"h([1-5])\Z")
FRAGMENT_URL = re.compile(r"url\(#([^)]+)\)")
# HTML elements without an end tag.
VOID_ELEMENTS = frozenset("area base br col embed hr img input link meta source track wbr".split())


class _IdNamespacer(HTMLParser):
    def __init__(self, prefix: str, *, deeper: bool) -> None:
        super().__init__(convert_charrefs=False)
        self.prefix, self.deeper = prefix, deeper
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            # A section without a name is no landmark. Otherwise the booklet would have several "Sources" landmarks.
            attrs = [pair for pair in attrs if pair[0] != "aria-labelledby"]
        self.parts.append(f"<{self._demote_heading(tag)}{''.join(self._format_attribute(*pair) for pair in attrs)}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append(f"<{self._demote_heading(tag)}{''.join(self._format_attribute(*pair) for pair in attrs)}/>")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID_ELEMENTS:
            self.parts.append(f"</{self._demote_heading(tag)}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.parts.append(f"&#{name};")

    def _demote_heading(self, tag: str) -> str:
        match = HEADING_TAG.match(tag) if self.deeper else None
        return f"h{int(match[1]) + 1}" if match else tag

    def _format_attribute(self, name: str, value: str | None) -> str:
        if value is None:
            return f" {name}"
        value = FRAGMENT_URL.sub(rf"url(#{self.prefix}{NAMESPACE_SEPARATOR}\1)", value)
        if name in ID_ATTRIBUTES:
            value = " ".join(f"{self.prefix}{NAMESPACE_SEPARATOR}{part}" for part in value.split())
        elif name == "href" and value.startswith("#"):
            value = f"#{self.prefix}{NAMESPACE_SEPARATOR}{value[1:]}"
        return f' {name}="{escape(value)}"'


def namespace_ids(html: SafeString, prefix: str, *, deeper: bool = True) -> SafeString:
    """Prepare an article for a document with several articles: put ``prefix`` (a slug) before all of its ids.

    ``deeper``: also move headings one level down.
    """
    namespacer = _IdNamespacer(prefix, deeper=deeper)
    namespacer.feed(html)
    namespacer.close()
    return SafeString("".join(namespacer.parts))
