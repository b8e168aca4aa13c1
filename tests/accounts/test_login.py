"""Login: password, second factor, first login, passkeys, and demo accounts on this machine only."""

import re
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from portal.accounts.models import AuditEvent, User
from tests.accounts.conftest import (
    PASSWORD,
    add_totp,
    logged_in_client,
    make_member,
    post_login,
    recovery_codes,
    totp_code,
)

pytestmark = pytest.mark.django_db


def event_kinds(user: User | None) -> list[str]:
    return list(AuditEvent.objects.filter(user=user).order_by("pk").values_list("kind", flat=True))


def test_login_with_password_and_code(nina: User, client: Client) -> None:
    secret = add_totp(nina)

    first = post_login(client, next="/admin/procedures/page/")
    before = client.get("/admin/procedures/page/")
    second = client.post("/admin/login/code/", {"code": totp_code(secret)})

    assert first["Location"] == "/admin/login/code/"
    assert before["Location"].startswith("/admin/login/")
    assert second["Location"] == "/admin/procedures/page/"
    assert client.get("/admin/procedures/page/").status_code == 200
    assert event_kinds(nina) == ["logged_in"]
    assert AuditEvent.objects.get().detail == "password + totp"


def test_login_with_the_email_address(client: Client) -> None:
    add_totp(make_member("rosa", email="rosa@clinic.example"))

    assert post_login(client, "Rosa@Clinic.Example")["Location"] == "/admin/login/code/"


def test_the_first_login_requires_mfa_setup(nina: User, client: Client) -> None:
    post_login(client)

    for path in ("/admin/", "/admin/procedures/page/", "/admin/password_change/", "/admin/account/"):
        assert client.get(path)["Location"] == "/admin/account/start/"
    assert client.post("/admin/procedures/page/add/", {"title": "x"})["Location"] == "/admin/account/start/"
    assert client.get("/admin/account/start/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_app_setup_shows_recovery_codes_once_and_opens_the_admin(client: Client) -> None:
    nina = make_member()
    post_login(client)
    page = client.get("/admin/account/app/")
    picture = client.get("/admin/account/app/picture.svg")
    wrong = client.post("/admin/account/app/", {"code": "000000"})
    added = client.post("/admin/account/app/", {"code": totp_code(client.session["mfa.totp.secret"])})
    codes = recovery_codes(nina)
    shown = client.get("/admin/account/codes/")
    file = client.get("/admin/account/codes/file/")
    not_yet = client.get("/admin/")
    untouched = client.post("/admin/account/codes/")
    done = client.post("/admin/account/codes/", {"codes_saved": "1"})

    assert page.status_code == 200 and "data:" not in page.text
    assert picture["Content-Type"] == "image/svg+xml"
    assert "This code is not correct" in wrong.text
    assert added["Location"] == "/admin/account/codes/"
    assert len(codes) == 10 and all(code in shown.text and code in file.text for code in codes)
    assert not_yet["Location"] == "/admin/account/start/"
    assert "Save the codes first" in untouched.text
    assert done["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/account/codes/")["Location"] == "/admin/account/"
    assert client.get("/admin/account/codes/file/").status_code == 404
    assert event_kinds(nina) == ["logged_in", "factor_added"]


def test_unconfirmed_recovery_codes_are_shown_again(nina: User, client: Client) -> None:
    post_login(client)
    client.get("/admin/account/app/")
    secret = client.session["mfa.totp.secret"]
    client.post("/admin/account/app/", {"code": totp_code(secret)})
    other = Client()
    post_login(other)
    other.post("/admin/login/code/", {"code": totp_code(secret, steps=1)})

    assert other.get("/admin/")["Location"] == "/admin/account/start/"
    assert other.get("/admin/account/start/")["Location"] == "/admin/account/codes/"


def test_a_code_works_once(nina: User) -> None:
    secret = add_totp(nina)
    code = totp_code(secret)
    logged_in_client(nina, secret)
    other = Client()
    post_login(other)

    for typed in (code, f"{code[:3]} {code[3:]}"):
        response = other.post("/admin/login/code/", {"code": typed})
        assert response.status_code == 200
        assert "This code is not correct" in response.text


def test_a_recovery_code_works_once_and_is_logged(nina: User, client: Client) -> None:
    add_totp(nina)
    code = recovery_codes(nina)[0]
    post_login(client)

    assert client.post("/admin/login/code/", {"code": code}).status_code == 302
    other = Client()
    post_login(other)
    assert other.post("/admin/login/code/", {"code": code}).status_code == 200
    assert event_kinds(nina) == ["recovery_code_used", "logged_in", "mfa_failed"]
    assert len(recovery_codes(nina)) == 9


def test_secrets_are_encrypted_in_the_database(nina: User) -> None:
    secret = add_totp(nina)
    stored = "".join(str(row.data) for row in nina.authenticator_set.all())

    assert secret not in stored
    with override_settings(SECRET_KEY="another-key-of-fifty-characters-or-more-0123456789"):
        assert recovery_codes(nina) != []
        assert not set(recovery_codes(nina)) & set(recovery_codes(nina))


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "/kyphoplasty/", "javascript:alert(1)"]
)
def test_next_only_redirects_within_the_admin(nina: User, client: Client, wanted: str) -> None:
    secret = add_totp(nina)
    post_login(client, next=wanted)

    assert client.post("/admin/login/code/", {"code": totp_code(secret)})["Location"] == "/admin/"


