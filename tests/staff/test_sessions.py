"""Sessions end in time, are listed, and are ended everywhere."""

import time
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings

from portal.accounts import sessions
from portal.accounts.models import AuditEvent, User
from tests.staff.conftest import WORDS, code_of, member, signed_in, type_password, with_app

pytestmark = pytest.mark.django_db
NEW = "violin harbour nine pears"


def at(client: Client, **ago: float) -> None:
    """Put the clock of a session back."""
    session = client.session
    session["staff"] = {**session["staff"], **{name: time.time() - seconds for name, seconds in ago.items()}}
    session.save()


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def test_idle_sessions_end_and_say_so(nina: User) -> None:
    client = signed_in(nina)
    at(client, seen=settings.SESSION_IDLE_MINUTES * 60 + 1)

    answer = client.get("/admin/procedures/page/", follow=True)

    assert answer.redirect_chain[-1][0] == "/admin/login/?next=/admin/procedures/page/"
    assert "signed out because you were inactive" in answer.text
    assert AuditEvent.objects.latest("pk").kind == "timed-out"
    assert nina.sessions.count() == 0


def test_work_keeps_a_session_and_the_day_ends_it_anyway(nina: User) -> None:
    client = signed_in(nina)
    at(client, seen=settings.SESSION_IDLE_MINUTES * 60 - 5)
    assert is_in(client)
    assert sessions.seconds_left(client.session) > settings.SESSION_IDLE_MINUTES * 60 - 5

    at(client, started=settings.SESSION_HOURS * 3600 + 1, seen=0)
    assert not is_in(client)


def test_what_a_page_asks_by_itself_is_no_work(nina: User) -> None:
    client = signed_in(nina)
    for ask in ({"path": "/admin/session/"}, {"path": "/admin/", "headers": {"X-Background": "1"}}):
        at(client, seen=600)
        client.get(**ask)
        assert sessions.seconds_left(client.session) <= settings.SESSION_IDLE_MINUTES * 60 - 600


def test_the_state_says_who_for_how_long_and_gives_a_token(nina: User) -> None:
    client = Client(enforce_csrf_checks=True)
    before = client.get("/admin/session/")
    secret = with_app(nina)
    token = before.json()["csrf_token"]
    client.post("/admin/login/", {"username": "nina", "password": WORDS, "csrfmiddlewaretoken": token})
    half = client.get("/admin/session/").json()
    client.post("/admin/login/code/", {"code": code_of(secret), "csrfmiddlewaretoken": half["csrf_token"]})

    state = client.get("/admin/session/").json()

    assert before.json() == {"signed_in": False, "user": None, "seconds_left": 0, "csrf_token": token}
    assert before["Cache-Control"].startswith("max-age=0") and "no-store" in before["Cache-Control"]
    assert half["signed_in"] is False
    assert state["signed_in"] is True and state["user"] == nina.pk
    assert settings.SESSION_IDLE_MINUTES * 60 - 5 <= state["seconds_left"] <= settings.SESSION_IDLE_MINUTES * 60
    sent = client.post("/admin/account/sessions/end-all/", headers={"X-CSRFToken": state["csrf_token"]})
    assert sent.status_code == 302
    assert client.post("/admin/account/sessions/end-all/").status_code == 403


def test_a_state_that_is_asked_too_late_says_signed_out(nina: User) -> None:
    client = signed_in(nina)
    at(client, seen=settings.SESSION_IDLE_MINUTES * 60 + 1)

    assert client.get("/admin/session/").json()["signed_in"] is False


