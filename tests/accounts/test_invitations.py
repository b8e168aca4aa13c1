"""Invitations and password resets: a link is redeemed once, by submitting the form, not when a mail scanner opens it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts import invitations, services
from portal.accounts.models import AccessToken, AuditEvent, PasswordResetRequest, User
from portal.env import DUMMY_EMAIL_BACKEND
from tests.accounts.conftest import PASSWORD, add_totp, extract_link, logged_in_client, make_member, post_login

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "violin harbor nine pears"
WITH_MAIL = {
    "DEFAULT_FROM_EMAIL": "site@clinic.example",
    "EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
}


def post_invitation(client: Client, **values: Any) -> Any:
    from django.contrib.auth.models import Group

    roles = [Group.objects.get_or_create(name="Editor")[0].pk]
    typed = {"first_name": "Ida", "last_name": "", "username": "ida", "email": "", "roles": roles, **values}
    return client.post("/admin/staff/user/add/", typed)


def test_an_invited_user_sets_a_password_and_reaches_mfa_setup(max_user: User) -> None:
    page = post_invitation(logged_in_client(max_user))
    ida = User.objects.get(username="ida")
    path = extract_link(page)
    browser = Client()
    opened = browser.get(path)
    weak = browser.post(path, {"new_password": "password2026"})
    started = browser.post(path, {"new_password": NEW_PASSWORD}, follow=True)

    assert "Hello Ida" in opened.text
    assert "attackers try first" in weak.text
    assert [group.name for group in ida.groups.all()] == ["Editor"]
    assert started.redirect_chain[-1][0] == "/admin/account/start/"
    assert post_login(Client(), "ida", NEW_PASSWORD)["Location"] == "/admin/"
    assert list(AuditEvent.objects.filter(user=ida).order_by("pk").values_list("kind", flat=True))[:4] == [
        "invited", "link_created", "link_used", "logged_in",
    ]  # fmt: skip
    assert AuditEvent.objects.get(kind="invited").actor == max_user
    assert path.split("/")[-2] not in "".join(str(vars(row)) for row in AccessToken.objects.all())


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_a_mail_scanner_does_not_redeem_a_link(max_user: User, method: str) -> None:
    path = extract_link(invitations.create_link(max_user, actor=None))
    before = list(AccessToken.objects.values()), list(AuditEvent.objects.values_list("kind", flat=True))
    for _ in range(3):
        getattr(Client(), method)(path)

    assert (list(AccessToken.objects.values()), list(AuditEvent.objects.values_list("kind", flat=True))) == before
    assert Client().post(path, {"new_password": NEW_PASSWORD}).status_code == 302


def test_a_scanner_that_posts_without_a_csrf_token_does_not_redeem_a_link(max_user: User) -> None:
    path = extract_link(invitations.create_link(max_user, actor=None))

    assert Client(enforce_csrf_checks=True).post(path, {"new_password": NEW_PASSWORD}).status_code == 403
    assert Client().post(path, {}).status_code == 200
    assert AccessToken.objects.get().used_at is None


def test_used_expired_revoked_replaced_and_unknown_links_respond_the_same(nina: User, max_user: User) -> None:
    used = extract_link(invitations.create_link(nina, actor=None))
    Client().post(used, {"new_password": NEW_PASSWORD})
    replaced = extract_link(invitations.create_link(nina, actor=None))
    revoked = extract_link(invitations.create_link(nina, actor=None))
    invitations.revoke_tokens(nina, actor=max_user)
    old = extract_link(invitations.create_link(nina, actor=None))
    AccessToken.objects.filter(used_at=None, revoked_at=None).update(
        created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now() - timedelta(days=1)
    )
    closed = make_member("closed")
    of_closed = extract_link(invitations.create_link(closed, actor=None))
    User.objects.filter(pk=closed.pk).update(is_active=False)

    for path in (used, replaced, revoked, old, of_closed, "/admin/welcome/invented-token/"):
        for response in (Client().get(path), Client().post(path, {"new_password": "other long words here"})):
            assert response.status_code == 410
            assert "was already used, was replaced by a newer one, has expired" in response.text
    nina.refresh_from_db()
    assert nina.check_password(NEW_PASSWORD)


def test_a_damaged_url_with_the_whole_token_still_works(nina: User) -> None:
    token = extract_link(invitations.create_link(nina, actor=None)).split("/")[-2]
    one, two = token[:9], token[9:]
    damaged = f"""/admin//welcome/{token}/ /admin/welcom/{token}/ /admin/wellcome/{token} /admin/welco%20me/{token}
        /ADMIN/welcome/{token}/ /Admin/Welcome/{token} /welcome/{token}/ /WELCOME/{token} /admin/wel=%0D%0Acome/{token}/
        /admin/welcome/{one}=0A{two}/ /admin/welcome/{one}=0D=0A{two}/ /admin/welcome/{one}=%0D%0A{two} /admin{token}
        /admin/welcome/{one}%20{two}. /admin/welcome/3D{token}/ /admin/welcome{token} /adm=0D=0Ain/welcome/{token}/
        /admin/welcome/%22{token}%22%3E /admin/welcome/={token} //admin/welcome/{token}/ /admin/{token} /{token}
        /admin/welcome/{one}%253D%250A{two} /admin/welcome/{one}%2525253D%2525250A{two}
        /admin/welcome/{one}%26NewLine;{two} /admn/welcome/{token}/ /es/welcome/{token}""".split()
    for path in damaged:
        opened = Client().get(path, follow=True)
        posted = Client().post(opened.request["PATH_INFO"], {"new_password": "short"})
        assert (opened.status_code, "Choose a new password" in opened.text) == (200, True), path
        assert posted.status_code == 200, path


def test_a_damaged_link_without_a_usable_token_shows_the_expired_page(nina: User) -> None:
    token = extract_link(invitations.create_link(nina, actor=None)).split("/")[-2]
    for path in (
        "/admin/welcome", "/admin//welcome/", f"/admin/welcom/{token[:-3]}", f"/admin/x/{token[:24]}", "/admin/Wellcome/a",
        f"/welcome/{token[:30]}/", f"/ADMIN/welcome/{token.swapcase()}/", "/admin/wel%20come/", "/admin/wel=0Acome/b",
    ):  # fmt: skip
        response = Client().get(path, follow=True)
        assert (response.status_code, "This link no longer works" in response.text) == (410, True), path

    for path in ("/admin/procedures/nothing-of-this-name-here/", "/admin/nothing/"):
        assert Client().get(path)["Location"].startswith("/admin/login/"), path
    assert Client().get("/a-page-that-is-not-there-and-has-a-very-long-address-indeed/").status_code == 404
    assert Client().get("/ADMIN//%0d%0aX:y/").headers["Location"].startswith("/admin/")


def test_only_one_of_two_parallel_requests_redeems_a_link(nina: User, rf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    token = extract_link(invitations.create_link(nina, actor=None)).split("/")[-2]
    seen = AccessToken.objects.find_by_token(token, timezone.now())
    assert invitations.redeem_token(token, NEW_PASSWORD, request=rf.post("/"))
    # The second request read the link before the first one updated it.
    monkeypatch.setattr("portal.accounts.models.AccessTokenQuerySet.find_by_token", lambda *_: seen)

    assert invitations.redeem_token(token, "other long words here", request=rf.post("/")) is None
    nina.refresh_from_db()
    assert nina.check_password(NEW_PASSWORD)


def test_a_link_does_not_bypass_mfa_and_ends_sessions(nina: User) -> None:
    secret = add_totp(nina)
    there = logged_in_client(nina, secret)
    path = extract_link(invitations.create_link(nina, actor=None))

    assert Client().post(path, {"new_password": NEW_PASSWORD})["Location"] == "/admin/login/code/"
    assert there.get("/admin/").status_code == 302


def test_redeeming_a_link_logs_out_the_previous_user_of_the_browser(nina: User, max_user: User) -> None:
    browser = logged_in_client(max_user)
    path = extract_link(invitations.create_link(nina, actor=max_user))

    browser.post(path, {"new_password": NEW_PASSWORD})

    assert browser.session["_auth_user_id"] == str(nina.pk)
    assert max_user.usersession_set.count() == 0


@override_settings(**WITH_MAIL)
def test_the_invitation_is_mailed_and_shown_if_mail_is_configured(max_user: User) -> None:
    page = post_invitation(logged_in_client(max_user), email="ida@clinic.example")

    assert "The link was sent to" in page.text
    assert [message.to for message in mail.outbox] == [["ida@clinic.example"]]
    assert extract_link(mail.outbox[0].body) == extract_link(page)
    assert "7 days" in mail.outbox[0].body


@override_settings(**{**WITH_MAIL, "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_PORT": 1})
def test_a_mail_failure_is_reported(max_user: User) -> None:
    page = post_invitation(logged_in_client(max_user), email="ida@clinic.example")

    assert "The email couldn’t be sent. Share the link yourself." in page.text


@override_settings(**WITH_MAIL)
def test_password_reset_responds_the_same_for_known_and_unknown_accounts(nina: User) -> None:
    make_member("rosa", email="rosa@clinic.example")
    Client().post("/admin/password/forgotten/", {"username": "first"})  # this network's throttle row exists now
    pages, statements = set(), set()
    for name in ("rosa", "rosa@clinic.example", "nina", "nobody"):
        with CaptureQueriesContext(connection) as captured:
            response = Client().post("/admin/password/forgotten/", {"username": name})
        pages.add((response.status_code, re.sub(r'value="[^"]*"', "", response.text)))
        statements.add(tuple(re.sub(r"[(\d'].*", "", query["sql"]) for query in captured))
    assert len(pages) == len(statements) == 1
    assert mail.outbox == []

    assert invitations.send_password_resets() == 1
    assert [message.to for message in mail.outbox] == [["rosa@clinic.example"]]
    assert PasswordResetRequest.objects.count() == 0
    assert Client().post(extract_link(mail.outbox[0].body), {"new_password": NEW_PASSWORD}).status_code == 302


@override_settings(**WITH_MAIL)
def test_repeated_reset_requests_send_one_link_and_keep_it_valid(db: None) -> None:
    make_member("rosa", email="rosa@clinic.example")
    for _ in range(3):
        Client().post("/admin/password/forgotten/", {"username": "rosa"})
        invitations.send_password_resets()

    assert len(mail.outbox) == 1
    assert Client().get(extract_link(mail.outbox[0].body)).status_code == 200


def test_an_undelivered_link_does_not_delay_the_next_one(db: None) -> None:
    make_member("rosa", email="rosa@clinic.example")
    refused = {**WITH_MAIL, "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_PORT": 1}
    sent = []
    for mailing in (refused, WITH_MAIL):
        with override_settings(**mailing):
            Client().post("/admin/password/forgotten/", {"username": "rosa"})
            sent.append(invitations.send_password_resets())

    assert sent == [0, 1]


@override_settings(EMAIL_BACKEND=DUMMY_EMAIL_BACKEND)
def test_without_mail_the_reset_page_names_the_manager(nina: User) -> None:
    response = Client().post("/admin/password/forgotten/", {"username": "nina"})

    assert "Ask a manager of the site" in response.text
    assert PasswordResetRequest.objects.count() == 0


@override_settings(**WITH_MAIL)
@pytest.mark.django_db(transaction=True)
def test_a_user_is_notified_of_changes() -> None:
    rosa, boss = make_member("rosa", email="rosa@clinic.example"), make_member("max", "Manager")
    add_totp(rosa)

    services.reset_mfa(rosa, actor=boss)

    assert [message.subject for message in mail.outbox] == ["Plainspine: Second step reset by a manager"]
    assert PASSWORD not in mail.outbox[0].body
