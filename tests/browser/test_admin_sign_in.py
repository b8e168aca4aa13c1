"""Signing in with a real browser: passkeys, the app, the pages by axe, on a phone and by night."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext, expect

from portal.accounts import invitations
from portal.accounts.models import User
from tests.accounts.conftest import PASSWORD, add_totp, make_member, totp_code
from tests.browser.public_helpers import AXE, DESK, PHONE
from tests.browser.staff_helpers import Desk, desk

pytestmark = [pytest.mark.browser, pytest.mark.writes, pytest.mark.django_db(transaction=True)]
FINDINGS = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}`));
}"""


@pytest.fixture(autouse=True)
def _require_mfa() -> Iterator[None]:
    with override_settings(MFA_REQUIRED=True):
        yield


def with_device(context: BrowserContext, at: Desk) -> Any:
    """A device that confirms with a finger, as a phone or a laptop does."""
    session = context.new_cdp_session(at.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def type_in(at: Desk, name: str, password: str = PASSWORD) -> None:
    at.page.get_by_label("Username or email address").fill(name)
    at.page.get_by_label("Password", exact=True).fill(password)
    at.page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.mark.smoke
def test_a_passkey_is_set_up_and_then_signs_in_alone(browser: Browser, live_server: Any) -> None:
    nina = make_member()
    address = live_server.url.replace("127.0.0.1", "localhost")
    with desk(browser, address, DESK) as at:
        # Passkeys belong to a name; browsers take localhost for one, and a number for none.
        at.url = address
        with_device(at.context, at)
        at.open("/admin/procedures/page/")
        type_in(at, "nina")
        at.page.get_by_role("link", name="Use a passkey").click()
        at.page.get_by_label("Name").fill("My laptop")
        at.page.get_by_role("button", name="Add the passkey").click()
        expect(at.page.get_by_role("heading", level=1)).to_have_text("Save these recovery codes")
        assert at.page.locator(".recovery-codes li").count() == 10
        at.page.get_by_label("I have saved the codes").check()
        at.page.get_by_role("button", name="Continue").click()
        expect(at.page.get_by_role("heading", level=1)).to_have_text("What would you like to work on?")

        at.page.get_by_role("button", name="Sign out").click()
        at.open("/admin/account/")
        at.page.get_by_role("button", name="Sign in with a passkey").click()
        expect(at.page.get_by_text("Passkey “My laptop”")).to_be_visible()

        at.page.get_by_role("button", name="Sign out", exact=True).first.click()
        type_in(at, "nina")
        at.page.get_by_role("button", name="Use a passkey").click()
        expect(at.page.get_by_role("heading", level=1)).to_have_text("What would you like to work on?")
        assert at.complaints == []
    assert [event.detail for event in nina.audit_events.filter(kind="signed-in").order_by("pk")] == [
        "password", "webauthn", "password + webauthn",
    ]  # fmt: skip


def test_an_app_is_set_up_by_hand_and_keyboard(browser: Browser, live_server: Any) -> None:
    make_member()
    with desk(browser, live_server.url, PHONE) as at:
        at.open("/admin/")
        type_in(at, "nina")
        at.page.get_by_role("link", name="Use an app").click()
        square = at.page.get_by_role("img", name="QR code to scan with the app")
        assert square.evaluate("image => image.decode().then(() => image.naturalWidth > 0)")
        at.page.get_by_text("No camera? Type this key instead").click()
        secret = at.page.locator(".mfa-key").inner_text().replace(" ", "")
        at.page.get_by_label("Code that the app shows now").fill(totp_code(secret))
        at.page.keyboard.press("Enter")
        expect(at.page.get_by_role("heading", level=1)).to_have_text("Save these recovery codes")
        at.page.evaluate("window.print = () => { document.title = 'On paper'; }")
        at.page.get_by_role("button", name="Print").click()
        expect(at.page).to_have_title("On paper")
        assert at.complaints == []


def test_signing_in_beside_an_open_form_lets_it_save(browser: Browser, live_server: Any) -> None:
    nina = make_member()
    secret = add_totp(nina)
    with desk(browser, live_server.url, DESK) as at:
        at.open("/admin/login/")
        first = at.page
        state = first.evaluate("fetch('/admin/session/').then(answer => answer.json())")
        beside = at.context.new_page()
        at.page = beside
        at.open("/admin/")
        type_in(at, "nina")
        beside.get_by_label("Code").fill(totp_code(secret))
        beside.get_by_role("button", name="Continue").click()
        expect(beside.get_by_role("heading", level=1)).to_have_text("What would you like to work on?")
        now = first.evaluate("fetch('/admin/session/').then(answer => answer.json())")
        status = first.evaluate(
            "token => fetch('/admin/account/sessions/end-all/',"
            " {method: 'POST', headers: {'X-CSRFToken': token}}).then(answer => answer.status)",
            now["csrf_token"],
        )

        assert (state["signed_in"], now["signed_in"], status) == (False, True, 200)


def test_a_link_is_copied_over_plain_http_too(browser: Browser, live_server: Any) -> None:
    boss = User.objects.create(username="boss", is_staff=True, is_superuser=True)
    nina = make_member()
    permissions = ["clipboard-read", "clipboard-write"]
    with (
        override_settings(MFA_REQUIRED=False),
        desk(browser, live_server.url, DESK, permissions=permissions) as at,
    ):
        at.sign_in(boss)
        at.open(f"/admin/staff/user/{nina.pk}/change/")
        at.page.get_by_role("button", name="New link").click()
        # Over plain http a browser has no such thing.
        at.page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined, configurable: true})")
        at.page.get_by_role("button", name="Copy", exact=True).click()
        expect(at.page.get_by_role("status")).to_have_text("Copied. The link is ready to paste.")
        pasted = at.page.evaluate("delete navigator.clipboard, navigator.clipboard.readText()")

        assert pasted == at.page.get_by_label("Link (works once)").input_value()
        assert "/admin/welcome/" in pasted
        assert at.complaints == []


