"""Every axe rule on every public page, including best practices, experimental rules, and AAA contrast."""

from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.public_helpers import AXE, DESKTOP, PHONE, open_tab, public_paths, visit
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser

# Pseudo-elements (numbers) are next to text and never behind it, so they can be ignored when measuring contrast.
PREPARE = """
for (const id of ["color-contrast", "color-contrast-enhanced"]) {
  axe.configure({checks: [{id, options: {...axe._audit.checks[id].options, ignorePseudo: true}}]});
}
"""
# Starts axe and returns immediately, so that phone and desktop are checked in parallel.
BEGIN = """(colors) => {
  const rules = Object.fromEntries(axe.getRules().map((rule) => [rule.ruleId, {enabled: true}]));
  const options = colors ? {runOnly: ["color-contrast", "color-contrast-enhanced", "link-in-text-block"]} : {rules};
  window.looking = axe.run(document, {...options, resultTypes: ["violations"]});
}"""
END = """async () => (await window.looking).violations
  .flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}`))"""
Found = dict[str, list[str]]


def findings(*pages: Page, only_colors: bool = False) -> list[list[str]]:
    """Return the axe findings on each of the open pages."""
    for page in pages:
        if not page.evaluate("'axe' in window"):
            page.evaluate(AXE)
            page.evaluate(PREPARE)
        page.evaluate(BEGIN, only_colors)
    return [page.evaluate(END) for page in pages]


@dataclass
class Findings:
    """Findings by page: all rules in light mode, and only the color rules in dark mode, where only colors differ."""

    day: Found = field(default_factory=dict)
    night: Found = field(default_factory=dict)


@pytest.fixture(scope="module")
def found(browser: Browser, served_site: ServedSite) -> dict[str, Findings]:
    """The axe findings on every page, on a phone and on a desktop."""
    kept = {"phone": Findings(), "desk": Findings()}
    english = public_paths(served_site, language="en")
    with open_tab(browser, PHONE, bypass_csp=True) as phone, open_tab(browser, DESKTOP, bypass_csp=True) as desk:
        for path in public_paths(served_site):
            # Spanish pages differ only in their text, so the phone, the harder case, represents both.
            tabs = {"phone": phone, "desk": desk} if path in english else {"phone": phone}
            for page in tabs.values():
                page.emulate_media(color_scheme="light")
                visit(page, served_site, path)
            for name, sentences in zip(tabs, findings(*tabs.values()), strict=True):
                kept[name].day[path] = sentences
            for page in tabs.values():
                page.emulate_media(color_scheme="dark")
            for name, sentences in zip(tabs, findings(*tabs.values(), only_colors=True), strict=True):
                kept[name].night[path] = sentences
    return kept


def only_faulty(found: Found) -> Found:
    return {path: sentences for path, sentences in found.items() if sentences}


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_no_page_has_a_finding_in_light_mode(found: dict[str, Findings], size: str) -> None:
    assert only_faulty(found[size].day) == {}
    assert len(found[size].day) > 20


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_no_page_has_a_finding_in_dark_mode(found: dict[str, Findings], size: str) -> None:
    assert only_faulty(found[size].night) == {}
    assert found[size].night.keys() == found[size].day.keys()


def test_dark_mode_is_dark(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE, color_scheme="dark") as page:
        visit(page, served_site, "/")

        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(24, 22, 18)"


def test_expanded_parts_have_no_finding(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE, bypass_csp=True) as page:
        visit(page, served_site, "/kyphoplasty/")
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        page.locator(".figure__radio--drawing").first.check()

        assert findings(page) == [[]]


def test_axe_detects_known_problems(browser: Browser, served_site: ServedSite) -> None:
    with open_tab(browser, PHONE, bypass_csp=True) as page:
        visit(page, served_site, "/")
        page.evaluate(
            """() => {
              for (const color of ["#777", "#666"]) {
                const words = Object.assign(document.createElement("p"), {textContent: "These words are pale."});
                words.style.color = color;
                document.querySelector("main").append(words);
              }
              document.querySelector("main").append(new Image(20, 20));
            }"""
        )

        rules = {sentence.partition(":")[0] for sentence in findings(page)[0]}

    assert rules == {"color-contrast", "color-contrast-enhanced", "image-alt"}
