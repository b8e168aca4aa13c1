"""The component page: complete, staff-only, without axe findings, and in the page's own font."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, ViewportSize

from portal.accounts.models import User
from tests.browser.public_helpers import DESKTOP
from tests.browser.staff_helpers import StaffTab, open_staff_tab
from tests.browser.test_public_axe import findings
from tests.factories import make_clinic

pytestmark = pytest.mark.browser

ADDRESS = "/admin/components/"
PHONE: ViewportSize = {"width": 390, "height": 844}
# Templates that render part of another component.
PARTS = {
    "chance_block", "clinic_logo", "drawing", "figure_views", "line", "marker_leader", "marker_shape", "markers", "svg_defs", "warning_signs_list",
    "warning_signs_short", "word",
}  # fmt: skip
SCREENSHOTS = Path(settings.BASE_DIR) / "test-results"
# Fonts of buttons that differ from the text around them.
OTHER_FONTS = """() => [...document.querySelectorAll("button")]
  .map((button) => [button.textContent.trim(), getComputedStyle(button).fontFamily])
  .filter(([, font]) => font !== getComputedStyle(document.body).fontFamily)"""


def test_every_component_is_shown(editor_tab: StaffTab) -> None:
    editor_tab.open(ADDRESS)

    templates = {file.stem for file in (Path(settings.BASE_DIR) / "templates" / "components").glob("*.html")}
    assert set(editor_tab.page.locator("[data-component]").all_inner_texts()) == templates - PARTS | {"page"}


@pytest.mark.django_db
def test_page_is_readable_only_by_staff_and_accepts_no_post(editor: User) -> None:
    stranger, staff = Client(), Client()
    staff.force_login(editor)

    assert stranger.get(ADDRESS).status_code == 302
    assert (staff.get(ADDRESS).status_code, staff.post(ADDRESS).status_code) == (200, 405)


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desk"])
def test_axe_finds_no_problem_in_light_and_dark_mode_and_nothing_overflows(
    browser: Browser, live_server: Any, editor: User, size: ViewportSize
) -> None:
    make_clinic()
    with open_staff_tab(browser, live_server.url, size, bypass_csp=True, reduced_motion="reduce") as tab:
        tab.sign_in(editor)
        tab.open(ADDRESS)
        for scheme in ("light", "dark"):
            tab.page.emulate_media(color_scheme=scheme)
            tab.page.screenshot(path=SCREENSHOTS / f"components-{size['width']}-{scheme}.png", full_page=True)
            assert findings(tab.page) == [[]], scheme
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_component_buttons_use_the_page_font(editor_tab: StaffTab) -> None:
    editor_tab.open(ADDRESS)

    assert editor_tab.page.locator("button").count() > 10
    assert editor_tab.page.evaluate(OTHER_FONTS) == []


def test_editor_buttons_use_the_page_font(tab: StaffTab) -> None:
    assert tab.page.locator("button").count() > 20
    assert tab.page.evaluate(OTHER_FONTS) == []
