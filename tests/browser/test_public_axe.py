"""axe: every rule it knows, best practice, experimental and AAA contrast included, on every public page."""

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.public import AXE, DESK, PHONE, addresses, tab, visit
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser

# Numbers stand beside their text, never under it, so the text behind them can be measured.
PREPARE = """
for (const id of ["color-contrast", "color-contrast-enhanced"]) {
  axe.configure({checks: [{id, options: {ignorePseudo: true}}]});
}
"""
FINDINGS = """async (colours) => {
  const rules = Object.fromEntries(axe.getRules().map((rule) => [rule.ruleId, {enabled: true}]));
  const options = colours ? {runOnly: ["color-contrast", "color-contrast-enhanced", "link-in-text-block"]} : {rules};
  const found = await axe.run(document, {...options, resultTypes: ["violations"]});
  return found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}`));
}"""
Found = dict[str, list[str]]


def findings(page: Page, *, only_colours: bool = False) -> list[str]:
    """What axe finds on the page that is open."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
        page.evaluate(PREPARE)
    found: list[str] = page.evaluate(FINDINGS, only_colours)
    return found


@pytest.fixture(scope="module", params=[PHONE, DESK], ids=["phone", "desk"])
def day_and_night(request: pytest.FixtureRequest, browser: Browser, served_site: ServedSite) -> tuple[Found, Found]:
    """Findings by page: all rules by day; by night, where nothing but colours differs, the rules on colour."""
    day: Found = {}
    night: Found = {}
    with tab(browser, request.param, bypass_csp=True) as page:
        for path in addresses(served_site):
            page.emulate_media(color_scheme="light")
            visit(page, served_site, path)
            day[path] = findings(page)
            page.emulate_media(color_scheme="dark")
            night[path] = findings(page, only_colours=True)
    return day, night


def only_faulty(found: Found) -> Found:
    return {path: sentences for path, sentences in found.items() if sentences}


def test_no_page_has_a_finding_by_day(day_and_night: tuple[Found, Found]) -> None:
    assert only_faulty(day_and_night[0]) == {}
    assert len(day_and_night[0]) > 20


def test_no_page_has_a_finding_by_night(day_and_night: tuple[Found, Found]) -> None:
    assert only_faulty(day_and_night[1]) == {}
    assert day_and_night[1].keys() == day_and_night[0].keys()


def test_night_is_dark(browser: Browser, served_site: ServedSite) -> None:
    with tab(browser, PHONE, color_scheme="dark") as page:
        visit(page, served_site, "/")

        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(24, 22, 18)"


def test_unfolded_parts_have_no_finding(browser: Browser, served_site: ServedSite) -> None:
    with tab(browser, PHONE, bypass_csp=True) as page:
        visit(page, served_site, "/kyphoplasty/")
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        page.locator(".xray__pick--drawing").first.check()

        assert findings(page) == []


def test_axe_finds_what_is_wrong(browser: Browser, served_site: ServedSite) -> None:
    with tab(browser, PHONE, bypass_csp=True) as page:
        visit(page, served_site, "/")
        page.evaluate(
            """() => {
              const words = Object.assign(document.createElement("p"), {textContent: "These words are pale."});
              words.style.color = "#777";
              document.querySelector(".hero").append(words, new Image(20, 20));
            }"""
        )

        rules = {sentence.partition(":")[0] for sentence in findings(page)}

    assert {"color-contrast-enhanced", "image-alt"} <= rules
