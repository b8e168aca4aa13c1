"""Signing in with a real browser: passkeys, authenticator apps, and axe on the pages, on a phone and in dark mode."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext, expect

from portal.accounts import invitations
from portal.accounts.models import User
from tests.accounts.conftest import PASSWORD, add_totp, make_member, totp_code
from tests.browser.public_helpers import AXE, DESKTOP, PHONE
from tests.browser.staff_helpers import StaffTab, open_staff_tab
from tests.factories import make_term

pytestmark = [pytest.mark.browser, pytest.mark.writes, pytest.mark.django_db(transaction=True)]
FINDINGS = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}`));
}"""


@pytest.fixture(autouse=True)
def _require_mfa() -> Iterator[None]:
    with override_settings(MFA_REQUIRED=True):
        yield


def with_device(context: BrowserContext, tab: StaffTab) -> Any:
    """Add a device with a fingerprint reader, like a phone or a laptop."""
    session = context.new_cdp_session(tab.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def type_in(tab: StaffTab, name: str, password: str = PASSWORD) -> None:
    tab.page.get_by_label("Username or email address").fill(name)
    tab.page.get_by_label("Password", exact=True).fill(password)
    tab.page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.mark.smoke
def test_passkey_can_be_set_up_and_signs_in_on_its_own(browser: Browser, live_server: Any) -> None:
    nina = make_member()
    address = live_server.url.replace("127.0.0.1", "localhost")
    with open_staff_tab(browser, address, DESKTOP) as tab:
        # Passkeys belong to a domain name, which localhost is and an IP address is not.
        tab.url = address
        with_device(tab.context, tab)
        tab.open("/admin/procedures/page/")
        type_in(tab, "nina")
        tab.page.get_by_role("link", name="Use a passkey").click()
        tab.page.get_by_label("Name").fill("My laptop")
        tab.page.get_by_role("button", name="Add the passkey").click()
        expect(tab.page.get_by_role("heading", level=1)).to_have_text("Save these recovery codes")
        assert tab.page.locator(".recovery-codes li").count() == 10
        tab.page.get_by_label("I have saved the codes").check()
        tab.page.get_by_role("button", name="Continue").click()
        expect(tab.page.get_by_role("heading", level=1)).to_contain_text("Hello,")

        tab.page.get_by_role("button", name="Account menu").click()
        tab.page.get_by_role("button", name="Sign out").click()
        tab.open("/admin/account/")
        tab.page.get_by_role("button", name="Sign in with a passkey").click()
        expect(tab.page.get_by_text("Passkey “My laptop”")).to_be_visible()

        tab.page.get_by_role("button", name="Account menu").click()
        tab.page.get_by_role("button", name="Sign out", exact=True).first.click()
        type_in(tab, "nina")
        tab.page.get_by_role("button", name="Use a passkey").click()
        expect(tab.page.get_by_role("heading", level=1)).to_contain_text("Hello,")
        assert tab.complaints == []
    assert [event.detail for event in nina.audit_events.filter(kind="logged_in").order_by("pk")] == [
        "password", "webauthn", "password + webauthn",
    ]  # fmt: skip


def test_authenticator_app_can_be_set_up_manually_with_the_keyboard(browser: Browser, live_server: Any) -> None:
    make_member()
    with open_staff_tab(browser, live_server.url, PHONE) as tab:
        tab.open("/admin/")
        type_in(tab, "nina")
        tab.page.get_by_role("link", name="Use an app").click()
        square = tab.page.get_by_role("img", name="QR code to scan with the app")
        assert square.evaluate("image => image.decode().then(() => image.naturalWidth > 0)")
        tab.page.get_by_text("No camera? Enter this key instead").click()
        secret = tab.page.locator(".mfa-key").inner_text().replace(" ", "")
        tab.page.get_by_label("Code that the app shows now").fill(totp_code(secret))
        tab.page.keyboard.press("Enter")
        expect(tab.page.get_by_role("heading", level=1)).to_have_text("Save these recovery codes")
        tab.page.evaluate("window.print = () => { document.title = 'On paper'; }")
        tab.page.get_by_role("button", name="Print").click()
        expect(tab.page).to_have_title("On paper")
        assert tab.complaints == []


def test_open_form_can_be_saved_after_signing_in_in_another_tab(browser: Browser, live_server: Any) -> None:
    nina = make_member()
    secret = add_totp(nina)
    with open_staff_tab(browser, live_server.url, DESKTOP) as tab:
        tab.open("/admin/login/")
        first = tab.page
        state = first.evaluate("fetch('/admin/session/').then(answer => answer.json())")
        beside = tab.context.new_page()
        tab.page = beside
        tab.open("/admin/")
        type_in(tab, "nina")
        beside.get_by_label("Code").fill(totp_code(secret))
        beside.get_by_role("button", name="Continue").click()
        expect(beside.get_by_role("heading", level=1)).to_contain_text("Hello,")
        now = first.evaluate("fetch('/admin/session/').then(answer => answer.json())")
        status = first.evaluate(
            "token => fetch('/admin/account/sessions/end-all/',"
            " {method: 'POST', headers: {'X-CSRFToken': token}}).then(answer => answer.status)",
            now["csrf_token"],
        )

        assert (state["signed_in"], now["signed_in"], status) == (False, True, 200)


def test_a_form_sent_after_the_session_ended_is_saved_after_signing_in_in_a_new_window(
    browser: Browser, live_server: Any
) -> None:
    secret = add_totp(make_member())
    term = make_term("bone")
    with open_staff_tab(browser, live_server.url, DESKTOP) as tab:
        form = tab.page
        tab.open("/admin/")
        type_in(tab, "nina")
        form.get_by_label("Code").fill(totp_code(secret))
        form.get_by_role("button", name="Continue").click()
        expect(form.get_by_role("heading", level=1)).to_contain_text("Hello,")
        tab.open(f"/admin/procedures/glossaryterm/{term.pk}/change/")
        form.locator("[name=definition]").fill("A hard part\nof the “body”.")
        Session.objects.all().delete()

        form.get_by_role("button", name="Save", exact=True).click()
        with form.expect_popup() as opened:
            form.get_by_role("link", name="Sign in again in a new window").click()
        tab.page = opened.value
        type_in(tab, "nina")
        opened.value.get_by_label("Code").fill(totp_code(secret, steps=1))
        opened.value.get_by_role("button", name="Continue").click()
        expect(opened.value.get_by_role("heading", level=1)).to_contain_text("Hello,")
        form.get_by_role("button", name="Send again").click()
        expect(form.locator(".messagelist")).to_contain_text("was changed successfully")
        term.refresh_from_db()

        assert term.definition == "A hard part\nof the “body”."
        assert tab.complaints == []


def test_link_can_be_copied_over_plain_http(browser: Browser, live_server: Any) -> None:
    boss = User.objects.create(username="boss", is_staff=True, is_superuser=True)
    nina = make_member()
    permissions = ["clipboard-read", "clipboard-write"]
    with (
        override_settings(MFA_REQUIRED=False),
        open_staff_tab(browser, live_server.url, DESKTOP, permissions=permissions) as tab,
    ):
        tab.sign_in(boss)
        tab.open(f"/admin/staff/user/{nina.pk}/change/")
        tab.page.get_by_role("button", name="New link").click()
        # Browsers have no clipboard API over plain HTTP.
        tab.page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined, configurable: true})")
        tab.page.get_by_role("button", name="Copy", exact=True).click()
        expect(tab.page.get_by_role("status")).to_have_text("Copied. The link is ready to paste.")
        pasted = tab.page.evaluate("delete navigator.clipboard, navigator.clipboard.readText()")

        assert pasted == tab.page.get_by_label("Link (works once)").input_value()
        assert "/admin/welcome/" in pasted
        assert tab.complaints == []


