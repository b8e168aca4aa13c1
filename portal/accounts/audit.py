"""The one writer of the sign-in log."""

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
    """Add a line about ``person``'s account. ``actor`` is who did it, or nobody yet known."""
    AuditEvent.objects.create(
        kind=kind,
        person=user,
        actor=actor if isinstance(actor, User) else None,
        origin=origin_hash(request),
        detail=detail[:200],
    )
