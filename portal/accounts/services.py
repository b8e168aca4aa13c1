"""What managers do with other people's accounts, and demo accounts. The admin, commands, and tests call these."""

import secrets
from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from portal.accounts import audit, invitations, mail, mfa, sessions
from portal.accounts.models import User

DEMO_ROLES = {"editor": "Editor", "reviewer": "Reviewer", "manager": "Manager"}


@transaction.atomic
def invite_user(user: User, roles: Iterable[Group], *, actor: User | None, request: HttpRequest | None = None) -> str:
    """Save a new ``user`` without a password, assign ``roles``, and return the URL of the invitation."""
    user.is_staff = True
    user.set_unusable_password()
    user.save()
    user.groups.set(roles)
    audit.record(audit.Kind.INVITED, user=user, actor=actor, request=request, detail=role_names(user))
    return invitations.create_link(user, actor=actor, request=request)


@transaction.atomic
def reset_mfa(user: User, *, actor: User | None, request: HttpRequest | None = None) -> None:
    """Remove all second factors and end all sessions of ``user``, who sets up a new factor at the next sign-in."""
    mfa.remove_all(user)
    sessions.revoke_all(user)
    audit.record(audit.Kind.FACTOR_RESET, user=user, actor=actor, request=request)
    transaction.on_commit(lambda: mail.notify(user, _("Second factor reset by a manager")))


@transaction.atomic
def revoke_all_sessions(user: User, *, actor: User, request: HttpRequest | None = None) -> None:
    """End all sessions of ``user`` on behalf of a manager."""
    sessions.revoke_all(user)
    audit.record(audit.Kind.ALL_SESSIONS_REVOKED, user=user, actor=actor, request=request)
    transaction.on_commit(lambda: mail.notify(user, _("Signed out everywhere by a manager")))


@transaction.atomic
def record_user_changes(
    user: User, *, was_active: bool, previous_roles: str, actor: User, request: HttpRequest | None = None
) -> None:
    """Log what a manager changed in the saved ``user``. Deactivation also ends sessions and revokes links."""
    if was_active and not user.is_active:
        sessions.revoke_all(user)
        invitations.revoke_tokens(user, actor=actor, request=request)
        audit.record(audit.Kind.DEACTIVATED, user=user, actor=actor, request=request)
    if user.is_active and not was_active:
        audit.record(audit.Kind.ACTIVATED, user=user, actor=actor, request=request)
    roles = role_names(user)
    if roles != previous_roles:
        detail = f"{previous_roles or 'none'} → {roles or 'none'}"
        audit.record(audit.Kind.ROLES_CHANGED, user=user, actor=actor, request=request, detail=detail)
        event = _("Your role is now %(roles)s") % {"roles": roles} if roles else _("You no longer have a role")
        transaction.on_commit(lambda: mail.notify(user, event))


def role_names(user: User, *, is_superuser: bool | None = None) -> str:
    """Return the names of the user's groups, and "Superuser", separated by commas.

    ``is_superuser`` overrides the flag of ``user``, for the state before a form was saved.
    """
    names = sorted(user.groups.values_list("name", flat=True))
    if user.is_superuser if is_superuser is None else is_superuser:
        names.append("Superuser")
    return ", ".join(names)


@transaction.atomic
def create_demo_accounts() -> dict[str, str]:
    """Create the missing accounts of ``DEMO_ROLES`` for trying out the admin; return the new passwords by username.

    The passwords are random, and never stored in clear text.
    """
    passwords = {}
    for username, role in DEMO_ROLES.items():
        if User.objects.filter(username=username).exists():
            continue
        password = secrets.token_urlsafe(12)
        user = User.objects.create_user(username, password=password, is_staff=True, is_demo=True)
        user.groups.add(Group.objects.get(name=role))
        passwords[username] = password
    return passwords
