"""The network transfer for the first screen of a page on a phone."""

import time

import pytest
from playwright.sync_api import Browser, Route, ViewportSize

from tests.browser.public_helpers import BOOKLET, open_tab, public_paths
from tests.conftest import ServedSite

pytestmark = pytest.mark.browser

# The phone emulated by Lighthouse.
SIZE: ViewportSize = {"width": 412, "height": 823}
PIXELS = 1.75
MAX_BYTES = 120_000
# Maximum layout shift (Lighthouse allows 0.1). A wide screen shows more than the critical CSS covers.
MAX_JUMP, MAX_JUMP_WIDE = 0.01, 0.04


def test_first_load_on_a_phone_is_at_most_120_kb_with_the_first_picture(
    whole_browser: Browser, served_site: ServedSite
) -> None:
    heavy: dict[str, dict[str, int]] = {}
    pictures = 0
    with open_tab(whole_browser, SIZE, device_scale_factor=PIXELS, is_mobile=True) as page:
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        network.send("Network.setCacheDisabled", {"cacheDisabled": True})
        asked: dict[str, str] = {}
        fetched: dict[str, int] = {}
        network.on("Network.requestWillBeSent", lambda e: asked.update({e["requestId"]: e["request"]["url"]}))
        network.on(
            "Network.loadingFinished",
            lambda e: fetched.update({asked.get(e["requestId"], "?"): int(e["encodedDataLength"])}),
        )
        # A booklet is for printing and contains the first pictures of all its pages.
        for path in (path for path in public_paths(served_site) if not path.endswith(BOOKLET)):
            asked.clear()
            fetched.clear()
            page.goto(served_site.url + path, wait_until="load")
            page.wait_for_timeout(50)
            pictures += any("/media/figures/" in address for address in fetched)
            if sum(fetched.values()) > MAX_BYTES:
                heavy[path] = {address.rpartition("/")[2][-40:]: size for address, size in fetched.items()}

    assert heavy == {}
    assert pictures > 20


@pytest.mark.parametrize("size", [SIZE, {"width": 768, "height": 1024}, {"width": 1280, "height": 800}])
def test_late_styles_and_pictures_cause_no_layout_shift(
    browser: Browser, served_site: ServedSite, size: ViewportSize
) -> None:
    most = MAX_JUMP if size == SIZE else MAX_JUMP_WIDE
    jumps: dict[str, float] = {}
    with open_tab(browser, size) as page:
        page.add_init_script(
            """window.jumped = 0;
            new PerformanceObserver((list) => list.getEntries().forEach((e) => { window.jumped += e.value; }))
              .observe({type: "layout-shift", buffered: true});"""
        )
        page.route("**/deferred*.css", late)
        page.route("**/media/figures/**", late)
        for path in (path for path in public_paths(served_site) if not path.endswith(BOOKLET)):
            page.goto(served_site.url + path, wait_until="load")
            page.wait_for_timeout(100)
            if (jumped := page.evaluate("window.jumped")) > most:
                jumps[path] = round(jumped, 3)

    assert jumps == {}


def late(route: Route) -> None:
    """Delay the response until after the first paint."""
    time.sleep(0.2)
    route.continue_()
