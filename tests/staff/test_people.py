"""Managers look after people: links, roles, lost phones, leaving; all of it in a log that nobody changes."""

import io
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client

from portal.accounts.models import AccessToken, AuditEvent, User
from portal.append_only import AppendOnlyError
from tests.staff.conftest import link_in, member, signed_in, type_password, with_app

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/staff/user/"
NEW = "violin harbour nine pears"


def form_of(user: User, **changes: Any) -> dict[str, Any]:
    values = {
        "username": user.username, "first_name": user.first_name, "last_name": user.last_name, "email": user.email,
        "is_active": "on" if user.is_active else "", "groups": [group.pk for group in user.groups.all()], **changes,
    }  # fmt: skip
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
def test_only_managers_look_after_people(max_: User, role: str, method: str, screen: str) -> None:
    with_app(max_)
    client = signed_in(member("other", role))

    answer = getattr(client, method)(f"{PEOPLE}{screen}".format(max_.pk).replace("user/../", ""))

    assert answer.status_code == 403
    assert max_.authenticator_set.count() == 2
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("screen", ["link/", "revoke/", "reset-factor/", "sign-out/"])
def test_a_manager_touches_no_superuser(max_: User, screen: str) -> None:
    owner = member("owner", is_superuser=True)

    assert signed_in(max_).post(f"{PEOPLE}{owner.pk}/{screen}").status_code == 403


@pytest.mark.parametrize("screen", ["link/", "revoke/", "sign-out/"])
def test_a_visit_changes_nothing(max_: User, nina: User, screen: str) -> None:
    assert signed_in(max_).get(f"{PEOPLE}{nina.pk}/{screen}").status_code == 405


def test_a_lost_phone(max_: User, nina: User) -> None:
    hers, his = signed_in(nina), signed_in(max_)
    asked = his.get(f"{PEOPLE}{nina.pk}/reset-factor/")

    assert "Make sure that it is really them" in asked.text
    assert hers.get("/admin/").status_code == 200

    his.post(f"{PEOPLE}{nina.pk}/reset-factor/")

    assert hers.get("/admin/").status_code == 302
    again = Client()
    assert type_password(again)["Location"] == "/admin/"
    assert again.get("/admin/")["Location"] == "/admin/account/start/"
    event = AuditEvent.objects.get(kind="factor-reset")
    assert (event.user, event.actor) == (nina, max_)


def test_nobody_resets_their_own_factor_this_way(max_: User) -> None:
    client = signed_in(max_)

    client.post(f"{PEOPLE}{max_.pk}/reset-factor/")

    assert max_.authenticator_set.count() == 2


def test_a_manager_hands_over_a_link_and_revokes_it(max_: User, nina: User) -> None:
    client = signed_in(max_)
    first = link_in(client.post(f"{PEOPLE}{nina.pk}/link/"))
    second = link_in(client.post(f"{PEOPLE}{nina.pk}/link/"))
    page = client.get(f"{PEOPLE}{nina.pk}/change/").text

    assert Client().get(first).status_code == 410
    assert Client().get(second).status_code == 200
    assert "A link for a new password is open until" in page
    client.post(f"{PEOPLE}{nina.pk}/revoke/")
    assert Client().get(second).status_code == 410


def test_who_leaves_is_out_at_once_and_stays_in_the_history(max_: User, nina: User) -> None:
    hers, his = signed_in(nina), signed_in(max_)
    path = link_in(his.post(f"{PEOPLE}{nina.pk}/link/"))

    his.post(f"{PEOPLE}{nina.pk}/change/", form_of(nina, is_active=""))

    assert hers.get("/admin/").status_code == 302
    assert Client().get(path).status_code == 410
    assert "is not correct" in type_password(Client()).text
    assert AuditEvent.objects.filter(kind="deactivated", user=nina, actor=max_).count() == 1
    assert his.post(f"{PEOPLE}{nina.pk}/delete/", {"post": "yes"}).status_code == 403
    his.post(f"{PEOPLE}{nina.pk}/change/", form_of(nina, is_active="on"))
    assert AuditEvent.objects.filter(kind="activated").count() == 1


def test_nobody_closes_their_own_account(max_: User) -> None:
    client = signed_in(max_)

    client.post(f"{PEOPLE}{max_.pk}/change/", form_of(max_, is_active=""))

    max_.refresh_from_db()
    assert max_.is_active


def test_another_role_is_logged_from_what_to_what(max_: User, nina: User) -> None:
    reviewer, _ = Group.objects.get_or_create(name="Reviewer")

    signed_in(max_).post(f"{PEOPLE}{nina.pk}/change/", form_of(nina, groups=[reviewer.pk]))

    event = AuditEvent.objects.get(kind="roles-changed")
    assert (event.user, event.actor, event.detail) == (nina, max_, "Editor → Reviewer")


def test_the_log_is_read_and_never_changed(max_: User) -> None:
    client = signed_in(max_)
    row = AuditEvent.objects.get()
    base = "/admin/staff/auditevent/"

    assert "Signed in" in client.get(base).text
    assert client.get(f"{base}{row.pk}/change/").status_code == 200
    for screen in ("add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
        assert client.post(f"{base}{screen}", {"post": "yes"}).status_code == 403
    for act in (row.save, row.delete, AuditEvent.objects.all().delete, lambda: AuditEvent.objects.update(detail="")):
        with pytest.raises(AppendOnlyError):
            act()


def test_the_log_costs_the_same_for_any_length(max_: User, django_assert_max_num_queries: Any) -> None:
    client = signed_in(max_)
    for _ in range(30):
        AuditEvent.objects.create(kind="refused", user=max_, actor=max_)

    with django_assert_max_num_queries(12):
        client.get("/admin/staff/auditevent/")


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("invite", *arguments, stdout=out)
    return out.getvalue()


def test_the_first_account_comes_from_a_command(client: Client) -> None:
    path = link_in(command("anna", "--superuser"))

    answer = client.post(path, {"new_password": NEW}, follow=True)

    anna = User.objects.get(username="anna")
    assert answer.redirect_chain[-1][0] == "/admin/account/start/"
    assert anna.is_staff and anna.is_superuser and [group.name for group in anna.groups.all()] == ["Manager"]


def test_the_command_is_the_way_back_when_nobody_else_is_left(max_: User) -> None:
    client = signed_in(max_)

    path = link_in(command("max", "--reset-second-factor"))

    assert client.get("/admin/").status_code == 302
    assert max_.authenticator_set.count() == 0
    assert Client().post(path, {"new_password": NEW})["Location"] == "/admin/"


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
def test_the_command_says_what_is_wrong(arguments: list[str], sentence: str) -> None:
    for name in ("Editor", "Manager", "Reviewer"):
        Group.objects.get_or_create(name=name)
    member("demo", is_demo=True)
    member("closed", is_active=False)

    with pytest.raises(CommandError, match=sentence):
        command(*arguments)
    assert User.objects.count() == 2
