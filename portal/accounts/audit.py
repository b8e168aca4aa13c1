"""Writing the audit log of accounts."""

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from portal.accounts.hashing import origin_hash
from portal.accounts.models import AuditEvent, User

Kind = AuditEvent.Kind


def record(
    kind: AuditEvent.Kind,
    *,
    user: User | None,
    actor: User | AnonymousUser | None = None,
    request: HttpRequest | None = None,
    detail: str = "",
) -> None:
    """Add an event about the account ``user``. ``actor`` is who caused it; not stored when not signed in.

    ``detail`` is stored in English, whatever the active language, and cut to the length of the column.
    """
    AuditEvent.objects.create(
        kind=kind,
        user=user,
        actor=actor if isinstance(actor, User) else None,
        origin=origin_hash(request),
        detail=detail[:200],
    )
