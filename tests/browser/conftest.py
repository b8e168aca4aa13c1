"""A real browser: Debian's Chromium, driven by Playwright; a phone of a reader, and a desk of the staff."""

import os
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
from tests.browser.staff_helpers import StaffTab, open_staff_tab
from tests.conftest import FLAGS, chromium
from tests.factories import make_clinic, make_figure, make_next, make_page

# Many tests share few cores: what takes long there is not broken. What is to be quick has a benchmark.
expect.set_options(timeout=20_000)

# What the live server is answering: a browser may be gone while its last request is still at work.
OPEN: list[object] = []


def _begins(**_: object) -> None:
    OPEN.append(None)


def _ends(**_: object) -> None:
    if OPEN:
        OPEN.pop()


request_started.connect(_begins)
request_finished.connect(_ends)


@pytest.fixture(scope="session", autouse=True)
def _live_server_answers_like_ours() -> Iterator[None]:
    with mock.patch("django.contrib.staticfiles.handlers.StaticFilesHandler", StaticAndAutosaveHandler):
        yield


@pytest.fixture(autouse=True)
def _answered_before_the_tables_are_emptied(request: pytest.FixtureRequest) -> Iterator[None]:
    """PostgreSQL would find the two waiting for each other."""
    OPEN.clear()
    if "live_server" in request.fixturenames:
        request.getfixturevalue("transactional_db")
    yield
    until = time.monotonic() + 10
    while OPEN and time.monotonic() < until:
        time.sleep(0.02)


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    """Playwright, which keeps an event loop in this thread; Django would take that for an async context."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            yield playwright
    finally:
        if before is None:
            os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)


def launched(driver: Playwright, path: str | None) -> Iterator[Browser]:
    """Chromium; where it is not installed the test is skipped and says so, in CI it fails."""
    if path is None:
        reason = "Chromium is not installed (Debian: apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    started = driver.chromium.launch(executable_path=path, args=FLAGS)
    yield started
    started.close()


@pytest.fixture(scope="session")
def browser(driver: Playwright) -> Iterator[Browser]:
    """Chromium, without a window where that is installed."""
    yield from launched(driver, chromium())


@pytest.fixture(scope="session")
def whole_browser(driver: Playwright) -> Iterator[Browser]:
    """Chromium as people have it: what it fetches ahead is not what the one without a window does."""
    yield from launched(driver, chromium(whole=True))


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A clean profile at phone size."""
    made = browser.new_context(viewport={"width": 360, "height": 740})
    yield made
    made.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A phone that holds still; what it complains about fails the test."""
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
    """May do everything."""
    return User.objects.create(username="boss", is_staff=True, is_superuser=True)


@pytest.fixture
def row(transactional_db: None) -> PageRow:
    """A draft that is ready to be published."""
    make_clinic()
    make_figure(size=(40, 40))
    return make_page(next_page=make_next())


@pytest.fixture
def figure(transactional_db: None) -> Figure:
    """A picture with two marks."""
    return make_marked_figure()


@pytest.fixture
def editor_tab(browser: Browser, live_server: Any, editor: User) -> Iterator[StaffTab]:
    """A desk with the editor signed in at it. The browser may complain of nothing."""
    with open_staff_tab(browser, live_server.url, DESKTOP) as made:
        made.sign_in(editor)
        yield made
        assert made.complaints == []


@pytest.fixture
def tab(row: PageRow, editor_tab: StaffTab) -> StaffTab:
    """The form of the draft, open at a desk."""
    editor_tab.edit(change_url(row))
    return editor_tab
