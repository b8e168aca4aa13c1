"""Readers do not need JavaScript for anything."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.public_helpers import PHONE, open_tab, public_paths, visit
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser


@pytest.fixture
def plain(browser: Browser) -> Iterator[Page]:
    """A phone without JavaScript."""
    with open_tab(browser, PHONE, java_script_enabled=False) as page:
        yield page


def words(page: Page) -> str:
    """Return the article text without the parts that JavaScript changes: compared pictures and the print button."""
    text: str = page.evaluate(
        """() => {
          document.querySelectorAll(".compare, [data-print]").forEach((e) => e.remove());
          return document.querySelector("article").innerText;
        }"""
    )
    return text


def test_every_article_has_the_same_text_with_and_without_javascript(
    browser: Browser, plain: Page, served_site: ServedSite
) -> None:
    with open_tab(browser, PHONE) as scripted:
        for path in public_paths(served_site, language="en", only_articles=True):
            visit(plain, served_site, path)
            visit(scripted, served_site, path)
            assert (path, words(plain)) == (path, words(scripted))


def test_javascript_is_really_off(plain: Page, served_site: ServedSite) -> None:
    visit(plain, served_site, "/kyphoplasty/")

    assert not plain.locator("[data-compare-tools]").first.is_visible()


@pytest.mark.smoke
def test_menu_opens_and_its_links_work(plain: Page, served_site: ServedSite) -> None:
    visit(plain, served_site, "/kyphoplasty/")
    plain.locator(".menu__button summary").click()
    plain.locator(".menu__links a", has_text="Contact").click()

    assert plain.url == f"{served_site.url}/contact/"


@pytest.mark.smoke
def test_picture_switches_to_its_drawing_and_back(plain: Page, served_site: ServedSite) -> None:
    visit(plain, served_site, "/kyphoplasty/")
    figure = plain.locator("figure.figure").first
    film, drawing = figure.locator(".figure__stage--image"), figure.locator(".figure__stage--second")

    figure.get_by_text("Drawing", exact=True).click()
    assert (film.is_visible(), drawing.is_visible()) == (False, True)
    figure.get_by_text("X-ray", exact=True).click()
    assert (film.is_visible(), drawing.is_visible()) == (True, False)


def test_one_switch_changes_all_pictures_in_a_series(plain: Page, served_site: ServedSite) -> None:
    visit(plain, served_site, "/the-procedure-in-x-ray-pictures/")
    series = plain.locator(".series").first
    plain.locator(".folded-section", has=series).locator(".folded-section__summary").first.click()
    films = series.locator(".figure__stage--image:visible")
    assert films.count() >= 5

    series.get_by_text("Drawing", exact=True).click()

    assert films.count() == 0


def test_large_picture_has_its_markers_and_a_back_link(plain: Page, served_site: ServedSite) -> None:
    visit(plain, served_site, "/kyphoplasty/")
    figure = plain.locator("figure.figure").first
    figure.locator(".figure__summary").click()
    figure.locator(".figure__link").click()
    plain.wait_for_url("**/kyphoplasty/picture/kyphoplasty-balloon/")

    film = plain.locator("figure.figure .figure__stage--image")
    box = film.bounding_box()
    assert box is not None
    assert box["width"] > 2 * PHONE["width"]
    assert plain.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert film.locator(".marker").first.is_visible()
    assert plain.locator(".figure__description > ol").is_visible()
    plain.get_by_text("Back to the page").last.click()
    plain.wait_for_url("**/kyphoplasty/#fig-kyphoplasty-balloon")
    assert figure.is_visible()


def test_before_and_after_are_both_shown(plain: Page, served_site: ServedSite) -> None:
    visit(plain, served_site, "/kyphoplasty/")
    compare = plain.locator(".compare").first
    plain.locator(".folded-section", has=compare).locator(".folded-section__summary").click()
    sides = compare.locator("figure.figure")

    assert [side.locator(".figure__stage--image").is_visible() for side in sides.all()] == [True, True]


def test_picture_description_opens(plain: Page, served_site: ServedSite) -> None:
    visit(plain, served_site, "/kyphoplasty/")
    plain.locator(".figure__summary").first.click()

    assert plain.locator(".figure__description p").first.is_visible()


@pytest.mark.smoke
def test_search_works(plain: Page, served_site: ServedSite) -> None:
    visit(plain, served_site, "/")
    plain.locator(".menu__button summary").click()
    plain.locator(".menu__links").get_by_text("Search").click()
    plain.locator("#search").fill("cement")
    plain.locator("#search").press("Enter")
    plain.wait_for_url("**/search/?q=cement")

    assert plain.locator(".results__link").count() > 1


def test_no_button_is_shown_that_needs_javascript(plain: Page, served_site: ServedSite) -> None:
    visit(plain, served_site, "/kyphoplasty/")
    plain.locator(".reader-tools summary").click()

    assert plain.locator(".reader-tools__link").first.is_visible()
    assert not plain.locator("[data-print]").is_visible()
    assert not plain.locator("[data-listen-start]").is_visible()


def test_every_lazy_picture_loads_when_scrolled_into_view(plain: Page, served_site: ServedSite) -> None:
    visit(plain, served_site, "/kyphoplasty/")
    last = plain.locator("figure.figure .figure__stage--image img").last
    last.scroll_into_view_if_needed()
    plain.wait_for_load_state("networkidle")

    assert last.evaluate("(image) => image.complete && image.naturalWidth > 0")