def pages_of(tab: StaffTab, nina: User) -> Iterator[str]:
    """Open every sign-in page in turn."""
    tab.open("/admin/login/")
    yield "sign in"
    with tab.page.expect_navigation():
        type_in(tab, "nina", "wrong")
    yield "refused"
    tab.open("/admin/password/forgotten/")
    yield "forgotten"
    tab.open("/admin/welcome/no-such-link/")
    yield "gone"
    tab.open(invitations.create_link(nina, actor=None).replace("http://127.0.0.1:8000", ""))
    yield "welcome"
    tab.open("/admin/login/")
    with tab.page.expect_navigation():
        type_in(tab, "nina")
    yield "set up"
    with tab.page.expect_navigation():
        tab.page.get_by_role("link", name="Use an app").click()
    yield "app"
    tab.page.get_by_text("No camera?").click()
    secret = tab.page.locator(".mfa-key").inner_text().replace(" ", "")
    tab.open("/admin/account/passkeys/add/")
    yield "passkey"
    tab.page.go_back()
    tab.open("/admin/account/app/")
    tab.page.get_by_text("No camera?").click()
    secret = tab.page.locator(".mfa-key").inner_text().replace(" ", "")
    tab.page.get_by_label("Code that the app shows now").fill(totp_code(secret))
    with tab.page.expect_navigation():
        tab.page.get_by_role("button", name="Continue").click()
    yield "codes"
    tab.page.get_by_label("I have saved the codes").check()
    with tab.page.expect_navigation():
        tab.page.get_by_role("button", name="Continue").click()
    for path in (
        "account/", "account/codes/new/", "account/app/remove/", "password_change/", "confirm/", "confirm/code/",
        "staff/user/", "staff/user/add/", f"staff/user/{nina.pk}/change/", "staff/auditevent/",
    ):  # fmt: skip
        tab.open(f"/admin/{path}")
        yield path
    other = User.objects.get(username="rosa")
    tab.open(f"/admin/staff/user/{other.pk}/change/")
    yield "person"
    with tab.page.expect_navigation():
        tab.page.get_by_role("link", name="Reset second step").click()
    yield "lost"
    tab.page.go_back()
    with tab.page.expect_navigation():
        tab.page.get_by_role("button", name="New link").click()
    yield "link"
    tab.context.clear_cookies()
    tab.open("/admin/login/")
    with tab.page.expect_navigation():
        type_in(tab, "nina")
    yield "second step"


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")])
def test_axe_finds_no_problem_and_every_page_fits(browser: Browser, live_server: Any, size: Any, scheme: Any) -> None:
    nina = make_member("nina", "Manager")
    make_member("rosa", "Reviewer")
    found, wide = {}, {}
    with open_staff_tab(browser, live_server.url, size, bypass_csp=True, color_scheme=scheme) as tab:
        for name in pages_of(tab, nina):
            tab.page.locator("main h1").first.wait_for()
            tab.page.evaluate(AXE)
            if here := tab.page.evaluate(FINDINGS):
                found[name] = here
            wide[name] = tab.page.evaluate("document.documentElement.scrollWidth") - size["width"]

    assert found == {}
    assert {name: more for name, more in wide.items() if more > 0} == {}
    assert len(wide) == 23
