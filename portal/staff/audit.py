"""The one writer of the sign-in log."""

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from portal.staff.models import AuditEvent, User
from portal.staff.origins import origin

Kind = AuditEvent.Kind


def record(
    kind: AuditEvent.Kind,
    *,
    person: User | None,
    actor: User | AnonymousUser | None = None,
    request: HttpRequest | None = None,
    detail: str = "",
) -> None:
    """Add a line about ``person``'s account. ``actor`` is who did it, or nobody yet known."""
    AuditEvent.objects.create(
        kind=kind,
        person=person,
        actor=actor if isinstance(actor, User) else None,
        origin=origin(request),
        detail=detail[:200],
    )
