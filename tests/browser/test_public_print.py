"""Printed pages: nothing to click, nothing collapsed, URLs spelled out, and dark text on white."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browser.public_helpers import BOOKLET, DESKTOP, PHONE, open_tab, public_paths, visit, wait_until
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser

MILLIMETER = 96 / 25.4
ONLY_FOR_SCREENS = """() => [...document.querySelectorAll(
    ".site-header, .site-footer__name, .site-footer__note, .stages, .menu, .skip-link, .page-top, .breadcrumbs, .reader-tools, .reader-tools__list, .figure__views, .figure__summary, .figure__large, .button, .series__hint"
  )].filter((e) => e.checkVisibility()).map((e) => e.className)"""
FOLDED_AWAY = """() => [...document.querySelectorAll("details > p:not(.figure__large)")]
  .filter((e) => !e.checkVisibility() || e.getBoundingClientRect().height < 10)
  .map((e) => e.textContent.slice(0, 40))"""
# External URLs that are not spelled out, and internal ones that are.
ADDRESSES = """() => [...document.querySelectorAll("main a[href]")].filter((a) => {
  const href = a.getAttribute("href"), shown = getComputedStyle(a, "::after").content;
  return href.startsWith("https:") ? !shown.includes(href) : shown.includes(href);
}).map((a) => a.href)"""
LETTERHEAD = """() => {
  const head = document.querySelector(".letterhead");
  return head && head.checkVisibility() ? head.innerText : "";
}"""
TICK_BOXES = """() => [...document.querySelectorAll(".checklist li")].map((e) => {
  const box = getComputedStyle(e, "::before");
  return [box.width, box.height, box.borderTopWidth].map(parseFloat).concat(box.borderTopStyle);
})"""
# Browsers omit backgrounds in print unless a style forces them, so text must have WCAG contrast without them.
PALE = """() => {
  const parts = (color) => color.match(/[\\d.]+/g).map(Number);
  const linear = (v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const style = getComputedStyle(e), color = parts(style.backgroundColor);
      if (style.printColorAdjust === "exact" && color[3] !== 0) return color;
    }
    return [255, 255, 255];
  };
  const found = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, words = walk.currentNode.textContent.trim();
    if (!words || !e.checkVisibility() || e.closest("svg, .visually-hidden")) continue;
    const [a, b] = [light(parts(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => x - y);
    const contrast = (b + .05) / (a + .05);
    if (contrast < 7) found.add(`${e.tagName}.${e.className} “${words.slice(0, 30)}” ${contrast.toFixed(1)}`);
  }
  return [...found];
}"""
# Selects printing the whole page instead of a leaflet.
TICK_WHOLE_PAGE = "() => document.querySelectorAll('#whole-page').forEach((tick) => { tick.checked = true; })"
# Parts that a leaflet leaves out.
LEFT_OUT = """() => [...document.querySelectorAll(
    ".sources, .page-words, .next-step, .reading-list, .figure__description, .compare, .choices__reasons, .citation, .warning-signs--top a:not([href^='tel:'])"
  )].filter((e) => e.checkVisibility()).map((e) => e.className)"""
FOOT = """() => {
  const foot = document.querySelector(".site-footer");
  return [getComputedStyle(foot).display, getComputedStyle(foot).breakInside, foot.innerText.replace(/\\s+/g, " ")];
}"""
# Both sides of one sheet, except pages whose answers, exercises, warning signs, or numbers need a second sheet.
MAX_SIDES = 2
MORE_SIDES = {
    "/treatment-choices/": 3,
    "/getting-ready/": 3,
    "/keeping-bones-strong/": 3,
    "/visits/after-your-procedure/": 3,
    "/recovery/": 4,
}
MAX_SIDES_OTHER = {"/contact/": 2, "/about/": 2, "/glossary/": 4}
# What a leaflet must not leave out.
SAFETY_SENTENCES = {
    "/visits/first-visit/": ["Never stop a blood thinner"],
    "/visits/kyphoplasty-consult/": ["Don't stop a blood thinner", "check all the warning signs"],
    "/visits/vertebroplasty-consult/": ["Don't stop a blood thinner"],
    "/visits/day-before/": [
        "It isn't safe to have food in your stomach",
        "If you don't have the times and your plan in writing, call us today",
        "if you made a mistake with a medicine",
    ],
    "/visits/after-your-procedure/": [
        "If you can't check something off",
        "or call us if it isn't there",
        "don't lift more than 10 pounds",
        "Never drive while you're taking an opioid",
        "keep the bandage clean and dry",
        "Stay out of bathtubs",
        "don't mix them with alcohol.",
        "No answer? Go to an emergency room.",
    ],
    "/nerve-damage-warning-signs/": [
        "If you can't check off an item here, and that's new,",
        'say, "I have a spine fracture,"',
        "If you have naloxone (for overdoses), give it",
        "Do not drive yourself. Do not wait for your appointment.",
    ],
    "/recovery/": [
        "never take more than 3,000 mg in 24 hours",
        "Too much acetaminophen can damage your liver",
        "can cause stomach bleeding",
        "Never drive while you're taking an opioid",
        "Stay out of bathtubs",
        "keep the bandage clean and dry",
        "Redness, swelling, or leaking fluid can mean an infection",
    ],
    "/getting-ready/": [
        "Never stop or restart it on your own",
        "have to be stopped days before the procedure",
        "For 24 hours before the procedure, you may need to stick to liquids",
        "If no one can drive you home or stay with you, call us",
        "Also call if you made a mistake with a medicine",
    ],
    "/keeping-bones-strong/": ["don't stop, skip, or delay them on your own"],
    "/spine-compression-fractures/": [
        "no more than 3,000 mg a day",
        "Don't start ibuprofen",
        "Don't mix an opioid",
    ],
    "/complications-and-risks/": ["I won't stop a blood thinner on my own", "Between 1 and 2 in 100 died."],
    "/kyphoplasty/": ["39 in 100", "people are paralyzed and can't move their legs"],
    "/the-procedure-in-x-ray-pictures/": ["tell us right away if something hurts"],
    "/treatment-choices/": ["No one knows who will get better without cement"],
}
MEASURES = {
    "only for screens": ONLY_FOR_SCREENS,
    "folded away": FOLDED_AWAY,
    "addresses": ADDRESSES,
    "letterhead": LETTERHEAD,
    "tick boxes": TICK_BOXES,
    "pale": PALE,
    "colors": "() => [getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]",
}
Measured = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def printed(browser: Browser, served_site: ServedSite) -> Measured:
    """Every article in print without JavaScript in dark mode: measurements by name, then by page."""
    found: Measured = {name: {} for name in MEASURES}
    with open_tab(browser, DESKTOP, java_script_enabled=False, color_scheme="dark") as page:
        page.emulate_media(media="print")
        for path in public_paths(served_site, only_articles=True):
            # The print stylesheet loads last.
            page.goto(served_site.url + path, wait_until="load")
            page.evaluate(TICK_WHOLE_PAGE)
            for name, script in MEASURES.items():
                found[name][path] = page.evaluate(script)
    return found


@pytest.fixture
def paper(browser: Browser) -> Iterator[Page]:
    """A tab with print media and without JavaScript."""
    with open_tab(browser, DESKTOP, java_script_enabled=False) as page:
        page.emulate_media(media="print")
        yield page


def faults(printed: Measured, name: str) -> dict[str, Any]:
    assert len(printed[name]) > 15
    return {path: value for path, value in printed[name].items() if value}


def test_print_has_no_navigation_and_no_buttons(printed: Measured) -> None:
    assert faults(printed, "only for screens") == {}


def test_whole_page_print_shows_collapsed_content(printed: Measured, paper: Page, served_site: ServedSite) -> None:
    assert faults(printed, "folded away") == {}

    visit(paper, served_site, "/kyphoplasty/")
    assert paper.locator("details > p").count() > 2


def test_print_spells_out_only_external_urls(printed: Measured, paper: Page, served_site: ServedSite) -> None:
    assert faults(printed, "addresses") == {}

    visit(paper, served_site, "/kyphoplasty/")
    assert paper.locator(".sources a[href^='https:']").count() > 2


def test_print_shows_the_clinic_its_phone_and_the_page_url(printed: Measured, served_site: ServedSite) -> None:
    for path, words in printed["letterhead"].items():
        needed = (
            "Example Spine Clinic",
            "303-555-0100",
            f"{served_site.url}{'/es' if path.startswith('/es/') else ''}/p/",
        )
        lines = [part for part in needed if part not in plain(words)]
        assert (path, lines) == (path, [])


def test_every_sheet_has_the_emergency_number_and_clinic_phone_in_its_footer(
    paper: Page, served_site: ServedSite
) -> None:
    for path in ("/", "/kyphoplasty/", "/visits/day-before/", "/contact/", f"/visits/day-before{BOOKLET}"):
        paper.goto(served_site.url + path, wait_until="load")
        display, break_inside, words = paper.evaluate(FOOT)
        # Browsers repeat a table footer on every sheet if it is not broken across sheets.
        assert (path, display, break_inside) == (path, "table-footer-group", "avoid")
        assert [part for part in ("911", "303-555-0100", "303-555-0101") if part not in plain(words)] == []


def plain(words: str) -> str:
    """Return the text with ordinary hyphens and spaces."""
    return words.replace("\u2011", "-").replace("\xa0", " ")


def sides(page: Page) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="Letter")))


def test_topics_and_guides_print_as_a_leaflet_or_in_full_if_checked(paper: Page, served_site: ServedSite) -> None:
    wrong: dict[str, Any] = {}
    for path in public_paths(served_site, language="en", only_articles=True):
        paper.goto(served_site.url + path, wait_until="load")
        if paper.locator(".warning-signs--top").count() == 0 or path.endswith(BOOKLET):
            continue
        left_out = paper.evaluate(LEFT_OUT)
        kept = paper.locator(
            ".key-points, .warning-signs--top, .warning-signs, .page > .figure > .figure__stages"
        ).evaluate_all("(all) => all.filter((e) => e.checkVisibility()).length")
        expected = 4 if paper.locator(".warning-signs").count() else 3
        leaflet = sides(paper)
        paper.evaluate(TICK_WHOLE_PAGE)
        whole = sides(paper)
        limit = MORE_SIDES.get(path, MAX_SIDES)
        if left_out or kept != expected or not leaflet <= min(limit, whole - 1) or not paper.evaluate(LEFT_OUT):
            wrong[path] = left_out, kept, leaflet, whole

    assert wrong == {}


def test_other_pages_print_on_few_sheets(paper: Page, served_site: ServedSite) -> None:
    found = {}
    for path in MAX_SIDES_OTHER:
        paper.goto(served_site.url + path, wait_until="load")
        found[path] = sides(paper)

    assert {path: count for path, count in found.items() if count > MAX_SIDES_OTHER[path]} == {}


def test_leaflets_keep_what_is_needed_for_safety(paper: Page, served_site: ServedSite) -> None:
    missing = {}
    for path, sentences in SAFETY_SENTENCES.items():
        paper.goto(served_site.url + path, wait_until="load")
        words = " ".join(plain(paper.locator("main").inner_text()).split())
        missing[path] = [sentence for sentence in sentences if sentence not in words]

    assert {path: sentences for path, sentences in missing.items() if sentences} == {}


def test_print_has_large_check_boxes(printed: Measured) -> None:
    boxes = [box for found in printed["tick boxes"].values() for box in found]

    assert len(boxes) > 10
    assert [box for box in boxes if min(box[:2]) < 4.9 * MILLIMETER or box[2] < 1 or box[3] != "solid"] == []


def test_print_is_black_on_white_even_in_dark_mode(printed: Measured) -> None:
    assert {tuple(colors) for colors in printed["colors"].values()} == {("rgb(0, 0, 0)", "rgb(255, 255, 255)")}


def test_all_printed_text_is_dark_without_backgrounds(printed: Measured) -> None:
    assert faults(printed, "pale") == {}


def test_print_shows_x_ray_and_drawing_side_by_side(paper: Page, served_site: ServedSite) -> None:
    paper.goto(f"{served_site.url}/vertebroplasty/")
    paper.evaluate(TICK_WHOLE_PAGE)
    figure = paper.locator("figure.figure").first
    film = figure.locator(".figure__stage--image").bounding_box()
    drawing = figure.locator(".figure__stage--second").bounding_box()

    assert film is not None
    assert drawing is not None
    assert film["x"] + film["width"] <= drawing["x"]
    assert film["y"] == pytest.approx(drawing["y"], abs=2)


def test_printed_markers_keep_their_positions_on_the_picture(paper: Page, served_site: ServedSite) -> None:
    for path in ("/kyphoplasty/", "/es/cifoplastia/", "/recovery/"):
        visit(paper, served_site, path)
        # Each stage is as tall as its picture, because markers are positioned relative to the stage.
        stages = paper.evaluate("""() => [...document.querySelectorAll(".figure__stage")].map((stage) => {
          const image = stage.querySelector("img").getBoundingClientRect(), box = stage.getBoundingClientRect();
          return [box.height - image.height, box.width - image.width].map(Math.abs);
        })""")

        assert stages != []
        assert max(difference for stage in stages for difference in stage) <= 2, path


def test_list_numbers_print_with_their_background(paper: Page, served_site: ServedSite) -> None:
    paper.goto(f"{served_site.url}/kyphoplasty/")
    adjust = paper.evaluate(
        "[...document.querySelectorAll('.figure__entry')].map((e) => getComputedStyle(e, '::before').printColorAdjust)"
    )

    assert set(adjust) == {"exact"}


def slowly(route: Route) -> None:
    """Delay a picture."""
    time.sleep(0.05)
    route.continue_()


def test_printing_immediately_waits_for_every_picture(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE) as page:
        page.route("**/media/**", slowly)
        page.goto(f"{served_site.url}/kyphoplasty/")
        at_once, again = page.pdf(), page.pdf()

    # The X-rays are images in the PDF, and the drawings account for most of the rest.
    assert at_once.count(b"/Subtype /Image") == again.count(b"/Subtype /Image") > 0
    assert abs(len(at_once) - len(again)) < len(again) / 100


@pytest.mark.smoke
def test_print_button_expands_everything_prints_and_collapses_it_again(
    browser: Browser, served_site: ServedSite
) -> None:
    with open_tab(browser, DESKTOP) as page:
        page.add_init_script(
            """window.print = () => {
                 window.missing = [...document.images].filter((image) => !image.complete).length;
                 dispatchEvent(new Event('beforeprint'));
                 window.printed = true; }"""
        )
        page.route("**/media/**", slowly)
        visit(page, served_site, "/kyphoplasty/")
        opened = page.locator("main details[open]").count()
        page.locator(".reader-tools summary").click()
        page.locator("[data-print]").click()
        wait_until(page, "window.printed === true")

        assert page.evaluate("window.missing") == 0
        assert page.locator("main details:not([open])").count() == 0
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        # Sections that are open on a wide screen stay open.
        assert page.locator("main details[open]:not(.reader-tools)").count() == opened
