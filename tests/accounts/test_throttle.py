"""Login throttling: guessing is slow, cannot lock out other users, and is counted across all processes."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core import signing
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone

from portal.accounts import throttle
from portal.accounts.models import AuditEvent, Throttle, User
from tests.accounts.conftest import add_totp, logged_in_client, post_login
from tests.accounts.test_invitations import WITH_MAIL
from tests.conftest import separate_database
from tests.served_data import ROOT

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
STRANGER = {"REMOTE_ADDR": "192.0.2.66"}
pytestmark = pytest.mark.django_db


def counter(limit: throttle.Limit = throttle.VERIFICATION) -> list[throttle.AttemptCounter]:
    return [throttle.AttemptCounter("test", limit)]


def test_the_delay_doubles_after_five_free_attempts_up_to_a_maximum() -> None:
    now, waits = NOON, []
    for _ in range(16):
        wait = throttle.count_attempt(counter(), now)
        waits.append(wait)
        now += timedelta(seconds=wait + 1)
    taken = [wait for wait in waits if wait]

    assert waits[:5] == [0] * 5
    assert throttle.VERIFICATION.delay(5).total_seconds() == 15
    assert throttle.VERIFICATION.delay(7).total_seconds() == 60
    assert throttle.VERIFICATION.delay(10_000).total_seconds() == 900
    assert len(taken) > 3


def test_attempts_during_a_delay_do_not_extend_it() -> None:
    for _ in range(5):
        throttle.count_attempt(counter(), NOON)
    first = [throttle.count_attempt(counter(), NOON + timedelta(seconds=second)) for second in range(14)]

    assert first == list(range(16, 2, -1))
    assert throttle.count_attempt(counter(), NOON + timedelta(seconds=15)) == 0


def test_a_row_that_a_parallel_success_deletes_is_counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    create, calls = Throttle.objects.bulk_create, []

    def create_and_lose(*arguments: Any, **options: Any) -> None:
        create(*arguments, **options)
        calls.append("create")
        if len(calls) == 1:
            Throttle.objects.all().delete()

    monkeypatch.setattr(Throttle.objects, "bulk_create", create_and_lose)

    assert throttle.count_attempt(counter(), NOON) == 0
    assert (Throttle.objects.get().key, Throttle.objects.get().attempts) == (counter()[0].key, 1)


def test_attempts_are_reset_after_an_hour() -> None:
    for _ in range(5):
        throttle.count_attempt(counter(), NOON)

    assert throttle.count_attempt(counter(), NOON + timedelta(hours=2)) == 0
    assert Throttle.objects.get().attempts == 1


def test_a_successful_login_resets_the_count(nina: User, client: Client) -> None:
    for _ in range(3):
        for _ in range(4):
            post_login(client, "nina", "wrong")
        assert post_login(client).status_code == 302
        client.logout()


def test_guessing_is_throttled_for_known_and_unknown_usernames(nina: User) -> None:
    for name in ("nina", "nobody"):
        client = Client(**{**STRANGER, "REMOTE_ADDR": f"192.0.2.{len(name)}"})
        responses = [post_login(client, name, "wrong") for _ in range(6)]

        assert [response.status_code for response in responses] == [200] * 5 + [429]
        assert "Wait" in responses[-1].text
        assert name in responses[-1].text  # the form keeps what was typed, except the password


def test_all_spellings_of_a_username_and_the_email_address_share_one_count(nina: User) -> None:
    User.objects.filter(pk=nina.pk).update(email="Nina@clinic.example")
    ward, stranger = logged_in_client(nina), Client(**STRANGER)
    ward.post("/admin/logout/")
    names = ["nina", " NINA", "\uff4eina", "n\U0001d422na", "nina@clinic.example", "NINA@clinic.example"]

    assert [post_login(stranger, name, "wrong").status_code for name in names] == [200] * 5 + [429]
    assert [post_login(ward, name, "wrong").status_code for name in [*names, *names]] == [200] * 10 + [429] * 2
    unknown = ["nobody", "NOBODY", "\uff4eobody", "n\uff4fbody", "no\uff42ody", "nob\uff4fdy"]
    assert [post_login(stranger, name, "wrong").status_code for name in unknown] == [200] * 5 + [429]


def test_a_correct_password_is_throttled_too(nina: User) -> None:
    client = Client(**STRANGER)
    for _ in range(5):
        post_login(client, "nina", "wrong")

    assert post_login(client).status_code == 429


@pytest.mark.slow
def test_strangers_cannot_lock_out_a_user_on_a_trusted_device(nina: User) -> None:
    secret = add_totp(nina)
    ward = logged_in_client(nina, secret)
    ward.post("/admin/logout/")
    # From the clinic's own network, and from a hundred others.
    for number in range(100):
        post_login(Client(REMOTE_ADDR=f"198.51.100.{number}"), "nina", "wrong")
        post_login(Client(), "nina", "wrong")

    assert post_login(Client(), "nina").status_code == 429
    assert post_login(ward, "nina")["Location"] == "/admin/login/code/"


def test_a_browser_where_the_account_has_signed_in_has_its_own_count(nina: User) -> None:
    ward, stranger = logged_in_client(nina), Client()
    ward.post("/admin/logout/")
    refused = [post_login(stranger, "nina", "wrong").status_code for _ in range(6)]
    tried = [post_login(ward, "nina", "wrong").status_code for _ in range(11)]

    # From the same network.
    assert refused == [200] * 5 + [429]
    assert tried == [200] * 10 + [429]


def remember(browser: dict[str, str], user: User) -> str:
    """Return the device ID of a browser with these cookies after ``user`` has signed in."""
    request, response = RequestFactory().get("/"), HttpResponse()
    request.COOKIES = browser
    throttle.remember_device(request, response, user)
    browser[settings.DEVICE_COOKIE_NAME] = response.cookies[settings.DEVICE_COOKIE_NAME].value
    return throttle.get_device_id(request, user)


def known_ids(browser: dict[str, str], users: list[User]) -> list[str]:
    request = RequestFactory().get("/")
    request.COOKIES = browser
    return [throttle.get_device_id(request, user) for user in users]


def test_a_browser_remembers_the_last_eight_accounts_each_with_an_id_that_stays() -> None:
    users, browser = [User(pk=number) for number in range(1, 11)], {}
    ids = [remember(browser, user) for user in users]

    assert len(set(ids)) == 10 and min(map(len, ids)) == 16
    assert known_ids(browser, users) == ["", "", *ids[2:]]
    # Signing in again keeps the ID, and another account is now the oldest.
    assert remember(browser, users[2]) == ids[2]
    remember(browser, User(pk=11))
    assert known_ids(browser, users) == ["", "", ids[2], "", *ids[4:]]


@pytest.mark.parametrize("secure", [False, True])
def test_scripts_and_other_sites_cannot_use_the_device_cookie(secure: bool) -> None:
    response = HttpResponse()
    with override_settings(SESSION_COOKIE_SECURE=secure, SESSION_COOKIE_PATH="/admin/"):
        throttle.remember_device(RequestFactory().get("/"), response, User(pk=7))

    cookie = response.cookies[settings.DEVICE_COOKIE_NAME]
    assert {name: value for name, value in cookie.items() if value and name != "expires"} == {
        "path": "/admin/", "max-age": 180 * 24 * 60 * 60, "httponly": True, "samesite": "Lax",
        **({"secure": True} if secure else {}),
    }  # fmt: skip


@pytest.mark.parametrize("content", [["7"], "7", {7: 5}])
def test_a_signed_cookie_of_another_form_is_read_without_an_error(content: object) -> None:
    browser = {settings.DEVICE_COOKIE_NAME: signing.dumps(content, salt=throttle.DEVICE_COOKIE_SALT)}

    assert known_ids(browser, [User(pk=7)]) == ["5" if isinstance(content, dict) else ""]


def test_a_browser_is_trusted_for_180_days(monkeypatch: pytest.MonkeyPatch) -> None:
    user, browser, signed_at = User(pk=7), {}, time.time()
    device_id, day = remember(browser, user), 24 * 60 * 60
    found = []
    for seconds in (180 * day - 60, 180 * day + 60):
        monkeypatch.setattr(signing.time, "time", lambda seconds=seconds: signed_at + seconds)
        found += known_ids(browser, [user])

    assert found == [device_id, ""]


def test_a_device_is_trusted_for_its_own_account_only(nina: User, max_user: User) -> None:
    own = logged_in_client(max_user)
    own.post("/admin/logout/")
    for _ in range(5):
        post_login(own, "nina", "wrong")

    assert post_login(own, "nina").status_code == 429
    assert post_login(own, "max").status_code == 302


def test_a_forged_device_cookie_is_ignored(nina: User) -> None:
    for number in range(6):
        client = Client(**STRANGER)
        client.cookies[settings.DEVICE_COOKIE_NAME] = f"eyIxIjoiYSJ9:forged:{number}"
        response = post_login(client, "nina", "wrong")

    assert response.status_code == 429


def test_codes_are_throttled(nina: User, client: Client) -> None:
    add_totp(nina)
    post_login(client)
    responses = [client.post("/admin/login/code/", {"code": "000000"}).text for _ in range(6)]

    assert "This code is not correct" in responses[4]
    assert "Wait" in responses[5]


def test_attempts_during_a_delay_are_logged_once(nina: User) -> None:
    client = Client(**STRANGER)
    for _ in range(9):
        post_login(client, "nina", "wrong")
    Throttle.objects.update(blocked_until=None)
    for _ in range(3):
        post_login(client, "nina", "wrong")

    assert [AuditEvent.objects.filter(kind=kind).count() for kind in ("login_failed", "throttled")] == [6, 2]


def test_anonymous_requests_create_sessions_and_events_only_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "SSO", throttle.Limit(free_attempts=6, initial_delay_seconds=5, max_delay_seconds=60))
    asked = [
        Client(**STRANGER).get("/admin/login/passkey/", headers={"Accept": "application/json"}).status_code
        for _ in range(5)
    ]
    answered = [Client(**STRANGER).post("/admin/login/passkey/", {"credential": "{}"}).status_code for _ in range(4)]
    Client(**STRANGER).post("/admin/logout/")

    assert (asked, answered) == ([200] * 5, [302, 429, 429, 429])
    assert (Session.objects.count(), AuditEvent.objects.filter(kind="throttled").count()) == (6, 1)


def test_throttling_is_logged_for_each_kind_of_attempt() -> None:
    client = Client(**STRANGER)
    for limit, name in ((throttle.NETWORK, "password-reset"), (throttle.SSO, "sso")):
        for _ in range(limit.free_attempts):
            throttle.count_attempt([throttle.AttemptCounter(f"{name}|192.0.2.66", limit)])

    with override_settings(**WITH_MAIL):
        reset = client.post("/admin/password/forgotten/", {"username": "nina"})
    with override_settings(SSO_PROVIDER="oidc"):
        redirect = client.get("/admin/sso/")
    with override_settings(SSO_PROVIDER="saml"):
        answer = client.post("/admin/sso/saml/acs/")

    assert (reset.status_code, redirect["Location"], answer.status_code) == (429, "/admin/login/", 429)
    for page in (reset, client.get("/admin/login/"), answer):
        assert "Too many attempts. Wait " in page.text
    events = AuditEvent.objects.filter(kind="throttled").order_by("pk").values_list("detail", flat=True)
    assert list(events) == ["password reset", "single sign-on"]


def test_a_throttled_attempt_is_logged_with_its_account_its_actor_and_its_origin(nina: User) -> None:
    client = logged_in_client(nina)
    for _ in range(6):
        client.post("/admin/password_change/", {"old_password": "x", "new_password": "x"})

    event, signed_in = (AuditEvent.objects.get(kind=kind) for kind in ("throttled", "logged_in"))
    assert (event.user, event.actor, event.detail) == (nina, nina, "reauthentication")
    assert event.origin == signed_in.origin != ""


def test_long_waits_are_shown_in_minutes_on_every_form(nina: User) -> None:
    secret = add_totp(nina)
    desk, door = logged_in_client(nina, secret), Client(**STRANGER)
    post_login(door)
    for what in (f"code|{nina.pk}", f"reauthenticate|{nina.pk}"):
        for _ in range(5):
            throttle.count_attempt([throttle.AttemptCounter(what, throttle.VERIFICATION)])
    Throttle.objects.filter(blocked_until__isnull=False).update(blocked_until=timezone.now() + timedelta(seconds=840))

    code = door.post("/admin/login/code/", {"code": "000000"})
    password = desk.post("/admin/password_change/", {"old_password": "x", "new_password": "x"})

    waits = {1: "1 second", 90: "90 seconds", 91: "2 minutes", 121: "3 minutes", 900: "15 minutes"}
    for seconds, wait in waits.items():
        assert throttle.throttled_message(seconds) == f"Too many attempts. Wait {wait} and try again."
    for response in (code, password):
        assert "Too many attempts. Wait 14 minutes and try again." in response.text


def test_usernames_and_addresses_are_not_stored(nina: User) -> None:
    post_login(Client(**STRANGER), "nina", "wrong")

    assert Throttle.objects.count() == 3
    # Search for the dot too: three digits of the address could occur in a hash by chance.
    assert not any("nina" in row.key or "192.0.2" in row.key for row in Throttle.objects.all())


PARALLEL_ATTEMPTS = """
import django
django.setup()
from threading import Thread
from django.db import connection
from portal.accounts import throttle
from portal.accounts.models import Throttle
if Throttle._meta.db_table not in connection.introspection.table_names():
    with connection.schema_editor() as editor:
        editor.create_model(Throttle)
