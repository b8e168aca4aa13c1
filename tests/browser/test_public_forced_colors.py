"""Markers, focus rings, and borders stay visible with forced colors (Windows high contrast)."""

import io
import math
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser.public_helpers import PHONE, open_tab, visit
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser

WHITE, BLACK = "rgb(255, 255, 255)", "rgb(0, 0, 0)"


@pytest.fixture
def contrast(browser: Browser) -> Iterator[Page]:
    """A phone with forced colors."""
    with open_tab(browser, PHONE, forced_colors="active") as page:
        yield page


def test_markers_keep_white_ring_black_disc_and_white_number(contrast: Page, served_site: ServedSite) -> None:
    visit(contrast, served_site, "/kyphoplasty/")

    def fills(part: str) -> set[str]:
        return set(contrast.locator(part).evaluate_all("(all) => all.map((e) => getComputedStyle(e).fill)"))

    assert contrast.evaluate("matchMedia('(forced-colors: active)').matches")
    assert fills(".marker__rim") == {WHITE}
    assert fills(".marker__disc") == {BLACK}
    assert fills(".marker__number") == {WHITE}


def test_markers_are_visible_on_the_picture(browser: Browser, served_site: ServedSite) -> None:
    # Four pixels per CSS pixel, so that a ring of two CSS pixels can be measured inside its edges.
    with open_tab(browser, PHONE, forced_colors="active", device_scale_factor=4) as page:
        page.goto(f"{served_site.url}/kyphoplasty/")
        mark = page.locator(".figure__stage--image .marker").first
        rim, disc = mark.locator(".marker__rim"), mark.locator(".marker__disc")
        rim.scroll_into_view_if_needed()
        box, inner = rim.bounding_box(), disc.bounding_box()
        assert box is not None
        assert inner is not None
        # Use whole pixels, because a screenshot rounds fractions, which would shift the center of the marker.
        left, top = math.floor(box["x"]), math.floor(box["y"])
        shot = page.screenshot(clip={"x": left, "y": top, "width": 40, "height": 40})
        picture = Image.open(io.BytesIO(shot)).convert("L")

    center_x, center_y = 4 * (box["x"] + box["width"] / 2 - left), 4 * (box["y"] + box["height"] / 2 - top)
    disc_radius, rim_radius = 2 * inner["width"], 2 * box["width"]
    rays = [2 * math.pi * step / 48 for step in range(48)]

    def gray(radius: float, angle: float) -> int:
        """Return the gray value, 0 to 255, at a distance in picture pixels from the center of the marker."""
        x, y = center_x + radius * math.cos(angle), center_y + radius * math.sin(angle)
        value = picture.getpixel((min(int(x), picture.width - 1), min(int(y), picture.height - 1)))
        assert isinstance(value, int)
        return value

    ring = [max(gray(radius, angle) for radius in range(int(disc_radius), int(rim_radius))) for angle in rays]
    edge = [gray(0.93 * disc_radius, angle) for angle in rays]
    number = [gray(radius, angle) for radius in range(int(0.6 * disc_radius)) for angle in rays]

    # A leader line can cross the ring at one place. The font decides how much of the disc the number covers.
    assert sum(value > 215 for value in ring) >= 44
    assert sum(value < 40 for value in edge) >= 44
    assert sum(value > 215 for value in number) > 0.03 * len(number)
    assert sum(value < 40 for value in number) > 0.3 * len(number)


def test_list_numbers_contrast_with_their_background(contrast: Page, served_site: ServedSite) -> None:
    visit(contrast, served_site, "/kyphoplasty/")
    pairs = contrast.locator(".figure__entry").evaluate_all(
        """(all) => all.map((e) => getComputedStyle(e, "::before"))
            .map((style) => [style.color, style.backgroundColor, style.borderTopStyle])"""
    )

    assert [pair for pair in pairs if pair[0] == pair[1] or pair[2] != "solid"] == []
    assert pairs != []


def test_buttons_and_fields_keep_a_border(contrast: Page, served_site: ServedSite) -> None:
    visit(contrast, served_site, "/")
    contrast.locator(".menu__button summary").click()
    edges = contrast.locator("button:visible, input:visible, a.phone-button:visible").evaluate_all(
        """(all) => all.map((e) => [e.className, getComputedStyle(e)])
            .map(([name, style]) => [name, style.borderTopStyle, parseFloat(style.borderTopWidth)])"""
    )

    assert [edge for edge in edges if edge[1] == "none" or edge[2] < 1] == []
    assert len(edges) >= 4


def test_focus_ring_stays_visible(contrast: Page, served_site: ServedSite) -> None:
    visit(contrast, served_site, "/")
    for _ in range(4):
        contrast.keyboard.press("Tab")
        style = contrast.evaluate(
            """() => {
              const style = getComputedStyle(document.activeElement);
              return [style.outlineStyle, parseFloat(style.outlineWidth)];
            }"""
        )
        assert style[0] == "solid"
        assert style[1] >= 2


def test_urgency_is_expressed_in_words_not_color(contrast: Page, served_site: ServedSite) -> None:
    visit(contrast, served_site, "/nerve-damage-warning-signs/")
    titles = contrast.locator(
        ".care-card--emergency .care-card__title, .care-card--urgent .care-card__title"
    ).all_text_contents()  # includes titles in closed sections, which all_inner_texts() would miss

    assert titles != []
    assert [title for title in titles if "911" not in title and "call" not in title.casefold()] == []
