"""A page and its blocking stylesheets fit into the first round trip of a connection: 14,000 bytes."""

import time

from tests.views.client import fetch
from tests.views.crawl import Document, Site

FIRST_ROUND_TRIP = 14_000
MAX_SECONDS = 300
BROTLI = {"Accept-Encoding": "br"}


def blocking_sheets(page: Document) -> list[str]:
    """Stylesheets that block rendering on a screen."""
    links = [link for link in page.one("head").iter("link") if link.get("rel") == "stylesheet"]
    return [link.attrib["href"] for link in links if link.get("media") != "print"]


def test_every_page_paints_from_14000_bytes(site: Site) -> None:
    sheets = {path for page in site.pages.values() for path in blocking_sheets(page)}
    css = {path: len(fetch(site.url, path, headers=BROTLI).body) for path in sheets}

    def too_heavy() -> dict[str, int]:
        weights = {
            path: len(fetch(site.url, path, headers=BROTLI).body) + sum(css[sheet] for sheet in blocking_sheets(page))
            for path, page in site.pages.items()
            if not path.endswith("/booklet/")  # several pages in one document, for paper
        }
        return {path: weight for path, weight in weights.items() if weight > FIRST_ROUND_TRIP}

    assert all(blocking_sheets(page) for page in site.pages.values())
    # A new page is compressed quickly at first, and better some seconds later.
    until = time.monotonic() + MAX_SECONDS
    while too_heavy() and time.monotonic() < until:
        time.sleep(1)
    assert too_heavy() == {}


def test_no_script_delays_the_first_paint(site: Site) -> None:
    scripts = [(page.path, script) for page in site.pages.values() for script in page.elements("script")]

    assert [path for path, script in scripts if "defer" not in script.attrib and script.get("type") != "module"] == []
    assert scripts != []


def test_only_the_first_picture_is_fetched_before_scrolling(site: Site) -> None:
    for page in site.articles:
        early = [image for figure in page.elements("figure") for image in figure.iter("img") if not is_lazy(image)]
        assert (page.path, [image.get("fetchpriority") for image in early]) == (page.path, ["high"] * len(early))
        assert len(early) <= 1, page.path


def is_lazy(image: object) -> bool:
    return getattr(image, "attrib", {}).get("loading") == "lazy"
