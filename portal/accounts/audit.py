"""Writing the audit log of accounts."""

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from portal.accounts.models import AuditEvent, User, keyed_hash
from portal.security.client_ip import client_network

Kind = AuditEvent.Kind
ORIGIN_LENGTH = 12  # hexadecimal digits


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


def origin_hash(request: HttpRequest | None) -> str:
    """Return ``ORIGIN_LENGTH`` digits that are equal for requests from the same network; empty without one."""
    network = client_network(request) if request else ""
    return keyed_hash("origin", network)[:ORIGIN_LENGTH] if network else ""
