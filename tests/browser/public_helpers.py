"""What the tests of the public pages share: tabs of a known size, the list of pages, axe."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize

from tests.conftest import ServedSite
from tests.views.crawl import crawl

PHONE: ViewportSize = {"width": 360, "height": 740}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
# Also what is left of 1280 pixels at 400 % zoom.
NARROW: ViewportSize = {"width": 320, "height": 640}
# Not reached by links: what somebody sees who searched, or was sent to a wrong address.
EXTRA_PATHS = ("/search/?q=cement", "/search/?q=xyzzyqwertz", "/p/?code=222223", "/no-such-page/")
BOOKLET = "/booklet/"
AXE = (Path(__file__).parent / "axe.min.js").read_text()


@contextmanager
def open_tab(browser: Browser, size: ViewportSize, **options: Any) -> Iterator[Page]:
    """A page in a clean profile; closed afterwards."""
    context = browser.new_context(viewport=size, **options)
    try:
        yield context.new_page()
    finally:
        context.close()


def public_paths(served_site: ServedSite, *, language: str | None = None, only_articles: bool = False) -> list[str]:
    """Paths of the public pages, the odd ones too.

    One booklet, one form, and two large pictures stand for all: they repeat themselves.
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
    """Open a page; its styles are there, pictures may still be on their way (their place is kept)."""
    page.goto(served_site.url + path, wait_until="domcontentloaded")


def wait_until(page: Page, script: str) -> None:
    """Wait for an expression to be true. Playwright's own waiting uses eval, which the policy of the site forbids."""
    for _ in range(100):
        if page.evaluate(script):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{page.url}: never true: {script}")


def evaluate_on_pages(page: Page, served_site: ServedSite, paths: list[str], script: str) -> dict[str, Any]:
    """What ``script`` returns on each page, by path; only what is not empty."""
    found = {}
    for path in paths:
        visit(page, served_site, path)
        if value := page.evaluate(script):
            found[path] = value
    return found


def open_sections(page: Page) -> None:
    """Unfold the sections that a phone shows closed."""
    page.evaluate("document.querySelectorAll('.folded-section').forEach((section) => { section.open = true; })")


def open_tools(page: Page) -> None:
    """Unfold the readers' tools."""
    page.locator(".reader-tools > summary").click()
