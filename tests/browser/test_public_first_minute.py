"""The first minute on a phone, and how long the pages are, with folded sections closed."""

import pytest
from playwright.sync_api import Browser, ViewportSize

from tests.browser.public_helpers import open_tab, public_paths, visit
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser

PHONE: ViewportSize = {"width": 390, "height": 740}
# Screens of a phone, from the top of the page to its end.
MAX_SCREENS = {"/treatment-choices/": 15.0, "/glossary/": 40.0, "guide": 6.0, "": 12.0}
POSITIONS = """() => {
  const bottom = (selector) => document.querySelector(selector)?.getBoundingClientRect().bottom ?? Infinity;
  const call = document.querySelector("main a[href^='tel:911'], .page-top a[href^='tel:911']");
  return {
    short_version: bottom(".key-points"), signs: bottom(".warning-signs--top"),
    picture: document.querySelector("main figure img, main figure svg")?.getBoundingClientRect().top ?? Infinity,
    emergency: call ? call.getBoundingClientRect().bottom : Infinity, length: document.documentElement.scrollHeight,
  };
}"""


def max_screens(path: str) -> float:
    path = path.removeprefix("/es")
    return MAX_SCREENS.get("guide" if path.startswith("/visits/") else path, MAX_SCREENS[""])


def test_two_screens_hold_the_short_version_and_the_emergency_signs(browser: Browser, served_site: ServedSite) -> None:
    late = {}
    with open_tab(browser, PHONE) as page:
        for path in public_paths(served_site, only_articles=True):
            visit(page, served_site, path)
            found = page.evaluate(POSITIONS)
            if not (
                found["emergency"] <= PHONE["height"]
                and found["short_version"] < found["signs"] <= 2 * PHONE["height"]
                and found["signs"] < found["picture"]
            ):
                late[path] = found
    assert late == {}


def test_no_page_is_longer_than_its_budget(browser: Browser, served_site: ServedSite) -> None:
    long = {}
    with open_tab(browser, PHONE) as page:
        for path in public_paths(served_site, only_articles=True):
            visit(page, served_site, path)
            screens = page.evaluate("document.documentElement.scrollHeight") / PHONE["height"]
            if screens > max_screens(path):
                long[path] = round(screens, 1)
    assert long == {}
