"""The first minute on a phone, and how long the pages are, with folded sections closed."""

from typing import Any

import pytest
from playwright.sync_api import Browser, ViewportSize

from tests.browser.public_helpers import open_tab, public_paths, visit
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser

PHONE: ViewportSize = {"width": 390, "height": 740}
# Phone screens up to the end of the title, the key points, and the emergency signs. Spanish needs more words.
MAX_FIRST_SCREENS = {"en": 2.0, "es": 2.3}
# Pages of kind "about" have no medical content, so they do not list emergency signs.
ABOUT = {f"{language}/{name}/" for language in ("", "/es") for name in ("about", "contact", "glossary", "pictures")}
# Pages without key points: phone numbers and a list.
WITHOUT_SHORT_VERSION = {path for path in ABOUT if "contact" in path or "glossary" in path}
# The maximum length in phone screens by type of page. The goals are lower: topics 8, guides 6, choices 10. The open list
# of all signs takes four screens; elsewhere it is folded.
MAX_SCREENS = {
    "contact": 4.0,
    "choices": 12.0,
    "all signs": 11.5,
    "guide": 8.0,
    "guide, all signs": 11.5,
    "topic": 10.5,
}
# Spanish needs more and longer words.
SPANISH_FACTOR = 1.13
MAX_LINKS = 40
# Each of their numbers cites a source.
OF_NUMBERS = {"/complications-and-risks/", "/es/complicaciones-y-riesgos/"}
# Their length depends on their entries, and each letter links back to the letters.
LISTS = {"/glossary/", "/es/glossary/"}

MEASURE = """() => {
  const boxes = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.getClientRects().length)
    .map((e) => e.getBoundingClientRect());
  const screens = (pixels) => pixels === undefined ? null : pixels / innerHeight;
  return {
    call: screens(boxes("main a[href='tel:911']")[0]?.bottom),
    short_version: screens(boxes(".key-points")[0]?.bottom),
    signs: screens(boxes(".warning-signs--top")[0]?.bottom),
    picture: screens(boxes("main figure img, main figure svg")[0]?.top),
    status: screens(boxes(".page-status")[0]?.top),
    title: screens(boxes("h1")[0]?.bottom),
    links: [...document.querySelectorAll("main a[href]")].filter((e) => e.checkVisibility()).length,
    length: screens(document.documentElement.scrollHeight),
    has_all_signs: boxes(".warning-signs").length > 0,
    is_choice: boxes("table.choices").length > 0,
  };
}"""


@pytest.fixture(scope="module")
def measured(browser: Browser, served_site: ServedSite) -> dict[str, dict[str, Any]]:
    """The ends of the parts of each released page and the start of its first picture, in phone screens."""
    found = {}
    with open_tab(browser, PHONE) as page:
        for path in public_paths(served_site, only_articles=True):
            visit(page, served_site, path)
            found[path] = page.evaluate(MEASURE)
    return found


def shape(path: str, page: dict[str, Any]) -> str:
    """Return the type of page that determines the length limit."""
    if path in {"/contact/", "/es/contact/"}:
        return "contact"
    if "/visits/" in path:
        return "guide"
    return "choices" if page["is_choice"] else "all signs" if page["has_all_signs"] else "topic"


def test_first_screen_says_whom_to_call_in_an_emergency(measured: dict[str, dict[str, Any]]) -> None:
    assert {path: page["call"] for path, page in measured.items() if not page["call"] or page["call"] > 1} == {}


def test_first_screens_show_the_key_points_then_the_emergency_signs(
    measured: dict[str, dict[str, Any]],
) -> None:
    assert measured.keys() >= ABOUT
    late = {}
    for path, page in measured.items():
        short_version, signs = page["short_version"], page["signs"]
        limit = MAX_FIRST_SCREENS["es" if path.startswith("/es/") else "en"]
        if path in ABOUT:
            is_right = signs is None and (short_version is None) == (path in WITHOUT_SHORT_VERSION)
            is_right = is_right and (short_version or 0) <= limit
        else:
            is_right = page["title"] <= page["status"] < (short_version or 0) < (signs or 0) <= limit
        if not is_right:
            late[path] = page
    assert late == {}


def test_box_that_says_call_911_shows_its_signs_at_every_width(browser: Browser, served_site: ServedSite) -> None:
    for width in (390, 768, 1366, 1920):
        with open_tab(browser, {"width": width, "height": 768}) as page:
            for path in ("/nerve-damage-warning-signs/", "/recovery/", "/kyphoplasty/"):
                visit(page, served_site, path)
                signs = page.locator(".warning-signs--top > ul > li")
                shown = signs.evaluate_all("(all) => all.map((e) => e.checkVisibility() && e.offsetHeight > 0)")
                assert (width, path, len(shown) > 5, all(shown)) == (width, path, True, True)


def test_no_picture_comes_before_the_emergency_signs(measured: dict[str, dict[str, Any]]) -> None:
    pages = {path: page for path, page in measured.items() if path not in WITHOUT_SHORT_VERSION}
    assert len([page for page in pages.values() if page["picture"]]) > len(pages) / 2
    assert {
        p: page for p, page in pages.items() if (page["picture"] or 99) < (page["signs"] or page["short_version"])
    } == {}


def test_fewer_than_40_links_are_visible_before_opening_a_section(measured: dict[str, dict[str, Any]]) -> None:
    many = {path: page["links"] for path, page in measured.items() if page["links"] >= MAX_LINKS}
    assert {path: links for path, links in many.items() if path not in OF_NUMBERS | LISTS} == {}


def test_no_page_exceeds_its_length_limit(measured: dict[str, dict[str, Any]]) -> None:
    shapes = {path: shape(path, page) for path, page in measured.items() if path not in LISTS}
    # Contact, choices, and all signs (nerves and recovery, which folds the list), each in two languages.
    assert [list(shapes.values()).count(s) for s in ("contact", "choices", "all signs")] == [2, 2, 4]
    long = {}
    for path, name in shapes.items():
        limit = MAX_SCREENS[name] * (SPANISH_FACTOR if path.startswith("/es/") else 1)
        if measured[path]["length"] > limit:
            long[path] = round(measured[path]["length"], 2)
    assert long == {}
