"""Account management: managers' actions on other people's accounts, demo accounts, and data retention.

Personal data of closed accounts and old sign-in events are deleted after a retention period. Texts and approvals keep
their author's name.
"""

import datetime
import secrets
from collections.abc import Iterable

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import audit
from portal.accounts import invitations, mail, sessions, throttle
from portal.accounts.models import AccessToken, AuditEvent, User
from portal.accounts.roles import ROLES
from portal.append_only import triggers_disabled

PURGED_PREFIX = "closed-"


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
    """Remove all second factors and end all sessions of ``user``, who must set up a new factor at the next sign-in."""
    # Imported here because it loads fido2, and every process imports this module through the middleware.
    from portal.accounts import mfa

    mfa.remove_all(user)
    sessions.revoke_all(user)
    audit.record(audit.Kind.FACTOR_RESET, user=user, actor=actor, request=request)
    transaction.on_commit(lambda: mail.notify(user, _("Second step reset by a manager")))


@transaction.atomic
def revoke_all_sessions(user: User, *, actor: User, request: HttpRequest) -> None:
    """End all sessions of ``user`` on behalf of a manager."""
    sessions.revoke_all(user)
    audit.record(audit.Kind.ALL_SESSIONS_REVOKED, user=user, actor=actor, request=request)
    transaction.on_commit(lambda: mail.notify(user, _("Signed out everywhere by a manager")))


@transaction.atomic
def record_user_changes(
    user: User, *, was_active: bool, previous_roles: str, actor: User | None, request: HttpRequest | None = None
) -> None:
    """Log what changed in the saved ``user``. Deactivation also ends sessions and revokes links.

    ``actor`` is the manager, or None for the single sign-on provider.
    """
    if was_active and not user.is_active:
        set_deactivated_at(user, timezone.now())
        sessions.revoke_all(user)
        invitations.revoke_tokens(user, actor=actor, request=request)
        audit.record(audit.Kind.DEACTIVATED, user=user, actor=actor, request=request)
    if user.is_active and not was_active:
        set_deactivated_at(user, None)
        audit.record(audit.Kind.ACTIVATED, user=user, actor=actor, request=request)
    roles = role_names(user)
    if roles != previous_roles:
        detail = f"{previous_roles or 'none'} → {roles or 'none'}"
        audit.record(audit.Kind.ROLES_CHANGED, user=user, actor=actor, request=request, detail=detail)
        event = _("Your role is now %(roles)s") % {"roles": roles} if roles else _("You no longer have a role")
        transaction.on_commit(lambda: mail.notify(user, event))


@transaction.atomic
def record_identity_changes(
    user: User, previous: User, *, actor: User | None, request: HttpRequest | None = None
) -> None:
    """Log and announce what changed in how the saved ``user`` signs in and is called. ``previous``: the row before.

    Email addresses and names are not logged. A new email address ends the open links, which were sent to the old one,
    and the old one gets a notice, so that the owner notices an account takeover.
    """
    if user.username != previous.username:
        detail = f"{previous.username} → {user.username}"
        audit.record(audit.Kind.USERNAME_CHANGED, user=user, actor=actor, request=request, detail=detail)
        event = _("Your username is now %(username)s") % {"username": user.username}
        transaction.on_commit(lambda: mail.notify(user, event, address=previous.email))
    if user.email != previous.email:
        detail = "changed" if user.email and previous.email else "added" if user.email else "removed"
        audit.record(audit.Kind.EMAIL_CHANGED, user=user, actor=actor, request=request, detail=detail)
        invitations.revoke_tokens(user, actor=actor, request=request)
        if previous.email:
            notice = _("This email address no longer belongs to the account")
            transaction.on_commit(lambda: mail.notify(user, notice, address=previous.email))
    if (user.first_name, user.last_name) != (previous.first_name, previous.last_name):
        audit.record(audit.Kind.NAME_CHANGED, user=user, actor=actor, request=request)


