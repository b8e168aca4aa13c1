"""Accounts to try the admin with. Their random passwords are shown once and stored nowhere."""

import secrets

from django.contrib.auth.models import Group
from django.db import transaction

from portal.staff.models import User

DEMO = {"editor": "Editor", "reviewer": "Reviewer", "manager": "Manager"}


@transaction.atomic
def make_demo_accounts() -> dict[str, str]:
    """Create the missing ones of editor, reviewer and manager; returns name → password of the new ones."""
    made = {}
    for name, role in DEMO.items():
        if User.objects.filter(username=name).exists():
            continue
        password = secrets.token_urlsafe(12)
        user = User.objects.create_user(name, password=password, is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        made[name] = password
    return made
