"""Usernames and email addresses each belong to one account, however they are typed."""

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client

from portal.accounts.models import User, find_user
from tests.accounts.conftest import PASSWORD, logged_in_client, make_member, post_login
from tests.accounts.test_invitations import post_invitation

pytestmark = pytest.mark.django_db
LOOK_ALIKES = ["Editor", "EDITOR", " editor ", "ｅditor", "edi​tor", "еditor", "editór", "edi\ntor"]


def test_look_alike_unicode_usernames_are_refused(max_user: User) -> None:
    make_member("editor")
    manager = logged_in_client(max_user)
    before = set(User.objects.values_list("username", flat=True))

    for name in LOOK_ALIKES:
        response = post_invitation(manager, username=name)
        assert response.status_code == 200, name
        with pytest.raises(ValidationError):
            User(username=name, password="x").full_clean()
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.create(username=name.strip().upper() if name.isascii() else "editor")

    assert set(User.objects.values_list("username", flat=True)) == before


def test_look_alike_ascii_usernames_are_refused_with_an_explanation(max_user: User) -> None:
    for name in ("editor", "manager", "reviewer", "owen", "lily"):
        make_member(name)
    manager = logged_in_client(max_user)
    before = set(User.objects.values_list("username", flat=True))
    for name in "ed1tor editor. ed_itor rnanager rev1ewer edit-0r mana.ger 0vven 1i1y r.nanager".split():
        response = post_invitation(manager, username=name)
        assert "This looks too much like the username" in response.text, name
    assert set(User.objects.values_list("username", flat=True)) == before

    post_invitation(manager, username="editha")
    assert User.objects.filter(username="editha").exists()
    # An existing account keeps its username.
    User(username="ed1tor").save()
    User.objects.get(username="ed1tor").clean()


def test_the_invite_command_ignores_case(capsys: pytest.CaptureFixture[str]) -> None:
    user = make_member("nina")

    call_command("invite", "Nina")

    assert "/admin/welcome/" in capsys.readouterr().out
    assert [row.pk for row in User.objects.filter(username__iexact="nina")] == [user.pk]


def test_login_ignores_the_case_of_the_username() -> None:
    make_member("nina")

    for typed in ("nina", "Nina", " NINA "):
        assert post_login(Client(), typed, PASSWORD).status_code == 302, typed


def test_every_form_refuses_an_email_address_in_use(max_user: User) -> None:
    make_member("ida", email="ida@clinic.example")
    nina = make_member("nina", email="nina@clinic.example")
    values = {"username": "nina", "first_name": "Nina", "email": "IDA@clinic.example", "is_active": "on"}

    manager = logged_in_client(max_user)
    invited_again = post_invitation(manager, username="otto", email="Ida@Clinic.example")
    changed = manager.post(f"/admin/staff/user/{nina.pk}/change/", values)

    assert "Another account already uses this email address" in invited_again.text
    assert "Another account already uses this email address" in changed.text
    nina.refresh_from_db()
    assert nina.email == "nina@clinic.example"


def test_a_username_that_is_the_email_address_of_someone_else_is_refused(max_user: User) -> None:
    make_member("ida", email="ida@clinic.example")
    nina = make_member("nina")
    make_member("otto@clinic.example")
    manager = logged_in_client(max_user)
    values = {"username": "nina", "first_name": "Nina", "is_active": "on"}

    invited = post_invitation(manager, username="Ida@Clinic.example", email="")
    renamed = manager.post(f"/admin/staff/user/{nina.pk}/change/", {**values, "username": "IDA@clinic.example"})
    moved = manager.post(f"/admin/staff/user/{nina.pk}/change/", {**values, "email": "OTTO@clinic.example"})

    assert "This is the email address of another account" in invited.text
    assert "This is the email address of another account" in renamed.text
    assert "Another account has this email address as its username" in moved.text
    nina.refresh_from_db()
    assert (nina.username, nina.email) == ("nina", "")
    User(username="own@clinic.example", email="Own@clinic.example", password="x").full_clean()


def test_the_username_wins_over_any_number_of_equal_email_addresses() -> None:
    for number in range(4):
        User.objects.create(username=f"member-{number}", email="ida@clinic.example")
    assert find_user("ida@clinic.example") is None
    ida = User.objects.create(username="ida@clinic.example")

    assert find_user(" Ida@Clinic.example") == ida


def test_names_with_control_or_bidi_characters_are_refused(max_user: User) -> None:
    manager = logged_in_client(max_user)
    for name in ("Ida\r\nBcc: x@example.org", "Ida\u202egro.elpmaxe", "Ida\u2066x", "Ida\x07"):
        response = post_invitation(manager, first_name=name)
        assert "invisible character" in response.text, repr(name)
    assert not User.objects.filter(username="ida").exists()
