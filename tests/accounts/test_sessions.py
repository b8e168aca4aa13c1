"""Session timeouts, the session list, and revoking sessions."""

import re
import time
from datetime import timedelta
from html import escape, unescape
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.utils import timezone

from portal.accounts import invitations, sessions
from portal.accounts.models import AuditEvent, User
from tests.accounts.conftest import (
    PASSWORD,
    add_totp,
    extract_link,
    logged_in_client,
    make_member,
    post_login,
    recovery_codes,
    totp_code,
)

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "violin harbor nine pears"


def set_session_age(client: Client, **ago: float) -> None:
    """Backdate a session's timestamps by the given number of seconds."""
    session = client.session
    session["staff"] = {**session["staff"], **{name: time.time() - seconds for name, seconds in ago.items()}}
    session.save()


def is_logged_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def test_an_idle_session_ends_with_a_message(nina: User) -> None:
    client = logged_in_client(nina)
    set_session_age(client, seen=settings.SESSION_IDLE_MINUTES * 60 + 1)

    response = client.get("/admin/procedures/page/", follow=True)

    assert response.redirect_chain[-1][0] == "/admin/login/?next=/admin/procedures/page/"
    assert "signed out because you were inactive" in response.text
    assert AuditEvent.objects.latest("pk").kind == "session_expired"
    assert nina.usersession_set.count() == 0


def test_activity_extends_a_session_up_to_the_absolute_limit(nina: User) -> None:
    client = logged_in_client(nina)
    set_session_age(client, seen=settings.SESSION_IDLE_MINUTES * 60 - 5)
    assert is_logged_in(client)
    assert sessions.seconds_left(client.session) > settings.SESSION_IDLE_MINUTES * 60 - 5

    set_session_age(client, started=settings.SESSION_HOURS * 3600 + 1, seen=0)
    assert not is_logged_in(client)


def test_background_requests_do_not_count_as_activity(nina: User) -> None:
    client = logged_in_client(nina)
    for ask in ({"path": "/admin/session/"}, {"path": "/admin/", "headers": {"X-Background": "1"}}):
        set_session_age(client, seen=600)
        client.get(**ask)
        assert sessions.seconds_left(client.session) <= settings.SESSION_IDLE_MINUTES * 60 - 600


def test_session_status_returns_user_time_left_and_csrf_token(nina: User) -> None:
    client = Client(enforce_csrf_checks=True)
    before = client.get("/admin/session/")
    secret = add_totp(nina)
    token = before.json()["csrf_token"]
    client.post("/admin/login/", {"username": "nina", "password": PASSWORD, "csrfmiddlewaretoken": token})
    half = client.get("/admin/session/").json()
    client.post("/admin/login/code/", {"code": totp_code(secret), "csrfmiddlewaretoken": half["csrf_token"]})

    state = client.get("/admin/session/").json()

    assert before.json() == {"signed_in": False, "user": None, "seconds_left": 0, "csrf_token": token}
    assert before["Cache-Control"].startswith("max-age=0") and "no-store" in before["Cache-Control"]
    assert half["signed_in"] is False
    assert state["signed_in"] is True and state["user"] == nina.pk
    assert settings.SESSION_IDLE_MINUTES * 60 - 5 <= state["seconds_left"] <= settings.SESSION_IDLE_MINUTES * 60
    sent = client.post("/admin/account/sessions/end-all/", headers={"X-CSRFToken": state["csrf_token"]})
    assert sent.status_code == 302
    assert client.post("/admin/account/sessions/end-all/").status_code == 403


def test_the_status_of_an_expired_session_is_signed_out(nina: User) -> None:
    client = logged_in_client(nina)
    set_session_age(client, seen=settings.SESSION_IDLE_MINUTES * 60 + 1)

    assert client.get("/admin/session/").json()["signed_in"] is False


