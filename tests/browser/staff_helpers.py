"""What the tests of the staff's screens share: a desk in the browser with somebody signed in at it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Error, Page, ViewportSize, expect

from portal.accounts.models import User
from procedures.models import ClinicAnswer
from procedures.models import Page as PageRow
from tests.browser.live_server import SIGNED_IN_USERS
from tests.factories import make_clinic, make_figure, make_next, make_page, make_term

# Refusals that a test brings about; the browser tells of each.
EXPECTED_MESSAGES = ("status of 400", "status of 401", "status of 403", "status of 409", "net::ERR_FAILED")

# Where the browser remembers how a person left the editor (editor/mode.js); the user's key follows.
MODE_KEY = "plainspine:editor:"

# What axe finds outside the preview, which holds a public page: those have tests of their own.
AXE_FINDINGS = """async () => {
  const found = await axe.run({exclude: ["iframe"]}, {resultTypes: ["violations"], iframes: false});
  return found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}`));
}"""


@dataclass
class StaffTab:
    """One tab at ``url``; ``complaints`` holds what the browser's console said, refused by the policy or broken."""

    page: Page
    context: BrowserContext
    url: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to a path of the site."""
        self.page.goto(self.url + path)

    def sign_in(self, user: User, *, mode: str = "source") -> None:
        """Give the browser the cookie of a session; the sign-in itself has tests of its own.

        ``mode``: how the person left the editor, with the Markdown ("source") or the text as it looks ("visual").
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
        """What stands in the Markdown field."""
        return self.page.locator("#id_body").input_value()

    def article(self) -> str:
        """The words of the preview."""
        return self.page.frame_locator("[data-stage] iframe").locator("article").inner_text()


def remember_mode(context: BrowserContext, mode: str, *users: int) -> None:
    """Let the editor open as these people left it, unless they have changed that in this browser."""
    lines = [f"localStorage['{MODE_KEY}{user}'] ??= '{mode}';" for user in users]
    context.add_init_script(f"try {{ {' '.join(lines)} }} catch {{}}")


@contextmanager
def open_staff_tab(browser: Browser, url: str, size: ViewportSize, **options: Any) -> Iterator[StaffTab]:
    """A clean profile; what the console complains about is kept."""
    context = browser.new_context(viewport=size, **options)
    # live_server calls itself localhost; cookies are for the number.
    made = StaffTab(context.new_page(), context, url.replace("localhost", "127.0.0.1"))
    made.page.set_default_timeout(10_000)

    def note(kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not any(known in text for known in EXPECTED_MESSAGES):
            made.complaints.append(f"{kind}: {text}")

    made.page.on("console", lambda message: note(message.type, message.text))
    made.page.on("pageerror", lambda error: note("error", str(error)))
    try:
        yield made
    finally:
        # What the page still sends when it goes must not run into the emptying of the tables.
        with suppress(Error):  # a page that asks before it is left
            made.page.goto("about:blank")
            made.page.wait_for_timeout(150)
        context.close()


def show_panel(tab: StaffTab, name: str) -> None:
    """Open a part of the panel next to the text: "problems" or "settings"."""
    opener = tab.page.locator(f"[data-open-panel={name}]")
    if opener.get_attribute("aria-expanded") != "true":
        opener.click()


def type_text(tab: StaffTab, text: str) -> None:
    """Put the text in place of everything, as a person would."""
    tab.page.locator("#id_body").fill(text)


def make_draft_with_references() -> PageRow:
    """A draft, and one of everything that its text may name."""
    make_clinic()
    make_figure(size=(400, 400))
    make_figure("balloon", size=(400, 400))
    make_term()
    for key, question in (("driving", "When can I drive?"), ("washing", "When can I wash?")):
        ClinicAnswer.objects.create(key=key, language="en", question=question, answer="Tomorrow.")
    return make_page(next_page=make_next())
