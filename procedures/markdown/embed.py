"""Several finished articles in one document: headings one level deeper, ids that do not clash."""

import re
from html import escape
from html.parser import HTMLParser

from django.utils.safestring import SafeString

# Between the prefix and an id. No slug holds it, so two parts never share an id: "rest" with "home-driving" is not
# "rest-home" with "driving".
JOINT = "__"
# Attributes that name an id of the same article.
NAMES = frozenset({"id", "for", "name", "aria-labelledby", "aria-describedby", "aria-controls"})
HEADING = re.compile(r"h([1-5])\Z")
LOCAL_URL = re.compile(r"url\(#([^)]+)\)")
VOID = frozenset("area br col embed hr img input link meta source track wbr".split())


class _Embedder(HTMLParser):
    def __init__(self, prefix: str) -> None:
        super().__init__(convert_charrefs=False)
        self.prefix = prefix
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            # Without a name it is no landmark: several parts have their "Sources".
            attrs = [pair for pair in attrs if pair[0] != "aria-labelledby"]
        self.parts.append(f"<{self._tag(tag)}{''.join(self._attribute(*pair) for pair in attrs)}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append(f"<{self._tag(tag)}{''.join(self._attribute(*pair) for pair in attrs)}/>")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self.parts.append(f"</{self._tag(tag)}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.parts.append(f"&#{name};")

    @staticmethod
    def _tag(tag: str) -> str:
        match = HEADING.match(tag)
        return f"h{int(match[1]) + 1}" if match else tag

    def _attribute(self, name: str, value: str | None) -> str:
        if value is None:
            return f" {name}"
        value = LOCAL_URL.sub(rf"url(#{self.prefix}{JOINT}\1)", value)
        if name in NAMES:
            value = " ".join(f"{self.prefix}{JOINT}{part}" for part in value.split())
        elif name == "href" and value.startswith("#"):
            value = f"#{self.prefix}{JOINT}{value[1:]}"
        return f' {name}="{escape(value)}"'


def embed(html: SafeString, prefix: str) -> SafeString:
    """A finished article as part of a larger document. ``prefix`` (a slug) goes before all of its ids."""
    embedder = _Embedder(prefix)
    embedder.feed(html)
    embedder.close()
    return SafeString("".join(embedder.parts))
