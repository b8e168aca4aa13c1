"""Related pictures: before and after, overlaid or side by side, and a series step by step."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.public_helpers import DESKTOP, open_sections, open_tab, visit
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser


@pytest.mark.smoke
def test_before_and_after_overlap_and_the_slider_works_by_keyboard(phone: Page, served_site: ServedSite) -> None:
    visit(phone, served_site, "/kyphoplasty/")
    open_sections(phone)
    compare = phone.locator(".compare")
    slider = compare.get_by_role("slider")
    expect(slider).to_be_hidden()
    compare.get_by_role("button", name="Compare with a slider").click()
    before, after = (side.locator("img:visible") for side in compare.locator(".compare__side").all())
    assert before.bounding_box() == after.bounding_box()

    expect(slider).to_have_accessible_name("Slide from before to after")
    start = int(slider.input_value())
    slider.focus()
    for _ in range(10):
        phone.keyboard.press("ArrowRight")
    assert slider.input_value() == str(start + 10)
    expect(slider).to_have_attribute("aria-valuetext", f"{start + 10} percent before, {90 - start} percent after")
    assert (
        compare.locator(".compare__after .figure__stage--image").evaluate("(e) => getComputedStyle(e).clipPath")
        == f"inset(0px 0px 0px {start + 10}%)"
    )
    phone.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "0 percent before, 100 percent after")


def test_before_and_after_switch_to_drawings_together_and_return_side_by_side(
    phone: Page, served_site: ServedSite
) -> None:
    visit(phone, served_site, "/kyphoplasty/")
    open_sections(phone)
    compare = phone.locator(".compare")
    compare.locator(".figure__radio--drawing").first.check()
    assert compare.locator(".figure__stage--second:visible").count() == 2

    button = compare.get_by_role("button")
    button.click()
    expect(compare.get_by_role("slider")).to_be_visible()
    button.click()
    expect(button).to_have_text("Compare with a slider")
    expect(compare.get_by_role("slider")).to_be_hidden()
    before, after = (side.locator("img:visible").bounding_box() for side in compare.locator(".compare__side").all())
    assert before is not None
    assert after is not None
    assert before["y"] + before["height"] <= after["y"]


def test_before_and_after_are_side_by_side_without_javascript_and_in_print(
    browser: Browser, served_site: ServedSite
) -> None:
    for scripted in (False, True):
        with open_tab(browser, DESKTOP, java_script_enabled=scripted) as page:
            if scripted:
                page.emulate_media(media="print")
            visit(page, served_site, "/kyphoplasty/")
            page.evaluate("document.querySelector('#whole-page').checked = true")
            compare = page.locator(".compare")
            before, after = (side.bounding_box() for side in compare.locator(".compare__side").all())
            assert before is not None
            assert after is not None
            assert before["x"] + before["width"] <= after["x"]
            assert before["y"] == after["y"]
            assert not compare.get_by_role("slider").is_visible()


def test_series_is_vertical_and_has_one_switch_for_all_pictures(phone: Page, served_site: ServedSite) -> None:
    visit(phone, served_site, "/the-procedure-in-x-ray-pictures/")
    open_sections(phone)
    series = phone.locator(".series").first
    tops = [item.evaluate("(e) => e.getBoundingClientRect().top") for item in series.locator(".series__item").all()]
    assert len(tops) > 4
    assert tops == sorted(set(tops))
    assert series.locator("fieldset").count() == 1
    second = series.locator(".figure__stage--second")
    assert series.locator(".figure__stage--second:visible").count() == 0

    series.locator(".figure__radio--drawing").check()

    assert series.locator(".figure__stage--second:visible").count() == second.count() > 4
    assert phone.locator(".series").nth(1).locator(".figure__stage--second:visible").count() == 0
