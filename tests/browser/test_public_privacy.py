"""Reading leaves no trace: no errors, CSP violations, cookies, stored data, or third-party requests."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.public_helpers import PHONE, open_tab, public_paths
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser

STORED = """async () => ({
  local: localStorage.length, session: sessionStorage.length, cookie: document.cookie,
  databases: (await indexedDB.databases()).length, caches: (await caches.keys()).length,
  workers: (await navigator.serviceWorker.getRegistrations()).length,
})"""
NOTHING = {"local": 0, "session": 0, "cookie": "", "databases": 0, "caches": 0, "workers": 0}


@contextmanager
def watched(page: Page, site: ServedSite) -> Iterator[list[str]]:
    """Collect console messages, errors, and requests that fail or leave the site."""
    seen: list[str] = []
    # The browser logs the intentional 404 page as a network error.
    page.on("console", lambda message: seen.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: seen.append(f"pageerror: {error}"))
    page.on(
        "request", lambda request: seen.append(f"foreign: {request.url}") if is_foreign(request.url, site) else None
    )
    page.on("response", lambda answer: seen.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else None)
    yield seen


def is_foreign(address: str, site: ServedSite) -> bool:
    return not address.startswith(f"{site.url}/")


def test_pages_load_without_errors_stored_data_or_third_party_requests(
    browser: Browser, served_site: ServedSite
) -> None:
    with open_tab(browser, PHONE) as page, watched(page, served_site) as seen:
        for path in (path for path in public_paths(served_site) if "no-such" not in path and "code=" not in path):
            page.goto(served_site.url + path)
            assert (path, page.evaluate(STORED)) == (path, NOTHING)
        cookies = page.context.cookies()

    assert seen == []
    assert cookies == []


@pytest.mark.smoke
def test_using_a_page_causes_no_errors_and_stores_nothing(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE) as page, watched(page, served_site) as seen:
        page.goto(f"{served_site.url}/the-procedure-in-x-ray-pictures/")
        page.locator(".menu__button summary").click()
        series = page.locator(".folded-section", has=page.locator(".series")).first
        series.locator(".folded-section__summary").first.click()
        series.locator(".figure__radio--drawing").first.check()
        page.locator("main details summary").first.click()
        page.locator(".figure__entry").first.hover()
        page.locator("footer").scroll_into_view_if_needed()
        page.evaluate("window.scrollTo(0, 0)")
        page.locator(".menu__button summary").click()
        page.locator(".menu__button summary").click()
        page.locator(".menu__links").get_by_text("Search").click()
        page.locator("#search").fill("cement")
        page.locator("#search").press("Enter")
        page.wait_for_url("**/search/?q=cement")
        page.locator(".results__link").first.click()
        page.wait_for_load_state()
        stored, cookies = page.evaluate(STORED), page.context.cookies()

    assert (seen, stored, cookies) == ([], NOTHING, [])


def test_watcher_detects_scripts_styles_and_requests_blocked_by_the_policy(
    browser: Browser, served_site: ServedSite
) -> None:
    with open_tab(browser, PHONE) as page, watched(page, served_site) as seen:
        page.goto(f"{served_site.url}/")
        page.evaluate(
            """() => {
              for (const [tag, text] of [["script", "window.ran = true"], ["style", "body { color: red }"]]) {
                document.head.append(Object.assign(document.createElement(tag), { textContent: text }));
              }
              document.body.append(Object.assign(new Image(), { src: "https://tracker.example/dot.gif" }));
            }"""
        )
        page.wait_for_timeout(100)
        ran = page.evaluate("window.ran")

    assert ran is None
    assert sum("script-src" in sentence for sentence in seen) == 1
    assert sum("style-src" in sentence for sentence in seen) == 1
    assert sum("img-src" in sentence for sentence in seen) == 1
