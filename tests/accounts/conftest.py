"""Helpers for tests of accounts. MFA is required here, as in production."""

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

PASSWORD = "otter lamp seventeen quilt"


@pytest.fixture(autouse=True)
def _require_mfa() -> Iterator[None]:
    with override_settings(MFA_REQUIRED=True):
        yield


def make_member(name: str = "nina", role: str = "Editor", **values: Any) -> User:
    """Create a staff user with ``PASSWORD`` and a role."""
    user = User(username=name, first_name=name.title(), is_staff=True, **values)
    user.set_password(PASSWORD)
    user.save()
    if role:
        group, _ = Group.objects.get_or_create(name=role)
        # Browser tests flush the tables, including the roles.
        group.permissions.set(
            Permission.objects.filter(
                codename__in=ROLE_PERMISSIONS[role], content_type__app_label__in=("procedures", "staff")
            )
        )
        user.groups.add(group)
    return user


def add_totp(user: User) -> str:
    """Add an app and saved recovery codes to ``user``; return the app's secret."""
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    mfa.mark_codes_saved(user)
    return secret


def totp_code(secret: str, *, steps: int = 0) -> str:
    """Return the current code, or the one ``steps`` 30-second intervals later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def recovery_codes(user: User) -> list[str]:
    return Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()


def post_login(client: Client, name: str = "nina", password: str = PASSWORD, **values: Any) -> Any:
    return client.post("/admin/login/", {"username": name, "password": password, **values})


def logged_in_client(user: User, secret: str = "", client: Client | None = None) -> Client:
    """Return a client in which ``user`` has logged in with password and app."""
    client = client or Client()
    secret = secret or add_totp(user)
    post_login(client, user.username)
    # Each code works once, so a second login within 30 seconds uses the next one.
    for steps in (0, 1, -1):
        if client.post("/admin/login/code/", {"code": totp_code(secret, steps=steps)}).status_code == 302:
            return client
    raise AssertionError("no code was accepted")


def extract_link(response: Any) -> str:
    """Return the path of the one-time link in a response or mail."""
    text = response if isinstance(response, str) else response.content.decode()
    match = re.search(r"/admin/welcome/[\w-]+/", text)
    assert match, text
    return match[0]


@pytest.fixture
def nina(db: None) -> User:
    return make_member()


@pytest.fixture
def max_user(db: None) -> User:
    return make_member("max", "Manager")
