"""The second wall: whatever the parser lets through is cut down to a short list of tags.

The only ``mark_safe`` of the project stands here. Trusted parts (figures, cards) are put in after cleaning, so that
none of their elements has to be on the list.
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
    """HTML that may stand in a public page, whatever ``html`` holds."""
    return mark_safe(  # noqa: S308 -- the one place: nh3 has just cleaned it
        nh3.clean(
            html, tags=ALLOWED_TAGS, attributes=ALLOWED_ATTRIBUTES, url_schemes=ALLOWED_URL_SCHEMES, link_rel=None
        )
    )


# A tag that our templates write on several lines. Values are escaped, so that ">" ends it.
BROKEN_TAG = re.compile(r"</?[a-z][^<>\n]*\n[^<>]*>")


def minify(html: SafeString) -> SafeString:
    """Lines without white space around them; a line break still separates what it separated.

    Inside a tag a line break becomes a space, or nothing before its end.
    """
    if "<pre" in html:
        return html
    # Not a pattern such as \s*\n: on a long line of spaces that takes minutes.
    lines = filter(None, map(str.strip, html.split("\n")))
    joined = "\n".join(lines) + "\n"
    return SafeString(BROKEN_TAG.sub(_on_one_line, joined))


def _on_one_line(tag: re.Match[str]) -> str:
    return tag[0].replace("\n>", ">").replace("\n/>", "/>").replace("\n", " ")


# Between the prefix and an id. No slug holds it, so two parts never share an id: "rest" with "home-driving" is not
# "rest-home" with "driving".
NAMESPACE_SEPARATOR = "__"
# Attributes that name an id of the same article.
ID_ATTRIBUTES = frozenset({"id", "for", "name", "aria-labelledby", "aria-describedby", "aria-controls"})
HEADING_TAG = re.compile(r"h([1-5])\Z")
FRAGMENT_URL = re.compile(r"url\(#([^)]+)\)")
VOID_ELEMENTS = frozenset("area br col embed hr img input link meta source track wbr".split())


class _IdNamespacer(HTMLParser):
    def __init__(self, prefix: str, *, deeper: bool) -> None:
        super().__init__(convert_charrefs=False)
        self.prefix, self.deeper = prefix, deeper
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            # Without a name it is no landmark: several parts have their "Sources".
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
    """A finished article as part of a larger document. ``prefix`` (a slug) goes before all of its ids.

    ``deeper=False`` leaves headings at their level.
    """
    embedder = _IdNamespacer(prefix, deeper=deeper)
    embedder.feed(html)
    embedder.close()
    return SafeString("".join(embedder.parts))
