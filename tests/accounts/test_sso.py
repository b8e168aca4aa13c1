"""Single sign-on against real providers: OpenID Connect by oidc-provider-mock, SAML by pysaml2."""

import base64
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount import providers
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.saml.provider import SAMLProvider as AllauthSAMLProvider
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from django.utils import timezone

from portal.accounts import invitations
from portal.accounts.models import AuditEvent, User
from portal.accounts.roles import ROLES
from portal.accounts.sso_settings import read_sso_settings
from portal.env import SettingsEnv
from procedures.roles import ROLE_PERMISSIONS
from tests.accounts.conftest import PASSWORD, add_totp, logged_in_client, make_member, post_login, totp_code
from tests.accounts.test_sessions import is_logged_in, set_session_age
from tests.identity_providers import (
    CLIENT_ID,
    CLIENT_SECRET,
    OIDCProvider,
    Person,
    SAMLProvider,
    encrypt_signed_assertion,
    run_oidc_provider,
    write_certificate,
)

# Each provider is a separate process with its own keys, which take seconds to generate.
pytestmark = [pytest.mark.django_db, pytest.mark.slow]
PORTAL = {"host": "127.0.0.1"}
GROUPS = {"PORTAL_SSO_EDITOR_GROUPS": "spine-editors", "PORTAL_SSO_MANAGER_GROUPS": "CN=Leads,OU=Spine; spine-leads"}
NINA = Person("nina", ["spine-editors", "everyone"], "nina@hospital.example.org")


def sso_settings(**environ: str) -> dict[str, Any]:
    """Return the settings that result from these variables."""
    with mock.patch.dict(os.environ, {**GROUPS, "PORTAL_SSO_NAME": "Riverside", **environ}):
        read = read_sso_settings(SettingsEnv())
    del read["SSO_APPS"]
    return read


@pytest.fixture(autouse=True)
def _registered_providers() -> Iterator[None]:
    """Install allauth's provider apps, which INSTALLED_APPS includes only if the environment configures a provider."""
    with mock.patch.dict(providers.registry.provider_map):
        for provider in (OpenIDConnectProvider, AllauthSAMLProvider):
            providers.registry.register(provider)
        yield


@pytest.fixture(scope="session")
def oidc() -> Iterator[OIDCProvider]:
    with run_oidc_provider() as provider:
        yield provider


def oidc_settings(oidc: OIDCProvider, **environ: str) -> dict[str, Any]:
    environ = {"PORTAL_SSO_SECOND_FACTOR": "provider", **environ}
    return sso_settings(
        PORTAL_OIDC_ISSUER=oidc.issuer,
        PORTAL_OIDC_CLIENT_ID=CLIENT_ID,
        PORTAL_OIDC_CLIENT_SECRET=CLIENT_SECRET,
        **environ,
    )


@pytest.fixture
def hospital(oidc: OIDCProvider) -> Iterator[OIDCProvider]:
    """The clinic signs in with OpenID Connect, and the provider asks for the second factor."""
    with override_settings(**oidc_settings(oidc)):
        yield oidc


def provider_url(client: Client, url: str) -> str:
    """Return where the portal sends the browser: by a redirect, or by a page that redirects automatically."""
    response = client.get(url, headers=PORTAL)
    return response["Location"] if response.status_code == 302 else response["Refresh"].removeprefix("0; url=")


def follow(client: Client, oidc: OIDCProvider, url: str, subject: str = "nina") -> Any:
    """Go through the provider's page as a browser would, and return the portal's response to the callback."""
    there = provider_url(client, url)
    assert there.startswith(oidc.issuer), there
    back = urlsplit(oidc.authorize(there, subject))
    return client.get(f"{back.path}?{back.query}", headers=PORTAL)


def sign_in(oidc: OIDCProvider, person: Person, client: Client | None = None) -> Client:
    """Sign in through the provider's page."""
    client = client or Client()
    oidc.set_person(person)
    follow(client, oidc, "/admin/sso/?next=/admin/account/", person.subject)
    return client


def event_kinds() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("kind", flat=True))


