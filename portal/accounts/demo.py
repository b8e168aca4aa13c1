"""Accounts to try the admin with. Their random passwords are shown once and stored nowhere."""

import secrets
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest

from portal.accounts.models import User
from portal.security.allowed_hosts import is_loopback
from portal.security.client_ip import is_local_client

DEMO_ROLES = {"editor": "Editor", "reviewer": "Reviewer", "manager": "Manager"}
# Django's test client calls itself so; no network knows the name.
TEST_CLIENT_HOST = "testserver"


@transaction.atomic
def create_demo_accounts() -> dict[str, str]:
    """Create the missing ones of editor, reviewer and manager; returns name → password of the new ones."""
    made = {}
    for name, role in DEMO_ROLES.items():
        if User.objects.filter(username=name).exists():
            continue
        password = secrets.token_urlsafe(12)
        user = User.objects.create_user(name, password=password, is_staff=True, is_demo=True)
        user.groups.add(Group.objects.get(name=role))
        made[name] = password
    return made


def is_network_reachable() -> bool:
    """Whether others than this machine can come here: by its address, or by a host name that it answers to."""
    hosts = [urlsplit(settings.PUBLIC_URL).hostname or "", *settings.ALLOWED_HOSTS]
    return not all(host == TEST_CLIENT_HOST or is_loopback(host) for host in hosts)


def can_use_demo_accounts(request: HttpRequest) -> bool:
    """Accounts without a second factor are for somebody who sits at this machine, never for a network."""
    return is_local_client(request) and not is_network_reachable()
