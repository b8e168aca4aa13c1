"""Every public page with the keyboard alone."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from tests.browser.public_helpers import DESKTOP, PHONE, open_tab, public_paths, visit
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser

MAX_STEPS = 800
# A radio group is one tab stop: the selected button. A scrollable row is a tab stop, so that arrow keys can scroll it.
EXPECTED = """() => {
  const stops = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')];
  const reachable = stops.filter((e) => e.checkVisibility({visibilityProperty: true}))
    .filter((e) => e.tabIndex >= 0)
    .filter((e) => e.type !== "radio" || e.checked || !(e.form ?? document).querySelector(`[name="${e.name}"]:checked`) &&
      e === (e.form ?? document).querySelector(`[name="${e.name}"]`));
  reachable.forEach((e, place) => { e.dataset.stop = place; });
  return reachable.length;
}"""
# The focused element, whether its focus ring is visible, and whether a sticky element covers it.
FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  const [width, height] = [Math.min(box.width, innerWidth), Math.min(box.height, 40)];
  const at = document.elementFromPoint(box.left + width / 2, box.top + height / 2);
  return {
    stop: e.dataset.stop === undefined ? -1 : Number(e.dataset.stop),
    name: `${e.tagName.toLowerCase()} ${(e.textContent || e.name || "").trim().replace(/\\s+/g, " ").slice(0, 40)}`,
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    covered: Boolean(at) && !e.contains(at) && !at.contains(e) && Boolean(at.closest(".site-header, .contents, .skip-link")),
  };
}"""


def walk(page: Page) -> tuple[int, list[dict[str, Any]]]:
    """Press Tab from the top until the focus leaves the page, and return (expected number of stops, actual stops)."""
    expected = page.evaluate(EXPECTED)
    steps: list[dict[str, Any]] = []
    while len(steps) < MAX_STEPS:
        page.keyboard.press("Tab")
        here = page.evaluate(FOCUSED)
        if here is None or (steps and here["stop"] == steps[0]["stop"]):
            return expected, steps
        steps.append(here)
    return expected, steps


ONE_OF_EACH = ["/", "/kyphoplasty/", "/visits/kyphoplasty-consult/", "/glossary/", "/contact/", "/search/?q=cement"]


@pytest.mark.parametrize(("size", "paths"), [(PHONE, None), (DESKTOP, ONE_OF_EACH)], ids=["phone", "desk"])
def test_tab_reaches_every_control_in_order_visibly_and_leaves_the_page(
    browser: Browser, served_site: ServedSite, size: ViewportSize, paths: list[str] | None
) -> None:
    wrong: dict[str, Any] = {}
    with open_tab(browser, size, reduced_motion="reduce") as page:
        for path in paths or public_paths(served_site, language="en"):
            visit(page, served_site, path)
            expected, steps = walk(page)
            if [step["stop"] for step in steps] != list(range(expected)):
                wrong[path] = f"{len(steps)} stops of {expected}", [s["name"] for s in steps if s["stop"] == -1]
            unseen = [step for step in steps if not (step["ring"] and step["inside"]) or step["covered"]]
            if unseen:
                wrong[f"{path} unseen"] = unseen[:3]

    assert wrong == {}


@pytest.mark.smoke
def test_first_tab_stop_skips_to_the_text(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE) as page:
        for path in [*ONE_OF_EACH, "/es/cifoplastia/", "/no-such-page/"]:
            visit(page, served_site, path)
            page.keyboard.press("Tab")
            skip = page.locator(".skip-link")
            assert page.evaluate("document.activeElement.className") == "skip-link", path
            box = skip.bounding_box()
            assert box is not None, path
            assert box["y"] >= 0, path
            page.keyboard.press("Enter")
            assert page.evaluate("document.activeElement.id") == "main", path


def test_next_tab_stop_after_skipping_is_in_the_text(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE) as page:
        visit(page, served_site, "/kyphoplasty/")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")

        assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_menu_opens_and_closes_by_key(browser: Browser, served_site: ServedSite, key: str) -> None:
    with open_tab(browser, PHONE) as page:
        visit(page, served_site, "/")
        links = page.locator(".menu__links a")
        assert not links.first.is_visible()

        page.locator(".menu__button summary").focus()
        page.keyboard.press(key)
        assert links.first.is_visible()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('.menu__list') !== null")

        page.keyboard.press("Shift+Tab")
        page.keyboard.press(key)
        assert not links.first.is_visible()


@pytest.mark.smoke
def test_arrow_keys_switch_between_x_ray_and_drawing(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE) as page:
        visit(page, served_site, "/kyphoplasty/")
        figure = page.locator("figure.figure").first
        film, drawing = figure.locator(".figure__stage--image"), figure.locator(".figure__stage--second")
        assert (film.is_visible(), drawing.is_visible()) == (True, False)

        figure.locator(".figure__radio").first.focus()
        page.keyboard.press("ArrowRight")
        assert (film.is_visible(), drawing.is_visible()) == (False, True)

        page.keyboard.press("ArrowLeft")
        assert (film.is_visible(), drawing.is_visible()) == (True, False)


def test_switching_one_picture_does_not_switch_the_others(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE) as page:
        visit(page, served_site, "/pictures/")
        page.locator(".figure__radio--drawing").first.check()

        assert page.locator(".figure__radio--drawing:checked").count() == 1


def test_picture_description_opens_by_key(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE) as page:
        visit(page, served_site, "/kyphoplasty/")
        words = page.locator(".figure__description p").first
        assert not words.is_visible()

        page.locator(".figure__summary").first.focus()
        page.keyboard.press("Enter")

        assert words.is_visible()


@pytest.mark.smoke
def test_search_and_code_forms_submit_with_enter(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE) as page:
        visit(page, served_site, "/search/")
        page.locator("#search").focus()
        page.keyboard.type("needle")
        page.keyboard.press("Enter")
        page.wait_for_url("**/search/?q=needle")

        visit(page, served_site, "/")
        page.locator("#code").focus()
        page.keyboard.type("abc")
        page.keyboard.press("Enter")
        page.wait_for_url("**/p/?code=abc")
        assert page.locator("#code-error").is_visible()
