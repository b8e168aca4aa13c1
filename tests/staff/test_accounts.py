"""Usernames and email addresses each belong to one account, however they are typed."""

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client

from portal.accounts.models import User
from tests.staff.conftest import WORDS, member, signed_in, type_password
from tests.staff.test_links import invited

pytestmark = pytest.mark.django_db
LOOK_ALIKES = ["Editor", "EDITOR", " editor ", "ｅditor", "edi​tor", "еditor", "editór", "edi\ntor"]


def test_no_account_can_be_created_whose_name_looks_like_another_one(max_: User) -> None:
    member("editor")
    manager = signed_in(max_)
    before = set(User.objects.values_list("username", flat=True))

    for name in LOOK_ALIKES:
        answer = invited(manager, username=name)
        assert answer.status_code == 200, name
        with pytest.raises(ValidationError):
            User(username=name, password="x").full_clean()
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.create(username=name.strip().upper() if name.isascii() else "editor")

    assert set(User.objects.values_list("username", flat=True)) == before


def test_a_new_name_that_only_looks_like_another_one_is_refused_with_a_sentence(max_: User) -> None:
    for name in ("editor", "manager", "reviewer", "owen", "lily"):
        member(name)
    manager = signed_in(max_)
    before = set(User.objects.values_list("username", flat=True))
    for name in "ed1tor editor. ed_itor rnanager rev1ewer edit-0r mana.ger 0vven 1i1y r.nanager".split():
        answer = invited(manager, username=name)
        assert "This looks too much like the username" in answer.text, name
    assert set(User.objects.values_list("username", flat=True)) == before

    invited(manager, username="editha")
    assert User.objects.filter(username="editha").exists()
    # An account that was there before keeps its name.
    User(username="ed1tor").save()
    User.objects.get(username="ed1tor").clean()


def test_the_command_that_invites_finds_the_account_in_any_case(capsys: pytest.CaptureFixture[str]) -> None:
    user = member("nina")

    call_command("invite", "Nina")

    assert "/admin/welcome/" in capsys.readouterr().out
    assert [row.pk for row in User.objects.filter(username__iexact="nina")] == [user.pk]


def test_people_sign_in_with_their_name_in_any_case() -> None:
    member("nina")

    for typed in ("nina", "Nina", " NINA "):
        assert type_password(Client(), typed, WORDS).status_code == 302, typed


def test_a_mail_address_belongs_to_one_account_on_every_form(max_: User) -> None:
    member("ida", email="ida@clinic.example")
    nina = member("nina", email="nina@clinic.example")
    values = {"username": "nina", "first_name": "Nina", "email": "IDA@clinic.example", "is_active": "on"}

    manager = signed_in(max_)
    invited_again = invited(manager, username="otto", email="Ida@Clinic.example")
    changed = manager.post(f"/admin/staff/user/{nina.pk}/change/", values)

    assert "Another account already uses this email address" in invited_again.text
    assert "Another account already uses this email address" in changed.text
    nina.refresh_from_db()
    assert nina.email == "nina@clinic.example"


def test_names_with_control_or_direction_characters_are_refused(max_: User) -> None:
    manager = signed_in(max_)
    for name in ("Ida\r\nBcc: x@example.org", "Ida\u202egro.elpmaxe", "Ida\u2066x", "Ida\x07"):
        answer = invited(manager, first_name=name)
        assert "invisible character" in answer.text, repr(name)
    assert not User.objects.filter(username="ida").exists()
