"""Numbered markers on pictures, measured as rendered."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.public_helpers import NARROW, PHONE, open_sections, open_tab, public_paths, visit
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser

CLOSEST = 28  # px from the center of a marker to the nearest part of another: disc, line, or outline
# Every visible stage: the box of its picture, its discs, and the numbers of its list.
STAGES = """() => [...document.querySelectorAll(".figure__stage")].filter((e) => e.checkVisibility()).map((stage) => {
  const box = (e) => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
  const figure = stage.closest("figure");
  // Sample the outline of everything that another marker draws in steps of 3 pixels.
  const nearest = (mark, stage) => {
    const rim = mark.querySelector(".marker__rim").getBoundingClientRect();
    const [x, y] = [rim.left + rim.width / 2, rim.top + rim.height / 2];
    const others = [...stage.querySelectorAll(".marker")].filter((other) => other !== mark);
    const parts = others.flatMap((other) => [...other.querySelectorAll(".marker__rim, .marker__case")]);
    return Math.min(...parts.map((part) => {
      const at = part.getScreenCTM();
      const half = part.matches(".marker__case") ? parseFloat(getComputedStyle(part).strokeWidth) / 2 : 0;
      const steps = Math.ceil(part.getTotalLength() / 3);
      return Math.min(...Array.from({length: steps + 1}, (_, step) => {
        const point = part.getPointAtLength(3 * step).matrixTransform(at);
        return Math.hypot(point.x - x, point.y - y) - half;
      }));
    }));
  };
  return {
    figure: figure.id,
    picture: box(stage.querySelector("img")),
    discs: [...stage.querySelectorAll(".marker__rim")].map(box),
    nearest: [...stage.querySelectorAll(".marker")].map((mark) => nearest(mark, stage)),
    digits: [...stage.querySelectorAll(".marker__number")].map((e) => e.textContent),
    legend: [...figure.querySelectorAll(".figure__legend > li")].map((e) => e.dataset.mark),
  };
})"""
SHOW_DRAWINGS = "document.querySelectorAll('.figure__radio--drawing').forEach((e) => { e.checked = true; })"


def wrong_with(stage: dict[str, Any]) -> list[str]:
    """Return the problems of one rendered picture."""
    left, top, right, bottom = stage["picture"]
    found = []
    if not (right - left > 100 and stage["legend"] == stage["digits"] and len(stage["discs"]) == len(stage["legend"])):
        found.append(f"list {stage['legend']}, marks {stage['digits']}, width {right - left}")
    found += [
        f"{px:.1f} px from mark {number} to the next"
        for number, px in enumerate(stage["nearest"], start=1)
        if px < CLOSEST
    ]
    found += [f"disc {number} leaves the picture" for number, (x0, y0, x1, y1) in enumerate(stage["discs"], start=1)
              if x0 < left or y0 < top or x1 > right or y1 > bottom]  # fmt: skip
    return found


def test_markers_are_inside_separate_and_numbered_like_the_list_at_320_px(
    browser: Browser, served_site: ServedSite
) -> None:
    wrong: dict[str, Any] = {}
    measured = 0
    with open_tab(browser, NARROW) as page:
        for path in public_paths(served_site):
            visit(page, served_site, path)
            open_sections(page)
            for show in ("null", SHOW_DRAWINGS):
                page.evaluate(show)
                stages = page.evaluate(STAGES)
                measured += len(stages)
                for stage in stages:
                    if found := wrong_with(stage):
                        wrong[f"{path}#{stage['figure']}"] = found

    assert wrong == {}
    assert measured > 100


def test_both_views_of_a_picture_have_markers_in_the_same_positions(browser: Browser, served_site: ServedSite) -> None:
    def places() -> list[list[list[float]]]:
        """Return the corners of each disc as fractions of its picture."""
        parts = []
        for stage in page.evaluate(STAGES):
            left, top, right, bottom = stage["picture"]
            size = [right - left, bottom - top]
            parts.append([[(x0 - left) / size[0], (y0 - top) / size[1]] for x0, y0, _, _ in stage["discs"]])
        return parts

    with open_tab(browser, PHONE) as page:
        visit(page, served_site, "/the-procedure-in-x-ray-pictures/")
        open_sections(page)
        films = places()
        page.evaluate(SHOW_DRAWINGS)
        drawings = places()

    assert len(films) == len(drawings) >= 8
    for film, drawing in zip(films, drawings, strict=True):
        assert [pytest.approx(place, abs=0.005) for place in film] == drawing


def test_every_picture_can_be_decoded(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE) as page:
        visit(page, served_site, "/the-procedure-in-x-ray-pictures/")
        page.evaluate(SHOW_DRAWINGS)
        broken = page.evaluate(
            """async () => {
              const images = [...document.images];
              images.forEach((image) => { image.loading = "eager"; });
              const answers = await Promise.allSettled(images.map((image) => image.decode()));
              const bad = (image, n) => answers[n].status === "rejected" || !image.naturalWidth;
              return images.filter(bad).map((image) => image.currentSrc);
            }"""
        )
        count = page.evaluate("document.images.length")

    assert broken == []
    assert count > 20


def test_hovering_an_entry_highlights_its_marker(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE) as page:
        visit(page, served_site, "/kyphoplasty/")
        figure = page.locator("figure.figure").first
        figure.locator(".figure__entry").nth(1).hover()

        paired = figure.locator(".figure__stage--image .marker.is-highlighted .marker__number").all_text_contents()

    assert paired == ["2"]


def test_modern_browsers_get_the_smallest_format(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE, device_scale_factor=1) as page:
        page.goto(f"{served_site.url}/kyphoplasty/")
        source = page.locator("figure.figure img").first.evaluate("(image) => image.currentSrc")

    assert source.endswith("-480.avif")