def test_a_mapped_group_creates_an_account_with_its_role(hospital: OIDCProvider) -> None:
    client = Client()
    page = client.get("/admin/login/?next=/admin/account/", headers=PORTAL)
    assert 'href="/admin/sso/?next=%2Fadmin%2Faccount%2F">Sign in with Riverside' in " ".join(
        page.text.split()
    ).replace("> Sign", ">Sign")
    hospital.set_person(NINA)
    response = follow(client, hospital, "/admin/sso/?next=/admin/account/")

    user = User.objects.get()
    assert response["Location"] == "/admin/account/"
    assert (user.username, user.first_name, user.last_name, user.email) == (
        "nina", "Nina", "Okafor", "nina@hospital.example.org",
    )  # fmt: skip
    assert user.is_staff and not user.is_superuser and not user.has_usable_password()
    assert [group.name for group in user.groups.all()] == ["Editor"]
    assert is_logged_in(client)
    assert event_kinds() == ["account_created", "roles_changed", "logged_in"]
    assert AuditEvent.objects.latest("pk").detail == "single sign-on"


def test_only_the_identifier_of_what_the_provider_said_is_stored(hospital: OIDCProvider) -> None:
    for _ in range(2):
        sign_in(hospital, Person("nina", ["spine-editors"], claims={"picture": "https://a.example/nina.jpg"}))
        account = SocialAccount.objects.get()
        assert (account.provider, account.uid, account.extra_data) == (hospital.issuer, "nina", {})
    assert all("nina.jpg" not in str(session.get_decoded()) for session in Session.objects.all())


def test_a_person_without_a_mapped_group_gets_no_account(hospital: OIDCProvider) -> None:
    client = sign_in(hospital, Person("max", ["everyone"], "max@hospital.example.org"))

    assert User.objects.count() == SocialAccount.objects.count() == 0
    assert event_kinds() == ["login_failed"]
    page = client.get("/admin/login/", headers=PORTAL).text
    assert "You signed in with Riverside, but you are not in a group that has access. Ask your manager." in page
    assert not is_logged_in(client)


def test_groups_decide_the_roles_again_at_each_sign_in(hospital: OIDCProvider) -> None:
    sign_in(hospital, NINA)
    for groups, roles in [
        (["CN=Leads,OU=Spine"], ["Manager"]),
        (["spine-leads", "spine-editors"], ["Editor", "Manager"]),
        (["spine-editors"], ["Editor"]),
    ]:
        sign_in(hospital, Person("nina", groups, NINA.email))
        assert sorted(group.name for group in User.objects.get().groups.all()) == roles
    detail = AuditEvent.objects.filter(kind="roles_changed").latest("pk").detail
    assert detail == "Editor, Manager → Editor"


def test_a_role_removed_at_the_provider_ends_the_session_at_the_next_confirmation(hospital: OIDCProvider) -> None:
    client = sign_in(hospital, NINA)
    page = {"path": "/admin/account/", "headers": {**PORTAL, "Accept": "text/html"}}
    assert client.get(**page).status_code == 200
    hospital.set_person(Person("nina", ["everyone"], NINA.email))

    # Half of the interval has passed, so the next page goes through the provider.
    set_session_age(client, confirmed=settings.SSO_RECHECK_MINUTES * 30 + 1)
    assert client.get(**page)["Location"] == "/admin/sso/?next=%2Fadmin%2Faccount%2F&purpose=confirm"
    response = follow(client, hospital, "/admin/sso/?next=/admin/account/&purpose=confirm")

    assert response["Location"] == "/admin/login/"
    assert not is_logged_in(client)
    assert User.objects.get().groups.count() == 0
    assert event_kinds()[-3:] == ["roles_changed", "all_sessions_revoked", "login_failed"]


def test_a_session_that_the_provider_does_not_confirm_ends_in_time(hospital: OIDCProvider) -> None:
    client = sign_in(hospital, NINA)
    set_session_age(client, confirmed=settings.SSO_RECHECK_MINUTES * 60 - 5, asked=0)
    assert is_logged_in(client)

    set_session_age(client, confirmed=settings.SSO_RECHECK_MINUTES * 60 + 1)
    assert not is_logged_in(client)
    assert event_kinds()[-1] == "session_expired"


