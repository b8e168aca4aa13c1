"""Sign-in as it is in earnest: the second factor is asked for, passwords are checked."""

import base64
import re
import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.auth.models import Group, Permission
from django.test import Client, override_settings

from portal.accounts import mfa
from portal.accounts.models import User
from procedures.roles import ROLE_PERMISSIONS

WORDS = "otter lamp seventeen quilt"


@pytest.fixture(autouse=True)
def _in_earnest() -> Iterator[None]:
    with override_settings(MFA_REQUIRED=True):
        yield


def member(name: str = "nina", role: str = "Editor", **values: Any) -> User:
    """Somebody with a password and a role."""
    user = User(username=name, first_name=name.title(), is_staff=True, **values)
    user.set_password(WORDS)
    user.save()
    if role:
        group, _ = Group.objects.get_or_create(name=role)
        # Browser tests empty the tables, and with them what the migrations made.
        group.permissions.set(
            Permission.objects.filter(
                codename__in=ROLE_PERMISSIONS[role], content_type__app_label__in=("procedures", "staff")
            )
        )
        user.groups.add(group)
    return user


def with_app(user: User) -> str:
    """Give ``user`` an app and kept recovery codes; returns the app's secret."""
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    mfa.mark_codes_saved(user)
    return secret


def code_of(secret: str, *, steps: int = 0) -> str:
    """What an app shows now, or some steps of 30 seconds away."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def recovery_codes(user: User) -> list[str]:
    return Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()


def type_password(client: Client, name: str = "nina", password: str = WORDS, **values: Any) -> Any:
    return client.post("/admin/login/", {"username": name, "password": password, **values})


def signed_in(user: User, secret: str = "", client: Client | None = None) -> Client:
    """A browser in which ``user`` signed in with password and app."""
    client = client or Client()
    secret = secret or with_app(user)
    type_password(client, user.username)
    # Each code works once: a second sign-in within the half minute takes the next one.
    for steps in (0, 1, -1):
        if client.post("/admin/login/code/", {"code": code_of(secret, steps=steps)}).status_code == 302:
            return client
    raise AssertionError("no code was accepted")


def link_in(answer: Any) -> str:
    """The path of the one-time link that a page or mail shows."""
    text = answer if isinstance(answer, str) else answer.content.decode()
    found = re.search(r"/admin/welcome/[\w-]+/", text)
    assert found, text
    return found[0]


@pytest.fixture
def nina(db: None) -> User:
    return member()


@pytest.fixture
def max_(db: None) -> User:
    return member("max", "Manager")
