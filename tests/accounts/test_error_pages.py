"""Error pages under /admin/ use the admin layout and say what happened and what to do."""

import pytest
from django.test import Client

from portal.accounts import invitations
from portal.accounts.models import AccessToken, User
from tests.accounts.conftest import PASSWORD, logged_in_client, make_member

pytestmark = pytest.mark.django_db


def test_login_without_cookies_explains_that_cookies_are_off() -> None:
    make_member("nina")
    browser = Client(enforce_csrf_checks=True)
    browser.get("/admin/login/")
    browser.cookies.clear()

    response = browser.post(
        "/admin/login/", {"username": "nina", "password": PASSWORD, "csrfmiddlewaretoken": "x" * 64}
    )

    assert response.status_code == 403
    assert "Cookies are turned off" in response.text and "Allow cookies for this site" in response.text
    assert 'href="/admin/login/"' in response.text


def test_a_form_from_before_the_last_login_is_refused_as_out_of_date() -> None:
    make_member("nina")
    browser = Client(enforce_csrf_checks=True)
    browser.get("/admin/login/")

    response = browser.post(
        "/admin/login/", {"username": "nina", "password": PASSWORD, "csrfmiddlewaretoken": "x" * 64}
    )

    assert (response.status_code, "This form is out of date" in response.text) == (403, True)


def test_a_form_from_another_origin_names_the_setting_to_check() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get("/admin/login/")

    response = browser.post("/admin/login/", {}, headers={"Origin": "https://other.example"})

    assert response.status_code == 403
    assert "PORTAL_PUBLIC_URL" in response.text and "other.example" not in response.text


def test_403_and_404_use_the_admin_layout() -> None:
    nina = logged_in_client(make_member("nina"))

    refused = nina.get("/admin/staff/user/add/")
    missing = nina.get("/admin/nothing/")

    assert (refused.status_code, "You do not have permission" in refused.text) == (403, True)
    assert (missing.status_code, "Page not found" in missing.text) == (404, True)
    assert "The pages for patients are open to everyone" not in refused.text + missing.text


def test_a_damaged_link_works_or_shows_the_expired_page(max_user: User) -> None:
    path = invitations.create_link(max_user, actor=None).partition("/admin/")[2]
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
        response = Client().get(f"/admin/{address}")
        assert (response.status_code, "Your username is" in response.text) == (200, True), address
    for address in lost:
        response = Client().get(f"/admin/{address}")
        assert (response.status_code, "Copy the whole address" in response.text) == (410, True), address
    assert AccessToken.objects.get(user=max_user).used_at is None


def test_a_repaired_link_sets_the_password(max_user: User) -> None:
    path = invitations.create_link(max_user, actor=None).partition("/admin/")[2].rstrip("/")

    done = Client().post(f"/admin/{path}/)", {"new_password": "violin harbor nine pears"})

    assert done.status_code == 302
    max_user.refresh_from_db()
    assert max_user.check_password("violin harbor nine pears")
