"""Helpers for the rendering tests: rendering, and inspecting the result."""

import re
from dataclasses import dataclass, field

import html5lib

from procedures.figures.approval import FigureVersion
from procedures.rendering import ReferenceResolver, RenderedPage, render_page
from tests.factories import EMPTY_CONTENT

SCHEMES = {"https", "mailto", "tel"}
# URLs as browsers parse them: leading spaces and control characters are ignored, and so are tabs and line breaks
# anywhere.
URL_SCHEME = re.compile(r"[\x00-\x20]*([a-z][a-z0-9+.-]*):", re.IGNORECASE)
URL_ATTRIBUTES = {
    "href",
    "src",
    "srcset",
    "action",
    "formaction",
    "poster",
    "data",
    "background",
    "cite",
    "ping",
    "manifest",
}
FORBIDDEN = {"script", "iframe", "object", "embed", "form", "base", "link", "meta", "style", "math", "template"}
BODY_STARTS = '<div class="page__body prose">'
BODY_ENDS = re.compile(
    r'</div>\s*(?:<p class="(?:ask-us|next-step)"|<details class="(?:page-words|sources)"|</article>)'
)


def render(body: str, *, kind: str = "procedure", language: str = "en", **values: object) -> RenderedPage:
    """Render ``body`` as a complete page."""
    return render_page(
        {**EMPTY_CONTENT, "body": body, **values},
        kind=kind,
        resolver=ReferenceResolver(language, FigureVersion.CURRENT),
    )


def render_body(markdown: str) -> str:
    """Render ``markdown``, and return only the HTML of the body."""
    body = render(markdown).html.split(BODY_STARTS, 1)[1]
    return BODY_ENDS.split(body, maxsplit=1)[0].strip()


def list_issues(markdown: str, **values: object) -> list[str]:
    """Return all issues as shown to the editor, with their lines."""
    return [str(problem) for problem in render(markdown, **values).issues]


@dataclass
class ParsedPage:
    """Every element of a parsed article."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def tags(self) -> set[str]:
        """Return the names of all elements."""
        return {name for name, _ in self.elements}

    def find_all(self, name: str) -> list[dict[str, str]]:
        """Return the attributes of all elements with this name."""
        return [attributes for found, attributes in self.elements if found == name]

    def ids(self) -> list[str]:
        """Return all ids in order, with duplicates."""
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]


def parse_html(html: str, *, strict: bool = True) -> ParsedPage:
    """Parse the article like a browser. ``strict`` raises for any HTML error."""
    # Use html5lib's tree, because the way a browser repairs broken nesting matters, not the source.
    parser = html5lib.HTMLParser(html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False, strict=strict)
    tree = parser.parse(f"<!doctype html><html lang=en><head><title>t</title></head><body>{html}</body></html>")
    return ParsedPage([(str(node.tag), dict(node.attrib)) for node in tree.iter() if isinstance(node.tag, str)])


def assert_harmless(html: str, *, strict: bool = True) -> None:
    """Assert that nothing in ``html`` can execute, load external resources, or style the page."""
    for name, attributes in parse_html(html, strict=strict).elements:
        assert name not in FORBIDDEN, name
        for attribute, value in attributes.items():
            assert not attribute.lower().startswith("on"), (name, attribute)
            assert attribute not in {"style", "srcdoc", "xlink:href"}, (name, attribute)
            if attribute in URL_ATTRIBUTES:
                scheme = URL_SCHEME.match(re.sub(r"[\t\r\n]", "", value))
                assert scheme is None or scheme[1].lower() in SCHEMES, (name, attribute, value)
                if strict:
                    assert not value.lstrip().startswith(("//", "\\")), (name, attribute, value)
