"""What a manager does about people. Each has one writer here; the admin, the command and tests call it."""

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest

from portal.accounts import audit, invitations, mail, mfa, sessions
from portal.accounts.models import User


@transaction.atomic
def invite_user(user: User, roles: Iterable[Group], *, actor: User | None, request: HttpRequest | None = None) -> str:
    """Save ``user``, new and without a password, with its roles; returns the address of the invitation."""
    user.is_staff = True
    user.set_unusable_password()
    user.save()
    user.groups.set(roles)
    audit.record(audit.Kind.INVITED, user=user, actor=actor, request=request, detail=role_names(user))
    return invitations.create_link(user, actor=actor, request=request)


@transaction.atomic
def reset_mfa(user: User, *, actor: User | None, request: HttpRequest | None = None) -> None:
    """After a lost phone: all factors go, every session ends; the next sign-in leads to a new one."""
    mfa.remove_all(user)
    sessions.revoke_all(user)
    audit.record(audit.Kind.FACTOR_RESET, user=user, actor=actor, request=request)
    transaction.on_commit(lambda: mail.notify(user, "the second factor was reset by a manager"))


@transaction.atomic
def revoke_all_sessions(user: User, *, actor: User, request: HttpRequest | None = None) -> None:
    """A manager ends every session of somebody else."""
    sessions.revoke_all(user)
    audit.record(audit.Kind.ALL_SESSIONS_REVOKED, user=user, actor=actor, request=request)
    transaction.on_commit(lambda: mail.notify(user, "you were signed out everywhere by a manager"))


@transaction.atomic
def record_user_changes(
    user: User, *, was_active: bool, previous_roles: str, actor: User, request: HttpRequest | None = None
) -> None:
    """Log what a manager changed in the form. A closed account is signed out, and its links end."""
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
        transaction.on_commit(lambda: mail.notify(user, f"your role is now {roles or 'none'}"))


def role_names(user: User, *, is_superuser: bool | None = None) -> str:
    """Names of roles as text; a superuser is one whatever else."""
    names = sorted(user.groups.values_list("name", flat=True))
    also = user.is_superuser if is_superuser is None else is_superuser
    return ", ".join([*names, "Superuser"] if also else names)
