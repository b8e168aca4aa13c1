"""Links and messages in a real browser: copied in two clicks from the first screen, announced, and usable by hand."""

import datetime
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from portal.accounts.models import User
from procedures.models import Page
from tests.admin.conftest import PAGES
from tests.browser.public_helpers import DESK, PHONE
from tests.browser.staff_helpers import desk
from tests.factories import make_public_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASTED = """async () => {
  const [item] = await navigator.clipboard.read({unsanitized: ["text/html"]});
  return Object.fromEntries(await Promise.all(item.types.map(async (t) => [t, await (await item.getType(t)).text()])));
}"""


@pytest.fixture
def page(transactional_db: None) -> Page:
    return make_public_page()


@pytest.mark.smoke
def test_a_link_is_copied_two_clicks_from_the_first_screen(
    browser: Browser, live_server: Any, boss: User, page: Page
) -> None:
    with desk(browser, live_server.url, DESK, permissions=["clipboard-read", "clipboard-write"]) as at:
        at.sign_in(boss)
        at.open("/admin/")
        at.page.locator("#content-main").get_by_role("link", name="All pages", exact=True).click()
        at.page.get_by_role("button", name="Copy link of Small cut (en)").click()

        expect(at.page.get_by_role("status")).to_have_text("Copied. The neutral link of “Small cut” is ready to paste.")
        assert at.page.evaluate(PASTED) == {"text/plain": f"http://127.0.0.1:8000/p/{page.code}"}
        assert at.complaints == []


def test_a_message_is_copied_as_text_and_as_html(browser: Browser, live_server: Any, boss: User, page: Page) -> None:
    with desk(browser, live_server.url, PHONE, permissions=["clipboard-read", "clipboard-write"]) as at:
        at.sign_in(boss)
        at.open(f"{PAGES}{page.pk}/links/")
        at.page.get_by_role("button", name="Copy message").click()
        expect(at.page.get_by_role("status")).to_contain_text("Copied.")
        pasted = at.page.evaluate(PASTED)

        assert pasted["text/plain"] == at.page.locator("#kit-plain").input_value()
        assert pasted["text/html"] == at.page.locator("#kit-html").input_value()
        assert f'href="http://127.0.0.1:8000/p/{page.code}"' in pasted["text/html"]
        assert at.complaints == []


def test_where_copying_is_forbidden_the_text_is_marked(
    browser: Browser, live_server: Any, boss: User, page: Page
) -> None:
    with desk(browser, live_server.url, DESK) as at:
        at.page.add_init_script(
            "Object.defineProperty(navigator, 'clipboard', {value: undefined}); document.execCommand = () => false;"
        )
        at.sign_in(boss)
        at.open(f"{PAGES}{page.pk}/links/")
        at.page.get_by_role("button", name="Copy neutral link").click()
        expect(at.page.get_by_role("status")).to_contain_text("Selected: press Ctrl+C.")

        assert at.page.evaluate("getSelection().toString()").endswith(page.code)


def test_without_a_script_everything_can_be_selected(
    browser: Browser, live_server: Any, boss: User, page: Page
) -> None:
    with desk(browser, live_server.url, DESK, java_script_enabled=False) as at:
        at.sign_in(boss)
        at.open(f"{PAGES}{page.pk}/links/")

        expect(at.page.get_by_label("Neutral link")).to_have_value(f"http://127.0.0.1:8000/p/{page.code}")
        assert at.page.locator("button.copy:visible").count() == 0
        at.page.get_by_label("When to read").fill(f"{timezone.now() + datetime.timedelta(days=30):%Y-%m-%d}T10:00")
        with at.page.expect_download() as download:
            at.page.get_by_role("button", name="Download reminder").click()
        assert download.value.suggested_filename == f"reading-{page.code}-en.ics"
