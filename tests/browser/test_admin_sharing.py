"""Links and messages in a real browser: copied in two clicks from the first screen, announced, and usable by hand."""

import datetime
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from portal.accounts.models import User
from procedures.models import Page
from tests.admin.conftest import PAGES
from tests.browser.public_helpers import DESKTOP, PHONE
from tests.browser.staff_helpers import open_staff_tab
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
def test_link_is_copied_two_clicks_from_the_first_screen(
    browser: Browser, live_server: Any, superuser: User, page: Page
) -> None:
    with open_staff_tab(browser, live_server.url, DESKTOP, permissions=["clipboard-read", "clipboard-write"]) as tab:
        tab.sign_in(superuser)
        tab.open("/admin/")
        tab.page.get_by_role("link", name="Send a page to a patient").click()
        tab.page.get_by_role("button", name="Copy link to Small cut (English)").click()

        expect(tab.page.get_by_role("status")).to_have_text("Copied. The link to “Small cut” is ready to paste.")
        assert tab.page.evaluate(PASTED) == {"text/plain": f"http://127.0.0.1:8000/p/{page.code}"}
        assert tab.complaints == []


def test_message_is_copied_as_text_and_as_html(browser: Browser, live_server: Any, superuser: User, page: Page) -> None:
    with open_staff_tab(browser, live_server.url, PHONE, permissions=["clipboard-read", "clipboard-write"]) as tab:
        tab.sign_in(superuser)
        tab.open(f"{PAGES}{page.pk}/links/")
        tab.page.get_by_role("button", name="Copy message").click()
        expect(tab.page.get_by_role("status")).to_contain_text("Copied.")
        pasted = tab.page.evaluate(PASTED)

        assert pasted["text/plain"] == tab.page.locator("#kit-plain").input_value()
        assert pasted["text/html"] == tab.page.locator("#kit-html").input_value()
        assert f'href="http://127.0.0.1:8000/p/{page.code}"' in pasted["text/html"]
        assert tab.complaints == []


def test_text_is_selected_where_copying_is_forbidden(
    browser: Browser, live_server: Any, superuser: User, page: Page
) -> None:
    with open_staff_tab(browser, live_server.url, DESKTOP) as tab:
        tab.page.add_init_script(
            "Object.defineProperty(navigator, 'clipboard', {value: undefined}); document.execCommand = () => false;"
        )
        tab.sign_in(superuser)
        tab.open(f"{PAGES}{page.pk}/links/")
        tab.page.get_by_role("button", name="Copy short link").click()
        expect(tab.page.get_by_role("status")).to_contain_text("Selected: press Ctrl+C.")

        assert tab.page.evaluate("getSelection().toString()").endswith(page.code)


def test_everything_can_be_selected_without_javascript(
    browser: Browser, live_server: Any, superuser: User, page: Page
) -> None:
    with open_staff_tab(browser, live_server.url, DESKTOP, java_script_enabled=False) as tab:
        tab.sign_in(superuser)
        tab.open(f"{PAGES}{page.pk}/links/")

        expect(tab.page.get_by_label("Short link", exact=True)).to_have_value(f"http://127.0.0.1:8000/p/{page.code}")
        assert tab.page.locator("button.copy:visible").count() == 0
        tab.page.get_by_label("Reminder time").fill(f"{timezone.now() + datetime.timedelta(days=30):%Y-%m-%d}T10:00")
        with tab.page.expect_download() as download:
            tab.page.get_by_role("button", name="Download reminder").click()
        assert download.value.suggested_filename == f"reading-{page.code}-en.ics"