def hidden_fields(html: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', html)
    return {unescape(name): unescape(value) for name, value in found}


def test_a_form_sent_after_the_session_ended_is_kept_until_its_user_sends_it_again(nina: User) -> None:
    """Through the second factor, with files named, passwords left out, and texts escaped."""
    client = logged_in_client(nina)
    address = "/admin/procedures/glossaryterm/7/change/?_changelist_filters=q%3Dbone&p=2"
    typed = {"definition": 'A "hard" part\n</form><script>', "term": "", "_save": "Save"}

    for end in (
        lambda: set_session_age(client, seen=settings.SESSION_IDLE_MINUTES * 60 + 1),
        lambda: client.session.flush(),
        lambda: client.post("/admin/logout/"),
    ):
        end()
        logo = SimpleUploadedFile("logo.png", b"x")
        kept = client.post(address, {**typed, "my_password": "secret words", "logo": logo})
        again = client.post("/admin/send-again/", hidden_fields(kept.text))
        post_login(client)
        half = client.post("/admin/send-again/", hidden_fields(kept.text))
        client.post("/admin/login/code/", {"code": recovery_codes(nina)[0]})
        ready = client.post("/admin/send-again/", hidden_fields(kept.text))

        assert [page.status_code for page in (kept, again, half, ready)] == [401, 401, 401, 200]
        assert "What you typed is kept on this page" in kept.text and "logo.png" in kept.text
        assert "secret words" not in ready.text
        assert f'action="{escape(address)}"' in ready.text
        fields = hidden_fields(ready.text)
        del fields["csrfmiddlewaretoken"]
        assert fields == typed


def test_a_kept_form_is_refused_to_another_account_and_if_it_was_changed(nina: User, max_user: User) -> None:
    browser = logged_in_client(nina)
    browser.session.flush()
    kept = hidden_fields(browser.post("/admin/procedures/source/add/", {"title": "Typed"}).text)
    browser.cookies.clear()
    logged_in_client(max_user, client=browser)

    other = browser.post("/admin/send-again/", kept)
    forged = browser.post("/admin/send-again/", {"kept_form": f"{kept['kept_form']}x"})

    assert (other.status_code, "Nina typed this" in other.text) == (403, True)
    assert hidden_fields(other.text)["kept_form"] == kept["kept_form"]
    assert "csrfmiddlewaretoken" not in other.text.partition("send-again")[2].partition("</form>")[0]
    assert forged.status_code == 400


def test_a_long_form_is_kept_and_an_upload_is_not_read(nina: User) -> None:
    browser = logged_in_client(nina)
    browser.session.flush()
    large = SimpleUploadedFile("large.png", b"x" * 3_000_000)

    long = browser.post("/admin/procedures/source/add/", {"title": "word " * 100_000, "logo": large})
    upload = browser.post(
        "/admin/procedures/figure/intake/", {"picture": SimpleUploadedFile("a.png", b"x" * 9_000_000)}
    )
    stranger = Client().post("/admin/procedures/source/add/", {"title": "Typed"})
    script = browser.post("/admin/procedures/source/add/", {}, headers={"Accept": "application/json"})

    assert [page.status_code for page in (long, upload, stranger, script)] == [401, 401, 302, 302]
    assert "large.png" in long.text and "The file that you chose is not kept" in upload.text


def test_the_session_list_names_devices_and_revokes_one(nina: User) -> None:
    secret = add_totp(nina)
    desk = logged_in_client(nina, secret, Client(headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"}))
    phone = logged_in_client(nina, secret, Client(headers={"User-Agent": "Mozilla/5.0 (iPhone) Version/18 Safari/605"}))
    html = desk.get("/admin/account/").text

    assert "Firefox on Windows</strong>\n      (this device)" in html
    assert "Safari on iPhone" in html
    row = nina.usersession_set.get(user_agent__contains="iPhone")
    desk.post("/admin/account/sessions/end/", {"session": row.pk})
    assert not is_logged_in(phone)
    assert is_logged_in(desk)


def test_the_session_list_holds_no_ip_address(nina: User) -> None:
    logged_in_client(nina, client=Client(REMOTE_ADDR="192.0.2.66", headers={"X-Forwarded-For": "192.0.2.67"}))

    (row,) = nina.usersession_set.values()
    assert row["ip"] == "::"
    assert "192.0.2" not in str(row)


def test_an_idle_session_is_not_listed_and_ends(nina: User) -> None:
    secret = add_totp(nina)
    here, there = logged_in_client(nina, secret), logged_in_client(nina, secret)
    long_ago = timezone.now() - timedelta(minutes=settings.SESSION_IDLE_MINUTES + 1)
    nina.usersession_set.exclude(session_key=here.session.session_key).update(last_seen_at=long_ago)

    assert here.get("/admin/account/").text.count("last active") == 1
    assert not is_logged_in(there)


def test_a_user_cannot_revoke_another_users_session(nina: User, max_user: User) -> None:
    hers, his = logged_in_client(nina), logged_in_client(max_user)
    his.post("/admin/account/sessions/end/", {"session": nina.usersession_set.get().pk})

    assert is_logged_in(hers)


def test_sign_out_everywhere_else_keeps_only_this_session(nina: User) -> None:
    secret = add_totp(nina)
    here, there = logged_in_client(nina, secret), logged_in_client(nina, secret)

    here.post("/admin/account/sessions/end-all/")

    assert is_logged_in(here) and not is_logged_in(there)
    assert [row.session_key for row in nina.usersession_set.all()] == [here.session.session_key]


def test_revoking_all_ends_sessions_without_a_row(nina: User) -> None:
    secret = add_totp(nina)
    here, there = logged_in_client(nina, secret), logged_in_client(nina, secret)
    nina.usersession_set.exclude(session_key=here.session.session_key).delete()

    here.post("/admin/account/sessions/end-all/")

    assert not is_logged_in(there)


def test_changing_the_password_ends_other_sessions(nina: User) -> None:
    secret = add_totp(nina)
    here, there = logged_in_client(nina, secret), logged_in_client(nina, secret)
    wrong = here.post("/admin/password_change/", {"old_password": "x", "new_password": NEW_PASSWORD})
    weak = here.post("/admin/password_change/", {"old_password": PASSWORD, "new_password": "password2026"})
    done = here.post("/admin/password_change/", {"old_password": PASSWORD, "new_password": NEW_PASSWORD})

    assert "This is not your current password." in wrong.text
    assert AuditEvent.objects.filter(kind="login_failed", detail="reauthentication").count() == 1
    assert "attackers try first" in weak.text
    assert done["Location"] == "/admin/account/"
    assert is_logged_in(here) and not is_logged_in(there)
    assert [row.session_key for row in nina.usersession_set.all()] == [here.session.session_key]
    assert post_login(Client(), password=NEW_PASSWORD)["Location"] == "/admin/login/code/"


def test_a_link_that_was_not_used_ends_with_a_change_of_the_password(nina: User) -> None:
    path = extract_link(invitations.create_link(nina, actor=None))
    client = logged_in_client(nina)
    client.post("/admin/password_change/", {"old_password": PASSWORD, "new_password": NEW_PASSWORD})

    assert Client().post(path, {"new_password": "cactus river nine lamps"}).status_code == 410
    assert post_login(Client(), password=NEW_PASSWORD).status_code == 302


def test_a_deactivated_account_is_signed_out_at_once(nina: User) -> None:
    client = logged_in_client(nina)
    User.objects.filter(pk=nina.pk).update(is_active=False)

    assert not is_logged_in(client)


def test_sensitive_actions_require_recent_authentication(nina: User) -> None:
    client = logged_in_client(nina)
    set_session_age(client, started=16 * 60)

    asked = client.get("/admin/account/passkeys/add/")
    page = client.get(asked["Location"])
    wrong = client.post("/admin/confirm/?next=/admin/account/passkeys/add/", {"password": "x"})
    right = client.post("/admin/confirm/", {"password": PASSWORD, "next": "/admin/account/passkeys/add/"}, follow=True)

    assert asked["Location"].startswith("/admin/confirm/")
    assert "Confirm your password to continue with this step." in page.text
    assert wrong.status_code == 200
    assert right.redirect_chain[-1][0] == "/admin/account/passkeys/add/"
    assert right.status_code == 200


def test_a_post_continues_after_reauthentication(nina: User) -> None:
    client = logged_in_client(nina)
    before = nina.authenticator_set.get(type="recovery_codes").pk
    set_session_age(client, started=16 * 60)

    asked = client.post("/admin/account/codes/new/")
    client.post(asked["Location"], {"password": PASSWORD, "next": "/admin/account/codes/new/"})

    assert nina.authenticator_set.get(type="recovery_codes").pk != before


def test_the_last_factor_cannot_be_removed(nina: User) -> None:
    client = logged_in_client(nina)

    response = client.post("/admin/account/app/remove/", follow=True)

    assert "This is your only second step" in response.text
    assert nina.authenticator_set.filter(type="totp").exists()


def test_reading_pages_does_not_write_within_the_touch_interval(nina: User, django_assert_num_queries: Any) -> None:
    client = logged_in_client(nina)
    client.get("/admin/account/")
    key = client.session.session_key

    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        client.get("/admin/account/")

    assert [query for query in captured if query["sql"].startswith(("UPDATE", "INSERT", "DELETE"))] == []
    assert client.session.session_key == key


@override_settings(SESSION_IDLE_MINUTES=5)
def test_the_idle_timeout_is_configurable() -> None:
    client = logged_in_client(make_member("ida"))

    assert client.get("/admin/session/").json()["seconds_left"] <= 300
