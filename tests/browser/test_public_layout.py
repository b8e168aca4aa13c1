"""Type and target sizes for old eyes and shaky hands on every public page. Each page is opened once."""

from typing import Any

import pytest
from playwright.sync_api import Browser, ViewportSize

from tests.browser.public_helpers import BOOKLET, DESKTOP, NARROW, PHONE, open_tab, public_paths, visit
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser

SMALLEST_TARGET = 44
SMALLEST_TYPE = 19
# The viewport of a common phone.
SCREEN: ViewportSize = {"width": 390, "height": 740}
HEADER_HEIGHT, MAX_HEADER_HEIGHT = 57, 64  # with its bottom border

TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const kept = (e) => e && (/auto|scroll|hidden|clip/.test(getComputedStyle(e).overflowX) || kept(e.parentElement));
  const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > room + .5);
  const names = wide.filter((e) => !kept(e.parentElement)).map((e) => e.outerHTML.slice(0, 80));
  return [`${document.documentElement.scrollWidth} px`, ...names];
}"""
# Text that is clipped by its own box and cannot be scrolled to.
CUT_OFF = """() => [...document.querySelectorAll("body *")]
  .filter((e) => e.checkVisibility() && !e.closest("svg, .visually-hidden") && /hidden|clip/.test(getComputedStyle(e).overflowX))
  .filter((e) => e.innerText && e.scrollWidth > e.clientWidth + 1).map((e) => e.outerHTML.slice(0, 80))"""
# A link inside a sentence is as tall as its line, which WCAG 2.5.5 allows.
SMALL_TARGETS = """(least) => {
  const around = (e) => e.parentElement.closest("p, li, dd, dt, h3, td, address").innerText.trim();
  const inSentence = (e) => e.tagName === "A" && ["inline", "inline-block"].includes(getComputedStyle(e).display)
    && around(e).length > e.innerText.trim().length;
  const target = (e) => (e.type === "radio" || e.type === "checkbox") ? e.closest("label") : e;
  return [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
    .filter((e) => e.checkVisibility() && !e.closest(".skip-link") && !inSentence(e))
    .map((e) => [target(e), target(e).getBoundingClientRect()])
    .filter(([, box]) => box.width < least - .5 || box.height < least - .5)
    .map(([e, box]) => `${Math.round(box.width)}×${Math.round(box.height)} ${e.tagName} “${e.innerText.trim()}”`);
}"""
SMALL_TYPE = """(least) => {
  const found = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const note = (e, words) => {
    const size = parseFloat(getComputedStyle(e).fontSize);
    if (size < least) found.add(`${size} px ${e.tagName}.${e.getAttribute("class")} “${words.trim().slice(0, 30)}”`);
  };
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, words = walk.currentNode.textContent;
    if (words.trim() && e.checkVisibility() && !e.closest(".visually-hidden")) note(e, words);
  }
  document.querySelectorAll("input:not([type=radio])").forEach((e) => { if (e.checkVisibility()) note(e, e.id); });
  return [...found];
}"""
# Lower edges of what the first screen must show; 0 for optional parts.
ENDS = """() => {
  const end = (selector, none) => Math.round(document.querySelector(selector)?.getBoundingClientRect().bottom ?? none);
  return {
    header: end(".site-header", 9999), title: end("h1", 9999), message: end(".page__message", 0),
    phone: end(".site-header a[href^='tel:']", 9999), emergency: end(".page-top a[href='tel:911']", 9999),
  };
}"""
OPEN_ALL = "document.querySelectorAll('details').forEach((part) => { part.open = true; })"
TYPE_TWICE_AS_LARGE = "document.documentElement.style.fontSize = '200%'"
# The text spacing that WCAG 1.4.12 asks for. It also stands for fonts that are wider than the one of the test machine.
TEXT_SPACING = """() => {
  Object.assign(document.body.style, { lineHeight: "1.5", letterSpacing: ".12em", wordSpacing: ".16em" });
}"""
USUAL_TYPE = """() => {
  document.documentElement.style.fontSize = "";
  document.body.removeAttribute("style");
}"""
Survey = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def found(browser: Browser, served_site: ServedSite) -> Survey:
    """Every measurement by name, then by page. Each page is opened once and resized: phones, 320 pixels, a desktop."""
    found: Survey = {}
    with open_tab(browser, SCREEN) as page:

        def note(name: str, script: str, value: int | None = None) -> None:
            found.setdefault(name, {})[path] = page.evaluate(script, value)

        for path in public_paths(served_site):
            page.set_viewport_size(SCREEN)
            visit(page, served_site, path)
            note("first screen", ENDS)
            page.evaluate(OPEN_ALL)
            page.set_viewport_size(PHONE)
            note("phone: too wide", TOO_WIDE)
            note("phone: small targets", SMALL_TARGETS, SMALLEST_TARGET)
            note("phone: small type", SMALL_TYPE, SMALLEST_TYPE)
            page.evaluate(TYPE_TWICE_AS_LARGE)
            note("phone: too wide in large type", TOO_WIDE)
            page.evaluate(TEXT_SPACING)
            note("phone: too wide in large, spaced type", TOO_WIDE)
            page.evaluate(USUAL_TYPE)
            # Also 1280 pixels at 400% zoom.
            page.set_viewport_size(NARROW)
            note("narrow: too wide", TOO_WIDE)
            note("narrow: cut off", CUT_OFF)
            page.set_viewport_size(DESKTOP)
            note("desk: too wide", TOO_WIDE)
            note("desk: small type", SMALL_TYPE, SMALLEST_TYPE)
    return found


def faults(measured: Survey, name: str) -> dict[str, Any]:
    """Return the nonempty findings by page."""
    assert len(measured[name]) > 20
    return {path: value for path, value in measured[name].items() if value}


def test_no_page_scrolls_sideways_at_320_px_and_at_400_percent(found: Survey) -> None:
    assert faults(found, "narrow: too wide") == {}


def test_no_page_scrolls_sideways_on_a_phone(found: Survey) -> None:
    assert faults(found, "phone: too wide") == {}


def test_no_page_scrolls_sideways_on_a_desktop(found: Survey) -> None:
    assert faults(found, "desk: too wide") == {}


def test_no_page_scrolls_sideways_on_a_phone_with_doubled_type(found: Survey) -> None:
    assert faults(found, "phone: too wide in large type") == {}


def test_no_page_scrolls_sideways_on_a_phone_with_doubled_and_spaced_type(found: Survey) -> None:
    assert faults(found, "phone: too wide in large, spaced type") == {}


def test_no_text_is_clipped_at_320_px(found: Survey) -> None:
    assert faults(found, "narrow: cut off") == {}


def test_every_target_on_a_phone_is_44_px_or_larger(found: Survey) -> None:
    assert faults(found, "phone: small targets") == {}


def test_all_type_on_a_phone_is_19_px_or_larger(found: Survey) -> None:
    assert faults(found, "phone: small type") == {}


def test_all_type_on_a_desktop_is_19_px_or_larger(found: Survey) -> None:
    assert faults(found, "desk: small type") == {}


def test_header_is_one_row_and_first_screens_have_title_phone_and_911(found: Survey) -> None:
    ends: dict[str, dict[str, int]] = {
        # A booklet has many messages, each with its own text.
        path: {**parts, "message": 0 if path.endswith(BOOKLET) else parts["message"]}
        for path, parts in found["first screen"].items()
    }
    needed = ("title", "message", "phone", "emergency")

    assert {parts["header"] for parts in ends.values()} == {HEADER_HEIGHT}
    assert {path: p for path, p in ends.items() if max(p[name] for name in needed) > SCREEN["height"]} == {}
    assert len(ends) > 40


# From a small phone to a large desktop. At 1152 and 1280, the layout of the menu changes.
WIDTHS = (360, 390, 640, 768, 1024, 1152, 1279, 1280, 1366, 1920)


def test_header_is_one_row_at_every_width(browser: Browser, served_site: ServedSite) -> None:
    usual: dict[tuple[str, int], int] = {}
    large: dict[tuple[str, int], int] = {}
    for width in WIDTHS:
        with open_tab(browser, {"width": width, "height": 800}) as page:
            for path in ("/", "/es/"):
                visit(page, served_site, path)
                usual[path, width] = page.evaluate(ENDS)["header"]
                page.evaluate("document.documentElement.style.fontSize = '150%'")
                large[path, width] = page.evaluate(ENDS)["header"]

    # The header counts as one row even if the name takes three lines.
    assert {place: height for place, height in usual.items() if height > MAX_HEADER_HEIGHT} == {}
    assert {place: height for place, height in large.items() if height > 1.25 * MAX_HEADER_HEIGHT} == {}


@pytest.mark.parametrize("width", [360, 390])
def test_doubled_type_keeps_the_title_on_the_first_screen(
    browser: Browser, served_site: ServedSite, width: int
) -> None:
    with open_tab(browser, {"width": width, "height": 740}) as page:
        visit(page, served_site, "/kyphoplasty/")
        page.evaluate(TYPE_TWICE_AS_LARGE)
        parts = page.evaluate(ENDS)

    assert parts["header"] <= 2 * HEADER_HEIGHT
    assert parts["title"] <= 740 / 2


def test_browser_setting_of_200_percent_doubles_the_header_and_keeps_the_title_on_the_first_screen(
    large_text_browser: Browser, served_site: ServedSite
) -> None:
    with open_tab(large_text_browser, SCREEN) as page:
        for path in ("/", "/kyphoplasty/", "/recovery/", "/es/cifoplastia/"):
            visit(page, served_site, path)
            sizes = page.locator(".site-header :is(.phone-button, summary), .page-top a").evaluate_all(
                "(all) => all.map((e) => parseFloat(getComputedStyle(e).fontSize))"
            )
            ends = page.evaluate(ENDS)

            assert (path, min(sizes) >= 1.9 * SMALLEST_TYPE) == (path, True)
            assert (path, max(ends["title"], ends["emergency"]) <= SCREEN["height"]) == (path, True)
            assert page.evaluate(TOO_WIDE) == []


def test_measurements_detect_small_wide_and_clipped_elements(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE) as page:
        visit(page, served_site, "/")
        page.evaluate(
            """() => {
              const words = document.createElement("p"), link = document.createElement("a");
              Object.assign(words.style, {fontSize: "18px", width: "500px"});
              Object.assign(link, {href: "/", textContent: "tiny"});
              words.append(link);
              const box = Object.assign(document.createElement("p"), {textContent: "x".repeat(200)});
              Object.assign(box.style, {width: "100px", overflow: "hidden", overflowWrap: "normal"});
              document.querySelector("main").append(words, box);
            }"""
        )

        assert len(page.evaluate(SMALL_TARGETS, SMALLEST_TARGET)) == 1
        assert len(page.evaluate(SMALL_TYPE, SMALLEST_TYPE)) == 1
        assert len(page.evaluate(TOO_WIDE)) == 2
        assert len(page.evaluate(CUT_OFF)) == 1


@pytest.mark.smoke
def test_phone_number_stays_visible_while_reading(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE) as page:
        visit(page, served_site, "/kyphoplasty/")
        page.evaluate("window.scrollTo(0, 3000)")
        box = page.locator(".site-header a[href^='tel:']").bounding_box()

        assert box is not None
        assert 0 <= box["y"] < 100


def test_header_scrolls_away_when_zoomed(browser: Browser, served_site: ServedSite) -> None:
    """At 400% zoom, 1280 × 800 becomes 320 × 200, where a sticky header would cover the text."""
    with open_tab(browser, {"width": 320, "height": 200}) as page:
        visit(page, served_site, "/kyphoplasty/")
        page.evaluate("window.scrollTo(0, 3000)")

        assert page.locator(".site-header").evaluate("(e) => e.getBoundingClientRect().bottom") <= 0


def test_section_link_does_not_hide_the_heading_under_the_header(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE) as page:
        visit(page, served_site, "/kyphoplasty/#risks")
        heading = page.locator("#risks").bounding_box()
        header = page.locator(".site-header").bounding_box()

        assert heading is not None
        assert header is not None
        assert header["y"] + header["height"] <= heading["y"] < PHONE["height"] / 2


def test_wide_screen_has_contents_next_to_the_text(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, DESKTOP) as page:
        visit(page, served_site, "/kyphoplasty/")
        contents = page.locator(".contents").bounding_box()
        body = page.locator(".page__body").bounding_box()

        assert contents is not None
        assert body is not None
        assert body["x"] + body["width"] <= contents["x"]
        text = page.locator(".page__body > p").first
        width = text.evaluate("(e) => e.getBoundingClientRect().width / parseFloat(getComputedStyle(e).fontSize)")
        assert 20 < width <= 32
