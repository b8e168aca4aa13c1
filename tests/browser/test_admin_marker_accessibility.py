"""Accessibility of markers and the marker editor: axe, all sizes and color schemes, every gray, and no JavaScript."""

import io
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from portal.accounts.models import User
from procedures.branding import MIN_CONTRAST, contrast_ratio, relative_luminance
from procedures.figures.markers import load_markers, save_markers
from procedures.models import Figure
from tests.admin.marker_helpers import make_marker, markers_url, saved_version
from tests.browser.marker_helpers import open_marker_editor, wait_for_preview
from tests.browser.public_helpers import AXE, DESKTOP, NARROW, PHONE
from tests.browser.staff_helpers import AXE_FINDINGS, open_staff_tab

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("colors", ["light", "dark"])
def test_axe_finds_no_problem_and_nothing_is_wider_than_a_phone(
    browser: Browser, live_server: Any, figure: Figure, editor: User, colors: Any
) -> None:
    for size in (PHONE, DESKTOP):
        with open_staff_tab(browser, live_server.url, size, bypass_csp=True, color_scheme=colors) as made:
            made.sign_in(editor)
            open_marker_editor(made, figure)
            made.page.evaluate(AXE)
            made.page.get_by_label("Shape").first.select_option("region")
            made.page.evaluate("document.querySelectorAll('#content details').forEach((part) => { part.open = true; })")
            made.page.get_by_role("button", name="Add marker").click()

            assert made.page.evaluate(AXE_FINDINGS) == []
            assert made.page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_picture_and_label_are_both_visible_after_a_tap_at_every_width(
    browser: Browser, live_server: Any, figure: Figure, editor: User
) -> None:
    shown = """(selector) => {
      const {top, bottom, left} = document.querySelector(selector).getBoundingClientRect();
      const part = document.elementFromPoint(left + 4, (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2);
      return top >= -1 && bottom <= innerHeight + 1 && part?.closest(selector) !== null;
    }"""
    for width, height in ((390, 740), (1024, 768), (1280, 800)):
        with open_staff_tab(browser, live_server.url, {"width": width, "height": height}, has_touch=True) as made:
            made.sign_in(editor)
            open_marker_editor(made, figure)
            canvas = made.page.locator("[data-canvas]")
            # A tap without "Add marker" does not add a marker.
            canvas.tap(position={"x": 100, "y": 150})
            assert made.page.locator("[data-row]").count() == 2
            made.page.get_by_role("button", name="Add marker").tap()
            canvas.tap(position={"x": 100, "y": 150})
            assert made.page.locator("[data-row]").count() == 3
            made.page.keyboard.press("Escape")

            wait_for_preview(made)
            for name in ("label_en", "text_es", "label_en"):
                made.page.locator(f"[name=marks-2-{name}]").focus()
                made.page.wait_for_timeout(150)
                assert made.page.evaluate(shown, "[data-canvas]"), (width, height, name)
                assert made.page.evaluate(shown, f"[name=marks-2-{name}]"), (width, height, name)
            # The instructions stay with the picture.
            made.page.locator("[data-row]").last.get_by_role("button", name="Move the pointer").click()
            made.page.wait_for_timeout(150)
            for part in ("[data-canvas]", "[data-hint]", "[data-do=leave]"):
                assert made.page.evaluate(shown, part), (width, height, part)
            assert made.complaints == []


def test_markers_can_be_placed_with_fields_alone_without_javascript(
    browser: Browser, live_server: Any, figure: Figure, editor: User
) -> None:
    with open_staff_tab(browser, live_server.url, NARROW, java_script_enabled=False) as made:
        made.sign_in(editor)
        made.open(markers_url(figure))
        row = made.page.locator("[data-new]")
        for name, text in {
            "x": "15",
            "y": "80",
            "target_x": "40",
            "target_y": "70",
            "label_en": "Rib",
            "label_es": "Costilla",
        }.items():
            row.locator(f"[name$=-{name}]").fill(text)
        made.page.get_by_role("button", name="Save markers").click()

        expect(made.page.locator(".messagelist")).to_contain_text("Markers saved.")
        assert made.page.locator(".marker__rim").count() == 3
    assert [found.key for found in load_markers(figure)] == ["tip", "bone", "rib"]


def lightest_and_darkest(picture: Image.Image, x: float, y: float, reach: int = 5) -> tuple[float, float]:
    """Return the lowest and highest luminance around a spot."""
    spots = [(round(x) + dx, round(y) + dy) for dx in range(-reach, reach + 1) for dy in range(-reach, reach + 1)]
    levels = [relative_luminance(*picture.getpixel(spot)) for spot in spots]  # type: ignore[misc]
    return max(levels), min(levels)


@pytest.mark.parametrize("forced", ["none", "active"])
def test_drawn_markers_are_visible_on_every_gray(
    browser: Browser, live_server: Any, figure: Figure, editor: User, forced: Any
) -> None:
    marks = [
        make_marker("tip", x=0.15, y=0.15, target_x=0.4, target_y=0.15),
        make_marker("arrow", shape="arrow", x=0.15, y=0.4, target_x=0.4, target_y=0.4),
        make_marker("ring", shape="circle", x=0.15, y=0.65, target_x=0.5, target_y=0.65, size_x=0.1, size_y=0.1),
        make_marker("box", shape="region", x=0.15, y=0.9, target_x=0.5, target_y=0.88, size_x=0.2, size_y=0.2),
        make_marker(
            "free",
            shape="polygon",
            x=0.9,
            y=0.2,
            target_x=0.8,
            target_y=0.5,
            outline=((0.7, 0.4), (0.9, 0.4), (0.8, 0.7)),
        ),
    ]
    save_markers(figure, marks, expected_version=saved_version(figure))
    with open_staff_tab(browser, live_server.url, PHONE, forced_colors=forced) as made:
        made.sign_in(editor)
        open_marker_editor(made, figure)
        frame = made.page.locator("iframe[data-language=en]").element_handle().content_frame()
        assert frame is not None
        stage = frame.locator(".figure__stage")
        for gray in (0, 60, 119, 150, 200, 255):
            stage.evaluate(
                """(stage, gray) => {
                  stage.querySelector("img").style.visibility = "hidden";
                  stage.style.backgroundColor = `rgb(${gray}, ${gray}, ${gray})`;
                  stage.style.forcedColorAdjust = "none";
                }""",
                gray,
            )
            picture = Image.open(io.BytesIO(stage.screenshot())).convert("RGB")
            size = picture.width
            # Middle of each line, left edge of each ring, arrow tip, left edge of circle and box, top of the free shape.
            spots = [
                (0.28, 0.15),
                (0.26, 0.4),
                (0.3, 0.65),
                (0.3, 0.885),
                (0.38, 0.4),
                (0.4, 0.65),
                (0.4, 0.8),
                (0.76, 0.4),
            ]
            spots += [(one.x - 13 / size, one.y) for one in marks]
            for spot in spots:
                light, dark = lightest_and_darkest(picture, spot[0] * size, spot[1] * size)
                ground = relative_luminance(gray, gray, gray)
                assert max(contrast_ratio(light, ground), contrast_ratio(dark, ground)) >= MIN_CONTRAST, (gray, spot)
                assert contrast_ratio(light, dark) >= MIN_CONTRAST, (gray, spot)
