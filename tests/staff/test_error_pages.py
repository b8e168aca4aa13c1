"""Refusals under /admin/ say in the staff's own frame what happened and what to do."""

import pytest
from django.test import Client

from portal.accounts import invitations
from portal.accounts.models import AccessToken, User
from tests.staff.conftest import WORDS, member, signed_in

pytestmark = pytest.mark.django_db


def test_signing_in_without_cookies_says_that_cookies_are_off() -> None:
    member("nina")
    browser = Client(enforce_csrf_checks=True)
    browser.get("/admin/login/")
    browser.cookies.clear()

    answer = browser.post("/admin/login/", {"username": "nina", "password": WORDS, "csrfmiddlewaretoken": "x" * 64})

    assert answer.status_code == 403
    assert "Cookies are turned off" in answer.text and "Allow cookies for this site" in answer.text
    assert 'href="/admin/login/"' in answer.text


def test_a_form_from_before_the_last_sign_in_says_so_and_keeps_nothing() -> None:
    member("nina")
    browser = Client(enforce_csrf_checks=True)
    browser.get("/admin/login/")

    answer = browser.post("/admin/login/", {"username": "nina", "password": WORDS, "csrfmiddlewaretoken": "x" * 64})

    assert (answer.status_code, "This form is out of date" in answer.text) == (403, True)


def test_a_form_sent_from_another_address_names_the_setting_to_check() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get("/admin/login/")

    answer = browser.post("/admin/login/", {}, headers={"Origin": "https://other.example"})

    assert answer.status_code == 403
    assert "PORTAL_PUBLIC_URL" in answer.text and "other.example" not in answer.text


def test_what_a_role_does_not_include_and_what_is_not_there_is_answered_in_the_staffs_frame() -> None:
    nina = signed_in(member("nina"))

    refused = nina.get("/admin/staff/user/add/")
    missing = nina.get("/admin/nothing/")

    assert (refused.status_code, "Your role does not include this" in refused.text) == (403, True)
    assert (missing.status_code, "There is nothing at this address" in missing.text) == (404, True)
    assert "The pages for patients are open to everyone" not in refused.text + missing.text


def test_a_damaged_link_still_works_or_says_that_it_is_damaged(max_: User) -> None:
    path = invitations.create_link(max_, actor=None).partition("/admin/")[2]
    token = path.split("/")[1]
    whole = [
        f"welcome/{token}", f"welcome/{token}/.", f"welcome/{token}/)", f"welcome/{token}%3E", f"welcome/{token}/%20",
        f"welcome/=3D{token}/", f"welcome/{token[:20]}=%0A{token[20:]}/", f"welcome/{token[:20]}%20{token[20:]}/",
        f"Welcome/{token}/", f"welcome/{token}/%E2%80%9D", f"welcome//{token}/", f"WELCOME/%3C{token}%3E",
        f"welcome/{token}x/", f"welcome/x{token}",
    ]  # fmt: skip
    lost = ["welcome", "welcome/", f"welcome/{token[:30]}/", f"welcome/{token[:30]}", f"welcome/{token.swapcase()}/",
            "welcome/a/b/c/", "welcome/%00/"]  # fmt: skip

    for address in whole:
        answer = Client().get(f"/admin/{address}")
        assert (answer.status_code, "Your username is" in answer.text) == (200, True), address
    for address in lost:
        answer = Client().get(f"/admin/{address}")
        assert (answer.status_code, "Copy the whole address" in answer.text) == (410, True), address
    assert AccessToken.objects.get(user=max_).used_at is None


def test_a_repaired_link_sets_the_password(max_: User) -> None:
    path = invitations.create_link(max_, actor=None).partition("/admin/")[2].rstrip("/")

    done = Client().post(f"/admin/{path}/)", {"new_password": "violin harbour nine pears"})

    assert done.status_code == 302
    max_.refresh_from_db()
    assert max_.check_password("violin harbour nine pears")