def test_a_confirmation_continues_the_same_session(hospital: OIDCProvider) -> None:
    client = sign_in(hospital, NINA)
    key = client.session.session_key
    set_session_age(client, started=4000, confirmed=2000)
    response = follow(client, hospital, "/admin/sso/?next=/admin/procedures/page/&purpose=confirm")

    state = client.session["staff"]
    assert response["Location"] == "/admin/procedures/page/"
    assert client.session.session_key == key
    assert time.time() - state["confirmed"] < 60 and time.time() - state["started"] > 3900
    assert event_kinds().count("logged_in") == 1


def test_only_page_navigations_are_redirected_to_the_provider(hospital: OIDCProvider) -> None:
    client = sign_in(hospital, NINA)
    set_session_age(client, confirmed=settings.SSO_RECHECK_MINUTES * 30 + 1)
    for headers in (
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Dest": "empty"},
        {"X-Background": "1"},
        {"Accept": "application/json"},
    ):
        assert client.get("/admin/account/", headers={"Accept": "text/html", **headers}).status_code == 200, headers
    assert (
        client.post("/admin/account/sessions/end-all/", headers={"Accept": "text/html"})["Location"]
        == "/admin/account/"
    )
    assert client.get("/admin/account/", headers={"Sec-Fetch-Dest": "document"}).status_code == 302


def test_another_person_at_the_provider_does_not_take_over_the_session(hospital: OIDCProvider) -> None:
    client = sign_in(hospital, NINA)
    hospital.set_person(Person("max", ["spine-leads"], "max@hospital.example.org", "Max"))
    follow(client, hospital, "/admin/sso/?next=/admin/account/&purpose=confirm", "max")

    assert client.get("/admin/session/").json()["user"] == User.objects.get(username="max").pk
    assert event_kinds()[-1] == "logged_in"


def test_a_sensitive_action_asks_the_provider_again(hospital: OIDCProvider) -> None:
    client = sign_in(hospital, Person("max", ["spine-leads"], "max@hospital.example.org", "Max"))
    assert client.get("/admin/staff/user/add/").status_code == 200
    set_session_age(client, started=settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 60)

    first = client.get("/admin/staff/user/add/")
    assert first["Location"] == "/admin/sso/?next=%2Fadmin%2Fstaff%2Fuser%2Fadd%2F&purpose=reauthenticate"
    there = provider_url(client, first["Location"])
    assert parse_qs(urlsplit(there).query)["prompt"] == ["login"]
    # A confirmation without a new login at the provider is not enough.
    follow(client, hospital, "/admin/sso/?next=/admin/account/&purpose=confirm", "max")
    assert client.get("/admin/staff/user/add/").status_code == 302
    assert follow(client, hospital, first["Location"], "max")["Location"] == "/admin/staff/user/add/"
    assert client.get("/admin/staff/user/add/").status_code == 200


def test_an_old_authentication_does_not_count_as_a_new_one(hospital: OIDCProvider) -> None:
    now = time.time()
    for auth_time, status in [(now - 3600, 302), (now, 200)]:
        client = sign_in(hospital, Person("max", ["spine-leads"], claims={"auth_time": int(auth_time)}))
        set_session_age(client, started=settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 60)
        follow(client, hospital, "/admin/sso/?next=/admin/account/&purpose=reauthenticate", "max")

        assert client.get("/admin/staff/user/add/").status_code == status


def test_after_reauthentication_the_user_is_asked_to_resubmit_the_form(hospital: OIDCProvider) -> None:
    client = sign_in(hospital, Person("max", ["spine-leads"]))
    nina = make_member()
    set_session_age(client, started=settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 60)
    page = f"/admin/staff/user/{nina.pk}/change/"
    response = client.post(f"/admin/staff/user/{nina.pk}/link/", headers={"Referer": f"http://testserver{page}"})

    assert parse_qs(urlsplit(response["Location"]).query) == {"next": [page], "purpose": ["reauthenticate"]}
    assert nina.access_tokens.count() == 0


