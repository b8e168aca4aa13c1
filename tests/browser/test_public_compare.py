"""Pictures that belong together: before and after, one over the other or side by side, and a series step by step."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.public_helpers import DESKTOP, open_tab, visit
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser


@pytest.mark.smoke
def test_before_and_after_lie_one_over_the_other_and_a_slider_wipes_by_keyboard(
    phone: Page, served_site: ServedSite
) -> None:
    visit(phone, served_site, "/kyphoplasty/")
    compare = phone.locator(".compare")
    slider = compare.get_by_role("slider")
    before, after = (side.locator("img:visible") for side in compare.locator(".compare__side").all())
    assert before.bounding_box() == after.bounding_box()

    slider.focus()
    expect(slider).to_have_accessible_name("Slide from before to after")
    for _ in range(10):
        phone.keyboard.press("ArrowRight")
    assert slider.input_value() == "60"
    expect(slider).to_have_attribute("aria-valuetext", "60 percent before, 40 percent after")
    assert (
        compare.locator(".compare__after .figure__stage--image").evaluate("(e) => getComputedStyle(e).clipPath")
        == "inset(0px 0px 0px 60%)"
    )
    phone.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "0 percent before, 100 percent after")


def test_before_and_after_change_to_drawings_together_and_part_again(phone: Page, served_site: ServedSite) -> None:
    visit(phone, served_site, "/kyphoplasty/")
    compare = phone.locator(".compare")
    compare.locator(".figure__radio--drawing").first.check()
    assert compare.locator(".figure__stage--second:visible").count() == 2

    button = compare.get_by_role("button")
    button.click()
    expect(button).to_have_text("Show one over the other")
    expect(compare.get_by_role("slider")).to_be_hidden()
    before, after = (side.locator("img:visible").bounding_box() for side in compare.locator(".compare__side").all())
    assert before is not None
    assert after is not None
    assert before["y"] + before["height"] <= after["y"]


def test_before_and_after_stand_side_by_side_without_javascript_and_on_paper(
    browser: Browser, served_site: ServedSite
) -> None:
    for scripted in (False, True):
        with open_tab(browser, DESKTOP, java_script_enabled=scripted) as page:
            if scripted:
                page.emulate_media(media="print")
            visit(page, served_site, "/kyphoplasty/")
            compare = page.locator(".compare")
            before, after = (side.bounding_box() for side in compare.locator(".compare__side").all())
            assert before is not None
            assert after is not None
            assert before["x"] + before["width"] <= after["x"]
            assert before["y"] == after["y"]
            assert not compare.get_by_role("slider").is_visible()


def test_series_goes_by_its_buttons_says_where_it_is_and_stops_at_the_end(phone: Page, served_site: ServedSite) -> None:
    visit(phone, served_site, "/the-procedure-in-x-ray-pictures/")
    series = phone.locator("[data-series]").first
    back, on = series.locator("[data-series-step]").all()
    count = series.locator("li.series__item").count()
    place = series.get_by_role("status")
    expect(place).to_have_text(f"Picture 1 of {count}")
    expect(back).to_have_attribute("aria-disabled", "true")

    for number in range(2, count + 1):
        on.click()
        expect(place).to_have_text(f"Picture {number} of {count}")
        expect(series.locator("li.series__item").nth(number - 1)).to_be_in_viewport()
    expect(on).to_have_attribute("aria-disabled", "true")
    expect(back).to_have_attribute("aria-disabled", "false")
