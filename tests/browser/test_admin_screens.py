"""Every staff screen in a real browser: no CSP violations, no axe findings, and no overflow on a phone."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from portal.accounts.models import User
from tests.admin.conftest import PAGES
from tests.admin.staff_screens import create_one_of_each_model, list_screen_urls
from tests.browser.public_helpers import AXE, DESKTOP, PHONE
from tests.browser.staff_helpers import AXE_FINDINGS, StaffTab, open_staff_tab

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def superuser(transactional_db: None) -> User:
    """A superuser, with one row of each model in the database."""
    return create_one_of_each_model()


def walk(tab: StaffTab, superuser: User, *, mode: str = "source") -> list[str]:
    tab.sign_in(superuser, mode=mode)
    return list_screen_urls(superuser)


def test_every_screen_keeps_the_strict_csp_and_fits_a_phone(
    browser: Browser, live_server: Any, superuser: User
) -> None:
    with open_staff_tab(browser, live_server.url, PHONE) as tab:
        tab.open("/admin/login/")
        widths = {}
        for path in walk(tab, superuser):
            tab.open(path)
            widths[path] = tab.page.evaluate("document.documentElement.scrollWidth")
        tab.page.wait_for_timeout(500)

        assert len(widths) > 55
        assert {path: width for path, width in widths.items() if width > 360} == {}
        assert tab.complaints == []


def findings(tab: StaffTab, paths: list[str]) -> dict[str, list[str]]:
    """Return the axe findings on each of these screens."""
    found: dict[str, list[str]] = {}
    for path in paths:
        tab.open(path)
        tab.page.evaluate(AXE)
        if here := tab.page.evaluate(AXE_FINDINGS):
            found[path] = here
    return found


def test_axe_finds_no_problem_on_any_screen(browser: Browser, live_server: Any, superuser: User) -> None:
    with open_staff_tab(browser, live_server.url, DESKTOP, bypass_csp=True, color_scheme="light") as tab:
        assert (
            findings(tab, [path for path in walk(tab, superuser) if not path.endswith(("/history/", "/delete/"))]) == {}
        )


def test_axe_finds_no_problem_in_dark_mode_and_on_a_phone(browser: Browser, live_server: Any, superuser: User) -> None:
    own = ("/admin/", "/page/", "/review/", "/withdraw/", "/outdated/", "/feedback/")
    with open_staff_tab(browser, live_server.url, PHONE, bypass_csp=True, color_scheme="dark") as tab:
        paths = [path for path in walk(tab, superuser) if path.endswith(own) or path.startswith(PAGES)]
        assert findings(tab, [path for path in paths if not path.endswith(("/history/", "/delete/"))]) == {}


def test_axe_finds_no_problem_in_the_search(browser: Browser, live_server: Any, superuser: User) -> None:
    with open_staff_tab(browser, live_server.url, DESKTOP, bypass_csp=True, color_scheme="light") as tab:
        tab.sign_in(superuser)
        tab.open("/admin/")
        tab.page.locator("[data-search-open]").click()
        tab.page.get_by_role("combobox", name="Search everything").fill("pages")
        expect(tab.page.locator("[data-search-dialog] [role=option]").first).to_be_visible()
        tab.page.evaluate(AXE)

        assert tab.page.evaluate(AXE_FINDINGS) == []


# Returns the visible text with everything but Source expanded, including shadow trees, frames, and field values.
VISIBLE_TEXT = """() => {
  const read = (root) => {
    const isSource = (one) => /source/i.test(one.querySelector("summary")?.textContent);
    [...root.querySelectorAll("details")].filter((one) => !isSource(one)).forEach((one) => { one.open = true; });
    const isShown = (one) => one.checkVisibility({ visibilityProperty: true });
    const fields = [...root.querySelectorAll("input:not([type=hidden]), textarea, select")].filter(isShown)
      .map((one) => `${one.placeholder ?? ""} ${one.selectedOptions ? [...one.selectedOptions].map((row) => row.text) : one.value}`);
    const inner = [...root.querySelectorAll("*")].filter((one) => one.shadowRoot && isShown(one)).map((one) => read(one.shadowRoot));
    const frames = [...root.querySelectorAll("iframe")].filter((one) => isShown(one) && one.contentDocument?.body)
      .map((one) => read(one.contentDocument));
    const text = root.body ? root.body.innerText : [...root.children].map((one) => one.innerText ?? "").join("\\n");
    return [text, ...fields, ...inner, ...frames].join("\\n");
  };
  return read(document);
}"""
MARKUP = re.compile(r":::|\{#|\[@|\bpage:[a-z]|\{clinic\.|^#{2,} |\*\*\w", re.MULTILINE)


def test_no_screen_shows_markdown_unless_source_is_on(browser: Browser, live_server: Any, superuser: User) -> None:
    found, texts = {}, {}
    with open_staff_tab(browser, live_server.url, DESKTOP) as tab:
        paths = walk(tab, superuser, mode="visual")
        for path in paths:
            tab.open(path)
            if tab.page.locator("[data-editor]").count():
                expect(tab.page.locator("[data-visual-text] .ProseMirror")).to_be_visible()
                expect(tab.page.locator("[data-state]")).to_contain_text("min to read")
            texts[path] = tab.page.evaluate(VISIBLE_TEXT)
            if match := MARKUP.search(texts[path]):
                found[path] = texts[path][max(0, match.start() - 60) : match.end() + 60]
        change = next(path for path in paths if path.startswith(PAGES) and path.endswith("/change/"))
        tab.open(change)
        tab.page.get_by_role("button", name="Source", exact=True).click()
        source = tab.page.evaluate(VISIBLE_TEXT)

    assert len(paths) > 80
    assert "A small cut" in texts[change]
    assert found == {}
    assert MARKUP.search(source)