def confirm_password(user: User, password: str, request: HttpRequest | None) -> None:
    """Check the password of a signed-in user again. Throttled and logged like a login.

    Raise ValidationError if it is wrong, or after too many attempts.
    """
    counter = [throttle.AttemptCounter(f"reauthenticate|{user.pk}", throttle.VERIFICATION)]
    if message := throttle.start_attempt(counter, request, user=user, detail="reauthentication"):
        raise ValidationError(message, code="throttled")
    if not user.check_password(password):
        audit.record(audit.Kind.LOGIN_FAILED, user=user, actor=user, request=request, detail="reauthentication")
        raise ValidationError(_("This is not your current password."), code="password_incorrect")
    throttle.refund(counter)


def set_deactivated_at(user: User, time: datetime.datetime | None) -> None:
    """Start or stop the retention period of a closed account."""
    user.deactivated_at = time
    user.save(update_fields=["deactivated_at"])


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
    """Create the missing accounts, one of each role, for trying out the admin; return the new passwords by username.

    The passwords are random, and never stored in clear text.
    """
    passwords = {}
    for role in ROLES:
        username = role.name.lower()
        if User.objects.filter(username=username).exists():
            continue
        password = secrets.token_urlsafe(12)
        user = User.objects.create_user(username, password=password, is_staff=True, is_demo=True)
        user.groups.add(Group.objects.get(name=role.name))
        passwords[username] = password
    return passwords


@transaction.atomic
def purge_closed_accounts(now: datetime.datetime) -> int:
    """Delete the personal data of accounts that were closed CLOSED_ACCOUNT_DAYS ago; return how many there were.

    The row and the person's name stay: revisions, approvals, and releases refer to them.
    """
    closed = User.objects.filter(is_active=False)
    # Closed before the portal recorded the date, or not by a manager: start the retention period now.
    closed.filter(deactivated_at=None).update(deactivated_at=now)
    due = closed.filter(deactivated_at__lt=now - datetime.timedelta(days=settings.CLOSED_ACCOUNT_DAYS))
    users = list(due.exclude(username__regex=rf"^{PURGED_PREFIX}[0-9]+$").order_by("pk"))
    for user in users:
        sessions.revoke_all(user)
        AccessToken.objects.filter(user=user).delete()
        Authenticator.objects.filter(user=user).delete()
        SocialAccount.objects.filter(user=user).delete()
        EmailAddress.objects.filter(user=user).delete()
        if not user.get_full_name():
            user.last_name = user.username
        user.username, user.email, user.last_login = f"{PURGED_PREFIX}{user.pk}", "", None
        user.set_unusable_password()
        user.save()
        user.groups.clear()
        audit.record(audit.Kind.PURGED, user=user, detail="personal data of a closed account")
    return len(users)


@transaction.atomic
def purge_sign_in_events(now: datetime.datetime) -> int:
    """Delete sign-in events that are older than SIGN_IN_LOG_DAYS; return how many there were.

    Deletes at most once a day. The table's protective triggers are dropped for the duration of the transaction.
    """
    today = now.astimezone(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    before = today - datetime.timedelta(days=settings.SIGN_IN_LOG_DAYS)
    if not AuditEvent.objects.filter(created_at__lt=before).exists():
        return 0
    table = connection.ops.quote_name(AuditEvent._meta.db_table)  # noqa: SLF001 -- documented by Django
    with triggers_disabled(AuditEvent), connection.cursor() as cursor:
        value = connection.ops.adapt_datetimefield_value(before)
        cursor.execute(f"DELETE FROM {table} WHERE created_at < %s", [value])  # noqa: S608 -- a constant name
        count = int(cursor.rowcount)
    audit.record(audit.Kind.PURGED, user=None, detail=f"{count} sign-in events before {before:%Y-%m-%d}")
    return count


def purge() -> tuple[int, int]:
    """Enforce both retention periods; return the numbers of accounts and events."""
    now = timezone.now()
    return purge_closed_accounts(now), purge_sign_in_events(now)