def pages_of(at: Desk, nina: User) -> Iterator[str]:
    """Bring the browser to every page of the sign-in, one after the other."""
    at.open("/admin/login/")
    yield "sign in"
    with at.page.expect_navigation():
        type_in(at, "nina", "wrong")
    yield "refused"
    at.open("/admin/password/forgotten/")
    yield "forgotten"
    at.open("/admin/welcome/no-such-link/")
    yield "gone"
    at.open(invitations.create_link(nina, actor=None).replace("http://127.0.0.1:8000", ""))
    yield "welcome"
    at.open("/admin/login/")
    with at.page.expect_navigation():
        type_in(at, "nina")
    yield "set up"
    with at.page.expect_navigation():
        at.page.get_by_role("link", name="Use an app").click()
    yield "app"
    at.page.get_by_text("No camera?").click()
    secret = at.page.locator(".mfa-key").inner_text().replace(" ", "")
    at.open("/admin/account/passkeys/add/")
    yield "passkey"
    at.page.go_back()
    at.open("/admin/account/app/")
    at.page.get_by_text("No camera?").click()
    secret = at.page.locator(".mfa-key").inner_text().replace(" ", "")
    at.page.get_by_label("Code that the app shows now").fill(totp_code(secret))
    with at.page.expect_navigation():
        at.page.get_by_role("button", name="Continue").click()
    yield "codes"
    at.page.get_by_label("I have saved the codes").check()
    with at.page.expect_navigation():
        at.page.get_by_role("button", name="Continue").click()
    for path in (
        "account/", "account/codes/new/", "account/app/remove/", "password_change/", "confirm/", "confirm/code/",
        "staff/user/", "staff/user/add/", f"staff/user/{nina.pk}/change/", "staff/auditevent/",
    ):  # fmt: skip
        at.open(f"/admin/{path}")
        yield path
    other = User.objects.get(username="rosa")
    at.open(f"/admin/staff/user/{other.pk}/change/")
    yield "person"
    with at.page.expect_navigation():
        at.page.get_by_role("link", name="Lost phone or key").click()
    yield "lost"
    at.page.go_back()
    with at.page.expect_navigation():
        at.page.get_by_role("button", name="New link").click()
    yield "link"
    at.context.clear_cookies()
    at.open("/admin/login/")
    with at.page.expect_navigation():
        type_in(at, "nina")
    yield "second step"


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_axe_finds_nothing_and_every_page_fits(browser: Browser, live_server: Any, size: Any, scheme: Any) -> None:
    nina = make_member("nina", "Manager")
    make_member("rosa", "Reviewer")
    found, wide = {}, {}
    with desk(browser, live_server.url, size, bypass_csp=True, color_scheme=scheme) as at:
        for name in pages_of(at, nina):
            at.page.locator("main h1").first.wait_for()
            at.page.evaluate(AXE)
            if here := at.page.evaluate(FINDINGS):
                found[name] = here
            wide[name] = at.page.evaluate("document.documentElement.scrollWidth") - size["width"]

    assert found == {}
    assert {name: more for name, more in wide.items() if more > 0} == {}
    assert len(wide) == 23
