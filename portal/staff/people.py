"""What a manager does about people. Each has one writer here; the admin, the command and tests call it."""

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest

from portal.staff import audit, factors, links, mail, sessions
from portal.staff.models import User


@transaction.atomic
def invite(user: User, roles: Iterable[Group], *, actor: User | None, request: HttpRequest | None = None) -> str:
    """Save ``user``, new and without a password, with its roles; returns the address of the invitation."""
    user.is_staff = True
    user.set_unusable_password()
    user.save()
    user.groups.set(roles)
    audit.record(audit.Kind.INVITED, person=user, actor=actor, request=request, detail=roles_of(user))
    return links.make_link(user, actor=actor, request=request)


@transaction.atomic
def reset_factor(user: User, *, actor: User | None, request: HttpRequest | None = None) -> None:
    """After a lost phone: all factors go, every session ends; the next sign-in leads to a new one."""
    factors.remove_all(user)
    sessions.end_all(user)
    audit.record(audit.Kind.FACTOR_RESET, person=user, actor=actor, request=request)
    transaction.on_commit(lambda: mail.tell(user, "the second factor was reset by a manager"))


@transaction.atomic
def sign_out_everywhere(user: User, *, actor: User, request: HttpRequest | None = None) -> None:
    """A manager ends every session of somebody else."""
    sessions.end_all(user)
    audit.record(audit.Kind.SESSIONS_ENDED, person=user, actor=actor, request=request)
    transaction.on_commit(lambda: mail.tell(user, "you were signed out everywhere by a manager"))


@transaction.atomic
def after_change(
    user: User, *, was_active: bool, had_roles: str, actor: User, request: HttpRequest | None = None
) -> None:
    """Log what a manager changed in the form. A closed account is signed out, and its links end."""
    if was_active and not user.is_active:
        sessions.end_all(user)
        links.revoke_links(user, actor=actor, request=request)
        audit.record(audit.Kind.DEACTIVATED, person=user, actor=actor, request=request)
    if user.is_active and not was_active:
        audit.record(audit.Kind.ACTIVATED, person=user, actor=actor, request=request)
    roles = roles_of(user)
    if roles != had_roles:
        detail = f"{had_roles or 'none'} → {roles or 'none'}"
        audit.record(audit.Kind.ROLES_CHANGED, person=user, actor=actor, request=request, detail=detail)
        transaction.on_commit(lambda: mail.tell(user, f"your role is now {roles or 'none'}"))


def roles_of(user: User, *, superuser: bool | None = None) -> str:
    """Names of roles as text; a superuser is one whatever else."""
    names = sorted(user.groups.values_list("name", flat=True))
    also = user.is_superuser if superuser is None else superuser
    return ", ".join([*names, "Superuser"] if also else names)
