"""Managing users: links, roles, lost phones, deactivation, and the append-only audit log."""

import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from portal.accounts import invitations
from portal.accounts.models import AccessToken, AuditEvent, User
from portal.append_only import AppendOnlyError
from tests.accounts.conftest import add_totp, extract_link, logged_in_client, make_member, post_login

pytestmark = pytest.mark.django_db
USERS_URL = "/admin/staff/user/"
NEW_PASSWORD = "violin harbor nine pears"


def user_form_data(user: User, **changes: Any) -> dict[str, Any]:
    names = ("username", "first_name", "last_name", "email", "is_active")
    saved = {name: getattr(user, name) for name in names} | {"groups": [group.pk for group in user.groups.all()]}
    values = {**saved, "is_active": "on" if user.is_active else "", "snapshot": json.dumps({"": saved}), **changes}
    return {name: value for name, value in values.items() if value != ""}


@pytest.mark.parametrize("role", ["Editor", "Reviewer", ""])
@pytest.mark.parametrize(
    ("method", "screen"),
    [
        ("get", ""), ("get", "add/"), ("post", "add/"), ("get", "{}/change/"), ("post", "{}/change/"),
        ("post", "{}/link/"), ("post", "{}/revoke/"), ("get", "{}/reset-factor/"), ("post", "{}/reset-factor/"),
        ("post", "{}/sign-out/"), ("get", "../auditevent/"),
    ],
)  # fmt: skip
def test_only_managers_manage_users(max_user: User, role: str, method: str, screen: str) -> None:
    add_totp(max_user)
    client = logged_in_client(make_member("other", role))

    response = getattr(client, method)(f"{USERS_URL}{screen}".format(max_user.pk).replace("user/../", ""))

    assert response.status_code == 403
    assert max_user.authenticator_set.count() == 2
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("screen", ["link/", "revoke/", "reset-factor/", "sign-out/"])
def test_a_manager_cannot_manage_a_superuser(max_user: User, screen: str) -> None:
    owner = make_member("owner", is_superuser=True)

    assert logged_in_client(max_user).post(f"{USERS_URL}{owner.pk}/{screen}").status_code == 403


@pytest.mark.parametrize("screen", ["link/", "revoke/", "sign-out/"])
def test_a_get_request_changes_nothing(max_user: User, nina: User, screen: str) -> None:
    assert logged_in_client(max_user).get(f"{USERS_URL}{nina.pk}/{screen}").status_code == 405


def test_a_manager_resets_the_second_factor_after_a_lost_phone(max_user: User, nina: User) -> None:
    hers, his = logged_in_client(nina), logged_in_client(max_user)
    asked = his.get(f"{USERS_URL}{nina.pk}/reset-factor/")

    assert "Verify who is asking" in asked.text
    assert hers.get("/admin/").status_code == 200

    his.post(f"{USERS_URL}{nina.pk}/reset-factor/")

    assert hers.get("/admin/").status_code == 302
    again = Client()
    assert post_login(again)["Location"] == "/admin/"
    assert again.get("/admin/")["Location"] == "/admin/account/start/"
    event = AuditEvent.objects.get(kind="factor_reset")
    assert (event.user, event.actor) == (nina, max_user)


def test_a_manager_cannot_reset_their_own_factor(max_user: User) -> None:
    client = logged_in_client(max_user)

    client.post(f"{USERS_URL}{max_user.pk}/reset-factor/")

    assert max_user.authenticator_set.count() == 2


def test_a_manager_creates_and_revokes_a_link(max_user: User, nina: User) -> None:
    client = logged_in_client(max_user)
    first = extract_link(client.post(f"{USERS_URL}{nina.pk}/link/"))
    second = extract_link(client.post(f"{USERS_URL}{nina.pk}/link/"))
    page = client.get(f"{USERS_URL}{nina.pk}/change/").text

    assert Client().get(first).status_code == 410
    assert Client().get(second).status_code == 200
    assert "A password reset link is valid until" in page
    client.post(f"{USERS_URL}{nina.pk}/revoke/")
    assert Client().get(second).status_code == 410


