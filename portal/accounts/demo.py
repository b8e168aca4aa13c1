"""Demo accounts for trying out the admin. Their random passwords are shown once and never stored in clear text."""

import secrets
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest

from portal.accounts.models import User
from portal.security.client_ip import is_local_client, is_loopback

DEMO_ROLES = {"editor": "Editor", "reviewer": "Reviewer", "manager": "Manager"}
# The host name that Django's test client sends; no network resolves it.
TEST_CLIENT_HOST = "testserver"


@transaction.atomic
def create_demo_accounts() -> dict[str, str]:
    """Create the missing accounts of ``DEMO_ROLES``; return the passwords of the new ones by username."""
    passwords = {}
    for username, role in DEMO_ROLES.items():
        if User.objects.filter(username=username).exists():
            continue
        password = secrets.token_urlsafe(12)
        user = User.objects.create_user(username, password=password, is_staff=True, is_demo=True)
        user.groups.add(Group.objects.get(name=role))
        passwords[username] = password
    return passwords


def is_network_reachable() -> bool:
    """Return whether the public URL or an allowed host is not a loopback name."""
    hosts = [urlsplit(settings.PUBLIC_URL).hostname or "", *settings.ALLOWED_HOSTS]
    return not all(host == TEST_CLIENT_HOST or is_loopback(host) for host in hosts)


def can_use_demo_accounts(request: HttpRequest) -> bool:
    """Return whether the client and the site are both local: these accounts have no second factor."""
    return is_local_client(request) and not is_network_reachable()
