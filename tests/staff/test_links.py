"""Invitations and new passwords: a scanner's visit changes nothing, the button uses the link up, once."""

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
from tests.staff.conftest import WORDS, link_in, member, signed_in, type_password, with_app

pytestmark = pytest.mark.django_db
NEW = "violin harbour nine pears"
WITH_MAIL = {
    "DEFAULT_FROM_EMAIL": "site@clinic.example",
    "EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
}


def invited(client: Client, **values: Any) -> Any:
    from django.contrib.auth.models import Group

    roles = [Group.objects.get_or_create(name="Editor")[0].pk]
    typed = {"first_name": "Ida", "last_name": "", "username": "ida", "email": "", "roles": roles, **values}
    return client.post("/admin/staff/user/add/", typed)


def test_a_manager_invites_and_the_person_gets_to_work(max_: User) -> None:
    page = invited(signed_in(max_))
    ida = User.objects.get(username="ida")
    path = link_in(page)
    browser = Client()
    opened = browser.get(path)
    weak = browser.post(path, {"new_password": "password2026"})
    started = browser.post(path, {"new_password": NEW}, follow=True)

    assert "Hello Ida" in opened.text
    assert "attackers try first" in weak.text
    assert [group.name for group in ida.groups.all()] == ["Editor"]
    assert started.redirect_chain[-1][0] == "/admin/account/start/"
    assert type_password(Client(), "ida", NEW)["Location"] == "/admin/"
    assert list(AuditEvent.objects.filter(user=ida).order_by("pk").values_list("kind", flat=True))[:4] == [
        "invited", "link-made", "link-used", "signed-in",
    ]  # fmt: skip
    assert AuditEvent.objects.get(kind="invited").actor == max_
    assert path.split("/")[-2] not in "".join(str(vars(row)) for row in AccessToken.objects.all())


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_a_mail_scanner_uses_nothing_up(max_: User, method: str) -> None:
    path = link_in(invitations.create_link(max_, actor=None))
    before = list(AccessToken.objects.values()), list(AuditEvent.objects.values_list("kind", flat=True))
    for _ in range(3):
        getattr(Client(), method)(path)

    assert (list(AccessToken.objects.values()), list(AuditEvent.objects.values_list("kind", flat=True))) == before
    assert Client().post(path, {"new_password": NEW}).status_code == 302


def test_a_scanner_that_posts_blindly_uses_nothing_up(max_: User) -> None:
    path = link_in(invitations.create_link(max_, actor=None))

    assert Client(enforce_csrf_checks=True).post(path, {"new_password": NEW}).status_code == 403
    assert Client().post(path, {}).status_code == 200
    assert AccessToken.objects.get().used_at is None


def test_used_old_revoked_replaced_and_invented_links_answer_the_same(nina: User, max_: User) -> None:
    used = link_in(invitations.create_link(nina, actor=None))
    Client().post(used, {"new_password": NEW})
    replaced = link_in(invitations.create_link(nina, actor=None))
    revoked = link_in(invitations.create_link(nina, actor=None))
    invitations.revoke_tokens(nina, actor=max_)
    old = link_in(invitations.create_link(nina, actor=None))
    AccessToken.objects.filter(used_at=None, revoked_at=None).update(
        created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now() - timedelta(days=1)
    )
    closed = member("closed")
    of_closed = link_in(invitations.create_link(closed, actor=None))
    User.objects.filter(pk=closed.pk).update(is_active=False)

    for path in (used, replaced, revoked, old, of_closed, "/admin/welcome/invented-token/"):
        for answer in (Client().get(path), Client().post(path, {"new_password": "other long words here"})):
            assert answer.status_code == 410
            assert "was already used, was replaced by a newer one, has expired" in answer.text
    nina.refresh_from_db()
    assert nina.check_password(NEW)


def test_a_damaged_address_that_holds_the_token_of_a_usable_link_leads_to_its_page(nina: User) -> None:
    token = link_in(invitations.create_link(nina, actor=None)).split("/")[-2]
    one, two = token[:9], token[9:]
    damaged = f"""/admin//welcome/{token}/ /admin/welcom/{token}/ /admin/wellcome/{token} /admin/welco%20me/{token}
        /ADMIN/welcome/{token}/ /Admin/Welcome/{token} /welcome/{token}/ /WELCOME/{token} /admin/wel=%0D%0Acome/{token}/
        /admin/welcome/{one}=0A{two}/ /admin/welcome/{one}=0D=0A{two}/ /admin/welcome/{one}=%0D%0A{two} /admin{token}
        /admin/welcome/{one}%20{two}. /admin/welcome/3D{token}/ /admin/welcome{token} /adm=0D=0Ain/welcome/{token}/
        /admin/welcome/%22{token}%22%3E /admin/welcome/={token} //admin/welcome/{token}/ /admin/{token} /{token}
        /admin/welcome/{one}%253D%250A{two} /admn/welcome/{token}/ /es/welcome/{token}""".split()
    for path in damaged:
        opened = Client().get(path, follow=True)
        posted = Client().post(opened.request["PATH_INFO"], {"new_password": "short"})
        assert (opened.status_code, "Choose a new password" in opened.text) == (200, True), path
        assert posted.status_code == 200, path


