"""Fixtures for tests in a real browser: Debian's Chromium, driven by Playwright, at phone size and at desktop size."""

import os
import threading
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.core.signals import request_finished, request_started
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from portal.accounts.models import User
from procedures.models import Figure
from procedures.models import Page as PageRow
from tests.admin.conftest import change_url, make_staff
from tests.browser.live_server import StaticAndAutosaveHandler
from tests.browser.marker_helpers import make_marked_figure
from tests.browser.public_helpers import DESKTOP, PHONE, open_tab
from tests.browser.staff_helpers import StaffTab, close_shared_contexts, open_staff_tab
from tests.conftest import FLAGS, chromium
from tests.factories import make_clinic, make_figure, make_next, make_page

# Many tests share few cores, so slowness is not a failure here. Speed is measured by the benchmarks.
expect.set_options(timeout=20_000)

# Requests that the live server is still processing; a browser may close before its last request is finished.
OPEN: list[object] = []


def _begins(**_: object) -> None:
    OPEN.append(None)


def _ends(**_: object) -> None:
    if OPEN:
        OPEN.pop()


request_started.connect(_begins)
request_finished.connect(_ends)


@pytest.fixture(scope="session", autouse=True)
def _serve_static_files_and_autosave() -> Iterator[None]:
    with mock.patch("django.contrib.staticfiles.handlers.StaticFilesHandler", StaticAndAutosaveHandler):
        yield


@pytest.fixture(autouse=True)
def _wait_for_open_requests(request: pytest.FixtureRequest) -> Iterator[None]:
    """Wait for open requests before the tables are truncated, which would cause a deadlock on PostgreSQL."""
    OPEN.clear()
    if "live_server" in request.fixturenames:
        request.getfixturevalue("transactional_db")
    yield
    until = time.monotonic() + 10
    while OPEN and time.monotonic() < until:
        time.sleep(0.02)


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    """Playwright, whose event loop in this thread Django would mistake for an async context."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            yield playwright
    finally:
        if before is None:
            os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)


@pytest.fixture(scope="session")
def live_server(driver: Playwright, django_db_setup: None, live_server: Any) -> Iterator[Any]:
    """The live server, started last, so that it gets the connection to the test database that the tests use.

    Two connections to a database in memory lock each other's tables. Started before the database, the server would open
    its own; Playwright's event loop makes Django open another one for the tests.
    """
    yield live_server
    # The shared profile keeps connections open. Their threads may close the database connection only while it is shared.
    close_shared_contexts()
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(timeout=5)


def launched(driver: Playwright, path: str | None, flags: list[str] = FLAGS) -> Iterator[Browser]:
    """Launch Chromium. If it is not installed, skip the test, or fail in CI."""
    if path is None:
        reason = "Chromium is not installed (Debian: apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    started = driver.chromium.launch(executable_path=path, args=flags)
    yield started
    started.close()


@pytest.fixture(scope="session")
def browser(driver: Playwright) -> Iterator[Browser]:
    """Chromium, in the headless build if that is installed."""
    yield from launched(driver, chromium())


@pytest.fixture(scope="session")
def whole_browser(driver: Playwright) -> Iterator[Browser]:
    """The full Chromium that people use, which preloads differently from the headless build."""
    yield from launched(driver, chromium(whole=True))


@pytest.fixture
def large_text_browser(driver: Playwright) -> Iterator[Browser]:
    """Chromium with text twice as large in its settings. Unlike a style, the setting also affects media queries."""
    yield from launched(driver, chromium(), [*FLAGS, "--blink-settings=defaultFontSize=32"])


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A clean profile at phone size."""
    made = browser.new_context(viewport={"width": 360, "height": 740})
    yield made
    made.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A phone with reduced motion; console messages and errors fail the test."""
    with open_tab(browser, PHONE, reduced_motion="reduce") as page:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        assert complaints == []


@pytest.fixture
def editor(transactional_db: None) -> User:
    return make_staff("Nina", "Editor")


@pytest.fixture
def superuser(transactional_db: None) -> User:
    """A user with all permissions."""
    return User.objects.create(username="boss", is_staff=True, is_superuser=True)


@pytest.fixture
def row(transactional_db: None) -> PageRow:
    """A draft that is ready to be published."""
    make_clinic()
    make_figure(size=(40, 40))
    return make_page(next_page=make_next())


@pytest.fixture
def figure(transactional_db: None) -> Figure:
    """A picture with two markers."""
    return make_marked_figure()


@pytest.fixture
def editor_tab(browser: Browser, live_server: Any, editor: User) -> Iterator[StaffTab]:
    """A desktop tab with the editor signed in. Console errors fail the test."""
    with open_staff_tab(browser, live_server.url, DESKTOP) as made:
        made.sign_in(editor)
        yield made
        assert made.complaints == []


@pytest.fixture
def tab(row: PageRow, editor_tab: StaffTab) -> StaffTab:
    """The form of the draft in a desktop tab."""
    editor_tab.edit(change_url(row))
    return editor_tab