def test_the_list_names_devices_and_signs_one_of_them_out(nina: User) -> None:
    secret = with_app(nina)
    desk = signed_in(nina, secret, Client(headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"}))
    phone = signed_in(nina, secret, Client(headers={"User-Agent": "Mozilla/5.0 (iPhone) Version/18 Safari/605"}))
    html = desk.get("/admin/account/").text

    assert "Firefox on Windows</strong>\n      (this device)" in html
    assert "Safari on iPhone" in html
    row = nina.sessions.get(device="Safari on iPhone")
    desk.post("/admin/account/sessions/end/", {"session": row.pk})
    assert not is_in(phone)
    assert is_in(desk)


def test_nobody_ends_the_session_of_somebody_else_here(nina: User, max_: User) -> None:
    hers, his = signed_in(nina), signed_in(max_)
    his.post("/admin/account/sessions/end/", {"session": nina.sessions.get().pk})

    assert is_in(hers)


def test_sign_out_everywhere_leaves_this_browser_only(nina: User) -> None:
    secret = with_app(nina)
    here, there = signed_in(nina, secret), signed_in(nina, secret)

    here.post("/admin/account/sessions/end-all/")

    assert is_in(here) and not is_in(there)
    assert [row.session_key for row in nina.sessions.all()] == [here.session.session_key]


def test_a_session_without_a_row_is_ended_too(nina: User) -> None:
    secret = with_app(nina)
    here, there = signed_in(nina, secret), signed_in(nina, secret)
    nina.sessions.exclude(session_key=here.session.session_key).delete()

    here.post("/admin/account/sessions/end-all/")

    assert not is_in(there)


def test_a_new_password_signs_the_others_out(nina: User) -> None:
    secret = with_app(nina)
    here, there = signed_in(nina, secret), signed_in(nina, secret)
    wrong = here.post("/admin/password_change/", {"old_password": "x", "new_password": NEW})
    weak = here.post("/admin/password_change/", {"old_password": WORDS, "new_password": "password2026"})
    done = here.post("/admin/password_change/", {"old_password": WORDS, "new_password": NEW})

    assert "This is not your current password." in wrong.text
    assert "attackers try first" in weak.text
    assert done["Location"] == "/admin/account/"
    assert is_in(here) and not is_in(there)
    assert [row.session_key for row in nina.sessions.all()] == [here.session.session_key]
    assert type_password(Client(), password=NEW)["Location"] == "/admin/login/code/"


def test_a_closed_account_is_out_at_once(nina: User) -> None:
    client = signed_in(nina)
    User.objects.filter(pk=nina.pk).update(is_active=False)

    assert not is_in(client)


def test_delicate_things_ask_again_after_a_while(nina: User) -> None:
    client = signed_in(nina)
    at(client, started=16 * 60)

    asked = client.get("/admin/account/passkeys/add/")
    page = client.get(asked["Location"])
    wrong = client.post("/admin/confirm/?next=/admin/account/passkeys/add/", {"password": "x"})
    right = client.post("/admin/confirm/", {"password": WORDS, "next": "/admin/account/passkeys/add/"}, follow=True)

    assert asked["Location"].startswith("/admin/confirm/")
    assert "You signed in a while ago" in page.text
    assert wrong.status_code == 200
    assert right.redirect_chain[-1][0] == "/admin/account/passkeys/add/"
    assert right.status_code == 200


def test_a_post_that_was_interrupted_by_the_question_goes_on(nina: User) -> None:
    client = signed_in(nina)
    before = nina.authenticator_set.get(type="recovery_codes").pk
    at(client, started=16 * 60)

    asked = client.post("/admin/account/codes/new/")
    client.post(asked["Location"], {"password": WORDS, "next": "/admin/account/codes/new/"})

    assert nina.authenticator_set.get(type="recovery_codes").pk != before


def test_the_last_factor_stays(nina: User) -> None:
    client = signed_in(nina)

    answer = client.post("/admin/account/app/remove/", follow=True)

    assert "This is your only second factor" in answer.text
    assert nina.authenticator_set.filter(type="totp").exists()


def test_reading_writes_no_more_than_once_in_half_a_minute(nina: User, django_assert_num_queries: Any) -> None:
    client = signed_in(nina)
    client.get("/admin/account/")
    key = client.session.session_key

    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        client.get("/admin/account/")

    assert [query for query in captured if query["sql"].startswith(("UPDATE", "INSERT", "DELETE"))] == []
    assert client.session.session_key == key


@override_settings(SESSION_IDLE_MINUTES=5)
def test_the_idle_time_is_a_setting() -> None:
    client = signed_in(member("ida"))

    assert client.get("/admin/session/").json()["seconds_left"] <= 300