def test_what_looks_like_a_damaged_link_is_answered_as_a_link_and_not_with_the_sign_in(nina: User) -> None:
    token = link_in(invitations.create_link(nina, actor=None)).split("/")[-2]
    for path in (
        "/admin/welcome", "/admin//welcome/", f"/admin/welcom/{token[:-3]}", f"/admin/x/{token[:24]}", "/admin/Wellcome/a",
        f"/welcome/{token[:30]}/", f"/ADMIN/welcome/{token.swapcase()}/", "/admin/wel%20come/", "/admin/wel=0Acome/b",
    ):  # fmt: skip
        answer = Client().get(path, follow=True)
        assert (answer.status_code, "This link no longer works" in answer.text) == (410, True), path

    for path in ("/admin/procedures/nothing-of-this-name-here/", "/admin/nothing/"):
        assert Client().get(path)["Location"].startswith("/admin/login/"), path
    assert Client().get("/a-page-that-is-not-there-and-has-a-very-long-address-indeed/").status_code == 404
    assert Client().get("/ADMIN//%0d%0aX:y/").headers["Location"].startswith("/admin/")


def test_of_two_at_the_same_moment_one_wins(nina: User, rf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    token = link_in(invitations.create_link(nina, actor=None)).split("/")[-2]
    seen = AccessToken.objects.find_by_token(token, timezone.now())
    assert invitations.redeem_token(token, NEW, request=rf.post("/"))
    # The second one had looked before the first one wrote.
    monkeypatch.setattr("portal.accounts.models.AccessTokenQuerySet.find_by_token", lambda *_: seen)

    assert invitations.redeem_token(token, "other long words here", request=rf.post("/")) is None
    nina.refresh_from_db()
    assert nina.check_password(NEW)


def test_a_link_is_no_way_around_the_second_factor_and_ends_sessions(nina: User) -> None:
    secret = with_app(nina)
    there = signed_in(nina, secret)
    path = link_in(invitations.create_link(nina, actor=None))

    assert Client().post(path, {"new_password": NEW})["Location"] == "/admin/login/code/"
    assert there.get("/admin/").status_code == 302


def test_the_link_of_another_person_takes_over_the_browser(nina: User, max_: User) -> None:
    browser = signed_in(max_)
    path = link_in(invitations.create_link(nina, actor=max_))

    browser.post(path, {"new_password": NEW})

    assert browser.session["_auth_user_id"] == str(nina.pk)
    assert max_.sessions.count() == 0


@override_settings(**WITH_MAIL)
def test_with_mail_the_invitation_is_sent_and_shown(max_: User) -> None:
    page = invited(signed_in(max_), email="ida@clinic.example")

    assert "The link was sent to" in page.text
    assert [message.to for message in mail.outbox] == [["ida@clinic.example"]]
    assert link_in(mail.outbox[0].body) == link_in(page)
    assert "7 days" in mail.outbox[0].body


@override_settings(**{**WITH_MAIL, "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_PORT": 1})
def test_mail_that_cannot_be_sent_is_said(max_: User) -> None:
    page = invited(signed_in(max_), email="ida@clinic.example")

    assert "The mail could not be sent. Pass on the link yourself." in page.text


@override_settings(**WITH_MAIL)
def test_forgotten_passwords_answer_and_cost_the_same_for_everybody(nina: User) -> None:
    member("rosa", email="rosa@clinic.example")
    Client().post("/admin/password/forgotten/", {"username": "first"})  # the count of this place is there now
    pages, statements = set(), set()
    for name in ("rosa", "rosa@clinic.example", "nina", "nobody"):
        with CaptureQueriesContext(connection) as captured:
            answer = Client().post("/admin/password/forgotten/", {"username": name})
        pages.add((answer.status_code, re.sub(r'value="[^"]*"', "", answer.text)))
        statements.add(tuple(re.sub(r"[(\d'].*", "", query["sql"]) for query in captured))
    assert len(pages) == len(statements) == 1
    assert mail.outbox == []

    assert invitations.send_password_resets() == 1
    assert [message.to for message in mail.outbox] == [["rosa@clinic.example"]]
    assert PasswordResetRequest.objects.count() == 0
    assert Client().post(link_in(mail.outbox[0].body), {"new_password": NEW}).status_code == 302


@override_settings(**WITH_MAIL)
def test_asking_again_and_again_fills_no_mailbox_and_ends_no_link(db: None) -> None:
    member("rosa", email="rosa@clinic.example")
    for _ in range(3):
        Client().post("/admin/password/forgotten/", {"username": "rosa"})
        invitations.send_password_resets()

    assert len(mail.outbox) == 1
    assert Client().get(link_in(mail.outbox[0].body)).status_code == 200


def test_a_link_that_could_not_be_sent_does_not_stand_in_the_way_of_the_next(db: None) -> None:
    member("rosa", email="rosa@clinic.example")
    refused = {**WITH_MAIL, "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_PORT": 1}
    sent = []
    for mailing in (refused, WITH_MAIL):
        with override_settings(**mailing):
            Client().post("/admin/password/forgotten/", {"username": "rosa"})
            sent.append(invitations.send_password_resets())

    assert sent == [0, 1]


@override_settings(EMAIL_BACKEND=DUMMY_EMAIL_BACKEND)
def test_without_mail_the_page_says_who_helps(nina: User) -> None:
    answer = Client().post("/admin/password/forgotten/", {"username": "nina"})

    assert "Ask a manager of the site" in answer.text
    assert PasswordResetRequest.objects.count() == 0


@override_settings(**WITH_MAIL)
@pytest.mark.django_db(transaction=True)
def test_changes_are_told_to_the_person() -> None:
    rosa, boss = member("rosa", email="rosa@clinic.example"), member("max", "Manager")
    with_app(rosa)

    services.reset_mfa(rosa, actor=boss)

    assert [message.subject for message in mail.outbox] == ["Plainspine: Second factor reset by a manager"]
    assert WORDS not in mail.outbox[0].body