taken, first = [], []
def attempt():
    taken.append(throttle.count_attempt([throttle.AttemptCounter("a", throttle.VERIFICATION), throttle.AttemptCounter("b", throttle.NETWORK)]))
    first.append(throttle.consume_once("totp|1|123456"))
    connection.close()
threads = [Thread(target=attempt) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(taken.count(0), len(taken), first.count(True), len(first))
"""


@pytest.mark.served
def test_parallel_attempts_all_count_and_a_code_counts_once(tmp_path: Path) -> None:
    # The tests' in-memory database does not lock the way a database file does.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    environ |= {"PORTAL_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "portal.settings"}

    with separate_database(environ):
        run = subprocess.run(
            [sys.executable, "-c", PARALLEL_ATTEMPTS], cwd=ROOT, env=environ, capture_output=True, text=True
        )

    assert (run.stdout.split(), run.stderr) == (["5", "12", "1", "12"], "")


def test_each_limit_has_free_attempts_an_initial_delay_and_a_maximum_delay() -> None:
    seconds = {
        name: [int(getattr(throttle, name).delay(attempts).total_seconds()) for attempts in numbers]
        for name, numbers in {
            "TRUSTED_DEVICE": (9, 10, 11, 15, 16, 10_000),
            "ACCOUNT_AND_NETWORK": (4, 5, 6, 10, 11, 10_000),
            "VERIFICATION": (4, 5, 6, 10, 11, 10_000),
            "NETWORK": (39, 40, 41, 44, 45, 10_000),
            "ACCOUNT": (59, 60, 61, 62, 63, 10_000),
            "SSO": (199, 200, 201, 203, 204, 10_000),
        }.items()
    }

    assert seconds == {
        "TRUSTED_DEVICE": [0, 15, 30, 480, 900, 900],
        "ACCOUNT_AND_NETWORK": [0, 15, 30, 480, 900, 900],
        "VERIFICATION": [0, 15, 30, 480, 900, 900],
        "NETWORK": [0, 15, 30, 240, 300, 300],
        "ACCOUNT": [0, 5, 10, 20, 30, 30],
        "SSO": [0, 5, 10, 40, 60, 60],
    }


def test_one_attempt_counts_for_account_and_network_or_for_the_trusted_devices_only() -> None:
    stranger = throttle.login_counters(None, " Nina ", "192.0.2.0/24", "")

    assert [(one.name, one.limit) for one in stranger] == [
        ("account|name nina", throttle.ACCOUNT),
        ("account-network|name nina|192.0.2.0/24", throttle.ACCOUNT_AND_NETWORK),
        ("network|192.0.2.0/24", throttle.NETWORK),
    ]
    assert throttle.login_counters(None, "nina", "", "") == stranger[:1]
    assert throttle.login_counters(User(pk=7), "nina@clinic.example", "192.0.2.0/24", "x") == [
        throttle.AttemptCounter("device|user 7|x", throttle.TRUSTED_DEVICE),
        throttle.AttemptCounter("devices|user 7", throttle.ACCOUNT),
    ]
    assert len({one.key for one in stranger}) == 3


def test_a_success_decrements_shared_counts_and_deletes_the_accounts_own() -> None:
    mine, others = (throttle.login_counters(None, *values, "") for values in (("nina", "a"), ("max", "b")))
    now = timezone.now()
    for counters in (mine, mine, others):
        throttle.count_attempt(counters, now)
    Throttle.objects.update(blocked_until=now)
    Throttle.objects.create(key="a day", last_attempt_at=now - timedelta(hours=25))
    Throttle.objects.create(key="less", last_attempt_at=now - timedelta(hours=23))

    for _ in range(3):
        throttle.refund(mine)

    account, own, network = (counter.key for counter in mine)
    rows = {row.key: (row.attempts, row.blocked_until) for row in Throttle.objects.all()}
    assert rows == {
        account: (0, None),
        network: (0, None),
        **{counter.key: (1, now) for counter in others},
        "less": (0, None),
    }
    assert own not in rows


def test_a_single_sign_on_does_not_end_the_count_of_its_network() -> None:
    network = [throttle.AttemptCounter("sso|192.0.2.0/24", throttle.SSO)]
    for _ in range(3):
        throttle.count_attempt(network)

    throttle.refund(network)

    assert Throttle.objects.get().attempts == 2


def test_a_count_lasts_an_hour_after_the_last_attempt() -> None:
    for hours in (0, 1, 2):
        throttle.count_attempt(counter(), NOON + timedelta(hours=hours))
    assert Throttle.objects.get().attempts == 3

    throttle.count_attempt(counter(), NOON + timedelta(hours=3, seconds=1))

    assert (Throttle.objects.get().attempts, Throttle.objects.get().blocked_until) == (1, None)


def test_a_name_can_be_consumed_once() -> None:
    assert [throttle.consume_once(name) for name in ("a", "b", "a", "b")] == [True, True, False, False]