def test_a_deactivated_user_is_signed_out_and_stays_in_the_log(max_user: User, nina: User) -> None:
    hers, his = logged_in_client(nina), logged_in_client(max_user)
    path = extract_link(his.post(f"{USERS_URL}{nina.pk}/link/"))

    his.post(f"{USERS_URL}{nina.pk}/change/", user_form_data(nina, is_active=""))

    assert hers.get("/admin/").status_code == 302
    assert Client().get(path).status_code == 410
    assert "is not correct" in post_login(Client()).text
    assert AuditEvent.objects.filter(kind="deactivated", user=nina, actor=max_user).count() == 1
    assert his.post(f"{USERS_URL}{nina.pk}/delete/", {"post": "yes"}).status_code == 403
    nina.refresh_from_db()
    his.post(f"{USERS_URL}{nina.pk}/change/", user_form_data(nina, is_active="on"))
    assert AuditEvent.objects.filter(kind="activated").count() == 1


def test_a_manager_cannot_deactivate_their_own_account(max_user: User) -> None:
    client = logged_in_client(max_user)

    client.post(f"{USERS_URL}{max_user.pk}/change/", user_form_data(max_user, is_active=""))

    max_user.refresh_from_db()
    assert max_user.is_active


def test_an_older_form_brings_back_neither_an_account_nor_a_role(max_user: User, nina: User) -> None:
    manager, address = logged_in_client(max_user), f"{USERS_URL}{nina.pk}/change/"
    older = user_form_data(nina, last_name="Corrected", snapshot=manager.get(address).context["snapshot"])
    nina.is_active = False
    nina.save()
    nina.groups.clear()

    refused = manager.post(address, older)
    nina.refresh_from_db()
    unchanged = (nina.is_active, nina.groups.count(), nina.last_name)
    form = refused.context["adminform"].form
    again = {"username": "nina", "first_name": "Nina", "last_name": form["last_name"].value(), "email": ""}
    saved = manager.post(address, {**again, "snapshot": refused.context["snapshot"]})
    nina.refresh_from_db()

    assert (refused.status_code, unchanged) == (409, (False, 0, ""))
    assert {change.label for change in refused.context["form_conflict"].changes} == {"Active", "Role"}
    assert "Someone else also changed this" in refused.text
    assert (form["is_active"].value(), form["groups"].value(), form["last_name"].value()) == (False, [], "Corrected")
    assert saved.status_code == 302
    assert (nina.is_active, nina.groups.count(), nina.last_name) == (False, 0, "Corrected")


def test_a_role_change_is_logged_with_both_roles(max_user: User, nina: User) -> None:
    reviewer, _ = Group.objects.get_or_create(name="Reviewer")

    logged_in_client(max_user).post(f"{USERS_URL}{nina.pk}/change/", user_form_data(nina, groups=[reviewer.pk]))

    event = AuditEvent.objects.get(kind="roles_changed")
    assert (event.user, event.actor, event.detail) == (nina, max_user, "Editor → Reviewer")


def test_changed_names_and_addresses_are_logged_without_them(max_user: User, nina: User) -> None:
    changes = {"username": "nina.lee", "email": "new@clinic.example", "first_name": "Antonina"}

    logged_in_client(max_user).post(f"{USERS_URL}{nina.pk}/change/", user_form_data(nina, **changes))

    kinds = ("username_changed", "email_changed", "name_changed")
    events = AuditEvent.objects.filter(kind__in=kinds).order_by("pk")
    assert [(event.kind, event.user, event.actor, event.detail) for event in events] == [
        ("username_changed", nina, max_user, "nina → nina.lee"),
        ("email_changed", nina, max_user, "added"),
        ("name_changed", nina, max_user, ""),
    ]


def test_ones_own_change_is_logged_and_an_unchanged_form_is_not(max_user: User, nina: User) -> None:
    client = logged_in_client(max_user)
    client.post(f"{USERS_URL}{nina.pk}/change/", user_form_data(nina))
    client.post(f"{USERS_URL}{max_user.pk}/change/", user_form_data(max_user, last_name="Lee"))

    event = AuditEvent.objects.get(kind__endswith="_changed")
    assert (event.kind, event.user, event.actor) == ("name_changed", max_user, max_user)


