"""Helpers for the tests of staff screens: a browser tab with a signed-in user."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Error, Page, ViewportSize, expect

from portal.accounts.models import User
from procedures.models import ClinicAnswer
from procedures.models import Page as PageRow
from tests.browser.live_server import SIGNED_IN_USERS
from tests.factories import make_clinic, make_figure, make_next, make_page, make_term

# Console messages about failures that the tests cause on purpose.
EXPECTED_MESSAGES = ("status of 400", "status of 401", "status of 403", "status of 409", "net::ERR_FAILED")

COLOR_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

# Prefix of the localStorage key for the editor mode (editor/mode.js), followed by the user ID.
MODE_KEY = "plainspine:editor:"

MODE_COOKIE = "editor_modes"

# The profile of each browser that tests without options of their own share, one after the other.
SHARED_CONTEXTS: dict[Browser, BrowserContext] = {}

# Returns axe findings outside the preview, which is a public page and has its own tests.
# Colors that are still changing would be compared with the wrong background.
AXE_FINDINGS = """async () => {
  document.getAnimations().filter((one) => one instanceof CSSTransition).forEach((one) => one.finish());
  const found = await axe.run({exclude: ["iframe"]}, {resultTypes: ["violations"], iframes: false});
  return found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}`));
}"""


@dataclass
class StaffTab:
    """One tab at ``url``. ``complaints`` collects console errors and warnings, such as CSP violations."""

    page: Page
    context: BrowserContext
    url: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Open a path of the site."""
        self.page.goto(self.url + path)

    def sign_in(self, user: User, *, mode: str = "source") -> None:
        """Give the browser a session cookie, because the sign-in has its own tests.

        ``mode``: the remembered editor mode, "source" (Markdown) or "visual" (formatted text).
        """
        remember_mode(self.context, mode, user.pk)
        client = Client()
        client.force_login(user)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        SIGNED_IN_USERS[cookie.value] = user.pk
        address = {"domain": "127.0.0.1", "path": settings.SESSION_COOKIE_PATH}
        self.context.add_cookies([{"name": cookie.key, "value": cookie.value, **address}])  # type: ignore[typeddict-item]

    def edit(self, path: str) -> None:
        """Open a form with the editor and wait for its first preview."""
        self.open(path)
        expect(self.page.locator("[data-state]")).to_contain_text("min to read")

    @property
    def text(self) -> str:
        """Return the content of the Markdown field."""
        return self.page.locator("#id_body").input_value()

    def article(self) -> str:
        """Return the text of the preview."""
        return self.page.frame_locator("[data-stage] iframe").locator("article").inner_text()


def remember_mode(context: BrowserContext, mode: str, *users: int) -> None:
    """Make the editor open in this mode for these users, unless they have changed it in this browser.

    A cookie says so, because scripts that were added to a context cannot be removed.
    """
    known = next((cookie["value"] for cookie in context.cookies() if cookie["name"] == MODE_COOKIE), "")
    value = "|".join([*filter(None, [known]), *(f"{user}:{mode}" for user in users)])
    context.add_cookies([{"name": MODE_COOKIE, "value": value, "domain": "127.0.0.1", "path": "/"}])


def new_staff_context(browser: Browser, **options: Any) -> BrowserContext:
    """Return a clean profile that remembers the mode of the editor (``remember_mode``)."""
    context = browser.new_context(**options)
    context.add_init_script(f"""try {{
      const modes = document.cookie.split("; ").find((one) => one.startsWith("{MODE_COOKIE}="))?.split("=")[1] ?? "";
      for (const [user, mode] of modes.split("|").map((one) => one.split(":"))) {{
        if (mode) localStorage["{MODE_KEY}" + user] ??= mode;
      }}
    }} catch {{}}""")
    return context


def _clean_context(browser: Browser, url: str) -> BrowserContext:
    """Return the profile that tests share, without what the previous test stored.

    The scripts of the editor stay in its cache; a new profile would load and compile them again in every test.
    """
    if browser not in SHARED_CONTEXTS:
        SHARED_CONTEXTS[browser] = new_staff_context(browser)
    context = SHARED_CONTEXTS[browser]
    context.clear_cookies()
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "local_storage,indexeddb"})
    page.close()
    return context


def close_shared_contexts() -> None:
    """Close the profiles that tests share."""
    while SHARED_CONTEXTS:
        SHARED_CONTEXTS.popitem()[1].close()


@contextmanager
def open_staff_tab(browser: Browser, url: str, size: ViewportSize, **options: Any) -> Iterator[StaffTab]:
    """Open a tab in a clean profile, and collect its console errors."""
    # live_server uses localhost, but the cookies are for the IP address.
    url = url.replace("localhost", "127.0.0.1")
    shared = SHARED_CONTEXTS.get(browser)
    is_shared = not options and not (shared and shared.pages)
    context = _clean_context(browser, url) if is_shared else new_staff_context(browser, viewport=size, **options)
    made = StaffTab(context.new_page(), context, url)
    made.page.set_viewport_size(size)
    made.page.set_default_timeout(10_000)

    def note(kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not any(known in text for known in EXPECTED_MESSAGES):
            made.complaints.append(f"{kind}: {text}")

    made.page.on("console", lambda message: note(message.type, message.text))
    made.page.on("pageerror", lambda error: note("error", str(error)))
    try:
        yield made
    finally:
        # Requests sent while the page unloads must not collide with truncating the tables.
        with suppress(Error):  # a page that asks before leaving
            made.page.goto("about:blank")
            made.page.wait_for_timeout(150)
        if is_shared:
            for page in context.pages:
                page.close()
        else:
            context.close()


@contextmanager
def open_visual_tab(browser: Browser, url: str, size: ViewportSize, user: User) -> Iterator[StaffTab]:
    """Open a tab in which the user is signed in and edits in visual mode. Console errors fail the test."""
    with open_staff_tab(browser, url, size) as made:
        made.sign_in(user, mode="visual")
        yield made
        assert made.complaints == []


def show_panel(tab: StaffTab, name: str) -> None:
    """Open a part of the panel next to the text: "problems" or "settings"."""
    opener = tab.page.locator(f"[data-open-panel={name}]")
    if opener.get_attribute("aria-expanded") != "true":
        opener.click()


def type_text(tab: StaffTab, text: str) -> None:
    """Replace the entire text, as a user would."""
    tab.page.locator("#id_body").fill(text)


def make_draft_with_references() -> PageRow:
    """Create a draft, and one row of each kind that its text can reference."""
    make_clinic()
    make_figure(size=(400, 400))
    make_figure("balloon", size=(400, 400))
    make_term()
    for key, question in (("driving", "When can I drive?"), ("washing", "When can I wash?")):
        ClinicAnswer.objects.create(key=key, language="en", question=question, answer="Tomorrow.")
    return make_page(next_page=make_next())