def test_the_portal_requires_its_own_second_factor_if_configured(oidc: OIDCProvider) -> None:
    with override_settings(**oidc_settings(oidc, PORTAL_SSO_SECOND_FACTOR="portal")):
        client = sign_in(oidc, NINA)
        assert client.get("/admin/")["Location"] == "/admin/account/start/"
        secret = add_totp(User.objects.get())

        client = Client()
        response = follow(client, oidc, "/admin/sso/")
        assert response["Location"] == "/admin/login/code/"
        assert not is_logged_in(client)
        client.post("/admin/login/code/", {"code": totp_code(secret)})
        assert is_logged_in(client)
    assert AuditEvent.objects.latest("pk").detail == "single sign-on + totp"


def test_the_second_factor_is_left_to_the_provider_if_configured(hospital: OIDCProvider) -> None:
    sign_in(hospital, NINA)
    add_totp(User.objects.get())

    assert is_logged_in(sign_in(hospital, NINA))


def test_an_existing_account_is_connected_by_its_verified_email_address(hospital: OIDCProvider) -> None:
    nina = make_member(email="Nina@hospital.example.org")
    client = sign_in(hospital, NINA)

    assert client.get("/admin/session/").json()["user"] == nina.pk
    assert SocialAccount.objects.get().user == nina
    assert "account_linked" in event_kinds()


def test_accounts_that_the_provider_must_not_take_over_are_left_alone(hospital: OIDCProvider) -> None:
    def refuse(person: Person) -> None:
        client = sign_in(hospital, person)
        assert not is_logged_in(client)
        assert SocialAccount.objects.filter(uid=person.subject).count() == 0
        assert "Another account here already uses the email address" in client.get("/admin/login/").text
        assert AuditEvent.objects.latest("pk").detail == "single sign-on: email address in use"

    make_member("old", email="unverified@a.org")
    make_member("root", email="root@a.org", is_superuser=True)
    make_member("demo", email="demo@a.org", is_demo=True)
    refuse(Person("u", ["spine-leads"], "unverified@a.org", email_verified=False))
    refuse(Person("u", ["spine-leads"], "unverified@a.org", claims={"email_verified": "false"}))
    refuse(Person("r", ["spine-leads"], "root@a.org"))
    refuse(Person("d", ["spine-leads"], "demo@a.org"))
    make_member("name@a.org")
    refuse(Person("n", ["spine-leads"], "Name@a.org"))
    sign_in(hospital, Person("first", ["spine-editors"], "shared@a.org"))
    refuse(Person("second", ["spine-leads"], "shared@a.org"))


def test_an_unverified_address_that_no_one_has_creates_an_account(hospital: OIDCProvider) -> None:
    sign_in(hospital, Person("nina", ["spine-editors"], "nina@a.org", email_verified=False))

    assert User.objects.get().email == "nina@a.org"


def test_a_username_that_resembles_another_one_gets_a_number(hospital: OIDCProvider) -> None:
    make_member("nina")
    sign_in(hospital, Person("x1", ["spine-editors"], claims={"preferred_username": "N1NA@hospital.example.org"}))
    sign_in(hospital, Person("x2", ["spine-editors"], claims={"preferred_username": "Zoë O’Neil"}))
    sign_in(hospital, Person("x3", ["spine-editors"], claims={"preferred_username": "李"}))

    assert sorted(User.objects.values_list("username", flat=True)) == ["n1na-2", "nina", "staff", "zoe.oneil"]
    for user in User.objects.all():
        user.clean_fields()


def test_a_deactivated_account_stays_closed(hospital: OIDCProvider) -> None:
    sign_in(hospital, NINA)
    User.objects.update(is_active=False)
    client = sign_in(hospital, NINA)

    assert not is_logged_in(client)
    assert "Your account here is deactivated." in client.get("/admin/login/").text


def test_signing_in_without_a_group_does_not_deactivate_an_account_again(hospital: OIDCProvider) -> None:
    sign_in(hospital, NINA)
    closed_at = timezone.now() - timedelta(days=300)
    User.objects.update(is_active=False, deactivated_at=closed_at)
    sign_in(hospital, Person("nina", ["everyone"], NINA.email))

    assert User.objects.get().deactivated_at == closed_at
    assert "deactivated" not in event_kinds()


