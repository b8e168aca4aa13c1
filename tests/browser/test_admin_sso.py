"""Single sign-on in a browser, with a served portal and real identity providers on this machine."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.public_helpers import AXE, DESKTOP, PHONE
from tests.browser.staff_helpers import AXE_FINDINGS, StaffTab, open_staff_tab
from tests.identity_providers import CLIENT_ID, CLIENT_SECRET, Person, SAMLProvider, run_oidc_provider
from tests.served_data import ROOT, serve

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("served")]
WORK = "Hello, "
GROUPS = {
    "PORTAL_SSO_NAME": "your hospital account",
    "PORTAL_SSO_SECOND_FACTOR": "provider",
    "PORTAL_SSO_EDITOR_GROUPS": "spine-editors",
    "PORTAL_BREAK_GLASS_ACCOUNT": "glass",
}
NINA = Person("nina", ["spine-editors"], "nina@hospital.example.org")


@pytest.fixture
def served(own_site_environ: dict[str, str], tmp_path: Path) -> Any:
    """Return a function that serves the portal with variables of its own."""

    @contextmanager
    def run(**variables: str) -> Iterator[str]:
        with serve({**own_site_environ, **GROUPS, **variables}, tmp_path / "log") as url:
            yield url

    return run


def expect_work(tab: StaffTab) -> None:
    expect(tab.page.get_by_role("heading", level=1)).to_contain_text(WORK)
    expect(tab.page.get_by_text("Nina", exact=False).first).to_be_visible()


def make_confirmation_due(folder: Path) -> None:
    """Let six of the ten minutes pass for all sessions of the served portal."""
    code = (
        "import time; from django.contrib.sessions.models import Session as Row; "
        "from django.contrib.sessions.backends.db import SessionStore as Store\n"
        "for row in Row.objects.all():\n"
        "    store = Store(row.pk); state = store.get('staff')\n"
        "    if state: store['staff'] = {**state, 'confirmed': time.time() - 360, 'asked': 0}; store.save()"
    )
    environ = {**os.environ, "PORTAL_DATA_DIR": str(folder / "data")}
    environ.pop("DATABASE_URL", None)
    subprocess.run([sys.executable, ROOT / "manage.py", "shell", "-c", code], env=environ, check=True, cwd=ROOT)


def test_openid_connect_signs_in_and_a_removed_role_signs_out(browser: Browser, served: Any, tmp_path: Path) -> None:
    with (
        run_oidc_provider() as provider,
        served(
            PORTAL_OIDC_ISSUER=provider.issuer,
            PORTAL_OIDC_CLIENT_ID=CLIENT_ID,
            PORTAL_OIDC_CLIENT_SECRET=CLIENT_SECRET,
            PORTAL_SSO_RECHECK_MINUTES="10",
        ) as url,
        open_staff_tab(browser, url, PHONE) as tab,
    ):
        provider.set_person(NINA)
        tab.open("/admin/procedures/page/")
        link = tab.page.get_by_role("link", name="Sign in with your hospital account")
        assert link.bounding_box()["height"] >= 44
        assert tab.page.get_by_label("Password").is_hidden()
        tab.page.evaluate(AXE)
        assert tab.page.evaluate(AXE_FINDINGS) == []
        complaints = list(tab.complaints)
        link.click()
        # The sign-in page of the provider.
        tab.page.get_by_placeholder("sub").fill("nina")
        tab.page.get_by_role("button", name="Authorize").click()
        expect(tab.page).to_have_url(f"{url}/admin/procedures/page/")
        tab.open("/admin/")
        expect_work(tab)
        assert complaints == []

        # Submitting this form redirects to the provider for confirmation, so our CSP applies to the redirects.
        make_confirmation_due(tmp_path)
        tab.open("/admin/account/")
        tab.page.get_by_role("button", name="nina").click()
        expect(tab.page).to_have_url(f"{url}/admin/account/")
        make_confirmation_due(tmp_path)
        tab.page.evaluate(
            """async () => {
              const { csrf_token } = await (await fetch("/admin/session/")).json();
              const form = document.createElement("form");
              Object.assign(form, { method: "post", action: "/admin/account/sessions/end-all/" });
              const field = document.createElement("input");
              Object.assign(field, { name: "csrfmiddlewaretoken", value: csrf_token });
              form.append(field);
              document.body.append(form);
              form.submit();
            }"""
        )
        tab.page.get_by_role("button", name="nina").click()
        expect(tab.page.get_by_text("All other devices are signed out.")).to_be_visible()
        assert [text for text in tab.complaints if "form-action" in text] == []

        provider.set_person(Person("nina", ["everyone"]))
        tab.page.goto(f"{url}/admin/sso/?next=/admin/&purpose=confirm")
        tab.page.get_by_role("button", name="nina").click()
        expect(tab.page.get_by_text("you are not in a group that has access")).to_be_visible()
        tab.open("/admin/")
        expect(link).to_be_visible()


def test_saml_signs_in_over_a_form_from_another_site(browser: Browser, served: Any, tmp_path: Path) -> None:
    with (
        SAMLProvider(tmp_path).running() as provider,
        served(PORTAL_SAML_METADATA=str(provider.metadata_file)) as url,
        open_staff_tab(browser, url, DESKTOP) as tab,
    ):
        metadata = tab.context.request.get(f"{url}/admin/sso/saml/metadata/").text()
        provider.trust(metadata)
        provider.people = {"nina": NINA}
        tab.open("/admin/account/")
        tab.page.get_by_role("link", name="Sign in with your hospital account").click()
        # Browsers treat another port on this machine as the same site, but another host name as a different one.
        tab.page.goto(re.sub(r"//127\.0\.0\.1", "//localhost", tab.page.url))
        tab.page.get_by_role("button", name="nina").click()
        expect(tab.page).to_have_url(f"{url}/admin/account/")
        tab.open("/admin/")
        expect_work(tab)
        tab.page.get_by_role("button", name="Account menu").click()
        tab.page.get_by_role("button", name="Sign out").click()
        expect(tab.page.get_by_text("You have been signed out.")).to_be_visible()
        assert tab.complaints == []