def test_a_session_not_created_by_our_login_is_ended(nina: User, client: Client) -> None:
    add_totp(nina)
    client.force_login(nina)

    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    assert "_auth_user_id" not in client.session


class CountingHasher(hashers.MD5PasswordHasher):
    """Counts how often a password is hashed."""

    calls: list[int] = []

    def encode(self, *args: Any, **kwargs: Any) -> str:
        self.calls.append(1)
        return super().encode(*args, **kwargs)


def test_failed_logins_look_the_same_for_every_account(nina: User) -> None:
    make_member("closed", is_active=False)
    User.objects.filter(pk=make_member("outside").pk).update(is_staff=False)
    User.objects.filter(pk=make_member("invited").pk).update(password="!" + "x" * 40)
    make_member("demo", is_demo=True)
    tries = {
        "nina": "wrong",
        "nobody": "wrong",
        "closed": PASSWORD,
        "outside": PASSWORD,
        "invited": "wrong",
        "demo": PASSWORD,
    }
    # This network's throttle row now exists, whichever username is tried next.
    post_login(Client(), "somebody", "wrong")
    statements, hashes, pages = {}, {}, {}

    with override_settings(PASSWORD_HASHERS=[f"{__name__}.CountingHasher"], PUBLIC_URL="https://learn.example.org"):
        for user in User.objects.exclude(username="invited"):
            user.set_password(PASSWORD)
            user.save()
        for name, password in tries.items():
            CountingHasher.calls.clear()
            with CaptureQueriesContext(connection) as captured:
                response = post_login(Client(), name, password)
            statements[name] = sorted(re.sub(r"[(\d'].*", "", query["sql"]) for query in captured)
            hashes[name] = len(CountingHasher.calls)
            pages[name] = (response.status_code, re.sub(f'"{name}"|value="[^"]*"', "", response.text))

    assert hashes == dict.fromkeys(tries, 1)
    assert statements == dict.fromkeys(tries, statements["nina"])
    assert pages == dict.fromkeys(tries, pages["nina"])
    assert "The username or password is not correct" in pages["nina"][1]


def test_failed_logins_are_logged_without_input_or_address(nina: User, client: Client) -> None:
    post_login(client, "nina", "wrong one here")
    post_login(client, "my-password-typed-as-name", "x")

    rows = list(AuditEvent.objects.order_by("pk"))
    assert [(row.kind, row.user) for row in rows] == [("login_failed", nina), ("login_failed", None)]
    for row in rows:
        text = " ".join(str(value) for value in vars(row).values())
        assert "127.0.0.1" not in text and "typed" not in text and "wrong" not in text
        assert len(row.origin) == 12


def test_a_local_demo_account_needs_no_second_factor(client: Client) -> None:
    make_member("manager", "Manager", is_demo=True)

    assert post_login(client, "manager")["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    "public",
    [
        {"PUBLIC_URL": "https://learn.example.org"},
        {"ALLOWED_HOSTS": ["testserver", "learn.example.org"]},
        {"PUBLIC_URL": "http://192.0.2.7:8000"},
    ],
)
def test_a_demo_account_is_refused_on_a_public_site_even_when_signed_in(client: Client, public: Any) -> None:
    make_member("manager", "Manager", is_demo=True)
    post_login(client, "manager")

    with override_settings(**public):
        assert client.get("/admin/")["Location"].startswith("/admin/login/")
        assert "is not correct" in post_login(Client(), "manager").text


def test_a_demo_account_is_refused_to_remote_clients() -> None:
    make_member("manager", "Manager", is_demo=True)
    far = Client(REMOTE_ADDR="192.0.2.7")

    assert "is not correct" in post_login(far, "manager").text


@pytest.mark.parametrize("path", ["/accounts/", "/accounts/login/", "/accounts/signup/", "/admin/signup/"])
def test_allauth_urls_are_not_exposed_and_signup_is_closed(client: Client, path: str) -> None:
    assert client.get(path).status_code in {302, 404}
    assert client.post(path, {"username": "me", "password1": PASSWORD}).status_code in {302, 403, 404, 405}
    assert not User.objects.filter(username="me").exists()


def test_logout_requires_a_post(nina: User) -> None:
    client = logged_in_client(nina)

    assert client.get("/admin/logout/").status_code == 405
    assert client.get("/admin/").status_code == 200
    client.post("/admin/logout/")
    assert client.get("/admin/").status_code == 302
    assert event_kinds(nina)[-1] == "logged_out"
    assert nina.usersession_set.count() == 0