def test_a_deactivated_account_with_the_same_email_address_is_not_linked(hospital: OIDCProvider) -> None:
    make_member("old", email=NINA.email, is_active=False)
    client = sign_in(hospital, NINA)

    assert not is_logged_in(client)
    assert SocialAccount.objects.count() == 0
    assert event_kinds() == ["login_failed"]


def test_an_id_token_without_the_time_of_authentication_proves_no_new_one(hospital: OIDCProvider) -> None:
    client = sign_in(hospital, Person("max", ["spine-leads"]))
    set_session_age(client, started=settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 60)
    with mock.patch("portal.accounts.sso._merge_claims", return_value={"groups": ["spine-leads"]}):
        follow(client, hospital, "/admin/sso/?next=/admin/account/&purpose=reauthenticate", "max")

    assert client.get("/admin/staff/user/add/").status_code == 302


def test_the_same_identifier_from_another_issuer_is_a_different_person(oidc: OIDCProvider) -> None:
    other = oidc.issuer.replace("localhost", "127.0.0.1")
    for issuer in (oidc.issuer, other):
        provider = OIDCProvider(issuer)
        with override_settings(**oidc_settings(provider)):
            sign_in(provider, Person("nina", ["spine-editors"]))

    assert SocialAccount.objects.count() == User.objects.count() == 2


def test_a_declined_or_forged_response_redirects_to_the_login_page(hospital: OIDCProvider) -> None:
    client = Client()
    there = client.get("/admin/sso/", headers=PORTAL)["Location"]
    declined = urlsplit(hospital.deny(there))
    for query in (declined.query, "code=x&state=forged", "", "error=server_error&state=x"):
        response = client.get(f"{declined.path}?{query}", headers=PORTAL)
        assert response["Location"] == "/admin/login/", query
    assert "Sign-in failed." in client.get("/admin/login/").text
    assert set(event_kinds()) == {"login_failed"}


def test_a_code_issued_to_another_browser_is_rejected(hospital: OIDCProvider) -> None:
    hospital.set_person(NINA)
    attacker = Client()
    back = urlsplit(hospital.authorize(attacker.get("/admin/sso/", headers=PORTAL)["Location"], "nina"))
    victim = Client()
    response = victim.get(f"{back.path}?{back.query}", headers=PORTAL)

    assert response["Location"] == "/admin/login/"
    assert not is_logged_in(victim)


def test_user_info_about_someone_else_is_rejected(hospital: OIDCProvider) -> None:
    other = {"sub": "max", "groups": ["spine-leads"], "email": "max@hospital.example.org"}
    with mock.patch(
        "allauth.socialaccount.providers.openid_connect.views.OpenIDConnectOAuth2Adapter._fetch_user_info",
        return_value=other,
    ):
        client = sign_in(hospital, NINA)

        assert not is_logged_in(client)
        assert User.objects.count() == 0

        known = Person("known", ["spine-editors"], "known@hospital.example.org")
        user = make_member("known")
        SocialAccount.objects.create(user=user, provider=hospital.issuer, uid="known")
        sign_in(hospital, known)
        assert SocialAccount.objects.get().extra_data == {}


def test_the_request_uses_pkce_and_a_state(hospital: OIDCProvider) -> None:
    query = parse_qs(urlsplit(Client().get("/admin/sso/", headers=PORTAL)["Location"]).query)

    assert query["code_challenge_method"] == ["S256"] and len(query["state"][0]) >= 16
    assert query["redirect_uri"] == ["http://127.0.0.1/admin/sso/oidc/callback/"]
    assert set(query["scope"][0].split()) == {"openid", "profile", "email"}


def test_an_unavailable_provider_shows_a_message_and_keeps_the_session(hospital: OIDCProvider) -> None:
    client = sign_in(hospital, NINA)
    gone = oidc_settings(OIDCProvider("http://localhost:9"), PORTAL_SSO_NAME="riverside IT")
    with override_settings(**gone):
        assert Client().get("/admin/sso/", headers=PORTAL)["Location"] == "/admin/login/"
        response = client.get("/admin/sso/?next=/admin/account/&purpose=confirm", headers=PORTAL)
    assert response["Location"] == "/admin/account/"
    assert (
        "Riverside IT is not responding, so your sign-in could not be confirmed." in client.get("/admin/account/").text
    )


