"""Common tasks from the home page on a phone, measured in taps and screens of scrolling."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize

from tests.browser.public_helpers import open_tab, visit
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser

PHONE: ViewportSize = {"width": 390, "height": 740}
MAX_TAPS, MAX_SCREENS = 2, 2.0


class Reader:
    """A reader who scans from top to bottom and taps links."""

    def __init__(self, page: Page) -> None:
        self.page, self.taps, self.pixels = page, 0, 0.0

    def find(self, what: Locator) -> None:
        """Scroll down until the element is entirely visible, if necessary."""
        box = what.bounding_box()
        assert box is not None
        distance = max(0.0, box["y"] + box["height"] - PHONE["height"])
        self.page.mouse.wheel(0, distance)
        self.page.wait_for_timeout(100)
        self.pixels += distance

    def tap(self, what: Locator) -> None:
        """Scroll to an element and tap it."""
        self.find(what)
        what.click()
        self.taps += 1
        self.page.wait_for_load_state()

    @property
    def screens(self) -> float:
        """Return the number of screens scrolled so far."""
        return self.pixels / PHONE["height"]


def find_night_number(reader: Reader) -> None:
    page = reader.page
    reader.tap(page.locator(".menu__button summary"))
    reader.tap(page.locator(".menu__links").get_by_text("Contact"))
    reader.find(page.locator(".phones__button--night"))


def find_what_to_lift(reader: Reader) -> None:
    page = reader.page
    reader.tap(page.get_by_role("link", name="I'm back home"))
    reader.tap(page.locator(".key-points").get_by_role("link", name="lift"))
    reader.find(page.get_by_text("10 pounds").first)


def find_whether_a_numb_leg_is_an_emergency(reader: Reader) -> None:
    page = reader.page
    reader.tap(page.get_by_role("link", name="Nerve damage"))
    reader.find(page.locator(".warning-signs--top li", has_text="leg").last)
    reader.tap(page.get_by_role("link", name="See all warning signs"))
    reader.find(page.locator(".care-card--emergency li", has_text="leg").first)


def compare_pain_relief(reader: Reader) -> None:
    page = reader.page
    reader.tap(page.get_by_role("link", name="I'm choosing a treatment"))
    reader.tap(page.get_by_role("link", name="Compare your choices"))
    reader.find(page.locator(".choices__group").first.locator(".choices__cell").last)


def print_what_to_do_after(reader: Reader) -> None:
    page = reader.page
    reader.tap(page.get_by_role("link", name="I'm back home"))
    reader.tap(page.get_by_role("button", name="Print"))
    # Printing waits for the pictures. Poll, because the content policy blocks the eval in wait_for_function().
    until = time.monotonic() + 10
    while not page.evaluate("window.printed") and time.monotonic() < until:
        page.wait_for_timeout(50)
    assert page.evaluate("window.printed") == 1


@pytest.mark.parametrize(
    "task",
    [
        find_night_number,
        find_what_to_lift,
        find_whether_a_numb_leg_is_an_emergency,
        compare_pain_relief,
        print_what_to_do_after,
    ],
)
def test_every_task_takes_at_most_two_taps_and_two_screens_of_scrolling(
    browser: Browser, served_site: ServedSite, task: Callable[[Reader], None]
) -> None:
    with open_tab(browser, PHONE) as page:
        page.add_init_script("window.printed = 0; window.print = () => { window.printed += 1; };")
        visit(page, served_site, "/")
        reader = Reader(page)
        task(reader)

    assert (reader.taps <= MAX_TAPS, reader.screens <= MAX_SCREENS) == (True, True), (reader.taps, reader.screens)