def test_a_new_email_address_is_announced_to_the_old_one_and_ends_open_links(
    max_user: User, nina: User, mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    User.objects.filter(pk=nina.pk).update(email="nina@clinic.example")
    nina.refresh_from_db()
    invitations.create_link(nina, actor=None)

    with django_capture_on_commit_callbacks(execute=True):
        logged_in_client(max_user).post(
            f"{USERS_URL}{nina.pk}/change/", user_form_data(nina, email="attacker@evil.example")
        )

    assert [message.to for message in mailoutbox] == [["nina@clinic.example"]]
    assert "no longer belongs to the account" in mailoutbox[0].body
    assert "attacker" not in mailoutbox[0].body
    assert not AccessToken.objects.filter(user=nina).usable(timezone.now()).exists()
    assert AuditEvent.objects.get(kind="link_revoked").actor == max_user


def test_a_new_link_logs_that_the_earlier_one_no_longer_works(max_user: User, nina: User) -> None:
    for _number in range(2):
        invitations.create_link(nina, actor=max_user)

    kinds = AuditEvent.objects.filter(user=nina).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["link_created", "link_revoked", "link_created"]


def test_the_audit_log_is_read_only(max_user: User) -> None:
    client = logged_in_client(max_user)
    row = AuditEvent.objects.get()
    base = "/admin/staff/auditevent/"

    assert "Signed in" in client.get(base).text
    assert client.get(f"{base}{row.pk}/change/").status_code == 200
    for screen in ("add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
        assert client.post(f"{base}{screen}", {"post": "yes"}).status_code == 403
    for act in (row.save, row.delete, AuditEvent.objects.all().delete, lambda: AuditEvent.objects.update(detail="")):
        with pytest.raises(AppendOnlyError):
            act()


def test_the_audit_log_runs_a_fixed_number_of_queries(max_user: User, django_assert_max_num_queries: Any) -> None:
    client = logged_in_client(max_user)
    for _ in range(30):
        AuditEvent.objects.create(kind="login_failed", user=max_user, actor=max_user)

    with django_assert_max_num_queries(12):
        client.get("/admin/staff/auditevent/")


def run_invite(*arguments: str) -> str:
    out = io.StringIO()
    call_command("invite", *arguments, stdout=out)
    return out.getvalue()


def test_the_invite_command_creates_the_first_account(client: Client) -> None:
    path = extract_link(run_invite("anna", "--superuser"))

    response = client.post(path, {"new_password": NEW_PASSWORD}, follow=True)

    anna = User.objects.get(username="anna")
    assert response.redirect_chain[-1][0] == "/admin/account/start/"
    assert anna.is_staff and anna.is_superuser and [group.name for group in anna.groups.all()] == ["Manager"]


def test_the_invite_command_restores_access(max_user: User) -> None:
    client = logged_in_client(max_user)

    path = extract_link(run_invite("max", "--reset-second-factor"))

    assert client.get("/admin/").status_code == 302
    assert max_user.authenticator_set.count() == 0
    assert Client().post(path, {"new_password": NEW_PASSWORD})["Location"] == "/admin/"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["new", "--role", "Boss"], "There is no role 'Boss'. Choose one of: Editor, Manager, Reviewer."),
        (["a b"], "Use only unaccented letters"),
        (["new", "--email", "no"], "Enter a valid email"),
        (["demo"], "demo is a demo account created by --demo. Choose another name."),
        (["closed"], "The account closed is deactivated. A manager can reactivate it."),
    ],
)
def test_the_invite_command_explains_errors(arguments: list[str], sentence: str) -> None:
    for name in ("Editor", "Manager", "Reviewer"):
        Group.objects.get_or_create(name=name)
    make_member("demo", is_demo=True)
    make_member("closed", is_active=False)

    with pytest.raises(CommandError, match=sentence):
        run_invite(*arguments)
    assert User.objects.count() == 2
