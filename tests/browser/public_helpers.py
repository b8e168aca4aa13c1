"""Helpers for the tests of public pages: tabs of a fixed size, the list of pages, and axe."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize

from tests.conftest import ServedSite
from tests.views.crawl import crawl

PHONE: ViewportSize = {"width": 360, "height": 740}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
# Also the width that remains of 1280 pixels at 400% zoom.
NARROW: ViewportSize = {"width": 320, "height": 640}
# Pages that no link leads to: search results, an invalid code, and a 404 page.
EXTRA_PATHS = ("/search/?q=cement", "/search/?q=xyzzyqwertz", "/p/?code=222223", "/no-such-page/")
BOOKLET = "/booklet/"
AXE = (Path(__file__).parent / "axe.min.js").read_text()


@contextmanager
def open_tab(browser: Browser, size: ViewportSize, **options: Any) -> Iterator[Page]:
    """Open a page in a clean profile, and close it afterward."""
    context = browser.new_context(viewport=size, **options)
    try:
        yield context.new_page()
    finally:
        context.close()


def public_paths(served_site: ServedSite, *, language: str | None = None, only_articles: bool = False) -> list[str]:
    """Return the paths of the public pages, including special ones.

    One booklet, one feedback form, and two large pictures represent all others, which look the same.
    """
    pages = crawl(served_site.url).pages.values()
    found = sorted(p.path for p in pages if language in {None, p.language} and (p.is_article or not only_articles))
    booklets = [path for path in found if path.endswith(BOOKLET)]
    questions = [path for path in found if "/clear/" in path]
    pictures = [path for path in found if "/picture/" in path]
    return [p for p in found if p not in {*booklets[1:], *questions[1:], *pictures[1:-1]}] + (
        [] if only_articles else list(EXTRA_PATHS)
    )


def visit(page: Page, served_site: ServedSite, path: str) -> None:
    """Open a page with its styles. Pictures may still be loading, but their space is reserved."""
    page.goto(served_site.url + path, wait_until="domcontentloaded")


def wait_until(page: Page, script: str) -> None:
    """Wait for an expression to be true. Playwright's own wait uses eval, which the CSP blocks."""
    for _ in range(100):
        if page.evaluate(script):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{page.url}: never true: {script}")


def open_sections(page: Page) -> None:
    """Open the sections that are folded on phones."""
    page.evaluate("document.querySelectorAll('.folded-section').forEach((section) => { section.open = true; })")


def open_tools(page: Page) -> None:
    """Open the reader tools."""
    page.locator(".reader-tools > summary").click()