def test_a_next_url_outside_the_admin_is_not_followed(hospital: OIDCProvider) -> None:
    hospital.set_person(NINA)
    for url in ("/admin/sso/?next=//evil.example/", "/admin/sso/?next=https://evil.example/admin/"):
        assert follow(Client(), hospital, url)["Location"] == "/admin/", url


def test_with_a_break_glass_account_all_others_must_use_the_provider(oidc: OIDCProvider) -> None:
    nina, glass = make_member(email="nina@hospital.example.org"), make_member("glass", "Manager", is_superuser=True)
    nina_secret, glass_secret = add_totp(nina), add_totp(glass)
    with override_settings(**oidc_settings(oidc, PORTAL_BREAK_GLASS_ACCOUNT="Glass")):
        page = Client().get("/admin/login/").text
        assert "Emergency account" in page and "passkey" not in page and "Forgot" not in page
        assert not is_logged_in(logged_in_client(nina, nina_secret))
        assert is_logged_in(client := logged_in_client(glass, glass_secret))
        # A password link does not bypass this either.
        link = invitations.create_link(nina, actor=None).partition("/admin/")[2]
        visitor = Client()
        response = visitor.post(f"/admin/{link}", {"new_password": "violin harbor nine pears"})
        assert response["Location"] == "/admin/login/"
        assert "You sign in with Riverside now" in visitor.get("/admin/login/").text
        assert not is_logged_in(visitor)
        for name in ("nina", "someone-new"):
            with pytest.raises(CommandError, match=f"{name} signs in with single sign-on"):
                call_command("invite", name)
        call_command("invite", "glass")
        assert client.get("/admin/staff/user/add/")["Location"] == "/admin/staff/user/"
        assert is_logged_in(sign_in(oidc, NINA))
    assert post_login(Client(), "nina", PASSWORD)["Location"] == "/admin/login/code/"


def test_a_wrong_name_and_a_blocked_account_look_the_same(oidc: OIDCProvider) -> None:
    make_member()
    with override_settings(**oidc_settings(oidc, PORTAL_BREAK_GLASS_ACCOUNT="glass")):
        answers = [post_login(Client(), "nina", password).text for password in (PASSWORD, "wrong")]
    assert [answer.count("The username or password is not correct") for answer in answers] == [1, 1]


def test_a_manager_cannot_change_roles_that_the_provider_decides(hospital: OIDCProvider) -> None:
    manager = sign_in(hospital, Person("max", ["spine-leads"]))
    sign_in(hospital, NINA)
    nina = User.objects.get(username="nina")
    manager.post(
        f"/admin/staff/user/{nina.pk}/change/",
        {"username": "nina", "first_name": "Nina", "is_active": "on", "groups": [manager_role.pk for manager_role in User.objects.get(username="max").groups.all()]},
    )  # fmt: skip

    assert [group.name for group in nina.groups.all()] == ["Editor"]


def test_sso_urls_do_not_exist_without_a_provider() -> None:
    client = Client()
    for path in (
        "sso/",
        "sso/oidc/callback/",
        "sso/saml/acs/finish/",
        "sso/saml/metadata/",
        "sso/saml/sls/",
        "sso/x/callback/",
    ):
        response = client.get(f"/admin/{path}")
        assert response.status_code in {302, 404}, path
        assert response.status_code == 404 or response["Location"].startswith("/admin/login/"), path
    assert client.post("/admin/sso/saml/acs/").status_code == 404
    assert "Sign in with" not in client.get("/admin/login/").text.replace("Sign in with a passkey", "")


def test_configurable_roles_are_the_portals_roles() -> None:
    assert {role.name for role in ROLES} == set(ROLE_PERMISSIONS)


# SAML


@pytest.fixture(scope="session")
def saml(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SAMLProvider]:
    with SAMLProvider(tmp_path_factory.mktemp("saml")).running() as provider:
        yield provider


