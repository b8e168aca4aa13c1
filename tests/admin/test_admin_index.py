"""The admin index, its security headers, and staff accounts."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group

from portal.accounts.models import User
from procedures.roles import ROLE_PERMISSIONS
from tests.admin.conftest import SignIn, make_staff, post_form

PEOPLE = "/admin/staff/user/"


def test_the_index_has_our_name_and_no_list_of_models(manager: User, sign_in: SignIn) -> None:
    answer = sign_in(manager).get("/admin/")

    assert answer.context["site_header"] == "Plainspine"
    assert "Model name" not in answer.content.decode()


@pytest.mark.parametrize("address", ["/admin/", "/admin/login/", "/admin/procedures/page/"])
def test_every_admin_response_has_the_strict_csp(manager: User, sign_in: SignIn, address: str) -> None:
    answer = sign_in(manager).get(address)

    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_damaged_addresses_of_rows_are_answered(db: None, sign_in: SignIn) -> None:
    client = sign_in(make_staff("Ada", is_superuser=True))
    huge = "9" * 20
    statuses = {}
    for model in admin.site._registry:
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for address in (
            f"{base}1/change/?_to_field=",
            f"{base}1/delete/?_to_field=",
            f"{base}%00/",
            f"{base}%00/change/",
        ):
            statuses[address] = client.get(address).status_code
    for method, address in ((client.get, f"figure/{huge}/texts/en/"), (client.post, f"figure/{huge}/texts/en/save/")):
        statuses[address] = method(f"/admin/procedures/{address}").status_code

    assert {address: status for address, status in statuses.items() if status not in (200, 302, 403, 404)} == {}


@pytest.fixture
def head(db: None) -> User:
    """A user who can manage users but is not a superuser."""
    from django.contrib.auth.models import Permission

    user = make_staff("Hana", "Manager")
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user", "add_user"]))
    return user


def test_only_superusers_can_create_superusers(head: User, sign_in: SignIn) -> None:
    values = {"username": "hana.clinic", "is_staff": "on", "is_active": "on", "is_superuser": "on"}

    answer = post_form(sign_in(head), f"{PEOPLE}{head.pk}/change/", values)

    head.refresh_from_db()
    assert answer.status_code == 302
    assert not head.is_superuser


@pytest.mark.parametrize("screen", ["change/", "password/"])
def test_only_superusers_can_change_superusers(head: User, sign_in: SignIn, admin_user: User, screen: str) -> None:
    before = admin_user.password

    answer = sign_in(head).post(f"{PEOPLE}{admin_user.pk}/{screen}", {"password1": "x", "password2": "x"})

    admin_user.refresh_from_db()
    assert answer.status_code == 403
    assert admin_user.password == before


def test_a_new_account_can_sign_in_and_roles_are_checkboxes(head: User, sign_in: SignIn) -> None:
    client = sign_in(head)
    # Transactional tests truncate the tables, including rows created by migrations.
    for name in ROLE_PERMISSIONS:
        Group.objects.get_or_create(name=name)
    roles = [group.pk for group in head.groups.all()]

    client.post(f"{PEOPLE}add/", {"username": "new", "first_name": "New", "roles": roles})

    made = User.objects.get(username="new")
    html = client.get(f"{PEOPLE}{made.pk}/change/").content.decode()
    assert made.is_staff
    assert html.count('type="checkbox" name="groups"') == 3
