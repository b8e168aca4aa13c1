"""Everything reachable from the home page, crawled once and shared by all tests."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from xml.etree.ElementTree import Element

import html5lib

from tests.views.client import Response, fetch

HTML = "text/html"
FETCHED = {"src", "data", "poster", "background"}


@dataclass(frozen=True, repr=False)
class Document:
    """One page, parsed as a browser does."""

    path: str
    answer: Response
    root: Element
    parse_errors: tuple[str, ...]

    @classmethod
    def read(cls, path: str, answer: Response) -> "Document":
        """Parse a response. Parse errors are collected instead of raised."""
        builder = html5lib.treebuilders.getTreeBuilder("etree")
        parser = html5lib.HTMLParser(tree=builder, namespaceHTMLElements=False)
        root = parser.parse(answer.text)
        errors = tuple(f"line {line}: {code} {values}" for (line, _), code, values in parser.errors)
        return cls(path, answer, root, errors)

    def elements(self, *tags: str) -> Iterator[Element]:
        """Yield the elements with these names (without namespace), or all, in document order."""
        for element in self.root.iter():
            if isinstance(element.tag, str) and (not tags or element.tag.rpartition("}")[2] in tags):
                yield element

    def of_class(self, name: str) -> list[Element]:
        """Return the elements of a class."""
        return [element for element in self.elements() if name in element.get("class", "").split()]

    def one(self, tag: str, **values: str) -> Element:
        """Return the only element of this name with these attributes (``property_`` for ``property``)."""
        wanted = {name.rstrip("_"): value for name, value in values.items()}
        found = [e for e in self.elements(tag) if all(e.get(name) == value for name, value in wanted.items())]
        assert len(found) == 1, f"{self.path}: {len(found)} × {tag} {wanted}"
        return found[0]

    @property
    def ids(self) -> list[str]:
        """Return every id in order, with duplicates."""
        return [element.attrib["id"] for element in self.elements() if "id" in element.attrib]

    @property
    def title(self) -> str:
        """Return the text of ``<title>``."""
        return element_text(self.one("title"))

    @property
    def language(self) -> str:
        """Return the ``lang`` attribute of the page."""
        return self.one("html").get("lang", "")

    @property
    def is_for_search_engines(self) -> bool:
        """Whether search engines can index this page."""
        return not any(e.get("name") == "robots" and "noindex" in e.get("content", "") for e in self.elements("meta"))

    @property
    def is_article(self) -> bool:
        """Whether this is one released page or guide, not a list, a form, or a booklet."""
        return len(list(self.elements("article"))) == 1 and not self.of_class("booklet")

    def links(self) -> Iterator[str]:
        """Yield navigable URLs: links, and the actions of forms without values."""
        for element in self.elements("a", "area"):
            if element.get("href") is not None:
                yield element.attrib["href"]
        for element in self.elements("form"):
            yield element.get("action", "")

    def fetched(self) -> Iterator[tuple[str, str]]:
        """Yield the resources that the browser fetches automatically, as (element, URL)."""
        for element in self.elements():
            tag = element.tag.rpartition("}")[2]
            for name in FETCHED & element.attrib.keys():
                yield tag, element.attrib[name]
            if "srcset" in element.attrib:
                yield from ((tag, address) for address in srcset(element.attrib["srcset"]))
            if tag == "link" and element.get("rel") not in {"canonical", "alternate"}:
                yield tag, element.get("href", "")
            if tag in {"use", "image"}:
                yield tag, element.get("href") or element.get("{http://www.w3.org/1999/xlink}href") or ""


@dataclass(repr=False)
class Site:
    """The pages by path, their links, and everything else that was fetched."""

    url: str
    pages: dict[str, Document] = field(default_factory=dict)
    others: dict[str, Response] = field(default_factory=dict)
    links: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def articles(self) -> list[Document]:
        """Return the released pages and guides."""
        return [page for page in self.pages.values() if page.is_article]

    @property
    def listed(self) -> list[Document]:
        """Return the pages that search engines can index."""
        return [page for page in self.pages.values() if page.is_for_search_engines]

    def address(self, path: str) -> str:
        """Return the absolute URL of a path."""
        return urljoin(self.url, path)


@functools.cache
def crawl(url: str) -> Site:
    """Fetch every local page and file that can be reached from ``/``. Responses other than 200 are included."""
    site = Site(url)
    waiting = ["/"]
    seen = set(waiting)
    while waiting:
        path = waiting.pop(0)
        answer = fetch(url, path)
        if answer.status != 200 or answer.kind != HTML:
            site.others[path] = answer
            continue
        page = site.pages[path] = Document.read(path, answer)
        for found in [*page.links(), *(address for _, address in page.fetched())]:
            target, anchor = urldefrag(urljoin(site.address(path), found))
            if not is_internal(url, target):
                continue
            target_path = target.removeprefix(url) or "/"
            site.links.append((path, target_path, unquote(anchor)))
            if target_path not in seen:
                seen.add(target_path)
                waiting.append(target_path)
    return site


def is_internal(url: str, address: str) -> bool:
    """Return whether a URL is on the site itself."""
    return urlsplit(address)[:2] == urlsplit(url)[:2]


def srcset(value: str) -> list[str]:
    """Return the URLs of a ``srcset``."""
    return [part.split()[0] for part in re.split(r",\s+", value.strip()) if part]


def element_text(element: Element) -> str:
    """Return the text inside an element, on one line, with plain hyphens and spaces."""
    return " ".join("".join(element.itertext()).replace("\u2011", "-").split())


def find_problems(site: Site, found: Any) -> list[str]:
    """Return the problems on all pages, to be compared with the empty list. ``found`` returns those of one page."""
    return [f"{page.path}: {sentence}" for page in site.pages.values() for sentence in found(page)]