@pytest.fixture
def saml_hospital(saml: SAMLProvider) -> Iterator[SAMLProvider]:
    """The clinic signs in with SAML. The provider knows the portal by its metadata."""
    environ = {"PORTAL_SAML_METADATA": str(saml.metadata_file), "PORTAL_SSO_SECOND_FACTOR": "provider"}
    with override_settings(**sso_settings(**environ)):
        saml.trust(Client().get("/admin/sso/saml/metadata/", headers=PORTAL).text)
        saml.people = {"nina": NINA}
        yield saml


def saml_request(client: Client, url: str = "/admin/sso/?next=/admin/account/") -> str:
    """Start at the portal, and return the query string that reaches the provider."""
    there = urlsplit(provider_url(client, url))
    assert there.path == "/sso"
    return there.query


def saml_finish(client: Client, response: str, **headers: str) -> Any:
    """Post the provider's form from another site, without cookies, and continue as the browser would."""
    posted = Client(headers=headers).post("/admin/sso/saml/acs/", {"SAMLResponse": response}, headers=PORTAL)
    assert posted["Location"] == "/admin/sso/saml/acs/finish/"
    client.cookies.update(posted.cookies)
    return client.get(posted["Location"], headers=PORTAL)


def test_saml_creates_an_account_with_its_role(saml_hospital: SAMLProvider) -> None:
    client = Client()
    answer = saml_hospital.answer(saml_request(client), "nina")
    response = saml_finish(client, answer["SAMLResponse"])

    user = User.objects.get()
    assert answer["action"] == "http://127.0.0.1/admin/sso/saml/acs/"
    assert response["Location"] == "/admin/account/"
    assert (user.username, user.first_name, user.last_name, user.email) == (
        "nina", "Nina", "Okafor", "nina@hospital.example.org",
    )  # fmt: skip
    assert [group.name for group in user.groups.all()] == ["Editor"]
    assert is_logged_in(client)
    account = SocialAccount.objects.get()
    assert (account.provider, account.uid, account.extra_data) == (saml_hospital.entity_id, "nina", {})


def test_saml_works_behind_a_proxy_that_ends_tls(saml_hospital: SAMLProvider) -> None:
    proxied = {"X-Forwarded-Proto": "https"}
    client = Client(headers=proxied)
    with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        saml_hospital.trust(client.get("/admin/sso/saml/metadata/", headers=PORTAL).text)
        answer = saml_hospital.answer(saml_request(client), "nina")
        response = saml_finish(client, answer["SAMLResponse"], **proxied)

    assert answer["action"] == "https://127.0.0.1/admin/sso/saml/acs/"
    assert response["Location"] == "/admin/account/"


def test_invalid_saml_responses_are_rejected(saml_hospital: SAMLProvider, tmp_path: Path) -> None:
    def outcome(change: Any = None, client: Client | None = None, **arguments: Any) -> bool:
        own = Client()
        answer = saml_hospital.answer(saml_request(own), "nina", **arguments)["SAMLResponse"]
        if change:
            answer = base64.b64encode(change(base64.b64decode(answer))).decode()
        target = client or own
        saml_finish(target, answer)
        return is_logged_in(target)

    assert outcome()
    assert not outcome(lambda xml: xml.replace(b"spine-editors", b"spine-leads"))
    for damaged in (b"not XML", b"<a>", b"", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"<a/>", b"\xff\xfe"):
        assert not outcome(lambda xml, damaged=damaged: damaged), damaged
    assert not outcome(sign_assertion=False)
    assert not outcome(sign_alg="http://www.w3.org/2000/09/xmldsig#rsa-sha1"), "an old algorithm"
    assert not outcome(sp_entity_id="https://another.example/metadata")
    assert not outcome(destination="https://another.example/acs/")
    assert not outcome(in_response_to="_unknown")
    assert not outcome(client=Client()), "a response to another browser's request"
    with saml_hospital.other_key(tmp_path):
        assert not outcome(), "signed with another key"
    assert outcome()


def test_a_saml_response_works_once(saml_hospital: SAMLProvider) -> None:
    client = Client()
    answer = saml_hospital.answer(saml_request(client), "nina")["SAMLResponse"]
    saml_finish(client, answer)
    client.post("/admin/logout/")
    saml_finish(client, answer)

    assert not is_logged_in(client)


def test_saml_confirms_and_asks_again(saml_hospital: SAMLProvider) -> None:
    client = Client()
    saml_hospital.people = {"max": Person("max", ["spine-leads"])}
    saml_finish(client, saml_hospital.answer(saml_request(client), "max")["SAMLResponse"])
    set_session_age(client, started=settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 60, confirmed=2000)
    url = client.get("/admin/staff/user/add/")["Location"]
    saml_finish(client, saml_hospital.answer(saml_request(client, url), "max")["SAMLResponse"])

    assert saml_hospital.requests[-1].force_authn == "true"
    assert client.get("/admin/staff/user/add/").status_code == 200
    saml_hospital.people = {"max": Person("max", ["everyone"])}
    saml_finish(
        client, saml_hospital.answer(saml_request(client, "/admin/sso/?purpose=confirm"), "max")["SAMLResponse"]
    )
    assert not is_logged_in(client)


def test_saml_requests_are_signed_and_assertions_may_be_encrypted_with_a_key(
    saml: SAMLProvider, tmp_path: Path
) -> None:
    write_certificate(tmp_path)
    environ = {
        "PORTAL_SAML_METADATA": str(saml.metadata_file),
        "PORTAL_SSO_SECOND_FACTOR": "provider",
        "PORTAL_SAML_KEY": str(tmp_path / "idp.key"),
        "PORTAL_SAML_CERTIFICATE": str(tmp_path / "idp.crt"),
    }
    saml.people = {"nina": NINA}
    with override_settings(**sso_settings(**environ)):
        saml.trust(Client().get("/admin/sso/saml/metadata/", headers=PORTAL).text)
        encrypted_and_signed = {"encrypt_assertion": True, "sign_assertion": False, "sign_response": True}
        for arguments in (encrypted_and_signed, {}):
            client = Client()
            query = saml_request(client)
            assert parse_qs(query)["SigAlg"] == ["http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"]
            answer = saml.answer(query, "nina", **arguments)["SAMLResponse"]
            assert (b"EncryptedAssertion" in base64.b64decode(answer)) is bool(arguments)
            saml_finish(client, answer)
            assert is_logged_in(client), arguments
        client = Client()
        signed = saml.answer(saml_request(client), "nina")["SAMLResponse"]
        signed_and_encrypted = encrypt_signed_assertion(signed, (tmp_path / "idp.crt").read_text())
        assert b"EncryptedAssertion" in base64.b64decode(signed_and_encrypted)
        saml_finish(client, signed_and_encrypted)
        assert is_logged_in(client), "signed first, then encrypted"
    with override_settings(**sso_settings(**{**environ, "PORTAL_SAML_KEY": str(saml.key_file)})):
        client = Client()
        saml_finish(client, saml.answer(saml_request(client), "nina", **encrypted_and_signed)["SAMLResponse"])
        assert not is_logged_in(client), "encrypted for another key"


def test_the_stored_saml_response_contains_no_ip_address(saml_hospital: SAMLProvider) -> None:
    own = Client()
    answer = saml_hospital.answer(saml_request(own), "nina")["SAMLResponse"]
    before = set(Session.objects.values_list("pk", flat=True))
    Client(REMOTE_ADDR="192.0.2.66").post(
        "/admin/sso/saml/acs/", {"SAMLResponse": answer}, headers={**PORTAL, "X-Forwarded-For": "192.0.2.67"}
    )
    (stored,) = Session.objects.exclude(pk__in=before)
    assert answer[:20] in str(stored.get_decoded())
    assert "192.0.2" not in str(stored.get_decoded())


def test_the_portals_metadata_offers_no_single_logout(saml_hospital: SAMLProvider) -> None:
    response = Client().get("/admin/sso/saml/metadata/", headers=PORTAL)

    assert response["Content-Type"] == "application/samlmetadata+xml"
    assert 'entityID="http://127.0.0.1/admin/sso/saml/metadata/"' in response.text
    assert "AssertionConsumerService" in response.text and "SingleLogoutService" not in response.text
